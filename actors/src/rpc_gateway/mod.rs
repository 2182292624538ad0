//! **[`RpcGateway`]** and **[`PeerGateway`]** own the HTTP surface and admission. They ask
//! consensus messages into the actors; what people ask is read from the store and the node's view.
//!
//! Two listeners, two actors, the same code. What nodes tell each other comes in at the peer
//! listener only, what people ask at the public one, and each has its own places for connections:
//! people can never take the peers' places. A node can do without the RpcGateway: after too many
//! falls it stays closed. It cannot do without the PeerGateway: deaf, it would only cost the others
//! a round per turn, so its falls count like those of any actor, and too many end the node.
//!
//! Cheapest check first: a place (`places`), bytes and deadlines of the connection (`connection`,
//! `stream`), size and encoding of a body (`body`), its envelope and shape, a share of the actor's
//! mailbox (`doors`); what costs a signature is the brain's. A connection pays for messages that no
//! honest peer sends, until it is closed; one that has brought a validator's message keeps its
//! place and has a door of its own. What all of it can hold together is
//! [`MEMORY_UNDER_FLOOD_BYTES`](crate::limits::MEMORY_UNDER_FLOOD_BYTES).
//!
//! What programs call is JSON-RPC ([`json_rpc`]), at `POST /` and over a WebSocket that stays
//! ([`web_socket`]); what happens is told from one ring of events ([`events`]), there and as
//! server-sent events. What may be asked over plain HTTP is one table ([`open_api`]), from which the
//! OpenAPI document is made.
//!
//! The listening sockets live outside of the actors: after a panic the next incarnation serves the
//! same port, and connections wait in the backlog meanwhile.
use crate::clock::Clock;
use crate::messages::committer::EvidenceTold;
use crate::messages::mempool::{
    GetHeld, GetNextNonce, GetTransactionStatus, GetWaiting, SubmitTransactions,
};
use crate::messages::proposer::{
    CompactReceived, GetProposals, GetProposedBlock, ProposalReceived, ScreenProposal,
};
use crate::messages::round_driver::SignStanding;
use crate::messages::vote_collector::{GetMissing, GetSeen, GetVotes, VoteReceived};
use crate::metrics::Metrics;
use crate::peers::{Handshake, Peer};
use crate::runtime::{Actors, Ctx, Port};
use crate::state_store::Store;
use crate::view::{HeadView, NodeView};
use actix::prelude::*;
use actix_service::Service;
use actix_web::http::{Method, header};
use actix_web::{Route, web};
use lockstep_protocol::genesis::Genesis;
use lockstep_protocol::ledger::ChainRules;
use lockstep_protocol::types::{Address, Hash, Height};
use lockstep_protocol::wire::Wire;
use parking_lot::{Mutex, RwLock};
use std::net::TcpListener;
use std::sync::Arc;
use tokio::sync::Semaphore;

mod answer;
mod answer_places;
mod blocks;
mod body;
mod clocks;
mod connection;
mod consensus;
mod doors;
mod events;
mod evidence;
#[cfg(test)]
mod fixture;
mod health;
mod json_rpc;
mod light;
mod open_api;
mod origins;
mod pace;
mod parameters;
mod peer_gateway;
mod pieces;
mod places;
mod pull;
mod queue;
mod receipts;
mod records;
mod serve;
mod server_sent_events;
mod standing;
mod status;
mod stream;
mod streams;
mod subscriptions;
mod transactions;
mod transactions_of_block;
mod validators;
mod web_socket;

pub use answer_places::AnswerPlaces;
pub use doors::Doors;
pub use events::Events;
pub use origins::{Origins, OriginsError};
pub use pace::Pace;
pub use parameters::Settings;
pub use peer_gateway::PeerGateway;
use serve::Audience;

/// Makes one block on all nodes of a devnet; answers with JSON, or with why not.
pub type TickAll = Arc<dyn Fn() -> Result<serde_json::Value, String> + Send + Sync>;

