//! **BlockSync** owns catching up: which peer to ask for which blocks. Its brain is [`CatchUp`].
//! A block counts only with its certificate, verified here against the validators of its height.
use crate::clock::Clock;
use crate::committer::{BlockCommitted, SyncedBlock};
use crate::delivery::Deliver;
use crate::limits::SYNC_GRACE_MS;
use crate::metrics::Metrics;
use crate::peer_broadcaster::RequestBlocks;
use crate::runtime::{Ctx, Port};
use crate::state_store::Store;
use crate::view::NodeView;
use actix::prelude::*;
use lockstep_protocol::consensus::catch_up::{CatchUp, Input, Output};
use lockstep_protocol::ledger::ChainRules;
use lockstep_protocol::types::{Address, Height};
use lockstep_protocol::wire::DecidedBlock;
use std::sync::Arc;
use std::time::Duration;

/// A peer works on this height.
#[derive(Clone, Copy, Debug)]
pub struct PeerAhead(pub Address, pub Height);

/// What a peer answered to [`RequestBlocks`]; `None` if it did not, or not with blocks.
#[derive(Debug)]
pub struct BlocksArrived {
    /// Who was asked.
    pub peer: Address,
    /// The blocks, certificates unverified.
    pub blocks: Option<Vec<DecidedBlock>>,
}

crate::message! { PeerAhead => (), BlocksArrived => () }

/// What it tells.
#[derive(Clone)]
pub struct Ports {
    /// PeerBroadcaster: the way out.
    pub request: Port<RequestBlocks>,
    /// Committer.
    pub synced: Port<SyncedBlock>,
}

/// What an incarnation is made from.
#[derive(Clone)]
pub struct Seed {
    /// The rules of the chain.
    pub rules: Arc<ChainRules>,
    /// Where the height is read at a restart.
    pub store: Store,
    /// The node's clocks.
    pub clock: Clock,
    /// What the node shows of itself.
    pub view: Arc<NodeView>,
    /// The node's metrics.
    pub metrics: Arc<Metrics>,
    /// What it tells.
    pub ports: Ports,
}

/// The actor.
pub struct BlockSync {
    seed: Seed,
    catch_up: CatchUp,
    committed: Height,
    /// The peer whose blocks are being committed, and the last of them.
    using: Option<(Address, Height)>,
}

impl BlockSync {
    /// After `committed`.
    pub fn new(seed: Seed, committed: Height) -> BlockSync {
        let catch_up = CatchUp::new(committed, SYNC_GRACE_MS);
        BlockSync {
            seed,
            catch_up,
            committed,
            using: None,
        }
    }

    fn step(&mut self, input: Input, ctx: &mut Ctx<Self>) {
        for output in self.catch_up.step(self.seed.clock.now(), input) {
            match output {
                Output::Request(peer, from) => {
                    log::debug!("asking {} for blocks from height {from}", peer.short());
                    self.seed
                        .ports
                        .request
                        .deliver(RequestBlocks { peer, from });
                }
                Output::WakeAt(ms) => {
                    ctx.run_later(Duration::from_millis(ms), |this, ctx| {
                        this.step(Input::Wake, ctx);
                    });
                }
            }
        }
        self.seed
            .view
            .set_catching_up(self.catch_up.is_catching_up());
    }

    /// Tells the Committer the leading blocks that follow our head and carry a valid certificate.
    /// Returns the height of the last one.
    fn use_blocks(&mut self, blocks: Vec<DecidedBlock>) -> Option<Height> {
        let mut last = None;
        let mut expected = self.committed.next();
        for decided in blocks
            .into_iter()
            .skip_while(|d| d.block.height() <= self.committed)
        {
            if decided.block.height() != expected || !self.is_proven(&decided) {
                break;
            }
            last = Some(expected);
            expected = expected.next();
            self.seed.metrics.blocks_synced.inc();
            self.seed.ports.synced.deliver(SyncedBlock(decided));
        }
        last
    }

    fn is_proven(&self, decided: &DecidedBlock) -> bool {
        let DecidedBlock { block, certificate } = decided;
        (certificate.height, certificate.block_id) == (block.height(), block.id())
            && certificate
                .verify(&self.seed.rules.validators, &self.seed.rules.context)
                .is_ok()
    }
}

impl Actor for BlockSync {
    type Context = Ctx<Self>;
}

impl Supervised for BlockSync {
    fn restarting(&mut self, _: &mut Ctx<Self>) {
        let committed = self.seed.store.committed_height();
        *self = BlockSync::new(self.seed.clone(), committed);
    }
}

impl Handler<PeerAhead> for BlockSync {
    type Result = ();

    fn handle(&mut self, PeerAhead(peer, height): PeerAhead, ctx: &mut Ctx<Self>) {
        self.step(Input::Ahead(peer, height), ctx);
    }
}

impl Handler<BlocksArrived> for BlockSync {
    type Result = ();

    fn handle(&mut self, message: BlocksArrived, ctx: &mut Ctx<Self>) {
        let BlocksArrived { peer, blocks } = message;
        match blocks.and_then(|blocks| self.use_blocks(blocks)) {
            Some(last) => self.using = Some((peer, last)),
            None => self.step(Input::Failed(peer), ctx),
        }
    }
}

impl Handler<BlockCommitted> for BlockSync {
    type Result = ();

    fn handle(&mut self, message: BlockCommitted, ctx: &mut Ctx<Self>) {
        self.committed = message.0.block.height();
        self.step(Input::Committed(self.committed), ctx);
        if let Some((peer, _)) = self.using.take_if(|(_, last)| *last <= self.committed) {
            self.step(Input::Answered(peer), ctx);
        }
    }
}
