//! What each message does, and how what the brain then says is carried out.
use super::Proposer;
use crate::clock::watch::Untimely;
use crate::messages::announcements::{BlockCommitted, ResendRound, RoundEntered};
use crate::messages::block_sync::PeerAhead;
use crate::messages::committer::{EvidenceFound, ExecuteBlock, PrepareBlock};
use crate::messages::mempool::FillBlock;
use crate::messages::peer_broadcaster::{Broadcast, FetchTransactions};
use crate::messages::proposer::{
    BeginPull, BlockExecuted, BlockFilled, BlockPrepared, BuildBlock, CompactReceived,
    GetProposals, GetProposedBlock, LedgerRebuilt, OwnProposal, ProposalReceived, RetellProposals,
    ScreenProposal, TransactionsFetched,
};
use crate::messages::round_driver::{
    BlockBuilt, MessageRefused, OwnMessageSeen, ProposalChecked, QuorumReached,
};
use crate::messages::vote_collector::{FinishPull, ProposalVerified};
use crate::runtime::Ctx;
use crate::shell::{Deliver, answers, to_brain};
use crate::timelines::{Did, Note};
use actix::prelude::*;
use lockstep_protocol::consensus::facts::{CheckedProposal, Verdict};
use lockstep_protocol::consensus::proposals::{Input, Output};
use lockstep_protocol::consensus::tally::Admission;
use lockstep_protocol::nouns::pull::Pull;
use lockstep_protocol::types::Height;
use std::time::Instant;

impl Handler<ProposalReceived> for Proposer {
    type Result = MessageResult<ProposalReceived>;

    fn handle(&mut self, message: ProposalReceived, _: &mut Ctx<Self>) -> Self::Result {
        let (height, round) = (message.0.proposal.height, message.0.proposal.round);
        let came = Note::proposal(Did::ProposalReceived, &message.0.proposal);
        let admission = self.arrived(came, Input::Received(message.0));
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
        let came = Note::proposal(Did::ProposalReceived, assembly.proposal());
        let admission = self.arrived(came, Input::Compact(assembly));
        log::debug!(
            "compact proposal for height {height} round {round}, {missing} of {named} \
             transactions missing: {admission:?}"
        );
        self.seed.metrics.proposal(admission);
        MessageResult(admission)
    }
}

impl Handler<TransactionsFetched> for Proposer {
    type Result = ();

    fn handle(&mut self, message: TransactionsFetched, _: &mut Ctx<Self>) {
        let TransactionsFetched {
            block_id,
            transactions,
        } = message;
        let wall = self.seed.clock.wall();
        let fetched = Input::Fetched(block_id, transactions);
        let outputs = self.proposals.step(wall, fetched);
        self.note_verified(&outputs);
        self.carry(outputs);
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

impl Proposer {
    /// Lets the brain take this, and does what it says. Answers what became of a message.
    pub(super) fn step(&mut self, input: Input) -> Option<Admission> {
        let outputs = self.proposals.step(self.seed.clock.wall(), input);
        self.carry(outputs)
    }

    /// A proposal has come: what became of it.
    fn arrived(&mut self, came: Note, input: Input) -> Admission {
        let came_at = Instant::now();
        let outputs = self.proposals.step(self.seed.clock.wall(), input);
        let admission = outputs.iter().find_map(|output| match output {
            Output::Admission(what) => Some(*what),
            _ => None,
        });
        let admission = admission.unwrap_or(Admission::Stale);
        if matches!(admission, Admission::Counted | Admission::Incomplete) {
            self.seed.view.timelines.note_at(came_at, came);
            self.note_verified(&outputs);
        }
        self.carry(outputs);
        admission
    }

    /// Once it is verified and whole, a proposal counts as its sender's prevote as well (E1).
    fn note_verified(&self, outputs: &[Output]) {
        for output in outputs {
            if let Output::Prevote(proposal) = output {
                for did in [Did::ProposalVerified, Did::PrevoteReceived] {
                    let note = Note::proposal(did, proposal);
                    self.seed.view.timelines.note(note);
                }
            }
        }
    }

    fn carry(&self, outputs: Vec<Output>) -> Option<Admission> {
        let mut admission = None;
        let ports = &self.seed.ports;
        for output in outputs {
            match output {
                Output::Admission(what) => admission = Some(what),
                Output::Fetch(peer, missing) => {
                    ports.fetch.deliver(FetchTransactions { peer, missing });
                }
                Output::Execute(block) => ports.execute.deliver(ExecuteBlock(block)),
                Output::Skip(height, round, proposer) => {
                    let name = proposer.short();
                    log::trace!("height {height} round {round} is the turn of {name}");
                }
                Output::Fill(height, round) => {
                    ports.fill.deliver(FillBlock(BuildBlock { height, round }));
                }
                Output::Prepare(height, round, transactions) => {
                    ports.prepare.deliver(PrepareBlock {
                        build: BuildBlock { height, round },
                        now: self.seed.clock.wall(),
                        transactions,
                    });
                }
                Output::Built(height, round, block) => {
                    let built = Note::new(Did::ProposalBuilt, height, round);
                    self.seed.view.timelines.note(built);
                    ports.built.deliver(BlockBuilt(height, round, block));
                }
                Output::Checked(height, checked) => {
                    self.note_time(height, &checked);
                    ports.checked.deliver(ProposalChecked(height, checked));
                }
                Output::Fact(height, fact) => ports.quorum.deliver(QuorumReached(height, fact)),
                Output::Prevote(proposal) => ports.verified.deliver(ProposalVerified(proposal)),
                Output::Evidence(evidence) => ports.evidence.deliver(EvidenceFound(evidence)),
                Output::OwnSeen(position) => ports.own_seen.deliver(OwnMessageSeen(position)),
                Output::Ahead(validator, height) => {
                    ports.ahead.deliver(PeerAhead(validator, height));
                }
                Output::Refused(sender, height) => {
                    ports.refused.deliver(MessageRefused(sender, height));
                }
                Output::Relay(message) => ports.broadcast.deliver(Broadcast::Proposal(message)),
            }
        }
        admission
    }

    /// Counts and shows what is refused for its time.
    fn note_time(&self, height: Height, checked: &CheckedProposal) {
        if checked.verdict != Verdict::Untimely {
            return;
        }
        self.seed.metrics.proposals_untimely.inc();
        let header = checked.block.header();
        let ahead_ms = header.time.0.saturating_sub(self.seed.clock.wall().0);
        self.seed.view.clocks.refused(Untimely {
            height,
            proposer: header.proposer,
            ahead_ms,
        });
    }
}
