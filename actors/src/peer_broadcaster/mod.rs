//! **PeerBroadcaster** owns the way out: one bounded outbox, one HTTP client and one task per peer,
//! so that a dead peer delays nobody else. Stale frames go first, the newest are kept.
use crate::block_sync::{BlocksArrived, PeerAhead, PeerGone, PeerKeeps, PeerStands};
use crate::clock::Clock;
use crate::committer::BlockCommitted;
use crate::limits::{OUTBOX_BYTES_MAX, OUTBOX_FRAMES_MAX};
use crate::mempool::PassOnAgain;
use crate::metrics::Metrics;
use crate::proposer::{ProposalReceived, TransactionsFetched};
use crate::round_driver::{PullEnded, SignQuestion};
use crate::runtime::{Ctx, Port};
use crate::view::{NodeView, PeerView};
use crate::vote_collector::VoteReceived;
use actix::prelude::*;
use actix_web::web::Bytes;
use lockstep_protocol::codec;
use lockstep_protocol::compact::{CompactProposal, Missing};
use lockstep_protocol::consensus::catch_up::Arrival;
use lockstep_protocol::evidence::Evidence;
use lockstep_protocol::mempool::Entry;
use lockstep_protocol::proposal::ProposedBlock;
use lockstep_protocol::pull::Pull;
use lockstep_protocol::sign_bytes::SignContext;
use lockstep_protocol::types::{Address, Height};
use lockstep_protocol::vote::SignedVote;
use lockstep_protocol::wire::Wire;
use parking_lot::RwLock;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

mod back_off;
mod client;
mod compact;
#[cfg(test)]
mod fake_peer;
mod gossip;
mod handshake;
mod link;
mod outbox;
mod pull;
mod resolve;
mod standing;

use gossip::Gossip;
pub use handshake::{Handshake, Mismatch};
use link::LinkSeed;
use outbox::{Frame, Outbox, Path};
pub use resolve::{Resolve, system as system_resolver};

/// Send this to every peer.
#[derive(Clone, Debug)]
pub enum Broadcast {
    /// This node's proposal, told for the first time: `POST /consensus/compact`, with what a peer
    /// is not believed to hold; if that is not shorter, as the next.
    NewProposal(Arc<ProposedBlock>),
    /// `POST /consensus/proposal`.
    Proposal(Arc<ProposedBlock>),
    /// `POST /consensus/vote`.
    Vote(Arc<SignedVote>),
}

/// Pass these on to this peer, or to every one, in batches and apart from what consensus says.
#[derive(Clone, Debug)]
pub struct GossipTransactions(pub Vec<Entry>, pub Option<Address>);

/// No block has carried these yet: every peer must know. Apart from what consensus says.
#[derive(Clone, Debug)]
pub struct TellEvidence(pub Vec<Evidence>);

/// Ask this peer for blocks; answered by [`BlocksArrived`].
#[derive(Clone, Copy, Debug)]
pub struct RequestBlocks {
    /// The validator whose node is asked.
    pub peer: Address,
    /// The first height.
    pub from: Height,
    /// How many at the most.
    pub limit: u64,
}

/// Ask this peer for the messages that are lacking here; they arrive as if it had pushed them, and
/// then [`PullEnded`].
#[derive(Debug)]
pub struct PullMessages {
    /// The validator whose node is asked.
    pub peer: Address,
    /// What is held here.
    pub pull: Pull,
}

/// Ask this peer for transactions of its proposal; answered by [`TransactionsFetched`].
#[derive(Debug)]
pub struct FetchTransactions {
    /// The validator whose node is asked.
    pub peer: Address,
    /// Which ones.
    pub missing: Missing,
}

/// These are the peers from now on. Told once all ports are known.
#[derive(Clone, Debug)]
pub struct ConnectPeers(pub Vec<Peer>);

crate::message! {
    Broadcast => (), RequestBlocks => (), ConnectPeers => (), PullMessages => (),
    GossipTransactions => (), TellEvidence => (), FetchTransactions => (),
}

/// Another validator's node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The validator.
    pub address: Address,
    /// Where its node listens to other nodes.
    pub place: Place,
}

/// Where a peer listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// It stays there.
    At(SocketAddr),
    /// It has a name, which is looked up again when the peer is not where it was found.
    Named {
        /// `host:port`.
        name: Arc<str>,
        /// Where the name led when it was last found; `None`: not known yet.
        found: Option<SocketAddr>,
    },
}

impl Peer {
    /// One that stays where it is.
    pub fn at(address: Address, listens: SocketAddr) -> Peer {
        let place = Place::At(listens);
        Peer { address, place }
    }

