//! The two clocks of a node. Brains get their readings as values and never look themselves.
use lockstep_protocol::types::{Instant, Timestamp};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

mod shared;
pub(crate) mod watch;
pub(crate) mod words;

pub use shared::{SharedClock, TimeRefused};

/// A node's monotonic clock, in milliseconds since the node began; and the wall's.
#[derive(Clone)]
pub(crate) struct Clock {
    began: tokio::time::Instant,
    /// Only a node of a devnet has another one than the machine's.
    wall: Option<Arc<SharedClock>>,
}

impl Clock {
    /// A clock that begins now.
    pub(crate) fn start() -> Clock {
        Clock {
            began: tokio::time::Instant::now(),
            wall: None,
        }
    }

    /// The same with the wall clock of a devnet, if there is one.
    pub(crate) fn with(mut self, wall: Option<Arc<SharedClock>>) -> Clock {
        self.wall = wall;
        self
    }

    /// Monotonic time.
    pub(crate) fn now(&self) -> Instant {
        Instant(u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// The wall clock's nanoseconds: a number that no other start of a node has, and no time.
    pub(crate) fn salt() -> u64 {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }

    /// Wall-clock time: only for block times and for people.
    pub(crate) fn wall(&self) -> Timestamp {
        self.wall.as_ref().map_or_else(machine, |wall| wall.now())
    }
}

/// What the clock of the machine shows.
fn machine() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
