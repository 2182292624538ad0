//! Somebody who asks a flooded node something every few milliseconds. A call is due at its time,
//! whether the one before has been answered or not, and its answer is timed from there.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use support::{Connection, PATIENCE};

/// Each caller's calls; the callers together ask every ten milliseconds.
const EVERY: Duration = Duration::from_millis(70);
const BLOCK_NUMBER: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}"#;

#[derive(Clone, Copy)]
struct Ask {
    /// For whoever reads the failure.
    name: &'static str,
    verb: &'static str,
    path: &'static str,
    body: &'static [u8],
    is_fresh: bool,
    is_peers: bool,
}

const LIVE: Ask = Ask {
    name: "/livez, kept",
    verb: "GET",
    path: "/livez",
    body: b"",
    is_fresh: false,
    is_peers: false,
};
const NUMBER: Ask = Ask {
    name: "eth_blockNumber, kept",
    verb: "POST",
    path: "/",
    body: BLOCK_NUMBER,
    ..LIVE
};
const BLOCK: Ask = Ask {
    name: "/blocks/1, kept",
    path: "/blocks/1",
    ..LIVE
};

const fn fresh(name: &'static str, ask: Ask) -> Ask {
    Ask {
        name,
        is_fresh: true,
        ..ask
    }
}

const ALL: [Ask; 7] = [
    LIVE,
    fresh("/livez", LIVE),
    NUMBER,
    fresh("eth_blockNumber", NUMBER),
    BLOCK,
    fresh("/blocks/1", BLOCK),
    Ask {
        is_peers: true,
        ..fresh("/livez of peers", LIVE)
    },
];

/// How long answers took. What was not answered at all, or not with 200, took for ever.
pub(super) struct Heard {
    sorted: Vec<Duration>,
    /// Who was never answered.
    pub(super) deaf: Vec<&'static str>,
    /// Each with its answers, in no order.
    by_ask: Vec<(&'static str, Vec<Duration>)>,
}

impl Heard {
    /// The part that was answered within this time.
    pub(super) fn within(&self, time: Duration) -> f64 {
        let soon = self.sorted.iter().filter(|took| **took <= time).count();
        soon as f64 / self.asked().max(1) as f64
    }

    /// Who was answered later than this, or not at all, and how often.
    pub(super) fn late(&self, time: Duration) -> Vec<(&'static str, usize)> {
        let asks = self.by_ask.iter().map(|(name, took)| {
            let late = took.iter().filter(|took| **took > time);
            (*name, late.count())
        });
        asks.filter(|(_, late)| *late > 0).collect()
    }

    pub(super) fn quantile_ms(&self, q: f64) -> f64 {
        let index = ((self.asked() as f64 * q) as usize).min(self.asked().saturating_sub(1));
        let took = self.sorted.get(index).copied().unwrap_or(Duration::MAX);
        took.as_secs_f64() * 1e3
    }

    pub(super) fn asked(&self) -> usize {
        self.sorted.len()
    }
}

/// Asks until it is told to stop.
pub(super) struct Honest {
    stop: Arc<AtomicBool>,
    callers: Vec<JoinHandle<Vec<Duration>>>,
}

impl Honest {
    pub(super) fn begin(people: &str, peers: &str) -> Honest {
        let stop = Arc::<AtomicBool>::default();
        let callers = ALL.iter().enumerate().map(|(index, ask)| {
            let url = if ask.is_peers { peers } else { people }.to_owned();
            let ask = *ask;
            let stop = stop.clone();
            let first = EVERY / ALL.len() as u32 * index as u32;
            std::thread::spawn(move || ask.go_on(&url, first, &stop))
        });
        let callers = callers.collect();
        Honest { stop, callers }
    }

    pub(super) fn end(self) -> Heard {
        self.stop.store(true, Ordering::Relaxed);
        let mut sorted = Vec::new();
        let mut deaf = Vec::new();
        let mut by_ask = Vec::new();
        for (caller, ask) in self.callers.into_iter().zip(ALL) {
            let took = caller.join().expect("a caller ends");
            if took.iter().all(|took| *took == Duration::MAX) {
                deaf.push(ask.name);
            }
            sorted.extend(took.iter().copied());
            by_ask.push((ask.name, took));
        }
        sorted.sort();
        Heard {
            sorted,
            deaf,
            by_ask,
        }
    }
}

impl Ask {
    /// Until it is told to stop, and has been answered once: whoever must wait for its turn is
    /// answered late, and not never.
    fn go_on(self, url: &str, first: Duration, stop: &AtomicBool) -> Vec<Duration> {
        let mut took = Vec::new();
        let mut kept = None;
        let mut due = Instant::now() + first;
        let until = Instant::now() + PATIENCE;
        let is_deaf = |took: &[Duration]| took.iter().all(|took| *took == Duration::MAX);
        while !stop.load(Ordering::Relaxed) || (is_deaf(&took) && Instant::now() < until) {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let is_answered = self.once(url, &mut kept);
            let late = due.elapsed();
            took.push(if is_answered { late } else { Duration::MAX });
            due += EVERY;
        }
        took
    }

    /// Over the connection that is kept, if there is one that the node has not let go.
    fn once(self, url: &str, kept: &mut Option<Connection>) -> bool {
        let is_used = kept.is_some();
        let mut connection = kept.take().unwrap_or_else(|| Connection::open(url));
        let mut answer = connection.request_json(self.verb, self.path, self.body);
        if answer.is_err() && is_used {
            connection = Connection::open(url);
            answer = connection.request_json(self.verb, self.path, self.body);
        }
        let Ok(answer) = answer else {
            return false;
        };
        if !self.is_fresh && !answer.head.contains("connection: close") {
            *kept = Some(connection);
        }
        answer.status == 200
    }
}
