//! What the ledger reads of committed state, and what a block changes in it.
use crate::nouns::commit::{CommitCertificate, PolkaCertificate};
use crate::types::{Hash, Height};
use std::fmt;
use std::sync::Arc;

/// SHA-256 of a state key such as `account/…`: where a value stands in the tree.
pub type KeyHash = [u8; 32];

/// Committed state could not be read, or an application not run on it. Fatal for the node: it says
/// nothing about any block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The store behind the reader failed.
    #[error("the committed state cannot be read: {0}")]
    Store(String),
    /// The store answered with bytes that no ledger has written, or without bytes that it must hold.
    #[error("the committed state is corrupt: {0}; restore the data directory or sync it anew")]
    Corrupt(String),
    /// The state was read, but an application panicked over it: what the transaction does is not
    /// known here, and to guess it could be a fork.
    #[error(
        "the application {application} did not execute transaction {transaction}: {why}; this node \
         commits nothing that it cannot execute: start a build whose application does not fail here"
    )]
    Application {
        /// Its name and version.
        application: String,
        /// The id of the transaction.
        transaction: Hash,
        /// The panic.
        why: String,
    },
}

/// Reads of committed state by raw keys. LMDB implements it in the actors' room, [`MemoryState`]
/// here for tests and the simulator.
///
/// [`MemoryState`]: super::MemoryState
pub trait StateReader: Send + Sync {
    /// The tree node under `key`.
    fn node(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError>;
    /// The newest value under `key` whose version is at most `version_max`; none if the newest
    /// change removed it.
    fn value(&self, key: &KeyHash, version_max: u64) -> Result<Option<Vec<u8>>, ReadError>;
    /// The version of the newest state; `None` before genesis is written.
    fn latest_version(&self) -> Result<Option<u64>, ReadError>;
}

/// Reads of what this node has decided and locked: durable, of any height whose block is kept.
pub trait DecisionReader {
    /// The certificate of a committed height; none if its block has been pruned.
    fn certificate(&self, height: Height) -> Result<Option<Arc<CommitCertificate>>, ReadError>;
    /// The polka of the newest lock.
    fn locked_polka(&self) -> Result<Option<PolkaCertificate>, ReadError>;
}

/// What one block changes in the state: written by the store in one transaction with the block.
///
/// Versions count the changes, not the blocks: genesis is version 0, and a block that changes
/// nothing keeps version and root and has empty lists.
#[derive(Clone, PartialEq, Eq)]
pub struct StateChanges {
    /// The version of the state after the block.
    pub version: u64,
    /// The root of the state after the block.
    pub root: Hash,
    /// New tree nodes; the keys begin with the version in big-endian order and so only append.
    pub nodes: Vec<(Vec<u8>, Vec<u8>)>,
    /// New values, all of `version`. Each replaces the newest older value of its key; `None` says
    /// that the key has a value no longer.
    pub values: Vec<(KeyHash, Option<Vec<u8>>)>,
    /// Keys of nodes that only older versions reach. They may be deleted once
    /// [`STATE_VERSIONS_KEPT`](super::STATE_VERSIONS_KEPT) more versions have been written.
    pub stale: Vec<Vec<u8>>,
}

impl StateChanges {
    /// Of a block that changes nothing.
    pub fn none(version: u64, root: Hash) -> StateChanges {
        StateChanges {
            version,
            root,
            nodes: Vec::new(),
            values: Vec::new(),
            stale: Vec::new(),
        }
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}

impl fmt::Debug for StateChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateChanges")
            .field("version", &self.version)
            .field("root", &self.root)
            .field("nodes", &self.nodes.len())
            .field("values", &self.values.len())
            .field("stale", &self.stale.len())
            .finish()
    }
}
