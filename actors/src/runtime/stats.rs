//! What one actor has done so far, readable from any thread.
//!
//! Shared by the actor's context, its guard and every port to it. Counters are atomics and
//! outlive restarts; nothing is reset. Times are real time, also where tests run on tokio's
//! virtual clock: they say what handling costs, and no decision is taken on them.

use super::histogram::Histogram;
#[cfg(any(test, feature = "inject-panics"))]
use super::injection::Injection;
use parking_lot::Mutex;
use serde::Serialize;
use std::any::TypeId;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

mod edge;
#[cfg(test)]
mod tests;

pub use edge::EdgeRow;
pub(super) use edge::{Edge, OUTSIDE};

/// Where an actor is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Not there yet, or restarted and not yet through `started`.
    Starting,
    /// Handling messages.
    Running,
    /// Waiting for its restart, or closed for good (then its ports say so).
    Fallen,
    /// Stopped by its supervisor.
    Stopped,
}

const STATES: [State; 4] = [
    State::Starting,
    State::Running,
    State::Fallen,
    State::Stopped,
];

/// The counters of one actor.
#[derive(Debug)]
pub struct Stats {
    name: String,
    limit: usize,
    born: Instant,
    state: AtomicU8,
    /// Taken and given back by the ports' permits.
    pub(super) in_use: AtomicUsize,
    refused: AtomicU64,
    panics: AtomicU64,
    restarts: AtomicU64,
    /// From each panic until the actor has had a turn again.
    down: Histogram,
    /// Nanoseconds from `born` to the panic that it has not come back from; 0: none.
    fell_ns: AtomicU64,
    #[cfg(any(test, feature = "inject-panics"))]
    pub(super) injection: Injection,
    /// Nanoseconds from `born` to the end of the last handled message; 0: none yet.
    last_handled_ns: AtomicU64,
    last_panic: Mutex<Option<(String, SystemTime)>>,
    /// Locked when a message type is first seen and by readers, never per message.
    messages: Mutex<Vec<(TypeId, Arc<MessageStats>)>>,
    /// Locked when a port is made and by readers.
    edges: Mutex<Vec<(TypeId, Arc<Edge>)>>,
}

/// What one actor has done with one type of message.
#[derive(Debug)]
pub struct MessageStats {
    name: String,
    waited: Histogram,
    handled: Histogram,
}

impl MessageStats {
    /// The message's type name, without its path.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Time from `tell` or `ask` until the handler began.
    pub fn waited(&self) -> &Histogram {
        &self.waited
    }

    /// Time inside the handler; its count is the number of messages handled.
    pub fn handled(&self) -> &Histogram {
        &self.handled
    }
}

impl Stats {
    pub(super) fn new(name: impl Into<String>, limit: usize) -> Self {
        Stats {
            name: name.into(),
            limit,
            born: Instant::now(),
            state: AtomicU8::new(State::Starting as u8),
            in_use: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
            panics: AtomicU64::new(0),
            restarts: AtomicU64::new(0),
            down: Histogram::default(),
            fell_ns: AtomicU64::new(0),
            #[cfg(any(test, feature = "inject-panics"))]
            injection: Injection::default(),
            last_handled_ns: AtomicU64::new(0),
            last_panic: Mutex::new(None),
            messages: Mutex::new(Vec::new()),
            edges: Mutex::new(Vec::new()),
        }
    }

    /// The actor's name: its type without the path, unless its inbox was given another.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is in its life.
    pub fn state(&self) -> State {
        STATES[usize::from(self.state.load(Relaxed))]
    }

    /// Messages told or asked and not yet handled: permits in use.
    pub fn depth(&self) -> usize {
        self.in_use.load(Relaxed)
    }

