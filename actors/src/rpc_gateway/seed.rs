//! What the RpcGateway is made from, and what every request of people sees.
use super::browsers::{Hosts, Origins};
use super::devnet::Devnet;
use super::events::Events;
use super::json_rpc::Filters;
use super::status::Pages;
use super::validators::Recent;
use crate::clock::Clock;
use crate::http::answer::Refused;
use crate::http::answer_places::{AnswerPlace, AnswerPlaces};
use crate::http::bodies::Bodies;
use crate::http::intake::Intake;
use crate::http::proxies::Proxies;
use crate::http::streams::Farewell;
use crate::limits::{
    BLOCK_ANSWER_PATIENCE, BLOCK_ANSWERS_MAX, PUBLIC_PIECE_PATIENCE, RPC_BODIES_BYTES_MAX,
    RPC_WAITERS_MAX, SHORT_ANSWERS_MAX, SHORT_BLOCK_BYTES,
};
use crate::live::Live;
use crate::messages::mempool::{GetNextNonce, GetTransactionStatus, GetWaiting, GetWaitingCount};
use crate::messages::vote_collector::GetVotesMissing;
use crate::metrics::Metrics;
use crate::runtime::{Actors, Port};
use crate::state_store::{Store, StoreError};
use crate::view::{HeadView, NodeView};
use actix_web::HttpRequest;
use lockstep_protocol::consensus::driver::Pacing;
use lockstep_protocol::consensus::timeouts::Timeouts;
use lockstep_protocol::ledger::ChainRules;
use lockstep_protocol::ledger::Retention;
use lockstep_protocol::nouns::genesis::Genesis;
use lockstep_protocol::types::{Address, Hash, Height};
use lockstep_protocol::wire::Wire;
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// What the gateway asks, each within its own share of the other's mailbox.
#[derive(Clone)]
#[cfg_attr(test, derive(Default))]
pub(crate) struct Ports {
    /// VoteCollector: whom do we wait for?
    pub(crate) missing: Port<GetVotesMissing>,
    /// Mempool: what waits?
    pub(crate) waiting: Port<GetWaiting>,
    /// Mempool: how many wait?
    pub(crate) waiting_count: Port<GetWaitingCount>,
    /// Mempool: what became of it?
    pub(crate) transaction_status: Port<GetTransactionStatus>,
    /// Mempool: which nonce comes next?
    pub(crate) next_nonce: Port<GetNextNonce>,
}

/// What an incarnation is made from.
#[derive(Clone)]
pub(crate) struct Seed {
    pub(crate) genesis: Arc<Genesis>,
    /// The root of the state at height 0.
    pub(crate) genesis_root: Hash,
    pub(crate) me: Address,
    pub(crate) rules: Arc<ChainRules>,
    /// Reads messages of this chain.
    pub(crate) wire: Wire,
    /// By which verdicts on signatures this build is told from another.
    pub(crate) verifier_fingerprint: String,
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) view: Arc<NodeView>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) actors: Actors,
    /// What has happened, for whoever wants to be told.
    pub(crate) events: Arc<Events>,
    /// Told by a node that stops.
    pub(crate) farewell: Farewell,
    /// How this node is set up.
    pub(crate) settings: Settings,
    /// Whose pages in browsers may ask.
    pub(crate) origins: Live<Origins>,
    /// Who says for whom they ask.
    pub(crate) proxies: Live<Proxies>,
    /// By which names it may be asked.
    pub(crate) hosts: Live<Hosts>,
    /// Only this machine reaches it.
    pub(crate) is_on_loopback: bool,
    /// Whether people are shown the page.
    pub(crate) serves_page: bool,
    /// Only in a devnet.
    pub(crate) devnet: Option<Devnet>,
    pub(crate) ports: Ports,
    /// Takes transactions that are handed in here.
    pub(crate) intake: Intake,
    /// What people may hold together.
    pub(crate) shares: Shares,
}

