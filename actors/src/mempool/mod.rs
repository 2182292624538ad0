//! **Mempool** owns the transactions that wait for a block. Its brain is
//! [`mempool::Mempool`](lockstep_protocol::mempool::Mempool).
//!
//! Signatures are checked on another thread, in batches, one batch at a time: what users send never
//! holds up a vote on the node's own thread. Whoever submits waits for the verdict. The ledger hears
//! of each signature that verified, and does not verify it again in a block.
//!
//! After a fall, the checking thread's among them, it takes again all that it had taken (the
//! [`Shelf`]); what was under check is answered with [`MempoolRefusal::Busy`](lockstep_protocol::mempool::MempoolRefusal::Busy).
use crate::clock::Clock;
use crate::limits::RESTORED_AT_ONCE_MAX;
use crate::messages::committer::NoteTransactions;
use crate::messages::mempool::SubmitResult;
use crate::messages::peer_broadcaster::GossipTransactions;
use crate::messages::proposer::BlockFilled;
use crate::messages::round_driver::{AnnounceRound, TransactionsWaiting};
use crate::metrics::Metrics;
use crate::runtime::{Ctx, Fatal, Port};
use crate::shell::Deliver;
use crate::state_store::Store;
use actix::prelude::*;
use lockstep_protocol::ledger::ChainRules;
use lockstep_protocol::mempool::{
    BlockBudget, Check, Checker, Input, Mempool as Brain, Room, Ticket,
};
use lockstep_protocol::types::{Address, Hash, Height};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

mod handlers;
mod shelf;

pub(crate) use shelf::Shelf;

/// What it tells.
#[derive(Clone)]
#[cfg_attr(test, derive(Default))]
pub(crate) struct Ports {
    /// Proposer: what waits for its block.
    pub(crate) filled: Port<BlockFilled>,
    /// Committer: these need no second look.
    pub(crate) note: Port<NoteTransactions>,
    /// PeerBroadcaster: pass these on.
    pub(crate) gossip: Port<GossipTransactions>,
    /// RoundDriver: somebody waits for a block.
    pub(crate) waiting: Port<TransactionsWaiting>,
    /// RoundDriver: I have restarted.
    pub(crate) announce: Port<AnnounceRound>,
}

/// What an incarnation is made from.
#[derive(Clone)]
pub(crate) struct Seed {
    pub(crate) rules: Arc<ChainRules>,
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    /// The timeout for a proposal in round 0, in milliseconds.
    pub(crate) propose_ms: u64,
    /// What earlier incarnations have taken.
    pub(crate) shelf: Shelf,
    pub(crate) metrics: Arc<Metrics>,
    /// Ends the node when its state cannot be read.
    pub(crate) fatal: Fatal,
    pub(crate) ports: Ports,
}

/// The actor.
pub(crate) struct Mempool {
    seed: Seed,
    brain: Brain,
    /// With the thread that checks, while it does.
    checker: Option<Checker>,
    unchecked: VecDeque<Check>,
    asking: BTreeMap<Ticket, oneshot::Sender<SubmitResult>>,
    tickets: u64,
    budget: BlockBudget,
}

impl Mempool {
    /// Empty, after `committed`.
    pub(crate) fn new(seed: Seed, committed: Height) -> Mempool {
        let rules = seed.rules.clone();
        let budget = BlockBudget::new(seed.propose_ms);
        let mempool = Mempool {
            brain: Brain::new(rules.clone(), Room::default(), committed),
            checker: Some(Checker::new(rules)),
            seed,
            unchecked: VecDeque::new(),
            asking: BTreeMap::new(),
            tickets: 0,
            budget,
        };
        mempool.show();
        mempool
    }

    fn show(&self) {
        let gauge = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        let metrics = &self.seed.metrics;
        metrics.mempool_transactions.set(gauge(self.brain.len()));
        metrics.mempool_bytes.set(gauge(self.brain.bytes()));
    }

    /// Takes again what an earlier incarnation had taken, some at a time: votes do not wait for it.
    fn restore(&mut self, after: Option<(Address, u64, Hash)>, ctx: &mut Ctx<Self>) {
        let (page, last) = self.seed.shelf.page(after, RESTORED_AT_ONCE_MAX);
        for transaction in page {
            let outputs = self.step(Input::Restored(transaction));
            self.carry_out(outputs);
        }
        self.tell_waiting();
        if last.is_some() {
            ctx.run_later(Duration::ZERO, move |this, ctx| this.restore(last, ctx));
        }
    }
}

impl Actor for Mempool {
    type Context = Ctx<Self>;
}

impl Supervised for Mempool {
    fn restarting(&mut self, ctx: &mut Ctx<Self>) {
        let committed = self.seed.store.committed_height();
        *self = Mempool::new(self.seed.clone(), committed);
        self.restore(None, ctx);
        // What fell may have been this node's turn: then it is asked again for a block.
        self.seed.ports.announce.deliver(AnnounceRound);
    }
}
