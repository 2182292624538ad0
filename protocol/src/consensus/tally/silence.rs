//! E4: who has been silent for long while the others were not.
use crate::nouns::vote::VoteKind;
use crate::types::{Address, Height, Instant, Round};
use crate::validators::set::Power;
use crate::validators::set::ValidatorSet;
use std::collections::BTreeMap;

/// Where a message stands; those of one correct validator rise.
pub(super) type VoteSlot = (Height, Round, VoteKind);

/// When each validator was last heard.
///
/// A sign of life is a verified message that goes beyond all that was heard of its sender before.
/// Forged, it would let anybody keep up a dead proposer's turns, or make a correct one look silent;
/// old, it may have been told again by somebody else (E6). A vote that is of no other use is worth a
/// check only if nothing was heard for a while ([`wants`](Self::wants)): a validator that is always
/// the last to vote must not look silent.
#[derive(Clone, Debug)]
pub(super) struct Silence {
    after_ms: u64,
    since: Option<Instant>,
    heard: BTreeMap<Address, (VoteSlot, Instant)>,
}

impl Silence {
    pub(super) fn new(after_ms: u64) -> Silence {
        Silence {
            after_ms,
            since: None,
            heard: BTreeMap::new(),
        }
    }

    /// Forgets whoever does not stay.
    pub(super) fn retain(&mut self, stays: impl Fn(&Address) -> bool) {
        self.heard.retain(|who, _| stays(who));
    }

    /// `validator` is one from now on: it had no reason to speak before.
    pub(super) fn begins(&mut self, validator: Address, now: Instant) {
        let nothing = (Height(0), Round::ZERO, VoteKind::Prevote);
        self.heard.entry(validator).or_insert((nothing, now));
    }

    /// A verified message of `validator`.
    pub(super) fn heard(&mut self, validator: Address, place: VoteSlot, now: Instant) {
        self.since.get_or_insert(now);
        let newest = self.heard.entry(validator).or_insert((place, now));
        if place > newest.0 {
            *newest = (place, now);
        }
    }

    /// Whether a vote that is of no other use should be verified for its sign of life. A forgery costs
    /// a check each time, as it does in the place of a vote that is needed: if forgeries could use up
    /// a budget, they would silence whoever is always the last to vote.
    pub(super) fn wants(&self, validator: &Address, place: VoteSlot, now: Instant) -> bool {
        let heard = self.heard.get(validator);
        let since = heard.map(|(_, at)| *at).or(self.since).unwrap_or(now);
        let is_new = heard.is_none_or(|(newest, _)| place > *newest);
        is_new && now >= since.plus_ms(self.after_ms / 2)
    }

    /// Whether `proposer` was last heard more than T_silent before a quorum of the others was. The
    /// comparison is between their messages, not with the clock: an idle chain suspects nobody.
    pub(super) fn suspects(&self, set: &ValidatorSet, proposer: &Address) -> bool {
        let at = |validator: &Address| self.heard.get(validator).map(|(_, at)| *at);
        let mut others: Vec<(Instant, Power)> = set
            .iter()
            .filter(|v| v.address != *proposer)
            .filter_map(|v| at(&v.address).map(|at| (at, v.power)))
            .collect();
        others.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        let mut power: Power = 0;
        let quorum_at = others.into_iter().find_map(|(at, p)| {
            power = power.saturating_add(p);
            set.is_quorum(power).then_some(at)
        });
        // Never heard counts from when anybody was: a node that has just started suspects nobody.
        let last = at(proposer).or(self.since).unwrap_or_default();
        quorum_at.is_some_and(|at| at > last.plus_ms(self.after_ms))
    }
}
