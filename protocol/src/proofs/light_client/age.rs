//! How old a header may be, by the owner's clock. There are two reasons to ask, and the same rule:
//!
//! - **The block that is trusted from the start** ([`Whose::Start`]). Its validators may have left since
//!   and sold or lost their keys, and whoever has more than a third of them can sign another chain
//!   after it (weak subjectivity). Only that block's age counts for this: every later header that is
//!   trusted stands on a newer set.
//! - **The newest header that is shown** ([`Whose::Shown`]). A server that has been cut off, or that
//!   lies, can answer with what was right once; the time in the header says when.
//!
//! What is ahead of the clock is no younger than now: [`LightError::Future`](super::LightError) has
//! refused it if it is far ahead.
use super::Trusted;
use crate::types::Timestamp;

/// Which header is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The block that the owner trusts from the start.
    Start,
    /// The newest header that a server has shown.
    Shown,
}

/// A header that is older than its owner allows for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}, older than {}", self.what(), in_words(*max_ms))]
pub struct TooOld {
    /// Which header.
    pub whose: Whose,
    /// Its age in milliseconds.
    pub age_ms: u64,
    /// The greatest age that is allowed.
    pub max_ms: u64,
}

impl TooOld {
    /// One stable word for programs.
    pub fn code(&self) -> &'static str {
        match self.whose {
            Whose::Start => "trusted_too_old",
            Whose::Shown => "stale",
        }
    }

    fn what(&self) -> String {
        let age = in_words(self.age_ms);
        match self.whose {
            Whose::Start => format!("the trusted block was made {age} ago"),
            Whose::Shown => format!("the newest block that it shows was made {age} ago"),
        }
    }
}

impl Trusted {
    /// How long ago its block was made.
    pub fn age_ms(&self, now: Timestamp) -> u64 {
        now.0.saturating_sub(self.header.time.0)
    }

    /// Whether it is young enough.
    pub fn no_older_than(&self, max_ms: u64, whose: Whose, now: Timestamp) -> Result<(), TooOld> {
        let age_ms = self.age_ms(now);
        if age_ms <= max_ms {
            return Ok(());
        }
        Err(TooOld {
            whose,
            age_ms,
            max_ms,
        })
    }
}

/// In the two largest units that say something: `14 d`, `3 h 20 min`, `1.5 s`.
fn in_words(ms: u64) -> String {
    let seconds = ms / 1_000;
    let rest = ms % 1_000;
    let minutes = seconds / 60;
    let hours = seconds / 3_600;
    let days = seconds / 86_400;
    let pair = |great: u64, a: &str, small: u64, b: &str| match small {
        0 => format!("{great} {a}"),
        _ => format!("{great} {a} {small} {b}"),
    };
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}.{} s", rest / 100),
        (0, 0, _) => pair(minutes, "min", seconds % 60, "s"),
        (0, _, _) => pair(hours, "h", minutes % 60, "min"),
        _ => pair(days, "d", hours % 24, "h"),
    }
}
