//! **PeerBroadcaster** owns the way out: one bounded outbox, one HTTP client and one task per peer,
//! so that a dead peer delays nobody else. Stale frames go first, the newest are kept.
use crate::clock::Clock;
use crate::limits::{OUTBOX_BYTES_MAX, OUTBOX_FRAMES_MAX};
use crate::messages::block_sync::{BlocksArrived, PeerAhead, PeerGone, PeerKeeps, PeerStands};
use crate::messages::mempool::PassOnAgain;
use crate::messages::proposer::{ProposalReceived, TransactionsFetched};
use crate::messages::round_driver::{PullEnded, SignQuestion};
use crate::messages::vote_collector::VoteReceived;
use crate::metrics::Metrics;
use crate::peers::{Handshake, Peer, Resolve};
use crate::runtime::{Ctx, Port};
use crate::shell::Deliver;
use crate::view::{NodeView, PeerView};
use actix::prelude::*;
use lockstep_protocol::consensus::catch_up::Arrival;
use lockstep_protocol::nouns::sign_bytes::SignContext;
use lockstep_protocol::nouns::standing::sets_of;
use lockstep_protocol::types::Address;
use lockstep_protocol::validators::schedule::ValidatorSchedule;
use lockstep_protocol::wire::Wire;
use outbox::{Frame, Outbox};
use parking_lot::RwLock;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

mod back_off;
mod client;
mod compact;
#[cfg(test)]
mod fake_peer;
mod gossip;
mod handlers;
mod link;
mod outbox;
mod pull;
mod standing;

/// What the broadcaster tells.
#[derive(Clone)]
#[cfg_attr(test, derive(Default))]
pub(crate) struct Ports {
    /// BlockSync: what a peer answered.
    pub(crate) blocks: Port<BlocksArrived>,
    /// BlockSync: a peer's height.
    pub(crate) ahead: Port<PeerAhead>,
    /// BlockSync: what a peer says and signs of how far it is, asked for it.
    pub(crate) stands: Port<PeerStands>,
    /// BlockSync: a peer is not there.
    pub(crate) gone: Port<PeerGone>,
    /// RoundDriver: the question to a peer how far it is, signed.
    pub(crate) question: Port<SignQuestion>,
    /// BlockSync: what a peer keeps.
    pub(crate) keeps: Port<PeerKeeps>,
    /// VoteCollector: a vote that a peer has answered.
    pub(crate) pulled_vote: Port<VoteReceived>,
    /// Proposer: a proposal that a peer has answered.
    pub(crate) pulled_proposal: Port<ProposalReceived>,
    /// RoundDriver: a question is over.
    pub(crate) pull_ended: Port<PullEnded>,
    /// Mempool: transactions may have been lost on their way.
    pub(crate) pass_on_again: Port<PassOnAgain>,
    /// Proposer: what a peer has answered of its proposal.
    pub(crate) fetched: Port<TransactionsFetched>,
}

/// What an incarnation is made from.
#[derive(Clone)]
pub(crate) struct Seed {
    /// What this node says of itself to peers.
    pub(crate) handshake: Handshake,
    /// Writes messages of this chain.
    pub(crate) wire: Wire,
    /// What signatures of this chain cover.
    pub(crate) context: SignContext,
    /// Known once this node has arrived: then nobody is asked any more how far it is.
    pub(crate) arrival: Arc<OnceLock<Arrival>>,
    /// The peers; kept here so that a restart knows them.
    pub(crate) peers: Arc<RwLock<Vec<Peer>>>,
    pub(crate) clock: Clock,
    pub(crate) view: Arc<NodeView>,
    pub(crate) metrics: Arc<Metrics>,
    /// How names are looked up.
    pub(crate) resolve: Resolve,
    pub(crate) ports: Ports,
}

/// The actor.
pub(crate) struct PeerBroadcaster {
    seed: Seed,
    outboxes: BTreeMap<Address, Outbox>,
}

impl PeerBroadcaster {
    /// No link yet; [`Actor::started`] makes them.
    pub(crate) fn new(seed: Seed) -> PeerBroadcaster {
        PeerBroadcaster {
            seed,
            outboxes: BTreeMap::new(),
        }
    }

    /// These are the peers from now on. Whoever is one already, at the same place, keeps its link and
    /// what waits in it; the links of others end, and those to whoever is new here are told.
    fn relink(&mut self, peers: Vec<Peer>, ctx: &mut Ctx<Self>) -> Vec<Address> {
        let before = std::mem::take(&mut *self.seed.peers.write());
        let as_before = |peer: &Peer| {
            before
                .iter()
                .find(|known| known.is_placed_as(peer))
                .cloned()
        };
        let kept: Vec<Peer> = peers.iter().filter_map(as_before).collect();
        self.outboxes.retain(|address, outbox| {
            let stays = kept.iter().any(|peer| peer.address == *address);
            if !stays {
                outbox.close();
                log::info!("peer {address} has no link there any more");
            }
            stays
        });
        // A name that stays leads where it was last found to.
        let peers = peers.into_iter();
        let peers = peers.map(|peer| as_before(&peer).unwrap_or(peer)).collect();
        *self.seed.peers.write() = peers;
        self.connect(ctx)
    }

    /// Links the peers that have no link; returns who they are.
    fn connect(&mut self, ctx: &mut Ctx<Self>) -> Vec<Address> {
        let peers = self.seed.peers.read().clone();
        let shown = self.seed.view.peers().into_iter();
        let linked = shown.filter(|peer| self.outboxes.contains_key(&peer.address));
        let mut linked: BTreeMap<_, _> = linked.map(|peer| (peer.address, peer)).collect();
        let shown = |peer: &Peer| {
            linked
                .remove(&peer.address)
                .unwrap_or_else(|| PeerView::new(peer.address, peer.url()))
        };
        self.seed.view.set_peers(peers.iter().map(shown));
        let is_validator = self.is_validator(&self.seed.view.validators());
        let unlinked = |peer: &Peer| !self.outboxes.contains_key(&peer.address);
        let unlinked: Vec<Peer> = peers.into_iter().filter(unlinked).collect();
        let linked = unlinked.iter().map(|peer| peer.address).collect();
        for peer in unlinked {
            let outbox = Outbox::new(OUTBOX_FRAMES_MAX, OUTBOX_BYTES_MAX);
            outbox.set_validator(is_validator);
            self.outboxes.insert(peer.address, outbox.clone());
            let seed = self.seed.clone();
            // In the actor's own context: the links die with this incarnation.
            ctx.spawn(link::run(peer, seed, outbox).into_actor(self));
        }
        linked
    }

    /// Whether this node is a validator of the height under decision, or of the next.
    fn is_validator(&self, validators: &ValidatorSchedule) -> bool {
        let me = &self.seed.handshake.validator;
        let sets = sets_of(validators);
        sets.into_iter().any(|set| set.index_of(me).is_some())
    }

    fn broadcast(&self, frame: Frame) {
        for outbox in self.outboxes.values() {
            let dropped = outbox.push(frame.clone());
            self.seed.metrics.frames_dropped.inc_by(dropped as u64);
        }
    }
}

impl Actor for PeerBroadcaster {
    type Context = Ctx<Self>;

    fn started(&mut self, ctx: &mut Ctx<Self>) {
        self.connect(ctx);
    }
}

impl Supervised for PeerBroadcaster {
    fn restarting(&mut self, _: &mut Ctx<Self>) {
        *self = PeerBroadcaster::new(self.seed.clone());
        // What waited in the outboxes is lost.
        self.seed.ports.pass_on_again.deliver(PassOnAgain(None));
    }
}

#[cfg(test)]
mod tests;
