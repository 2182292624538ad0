//! What the gateway knows of one connection: where it stands in its exchange, since when, how many
//! bytes it may still send, and what its bad messages have used up. Shared by the socket, the
//! handlers and the accept loop, all on one thread.
//!
//! Bytes are read only as far as somebody has asked for them: a window for a request's head, then
//! as much as the handler takes of the body, and nothing while the request is being answered. So
//! what a connection holds in buffers is bounded by this file, whatever it sends.
use super::places::Merit;
use crate::limits::{
    ANSWER_DEADLINE, BAD_MESSAGE_EVERY, BAD_MESSAGES_MAX, BODY_WINDOW_BYTES, CONNECTION_LIFETIME,
    CONNECTION_LIFETIME_MAX, HEAD_BYTES_MAX, HEAD_DEADLINE,
};
use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Why a connection is closed by this side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overdue {
    /// Nothing was asked for too long.
    Idle,
    /// The head of a request did not come in time.
    Head,
    /// The answer was not read in time.
    Reader,
    /// It has lived long enough.
    Old,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Between two requests.
    Waiting,
    /// Some bytes of a head have come.
    Head,
    /// A handler reads the body.
    Body,
    /// A handler is at work and needs nothing more.
    Asking,
    /// The answer has no end: this connection stays.
    Staying,
}

/// May the socket be read?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Credit {
    /// At most so many bytes.
    Bytes(usize),
    /// Not now; the reader is woken.
    Later,
    /// Never again: the head is too long.
    Exceeded,
}

/// How long a connection may take for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deadlines {
    /// Between two requests.
    pub(super) idle: Duration,
    /// For the head of a request.
    pub(super) head: Duration,
    /// To read what it has been answered.
    pub(super) answer: Duration,
}

impl Deadlines {
    pub(crate) fn new(idle: Duration) -> Deadlines {
        Deadlines {
            idle,
            head: HEAD_DEADLINE,
            answer: ANSWER_DEADLINE,
        }
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    born: Instant,
    phase: Cell<Phase>,
    since: Cell<Instant>,
    credit: Cell<usize>,
    /// The head's window is used up; once more and it is too long.
    last_chance: Cell<bool>,
    deadlines: Deadlines,
    reader: RefCell<Option<Waker>>,
    /// Since when the client has left bytes of an answer unread.
    unread_since: Cell<Option<Instant>>,
    bad: Cell<u32>,
    bad_since: Cell<Instant>,
    merit: Cell<Merit>,
    /// Somebody else needs its place, among connections or among long answers.
    pub(super) pushed_out: Arc<Notify>,
    /// It has been proven, or has begun to stay, just now.
    pub(super) risen: Notify,
}

impl Connection {
    /// Accepted at `now`.
    pub(super) fn new(now: Instant, deadlines: Deadlines, merit: Merit) -> Connection {
        Connection {
            born: now,
            // A first request is due at once, like the rest of a head.
            phase: Cell::new(Phase::Head),
            since: Cell::new(now),
            credit: Cell::new(HEAD_BYTES_MAX),
            last_chance: Cell::new(false),
            deadlines,
            reader: RefCell::new(None),
            unread_since: Cell::new(None),
            bad: Cell::new(0),
            bad_since: Cell::new(now),
            merit: Cell::new(merit),
            pushed_out: Arc::default(),
            risen: Notify::new(),
        }
    }

    fn enter(&self, phase: Phase, now: Instant) {
        self.phase.set(phase);
        self.since.set(now);
    }

    /// A request's head is complete; its handler begins.
    pub(super) fn begin(&self, has_body: bool, now: Instant) {
        self.enter(if has_body { Phase::Body } else { Phase::Asking }, now);
        self.allow(if has_body { BODY_WINDOW_BYTES } else { 0 });
    }

    /// The handler has taken bytes of the body: as many may follow.
    pub(crate) fn taken(&self, bytes: usize) {
        let credit = self.credit.get().saturating_add(bytes);
        self.allow(credit.min(BODY_WINDOW_BYTES));
    }

    /// The handler has the whole body.
    pub(super) fn complete(&self, now: Instant) {
        self.enter(Phase::Asking, now);
    }

    /// The handler has answered: the next head may come.
    pub(super) fn answered(&self, now: Instant) {
        if self.stays() {
            return;
        }
        self.enter(Phase::Waiting, now);
        self.last_chance.set(false);
        self.allow(HEAD_BYTES_MAX);
    }

    /// The answer goes on until one side ends it; meanwhile as much is read as the handler takes.
    pub(super) fn stay(&self) {
        self.phase.set(Phase::Staying);
        self.allow(BODY_WINDOW_BYTES);
        self.rise(Merit::Stays);
    }

    pub(super) fn stays(&self) -> bool {
        self.phase.get() == Phase::Staying
    }