    /// One with a name, `host:port`, and where that led; `None`: not known yet.
    pub fn named(address: Address, name: &str, found: Option<SocketAddr>) -> Peer {
        let name = name.into();
        let place = Place::Named { name, found };
        Peer { address, place }
    }

    /// Where its node listens to other nodes, as far as that is known.
    pub fn listens(&self) -> Option<SocketAddr> {
        match self.place {
            Place::At(listens) => Some(listens),
            Place::Named { found, .. } => found,
        }
    }

    fn url(&self) -> String {
        match &self.place {
            Place::Named { name, found: None } => format!("http://{name}"),
            Place::At(at)
            | Place::Named {
                found: Some(at), ..
            } => format!("http://{at}"),
        }
    }
}

/// Whether a URI can name this address. One of a single link cannot be: its scope (`%2`) is no part
/// of a host.
pub fn has_uri(listens: &SocketAddr) -> bool {
    !matches!(listens, SocketAddr::V6(v6) if v6.scope_id() != 0)
}

/// What the broadcaster tells.
#[derive(Clone)]
pub struct Ports {
    /// BlockSync: what a peer answered.
    pub blocks: Port<BlocksArrived>,
    /// BlockSync: a peer's height.
    pub ahead: Port<PeerAhead>,
    /// BlockSync: what a peer says and signs of how far it is, asked for it.
    pub stands: Port<PeerStands>,
    /// BlockSync: a peer is not there.
    pub gone: Port<PeerGone>,
    /// RoundDriver: the question to a peer how far it is, signed.
    pub question: Port<SignQuestion>,
    /// BlockSync: what a peer keeps.
    pub keeps: Port<PeerKeeps>,
    /// VoteCollector: a vote that a peer has answered.
    pub pulled_vote: Port<VoteReceived>,
    /// Proposer: a proposal that a peer has answered.
    pub pulled_proposal: Port<ProposalReceived>,
    /// RoundDriver: a question is over.
    pub pull_ended: Port<PullEnded>,
    /// Mempool: transactions may have been lost on their way.
    pub pass_on_again: Port<PassOnAgain>,
    /// Proposer: what a peer has answered of its proposal.
    pub fetched: Port<TransactionsFetched>,
}

/// What an incarnation is made from.
#[derive(Clone)]
pub struct Seed {
    /// What this node says of itself to peers.
    pub handshake: Handshake,
    /// Writes messages of this chain.
    pub wire: Wire,
    /// What signatures of this chain cover.
    pub context: SignContext,
    /// Known once this node has arrived: then nobody is asked any more how far it is.
    pub arrival: Arc<OnceLock<Arrival>>,
    /// The peers; kept here so that a restart knows them.
    pub peers: Arc<RwLock<Vec<Peer>>>,
    /// The node's clocks.
    pub clock: Clock,
    /// What the node shows of itself.
    pub view: Arc<NodeView>,
    /// The node's metrics.
    pub metrics: Arc<Metrics>,
    /// How names are looked up.
    pub resolve: Resolve,
    /// What it tells.
    pub ports: Ports,
}

/// The actor.
pub struct PeerBroadcaster {
    seed: Seed,
    outboxes: BTreeMap<Address, Outbox>,
}

impl PeerBroadcaster {
    /// No link yet; [`Actor::started`] makes them.
    pub fn new(seed: Seed) -> PeerBroadcaster {
        PeerBroadcaster {
            seed,
            outboxes: BTreeMap::new(),
        }
    }

    fn connect(&mut self, ctx: &mut Ctx<Self>) {
        let peers = self.seed.peers.read().clone();
        self.seed.view.set_peers(peers.iter().map(|peer| PeerView {
            address: peer.address,
            url: peer.url(),
            reachable: false,
            height: Height(0),
            earliest_height: Height(0),
            clock_difference_ms: None,
            outbox: 0,
            refused: None,
        }));
        self.outboxes.clear();
        for peer in peers {
            let outbox = Outbox::new(OUTBOX_FRAMES_MAX, OUTBOX_BYTES_MAX);
            self.outboxes.insert(peer.address, outbox.clone());
            let seed = LinkSeed {
                peer,
                peers: self.seed.peers.clone(),
                resolve: self.seed.resolve.clone(),
                handshake: self.seed.handshake.clone(),
                wire: self.seed.wire,
                clock: self.seed.clock,
                context: self.seed.context,
                arrival: self.seed.arrival.clone(),
                view: self.seed.view.clone(),
                metrics: self.seed.metrics.clone(),
                ports: self.seed.ports.clone(),
            };
            // In the actor's own context: the links die with this incarnation.
            ctx.spawn(link::run(seed, outbox).into_actor(self));
        }
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
        // What waited in the outboxes is lost. Full or closed: this node proposes them itself.
        let _ = self.seed.ports.pass_on_again.tell(PassOnAgain(None));
    }
}

