//! Which validator set decides which height.
//!
//! The state after block h names the set of height h + 2. So whoever has committed h knows who
//! decides h + 1, which is under way, and h + 2, whose first messages may come early; and every
//! header can name the set of its own height and of the next.
//!
//! Bounded: the sets of the newest [`VALIDATOR_SETS_KEPT_MAX`] changes. What is kept is a function
//! of the chain alone, because the validity of evidence hangs on it.
use crate::limits::VALIDATOR_SETS_KEPT_MAX;
use crate::types::{Hash, Height};
use crate::validators::set::ValidatorSet;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The sets of all heights that a committed head knows. Cheap to clone.
///
/// Invariant: the sets of the two heights after the head are there.
#[derive(Clone, Debug)]
pub struct ValidatorSchedule {
    head: Height,
    current: Arc<ValidatorSet>,
    next: Arc<ValidatorSet>,
    /// First height → the set that decides from there on, until the next entry.
    kept: Arc<BTreeMap<Height, Arc<ValidatorSet>>>,
}

impl ValidatorSchedule {
    /// After `head`, if `set` has decided every height since the first. With head 0: of a chain
    /// that begins.
    pub fn unchanged(head: Height, set: Arc<ValidatorSet>) -> ValidatorSchedule {
        ValidatorSchedule {
            head,
            current: set.clone(),
            next: set.clone(),
            kept: Arc::new(BTreeMap::from([(Height(1), set)])),
        }
    }

    /// After `head`, from the first heights of its newest sets. `None` if they do not reach back to
    /// the height after the head, or go beyond the one that it decides.
    pub fn of_changes(
        head: Height,
        changes: impl IntoIterator<Item = (Height, Arc<ValidatorSet>)>,
    ) -> Option<ValidatorSchedule> {
        let mut kept: BTreeMap<_, _> = changes.into_iter().collect();
        prune(&mut kept);
        let newest = head.next().next();
        let at = |height| kept.range(..=height).next_back().map(|(_, set)| set);
        let current = at(head.next())?.clone();
        let next = at(newest)?.clone();
        let last = kept.keys().next_back();
        last.is_some_and(|last| *last <= newest)
            .then(|| ValidatorSchedule {
                head,
                current,
                next,
                kept: Arc::new(kept),
            })
    }

    /// The schedule after the next block, whose state names this set for the height two further on;
    /// `None`: the same set as for the height before.
    #[must_use]
    pub fn after_next(&self, changed: Option<Arc<ValidatorSet>>) -> ValidatorSchedule {
        let head = self.head.next();
        let next = changed.clone().unwrap_or_else(|| self.next.clone());
        let kept = match changed {
            None => self.kept.clone(),
            Some(set) => {
                let mut kept = BTreeMap::clone(&self.kept);
                kept.insert(head.next().next(), set);
                prune(&mut kept);
                Arc::new(kept)
            }
        };
        let current = self.next.clone();
        let after = ValidatorSchedule {
            head,
            current,
            next,
            kept,
        };
        planted!(SetTooEarly => return ValidatorSchedule { current: after.next.clone(), ..after });
        after
    }

    /// The newest committed height.
    pub fn head(&self) -> Height {
        self.head
    }

    /// The height under decision: the one after the head.
    pub fn height(&self) -> Height {
        self.head.next()
    }

    /// Who decides the height under decision.
    pub fn current(&self) -> &Arc<ValidatorSet> {
        &self.current
    }

    /// Who decides the height after that.
    pub fn next(&self) -> &Arc<ValidatorSet> {
        &self.next
    }

    /// Who decides `height`; `None` if that is not known yet, or no longer.
    pub fn at(&self, height: Height) -> Option<&Arc<ValidatorSet>> {
        let known = height <= self.height().next();
        let mut up_to = self.kept.range(..=height);
        up_to.next_back().map(|(_, set)| set).filter(|_| known)
    }

    /// A known set with this hash, whatever heights it decides.
    pub fn named(&self, hash: Hash) -> Option<&Arc<ValidatorSet>> {
        let mut newest_first = self.kept.values().rev();
        newest_first.find(|set| set.hash() == hash)
    }

    /// First height and set, rising.
    pub fn changes(&self) -> impl DoubleEndedIterator<Item = (Height, &Arc<ValidatorSet>)> {
        self.kept.iter().map(|(first, set)| (*first, set))
    }
}

fn prune(kept: &mut BTreeMap<Height, Arc<ValidatorSet>>) {
    while kept.len() > VALIDATOR_SETS_KEPT_MAX {
        kept.pop_first();
    }
}

impl PartialEq for ValidatorSchedule {
    fn eq(&self, other: &ValidatorSchedule) -> bool {
        let hashes = |schedule: &ValidatorSchedule| {
            let changes = schedule.changes();
            changes
                .map(|(first, set)| (first, set.hash()))
                .collect::<Vec<_>>()
        };
        self.head == other.head && hashes(self) == hashes(other)
    }
}

impl Eq for ValidatorSchedule {}

#[cfg(test)]
mod tests;
