//! **[`PeerGateway`]** owns the peer listener: what nodes tell each other. It asks the actors that own
//! the rest; a range of blocks is read from the store.
//!
//! People have a listener and a gateway of their own ([`rpc_gateway`](crate::rpc_gateway)), with their
//! own places for connections: they can never take the peers' places. A node cannot do without
//! this one: deaf, it would only cost the others a round per turn, so its falls count like those
//! of any actor, and too many end the node.
//!
//! [`http`](crate::http) checks what is cheap to check. Here a message is decoded and its actor
//! asked, within a share of that one's mailbox; what costs a signature is the brain's.
//!
//! The listening socket lives outside of the actor: after a panic the next incarnation serves the
//! same port, and connections wait in the backlog meanwhile.
use crate::clock::Clock;
use crate::http::answer::{self, Refused};
use crate::http::answer_places::AnswerPlaces;
use crate::http::bodies::Bodies;
use crate::http::body;
use crate::http::connection::{Connection, Deadlines};
use crate::http::intake::Intake;
use crate::http::routes::Routes;
use crate::http::serve::{Terms, serve};
use crate::limits::{
    ANSWER_PIECE_PATIENCE, GOSSIP_BODIES_BYTES_MAX, PEER_CONNECTIONS_MAX,
    PEER_CONNECTIONS_PER_STRANGER_MAX, PEER_IDLE, PROPOSAL_BODIES_BYTES_MAX, PULL_ANSWERS_MAX,
    SYNC_ANSWERS_MAX,
};
use crate::messages::committer::EvidenceTold;
use crate::messages::mempool::{GetHeld, SubmitTransactions};
use crate::messages::proposer::{
    CompactReceived, GetProposals, GetProposedBlock, ProposalReceived, ScreenProposal,
};
use crate::messages::round_driver::SignStanding;
use crate::messages::vote_collector::{GetSeen, GetVotes, VoteReceived};
use crate::metrics::{ListenerLabel, Metrics};
use crate::peers::{Handshake, Peer};
use crate::runtime::{Ctx, Port};
use crate::state_store::Store;
use crate::view::NodeView;
use actix::prelude::*;
use actix_web::http::StatusCode;
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse, Route, guard, web};
use lockstep_protocol::types::Address;
use lockstep_protocol::wire::{Wire, WireError};
use parking_lot::RwLock;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;

mod consensus;
mod handshake;
mod pull;
mod standing;
mod sync;
#[cfg(test)]
mod tests;
mod transactions;
mod transactions_of_block;

/// What the gateway tells and asks, each within its own share of the other's mailbox.
#[derive(Clone)]
#[cfg_attr(test, derive(Default))]
pub(crate) struct Ports {
    /// VoteCollector.
    pub(crate) vote: Doors<VoteReceived>,
    /// Committer: proof that another node holds.
    pub(crate) evidence: Doors<EvidenceTold>,
    /// Proposer: is its body worth reading?
    pub(crate) screen: Doors<ScreenProposal>,
    /// Proposer.
    pub(crate) proposal: Doors<ProposalReceived>,
    /// Proposer: by the leaves of its transactions.
    pub(crate) compact: Doors<CompactReceived>,
    /// Mempool: what is held of those.
    pub(crate) held: Port<GetHeld>,
    /// Proposer: of which block does a peer lack transactions?
    pub(crate) proposed: Port<GetProposedBlock>,
    /// VoteCollector: what a peer lacks.
    pub(crate) pulled_votes: Port<GetVotes>,
    /// Proposer: what a peer lacks.
    pub(crate) pulled_proposals: Port<GetProposals>,
    /// VoteCollector: what has it seen of whoever asks how far this node is?
    pub(crate) seen: Port<GetSeen>,
    /// RoundDriver: the answer, signed.
    pub(crate) standing: Port<SignStanding>,
    /// Mempool: from peers.
    pub(crate) gossip: Port<SubmitTransactions>,
}

