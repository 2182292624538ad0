//! The state tree built anew from its leaves, in order of key and a few at a time. Nothing is held
//! but the right edge of the tree: whatever comes next stands to the right of all that has come.
use super::state::{KeyHash, ReadError, StateChanges, StateReader};
use super::tree;
use crate::types::Hash;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// A value of the state, and where it stands.
pub type Leaf = (KeyHash, Vec<u8>);

/// A tree under construction. Its versions are those of its parts, from 0 on: only the newest is a
/// whole state, and each leaves nothing behind but what its changes call stale.
#[derive(Debug, Default)]
pub struct Rebuild {
    /// Nodes on the path to the newest leaf.
    edge: BTreeMap<Vec<u8>, Vec<u8>>,
    newest: Option<(u64, Hash)>,
}

impl Rebuild {
    /// Adds leaves that stand behind all before: by the caller's word they rise by key and no value
    /// is empty. Returns what to write; the stale nodes may be deleted at once.
    pub fn add(&mut self, leaves: Vec<Leaf>) -> Result<StateChanges, ReadError> {
        let last = leaves.last().map(|(key, _)| *key);
        let writes = leaves.into_iter().map(|(key, value)| (key, Some(value)));
        let base = self.newest.map(|(version, _)| version);
        let changes = tree::update(&*self, base, writes.collect())?;
        for key in &changes.stale {
            self.edge.remove(key);
        }
        let last = last.unwrap_or_default();
        self.edge.retain(|key, _| tree::is_above(key, &last));
        let added = changes.nodes.iter();
        let added = added.filter(|(key, _)| tree::is_above(key, &last));
        self.edge.extend(added.cloned());
        self.newest = Some((changes.version, changes.root));
        Ok(changes)
    }

    /// The newest version and its root; `None` before the first leaves.
    pub fn newest(&self) -> Option<(u64, Hash)> {
        self.newest
    }
}

impl StateReader for Rebuild {
    fn node(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        Ok(self.edge.get(key).cloned())
    }

    fn value(&self, _: &KeyHash, _: u64) -> Result<Option<Vec<u8>>, ReadError> {
        Ok(None)
    }

    fn latest_version(&self) -> Result<Option<u64>, ReadError> {
        Ok(self.newest.map(|(version, _)| version))
    }
}

/// All nodes of the tree of `version`, whose values stand under these keys and no others; an error
/// if they do not lead from each of the keys to `root`.
pub fn tree_nodes(
    reader: &dyn StateReader,
    version: u64,
    root: &Hash,
    keys: impl IntoIterator<Item = KeyHash>,
) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, ReadError> {
    let recorder = Recorder {
        reader,
        read: Mutex::default(),
    };
    for key in keys {
        let (value, path) = tree::prove(&recorder, version, &key)?;
        if !tree::verify(&path, root, &key, value.as_deref()) {
            return Err(ReadError::Corrupt("a value is not below its root".into()));
        }
    }
    Ok(recorder
        .read
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner))
}

/// Remembers which nodes were read.
struct Recorder<'a> {
    reader: &'a dyn StateReader,
    read: Mutex<BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl StateReader for Recorder<'_> {
    fn node(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        let node = self.reader.node(key)?;
        if let Some(node) = &node {
            let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
            read.insert(key.to_vec(), node.clone());
        }
        Ok(node)
    }

    fn value(&self, key: &KeyHash, version_max: u64) -> Result<Option<Vec<u8>>, ReadError> {
        self.reader.value(key, version_max)
    }

    fn latest_version(&self) -> Result<Option<u64>, ReadError> {
        self.reader.latest_version()
    }
}

#[cfg(test)]
mod tests {
    use super::super::memory::MemoryState;
    use super::*;

    /// Keys with long common beginnings among others, in a fixed disorder.
    fn leaf(number: u64) -> Leaf {
        let mut key = Hash::of(&[&number.to_be_bytes()]).0;
        if number.is_multiple_of(5) {
            key = [7; 32];
            key[31] = (number / 5 % 256) as u8;
            key[30] = (number / 1_280) as u8;
        }
        (key, number.to_be_bytes().to_vec())
    }

