//! What each message does, and how what the brain then says is carried out.
use super::{BlockSync, waiting};
use crate::limits::{CHECKING_THREADS_MAX, UNCHECKED_ANSWERS_MAX};
use crate::messages::announcements::BlockCommitted;
use crate::messages::block_sync::{
    BlocksArrived, BlocksDiscarded, PeerAhead, PeerGone, PeerKeeps, PeerStands, RetellArrival,
    StopSync,
};
use crate::messages::committer::SyncedBlocks;
use crate::messages::peer_broadcaster::RequestBlocks;
use crate::messages::round_driver::Arrived;
use crate::runtime::Ctx;
use crate::seldom::seldom;
use crate::shell::{Deliver, to_brain};
use actix::prelude::*;
use lockstep_protocol::consensus::catch_up::{Answer, Input, Output, Proven};
use lockstep_protocol::nouns::decided::DecidedBlock;
use lockstep_protocol::nouns::sign_bytes::SignContext;
use lockstep_protocol::types::{Address, Height};
use lockstep_protocol::validators::schedule::ValidatorSchedule;
use lockstep_protocol::wire::Wire;
use std::time::Duration;

impl Handler<BlocksArrived> for BlockSync {
    type Result = ();

    fn handle(&mut self, message: BlocksArrived, ctx: &mut Ctx<Self>) {
        let BlocksArrived { peer, from, answer } = message;
        match answer.filter(|_| self.unchecked.len() < UNCHECKED_ANSWERS_MAX) {
            Some(bytes) => self.unchecked.push_back((peer, from, bytes)),
            None => self.step(Input::Failed(peer), ctx),
        }
        self.check_next(ctx);
    }
}

impl Handler<StopSync> for BlockSync {
    type Result = ();

    fn handle(&mut self, _: StopSync, ctx: &mut Ctx<Self>) {
        self.unchecked.clear();
        self.step(Input::Halted, ctx);
    }
}

impl Handler<BlockCommitted> for BlockSync {
    type Result = ();

    fn handle(&mut self, message: BlockCommitted, ctx: &mut Ctx<Self>) {
        let BlockCommitted(_, validators) = message;
        self.validators = validators.clone();
        self.step(Input::Committed(validators), ctx);
    }
}

to_brain! { BlockSync.step(ctx):
    PeerAhead(peer, height) => Input::Ahead(peer, height),
    PeerStands(peer, standing) => Input::Stands(peer, standing),
    PeerGone(peer) => Input::Gone(peer),
    PeerKeeps(peer, height) => Input::Keeps(peer, height),
    BlocksDiscarded(height, from) => Input::Discarded(height, from),
    RetellArrival => Input::Retell,
}

impl BlockSync {
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
                    seldom!(
                        Warn,
                        "peer {peer} answered block sync with what proves nothing"
                    );
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

/// An answer with its bytes, checked.
struct Checked {
    answer: Answer,
    blocks: Vec<DecidedBlock>,
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