    fn allow(&self, bytes: usize) {
        self.credit.set(bytes);
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    /// How many bytes the socket may take now.
    fn credit(&self, task: &Context<'_>) -> Credit {
        let phase = self.phase.get();
        if phase != Phase::Asking && self.credit.get() > 0 {
            return Credit::Bytes(self.credit.get());
        }
        // As long as an answer is not read, no handler begins: the window may hold many heads.
        if phase == Phase::Head && self.unread_since.get().is_none() {
            // The window has just been filled: perhaps it holds the whole head, and the handler
            // begins before anybody asks again.
            if self.last_chance.replace(true) {
                return Credit::Exceeded;
            }
            task.waker().wake_by_ref();
        } else {
            self.reader.replace(Some(task.waker().clone()));
        }
        Credit::Later
    }

    /// The socket has taken so many bytes.
    fn received(&self, bytes: usize, now: Instant) {
        self.credit.set(self.credit.get().saturating_sub(bytes));
        if self.phase.get() == Phase::Waiting {
            self.enter(Phase::Head, now);
        }
    }

    /// The client's buffers are full; or all has been written.
    fn writing(&self, blocked: bool, now: Instant) {
        let since = self.unread_since.get().or(Some(now));
        let was = self.unread_since.replace(since.filter(|_| blocked));
        if was.is_some()
            && !blocked
            && let Some(reader) = self.reader.take()
        {
            reader.wake();
        }
    }

    /// Whether the answer under way should be its last.
    pub(super) fn is_old(&self, now: Instant) -> bool {
        !self.stays() && now.duration_since(self.born) >= CONNECTION_LIFETIME
    }

    /// Whether this connection has had its time.
    pub(super) fn overdue(&self, now: Instant) -> Option<Overdue> {
        let longer = |since: Instant, limit| now.duration_since(since) >= limit;
        if !self.stays() && longer(self.born, CONNECTION_LIFETIME_MAX) {
            return Some(Overdue::Old);
        }
        if let Some(since) = self.unread_since.get() {
            return longer(since, self.deadlines.answer).then_some(Overdue::Reader);
        }
        match self.phase.get() {
            Phase::Waiting if self.is_old(now) => Some(Overdue::Old),
            Phase::Waiting => {
                longer(self.since.get(), self.deadlines.idle).then_some(Overdue::Idle)
            }
            Phase::Head => longer(self.since.get(), self.deadlines.head).then_some(Overdue::Head),
            // Handlers have deadlines of their own.
            Phase::Body | Phase::Asking | Phase::Staying => None,
        }
    }

    /// Counts a message that no honest peer sends; true if the connection has sent enough of them.
    pub(super) fn bad_message(&self, now: Instant) -> bool {
        let forgiven = now.duration_since(self.bad_since.get()).as_millis()
            / BAD_MESSAGE_EVERY.as_millis().max(1);
        if forgiven > 0 {
            self.bad_since.set(now);
        }
        let forgiven = u32::try_from(forgiven).unwrap_or(u32::MAX);
        let bad = self.bad.get().saturating_sub(forgiven).saturating_add(1);
        self.bad.set(bad);
        bad >= BAD_MESSAGES_MAX
    }

    /// It has brought a validator's message that was new here.
    pub(crate) fn prove(&self) {
        self.rise(Merit::Proven);
    }

    fn rise(&self, to: Merit) {
        if self.merit.get() < to {
            self.merit.set(to);
            self.risen.notify_one();
        }
    }

    pub(crate) fn is_proven(&self) -> bool {
        self.merit.get() == Merit::Proven
    }

    /// How much it has shown.
    pub(super) fn merit(&self) -> Merit {
        self.merit.get()
    }
}

/// A socket under the eyes of its [`Connection`], which the HTTP service reads and writes. It is read
/// only as far as that allows, and says when its client does not read.
pub(super) struct Watched {
    stream: TcpStream,
    pub(super) connection: Rc<Connection>,
}

impl Watched {
    pub(super) fn new(stream: TcpStream, connection: Rc<Connection>) -> Watched {
        Watched { stream, connection }
    }

    fn wrote<T>(&self, poll: Poll<io::Result<T>>, flushed: bool) -> Poll<io::Result<T>> {
        if poll.is_pending() || flushed {
            self.connection.writing(poll.is_pending(), Instant::now());
        }
        poll
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let bytes = match this.connection.credit(task) {
            Credit::Bytes(bytes) => bytes,
            Credit::Later => return Poll::Pending,
            Credit::Exceeded => {
                let too_long = "the head of a request is too long";
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, too_long)));
            }
        };
        let bytes = bytes.min(buffer.remaining());
        let mut window = ReadBuf::new(buffer.initialize_unfilled_to(bytes));
        ready!(Pin::new(&mut this.stream).poll_read(task, &mut window))?;
        let read = window.filled().len();
        buffer.advance(read);
        this.connection.received(read, Instant::now());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let poll = Pin::new(&mut this.stream).poll_write(task, bytes);
        this.wrote(poll, false)
    }

    /// Called when everything has been written.
    fn poll_flush(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let poll = Pin::new(&mut this.stream).poll_flush(task);
        this.wrote(poll, true)
    }

    fn poll_shutdown(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(task)
    }
}

#[cfg(test)]
mod tests;
