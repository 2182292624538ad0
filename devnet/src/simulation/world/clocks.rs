//! Which time it is, and for whom.
use super::{EPOCH_MS, World};
use crate::simulation::node::Clocks;
use lockstep_protocol::types::{Instant, Timestamp};

impl World {
    pub(super) fn clocks(&self, node: usize) -> Clocks {
        let now_ms = self.queue.now_us() / 1000;
        let wall_ms = (EPOCH_MS + now_ms).saturating_add_signed(self.machines[node].skew_ms);
        Clocks {
            monotonic: Instant(now_ms),
            wall: Timestamp(wall_ms),
        }
    }

    /// All clocks jump; those that are off stay so.
    pub(super) fn set_clocks(&mut self, by_ms: i64) {
        self.faults.clocks_set += 1;
        self.time_ms += by_ms;
        self.latest_ms = self.latest_ms.max(self.time_ms);
        for place in &mut self.machines {
            place.skew_ms += by_ms;
        }
    }
}
