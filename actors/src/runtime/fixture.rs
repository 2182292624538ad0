//! What the tests of this module share: a counter that can be broken, and a node of counters.

use super::{Ctx, EndReason, Inbox, OnFall, Policy, Port, Spawner, Stats, Supervisor};
use actix::prelude::*;
use parking_lot::Mutex;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::time::Instant;

/// Runs a test under tokio's virtual clock: naps cost nothing and cannot be too short.
pub(super) fn virtually<F: Future>(test: F) -> F::Output {
    let runtime = || {
        Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap()
    };
    System::with_tokio_rt(runtime).block_on(test)
}

pub(super) async fn nap(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

pub(super) struct Add(pub(super) u64);
pub(super) struct Total;
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Break {
    InHandler,
    InTimer,
    InFuture,
    /// Not a panic, but as unasked.
    ByStopping,
}
impl Message for Add {
    type Result = u64;
}
impl Message for Total {
    type Result = u64;
}
impl Message for Break {
    type Result = ();
}

/// What survives a counter, as the store would.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) log: Mutex<Vec<u64>>,
    pub(super) births: Mutex<Vec<Instant>>,
}

/// Says what happened to which counter, in order.
pub(super) type Journal = Arc<Mutex<Vec<String>>>;

pub(super) struct Counter {
    name: String,
    kept: Arc<Kept>,
    journal: Journal,
    total: u64,
}

impl Counter {
    pub(super) fn new(name: &str, kept: Arc<Kept>, journal: Journal) -> Self {
        kept.births.lock().push(Instant::now());
        let total = kept.log.lock().iter().sum();
        Counter {
            name: name.into(),
            kept,
            journal,
            total,
        }
    }

    fn note(&self, what: &str) {
        self.journal.lock().push(format!("{} {what}", self.name));
    }
}

impl Actor for Counter {
    type Context = Ctx<Self>;

    fn started(&mut self, _: &mut Ctx<Self>) {
        self.note("started");
    }

    fn stopped(&mut self, _: &mut Ctx<Self>) {
        self.note("stopped");
    }
}

impl Supervised for Counter {
    fn restarting(&mut self, _: &mut Ctx<Self>) {
        *self = Self::new(&self.name, self.kept.clone(), self.journal.clone());
    }
}

impl Handler<Add> for Counter {
    type Result = u64;

    fn handle(&mut self, Add(n): Add, _: &mut Ctx<Self>) -> u64 {
        self.kept.log.lock().push(n);
        self.total += n;
        self.total
    }
}

impl Handler<Total> for Counter {
    type Result = u64;

    fn handle(&mut self, _: Total, _: &mut Ctx<Self>) -> u64 {
        self.total
    }
}

impl Handler<Break> for Counter {
    type Result = ();

    fn handle(&mut self, how: Break, ctx: &mut Ctx<Self>) {
        self.total = 999_999; // half-done work that nobody may see
        match how {
            Break::InHandler => panic!("boom in handler"),
            Break::InTimer => {
                ctx.run_later(Duration::from_millis(1), |_, _| panic!("boom in timer"));
            }
            Break::InFuture => {
                ctx.spawn(async { panic!("boom in future") }.into_actor(self));
            }
            Break::ByStopping => ctx.stop(),
        }
    }
}

/// What a test holds of one counter.
pub(super) struct Hand {
    pub(super) add: Port<Add>,
    pub(super) total: Port<Total>,
    pub(super) brk: Port<Break>,
    pub(super) stats: Arc<Stats>,
    pub(super) kept: Arc<Kept>,
}

impl Hand {
    pub(super) fn falls_and_restarts(&self) -> (u64, u64) {
        (self.stats.panics(), self.stats.restarts())
    }

    /// Breaks it and waits until the longest first restarts are over.
    pub(super) async fn fall(&self) {
        let _ = self.brk.ask(Break::InHandler).await;
        nap(50).await;
    }
}

/// A spawner whose counters all run on this thread.
pub(super) struct Node {
    pub(super) spawner: Spawner,
    pub(super) journal: Journal,
    end: Arc<Mutex<Vec<EndReason>>>,
}

impl Node {
    pub(super) fn new(policy: Policy) -> Self {
        let end = Arc::new(Mutex::new(Vec::new()));
        let heard = end.clone();
        let spawner = Supervisor::start(policy, move |reason| heard.lock().push(reason));
        Node {
            spawner,
            journal: Journal::default(),
            end,
        }
    }

    pub(super) fn counter(&mut self, name: &'static str, on_fall: OnFall) -> Hand {
        self.counter_on(&Arbiter::current(), name, on_fall)
    }

    pub(super) fn counter_on(
        &mut self,
        on: &ArbiterHandle,
        name: &'static str,
        on_fall: OnFall,
    ) -> Hand {
        let (hand, inbox) = hand(name, 8);
        let (kept, journal) = (hand.kept.clone(), self.journal.clone());
        self.spawner.spawn(on, inbox, on_fall, move |_| {
            Counter::new(name, kept, journal)
        });
        hand
    }

    /// The reason it ended, which must have been told no more than once.
    pub(super) fn end(&self) -> Option<EndReason> {
        let end = self.end.lock();
        assert!(end.len() <= 1, "{end:?}");
        end.first().cloned()
    }

    pub(super) fn journal(&self) -> Vec<String> {
        std::mem::take(&mut self.journal.lock())
    }
}

/// The wiring of a counter that is not started yet.
pub(super) fn hand(name: &str, limit: usize) -> (Hand, Inbox<Counter>) {
    let inbox = Inbox::<Counter>::named(name, limit);
    let add = inbox.port();
    let total = inbox.port();
    let brk = inbox.port();
    let stats = inbox.stats().clone();
    (
        Hand {
            add,
            total,
            brk,
            stats,
            kept: Arc::default(),
        },
        inbox,
    )
}
