//! [`Port`]: the only way one actor knows another — what it accepts, not what it is. The whole way
//! of a message is here: it takes a permit, is packed, waits, and is handled.

use super::ctx::Ctx;
#[cfg(any(test, feature = "inject-panics"))]
use super::injection::Strike;
use super::stats::{Edge, Stats};
use actix::dev::{
    Envelope, EnvelopeProxy, MessageResponse, OneshotSender, RecipientRequest, ToEnvelope,
};
use actix::prelude::*;
use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

/// Takes messages of one type for one actor.
///
/// All ports of an actor, of whatever message type and however often cloned, share the one limit
/// of its inbox: a message takes a permit when it is told or asked, and gives it back when it has
/// been handled or is dropped unhandled. A clone costs one atomic addition.
///
/// Every `tell` result is looked at: at the edge `Full` becomes 503, a link drops and counts, and
/// where it cannot happen it is a broken invariant.
pub struct Port<M: Message + Send + 'static>
where
    M::Result: Send,
{
    line: Arc<Line<M>>,
}

struct Line<M: Message + Send + 'static>
where
    M::Result: Send,
{
    to: Recipient<M>,
    stats: Arc<Stats>,
    /// What its sender has told the actor through it, its clones and its likes.
    edge: Arc<Edge>,
    /// Of the places of the mailbox, those that this port and its clones may take.
    share: Option<Arc<Share>>,
}

/// Why a message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TellError {
    /// As many messages wait as may.
    #[error("the mailbox is full")]
    Full,
    /// The actor has stopped for good.
    #[error("the actor has stopped")]
    Closed,
}

/// Why a question has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// As many messages wait as may.
    #[error("the mailbox is full")]
    Full,
    /// The actor had stopped before it was asked.
    #[error("the actor has stopped")]
    Closed,
    /// The actor fell or stopped before it answered; whether the message had an effect is unknown.
    #[error("the actor fell before it answered")]
    Died,
}

impl From<TellError> for AskError {
    fn from(refused: TellError) -> Self {
        match refused {
            TellError::Full => AskError::Full,
            TellError::Closed => AskError::Closed,
        }
    }
}

/// A part of a mailbox's places, for messages that come one way.
#[derive(Debug)]
struct Share {
    limit: usize,
    in_use: AtomicUsize,
}

impl Share {
    fn new(limit: usize) -> Self {
        let in_use = AtomicUsize::new(0);
        Share { limit, in_use }
    }
}

fn take(in_use: &AtomicUsize, limit: usize) -> bool {
    let room = |in_use| (in_use < limit).then_some(in_use + 1);
    in_use.fetch_update(Relaxed, Relaxed, room).is_ok()
}

/// The right to one place in a mailbox. Whoever drops it, for whatever reason, gives it back.
#[derive(Debug)]
struct Permit {
    stats: Option<Arc<Stats>>,
    share: Option<Arc<Share>>,
}

impl Permit {
    /// For one more message, if there is room at the actor and within `share`.
    fn new(stats: &Arc<Stats>, share: Option<&Arc<Share>>) -> Option<Permit> {
        if share.is_some_and(|share| !take(&share.in_use, share.limit)) {
            return None;
        }
        let mut permit = Permit {
            stats: None,
            share: share.cloned(),
        };
        if take(&stats.in_use, stats.limit()) {
            permit.stats = Some(stats.clone());
            return Some(permit);
        }
        None
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(stats) = &self.stats {
            stats.in_use.fetch_sub(1, Relaxed);
        }
        if let Some(share) = &self.share {
            share.in_use.fetch_sub(1, Relaxed);
        }
    }
}

thread_local! {
    /// Carries a permit from [`Port::send`] into the envelope; there is none if a message does not
    /// come through a port.
    ///
    /// The envelope is packed by `ToEnvelope::pack`, in the middle of the send and on its thread,
    /// but actix gives `pack` nothing except the message. A permit that is still here after the
    /// send was not packed: the mailbox is closed.
    static HANDED_OVER: Cell<Option<Permit>> = const { Cell::new(None) };
}

