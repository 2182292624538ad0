//! E4: who has been silent for long while the others were not.
use crate::quorum::Power;
use crate::types::{Address, Instant};
use crate::validator_set::ValidatorSet;
use std::collections::BTreeMap;

/// When each validator was last heard.
///
/// A sign of life of the proposer counts unverified: forged, it only ends a suspicion, which costs
/// a timeout. That the *others* have spoken counts only verified: forged, it would make a correct
/// proposer look silent.
#[derive(Clone, Debug)]
pub(super) struct Silence {
    after_ms: u64,
    since: Option<Instant>,
    signs: BTreeMap<Address, Instant>,
    proven: BTreeMap<Address, Instant>,
}

impl Silence {
    pub(super) fn new(after_ms: u64) -> Silence {
        let (signs, proven) = (BTreeMap::new(), BTreeMap::new());
        Silence {
            after_ms,
            since: None,
            signs,
            proven,
        }
    }

    /// Forgets whoever does not stay.
    pub(super) fn retain(&mut self, stays: impl Fn(&Address) -> bool) {
        self.signs.retain(|who, _| stays(who));
        self.proven.retain(|who, _| stays(who));
    }

    /// A message in the name of `validator`, which is one.
    pub(super) fn sign_of_life(&mut self, validator: Address, now: Instant) {
        self.since.get_or_insert(now);
        self.signs.insert(validator, now);
    }

    /// A verified message of `validator`.
    pub(super) fn proven(&mut self, validator: Address, now: Instant) {
        self.sign_of_life(validator, now);
        self.proven.insert(validator, now);
    }

    /// Whether `proposer` was last heard more than T_silent before a quorum of the others was. The
    /// comparison is between their messages, not with the clock: an idle chain suspects nobody.
    pub(super) fn suspects(&self, set: &ValidatorSet, proposer: &Address) -> bool {
        let mut others: Vec<(Instant, Power)> = set
            .iter()
            .filter(|v| v.address != *proposer)
            .filter_map(|v| self.proven.get(&v.address).map(|at| (*at, v.power)))
            .collect();
        others.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        let mut power: Power = 0;
        let quorum_at = others.into_iter().find_map(|(at, p)| {
            power = power.saturating_add(p);
            set.is_quorum(power).then_some(at)
        });
        // Never heard counts from when anybody was: a node that has just started suspects nobody.
        let last = self
            .signs
            .get(proposer)
            .copied()
            .or(self.since)
            .unwrap_or_default();
        quorum_at.is_some_and(|at| at > last.plus_ms(self.after_ms))
    }
}
