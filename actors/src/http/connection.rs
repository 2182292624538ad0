//! What the gateway knows of one connection: where it stands in its exchange, since when, how many
//! bytes it may still send, and what its bad messages have used up. Shared by the socket, the
//! handlers and the accept loop, all on one thread.
//!
//! Bytes are read only as far as somebody has asked for them: the head of one request, then as much
//! as the handler takes of the body, and nothing while the request is being answered. So what a
//! connection holds in buffers is bounded by this file, whatever it sends.
use super::places::Merit;
use super::roster::Turn;
use super::streams::Leaving;
use crate::limits::{
    ANSWER_DEADLINE, BAD_MESSAGE_EVERY, BAD_MESSAGES_MAX, BODY_WINDOW_BYTES, CONNECTION_LIFETIME,
    CONNECTION_LIFETIME_MAX, HEAD_BYTES_MAX, HEAD_DEADLINE, READ_BYTES, STREAM_GOODBYE,
};
use actix_web::web::BytesMut;
use framing::{Framing, HeadRefusal, Next};
use std::cell::{Cell, RefCell};
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::Instant;

pub(super) mod framing;

#[cfg(any(test, feature = "fuzzing"))]
pub use framing::given::{Answered, Library};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use framing::given::{given, library};

/// What the library is given instead of a head that is refused: it answers in the order of the
/// requests, and waits for the client to have read that. The body that is named never comes.
const INSTEAD: &[u8] =
    b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 65536\r\nconnection: close\r\n\r\n";
const INSTEAD_BODY_BYTES: usize = 65_536;

/// Why a connection is closed by this side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overdue {
    /// Nothing was asked for too long.
    Idle,
    /// The head of a request did not come in time.
    Head,
    /// The answer was not read in time.
    Reader,
    /// It has lived longer than any may.
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
    /// It has stayed, and may hear the last word.
    Leaving,
}

/// May the socket be read?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Credit {
    /// At most so many bytes.
    Bytes(usize),
    /// Not now; the reader is woken.
    Later,
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
    /// Whose request is under way.
    client: Cell<IpAddr>,
    phase: Cell<Phase>,
    since: Cell<Instant>,
    credit: Cell<usize>,
    framing: RefCell<Framing>,
    /// The request under way stands instead of a head that was refused.
    refusal: Cell<Option<HeadRefusal>>,
    deadlines: Deadlines,
    reader: RefCell<Option<Waker>>,
    /// Some of an answer has not been handed to the kernel.
    is_unsent: Cell<bool>,
    /// Since when the client has left bytes of an answer unread.
    unread_since: Cell<Option<Instant>>,
    bad: Cell<u32>,
    bad_since: Cell<Instant>,
    merit: Cell<Merit>,
    /// Of one that stays: a node that stops waits until the last word is sent.
    leaving: RefCell<Option<Leaving>>,
    /// The client has said its last word: what comes after it is read by nobody.
    has_closed: Cell<bool>,
    /// Somebody else needs its place, among connections or among long answers.
    pub(super) pushed_out: Arc<Notify>,
    /// Whatever is done for it, is done in its turns.
    pub(crate) turn: Turn,
}

impl Connection {
    /// Accepted at `now`.
    pub(super) fn new(now: Instant, deadlines: Deadlines, merit: Merit, turn: Turn) -> Connection {
        Connection {
            born: now,
            client: Cell::new(turn.from()),
            // A first request is due at once, like the rest of a head.
            phase: Cell::new(Phase::Head),
            since: Cell::new(now),
            credit: Cell::new(HEAD_BYTES_MAX),
            framing: RefCell::new(Framing::new()),
            refusal: Cell::new(None),
            deadlines,
            reader: RefCell::new(None),
            is_unsent: Cell::new(false),
            unread_since: Cell::new(None),
            bad: Cell::new(0),
            bad_since: Cell::new(now),
            merit: Cell::new(merit),
            leaving: RefCell::default(),
            has_closed: Cell::new(false),
            pushed_out: Arc::default(),
            turn,
        }
    }

    fn enter(&self, phase: Phase, now: Instant) {
        self.phase.set(phase);
        self.since.set(now);
    }

    /// Whose request is under way: who has connected, or for whom a trusted proxy asks.
    pub(super) fn client(&self) -> IpAddr {
        self.client.get()
    }