/// What a gateway tells and asks, each within its own share of the other's mailbox.
#[derive(Clone)]
pub(crate) struct Ports {
    /// VoteCollector.
    pub vote: Doors<VoteReceived>,
    /// VoteCollector: whom do we wait for?
    pub missing: Port<GetMissing>,
    /// Committer: proof that another node holds.
    pub evidence: Doors<EvidenceTold>,
    /// Proposer: is its body worth reading?
    pub screen: Doors<ScreenProposal>,
    /// Proposer.
    pub proposal: Doors<ProposalReceived>,
    /// Proposer: by the leaves of its transactions.
    pub compact: Doors<CompactReceived>,
    /// Mempool: what is held of those.
    pub held: Port<GetHeld>,
    /// Proposer: of which block does a peer lack transactions?
    pub proposed: Port<GetProposedBlock>,
    /// VoteCollector: what a peer lacks.
    pub pulled_votes: Port<GetVotes>,
    /// Proposer: what a peer lacks.
    pub pulled_proposals: Port<GetProposals>,
    /// VoteCollector: what has it seen of whoever asks how far this node is?
    pub seen: Port<GetSeen>,
    /// RoundDriver: the answer, signed.
    pub standing: Port<SignStanding>,
    /// Mempool: from people.
    pub transaction: Port<SubmitTransactions>,
    /// Mempool: from peers.
    pub gossip: Port<SubmitTransactions>,
    /// Mempool: what waits?
    pub waiting: Port<GetWaiting>,
    /// Mempool: what became of it?
    pub transaction_status: Port<GetTransactionStatus>,
    /// Mempool: which nonce comes next?
    pub next_nonce: Port<GetNextNonce>,
}

/// What an incarnation is made from, and what every request sees.
#[derive(Clone)]
pub(crate) struct Seed {
    /// The chain's beginning.
    pub genesis: Arc<Genesis>,
    /// This validator.
    pub me: Address,
    /// The rules of the chain.
    pub rules: Arc<ChainRules>,
    /// The other nodes: connections from their addresses come before those of strangers.
    pub peers: Arc<RwLock<Vec<Peer>>>,
    /// What this node says of itself to peers; the height is filled in.
    pub handshake: Handshake,
    /// Reads messages of this chain.
    pub wire: Wire,
    /// Committed data.
    pub store: Store,
    /// The node's clocks.
    pub clock: Clock,
    /// What the node shows of itself.
    pub view: Arc<NodeView>,
    /// The node's metrics.
    pub metrics: Arc<Metrics>,
    /// The actors' counters.
    pub actors: Actors,
    /// What it tells.
    pub ports: Ports,
    /// Places for answers of blocks to peers.
    pub sync_answers: AnswerPlaces,
    /// Places for answers to pulls.
    pub pull_answers: AnswerPlaces,
    /// Places for answers of blocks to people.
    pub block_answers: AnswerPlaces,
    /// How often `/actors` and `/metrics` are answered.
    pub pages: Arc<Mutex<Pace>>,
    /// Permits for the bytes of proposals.
    pub proposal_bodies: Arc<Semaphore>,
    /// Permits for the bytes of peers' transactions.
    pub gossip_bodies: Arc<Semaphore>,
    /// Permits for the bytes of JSON-RPC requests.
    pub rpc_bodies: Arc<Semaphore>,
    /// Places for calls that wait for a block.
    pub waiters: Arc<Semaphore>,
    /// What has happened, for whoever wants to be told.
    pub events: Arc<Events>,
    /// The root of the state at height 0.
    pub genesis_root: Hash,
    /// How this node is set up.
    pub settings: Settings,
    /// Whose pages in browsers may ask.
    pub origins: Arc<Origins>,
    /// Only in a devnet.
    pub tick_all: Option<TickAll>,
}

impl Seed {
    /// The newest block that is shown. The store has it, and may have newer ones: those are told to
    /// nobody before all actors know them, so that no two answers disagree on how far the node is.
    fn head(&self) -> HeadView {
        self.view.head()
    }

    fn is_shown(&self, height: Height) -> bool {
        height <= self.head().height
    }
}

/// Permits for the bytes of proposals that are being read or handled.
pub fn proposal_bodies() -> Arc<Semaphore> {
    body::budget(crate::limits::PROPOSAL_BODIES_BYTES_MAX)
}

/// Permits for the bytes of peers' transactions that are being read or checked.
pub fn gossip_bodies() -> Arc<Semaphore> {
    body::budget(crate::limits::GOSSIP_BODIES_BYTES_MAX)
}

