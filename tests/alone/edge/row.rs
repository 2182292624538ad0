//! What was seen of one kind of flood, and what of it does not hold.
use super::honest::Heard;
use super::{MIB, Tier};
use lockstep_actors::limits::MEMORY_UNDER_FLOOD_BYTES;
use std::time::Duration;

/// What may stay: so much the allocator keeps for the next requests, whatever they are. A tenth of the
/// few megabytes of an idle node would be less than it takes from the system at one time.
const STAYS_BYTES: f64 = 8.0 * MIB;
/// An honest call is answered within this time …
const SOON: Duration = Duration::from_millis(100);
/// … in so many cases.
const SOON_SHARE: f64 = 0.99;
/// A block may take so much longer under a flood.
const BLOCK_TIMES_MAX: f64 = 1.1;
const LOG_BYTES_PER_SECOND_MAX: f64 = 2_048.0;

/// What was seen of one kind.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) port: &'static str,
    pub(super) opened: u64,
    pub(super) interval_ms: f64,
    pub(super) heard: Heard,
    pub(super) before: f64,
    pub(super) most: f64,
    pub(super) after: f64,
    /// Hundredths of a second.
    pub(super) worked: f64,
    /// Bytes of the log, while it lasted.
    pub(super) logged: f64,
    pub(super) took: Duration,
    pub(super) allowed: f64,
    pub(super) places: usize,
}

impl Row {
    pub(super) const HEAD: &str = "| flood | port | opened | interval, ms | within 100 ms | p50, p99, ms | \
                        RssAnon before, most, after, MiB | KiB a connection | CPU | log, B/s |\n\
                        |---|---|---|---|---|---|---|---|---|---|";

    pub(super) fn print(&self) {
        println!(
            "| {} | {} | {} | {:.0} | {:.1} % of {} | {:.1}, {:.1} | {:.1}, {:.1}, {:.1} | {:.1} | {:.0} % | {:.0} |",
            self.name,
            self.port,
            self.opened,
            self.interval_ms,
            self.heard.within(SOON) * 100.0,
            self.heard.asked(),
            self.heard.quantile_ms(0.5).min(9_999.0),
            self.heard.quantile_ms(0.99).min(9_999.0),
            self.before / MIB,
            self.most / MIB,
            self.after / MIB,
            (self.most - self.before) / 1024.0 / self.places.max(1) as f64,
            self.worked / self.took.as_secs_f64(),
            self.logged / self.took.as_secs_f64(),
        );
    }

    /// What does not hold.
    pub(super) fn faults(&self, calm: &Row, tier: &Tier) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |holds: bool, what: String| {
            if !holds {
                faults.push(format!("{} ({}): {what}", self.name, self.port));
            }
        };
        let growth = self.most - self.before;
        check(
            growth <= self.allowed.min(MEMORY_UNDER_FLOOD_BYTES as f64),
            format!(
                "{:.1} MiB more, {:.1} stated",
                growth / MIB,
                self.allowed / MIB
            ),
        );
        let deaf = &self.heard.deaf;
        check(deaf.is_empty(), format!("never answered: {deaf:?}"));
        // A short look may see the lines of one block more than its time has.
        let seconds = self.took.as_secs_f64().max(1.0);
        check(
            self.logged < LOG_BYTES_PER_SECOND_MAX * seconds,
            format!("{:.0} bytes of log a second", self.logged / seconds),
        );
        if tier.is_strict {
            let times = self.interval_ms / calm.interval_ms;
            check(
                times <= BLOCK_TIMES_MAX,
                format!("a block takes × {times:.2}"),
            );
            let soon = self.heard.within(SOON);
            check(
                soon >= SOON_SHARE,
                format!(
                    "{:.1} % answered in time; late, or not at all: {:?}",
                    soon * 100.0,
                    self.heard.late(SOON)
                ),
            );
            let left = self.after - self.before;
            check(
                left <= (0.1 * self.before).max(STAYS_BYTES),
                format!("{:.1} MiB stay", left / MIB),
            );
        }
        faults
    }
}
