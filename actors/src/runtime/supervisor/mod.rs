//! [`Supervisor`]: one per node. It hears when an actor falls, and decides.
//!
//! It decides by [`Policy`] and by each actor's [`OnFall`]: restart after a wait that doubles,
//! let go, or end the node. A node ends once and for one reason, the first; then its actors stop
//! in reverse start order, each only when the one after it is gone, and at last the callback hears
//! the reason. If the supervisor itself panics, the callback hears that at once.
//!
//! It does not preempt: an actor that spins is let alone after [`Policy::stop_patience`], and one
//! that spins on the supervisor's own thread holds it up too.

use super::guard::Order;
use super::policy::{EndReason, Falls, FatalKind, OnFall, Policy};
use super::spawner::{Actors, Spawner};
use super::stats::Stats;
use actix::prelude::*;
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Watches the actors of one node. Start it with [`Supervisor::start`].
pub struct Supervisor {
    policy: Policy,
    /// In start order.
    children: Vec<Child>,
    falls: Falls,
    phase: Phase,
    on_end: Option<Box<dyn FnOnce(EndReason)>>,
    waiting_for_end: Vec<oneshot::Sender<()>>,
}

enum Phase {
    Watching,
    Stopping {
        reason: EndReason,
        /// The children from here on are gone or given up.
        left: usize,
        /// The child that has been told to stop and is waited for.
        awaited: Option<usize>,
    },
    Ended,
}

pub(super) struct Child {
    stats: Arc<Stats>,
    on_fall: OnFall,
    orders: UnboundedSender<Order>,
    /// Its own falls, counted apart if they only close it.
    falls: Falls,
    /// It has been told to close or to stop.
    dismissed: bool,
    gone: bool,
}

impl Child {
    pub(super) fn new(stats: Arc<Stats>, on_fall: OnFall, orders: UnboundedSender<Order>) -> Child {
        Child {
            stats,
            on_fall,
            orders,
            falls: Falls::default(),
            dismissed: false,
            gone: false,
        }
    }

    fn order(&self, order: Order) {
        // A guard that is gone has said so; there is nobody left to obey.
        let _ = self.orders.send(order);
    }

    fn dismiss(&mut self, order: Order) {
        if !std::mem::replace(&mut self.dismissed, true) {
            self.order(order);
        }
    }
}

impl Supervisor {
    /// Starts a supervisor on this thread, where an actix system must run.
    ///
    /// `on_end` is called once, after all actors have stopped (or their time to do so is over).
    pub fn start(policy: Policy, on_end: impl FnOnce(EndReason) + 'static) -> Spawner {
        Supervisor::start_with(policy, Actors::default(), on_end)
    }

    /// The same with a registry that somebody holds already, because its metrics show it.
    pub fn start_with(
        policy: Policy,
        actors: Actors,
        on_end: impl FnOnce(EndReason) + 'static,
    ) -> Spawner {
        let supervisor = Supervisor {
            policy,
            children: Vec::new(),
            falls: Falls::default(),
            phase: Phase::Watching,
            on_end: Some(Box::new(on_end)),
            waiting_for_end: Vec::new(),
        };
        Spawner::new(Actor::start(supervisor), actors)
    }

    fn watching(&self) -> bool {
        matches!(self.phase, Phase::Watching)
    }

    fn fell(&mut self, index: usize, why: String, ctx: &mut Context<Self>) {
        let now = Instant::now();
        let policy = self.policy;
        let child = &mut self.children[index];
        let actor = child.stats.name().to_owned();
        let falls = match child.on_fall {
            OnFall::StopNode => {
                return self.end(EndReason::KernelFell { actor, last: why }, ctx);
            }
            OnFall::Restart => self.falls.count(now, policy.within),
            OnFall::Close => child.falls.count(now, policy.within),
        };
        if let Some(delay) = policy.delay(falls) {
            log::warn!("{actor} fell and restarts in {delay:?}: {why}");
            ctx.run_later(delay, move |this, _| this.restart(index));
        } else if child.on_fall == OnFall::Close {
            log::error!(
                "{actor} fell {falls} times within {:?} and is closed: {why}",
                policy.within
            );
            child.dismiss(Order::Close);
        } else {
            let within = policy.within;
            self.end(
                EndReason::TooManyFalls {
                    actor,
                    falls,
                    within,
                    last: why,
                },
                ctx,
            );
        }
    }

    fn restart(&self, index: usize) {
        if self.watching() {
            self.children[index].order(Order::Restart);
        }
    }

    /// A child is gone for good. Unless it was dismissed, nothing can bring it back.
    fn gone(&mut self, index: usize, why: String, ctx: &mut Context<Self>) {
        let watching = self.watching();
        let child = &mut self.children[index];
        child.gone = true;
        if !watching {
            self.stop_next(ctx);
        } else if !child.dismissed {
            let actor = child.stats.name().to_owned();
            let last = why;
            if child.on_fall == OnFall::Close {
                log::error!("{actor} is gone and the node goes on without it: {last}");
            } else {
                self.end(EndReason::Lost { actor, last }, ctx);
            }
        }
    }

