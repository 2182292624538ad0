//! The node's memory on disk: one LMDB environment per data directory.
//!
//! [`Store`] is a cheap clone of one open environment. Writes are single transactions: all of a
//! committed block, or all records of one turn of consensus. Reads never wait for a writer and need
//! no mailbox.
//!
//! ```text
//! open      directory, lock, identity of chain and validator     error   what can go wrong, and the next step
//! write     commit_block, persist                                table   sealed records: checksummed values
//! read      View: all reads on one snapshot                      layout  which table holds what
//! evidence  what waits for a block, which blocks carry some, forks
//! ```
//!
//! Invariants: a transaction is durable (as far as [`Durability`] goes) when its method returns; the
//! height of the head rises by one with each committed block; bytes that this store has not written
//! are an error, never an answer.
mod actor;
mod error;
mod evidence;
mod layout;
mod open;
mod read;
mod table;
mod write;

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may panic
mod tests;

pub use actor::{
    CommitBlock, PersistEvidence, PersistFork, PersistSignature, Ports, RecoverDriver, StateStore,
};
pub use error::StoreError;
pub use read::Snapshot;

use layout::Tables;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

type Env = heed::Env<heed::WithoutTls>;

/// The size of the map if nobody asks for another: address space, not disk or memory.
pub const DEFAULT_MAP_BYTES: usize = 64 << 30;

/// What a write must survive before it counts as durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The end of the process (kill -9), but no power cut: nothing is synced.
    Process,
    /// A power cut: every transaction is synced.
    Power,
}

/// One open data directory. When the last clone and the last [`Snapshot`] are gone, the directory
/// is closed and unlocked.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

/// Fields drop in this order: the environment closes before the lock opens.
struct Inner {
    env: Env,
    tables: Tables,
    dir: PathBuf,
    map_bytes: usize,
    _lock: File,
}

impl Store {
    /// The data directory.
    pub fn dir(&self) -> &Path {
        &self.inner.dir
    }
}
