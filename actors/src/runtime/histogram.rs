//! A distribution of durations in fixed memory.
//!
//! Log-linear buckets: eight per doubling, from 64 ns to 17 s, so a quantile read back is off by
//! at most one part in sixteen. Longer durations count in the last bucket.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Durations are counted in units of 2^6 = 64 ns: finer than the clock is honest about.
const UNIT_BITS: u32 = 6;
/// 2^3 buckets per doubling.
const SPLIT_BITS: u32 = 3;
const SPLIT: usize = 1 << SPLIT_BITS;
/// The last doubling starts at 2^27 units = 8.6 s.
const LAST_DOUBLING: u32 = 27;
const BUCKETS: usize = (LAST_DOUBLING - SPLIT_BITS + 2) as usize * SPLIT;

/// Counts durations; any thread may record and read. 1.7 KB.
#[derive(Debug)]
pub struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    sum_ns: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram {
            buckets: [const { AtomicU64::new(0) }; BUCKETS],
            sum_ns: AtomicU64::new(0),
        }
    }
}

impl Histogram {
    /// Counts one duration: two relaxed additions.
    pub fn record(&self, duration: Duration) {
        let ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.buckets[bucket_of(ns)].fetch_add(1, Relaxed);
        self.sum_ns.fetch_add(ns, Relaxed);
    }

    /// What has been counted so far.
    pub fn row(&self) -> HistogramRow {
        let buckets: Vec<u64> = self.buckets.iter().map(|n| n.load(Relaxed)).collect();
        let count = buckets.iter().sum();
        HistogramRow {
            buckets,
            count,
            sum_ns: self.sum_ns.load(Relaxed),
        }
    }
}

/// A [`Histogram`] at one moment.
#[derive(Debug, Clone)]
pub struct HistogramRow {
    buckets: Vec<u64>,
    count: u64,
    sum_ns: u64,
}

impl HistogramRow {
    /// How many durations were counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their sum.
    pub fn sum(&self) -> Duration {
        Duration::from_nanos(self.sum_ns)
    }

    /// The duration that a share `q` (0.5: the median) of all durations does not exceed,
    /// interpolated within its bucket; zero if nothing was counted.
    pub fn quantile(&self, q: f64) -> Duration {
        let rank = ((self.count as f64 * q).ceil() as u64).clamp(1, self.count.max(1));
        let mut below = 0;
        for (bucket, &n) in self.buckets.iter().enumerate() {
            if n > 0 && below + n >= rank {
                let from = start_ns(bucket) as f64;
                let to = start_ns(bucket + 1) as f64;
                let share = ((rank - below) as f64 - 0.5) / n as f64;
                return Duration::from_nanos((from + (to - from) * share) as u64);
            }
            below += n;
        }
        Duration::ZERO
    }

    /// The quantile in microseconds, to the nanosecond: what JSON shows.
    pub fn quantile_us(&self, q: f64) -> f64 {
        self.quantile(q).as_nanos() as f64 / 1e3
    }
}

fn bucket_of(ns: u64) -> usize {
    let units = ns >> UNIT_BITS;
    if units < SPLIT as u64 {
        return units as usize;
    }
    let doubling = units.ilog2();
    if doubling > LAST_DOUBLING {
        return BUCKETS - 1;
    }
    let part = (units >> (doubling - SPLIT_BITS)) as usize & (SPLIT - 1);
    (doubling - SPLIT_BITS + 1) as usize * SPLIT + part
}

/// The shortest duration that counts in `bucket`.
fn start_ns(bucket: usize) -> u64 {
    let row = bucket / SPLIT;
    let part = bucket % SPLIT;
    let units = match row {
        0 => part,
        row => (SPLIT + part) << (row - 1),
    };
    (units as u64) << UNIT_BITS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(durations: impl IntoIterator<Item = Duration>) -> HistogramRow {
        let histogram = Histogram::default();
        durations.into_iter().for_each(|d| histogram.record(d));
        histogram.row()
    }

    #[track_caller]
    fn near(got: Duration, want: Duration) {
        let off = got.as_secs_f64() / want.as_secs_f64();
        assert!((0.93..1.07).contains(&off), "got {got:?}, want {want:?}");
    }

    #[test]
    fn buckets_meet_without_gap_or_overlap() {
        for bucket in 0..BUCKETS {
            assert_eq!(bucket_of(start_ns(bucket)), bucket);
            assert_eq!(bucket_of(start_ns(bucket + 1) - 1), bucket);
        }
    }

    #[test]
    fn quantiles_of_known_input_are_right_within_a_sixteenth() {
        let even = of((1..=1000).map(Duration::from_micros));
        near(even.quantile(0.5), Duration::from_micros(500));
        near(even.quantile(0.99), Duration::from_micros(990));
        // 98 quick ones and two slow: the p99 is a slow one, the median is not.
        let slow = Duration::from_millis(80);
        let two_of_hundred = of((0..98)
            .map(|_| Duration::from_micros(20))
            .chain([slow, slow]));
        near(two_of_hundred.quantile(0.5), Duration::from_micros(20));
        near(two_of_hundred.quantile(0.99), slow);
    }

    #[test]
    fn count_and_sum_are_exact() {
        let two = of([Duration::from_nanos(333), Duration::from_secs(2)]);
        assert_eq!(
            (two.count(), two.sum()),
            (2, Duration::from_nanos(2_000_000_333))
        );
    }

    #[test]
    fn nothing_counted_reads_as_zero() {
        assert_eq!(of([]).quantile(0.99), Duration::ZERO);
    }

    #[test]
    fn the_range_is_from_below_a_microsecond_to_ten_seconds_and_beyond_saturates() {
        near(
            of([Duration::from_nanos(900)]).quantile(0.5),
            Duration::from_nanos(900),
        );
        near(
            of([Duration::from_secs(10)]).quantile(0.5),
            Duration::from_secs(10),
        );
        let beyond = of([Duration::from_secs(3600), Duration::MAX]);
        assert_eq!(beyond.count(), 2);
        assert!(beyond.quantile(0.5) > Duration::from_secs(15));
    }
}
