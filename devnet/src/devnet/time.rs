//! The clock of all nodes. Block times come from it; how long a node waits for anything does not.
use super::{Devnet, DevnetError, Inner};
use lockstep_actors::rpc_gateway::TimeChange;
use lockstep_protocol::types::Timestamp;
use std::time::Duration;

impl Devnet {
    /// What the clock of all nodes shows.
    pub fn time(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Sets the clock of all nodes forward; says what it shows now. It never goes back.
    pub fn advance_time(&self, by: Duration) -> Result<Timestamp, DevnetError> {
        let ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.inner.change_time(TimeChange::Add(ms))
    }

    /// Sets the clock of all nodes to a later time.
    pub fn set_time(&self, time: Timestamp) -> Result<Timestamp, DevnetError> {
        self.inner.change_time(TimeChange::Set(time))
    }

    /// The next block that somebody begins to build has exactly this time, later than the one before.
    /// Until it is there the clock of all nodes stands still at this time.
    pub fn set_next_block_time(&self, time: Timestamp) -> Result<Timestamp, DevnetError> {
        self.inner.change_time(TimeChange::NextBlock(time))
    }
}

impl Inner {
    pub(super) fn change_time(&self, change: TimeChange) -> Result<Timestamp, DevnetError> {
        let changed = match change {
            TimeChange::Set(time) => self.clock.set(time),
            TimeChange::Add(ms) => self.clock.add(ms),
            TimeChange::NextBlock(time) => {
                let newest = self.newest_block_time();
                if newest.is_some_and(|newest| time <= newest) {
                    return Err(DevnetError::NotLater(time));
                }
                self.clock.hold(time)
            }
        };
        changed.map_err(DevnetError::Time)
    }

    pub(super) fn newest_block_time(&self) -> Option<Timestamp> {
        let times = self.each(|node| node.view().head().time);
        times.into_iter().flatten().max()
    }
}
