//! Which validators a block's transactions see, and which set they leave.
use crate::types::{Address, Height};
use crate::validators::schedule::ValidatorSchedule;
use crate::validators::set::Power;
use crate::validators::set::ValidatorSet;
use std::sync::Arc;

/// The sets that a block's transactions see and change.
#[derive(Clone)]
pub(super) struct Succession {
    /// The first height that the block can give another set: two after its own.
    first: Height,
    /// Who decides the block, and votes.
    pub(super) current: Arc<ValidatorSet>,
    /// Who decides the next height, whatever this block says.
    next: Arc<ValidatorSet>,
    /// Who decides the one after that, so far.
    pub(super) after_next: Arc<ValidatorSet>,
}

impl Succession {
    pub(super) fn new(validators: &ValidatorSchedule) -> Succession {
        Succession {
            first: validators.height().next().next(),
            current: validators.current().clone(),
            next: validators.next().clone(),
            after_next: validators.next().clone(),
        }
    }

    /// Who decides the block, and votes.
    pub(super) fn electors(&self) -> &Arc<ValidatorSet> {
        &self.current
    }

    /// Whether the newest set has this validator.
    pub(super) fn has_named(&self, who: &Address) -> bool {
        self.after_next.index_of(who).is_some()
    }

    /// What this key has in the newest set; none if it is not a member.
    #[cfg(test)]
    pub(super) fn newest_power(&self, who: &Address) -> Power {
        power_in(&self.after_next, who)
    }

    /// The set that the block names and the first height that it decides, if it is another than
    /// the one before it.
    pub(super) fn changed(&self) -> Option<(Height, Arc<ValidatorSet>)> {
        let changed = self.after_next.hash() != self.next.hash();
        changed.then(|| (self.first, self.after_next.clone()))
    }
}

/// What it has there, which is none if it is not a member.
pub(super) fn power_in(set: &ValidatorSet, who: &Address) -> Power {
    set.index_of(who).map_or(0, |index| set.power(index))
}
