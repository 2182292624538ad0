//! What this node answers a validator that has just started: what it has seen that one sign.
use super::Tally;
use crate::nouns::standing::{Askers, Question, Seen, StandingRefusal};
use crate::types::{Address, Instant, Round};
use crate::validators::set::ValidatorIndex;
use std::collections::BTreeMap;

/// Who asks, and what is known of them besides what is counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    askers: Askers,
    /// Rounds, up to this node's own, of votes that could change nothing and so were not verified. A
    /// forged one keeps its victim out of rounds that are under way already, no more.
    unneeded: BTreeMap<ValidatorIndex, Round>,
    /// Whether this tally has been there since the height began.
    is_whole: bool,
}

impl Asked {
    pub(super) fn enter_height(&mut self) {
        self.unneeded.clear();
        self.is_whole = true;
    }

    pub(super) fn note(&mut self, index: ValidatorIndex, round: Round) {
        let seen = self.unneeded.entry(index).or_insert(round);
        *seen = (*seen).max(round);
    }
}

impl Tally {
    /// The tally of a home that is at the beginning of the chain and has signed nothing: nothing of
    /// this height has gone before it.
    #[must_use]
    pub fn in_a_new_home(mut self) -> Tally {
        self.asked.is_whole = true;
        self
    }

    /// Whether this node answers the question, and what it has seen of its asker.
    pub fn asked(&mut self, now: Instant, question: &Question) -> Result<Seen, StandingRefusal> {
        let sets = [&*self.set, &*self.next_set];
        let askers = &mut self.asked.askers;
        askers.admit(now, question, &self.me, sets, &self.context)?;
        Ok(self.seen_of(&question.asker))
    }

    fn seen_of(&self, asker: &Address) -> Seen {
        let index = self.set.index_of(asker);
        let counted = index.and_then(|index| self.max_round.get(&index));
        let unneeded = index.and_then(|index| self.asked.unneeded.get(&index));
        // Of what came before this node was there, only rounds 0 and 1 were kept.
        let came_early = self.furthest.get(asker) >= Some(&self.height);
        Seen {
            height: self.height,
            round: counted.max(unneeded).copied(),
            remembers: self.asked.is_whole && !came_early,
        }
    }
}
