//! What became of transactions that wait no more: the newest ones, each with its last word.
use crate::types::{Hash, Height};
use std::collections::{BTreeMap, VecDeque};

/// The end of a transaction's wait.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "fate", rename_all = "snake_case")]
pub enum Fate {
    /// A block carries it; its receipt says whether it did what it should.
    Committed {
        /// The block's height.
        height: Height,
    },
    /// No block carried it in time.
    Expired {
        /// The last height at which one could have.
        expires_at: Height,
    },
    /// Its sender sent another one with the same nonce and a higher fee.
    Replaced {
        /// The other one.
        by: Hash,
    },
    /// There was no room, and others paid more per byte.
    Evicted,
    /// It became impossible.
    Dropped {
        /// Why, as a stable word.
        code: &'static str,
    },
}

/// The fates of one node, bounded.
#[derive(Clone, Debug)]
pub(super) struct Journal {
    limit: usize,
    fates: BTreeMap<Hash, Fate>,
    by_age: VecDeque<Hash>,
}

impl Journal {
    pub(super) fn new(limit: usize) -> Journal {
        Journal {
            limit,
            fates: BTreeMap::new(),
            by_age: VecDeque::new(),
        }
    }

    /// The newest word counts: what was evicted may come again and be committed.
    pub(super) fn write(&mut self, id: Hash, fate: Fate) {
        if self.fates.insert(id, fate).is_none() {
            self.by_age.push_back(id);
        }
        while self.by_age.len() > self.limit {
            if let Some(oldest) = self.by_age.pop_front() {
                self.fates.remove(&oldest);
            }
        }
    }

    pub(super) fn read(&self, id: &Hash) -> Option<&Fate> {
        self.fates.get(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_the_newest_word_of_the_newest_transactions() {
        let mut journal = Journal::new(2);
        let id = |n| Hash([n; 32]);
        journal.write(id(1), Fate::Evicted);
        journal.write(id(2), Fate::Evicted);
        journal.write(id(1), Fate::Committed { height: Height(9) });
        let committed = Fate::Committed { height: Height(9) };
        assert_eq!(journal.read(&id(1)), Some(&committed));
        journal.write(id(3), Fate::Evicted);
        assert_eq!(journal.read(&id(1)), None, "the oldest goes first");
        assert!(journal.read(&id(2)).is_some() && journal.read(&id(3)).is_some());
    }
}