impl Handler<ConnectPeers> for PeerBroadcaster {
    type Result = ();

    fn handle(&mut self, ConnectPeers(peers): ConnectPeers, ctx: &mut Ctx<Self>) {
        for outbox in self.outboxes.values() {
            outbox.close();
        }
        *self.seed.peers.write() = peers;
        self.connect(ctx);
    }
}

impl Handler<Broadcast> for PeerBroadcaster {
    type Result = ();

    fn handle(&mut self, message: Broadcast, _: &mut Ctx<Self>) {
        let wire = &self.seed.wire;
        let (path, height, body) = match message {
            Broadcast::NewProposal(proposal) => return self.tell_new(&proposal),
            Broadcast::Proposal(proposal) => {
                let height = Some(proposal.proposal.height);
                (Path::Proposal, height, wire.encode_proposal(&proposal))
            }
            Broadcast::Vote(vote) => (Path::Vote, Some(vote.vote.height), wire.encode_vote(&vote)),
        };
        self.broadcast(Frame {
            path,
            height,
            body: Bytes::from(body),
        });
    }
}

impl Handler<GossipTransactions> for PeerBroadcaster {
    type Result = ();

    fn handle(&mut self, message: GossipTransactions, _: &mut Ctx<Self>) {
        let GossipTransactions(transactions, only) = message;
        for entry in transactions {
            let gossip = Gossip {
                leaf: entry.leaf,
                bytes: Bytes::from(codec::encode(&*entry.transaction)),
            };
            let outboxes = self.outboxes.iter();
            for (_, outbox) in outboxes.filter(|(peer, _)| only.is_none_or(|only| only == **peer)) {
                let dropped = outbox.gossip(gossip.clone());
                self.seed.metrics.gossip_dropped.inc_by(dropped as u64);
            }
        }
    }
}

impl Handler<TellEvidence> for PeerBroadcaster {
    type Result = ();

    fn handle(&mut self, TellEvidence(told): TellEvidence, _: &mut Ctx<Self>) {
        for evidence in &told {
            let body = Bytes::from(self.seed.wire.encode_evidence(evidence));
            for outbox in self.outboxes.values() {
                let dropped = outbox.accuse(body.clone());
                self.seed.metrics.frames_dropped.inc_by(dropped as u64);
            }
        }
    }
}

impl Handler<RequestBlocks> for PeerBroadcaster {
    type Result = ();

    fn handle(&mut self, request: RequestBlocks, _: &mut Ctx<Self>) {
        match self.outboxes.get(&request.peer) {
            Some(outbox) => outbox.request_blocks(request.from, request.limit),
            None => {
                let arrived = BlocksArrived {
                    peer: request.peer,
                    from: request.from,
                    answer: None,
                };
                // Full or closed: BlockSync's own patience covers it.
                let _ = self.seed.ports.blocks.tell(arrived);
            }
        }
    }
}

impl Handler<PullMessages> for PeerBroadcaster {
    type Result = ();

    fn handle(&mut self, PullMessages { peer, pull }: PullMessages, _: &mut Ctx<Self>) {
        match self.outboxes.get(&peer) {
            Some(outbox) => outbox.pull(pull),
            None => {
                let is_answered = false;
                // Full or closed: the brain gives a question up after a while.
                let ended = PullEnded { peer, is_answered };
                let _ = self.seed.ports.pull_ended.tell(ended);
            }
        }
    }
}

impl Handler<FetchTransactions> for PeerBroadcaster {
    type Result = ();

    fn handle(&mut self, request: FetchTransactions, _: &mut Ctx<Self>) {
        // Of somebody who is no peer E5 asks for the whole proposal.
        if let Some(outbox) = self.outboxes.get(&request.peer) {
            outbox.fetch(request.missing);
        }
    }
}

impl Handler<BlockCommitted> for PeerBroadcaster {
    type Result = ();

    fn handle(&mut self, message: BlockCommitted, _: &mut Ctx<Self>) {
        let height = message.0.block.height();
        for outbox in self.outboxes.values() {
            outbox.forget_below(height);
        }
    }
}

#[cfg(test)]
mod tests;
