//! What the brain says, carried out.
use super::VoteCollector;
use crate::messages::block_sync::PeerAhead;
use crate::messages::committer::EvidenceFound;
use crate::messages::peer_broadcaster::Broadcast;
use crate::messages::round_driver::{
    MessageRefused, OwnEquivocationSeen, OwnMessageSeen, QuorumReached,
};
use crate::shell::Deliver;
use lockstep_protocol::consensus::tally::{Admission, Input, Output};
use std::sync::Arc;

impl VoteCollector {
    /// Lets the brain take this, and does what it says. Answers what became of a message.
    pub(super) fn step(&mut self, input: Input) -> Option<Admission> {
        let mut admission = None;
        let ports = &self.seed.ports;
        for output in self.tally.step(self.seed.clock.now(), input) {
            match output {
                Output::Fact(height, fact) => {
                    ports.quorum.deliver(QuorumReached(height, fact));
                }
                Output::Ahead(validator, height) => {
                    ports.ahead.deliver(PeerAhead(validator, height));
                }
                Output::Evidence(evidence) => {
                    ports.evidence.deliver(EvidenceFound(evidence));
                }
                Output::OwnSeen(position) => {
                    ports.own_seen.deliver(OwnMessageSeen(position));
                }
                Output::OwnEquivocation(height) => {
                    let seen = OwnEquivocationSeen(height);
                    ports.own_equivocation.deliver(seen);
                }
                Output::Relay(votes) => {
                    for vote in votes {
                        ports.broadcast.deliver(Broadcast::Vote(Arc::new(vote)));
                    }
                }
                Output::Admission(what) => admission = Some(what),
                Output::Refused(sender, height) => {
                    let refused = MessageRefused(sender, height);
                    ports.refused.deliver(refused);
                }
            }
        }
        admission
    }
}