    /// The most messages that may wait.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Messages turned away, because the mailbox was full or the actor had stopped.
    pub fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }

    /// Panics caught.
    pub fn panics(&self) -> u64 {
        self.panics.load(Relaxed)
    }

    /// Restarts done, whether it fell itself or another did.
    pub fn restarts(&self) -> u64 {
        self.restarts.load(Relaxed)
    }

    /// How long it was down after each panic: until it has handled messages again.
    pub fn down(&self) -> &Histogram {
        &self.down
    }

    /// The last panic's text and when it was.
    pub fn last_panic(&self) -> Option<(String, SystemTime)> {
        self.last_panic.lock().clone()
    }

    /// Time since the last message was handled; none if there was none.
    pub fn since_last_message(&self) -> Option<Duration> {
        match self.last_handled_ns.load(Relaxed) {
            0 => None,
            ns => Some(self.born.elapsed().saturating_sub(Duration::from_nanos(ns))),
        }
    }

    /// The message types it has ports for or has seen, in the order it met them.
    pub fn messages(&self) -> Vec<Arc<MessageStats>> {
        self.messages
            .lock()
            .iter()
            .map(|(_, message)| message.clone())
            .collect()
    }

    /// All of it at one moment, to be serialized.
    pub fn row(&self) -> ActorRow {
        let last_panic = self.last_panic();
        let since_epoch = |at: &SystemTime| at.duration_since(UNIX_EPOCH).unwrap_or_default();
        ActorRow {
            actor: self.name.clone(),
            state: self.state(),
            depth: self.depth(),
            limit: self.limit,
            refused: self.refused(),
            panics: self.panics(),
            restarts: self.restarts(),
            down_p99_us: self.down.row().quantile_us(0.99),
            last_panic_unix_ms: last_panic.as_ref().map(|(_, at)| whole_ms(since_epoch(at))),
            last_panic: last_panic.map(|(text, _)| text),
            last_message_ms_ago: self.since_last_message().map(whole_ms),
            messages: self
                .messages()
                .iter()
                .map(|message| MessageRow::of(message))
                .collect(),
            edges: self.edges(),
        }
    }

    /// Who tells it what.
    pub fn edges(&self) -> Vec<EdgeRow> {
        let edges = self.edges.lock();
        edges.iter().map(|(_, edge)| edge.row(&self.name)).collect()
    }

    /// The record of message type `M` from this sender; a port keeps it.
    pub(super) fn edge<M: 'static>(&self, from: &str) -> Arc<Edge> {
        let id = TypeId::of::<M>();
        let mut edges = self.edges.lock();
        let known = edges
            .iter()
            .find(|(of, edge)| *of == id && edge.from == from);
        if let Some((_, known)) = known {
            return known.clone();
        }
        let new = Arc::new(Edge::new(from, short_name::<M>()));
        edges.push((id, new.clone()));
        new
    }

    /// The record of message type `M`; a context looks it up once and keeps it.
    pub(super) fn message<M: 'static>(&self) -> Arc<MessageStats> {
        let mut messages = self.messages.lock();
        if let Some((_, known)) = messages.iter().find(|(id, _)| *id == TypeId::of::<M>()) {
            return known.clone();
        }
        let (waited, handled) = (Histogram::default(), Histogram::default());
        let new = Arc::new(MessageStats {
            name: short_name::<M>(),
            waited,
            handled,
        });
        messages.push((TypeId::of::<M>(), new.clone()));
        new
    }

    /// Nanoseconds from `born`, never 0.
    fn since_born(&self, at: Instant) -> u64 {
        let ns = u64::try_from(at.duration_since(self.born).as_nanos()).unwrap_or(u64::MAX);
        ns.max(1)
    }

    pub(super) fn handled_until(&self, end: Instant) {
        self.last_handled_ns.store(self.since_born(end), Relaxed);
    }

    pub(super) fn refuse(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    pub(super) fn enter(&self, state: State) {
        self.state.store(state as u8, Relaxed);
        if state == State::Running {
            match self.fell_ns.swap(0, Relaxed) {
                0 => {}
                fell => {
                    let down = self.since_born(Instant::now()).saturating_sub(fell);
                    self.down.record(Duration::from_nanos(down));
                }
            }
        }
    }

    pub(super) fn panicked(&self, text: &str) {
        self.panics.fetch_add(1, Relaxed);
        let fell = self.since_born(Instant::now());
        // A panic on the way back prolongs the fall, it is not another.
        let _ = self.fell_ns.compare_exchange(0, fell, Relaxed, Relaxed);
        *self.last_panic.lock() = Some((text.to_owned(), SystemTime::now()));
    }

    pub(super) fn restarted(&self) {
        self.restarts.fetch_add(1, Relaxed);
        self.enter(State::Starting);
    }
}

/// [`Stats`] at one moment: one row of the actors page.
#[derive(Debug, Clone, Serialize)]
pub struct ActorRow {
    /// The actor's name.
    pub actor: String,
    /// Where it is in its life.
    pub state: State,
    /// Messages waiting or in hand.
    pub depth: usize,
    /// The most that may wait.
    pub limit: usize,
    /// Messages turned away.
    pub refused: u64,
    /// Panics caught.
    pub panics: u64,
    /// Restarts done.
    pub restarts: u64,
    /// From a panic until messages were handled again, 99 of 100 took less; 0 without a panic.
    pub down_p99_us: f64,
    /// The last panic's text.
    pub last_panic: Option<String>,
    /// When it was, in milliseconds since 1970.
    pub last_panic_unix_ms: Option<u64>,
    /// Milliseconds since the last message was handled; none if there was none.
    pub last_message_ms_ago: Option<u64>,
    /// One row per message type.
    pub messages: Vec<MessageRow>,
    /// One row per sender and message type.
    pub edges: Vec<EdgeRow>,
}

/// [`MessageStats`] at one moment. Times in microseconds.
#[derive(Debug, Clone, Serialize)]
pub struct MessageRow {
    /// The message's type name.
    pub message: String,
    /// How many were handled.
    pub handled: u64,
    /// Time in the mailbox, median.
    pub waited_p50_us: f64,
    /// Time in the mailbox, 99 of 100 waited less.
    pub waited_p99_us: f64,
    /// Time in the handler, median.
    pub handled_p50_us: f64,
    /// Time in the handler, 99 of 100 took less.
    pub handled_p99_us: f64,
}

impl MessageRow {
    fn of(message: &MessageStats) -> Self {
        let (waited, handled) = (message.waited.row(), message.handled.row());
        MessageRow {
            message: message.name.clone(),
            handled: handled.count(),
            waited_p50_us: waited.quantile_us(0.5),
            waited_p99_us: waited.quantile_us(0.99),
            handled_p50_us: handled.quantile_us(0.5),
            handled_p99_us: handled.quantile_us(0.99),
        }
    }
}

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A type's name without the paths: `Probe<Vote>`, not `a::b::Probe<c::d::Vote>`.
pub(super) fn short_name<T: ?Sized>() -> String {
    let full = std::any::type_name::<T>();
    let words = full.split_inclusive(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
    words
        .map(|word| word.rsplit("::").next().unwrap_or(word))
        .collect()
}
