//! What each validator may cost this node with messages that verify and are of no use to it: of far
//! rounds and far heights, each further than the last. Beyond its budget they are not looked at;
//! an honest sender says them again later.
//!
//! Only messages with a valid signature use it up, so nobody can spend the budget of another.
use crate::limits::{USELESS_BURST_MAX, USELESS_PER_SECOND};
use crate::types::Address;
use std::collections::BTreeMap;

/// A full bucket: one useless message costs [`MESSAGE`].
const FULL: u64 = USELESS_BURST_MAX * MESSAGE;
/// In units that a millisecond refills [`USELESS_PER_SECOND`] of.
const MESSAGE: u64 = 1_000;

/// The budgets of all validators that have spent anything.
#[derive(Clone, Debug, Default)]
pub struct Budgets(BTreeMap<Address, Spent>);

#[derive(Clone, Copy, Debug)]
struct Spent {
    left: u64,
    at_ms: u64,
}

impl Spent {
    /// A clock that jumps back refills nothing, one that jumps ahead no more than all.
    fn left(self, now_ms: u64) -> u64 {
        let refilled = now_ms
            .saturating_sub(self.at_ms)
            .saturating_mul(USELESS_PER_SECOND);
        self.left.saturating_add(refilled).min(FULL)
    }
}

impl Budgets {
    /// Forgets whoever does not stay.
    pub fn retain(&mut self, stays: impl Fn(&Address) -> bool) {
        self.0.retain(|who, _| stays(who));
    }

    /// Whether a message of this validator that may be useless is worth its verification.
    pub fn allows(&self, validator: &Address, now_ms: u64) -> bool {
        let spent = self.0.get(validator);
        spent.is_none_or(|spent| spent.left(now_ms) >= MESSAGE)
    }

    /// A message of this validator, a member of the set, has verified and was of no use.
    pub fn spend(&mut self, validator: Address, now_ms: u64) {
        let full = Spent {
            left: FULL,
            at_ms: now_ms,
        };
        let spent = self.0.entry(validator).or_insert(full);
        *spent = Spent {
            left: spent.left(now_ms).saturating_sub(MESSAGE),
            at_ms: now_ms,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_and_then_so_many_a_second() {
        let mut budgets = Budgets::default();
        let (one, other) = (Address([1; 20]), Address([2; 20]));
        let mut allowed = |who, now_ms| {
            let allows = budgets.allows(&who, now_ms);
            if allows {
                budgets.spend(who, now_ms);
            }
            allows
        };
        let burst = (0..10_000).filter(|_| allowed(one, 7)).count() as u64;
        assert_eq!(burst, USELESS_BURST_MAX);
        assert!(allowed(other, 7), "another's budget is untouched");
        let second = (8..=1_007).filter(|now_ms| allowed(one, *now_ms)).count() as u64;
        assert_eq!(second, USELESS_PER_SECOND);
        let burst = (0..10_000).filter(|_| allowed(one, u64::MAX)).count() as u64;
        assert_eq!(burst, USELESS_BURST_MAX);
        assert!(!allowed(one, 0), "the clock has jumped back");
    }
}
