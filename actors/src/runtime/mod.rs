//! The floor the actors stand on: actix, plus what a node needs and actix lacks.
//!
//! | Plain actix | Here |
//! |---|---|
//! | a panic kills the actor, its mailbox and its supervisor, silently | a guard around its future catches it, keeps the mailbox, and starts the actor again when the [`Supervisor`] says so |
//! | `do_send` ignores the mailbox bound, `try_send` bounds each sender apart | a [`Port`] takes a permit from its actor's one limit, however many ports there are |
//! | a busy mailbox holds back timers, neighbours and sockets | [`Ctx`] ends its turn after 32 messages |
//! | a message whose asker has gone is skipped | it is handled |
//! | nothing is measured | [`Ctx`] times every message, and handlers stay as they are; see [`Stats`] |
//!
//! # What an actor writes
//!
//! ```
//! use actix::prelude::*;
//! use lockstep_actors::runtime::{Ctx, Inbox, OnFall, Policy, Supervisor};
//!
//! struct Add(u64);
//! impl Message for Add {
//!     type Result = u64;
//! }
//!
//! struct Adder { seed: u64, total: u64 }
//! impl Adder {
//!     fn new(seed: u64) -> Self { Adder { seed, total: seed } }
//! }
//! impl Actor for Adder {
//!     type Context = Ctx<Self>;
//! }
//! impl Supervised for Adder {
//!     fn restarting(&mut self, _: &mut Ctx<Self>) { *self = Self::new(self.seed) }
//! }
//! impl Handler<Add> for Adder {
//!     type Result = u64;
//!     fn handle(&mut self, Add(n): Add, _: &mut Ctx<Self>) -> u64 { self.total += n; self.total }
//! }
//!
//! System::new().block_on(async {
//!     let mut spawner = Supervisor::start(Policy::default(), |reason| println!("{reason}"));
//!     let inbox = Inbox::<Adder>::new(64);
//!     let add = inbox.port::<Add>();
//!     assert!(add.tell(Add(1)).is_ok()); // waits in the inbox until the actor is there
//!     spawner.spawn(&Arbiter::current(), inbox, OnFall::Restart, |_| Adder::new(40));
//!     assert_eq!(add.ask(Add(1)).await, Ok(42));
//!     spawner.children().stop().await;
//! });
//! ```
//!
//! # The contract of a restart
//!
//! * `Supervised::restarting` **replaces `*self`**. This is what makes catching a panic sound:
//!   nobody ever sees half-done state.
//! * The message that panicked is lost; its asker hears [`AskError::Died`]. Messages behind it
//!   wait and are handled. So a poison message costs one restart, not a loop.
//! * Timers and spawned futures are gone; `Actor::started` runs again and re-arms them.
//! * `stopping` and `stopped` are not called on the state that fell.
//! * An actor lives until its supervisor stops it, even if nobody holds a port to it. Stopping
//!   itself (`ctx.stop()`) counts as a fall.
//!
//! # Limits of the promise
//!
//! * A handler that blocks or spins cannot be preempted: it holds back its whole thread. It shows
//!   as a growing [`ActorRow::last_message_ms_ago`] with [`ActorRow::depth`] > 0.
//! * State shared with other threads may be left half-done by a panic: share only what is sound
//!   to share (ports, [`Stats`], the store's environment).
//! * The default panic hook still prints each caught panic to stderr. This module sets no hook,
//!   because a hook is global to the process and several nodes may live in one; a program that
//!   wants other output sets its own. The text of the last panic is in [`ActorRow::last_panic`].
//! * `ctx.notify` and `ctx.address()` reach the actor without a permit, and notify is not first
//!   in, first out: an actor that talks to itself holds a port to itself.
//!
//! Built on `actix::dev` (`ContextParts`, `ContextFut::restart`, `Envelope::with_proxy`), which is
//! public but little used: actix is pinned exactly, and the tests of this module are the contract.

mod ctx;
#[cfg(test)]
mod fixture;
mod guard;
mod histogram;
#[cfg(any(test, feature = "inject-panics"))]
mod injection;
mod policy;
mod port;
#[cfg(any(test, feature = "test-probe"))]
mod probe;
mod spawner;
mod stats;
mod supervisor;

pub use ctx::Ctx;
pub use histogram::{Histogram, HistogramRow};
#[cfg(any(test, feature = "inject-panics"))]
pub use injection::Strike;
pub use policy::{EndReason, FatalKind, OnFall, Policy};
pub use port::{AskError, Port, TellError};
#[cfg(any(test, feature = "test-probe"))]
pub use probe::Probe;
pub use spawner::{Actors, Children, Inbox, Spawner};
pub use stats::{ActorRow, EdgeRow, MessageRow, MessageStats, State, Stats};
pub use supervisor::{Fatal, Supervisor};
