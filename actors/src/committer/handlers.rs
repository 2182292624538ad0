//! What each message does: each is an input of the brain.
use super::Committer;
use crate::messages::committer::{
    BlocksStored, CommitDecision, EvidenceFound, EvidenceTold, ExecuteBlock, NoteTransactions,
    PolkaSeen, PrepareBlock, SyncedBlocks,
};
use crate::shell::{answers, to_brain};
use lockstep_protocol::consensus::committer::Input;
use lockstep_protocol::consensus::tally::Admission;
use lockstep_protocol::nouns::decided::DecidedBlock;

answers! { Committer as this:
    // Without an answer the state could not be read, and the node ends.
    EvidenceTold(told) => this.step(Input::EvidenceTold(told)).unwrap_or(Admission::Unneeded),
}

to_brain! { Committer.step():
    PrepareBlock { build, now, transactions } => Input::Prepare {
        height: build.height,
        round: build.round,
        now,
        transactions,
    },
    CommitDecision { block, certificate } => Input::Decided(DecidedBlock { block, certificate }),
    SyncedBlocks(from, blocks) => Input::Synced(from, blocks),
    ExecuteBlock(block) => Input::Execute(block),
    NoteTransactions(verified) => Input::TransactionsVerified(verified),
    BlocksStored(run) => Input::Stored(run),
    EvidenceFound(evidence) => Input::EvidenceFound(evidence),
    PolkaSeen(polka) => Input::Polka(polka),
}
