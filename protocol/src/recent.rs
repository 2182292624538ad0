//! What was noted lately: bounded, and the oldest is forgotten first.
use std::collections::{BTreeMap, VecDeque};

/// The newest entries by key, at most `limit` of them.
#[derive(Clone, Debug)]
pub(crate) struct Recent<K, V = ()> {
    limit: usize,
    entries: BTreeMap<K, V>,
    by_age: VecDeque<K>,
}

impl<K: Clone + Ord, V> Recent<K, V> {
    pub(crate) fn new(limit: usize) -> Recent<K, V> {
        Recent {
            limit,
            entries: BTreeMap::new(),
            by_age: VecDeque::new(),
        }
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key)
    }

    /// Of a key that is there already the value is new, and its age is not.
    pub(crate) fn note(&mut self, key: K, value: V) {
        if self.entries.insert(key.clone(), value).is_none() {
            self.by_age.push_back(key);
        }
        if self.by_age.len() > self.limit
            && let Some(oldest) = self.by_age.pop_front()
        {
            self.entries.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_the_newest_word_of_the_newest_keys() {
        let mut recent = Recent::new(2);
        recent.note(1, "first");
        recent.note(2, "second");
        recent.note(1, "anew");
        assert_eq!(recent.get(&1), Some(&"anew"));
        recent.note(3, "third");
        assert_eq!(recent.get(&1), None, "the oldest goes first");
        assert!(recent.get(&2).is_some() && recent.get(&3).is_some());
    }
}
