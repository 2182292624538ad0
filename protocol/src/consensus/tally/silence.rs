//! E4: who has been silent for long while the others were not.
use crate::quorum::Power;
use crate::types::{Address, Instant};
use crate::validator_set::ValidatorSet;
use std::collections::BTreeMap;

/// When each validator was last heard, verified or not: a forged message can only end a suspicion,
/// which costs a timeout, never safety.
#[derive(Clone, Debug)]
pub(super) struct Silence {
    after_ms: u64,
    since: Option<Instant>,
    last: BTreeMap<Address, Instant>,
}

impl Silence {
    pub(super) fn new(after_ms: u64) -> Silence {
        Silence {
            after_ms,
            since: None,
            last: BTreeMap::new(),
        }
    }

    pub(super) fn heard(&mut self, validator: Address, now: Instant) {
        self.since.get_or_insert(now);
        self.last.insert(validator, now);
    }

    /// Whether `proposer` was last heard more than T_silent before a quorum of the others was. The
    /// comparison is between their messages, not with the clock: an idle chain suspects nobody.
    pub(super) fn suspects(&self, set: &ValidatorSet, proposer: &Address) -> bool {
        let mut others: Vec<(Instant, Power)> = set
            .iter()
            .filter(|v| v.address != *proposer)
            .filter_map(|v| self.last.get(&v.address).map(|at| (*at, v.power)))
            .collect();
        others.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        let mut power: Power = 0;
        let quorum_at = others.into_iter().find_map(|(at, p)| {
            power = power.saturating_add(p);
            set.is_quorum(power).then_some(at)
        });
        // Never heard counts from when anybody was: a node that has just started suspects nobody.
        let last = self
            .last
            .get(proposer)
            .copied()
            .or(self.since)
            .unwrap_or_default();
        quorum_at.is_some_and(|at| at > last.plus_ms(self.after_ms))
    }
}