impl Seed {
    /// The newest block that is shown. The store has it, and may have newer ones: those are told to
    /// nobody before all actors know them, so that no two answers disagree on how far the node is.
    pub(super) fn head(&self) -> HeadView {
        self.view.head()
    }

    pub(super) fn is_shown(&self, height: Height) -> bool {
        height <= self.head().height
    }

    /// A place among the long answers, in a moment; `others` says who else holds them all.
    pub(super) async fn answer_place(
        &self,
        request: &HttpRequest,
        others: &str,
    ) -> Result<AnswerPlace, Refused> {
        let places = &self.shares.block_answers;
        let place = places.demand(request, BLOCK_ANSWER_PATIENCE, &self.metrics, others);
        place.await
    }

    /// A place among the short answers, in a moment: while a text is made that is short.
    pub(super) async fn short_place(&self, request: &HttpRequest) -> Result<AnswerPlace, Refused> {
        let places = &self.shares.short_answers;
        let others = "other answers are being made";
        let place = places.demand(request, BLOCK_ANSWER_PATIENCE, &self.metrics, others);
        place.await
    }

    /// A place to read a block in, in a moment: a short one does not wait behind long ones.
    pub(super) async fn block_place(
        &self,
        request: &HttpRequest,
        height: Height,
    ) -> Result<AnswerPlace, Refused> {
        let places = self.shares.of_block(&self.store, height)?;
        let others = "other blocks are being read";
        let place = places.demand(request, BLOCK_ANSWER_PATIENCE, &self.metrics, others);
        place.await
    }
}

/// How a node is set up, as far as people want to know.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// How long each step waits.
    pub(crate) timeouts: Timeouts,
    /// When a height begins.
    pub(crate) pacing: Live<Pacing>,
    /// Which blocks are kept.
    pub(crate) retention: Retention,
}

/// What all connections of people may hold together; it outlives the gateway's falls, as they do.
#[derive(Clone)]
pub(crate) struct Shares {
    /// Places for long answers, those of long blocks among them.
    pub(super) block_answers: AnswerPlaces,
    /// Places for short blocks, while they are read.
    pub(super) short_answers: AnswerPlaces,
    /// How often `/actors` and `/metrics` are made, and what they said last.
    pub(super) pages: Arc<Mutex<Pages>>,
    /// Room for the bytes of JSON-RPC requests that are being read or carried out.
    pub(super) rpc_bodies: Bodies,
    /// Places for calls that wait for a block.
    pub(super) waiters: Arc<Semaphore>,
    /// What the validators did lately.
    pub(super) recent: Arc<Recent>,
    /// What clients that poll were told last.
    pub(super) filters: Arc<Filters>,
}

impl Shares {
    /// Whether the answer of this block is a short one.
    pub(super) fn is_short(store: &Store, height: Height) -> Result<bool, StoreError> {
        Ok(store.decided_bytes(height)? <= SHORT_BLOCK_BYTES)
    }

    /// The places for the answer of this block.
    fn of_block(&self, store: &Store, height: Height) -> Result<&AnswerPlaces, StoreError> {
        Ok(match Shares::is_short(store, height)? {
            true => &self.short_answers,
            false => &self.block_answers,
        })
    }
}

impl Default for Shares {
    fn default() -> Shares {
        Shares {
            block_answers: AnswerPlaces::new(BLOCK_ANSWERS_MAX, PUBLIC_PIECE_PATIENCE),
            short_answers: AnswerPlaces::new(SHORT_ANSWERS_MAX, PUBLIC_PIECE_PATIENCE),
            pages: Arc::default(),
            rpc_bodies: Bodies::new(RPC_BODIES_BYTES_MAX),
            waiters: Arc::new(Semaphore::new(RPC_WAITERS_MAX)),
            recent: Arc::default(),
            filters: Arc::default(),
        }
    }
}
