//! A height whose parent's time lies far ahead of this node's clock.
//!
//! A block is later than its parent, and nobody accepts a new one that lies more than
//! [`CLOCK_DRIFT_MS`] ahead of its own clock (L22). So as long as the parent itself lies that far
//! ahead, nobody whose clock is like this node's can propose in time: each round would end in nil.
//! This happens with a genesis in the future, and when all clocks are set back. Such a height does
//! not begin by this node's own pacing; it begins when others begin it, whose clocks may be right,
//! and as soon as this node's clock has become so. One that is under way already goes on, paced by
//! E12, and its pause ends at once when the clock has become right.
use super::{Driver, Output};
use crate::consensus::round_machine;
use crate::limits::{CLOCK_DRIFT_MS, CLOCK_LOOK_MS};
use crate::types::{Height, Instant, Timestamp};

/// What a node waits for whose clock lies far behind the newest block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ClockWait {
    /// The height that waits, or fails.
    pub height: Height,
    /// The time of the block before it; of the genesis, for height 1.
    pub parent_time: Timestamp,
    /// How far that lies ahead of this node's clock, in milliseconds.
    pub ahead_ms: u64,
    /// Whether the height has begun all the same.
    pub under_way: bool,
}

impl ClockWait {
    /// From this time on, by this node's clock, blocks can be proposed.
    pub fn until(&self) -> Timestamp {
        Timestamp(self.parent_time.0.saturating_sub(CLOCK_DRIFT_MS)).plus_ms(1)
    }
}

impl Driver {
    /// The same driver, knowing the time of the newest committed block, or of the genesis.
    #[must_use]
    pub fn after(mut self, parent_time: Timestamp) -> Driver {
        self.parent_time = parent_time;
        self
    }

    /// This node's wall clock, corrected by what is known of its error. Told before each step that
    /// may begin a height; one that is never told waits for no clock.
    pub fn see_clock(&mut self, wall: Timestamp) {
        self.wall = Some(wall);
    }

    /// What this node waits for, if its clock lies too far behind the newest block.
    pub fn clock_wait(&self) -> Option<ClockWait> {
        planted!(ClockNotAwaited => return None);
        let wall = self.wall?;
        let waits = self.parent_time >= wall.plus_ms(CLOCK_DRIFT_MS);
        (waits && self.may_begin()).then(|| ClockWait {
            height: self.height,
            parent_time: self.parent_time,
            ahead_ms: self.parent_time.0.saturating_sub(wall.0),
            under_way: self.running,
        })
    }

    /// As long as this node's clock is too far behind it looks again and again. When it has become
    /// right, E12 begins anew.
    pub(super) fn look_at_clock(&mut self, now: Instant, out: &mut Vec<Output>) {
        if self.clock_wait().is_none() {
            if std::mem::take(&mut self.clock_was_behind) && self.running {
                self.machine(round_machine::Input::RowOver, out);
            }
            return;
        }
        self.clock_was_behind = true;
        // A new round cancels the timers of the one before.
        let cancels = |o: &Output| matches!(o, Output::EnterRound(..) | Output::CancelTimers);
        let due = self.clock_look_at.is_none_or(|at| at <= now);
        if due || out.iter().any(cancels) {
            self.clock_look_at = Some(now.plus_ms(CLOCK_LOOK_MS));
            out.push(Output::WakeAt(self.height, CLOCK_LOOK_MS));
        }
    }
}
