//! How long a link waits after a failure: longer with each failure in a row, up to a limit, and by
//! chance differently from every other link, so that nodes which lost the same peer do not all come
//! back to it in the same moment.
use crate::limits::{BACK_OFF_MAX, BACK_OFF_MIN};
use lockstep_protocol::types::Address;
use std::time::Duration;

/// The failures in a row of one link.
#[derive(Clone, Debug)]
pub(super) struct BackOff {
    failures: u32,
    /// State of a SplitMix64: no more than spread is asked of it.
    chance: u64,
}

impl BackOff {
    /// None yet. Two links draw alike only if both ends and `salt`, the time say, are equal.
    pub(super) fn new(me: &Address, peer: &Address, salt: u64) -> BackOff {
        let bytes = me.0.iter().chain(&peer.0);
        let mixed = bytes.fold(salt, |state, byte| {
            (state ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        BackOff {
            failures: 0,
            chance: mixed,
        }
    }

    /// It has worked again.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// Whether the next failure is the first in a row.
    pub(super) fn is_fresh(&self) -> bool {
        self.failures == 0
    }

    /// One more failure: how long to wait now, from half to the whole of what is due.
    pub(super) fn next(&mut self) -> Duration {
        let due = BACK_OFF_MIN.saturating_mul(1 << self.failures.min(10));
        let due = due.min(BACK_OFF_MAX);
        self.failures = self.failures.saturating_add(1);
        let half = due / 2;
        half + half / 1024 * (self.draw() % 1024) as u32
    }

    fn draw(&mut self) -> u64 {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.chance ^ (self.chance >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: Address = Address([1; 20]);
    const PEER: Address = Address([2; 20]);

    fn waits(mut back_off: BackOff) -> Vec<Duration> {
        (0..200).map(|_| back_off.next()).collect()
    }

    #[test]
    fn waiting_grows_to_its_limit_and_spreads_over_half_of_it() {
        let waits = waits(BackOff::new(&ME, &PEER, 7));
        assert!(waits[0] >= BACK_OFF_MIN / 2 && waits[0] <= BACK_OFF_MIN);
        assert!(waits[3] > BACK_OFF_MIN, "{:?}", waits[3]);
        let late = &waits[10..];
        assert!(late.iter().all(|wait| *wait <= BACK_OFF_MAX));
        assert!(late.iter().all(|wait| *wait >= BACK_OFF_MAX / 2));
        let (low, high) = (BACK_OFF_MAX * 5 / 8, BACK_OFF_MAX * 7 / 8);
        let below = late.iter().filter(|wait| **wait < low).count();
        let above = late.iter().filter(|wait| **wait > high).count();
        assert!(below > 20 && above > 20, "{below} and {above} of 190");
    }

    #[test]
    fn links_that_fail_together_come_back_apart() {
        let links = [
            BackOff::new(&ME, &PEER, 7),
            BackOff::new(&PEER, &ME, 7),
            BackOff::new(&ME, &Address([3; 20]), 7),
            BackOff::new(&ME, &PEER, 8),
        ];
        let waits = links.map(waits);
        for (index, one) in waits.iter().enumerate() {
            for other in &waits[index + 1..] {
                let equal = one.iter().zip(other).filter(|(a, b)| a == b).count();
                assert!(equal < 10, "{equal} of 200 waits are equal");
            }
        }
    }

    #[test]
    fn success_makes_the_next_wait_short_again() {
        let mut back_off = BackOff::new(&ME, &PEER, 7);
        assert!(back_off.is_fresh());
        (0..10).for_each(|_| _ = back_off.next());
        assert!(!back_off.is_fresh());
        back_off.reset();
        assert!(back_off.is_fresh() && back_off.next() <= BACK_OFF_MIN);
    }
}