/// What an incarnation is made from.
#[derive(Clone)]
pub(crate) struct Seed {
    pub(crate) me: Address,
    /// The other nodes: connections from their addresses come before those of strangers.
    pub(crate) peers: Arc<RwLock<Vec<Peer>>>,
    /// What this node says of itself to peers; the height is filled in.
    pub(crate) handshake: Handshake,
    /// Reads messages of this chain.
    pub(crate) wire: Wire,
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) view: Arc<NodeView>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) ports: Ports,
    /// Takes transactions that are handed in here.
    pub(crate) intake: Intake,
    /// What peers may hold together.
    pub(crate) shares: Shares,
}

impl Seed {
    /// Reads a body of at most `limit` bytes, and decodes what it says.
    async fn message<T>(
        &self,
        request: &HttpRequest,
        payload: Payload,
        limit: usize,
        decode: impl FnOnce(&Wire, &[u8]) -> Result<T, WireError>,
    ) -> Result<T, Refused> {
        let whole = body::read(request, payload, limit, None, &self.metrics).await?;
        let message = decode(&self.wire, &whole.bytes);
        Ok(message.map_err(|error| body::refuse_wire(&error, &self.metrics))?)
    }
}

/// What all connections of peers may hold together; it outlives the gateway's falls, as they do.
#[derive(Clone)]
pub(crate) struct Shares {
    /// Places for answers of blocks.
    sync_answers: AnswerPlaces,
    /// Places for answers to pulls.
    pull_answers: AnswerPlaces,
    /// Room for the bytes of proposals that are being read or handled.
    proposal_bodies: Bodies,
    /// Room for the bytes of peers' transactions that are being read or checked.
    gossip_bodies: Bodies,
}

impl Default for Shares {
    fn default() -> Shares {
        Shares {
            sync_answers: AnswerPlaces::new(SYNC_ANSWERS_MAX, ANSWER_PIECE_PATIENCE),
            pull_answers: AnswerPlaces::new(PULL_ANSWERS_MAX, ANSWER_PIECE_PATIENCE),
            proposal_bodies: Bodies::new(PROPOSAL_BODIES_BYTES_MAX),
            gossip_bodies: Bodies::new(GOSSIP_BODIES_BYTES_MAX),
        }
    }
}

/// Two ways to one actor for one kind of message: one for connections that have proven themselves, one
/// for all others, each with its own share of the mailbox. What strangers send cannot keep out what
/// validators send.
pub(crate) struct Doors<M: Message + Send + 'static>
where
    M::Result: Send,
{
    proven: Port<M>,
    others: Port<M>,
}

impl<M: Message + Send + 'static> Doors<M>
where
    M::Result: Send,
{
    /// At most so many messages wait from proven connections, and so many from others.
    pub(crate) fn new(port: &Port<M>, proven_max: usize, others_max: usize) -> Doors<M> {
        Doors {
            proven: port.within(proven_max),
            others: port.within(others_max),
        }
    }

    fn of(&self, request: &HttpRequest) -> &Port<M> {
        let connection = request.conn_data::<Rc<Connection>>();
        if connection.is_some_and(|connection| connection.is_proven()) {
            &self.proven
        } else {
            &self.others
        }
    }
}

impl<M: Message + Send + 'static> Clone for Doors<M>
where
    M::Result: Send,
{
    fn clone(&self) -> Self {
        Doors {
            proven: self.proven.clone(),
            others: self.others.clone(),
        }
    }
}

#[cfg(test)]
impl<M: Message + Send + Unpin + 'static> Default for Doors<M>
where
    M::Result: Send,
{
    /// To nobody: every message is refused as `Closed`.
    fn default() -> Doors<M> {
        Doors::new(&Port::detached(), 1, 1)
    }
}

/// The actor that serves peers.
pub(crate) struct PeerGateway {
    seed: Seed,
    listener: Arc<TcpListener>,
}

