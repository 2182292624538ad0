//! What each message does.
use super::Proposer;
use crate::messages::announcements::{BlockCommitted, ResendRound, RoundEntered};
use crate::messages::proposer::{
    BeginPull, BlockExecuted, BlockFilled, BlockPrepared, BuildBlock, CompactReceived,
    GetProposals, GetProposedBlock, LedgerRebuilt, OwnProposal, ProposalReceived, RetellProposals,
    ScreenProposal, TransactionsFetched,
};
use crate::messages::vote_collector::FinishPull;
use crate::runtime::Ctx;
use crate::shell::{Deliver, to_brain};
use actix::prelude::*;
use lockstep_protocol::consensus::proposals::Input;
use lockstep_protocol::consensus::tally::Admission;
use lockstep_protocol::nouns::pull::Pull;

impl Handler<ProposalReceived> for Proposer {
    type Result = MessageResult<ProposalReceived>;

    fn handle(&mut self, message: ProposalReceived, _: &mut Ctx<Self>) -> Self::Result {
        let (height, round) = (message.0.proposal.height, message.0.proposal.round);
        let admission = self
            .step(Input::Received(message.0))
            .unwrap_or(Admission::Stale);
        log::debug!("proposal for height {height} round {round}: {admission:?}");
        self.seed.metrics.proposal(admission);
        MessageResult(admission)
    }
}

impl Handler<CompactReceived> for Proposer {
    type Result = MessageResult<CompactReceived>;

    fn handle(
        &mut self,
        CompactReceived(assembly): CompactReceived,
        _: &mut Ctx<Self>,
    ) -> Self::Result {
        let (height, round) = (assembly.proposal().height, assembly.proposal().round);
        let named = assembly.leaves().len();
        let missing = assembly.missing();
        let admission = self
            .step(Input::Compact(assembly))
            .unwrap_or(Admission::Stale);
        log::debug!(
            "compact proposal for height {height} round {round}, {missing} of {named} \
             transactions missing: {admission:?}"
        );
        self.seed.metrics.proposal(admission);
        MessageResult(admission)
    }
}

impl Handler<GetProposedBlock> for Proposer {
    type Result = MessageResult<GetProposedBlock>;

    fn handle(&mut self, message: GetProposedBlock, _: &mut Ctx<Self>) -> Self::Result {
        let GetProposedBlock(height, id) = message;
        MessageResult(self.proposals.proposed(height, &id))
    }
}

impl Handler<TransactionsFetched> for Proposer {
    type Result = ();

    fn handle(&mut self, message: TransactionsFetched, _: &mut Ctx<Self>) {
        let TransactionsFetched {
            block_id,
            transactions,
        } = message;
        self.step(Input::Fetched(block_id, transactions));
    }
}

impl Handler<BeginPull> for Proposer {
    type Result = ();

    fn handle(&mut self, message: BeginPull, _: &mut Ctx<Self>) {
        let BeginPull {
            peer,
            height,
            round,
        } = message;
        let mut pull = Pull::new(height, round);
        self.proposals.hold(&mut pull);
        self.seed.ports.pull.deliver(FinishPull { peer, pull });
    }
}

impl Handler<GetProposals> for Proposer {
    type Result = MessageResult<GetProposals>;

    fn handle(&mut self, GetProposals(pull): GetProposals, _: &mut Ctx<Self>) -> Self::Result {
        MessageResult(self.proposals.answer(&pull))
    }
}

impl Handler<ScreenProposal> for Proposer {
    type Result = MessageResult<ScreenProposal>;

    fn handle(&mut self, message: ScreenProposal, _: &mut Ctx<Self>) -> Self::Result {
        let ScreenProposal { head, is_compact } = message;
        let refusal = self.step(if is_compact {
            Input::ScreenCompact(Box::new(head))
        } else {
            Input::Screen(Box::new(head))
        });
        if let Some(refusal) = refusal {
            self.seed.metrics.proposal(refusal);
        }
        MessageResult(refusal)
    }
}

impl Handler<BlockCommitted> for Proposer {
    type Result = ();

    fn handle(&mut self, message: BlockCommitted, _: &mut Ctx<Self>) {
        self.step(Input::EnterHeight(message.1));
    }
}

to_brain! { Proposer:
    BuildBlock { height, round } => Input::Build(height, round),
    BlockFilled { build, transactions } => {
        Input::Filled(build.height, build.round, transactions)
    },
    BlockPrepared { build, block } => Input::Prepared(build.height, build.round, block),
    OwnProposal(message) => Input::Own(message),
    BlockExecuted(id, valid) => Input::Executed(id, valid),
    RoundEntered(height, round) => Input::EnterRound(height, round),
    ResendRound(height, round) => Input::Resend(height, round),
    LedgerRebuilt => Input::AskAgain,
    RetellProposals => Input::Retell,
}
