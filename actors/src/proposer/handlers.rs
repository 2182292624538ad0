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
use crate::shell::{Deliver, answers, to_brain};
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

answers! { Proposer as this:
    GetProposedBlock(height, id) => this.proposals.proposed(height, &id),
    GetProposals(pull) => this.proposals.answer(&pull),
}

to_brain! { Proposer.step():
    BlockCommitted(_decided, validators) => Input::EnterHeight(validators),
    TransactionsFetched { block_id, transactions } => Input::Fetched(block_id, transactions),
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
