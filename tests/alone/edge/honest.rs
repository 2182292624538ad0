//! Somebody who asks a flooded node something every few milliseconds. A call is due at its time,
//! whether the one before has been answered or not, and its answer is timed from there.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use support::Connection;

/// Each caller's calls; the callers together ask every ten milliseconds.
const EVERY: Duration = Duration::from_millis(70);
const BLOCK_NUMBER: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}"#;

#[derive(Clone, Copy)]
struct Ask {
    verb: &'static str,
    path: &'static str,
    body: &'static [u8],
    is_fresh: bool,
    is_peers: bool,
}

const fn ask(verb: &'static str, path: &'static str, body: &'static [u8]) -> Ask {
    Ask {
        verb,
        path,
        body,
        is_fresh: false,
        is_peers: false,
    }
}

const LIVE: Ask = ask("GET", "/livez", b"");
const NUMBER: Ask = ask("POST", "/", BLOCK_NUMBER);
const BLOCK: Ask = ask("GET", "/blocks/1", b"");

const fn fresh(ask: Ask) -> Ask {
    Ask {
        is_fresh: true,
        ..ask
    }
}

const ALL: [Ask; 7] = [
    LIVE,
    fresh(LIVE),
    NUMBER,
    fresh(NUMBER),
    BLOCK,
    fresh(BLOCK),
    Ask {
        is_peers: true,
        ..fresh(LIVE)
    },
];

/// How long answers took. What was not answered at all, or not with 200, took for ever.
pub(super) struct Heard(Vec<Duration>);

impl Heard {
    /// The part that was answered within this time.
    pub(super) fn within(&self, time: Duration) -> f64 {
        let soon = self.0.iter().filter(|took| **took <= time).count();
        soon as f64 / self.0.len().max(1) as f64
    }

    pub(super) fn quantile_ms(&self, q: f64) -> f64 {
        let index = ((self.0.len() as f64 * q) as usize).min(self.0.len().saturating_sub(1));
        let took = self.0.get(index).copied().unwrap_or(Duration::MAX);
        (took.as_secs_f64() * 1e3).min(99_999.0)
    }

    pub(super) fn asked(&self) -> usize {
        self.0.len()
    }

    pub(super) fn answered(&self) -> usize {
        let answered = self.0.iter().filter(|took| **took < Duration::MAX);
        answered.count()
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
            let (ask, stop) = (*ask, stop.clone());
            let first = EVERY / ALL.len() as u32 * index as u32;
            std::thread::spawn(move || ask.go_on(&url, first, &stop))
        });
        let callers = callers.collect();
        Honest { stop, callers }
    }

    pub(super) fn end(self) -> Heard {
        self.stop.store(true, Ordering::Relaxed);
        let each = self.callers.into_iter();
        let all = each.flat_map(|caller| caller.join().expect("a caller ends"));
        let mut all: Vec<Duration> = all.collect();
        all.sort();
        Heard(all)
    }
}

impl Ask {
    fn go_on(self, url: &str, first: Duration, stop: &AtomicBool) -> Vec<Duration> {
        let (mut took, mut kept) = (Vec::new(), None);
        let mut due = Instant::now() + first;
        while !stop.load(Ordering::Relaxed) {
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