/// Permits for the bytes of JSON-RPC requests that are being read or carried out.
pub fn rpc_bodies() -> Arc<Semaphore> {
    body::budget(crate::limits::RPC_BODIES_BYTES_MAX)
}

/// The actor that serves people.
pub struct RpcGateway {
    seed: Seed,
    listener: Arc<TcpListener>,
}

impl RpcGateway {
    /// Serves `listener`, bound before the node began, from [`Actor::started`] on.
    pub(crate) fn new(seed: Seed, listener: Arc<TcpListener>) -> RpcGateway {
        RpcGateway { seed, listener }
    }
}

impl Actor for RpcGateway {
    type Context = Ctx<Self>;

    fn started(&mut self, ctx: &mut Ctx<Self>) {
        let serve = serve::serve(
            self.seed.clone(),
            self.listener.clone(),
            Audience::People,
            for_people,
        );
        ctx.spawn(serve.into_actor(self));
        let seed = self.seed.clone();
        let taken_down = async move {
            loop {
                if let Err(error) = seed.events.take_down(&seed.view, &seed.store) {
                    log::error!("an event could not be told: {error}");
                }
                seed.view.changed.notified().await;
            }
        };
        ctx.spawn(taken_down.into_actor(self));
    }
}

impl Supervised for RpcGateway {
    fn restarting(&mut self, _: &mut Ctx<Self>) {
        *self = RpcGateway::new(self.seed.clone(), self.listener.clone());
    }
}

/// What a message of a peer may be refused with.
const MESSAGE: &[u16] = &[400, 403, 408, 413, 415, 429, 503];

/// A route of the peer listener: its path, the statuses besides 200 and 202, its handler.
type PeerRoute = (&'static str, &'static [u16], fn() -> Route);

/// What nodes tell each other, each in one line.
#[rustfmt::skip]
const FOR_PEERS: &[PeerRoute] = &[
    ("/consensus/vote", MESSAGE, || web::post().to(consensus::vote)),
    ("/consensus/proposal", MESSAGE, || web::post().to(consensus::proposal)),
    ("/consensus/evidence", MESSAGE, || web::post().to(consensus::evidence)),
    ("/consensus/compact", MESSAGE, || web::post().to(consensus::compact)),
    ("/consensus/transactions", MESSAGE, || web::post().to(transactions_of_block::transactions)),
    ("/consensus/standing", MESSAGE, || web::post().to(standing::standing)),
    ("/consensus/pull", MESSAGE, || web::post().to(pull::pull)),
    ("/transactions", MESSAGE, || web::post().to(transactions::submit)),
    ("/mempool/transactions", MESSAGE, || web::post().to(transactions::gossip)),
    ("/handshake", &[500], || web::get().to(status::handshake)),
    ("/sync/blocks", &[400, 503], || web::get().to(blocks::sync)),
    ("/livez", &[], || web::get().to(health::livez)),
];

/// What nodes tell each other, at the peer listener.
fn for_peers(config: &mut web::ServiceConfig) {
    for (path, _, handler) in FOR_PEERS {
        config.route(path, handler());
    }
    config.default_service(web::to(answer::no_such_route));
}

/// What people ask, at the public listener: [`open_api::ROUTES`], each in one line.
fn for_people(config: &mut web::ServiceConfig) {
    config
        .app_data(web::QueryConfig::default().error_handler(answer::bad_query))
        .app_data(web::PathConfig::default().error_handler(answer::bad_path));
    for route in open_api::ROUTES {
        let allowed = route.verb();
        let other = move |request| answer::no_such_method(request, allowed);
        let resource = web::resource(route.path).route((route.handler)());
        let resource = resource.default_service(web::to(other));
        if !route.is_for_pages() {
            config.service(resource);
            continue;
        }
        let preflight = move |seed, request| origins::preflight(seed, request, allowed);
        let resource = resource.route(web::method(Method::OPTIONS).to(preflight));
        config.service(resource.wrap_fn(|request, service| {
            let origin = request.headers().get(header::ORIGIN).cloned();
            let seed = request.app_data::<web::Data<Seed>>().cloned();
            let answer = service.call(request);
            async move {
                let mut answer = answer.await?;
                if let Some(seed) = seed {
                    seed.origins.mark(origin.as_ref(), answer.headers_mut());
                }
                Ok(answer)
            }
        }));
    }
    config.default_service(web::to(answer::no_such_route));
}