    /// Ends the node, unless it is ending already: the first reason is the reason.
    fn end(&mut self, reason: EndReason, ctx: &mut Context<Self>) {
        if !self.watching() {
            log::warn!("while the node was ending: {reason}");
            return;
        }
        if reason.is_failure() {
            log::error!("the node stops: {reason}");
        }
        self.phase = Phase::Stopping {
            reason,
            left: self.children.len(),
            awaited: None,
        };
        self.stop_next(ctx);
    }

    /// Goes on stopping, last started first, one at a time.
    fn stop_next(&mut self, ctx: &mut Context<Self>) {
        let Phase::Stopping { left, awaited, .. } = &mut self.phase else {
            return;
        };
        while let Some(last) = left.checked_sub(1) {
            let child = &mut self.children[last];
            if !child.gone {
                if awaited.replace(last) != Some(last) {
                    child.dismiss(Order::Stop);
                    ctx.run_later(self.policy.stop_patience, move |this, ctx| {
                        this.lose_patience(last, ctx);
                    });
                }
                return;
            }
            *left = last;
        }
        self.finish();
    }

    fn lose_patience(&mut self, index: usize, ctx: &mut Context<Self>) {
        let child = &mut self.children[index];
        if !std::mem::replace(&mut child.gone, true) {
            log::error!(
                "{} does not stop; the node ends without it",
                child.stats.name()
            );
            self.stop_next(ctx);
        }
    }

    fn stop_all(&mut self, done: oneshot::Sender<()>, ctx: &mut Context<Self>) {
        if matches!(self.phase, Phase::Ended) {
            let _ = done.send(());
            return;
        }
        self.waiting_for_end.push(done);
        if self.watching() {
            self.end(EndReason::Asked, ctx);
        }
    }

    fn finish(&mut self) {
        if let Phase::Stopping { reason, .. } = std::mem::replace(&mut self.phase, Phase::Ended) {
            self.report(reason);
            for waiting in self.waiting_for_end.drain(..) {
                let _ = waiting.send(());
            }
        }
    }

    fn report(&mut self, reason: EndReason) {
        if let Some(on_end) = self.on_end.take() {
            on_end(reason);
        }
    }
}

impl Actor for Supervisor {
    type Context = Context<Self>;
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        // Dropped in good order with its thread, it has nothing to say. A panic is another matter.
        if std::thread::panicking() {
            let reason = match std::mem::replace(&mut self.phase, Phase::Ended) {
                Phase::Stopping { reason, .. } => reason,
                _ => EndReason::SupervisorDied,
            };
            self.report(reason);
        }
    }
}

/// What a supervisor hears.
pub(super) enum Word {
    /// A spawner has started an actor.
    Adopt(Child),
    /// The guard of this child caught a fall, and waits for an order.
    Fell(usize, String),
    /// The guard of this child is no more.
    Gone(usize, String),
    /// Stop the node; the sender hears when all actors are gone.
    StopAll(oneshot::Sender<()>),
    /// An error that the node must not survive: see [`Fatal`].
    Fatal(FatalKind, String),
    /// Make the actor of this name panic, or the supervisor itself.
    #[cfg(any(test, feature = "inject-panics"))]
    InjectPanic(String),
}

impl Message for Word {
    type Result = ();
}

impl Handler<Word> for Supervisor {
    type Result = ();

    fn handle(&mut self, word: Word, ctx: &mut Context<Self>) {
        match word {
            Word::Adopt(mut child) => {
                if !self.watching() {
                    // Started into a node that is ending already.
                    child.dismiss(Order::Stop);
                }
                self.children.push(child);
            }
            Word::Fell(child, why) => {
                if self.watching() {
                    self.fell(child, why, ctx);
                }
            }
            Word::Gone(child, why) => self.gone(child, why, ctx),
            Word::StopAll(done) => self.stop_all(done, ctx),
            Word::Fatal(kind, text) => self.end(EndReason::Fatal { kind, text }, ctx),
            #[cfg(any(test, feature = "inject-panics"))]
            Word::InjectPanic(name) => {
                assert_ne!(name, super::spawner::SUPERVISOR, "injected panic");
                let children = self.children.iter();
                let named = children.filter(|child| child.stats.name() == name);
                named.for_each(|child| child.order(Order::Panic));
            }
        }
    }
}

/// The right to end the node on purpose: for an error of ours that no restart would mend, such as
/// a failing disk. Any actor may hold a clone.
#[derive(Clone)]
pub struct Fatal {
    supervisor: Addr<Supervisor>,
}

impl Fatal {
    pub(super) fn new(supervisor: Addr<Supervisor>) -> Self {
        Fatal { supervisor }
    }

    /// Ends the node with [`EndReason::Fatal`], unless it is ending already: the first reason
    /// wins. Returns at once; the caller goes on until it is told to stop.
    pub fn raise(&self, kind: FatalKind, text: impl Into<String>) {
        self.supervisor.do_send(Word::Fatal(kind, text.into()));
    }

    /// A handle that ends nothing, for tests of an actor that holds one.
    #[cfg(any(test, feature = "test-probe"))]
    pub fn detached() -> Self {
        Fatal {
            supervisor: Addr::new(actix::dev::channel::channel(0).0),
        }
    }
}

#[cfg(test)]
mod tests;
