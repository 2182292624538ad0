//! What the brain says, carried out.
use super::Proposer;
use crate::clock::watch::Untimely;
use crate::messages::block_sync::PeerAhead;
use crate::messages::committer::{EvidenceFound, ExecuteBlock, PrepareBlock};
use crate::messages::mempool::FillBlock;
use crate::messages::peer_broadcaster::{Broadcast, FetchTransactions};
use crate::messages::proposer::BuildBlock;
use crate::messages::round_driver::{
    BlockBuilt, MessageRefused, OwnMessageSeen, ProposalChecked, QuorumReached,
};
use crate::messages::vote_collector::ProposalVerified;
use crate::shell::Deliver;
use lockstep_protocol::consensus::facts::{CheckedProposal, Verdict};
use lockstep_protocol::consensus::proposals::{Input, Output};
use lockstep_protocol::consensus::tally::Admission;
use lockstep_protocol::types::Height;

impl Proposer {
    /// Lets the brain take this, and does what it says. Answers what became of a message.
    pub(super) fn step(&mut self, input: Input) -> Option<Admission> {
        let outputs = self.proposals.step(self.seed.clock.wall(), input);
        self.carry(outputs)
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