impl PeerGateway {
    /// Serves `listener`, bound before the node began, from [`Actor::started`] on.
    pub(crate) fn new(seed: Seed, listener: Arc<TcpListener>) -> PeerGateway {
        PeerGateway { seed, listener }
    }
}

impl Actor for PeerGateway {
    type Context = Ctx<Self>;

    fn started(&mut self, ctx: &mut Ctx<Self>) {
        let seed = self.seed.clone();
        let metrics = self.seed.metrics.clone();
        let terms = terms(self.seed.peers.clone());
        let serve = serve(self.listener.clone(), terms, metrics, |config| {
            config.app_data(web::Data::new(seed));
            routes(config);
        });
        ctx.spawn(serve.into_actor(self));
    }
}

fn terms(peers: Arc<RwLock<Vec<Peer>>>) -> Terms {
    Terms {
        label: ListenerLabel::Peers,
        connections_max: PEER_CONNECTIONS_MAX,
        connections_per_stranger_max: PEER_CONNECTIONS_PER_STRANGER_MAX,
        deadlines: Deadlines::new(PEER_IDLE),
        routes: Routes {
            all: ROUTES.iter().map(|route| (route.0, route.1)).collect(),
            other_verb: StatusCode::NOT_FOUND,
            who_asks: &[403],
        },
        proxies: Default::default(),
        is_neighbour: Box::new(move |from| {
            let peers = peers.read();
            let mut listening = peers.iter().filter_map(Peer::listens);
            listening.any(|at| at.ip() == from)
        }),
    }
}

impl Supervised for PeerGateway {
    fn restarting(&mut self, _: &mut Ctx<Self>) {
        *self = PeerGateway::new(self.seed.clone(), self.listener.clone());
    }
}

/// What a message of a peer may be refused with.
const MESSAGE: &[u16] = &[400, 403, 408, 413, 415, 429, 503];

/// A route of the peer listener: its path, the statuses besides 200 and 202, its handler.
type PeerRoute = (&'static str, &'static [u16], fn() -> Route);

/// What nodes tell each other, each in one line.
#[rustfmt::skip]
const ROUTES: &[PeerRoute] = &[
    ("/consensus/vote", MESSAGE, || web::post().to(consensus::vote)),
    ("/consensus/proposal", MESSAGE, || web::post().to(consensus::proposal)),
    ("/consensus/evidence", MESSAGE, || web::post().to(consensus::evidence)),
    ("/consensus/compact", MESSAGE, || web::post().to(consensus::compact)),
    ("/consensus/transactions", MESSAGE, || web::post().to(transactions_of_block::transactions)),
    ("/consensus/standing", MESSAGE, || web::post().to(standing::standing)),
    ("/consensus/pull", MESSAGE, || web::post().to(pull::pull)),
    ("/transactions", MESSAGE, || web::post().to(transactions::submit)),
    ("/mempool/transactions", MESSAGE, || web::post().to(transactions::gossip)),
    ("/handshake", &[500], || web::get().to(handshake::handshake)),
    ("/sync/blocks", &[400, 503], || web::get().to(sync::sync)),
    ("/livez", &[], || web::get().to(answer::livez)),
];

/// The routes of the peer listener, and none of them for a page in a browser: no node sends an origin.
fn routes(config: &mut web::ServiceConfig) {
    let page = guard::fn_guard(|asked| answer::origin(asked.head().headers()).is_some());
    config.service(web::resource("/{any:.*}").guard(page).to(no_page));
    for (path, _, handler) in ROUTES {
        config.route(path, handler());
    }
    config.default_service(web::to(no_such_route));
}

async fn no_such_route(request: HttpRequest) -> HttpResponse {
    let next = "this listener is for nodes: people ask the other one, the node's rpc_listen";
    answer::no_route(&request, next)
}

async fn no_page() -> HttpResponse {
    let sentence = "this listener is for nodes: pages in browsers ask the one of JSON-RPC";
    answer::refuse(StatusCode::FORBIDDEN, "origin", sentence)
}
