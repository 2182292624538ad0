//! **BlockSync** owns catching up: whom to ask for which blocks. Its brain is [`CatchUp`].
//!
//! A block counts only with its certificate ([`Proven`]). Decoding and checking an answer takes tens
//! of milliseconds, so it happens on other threads, several answers at once where cores allow; the
//! node's runtime waits for them when the node ends.
use crate::clock::Clock;
use crate::limits::{
    ARRIVAL_WAIT_MS, CHECKING_THREADS_MAX, SYNC_GRACE_MS, SYNC_WINDOW_BLOCKS, SYNC_WINDOW_BYTES_MAX,
};
use crate::messages::committer::SyncedBlocks;
use crate::messages::peer_broadcaster::RequestBlocks;
use crate::messages::round_driver::Arrived;
use crate::metrics::Metrics;
use crate::runtime::{Ctx, Port};
use crate::shell::Deliver;
use crate::state_store::Store;
use crate::view::NodeView;
use actix::prelude::*;
use actix_web::web::Bytes;
use lockstep_protocol::consensus::catch_up::{
    Answer, Arrival, CatchUp, CatchUpConfig, Input, Output, Proven,
};
use lockstep_protocol::consensus::trusted::TrustedBlock;
use lockstep_protocol::ledger::ChainRules;
use lockstep_protocol::limits::{SYNC_BLOCKS_MAX, SYNC_BYTES_MAX, SYNC_FULL_BYTES};
use lockstep_protocol::nouns::decided::DecidedBlock;
use lockstep_protocol::nouns::sign_bytes::SignContext;
use lockstep_protocol::types::{Address, Height};
use lockstep_protocol::validators::schedule::ValidatorSchedule;
use lockstep_protocol::wire::Wire;
use progress::Progress;
use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

mod handlers;
mod progress;
mod waiting;

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

/// An answer with its bytes, checked.
struct Checked {
    answer: Answer,
    blocks: Vec<DecidedBlock>,
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

    pub(super) fn step(&mut self, input: Input, ctx: &mut Ctx<Self>) {
        let now = self.seed.clock.now();
        for output in self.catch_up.step(now, input) {
            match output {
                Output::Request(peer, from, limit) => {
                    let name = peer.short();
                    log::debug!("asking {name} for {limit} blocks from height {from}");
                    let request = RequestBlocks { peer, from, limit };
                    self.seed.ports.request.deliver(request);
                }
                Output::WakeAt(ms) => {
                    ctx.run_later(Duration::from_millis(ms), |this, ctx| {
                        this.step(Input::Wake, ctx);
                    });
                }
                Output::Lied(peer) => {
                    self.seed.metrics.sync_lies.inc();
                    log::warn!("peer {peer} answered block sync with what proves nothing");
                }
                Output::Arrived(arrival) => {
                    if self.seed.arrival.set(arrival).is_ok() {
                        log::info!("{}", waiting::arrived(arrival));
                    }
                    self.seed.view.set_arrived();
                    self.seed.ports.arrived.deliver(Arrived(arrival));
                }
            }
        }
        self.show_waiting(now);
        let head = self.seed.view.head().height;
        let progress = self.progress.step(now, &self.catch_up, head);
        self.seed.view.set_sync_progress(progress);
    }

    /// Begins to check answers, as many at a time as there are threads for it.
    fn check_next(&mut self, ctx: &mut Ctx<Self>) {
        while self.checking < checking_threads()
            && let Some((peer, from, bytes)) = self.unchecked.pop_front()
        {
            self.checking += 1;
            let validators = self.validators.clone();
            let wire = self.seed.wire;
            let context = self.seed.rules.context;
            let check = move || check(&validators, &context, wire, from, &bytes);
            let job = tokio::task::spawn_blocking(check);
            // In the actor's own context: what an earlier incarnation began is dropped.
            ctx.spawn(job.into_actor(self).map(move |checked, this, ctx| {
                this.checking -= 1;
                match checked {
                    Ok(checked) => this.checked(peer, checked, ctx),
                    Err(_) => this.step(Input::Failed(peer), ctx),
                }
                this.check_next(ctx);
            }));
        }
    }

    fn checked(&mut self, peer: Address, Checked { answer, blocks }: Checked, ctx: &mut Ctx<Self>) {
        if !blocks.is_empty() {
            self.seed.metrics.blocks_synced.inc_by(answer.blocks);
            self.seed.ports.synced.deliver(SyncedBlocks(peer, blocks));
        }
        self.step(Input::Answered(peer, answer), ctx);
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

fn checking_threads() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    cores.min(CHECKING_THREADS_MAX)
}

fn check(
    validators: &ValidatorSchedule,
    context: &SignContext,
    wire: Wire,
    from: Height,
    bytes: &[u8],
) -> Checked {
    let proven = match wire.decode_blocks(bytes) {
        Ok(blocks) => Proven::of(validators, context, from, blocks),
        Err(_) => Proven {
            flawed: true,
            ..Proven::default()
        },
    };
    let answer = Answer {
        first: from,
        blocks: proven.blocks.len() as u64,
        judged: proven.judged,
        bytes: bytes.len(),
        flawed: proven.flawed,
        unknown_from: proven.unknown_from,
    };
    Checked {
        answer,
        blocks: proven.blocks,
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
