//! **BlockSync** owns catching up: whom to ask for which blocks. Its brain is [`CatchUp`].
//!
//! A block counts only with its certificate ([`Proven`]). Decoding and checking an answer takes tens
//! of milliseconds, so it happens on other threads, several answers at once where cores allow; the
//! node's runtime waits for them when the node ends.
use crate::clock::Clock;
use crate::limits::{ARRIVAL_WAIT_MS, SYNC_GRACE_MS, SYNC_WINDOW_BLOCKS, SYNC_WINDOW_BYTES_MAX};
use crate::messages::committer::SyncedBlocks;
use crate::messages::peer_broadcaster::RequestBlocks;
use crate::messages::round_driver::Arrived;
use crate::metrics::Metrics;
use crate::runtime::{Ctx, Port};
use crate::state_store::Store;
use crate::view::NodeView;
use actix::prelude::*;
use actix_web::web::Bytes;
use lockstep_protocol::consensus::catch_up::{Arrival, CatchUp, CatchUpConfig, Input};
use lockstep_protocol::consensus::trusted::TrustedBlock;
use lockstep_protocol::ledger::ChainRules;
use lockstep_protocol::limits::{SYNC_BLOCKS_MAX, SYNC_BYTES_MAX, SYNC_FULL_BYTES};
use lockstep_protocol::types::{Address, Height};
use lockstep_protocol::validators::schedule::ValidatorSchedule;
use lockstep_protocol::wire::Wire;
use progress::Progress;
use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

mod handlers;
pub(crate) mod progress;
pub(crate) mod waiting;

/// What it tells.
#[derive(Clone)]
#[cfg_attr(test, derive(Default))]
pub(crate) struct Ports {
    /// PeerBroadcaster: the way out.
    pub(crate) request: Port<RequestBlocks>,
    /// Committer.
    pub(crate) synced: Port<SyncedBlocks>,
    /// RoundDriver: it may sign.
    pub(crate) arrived: Port<Arrived>,
}

/// What an incarnation is made from.
#[derive(Clone)]
pub(crate) struct Seed {
    pub(crate) rules: Arc<ChainRules>,
    pub(crate) me: Address,
    /// The block that is trusted, if one is: without one, whoever joins is warned.
    pub(crate) trusted: TrustedBlock,
    /// Since when this node has arrived: known for as long as the process lives, whichever actor
    /// falls.
    pub(crate) arrival: Arc<OnceLock<Arrival>>,
    /// The peers of its configuration.
    pub(crate) expected: Vec<Address>,
    /// How long it waits to hear all others before it arrives.
    pub(crate) arrival_wait_ms: u64,
    /// Its operator vouches for its disk.
    pub(crate) is_rearmed: bool,
    /// Reads answers of this chain.
    pub(crate) wire: Wire,
    /// Where the height is read at a restart.
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) view: Arc<NodeView>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) ports: Ports,
}

/// The actor.
pub(crate) struct BlockSync {
    seed: Seed,
    catch_up: CatchUp,
    validators: ValidatorSchedule,
    progress: Progress,
    unchecked: VecDeque<(Address, Height, Bytes)>,
    checking: usize,
}

impl BlockSync {
    /// After the head of `validators`. A node that remembers a halt asks for nothing.
    pub(crate) fn new(seed: Seed, validators: ValidatorSchedule) -> BlockSync {
        let catch_up = CatchUp::new(config_of(&seed), &validators);
        let catch_up = catch_up.expecting(seed.expected.iter().copied());
        let mut catch_up = catch_up.having_arrived(seed.arrival.get().copied());
        if seed.store.has_halted() {
            catch_up.step(seed.clock.now(), Input::Halted);
        }
        BlockSync {
            progress: Progress::new(seed.trusted),
            seed,
            catch_up,
            validators,
            unchecked: VecDeque::new(),
            checking: 0,
        }
    }
}

fn config_of(seed: &Seed) -> CatchUpConfig {
    CatchUpConfig {
        arrival_wait_ms: seed.arrival_wait_ms,
        is_rearmed: seed.is_rearmed,
        ..config(seed.me)
    }
}

fn config(me: Address) -> CatchUpConfig {
    CatchUpConfig {
        me,
        arrival_wait_ms: ARRIVAL_WAIT_MS,
        is_rearmed: false,
        grace_ms: SYNC_GRACE_MS,
        range_blocks_max: SYNC_BLOCKS_MAX,
        answer_bytes_max: SYNC_BYTES_MAX,
        answer_bytes_full: SYNC_FULL_BYTES,
        window_blocks_max: SYNC_WINDOW_BLOCKS,
        window_bytes_max: SYNC_WINDOW_BYTES_MAX,
    }
}

impl Actor for BlockSync {
    type Context = Ctx<Self>;

    /// The question whether this node has arrived, or the answer, may be what was lost in a fall.
    fn started(&mut self, ctx: &mut Ctx<Self>) {
        self.step(Input::Retell, ctx);
    }
}

impl Supervised for BlockSync {
    fn restarting(&mut self, _: &mut Ctx<Self>) {
        let validators = self.seed.store.schedule(&self.seed.rules);
        *self = BlockSync::new(self.seed.clone(), validators);
    }
}
