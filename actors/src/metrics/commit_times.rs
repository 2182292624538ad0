//! The commit times of a minute, for its line in the log: a histogram tells no percentile.
use crate::limits::COMMIT_TIMES_MAX;
use parking_lot::Mutex;
use std::collections::VecDeque;

/// The newest times, in seconds.
#[derive(Debug, Default)]
pub(crate) struct CommitTimes(Mutex<VecDeque<f64>>);

impl CommitTimes {
    pub(super) fn note(&self, seconds: f64) {
        let mut times = self.0.lock();
        if times.len() >= COMMIT_TIMES_MAX {
            times.pop_front();
        }
        times.push_back(seconds);
    }

    /// Median and 99th percentile in milliseconds, and begins anew; `None` if there was no block.
    pub(crate) fn take(&self) -> Option<[f64; 2]> {
        let mut times: Vec<f64> = std::mem::take(&mut *self.0.lock()).into();
        times.sort_by(f64::total_cmp);
        let last = times.len().checked_sub(1)?;
        Some([50, 99].map(|percent| times[last * percent / 100] * 1e3))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_has_its_own_median_and_99th_percentile_of_the_newest_blocks() {
        let times = CommitTimes::default();
        assert_eq!(times.take(), None);
        times.note(9.0);
        (1..=COMMIT_TIMES_MAX).for_each(|ms| times.note(ms as f64 / 1e3));
        let [p50, p99] = times.take().unwrap();
        assert_eq!([p50.round(), p99.round()], [2048.0, 4055.0]);
        assert_eq!(times.take(), None);
    }
}
