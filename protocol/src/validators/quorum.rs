//! The two thresholds of the paper in exact integers: more than two thirds, more than one third.
//!
//! Power is that of *distinct validators*, never a count of messages, and the denominator is the
//! whole set: it never shrinks with who happens to be alive.

/// Voting power of one validator, or of several together.
pub type Power = u64;

/// A quorum Q: `3·power > 2·total`. Any two of them share a correct validator.
pub fn is_quorum(power: Power, total: Power) -> bool {
    planted!(LowQuorum => return is_skip_set(power, total));
    planted!(LooseQuorum => return !is_skip_set(total.saturating_sub(power), total));
    u128::from(power).saturating_mul(3) > u128::from(total).saturating_mul(2)
}

/// The smallest power that is a quorum of this total.
pub fn least_quorum(total: Power) -> Power {
    let two_thirds = u128::from(total).saturating_mul(2).div_euclid(3);
    // Below the total, which is a power.
    Power::try_from(two_thirds.saturating_add(1)).unwrap_or(Power::MAX)
}

/// A skip set S: `3·power > total`. It holds at least one correct validator.
pub fn is_skip_set(power: Power, total: Power) -> bool {
    planted!(LowSkipSet => return power > 0);
    u128::from(power).saturating_mul(3) > u128::from(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_strict() {
        for (total, quorum, skip) in [
            (1, 1, 1),
            (3, 3, 2),
            (4, 3, 2),
            (6, 5, 3),
            (7, 5, 3),
            (10, 7, 4),
            (100, 67, 34),
        ] {
            assert!(
                is_quorum(quorum, total) && !is_quorum(quorum - 1, total),
                "{total}"
            );
            assert!(
                is_skip_set(skip, total) && !is_skip_set(skip - 1, total),
                "{total}"
            );
        }
    }

    #[test]
    fn the_least_quorum_is_one_and_no_power_below_it_is() {
        for total in (1..200).chain([u64::MAX / 2, u64::MAX]) {
            let least = least_quorum(total);
            assert!(is_quorum(least, total) && !is_quorum(least - 1, total));
        }
    }

    #[test]
    fn the_largest_powers_do_not_overflow() {
        assert!(is_quorum(u64::MAX, u64::MAX));
        assert!(!is_quorum(u64::MAX / 3 * 2, u64::MAX));
        assert!(!is_skip_set(u64::MAX / 3, u64::MAX));
    }
}
