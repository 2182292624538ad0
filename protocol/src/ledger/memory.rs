//! Committed state in memory: for tests and for the simulator.
use super::limits::STATE_VERSIONS_KEPT;
use super::state::{KeyHash, ReadError, StateChanges, StateReader};
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

/// A [`StateReader`] over maps. It keeps and forgets versions exactly as the store on disk does.
#[derive(Debug, Default)]
pub struct MemoryState {
    maps: RwLock<Maps>,
}

/// A key with a version, and what that version made of it.
type Row<'a> = (&'a (KeyHash, u64), &'a Option<Vec<u8>>);

#[derive(Clone, Debug, Default)]
struct Maps {
    version: Option<u64>,
    nodes: BTreeMap<Vec<u8>, Vec<u8>>,
    /// `None`: removed.
    values: BTreeMap<(KeyHash, u64), Option<Vec<u8>>>,
    stale: BTreeMap<u64, Stale>,
}

#[derive(Clone, Debug, Default)]
struct Stale {
    nodes: Vec<Vec<u8>>,
    values: Vec<(KeyHash, u64)>,
}

/// A copy of its own.
impl Clone for MemoryState {
    fn clone(&self) -> MemoryState {
        let maps = RwLock::new(self.read().clone());
        MemoryState { maps }
    }
}

impl MemoryState {
    /// State with genesis or other first changes already applied.
    pub fn new(first: &StateChanges) -> MemoryState {
        let state = MemoryState::default();
        state.apply(first);
        state
    }

    /// The state of `version` alone, as a store holds it: each value under the version that wrote it.
    pub fn restored(
        version: u64,
        nodes: BTreeMap<Vec<u8>, Vec<u8>>,
        values: impl IntoIterator<Item = (KeyHash, u64, Vec<u8>)>,
    ) -> MemoryState {
        let values = values.into_iter();
        let values = values.map(|(key, written, value)| ((key, written), Some(value)));
        MemoryState {
            maps: RwLock::new(Maps {
                version: Some(version),
                nodes,
                values: values.collect(),
                stale: BTreeMap::new(),
            }),
        }
    }

    /// Makes the changes of a committed block visible, all at once.
    pub fn apply(&self, changes: &StateChanges) {
        if changes.is_empty() {
            return;
        }
        let mut maps = self.maps.write().unwrap_or_else(PoisonError::into_inner);
        let version = changes.version;
        let replaced = changes
            .values
            .iter()
            .filter_map(|(key, _)| Some(*maps.newest(key, version.checked_sub(1)?)?.0));
        // That a key has no value need not be said any more than its last value.
        let removed = changes.values.iter().filter(|(_, value)| value.is_none());
        let removed = removed.map(|(key, _)| (*key, version));
        let stale = Stale {
            values: replaced.chain(removed).collect(),
            nodes: changes.stale.clone(),
        };
        maps.stale.insert(version, stale);
        maps.nodes.extend(changes.nodes.iter().cloned());
        let values = changes.values.iter().cloned();
        maps.values
            .extend(values.map(|(key, value)| ((key, version), value)));
        maps.version = Some(version);
        maps.forget(version.saturating_sub(STATE_VERSIONS_KEPT));
    }

    /// Makes this the state of `earlier`, for all who look at it.
    pub fn put_back(&self, earlier: MemoryState) {
        let earlier = earlier.maps.into_inner();
        let mut maps = self.maps.write().unwrap_or_else(PoisonError::into_inner);
        *maps = earlier.unwrap_or_else(PoisonError::into_inner);
    }

    /// How many nodes and values are held, of all versions together.
    pub fn size(&self) -> usize {
        let maps = self.read();
        maps.nodes.len().saturating_add(maps.values.len())
    }

    /// The newest value of every key, in order of key.
    pub fn values(&self) -> Vec<(KeyHash, Vec<u8>)> {
        let newest: BTreeMap<KeyHash, Option<Vec<u8>>> = self
            .read()
            .values
            .iter()
            .map(|((key, _), value)| (*key, value.clone()))
            .collect();
        let there = newest.into_iter();
        there
            .filter_map(|(key, value)| Some((key, value?)))
            .collect()
    }

    /// The newest change of `key`, if any is held: its value, or that it was removed.
    pub(super) fn change(&self, key: &KeyHash, version_max: u64) -> Option<Option<Vec<u8>>> {
        let maps = self.read();
        maps.newest(key, version_max)
            .map(|(_, value)| value.clone())
    }

    fn read(&self) -> RwLockReadGuard<'_, Maps> {
        self.maps.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Maps {
    fn newest(&self, key: &KeyHash, version_max: u64) -> Option<Row<'_>> {
        self.values
            .range((*key, 0)..=(*key, version_max))
            .next_back()
    }

    fn forget(&mut self, version: u64) {
        let Some(stale) = self.stale.remove(&version) else {
            return;
        };
        for key in &stale.nodes {
            self.nodes.remove(key);
        }
        for key in &stale.values {
            self.values.remove(key);
        }
    }
}

impl StateReader for MemoryState {
    fn node(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        Ok(self.read().nodes.get(key).cloned())
    }

    fn value(&self, key: &KeyHash, version_max: u64) -> Result<Option<Vec<u8>>, ReadError> {
        Ok(self.change(key, version_max).flatten())
    }

    fn latest_version(&self) -> Result<Option<u64>, ReadError> {
        Ok(self.read().version)
    }
}