    /// The root of a chain that has made these leaves, some of which it had to delete again.
    fn grown(leaves: u64, deleted: u64) -> (Hash, MemoryState) {
        let first = (0..leaves).map(leaf).map(|(key, value)| (key, Some(value)));
        let first = tree::update(&Rebuild::default(), None, first.collect()).unwrap();
        let state = MemoryState::new(&first);
        let mut newest = first;
        for part in 0..4 {
            let base = Some(newest.version);
            let more = (0..deleted).filter(|n| n % 4 == part);
            let add = more.clone().map(|n| leaf(leaves + n));
            let add = add.map(|(key, value)| (key, Some(value)));
            newest = tree::update(&state, base, add.collect()).unwrap();
            state.apply(&newest);
            let base = Some(newest.version);
            let delete = more.map(|n| (leaf(leaves + n).0, None));
            newest = tree::update(&state, base, delete.collect()).unwrap();
            state.apply(&newest);
        }
        (newest.root, state)
    }

    fn rebuilt(leaves: &[Leaf], parts: usize) -> (Hash, usize) {
        let mut rebuild = Rebuild::default();
        for part in leaves.chunks(parts.max(1)) {
            rebuild.add(part.to_vec()).unwrap();
        }
        (rebuild.newest().unwrap().1, rebuild.edge.len())
    }

    #[test]
    fn any_parts_give_the_root_of_the_chain_that_put_and_deleted() {
        for (leaves, deleted) in [(1, 0), (2, 1), (3, 8), (40, 40), (700, 300)] {
            let (root, state) = grown(leaves, deleted);
            let values = state.values();
            assert_eq!(values.len() as u64, leaves);
            for parts in [1, 2, 3, 7, 100, 10_000] {
                let (found, edge) = rebuilt(&values, parts);
                assert_eq!(found, root, "{leaves} leaves in parts of {parts}");
                assert!(edge <= 65, "{edge} nodes are held");
            }
        }
    }

    /// What a store gets is a whole tree: every leaf is proved from it, and no node is left over.
    #[test]
    fn what_is_to_be_written_and_deleted_makes_a_tree_that_proves_every_leaf() {
        let (root, state) = grown(300, 0);
        let (mut rebuild, written) = (Rebuild::default(), MemoryState::default());
        let mut nodes = BTreeMap::new();
        for part in state.values().chunks(23) {
            let changes = rebuild.add(part.to_vec()).unwrap();
            changes.stale.iter().for_each(|key| {
                nodes.remove(key);
            });
            nodes.extend(changes.nodes.iter().cloned());
            written.apply(&changes);
        }
        let (version, found) = rebuild.newest().unwrap();
        assert_eq!(found, root);
        for (key, value) in state.values() {
            let (proved, path) = tree::prove(&written, version, &key).unwrap();
            assert_eq!(proved.as_ref(), Some(&value));
            assert!(tree::verify(&path, &root, &key, Some(&value)));
        }
        let keys = state.values().into_iter().map(|(key, _)| key);
        let found = tree_nodes(&written, version, &root, keys.clone()).unwrap();
        assert_eq!(found, nodes, "each node leads to some leaf");
        assert!(tree_nodes(&written, version, &Hash::default(), keys).is_err());
        let whole: Vec<_> = state.values();
        let mut at_once = Rebuild::default();
        assert_eq!(at_once.add(whole).unwrap().nodes.len(), nodes.len());
    }

    #[test]
    fn one_leaf_that_differs_is_another_root() {
        let (root, state) = grown(50, 0);
        for index in 0..50 {
            let mut values = state.values();
            values[index].1[0] ^= 1;
            assert_ne!(rebuilt(&values, 9).0, root);
            values.remove(index);
            assert_ne!(rebuilt(&values, 9).0, root);
        }
    }
}
