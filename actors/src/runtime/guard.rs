//! `Guard`: the future that runs one actor, outlives its panics, and starts it again when told.
//!
//! It owns the actor's context and with it the mailbox, so that ports and waiting messages survive
//! a fall. It decides nothing: it tells the supervisor and waits for an order.

#[cfg(panic = "abort")]
compile_error!("supervision catches panics: the profile must say panic = \"unwind\"");

use super::ctx::{Ctx, Turns};
use super::stats::{State, Stats};
use super::supervisor::{Supervisor, Word};
use actix::prelude::*;
use std::any::Any;
use std::future::Future;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context as Task, Poll};
use tokio::sync::mpsc::UnboundedReceiver;

/// What a supervisor tells a guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Order {
    /// Rebuild the actor's state and go on with its mailbox.
    Restart,
    /// Stay fallen for good; the mailbox closes.
    Close,
    /// Stop in good order.
    Stop,
    /// Panic where a handler would.
    #[cfg(any(test, feature = "inject-panics"))]
    Panic,
}

/// Tells the supervisor when a child is gone, on whatever way it goes: stopped, never made, or
/// dropped with the thread it should have run on.
pub(super) struct Lifeline {
    pub(super) child: usize,
    pub(super) supervisor: Addr<Supervisor>,
    pub(super) stats: Arc<Stats>,
    /// Its node has been killed: there is no good order.
    pub(super) cut: Arc<AtomicBool>,
    /// Why, if it was not told to go.
    pub(super) last_words: String,
}

impl Lifeline {
    fn fell(&self, why: String) {
        self.stats.enter(State::Fallen);
        self.supervisor.do_send(Word::Fell(self.child, why));
    }

    fn panicked(&self, panic: Box<dyn Any + Send>) -> String {
        let text = text_of(panic);
        self.stats.panicked(&text);
        text
    }
}

impl Drop for Lifeline {
    fn drop(&mut self) {
        if self.cut.load(Ordering::Acquire) {
            return;
        }
        let why = std::mem::take(&mut self.last_words);
        self.supervisor.do_send(Word::Gone(self.child, why));
    }
}

/// Runs one supervised actor.
pub(super) struct Guard<A: Supervised + Actor<Context = Ctx<A>>> {
    /// None only while the guard is being dropped.
    run: Option<Turns<A>>,
    orders: UnboundedReceiver<Order>,
    phase: State,
    /// The state to leave behind.
    leave: State,
    #[cfg(any(test, feature = "inject-panics"))]
    inject: bool,
    lifeline: Lifeline,
}

impl<A: Supervised + Actor<Context = Ctx<A>>> Guard<A> {
    /// Makes the actor; none if making it panicked, which no restart could mend.
    pub(super) fn new(
        mut lifeline: Lifeline,
        orders: UnboundedReceiver<Order>,
        make: impl FnOnce() -> Turns<A>,
    ) -> Option<Self> {
        match catch_unwind(AssertUnwindSafe(make)) {
            Ok(run) => Some(Guard {
                run: Some(run),
                orders,
                phase: State::Starting,
                leave: State::Stopped,
                #[cfg(any(test, feature = "inject-panics"))]
                inject: false,
                lifeline,
            }),
            Err(panic) => {
                lifeline.last_words = format!("could not be made: {}", lifeline.panicked(panic));
                lifeline.stats.enter(State::Fallen);
                None
            }
        }
    }

    fn obey(&mut self, order: Order) -> ControlFlow<()> {
        match order {
            Order::Restart => self.restart(),
            Order::Close => {
                self.leave = State::Fallen;
                return ControlFlow::Break(());
            }
            Order::Stop => return ControlFlow::Break(()),
            #[cfg(any(test, feature = "inject-panics"))]
            Order::Panic => self.inject = true,
        }
        ControlFlow::Continue(())
    }

    fn restart(&mut self) {
        let Some(run) = &mut self.run else { return };
        match catch_unwind(AssertUnwindSafe(|| run.restart())) {
            Ok(()) => {
                self.phase = State::Starting;
                self.lifeline.stats.restarted();
            }
            Err(panic) => self.fall(panic),
        }
    }

    fn fall(&mut self, panic: Box<dyn Any + Send>) {
        let why = self.lifeline.panicked(panic);
        self.lie_down(why);
    }

    fn lie_down(&mut self, why: String) {
        self.phase = State::Fallen;
        self.lifeline.fell(why);
    }

    /// One turn of the actor; `Break` when the rest is for later.
    fn turn(&mut self, task: &mut Task<'_>) -> ControlFlow<()> {
        let Some(run) = &mut self.run else {
            return ControlFlow::Break(());
        };
        #[cfg(any(test, feature = "inject-panics"))]
        let inject = std::mem::take(&mut self.inject);
        let polled = catch_unwind(AssertUnwindSafe(|| {
            #[cfg(any(test, feature = "inject-panics"))]
            if inject {
                panic!("injected panic");
            }
            Pin::new(&mut *run).poll(task)
        }));
        match polled {
            Ok(Poll::Pending) => {
                if self.phase != State::Running {
                    self.phase = State::Running;
                    self.lifeline.stats.enter(State::Running);
                }
                return ControlFlow::Break(());
            }
            Ok(Poll::Ready(())) => self.lie_down("it stopped by itself".into()),
            Err(panic) => self.fall(panic),
        }
        ControlFlow::Continue(())
    }
}

impl<A: Supervised + Actor<Context = Ctx<A>>> Future for Guard<A> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<()> {
        let this = self.get_mut();
        loop {
            while let Poll::Ready(order) = this.orders.poll_recv(task) {
                // No supervisor, no life.
                if this.obey(order.unwrap_or(Order::Stop)).is_break() {
                    this.lifeline.last_words.clear();
                    return Poll::Ready(());
                }
            }
            if this.phase == State::Fallen || this.turn(task).is_break() {
                return Poll::Pending;
            }
        }
    }
}

impl<A: Supervised + Actor<Context = Ctx<A>>> Drop for Guard<A> {
    /// Runs the actor's `stopping` and `stopped` outside of any unwinding, so that a panic in them
    /// is only counted; and not at all on the half-done state of an actor that has fallen.
    fn drop(&mut self) {
        let mut run = self.run.take();
        let is_cut = self.lifeline.cut.load(Ordering::Acquire);
        if let (Some(run), true) = (&mut run, is_cut || self.phase != State::Running) {
            // Never started, fallen, or killed: there is nothing to stop in good order.
            run.terminate();
        }
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(run))) {
            let text = self.lifeline.panicked(panic);
            log::warn!(
                "{} panicked while stopping: {text}",
                self.lifeline.stats.name()
            );
        }
        self.lifeline.stats.enter(self.leave);
    }
}

/// What a panic said.
fn text_of(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(other) => other
            .downcast_ref::<&str>()
            .unwrap_or(&"a panic without a text")
            .to_string(),
    }
}

#[cfg(test)]
mod tests;