    pub(super) fn asks_for(&self, client: IpAddr) {
        self.client.set(client);
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
        self.is_unsent.set(true);
        self.framing.borrow_mut().answered();
        self.allow(HEAD_BYTES_MAX);
    }

    /// The answer goes on until one side ends it. Until then no other request is read.
    pub(super) fn stay(&self, leaving: Leaving) {
        self.phase.set(Phase::Staying);
        self.leaving.replace(Some(leaving));
        self.rise(Merit::Stays);
    }

    /// … and what comes meanwhile are frames: as much is read as the handler takes.
    pub(crate) fn open(&self) {
        self.framing.borrow_mut().open();
        self.allow(BODY_WINDOW_BYTES);
    }

    /// It stays no longer: soon it is closed, and until then it counts for no more than others.
    pub(super) fn over(&self, now: Instant) {
        self.enter(Phase::Leaving, now);
        self.merit.set(self.merit.get().min(Merit::Stranger));
    }

    /// Both sides have said their last word, and the client waits for this one to end the connection
    /// (RFC 6455, 7.1.1): the library hears the end of its bytes, and lingers for no more of them.
    pub(crate) fn closed_by_both(&self) {
        self.has_closed.set(true);
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    /// It is closed: whoever waits for that need not wait until the library has forgotten it.
    pub(super) fn left(&self) {
        self.leaving.take();
    }

    pub(super) fn stays(&self) -> bool {
        matches!(self.phase.get(), Phase::Staying | Phase::Leaving)
    }

    fn allow(&self, bytes: usize) {
        self.credit.set(bytes);
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    /// Why the head that came is refused, if the request under way stands instead of it.
    pub(super) fn take_refusal(&self) -> Option<HeadRefusal> {
        self.refusal.take()
    }

    /// How many bytes may go on now.
    fn credit(&self, task: &Context<'_>) -> Credit {
        // No next head in front of an answer.
        let is_due = match self.phase.get() {
            Phase::Asking => false,
            // It may say its own last word, if it says anything.
            Phase::Leaving => self.framing.borrow().is_open(),
            Phase::Waiting | Phase::Head => !self.is_unsent.get(),
            Phase::Body | Phase::Staying => true,
        };
        match self.credit.get() {
            bytes if is_due && bytes > 0 => Credit::Bytes(bytes),
            _ => self.later(task),
        }
    }

    fn later(&self, task: &Context<'_>) -> Credit {
        self.reader.replace(Some(task.waker().clone()));
        Credit::Later
    }

    /// So many bytes have gone on.
    fn spent(&self, bytes: usize) {
        self.credit.set(self.credit.get().saturating_sub(bytes));
    }

    /// Something has come.
    fn received(&self, now: Instant) {
        if self.phase.get() == Phase::Waiting {
            self.enter(Phase::Head, now);
        }
    }

    /// Some of an answer is being written, and the client's buffers are full or not.
    fn writing(&self, is_blocked: bool, now: Instant) {
        self.is_unsent.set(true);
        if is_blocked {
            self.unread_since.set(self.unread_since.get().or(Some(now)));
        }
    }

    /// All that was written so far is sent.
    fn sent(&self) {
        self.unread_since.set(None);
        // Once: this may be the very task that flushes all the time.
        if self.is_unsent.replace(false)
            && let Some(reader) = self.reader.take()
        {
            reader.wake();
        }
    }

    /// Whether the answer under way should be its last. Whoever has been told nothing may send the next
    /// request at any moment, and would not know whether that was heard.
    pub(super) fn is_old(&self, now: Instant) -> bool {
        !self.stays() && now.duration_since(self.born) >= CONNECTION_LIFETIME
    }

    /// Whether this connection has had its time.
    pub(super) fn overdue(&self, now: Instant) -> Option<Overdue> {
        let longer = |since: Instant, limit| now.duration_since(since) >= limit;
        if !self.stays() && longer(self.born, CONNECTION_LIFETIME_MAX) {
            return Some(Overdue::Old);
        }
        if self.phase.get() == Phase::Leaving {
            return longer(self.since.get(), STREAM_GOODBYE).then_some(Overdue::Old);
        }
        if let Some(since) = self.unread_since.get() {
            return longer(since, self.deadlines.answer).then_some(Overdue::Reader);
        }
        match self.phase.get() {
            Phase::Waiting => {
                longer(self.since.get(), self.deadlines.idle).then_some(Overdue::Idle)
            }
            Phase::Head => longer(self.since.get(), self.deadlines.head).then_some(Overdue::Head),
            // Handlers have deadlines of their own.
            Phase::Body | Phase::Asking | Phase::Staying | Phase::Leaving => None,
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
        self.merit.set(self.merit.get().max(to));
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
    /// What has been read, and may not go on yet.
    held: BytesMut,
    pub(super) connection: Rc<Connection>,
}

impl Watched {
    pub(super) fn new(stream: TcpStream, connection: Rc<Connection>) -> Watched {
        Watched {
            stream,
            held: BytesMut::new(),
            connection,
        }
    }

    /// Bytes that need not be looked at go straight on.
    fn poll_unseen(
        &mut self,
        task: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
        bytes: usize,
    ) -> Poll<io::Result<()>> {
        let bytes = bytes.min(buffer.remaining());
        let mut window = ReadBuf::new(buffer.initialize_unfilled_to(bytes));
        ready!(Pin::new(&mut self.stream).poll_read(task, &mut window))?;
        let read = window.filled();
        self.connection.framing.borrow_mut().passed(read);
        self.connection.spent(read.len());
        let read = read.len();
        buffer.advance(read);
        Poll::Ready(Ok(()))
    }

    /// Reads more of what is to be looked at; false at its end.
    fn poll_more(&mut self, task: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let room = HEAD_BYTES_MAX.saturating_sub(self.held.len());
        let mut window = [std::mem::MaybeUninit::uninit(); READ_BYTES];
        let mut window = ReadBuf::uninit(&mut window[..room.min(READ_BYTES)]);
        ready!(Pin::new(&mut self.stream).poll_read(task, &mut window))?;
        self.held.extend_from_slice(window.filled());
        Poll::Ready(Ok(!window.filled().is_empty()))
    }

    fn pass(&mut self, buffer: &mut ReadBuf<'_>, bytes: usize) {
        let passed = self.held.split_to(bytes.min(buffer.remaining()));
        self.connection.framing.borrow_mut().passed(&passed);
        self.connection.spent(passed.len());
        buffer.put_slice(&passed);
        if self.held.is_empty() {
            // An idle connection holds nothing.
            self.held = BytesMut::new();
        }
    }

    fn refuse(&mut self, refusal: HeadRefusal) {
        self.connection.refusal.set(Some(refusal));
        let bytes = INSTEAD.len() + INSTEAD_BODY_BYTES;
        self.connection.framing.borrow_mut().instead(bytes);
        self.held = BytesMut::from(INSTEAD);
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.connection.has_closed.get() {
            return Poll::Ready(Ok(()));
        }
        loop {
            let Credit::Bytes(credit) = this.connection.credit(task) else {
                return Poll::Pending;
            };
            let unseen = this.connection.framing.borrow().unseen();
            if this.held.is_empty() && unseen > 0 {
                return this.poll_unseen(task, buffer, credit.min(unseen));
            }
            let next = this.connection.framing.borrow_mut().next(&mut this.held);
            match next {
                Next::Pass(bytes) => {
                    this.pass(buffer, bytes.min(credit));
                    return Poll::Ready(Ok(()));
                }
                Next::More => {
                    if !ready!(this.poll_more(task))? {
                        return Poll::Ready(Ok(()));
                    }
                }
                Next::Wait => {
                    this.connection.later(task);
                    return Poll::Pending;
                }
                Next::Refuse(refusal) => this.refuse(refusal),
            }
            this.connection.received(Instant::now());
        }
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
        this.connection.writing(poll.is_pending(), Instant::now());
        poll
    }

    /// Called when everything has been written.
    fn poll_flush(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let poll = Pin::new(&mut this.stream).poll_flush(task);
        match poll {
            Poll::Pending => this.connection.writing(true, Instant::now()),
            Poll::Ready(_) => this.connection.sent(),
        }
        poll
    }

    fn poll_shutdown(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(task)
    }
}

#[cfg(test)]
mod tests;
