//! **VoteCollector** owns the votes of the height under decision. Its brain is [`Tally`].
use crate::clock::Clock;
use crate::limits::SILENT_AFTER_MS;
use crate::messages::block_sync::PeerAhead;
use crate::messages::committer::EvidenceFound;
use crate::messages::peer_broadcaster::{Broadcast, PullMessages};
use crate::messages::round_driver::{
    AnnounceRound, MessageRefused, OwnEquivocationSeen, OwnMessageSeen, QuorumReached,
};
use crate::metrics::Metrics;
use crate::runtime::{Ctx, Port};
use crate::shell::Deliver;
use crate::state_store::Store;
use crate::timelines::Timelines;
use actix::prelude::*;
use lockstep_protocol::consensus::tally::Tally;
use lockstep_protocol::ledger::ChainRules;
use lockstep_protocol::types::Address;
use lockstep_protocol::validators::schedule::ValidatorSchedule;
use std::sync::Arc;

mod handlers;
#[cfg(test)]
mod tests;

/// What the collector tells.
#[derive(Clone)]
#[cfg_attr(test, derive(Default))]
pub(crate) struct Ports {
    /// RoundDriver: quorums.
    pub(crate) quorum: Port<QuorumReached>,
    /// RoundDriver: I have restarted.
    pub(crate) announce: Port<AnnounceRound>,
    /// RoundDriver: a message under its key.
    pub(crate) own_seen: Port<OwnMessageSeen>,
    /// RoundDriver: its key has contradicted itself.
    pub(crate) own_equivocation: Port<OwnEquivocationSeen>,
    /// PeerBroadcaster: E6.
    pub(crate) broadcast: Port<Broadcast>,
    /// BlockSync.
    pub(crate) ahead: Port<PeerAhead>,
    /// RoundDriver: this I did not keep.
    pub(crate) refused: Port<MessageRefused>,
    /// PeerBroadcaster: a question, finished.
    pub(crate) pull: Port<PullMessages>,
    /// Committer.
    pub(crate) evidence: Port<EvidenceFound>,
}

/// What an incarnation is made from.
#[derive(Clone)]
pub(crate) struct Seed {
    pub(crate) rules: Arc<ChainRules>,
    pub(crate) me: Address,
    /// Where the height is read at a restart.
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) timelines: Arc<Timelines>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) ports: Ports,
}

/// The actor.
pub(crate) struct VoteCollector {
    seed: Seed,
    tally: Tally,
}

impl VoteCollector {
    /// Counts for the height after `committed`.
    pub(crate) fn new(seed: Seed, validators: &ValidatorSchedule) -> VoteCollector {
        let mut tally = Tally::new(seed.rules.context, seed.me, validators, SILENT_AFTER_MS);
        if seed.store.is_untouched() {
            tally = tally.in_a_new_home();
        }
        VoteCollector { seed, tally }
    }
}

impl Actor for VoteCollector {
    type Context = Ctx<Self>;
}

impl Supervised for VoteCollector {
    fn restarting(&mut self, _: &mut Ctx<Self>) {
        let validators = self.seed.store.schedule(&self.seed.rules);
        *self = VoteCollector::new(self.seed.clone(), &validators);
        self.seed.ports.announce.deliver(AnnounceRound);
    }
}
