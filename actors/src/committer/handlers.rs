//! What each message does: each is an input of the brain.
use super::Committer;
use crate::messages::committer::{
    BlocksStored, CommitDecision, EvidenceFound, EvidenceTold, ExecuteBlock, NoteTransactions,
    PolkaSeen, PrepareBlock, SyncedBlocks,
};
use crate::runtime::Ctx;
use crate::shell::to_brain;
use actix::prelude::*;
use lockstep_protocol::consensus::committer::Input;
use lockstep_protocol::consensus::tally::Admission;
use lockstep_protocol::nouns::decided::DecidedBlock;

impl Handler<EvidenceTold> for Committer {
    type Result = MessageResult<EvidenceTold>;

    fn handle(&mut self, EvidenceTold(told): EvidenceTold, _: &mut Ctx<Self>) -> Self::Result {
        // Without an answer the state could not be read, and the node ends.
        let admission = self.step(Input::EvidenceTold(told));
        MessageResult(admission.unwrap_or(Admission::Unneeded))
    }
}

to_brain! { Committer:
    ExecuteBlock(block) => Input::Execute(block),
    NoteTransactions(verified) => Input::TransactionsVerified(verified),
    BlocksStored(run) => Input::Stored(run),
    EvidenceFound(evidence) => Input::EvidenceFound(evidence),
    PolkaSeen(polka) => Input::Polka(polka),
}

impl Handler<PrepareBlock> for Committer {
    type Result = ();

    fn handle(&mut self, message: PrepareBlock, _: &mut Ctx<Self>) {
        self.step(Input::Prepare {
            height: message.build.height,
            round: message.build.round,
            now: message.now,
            transactions: message.transactions,
        });
    }
}

impl Handler<CommitDecision> for Committer {
    type Result = ();

    fn handle(&mut self, message: CommitDecision, _: &mut Ctx<Self>) {
        let CommitDecision { block, certificate } = message;
        self.step(Input::Decided(DecidedBlock { block, certificate }));
    }
}

impl Handler<SyncedBlocks> for Committer {
    type Result = ();

    fn handle(&mut self, SyncedBlocks(from, blocks): SyncedBlocks, _: &mut Ctx<Self>) {
        self.step(Input::Synced(from, blocks));
    }
}
