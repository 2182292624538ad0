//! What each validator may cost this node with messages that verify and are of no use to it, or of
//! which only so many are of use. Beyond its budget they are not looked at; an honest sender says
//! them again later.
//!
//! Only messages with a valid signature use it up, so nobody can spend the budget of another.
use crate::limits::{
    BAD_POLKAS_BURST_MAX, BAD_POLKAS_PER_SECOND, USELESS_BURST_MAX, USELESS_PER_SECOND,
};
use crate::types::Address;
use std::collections::BTreeMap;

/// What one message costs.
const MESSAGE: u64 = 1_000;

/// How much a budget holds, and how fast it comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Messages at once.
    pub burst: u64,
    /// Messages in a thousand of the units that the caller counts in: milliseconds or heights.
    pub per_thousand: u64,
}

impl Rate {
    /// Messages of far rounds and far heights, each further than the last. Counted in milliseconds.
    pub const USELESS: Rate = Rate {
        burst: USELESS_BURST_MAX,
        per_thousand: USELESS_PER_SECOND,
    };

    /// Polkas that do not verify, beside proposals that do. Counted in milliseconds.
    pub const BAD_POLKAS: Rate = Rate {
        burst: BAD_POLKAS_BURST_MAX,
        per_thousand: BAD_POLKAS_PER_SECOND,
    };

    fn full(self) -> u64 {
        self.burst.saturating_mul(MESSAGE)
    }
}

/// The budgets of all validators that have spent anything.
#[derive(Clone, Debug)]
pub struct Budgets {
    rate: Rate,
    spent: BTreeMap<Address, Spent>,
}

#[derive(Clone, Copy, Debug)]
struct Spent {
    left: u64,
    at: u64,
}

impl Spent {
    /// A clock that jumps back refills nothing, one that jumps ahead no more than all.
    fn left(self, rate: Rate, now: u64) -> u64 {
        let refilled = now.saturating_sub(self.at);
        let refilled = refilled.saturating_mul(rate.per_thousand);
        self.left.saturating_add(refilled).min(rate.full())
    }
}

impl Budgets {
    /// Nobody has spent anything.
    pub fn new(rate: Rate) -> Budgets {
        let spent = BTreeMap::new();
        Budgets { rate, spent }
    }

    /// Forgets whoever does not stay.
    pub fn retain(&mut self, stays: impl Fn(&Address) -> bool) {
        self.spent.retain(|who, _| stays(who));
    }

    /// Whether a message of this validator that may be useless is worth its verification.
    pub fn allows(&self, validator: &Address, now: u64) -> bool {
        let spent = self.spent.get(validator);
        spent.map_or(self.rate.full(), |spent| spent.left(self.rate, now)) >= MESSAGE
    }

    /// A message of this validator, a member of the set, has verified.
    pub fn spend(&mut self, validator: Address, now: u64) {
        let full = Spent {
            left: self.rate.full(),
            at: now,
        };
        let spent = self.spent.entry(validator).or_insert(full);
        *spent = Spent {
            left: spent.left(self.rate, now).saturating_sub(MESSAGE),
            at: now,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_and_then_so_many_a_second() {
        let mut budgets = Budgets::new(Rate::USELESS);
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
