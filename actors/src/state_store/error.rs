//! What can go wrong with the store: one line each, which names the next step.
use lockstep_protocol::codec::CodecError;
use lockstep_protocol::ledger::ReadError;
use lockstep_protocol::types::{Address, Hash};

/// Why the store refused. All of them are fatal for a running node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another node, in this process or another, has the directory open.
    #[error("{dir} is in use by another node: stop it, or choose another data directory")]
    InUse {
        /// The data directory.
        dir: String,
    },
    /// The directory was made for another genesis.
    #[error(
        "the data directory belongs to the chain with genesis {found}, this node runs {expected}: \
         choose another data directory, or the other genesis"
    )]
    OtherChain {
        /// Hash of the genesis that this node was given.
        expected: Hash,
        /// Hash of the genesis on disk.
        found: Hash,
    },
    /// The directory keeps the sign record of another validator.
    #[error(
        "the data directory belongs to validator {found}, this node's key is of {expected}: \
         choose another data directory, or the other key"
    )]
    OtherKey {
        /// Address of the key that this node was given.
        expected: Address,
        /// Address on disk.
        found: Address,
    },
    /// Written by a release with another layout.
    #[error(
        "the data directory has layout {found}, this release reads layout {expected}: \
         run the release that wrote it, or choose another data directory"
    )]
    OtherLayout {
        /// What this release reads.
        expected: u32,
        /// What is on disk.
        found: u32,
    },
    /// Bytes that no store has written, or the lack of bytes that it must have.
    #[error(
        "the data directory is corrupt ({what}): restore it from a backup, \
         or choose a new one and sync"
    )]
    Corrupt {
        /// What was found broken.
        what: String,
    },
    /// The map is used up; reads go on.
    #[error("the store has used up its map of {map_bytes} bytes: start with a larger map")]
    Full {
        /// The size of the map.
        map_bytes: usize,
    },
    /// A write that does not follow the head. Nothing was written.
    #[error("refused to write {what}: stop this node and report a bug")]
    OutOfOrder {
        /// What does not follow what.
        what: String,
    },
    /// The operating system refused.
    #[error("cannot {what}: {reason}: check path, permissions and free space, then start again")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        reason: String,
    },
}

impl StoreError {
    /// How the process should end: 1 try again, 2 usage, 3 corrupt, 4 stopped for safety.
    pub fn exit_code(&self) -> u8 {
        match self {
            StoreError::Io { .. } => 1,
            StoreError::OtherLayout { .. } | StoreError::Full { .. } => 2,
            StoreError::Corrupt { .. } => 3,
            StoreError::InUse { .. }
            | StoreError::OtherChain { .. }
            | StoreError::OtherKey { .. }
            | StoreError::OutOfOrder { .. } => 4,
        }
    }

    pub(super) fn corrupt(what: impl Into<String>) -> StoreError {
        StoreError::Corrupt { what: what.into() }
    }

    pub(super) fn io(what: impl Into<String>, error: &std::io::Error) -> StoreError {
        StoreError::Io {
            what: what.into(),
            reason: error.to_string(),
        }
    }

    /// What LMDB says, in our words.
    pub(super) fn lmdb(what: &str, map_bytes: usize, error: heed::Error) -> StoreError {
        use heed::MdbError;
        match error {
            heed::Error::Mdb(MdbError::MapFull) => StoreError::Full { map_bytes },
            heed::Error::Mdb(MdbError::ReadersFull | MdbError::TxnFull) => StoreError::Io {
                what: what.into(),
                reason: error.to_string(),
            },
            heed::Error::Io(error) => StoreError::io(what, &error),
            other => StoreError::corrupt(format!("{what}: {other}")),
        }
    }
}

impl From<CodecError> for StoreError {
    fn from(error: CodecError) -> Self {
        StoreError::corrupt(error.to_string())
    }
}

impl From<StoreError> for ReadError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Corrupt { what } => ReadError::Corrupt(what),
            other => ReadError::Store(other.to_string()),
        }
    }
}
