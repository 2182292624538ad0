//! **Proposer** owns proposals. *My turn?* It has a block built on the head; the RoundDriver signs
//! it. *Not my turn?* It skips and waits for the proposer's message: no error, no await. Proposals
//! of others it verifies and has executed; its brain for these is [`Proposals`].
use crate::clock::Clock;
use crate::messages::block_sync::PeerAhead;
use crate::messages::committer::{EvidenceFound, ExecuteBlock, PrepareBlock};
use crate::messages::mempool::FillBlock;
use crate::messages::peer_broadcaster::{Broadcast, FetchTransactions};
use crate::messages::round_driver::{
    AnnounceRound, BlockBuilt, MessageRefused, OwnMessageSeen, ProposalChecked, QuorumReached,
};
use crate::messages::vote_collector::{FinishPull, ProposalVerified};
use crate::metrics::Metrics;
use crate::runtime::{Ctx, Port};
use crate::shell::Deliver;
use crate::state_store::Store;
use crate::view::NodeView;
use actix::prelude::*;
use lockstep_protocol::consensus::proposals::Proposals;
use lockstep_protocol::ledger::ChainRules;
use lockstep_protocol::types::Address;
use lockstep_protocol::validators::schedule::ValidatorSchedule;
use std::sync::Arc;

mod handlers;
#[cfg(test)]
mod tests;

/// What the proposer tells.
#[derive(Clone)]
#[cfg_attr(test, derive(Default))]
pub(crate) struct Ports {
    /// Committer: is it valid?
    pub(crate) execute: Port<ExecuteBlock>,
    /// Mempool: what waits for a block?
    pub(crate) fill: Port<FillBlock>,
    /// Committer: make a block of these.
    pub(crate) prepare: Port<PrepareBlock>,
    /// RoundDriver: a checked proposal.
    pub(crate) checked: Port<ProposalChecked>,
    /// RoundDriver: a polka that came with a proposal.
    pub(crate) quorum: Port<QuorumReached>,
    /// RoundDriver: my block.
    pub(crate) built: Port<BlockBuilt>,
    /// RoundDriver: I have restarted.
    pub(crate) announce: Port<AnnounceRound>,
    /// VoteCollector: its sender's prevote.
    pub(crate) verified: Port<ProposalVerified>,
    /// PeerBroadcaster: E6.
    pub(crate) broadcast: Port<Broadcast>,
    /// PeerBroadcaster: ask a peer for what a compact proposal names.
    pub(crate) fetch: Port<FetchTransactions>,
    /// BlockSync.
    pub(crate) ahead: Port<PeerAhead>,
    /// RoundDriver: this I did not keep.
    pub(crate) refused: Port<MessageRefused>,
    /// RoundDriver: a message under its key.
    pub(crate) own_seen: Port<OwnMessageSeen>,
    /// VoteCollector: a question, half written.
    pub(crate) pull: Port<FinishPull>,
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
    pub(crate) view: Arc<NodeView>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) ports: Ports,
}

/// The actor.
pub(crate) struct Proposer {
    seed: Seed,
    proposals: Proposals,
}

impl Proposer {
    /// Waits for proposals of the height after `committed`.
    pub(crate) fn new(seed: Seed, validators: &ValidatorSchedule) -> Proposer {
        let proposals = Proposals::new(seed.rules.context, seed.me, validators);
        Proposer { seed, proposals }
    }
}

impl Actor for Proposer {
    type Context = Ctx<Self>;
}

impl Supervised for Proposer {
    fn restarting(&mut self, _: &mut Ctx<Self>) {
        let validators = self.seed.store.schedule(&self.seed.rules);
        *self = Proposer::new(self.seed.clone(), &validators);
        self.seed.ports.announce.deliver(AnnounceRound);
    }
}
