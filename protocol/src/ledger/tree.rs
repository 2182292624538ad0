//! The state tree: a Jellyfish Merkle tree with SHA-256. The only file that names `jmt`.
use super::state::{KeyHash, ReadError, StateChanges, StateReader};
use crate::codec;
use crate::types::Hash;
use jmt::storage::{LeafNode, Node, NodeKey, TreeReader};
use jmt::{OwnedValue, Sha256Jmt, Version};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The path from a value, or from the place where it would stand, to the root.
pub(super) type Path = jmt::proof::SparseMerkleProof<sha2::Sha256>;

/// The largest encoding of a node: 16 children with hash, version and leaf count.
const NODE_BYTES_MAX: usize = 2_048;

/// The changes that `writes` make to the state at `base`, or to nothing at all (genesis). A write of
/// `None` removes a value that must be there.
pub(super) fn update(
    reader: &dyn StateReader,
    base: Option<u64>,
    writes: Vec<(KeyHash, Option<Vec<u8>>)>,
) -> Result<StateChanges, ReadError> {
    let version = match base {
        None => 0,
        Some(base) => base
            .checked_add(1)
            .ok_or_else(|| ReadError::Corrupt("its version is the last possible one".into()))?,
    };
    let values = writes.clone();
    let reader = Reader(reader);
    let (root, batch) = guard(|| {
        let tree = Sha256Jmt::new(&reader);
        if writes.is_empty() || writes.iter().any(|(_, value)| value.is_none()) {
            let sets = writes.into_iter();
            let sets = sets.map(|(key, value)| (jmt::KeyHash(key), value));
            return tree.put_value_set(sets, version);
        }
        // Faster, but it knows no removal.
        let sets = writes.into_iter();
        let sets = sets.filter_map(|(key, value)| Some((jmt::KeyHash(key), value?)));
        let sets: Vec<_> = sets.collect();
        let (roots, batch) = tree.batch_put_value_sets(vec![sets], None, version)?;
        let root = roots.first().copied();
        Ok((root.ok_or_else(|| anyhow::anyhow!("no root"))?, batch))
    })?;
    let nodes = batch.node_batch.nodes().iter();
    let stale = batch.stale_node_index_batch.iter();
    Ok(StateChanges {
        version,
        root: Hash(root.0),
        nodes: nodes
            .map(|(k, n)| (node_key(k), codec::encode(n)))
            .collect(),
        values,
        stale: stale.map(|index| node_key(&index.node_key)).collect(),
    })
}

/// The value under `key` at `version` and its path to the root of that version.
pub(super) fn prove(
    reader: &dyn StateReader,
    version: u64,
    key: &KeyHash,
) -> Result<(Option<Vec<u8>>, Path), ReadError> {
    let reader = Reader(reader);
    guard(|| Sha256Jmt::new(&reader).get_with_proof(jmt::KeyHash(*key), version))
}

/// Whether `path` shows that under `root` the `key` has `value`, or that it has none.
pub(super) fn verify(path: &Path, root: &Hash, key: &KeyHash, value: Option<&[u8]>) -> bool {
    path.verify(jmt::RootHash(root.0), jmt::KeyHash(*key), value)
        .is_ok()
}

/// jmt answers contradictions in stored nodes, and reads that fail inside a proof, by panicking.
/// Both are ours to report: they mean a broken store, and never come from a block.
fn guard<T>(work: impl FnOnce() -> anyhow::Result<T>) -> Result<T, ReadError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(error
            .downcast::<ReadError>()
            .unwrap_or_else(|other| ReadError::Corrupt(other.to_string()))),
        Err(_) => Err(ReadError::Corrupt(
            "tree nodes contradict each other".into(),
        )),
    }
}

/// Version in big-endian order, count of nibbles, nibbles two to a byte. New nodes have the
/// highest version, so that a sorted store appends them side by side.
fn node_key(key: &NodeKey) -> Vec<u8> {
    let path = key.nibble_path();
    let nibbles: Vec<u8> = path.nibbles().map(u8::from).collect();
    let mut bytes = Vec::with_capacity(nibbles.len().div_ceil(2).saturating_add(9));
    bytes.extend_from_slice(&key.version().to_be_bytes());
    bytes.push(u8::try_from(nibbles.len()).unwrap_or(u8::MAX)); // at most 64
    bytes.extend(nibbles.chunks(2).map(|pair| match pair {
        [high, low] => (high << 4) | low,
        [high] => high << 4,
        _ => 0,
    }));
    bytes
}

/// Whether the node under `node_key` stands on the path to `key`.
pub(super) fn is_above(node_key: &[u8], key: &KeyHash) -> bool {
    let Some((nibbles, path)) = node_key.get(8..).and_then(<[u8]>::split_first) else {
        return false;
    };
    let whole = usize::from(*nibbles) / 2;
    let is_odd = nibbles % 2 == 1;
    let halves = |bytes: &[u8]| bytes.get(whole).map(|byte| byte >> 4);
    path.get(..whole) == key.get(..whole) && (!is_odd || halves(path) == halves(key))
}

struct Reader<'a>(&'a dyn StateReader);

impl TreeReader for Reader<'_> {
    fn get_node_option(&self, key: &NodeKey) -> anyhow::Result<Option<Node>> {
        let Some(bytes) = self.0.node(&node_key(key))? else {
            return Ok(None);
        };
        let node = codec::decode("tree node", &bytes, NODE_BYTES_MAX)
            .map_err(|error| ReadError::Corrupt(error.to_string()))?;
        Ok(Some(node))
    }

    fn get_value_option(
        &self,
        version_max: Version,
        key: jmt::KeyHash,
    ) -> anyhow::Result<Option<OwnedValue>> {
        Ok(self.0.value(&key.0, version_max)?)
    }

    fn get_rightmost_leaf(&self) -> anyhow::Result<Option<(NodeKey, LeafNode)>> {
        anyhow::bail!("trees are never restored from the right")
    }
}
