//! **RpcGateway** owns the HTTP surface and admission: size and deadline of a body, its envelope,
//! its decoding, each before anything dearer. Consensus messages it asks into the actors; what
//! people ask it reads from the store and from the node's view.
//!
//! The listening socket lives outside of the actor: after a panic the next incarnation serves the
//! same port, and connections wait in the backlog meanwhile.
use crate::clock::Clock;
use crate::committer::AdmitTransaction;
use crate::metrics::Metrics;
use crate::peer_broadcaster::Handshake;
use crate::proposer::{ProposalReceived, SubmitTransaction};
use crate::round_driver::Tick;
use crate::runtime::{Actors, Ctx, Port};
use crate::state_store::Store;
use crate::view::NodeView;
use crate::vote_collector::{GetMissing, VoteReceived};
use actix::prelude::*;
use actix_web::web;
use lockstep_protocol::genesis::Genesis;
use lockstep_protocol::ledger::ChainRules;
use lockstep_protocol::types::Address;
use lockstep_protocol::wire::Wire;
use std::net::TcpListener;
use std::sync::Arc;
use tokio::sync::Semaphore;

mod answer;
mod blocks;
mod body;
mod consensus;
mod evidence;
mod health;
mod serve;
mod status;

/// Makes one block on all nodes of a devnet; answers with JSON, or with why not.
pub type TickAll = Arc<dyn Fn() -> Result<serde_json::Value, String> + Send + Sync>;

/// What the gateway tells and asks.
#[derive(Clone)]
pub struct Ports {
    /// VoteCollector.
    pub vote: Port<VoteReceived>,
    /// VoteCollector: whom do we wait for?
    pub missing: Port<GetMissing>,
    /// Proposer.
    pub proposal: Port<ProposalReceived>,
    /// Committer: may it wait?
    pub admit: Port<AdmitTransaction>,
    /// Proposer.
    pub transaction: Port<SubmitTransaction>,
    /// RoundDriver (manual pacing).
    pub tick: Port<Tick>,
}

/// What an incarnation is made from, and what every request sees.
#[derive(Clone)]
pub struct Seed {
    /// Bound before the node began.
    pub listener: Arc<TcpListener>,
    /// The chain's beginning.
    pub genesis: Arc<Genesis>,
    /// This validator.
    pub me: Address,
    /// The rules of the chain.
    pub rules: Arc<ChainRules>,
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
    /// Places for answers of blocks.
    pub sync_answers: Arc<Semaphore>,
    /// Only in a devnet.
    pub tick_all: Option<TickAll>,
}

/// The actor.
pub struct RpcGateway {
    seed: Seed,
}

impl RpcGateway {
    /// Serves from [`Actor::started`] on.
    pub fn new(seed: Seed) -> RpcGateway {
        RpcGateway { seed }
    }
}

impl Actor for RpcGateway {
    type Context = Ctx<Self>;

    fn started(&mut self, ctx: &mut Ctx<Self>) {
        ctx.spawn(serve::serve(self.seed.clone()).into_actor(self));
    }
}

impl Supervised for RpcGateway {
    fn restarting(&mut self, _: &mut Ctx<Self>) {
        *self = RpcGateway::new(self.seed.clone());
    }
}

/// Every route of a node.
fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/consensus/vote", web::post().to(consensus::vote))
        .route("/consensus/proposal", web::post().to(consensus::proposal))
        .route("/transactions", web::post().to(consensus::transaction))
        .route("/handshake", web::get().to(status::handshake))
        .route("/status", web::get().to(status::status))
        .route("/validators", web::get().to(status::validators))
        .route("/actors", web::get().to(status::actors))
        .route("/metrics", web::get().to(status::metrics))
        .route("/livez", web::get().to(health::livez))
        .route("/readyz", web::get().to(health::readyz))
        .route("/blocks/latest", web::get().to(blocks::latest))
        .route("/blocks/{height}", web::get().to(blocks::by_height))
        .route("/evidence", web::get().to(evidence::evidence))
        .route("/sync/blocks", web::get().to(blocks::sync))
        .route("/accounts/{address}", web::get().to(blocks::account))
        .route("/devnet/tick", web::post().to(consensus::tick))
        .default_service(web::to(answer::no_such_route));
}
