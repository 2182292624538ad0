//! How often something may be asked that one thread has to make whole: so many times in a row, and
//! then at an even pace. It says no at once; nobody waits here.
use std::time::Duration;
use tokio::time::Instant;

/// What has been asked of late.
#[derive(Debug)]
pub(crate) struct Pace {
    every: Duration,
    burst: Duration,
    /// When all that has been granted would be due at the even pace.
    due: Instant,
}

impl Pace {
    /// `per_second` (at least 1) for ever, `burst` of them at one moment.
    pub(crate) fn new(per_second: u32, burst: u32) -> Pace {
        let every = Duration::from_secs(1) / per_second.max(1);
        Pace {
            every,
            burst: every * burst,
            due: Instant::now(),
        }
    }

    /// Whether one more may be asked at `now`; if so, it counts.
    pub(crate) fn grant(&mut self, now: Instant) -> bool {
        let due = self.due.max(now) + self.every;
        let is_granted = due.duration_since(now) <= self.burst;
        if is_granted {
            self.due = due;
        }
        is_granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_an_even_pace_then_a_burst_again() {
        let mut pace = Pace::new(100, 50);
        let now = Instant::now();
        let granted = |pace: &mut Pace, at| (0..1_000).filter(|_| pace.grant(at)).count();
        assert_eq!(granted(&mut pace, now), 50);
        assert_eq!(granted(&mut pace, now + Duration::from_millis(9)), 0);
        assert_eq!(granted(&mut pace, now + Duration::from_millis(100)), 10);
        assert_eq!(granted(&mut pace, now + Duration::from_secs(3_600)), 50);
    }

    #[test]
    fn what_was_refused_is_not_counted() {
        let mut pace = Pace::new(1, 1);
        let now = Instant::now();
        assert!(pace.grant(now));
        (0..100).for_each(|_| assert!(!pace.grant(now)));
        assert!(pace.grant(now + Duration::from_secs(1)));
    }
}
