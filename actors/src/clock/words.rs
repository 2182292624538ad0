//! Clocks in words for people.
use crate::times::{Span, Utc};
use lockstep_protocol::consensus::driver::ClockWait;
use lockstep_protocol::types::Height;
use std::fmt;

/// What a node waits for, and what to do about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Awaited(pub(crate) ClockWait);

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wait = &self.0;
        let ahead = Span(wait.ahead_ms);
        let until = Utc(wait.until());
        if wait.height == Height(1) {
            write!(f, "the genesis lies {ahead} ahead of this node's clock")?;
        } else {
            write!(f, "block time is {ahead} ahead of this node's clock")?;
        }
        let what = if wait.under_way {
            "is decided"
        } else {
            "begins"
        };
        write!(
            f,
            ": height {} {what} at {until}, or with others; set the clock if that is wrong",
            wait.height
        )
    }
}

/// A difference between two clocks: "44 s ahead of".
pub(crate) fn signed(ms: i64) -> String {
    let where_ = if ms < 0 { "behind" } else { "ahead of" };
    format!("{} {where_}", Span(ms.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_protocol::types::Timestamp;

    #[test]
    fn what_is_waited_for_is_said_with_how_far_and_until_when() {
        let mut wait = ClockWait {
            height: Height(1),
            parent_time: Timestamp(1_795_876_200_000),
            ahead_ms: 3_588_000,
            under_way: false,
        };
        assert_eq!(
            Awaited(wait).to_string(),
            "the genesis lies 59 min 48 s ahead of this node's clock: height 1 begins at \
             2026-11-28 14:29:50 UTC, or with others; set the clock if that is wrong"
        );
        wait.height = Height(7);
        wait.ahead_ms = 44_000;
        wait.under_way = true;
        assert_eq!(
            Awaited(wait).to_string(),
            "block time is 44 s ahead of this node's clock: height 7 is decided at \
             2026-11-28 14:29:50 UTC, or with others; set the clock if that is wrong"
        );
    }
}