impl<M: Message + Send + 'static> Port<M>
where
    M::Result: Send,
{
    /// `to` must lead to an actor whose context is a [`Ctx`](super::Ctx) with these `stats`.
    pub(super) fn new(to: Recipient<M>, stats: Arc<Stats>, from: &str) -> Self {
        let edge = stats.edge::<M>(from);
        Port {
            line: Arc::new(Line {
                to,
                stats,
                edge,
                share: None,
            }),
        }
    }

    /// A port to the same actor for the edge: of the messages that are sent through it and its
    /// clones at most `limit` wait, so that they never take the places of those from within.
    #[must_use]
    pub fn within(&self, limit: usize) -> Self {
        let line = Line {
            to: self.line.to.clone(),
            stats: self.line.stats.clone(),
            edge: self.line.edge.clone(),
            share: Some(Arc::new(Share::new(limit))),
        };
        Port {
            line: Arc::new(line),
        }
    }

    /// Leaves the message in the mailbox, or says at once that it will not be read.
    pub fn tell(&self, message: M) -> Result<(), TellError> {
        self.send(|to| to.do_send(message))
    }

    /// Leaves the message in the mailbox and awaits the answer.
    ///
    /// The message is sent by the call, before the future is polled, and it is handled even if
    /// the future is dropped. For HTTP handlers and tests: an actor that awaited another inside
    /// its handler would stand still meanwhile.
    pub fn ask(&self, message: M) -> impl Future<Output = Result<M::Result, AskError>> + use<M> {
        let sent: Result<RecipientRequest<M>, TellError> = self.send(|to| to.send(message));
        async move { sent?.await.map_err(|_| AskError::Died) }
    }

    /// The name of the actor behind the port.
    pub fn actor(&self) -> &str {
        self.line.stats.name()
    }

    /// Messages waiting at the actor, through this port or another.
    pub fn depth(&self) -> usize {
        self.line.stats.depth()
    }

    /// The most that may wait.
    pub fn limit(&self) -> usize {
        self.line.stats.limit()
    }

    fn send<R>(&self, send: impl FnOnce(&Recipient<M>) -> R) -> Result<R, TellError> {
        let Line {
            to,
            stats,
            edge,
            share,
        } = &*self.line;
        let sent = match Permit::new(stats, share.as_ref()) {
            None => Err(TellError::Full),
            permit => {
                HANDED_OVER.set(permit);
                let sent = send(to);
                HANDED_OVER
                    .take()
                    .map_or(Ok(sent), |_unpacked| Err(TellError::Closed))
            }
        };
        edge.count(sent.is_ok());
        sent.inspect_err(|_| stats.refuse())
    }
}

/// Here every message is stamped: each send packs it, and handlers stay as they are.
impl<A, M> ToEnvelope<A, M> for Ctx<A>
where
    A: Actor<Context = Self> + Handler<M>,
    M: Message + Send + 'static,
    M::Result: Send,
{
    fn pack(message: M, reply: Option<OneshotSender<M::Result>>) -> Envelope<A> {
        let letter = Letter {
            message,
            reply,
            permit: HANDED_OVER.take(),
            queued: Instant::now(),
        };
        Envelope::with_proxy(Box::new(Stamped(Some(letter))))
    }
}

/// A message on its way; none once it has been handled.
struct Stamped<M: Message>(Option<Letter<M>>);

struct Letter<M: Message> {
    message: M,
    reply: Option<OneshotSender<M::Result>>,
    permit: Option<Permit>,
    queued: Instant,
}

impl<A, M> EnvelopeProxy<A> for Stamped<M>
where
    A: Actor<Context = Ctx<A>> + Handler<M>,
    M: Message + Send + 'static,
    M::Result: Send,
{
    /// Handles the message, also if its asker has gone: what was sent is read.
    fn handle(&mut self, actor: &mut A, ctx: &mut Ctx<A>) {
        let Some(Letter {
            message,
            reply,
            permit,
            queued,
        }) = self.0.take()
        else {
            return;
        };
        let began = Instant::now();
        #[cfg(any(test, feature = "inject-panics"))]
        ctx.stats().injection.strike::<M>(Strike::BeforeHandling);
        let response = actor.handle(message, ctx);
        #[cfg(any(test, feature = "inject-panics"))]
        ctx.stats().injection.strike::<M>(Strike::AfterHandling);
        ctx.handled::<M>(queued, began, Instant::now());
        // Before the answer: whoever hears it may ask again at once, and finds room and counts.
        drop(permit);
        response.handle(ctx, reply);
    }
}

impl<M: Message + Send + 'static> Clone for Port<M>
where
    M::Result: Send,
{
    fn clone(&self) -> Self {
        Port {
            line: self.line.clone(),
        }
    }
}

impl<M: Message + Send + 'static> fmt::Debug for Port<M>
where
    M::Result: Send,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Port<{}>({})",
            super::stats::short_name::<M>(),
            self.actor()
        )
    }
}

#[cfg(test)]
mod tests;
