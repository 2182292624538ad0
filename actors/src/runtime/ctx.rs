//! [`Ctx`]: actix's context plus a meter and a limit on its turn.
//!
//! An actor opts in with `type Context = Ctx<Self>`; its handlers stay as they are. What each
//! message costs is told to the context by its envelope, which [`Port`](super::Port) packs.

use super::stats::{MessageStats, Stats};
use actix::dev::{AsyncContextParts, ContextFut, ContextParts, Mailbox, channel};
use actix::prelude::*;
use std::any::TypeId;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context as Task, Poll};
use std::time::Instant;

/// Messages an actor may handle before its timers, its neighbours and the sockets get a turn.
///
/// actix alone empties the whole mailbox first, so that a flood holds back every timeout on the
/// thread. At 32 messages of 100 µs a neighbour waits 3 ms; at 32 trivial ones the yield costs a
/// few nanoseconds each.
const TURN: u32 = 32;

/// The context of a supervised actor.
pub struct Ctx<A: Actor<Context = Self>> {
    parts: ContextParts<A>,
    /// A strong address: the mailbox stays open while the actor lives, ports or no ports.
    address: Addr<A>,
    stats: Arc<Stats>,
    /// Messages left in this turn.
    left: u32,
    /// The records of the message types seen so far: a handful, so a scan beats a map, and no
    /// lock is taken per message.
    seen: Vec<(TypeId, Arc<MessageStats>)>,
}

impl<A: Actor<Context = Self>> Ctx<A> {
    /// Makes an actor and the future that runs it on the messages that `mail` receives.
    pub(super) fn future(
        mail: channel::AddressReceiver<A>,
        stats: Arc<Stats>,
        make: impl FnOnce(&mut Self) -> A,
    ) -> Turns<A> {
        let mailbox = Mailbox::new(mail);
        let address = mailbox.address();
        let mut ctx = Ctx {
            parts: new_parts(),
            address,
            stats,
            left: TURN,
            seen: Vec::new(),
        };
        let actor = make(&mut ctx);
        Turns {
            run: ContextFut::new(ctx, actor, mailbox),
        }
    }

    /// What this actor has done so far.
    pub fn stats(&self) -> &Arc<Stats> {
        &self.stats
    }

    /// A message of this turn has been handled.
    pub(super) fn handled<M: 'static>(&mut self, queued: Instant, began: Instant, ended: Instant) {
        self.left = self.left.saturating_sub(1);
        self.stats.handled_until(ended);
        let record = self.record_of::<M>();
        record.waited().record(began - queued);
        record.handled().record(ended - began);
    }

    fn record_of<M: 'static>(&mut self) -> &MessageStats {
        let id = TypeId::of::<M>();
        let at = match self.seen.iter().position(|(seen, _)| *seen == id) {
            Some(at) => at,
            None => {
                self.seen.push((id, self.stats.message::<M>()));
                self.seen.len() - 1
            }
        };
        &self.seen[at].1
    }
}

/// Runs one actor, turn by turn. It catches nothing: a [`Guard`](super::guard::Guard) does.
pub(super) struct Turns<A: Actor<Context = Ctx<A>>> {
    run: ContextFut<A, Ctx<A>>,
}

impl<A: Actor<Context = Ctx<A>>> Turns<A> {
    /// Rebuilds the actor's state; its mailbox stays, its timers and futures go.
    pub(super) fn restart(&mut self)
    where
        A: Supervised,
    {
        let ctx = self.run.ctx();
        // `ContextFut::restart` alone keeps cancellations that were asked for and not yet carried
        // out, while spawn handles count from one again: they would hit timers of the new life.
        ctx.parts = new_parts();
        ctx.left = TURN;
        // It returns false only for a closed mailbox, and the context holds its own address.
        self.run.restart();
    }

    /// Whoever drops it after this runs no hook of the actor.
    pub(super) fn terminate(&mut self) {
        self.run.ctx().terminate();
    }
}

impl<A: Actor<Context = Ctx<A>>> Future for Turns<A> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<()> {
        let run = &mut self.get_mut().run;
        let polled = Pin::new(&mut *run).poll(task);
        if std::mem::replace(&mut run.ctx().left, TURN) == 0 && polled.is_pending() {
            // A plain wake would come back before timers and sockets are looked at; tokio defers
            // this one until after.
            let _ = pin!(tokio::task::yield_now()).poll(task);
        }
        polled
    }
}

/// Parts with a channel of their own that nobody uses: actix makes a context's address from it,
/// but [`Ctx`] keeps its address itself, so that parts can be replaced.
fn new_parts<A: Actor<Context = Ctx<A>>>() -> ContextParts<A> {
    ContextParts::new(Mailbox::default().sender_producer())
}

impl<A: Actor<Context = Self>> ActorContext for Ctx<A> {
    fn stop(&mut self) {
        self.parts.stop()
    }

    fn terminate(&mut self) {
        self.parts.terminate()
    }

    fn state(&self) -> ActorState {
        self.parts.state()
    }
}

impl<A: Actor<Context = Self>> AsyncContext<A> for Ctx<A> {
    fn address(&self) -> Addr<A> {
        self.address.clone()
    }

    fn spawn<F: ActorFuture<A, Output = ()> + 'static>(&mut self, future: F) -> SpawnHandle {
        self.parts.spawn(future)
    }

    fn wait<F: ActorFuture<A, Output = ()> + 'static>(&mut self, future: F) {
        self.parts.wait(future)
    }

    /// The mailbox asks this before each message, so this is also how a turn ends.
    fn waiting(&self) -> bool {
        self.left == 0 || self.parts.waiting()
    }

    fn cancel_future(&mut self, handle: SpawnHandle) -> bool {
        self.parts.cancel_future(handle)
    }
}

impl<A: Actor<Context = Self>> AsyncContextParts<A> for Ctx<A> {
    fn parts(&mut self) -> &mut ContextParts<A> {
        &mut self.parts
    }
}
