//! Snapshots as files: [`export`](fn@export) writes one, [`import`](fn@import) makes a data directory of one, [`inspect`]
//! only looks. What the bytes are and what they prove is the protocol's room's
//! ([`lockstep_protocol::proofs::snapshot`]); nothing is written that it has not checked, and nothing that
//! it has not checked to the end becomes a directory that a node opens.
//!
//! Bounded: one record at a time, whatever the size of the state.
mod export;
mod import;
mod records;

pub(super) use export::Source;
pub use export::{Exported, export};
pub use import::{Imported, import};
pub use records::inspect;

use super::error::StoreError;
use lockstep_protocol::proofs::snapshot::SnapshotError;
use lockstep_protocol::types::{Hash, Height};
use std::path::Path;

/// What a snapshot is of, once all of it has been checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Contents {
    /// The height.
    pub height: Height,
    /// The block of this height.
    pub block_id: Hash,
    /// The root of the state after it.
    pub state_root: Hash,
    /// Values in that state.
    pub leaves: u64,
    /// How often the validators have changed before.
    pub handovers: u64,
    /// How long the file is.
    pub bytes: u64,
}

/// Why a snapshot was not written or not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotFileError {
    /// The data directory.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The bytes of the file.
    #[error("{file}: {error}")]
    Refused {
        /// Which one.
        file: String,
        /// What is wrong with it.
        error: SnapshotError,
    },
    /// A file or directory in the way, or a height that is not there.
    #[error("{0}")]
    Usage(String),
}

impl SnapshotFileError {
    /// 1 may be retried, 2 usage, 3 corrupt or forged, 4 another chain.
    pub fn exit_code(&self) -> u8 {
        match self {
            SnapshotFileError::Store(error) => error.exit_code(),
            SnapshotFileError::Refused { error, .. } => error.exit_code(),
            SnapshotFileError::Usage(_) => 2,
        }
    }

    fn refused(file: &Path, error: SnapshotError) -> SnapshotFileError {
        let file = file.display().to_string();
        SnapshotFileError::Refused { file, error }
    }
}

/// The system refused `what`.
fn io(what: &str, path: &Path, error: &std::io::Error) -> SnapshotFileError {
    StoreError::io(format!("{what} {}", path.display()), error).into()
}
