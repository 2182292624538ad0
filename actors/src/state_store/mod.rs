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
//! ```
//!
//! Invariants: a transaction is durable (as far as [`Durability`] goes) when its method returns; the
//! height of the head rises by one with each committed block; bytes that this store has not written
//! are an error, never an answer.
mod actor;
mod error;
mod layout;
mod open;
mod read;
mod table;
mod write;

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may panic
mod tests;

pub use actor::{CommitBlock, PersistSignature, Ports, RecoverDriver, RememberHalt, StateStore};
pub use error::{Place, StoreError};
pub use read::Snapshot;

use layout::Tables;
use lockstep_protocol::types::Height;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// The file in the data directory that LMDB keeps everything in.
const DATA_FILE: &str = "data.mdb";

/// Hears of corruption that a read or write of an open store has met.
type OnCorrupt = Box<dyn Fn(&StoreError) + Send + Sync>;

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
    /// The newest height known to be committed, so that an error can name it without a read.
    height: AtomicU64,
    on_corrupt: OnceLock<OnCorrupt>,
    _lock: File,
}

impl Inner {
    /// Completes an error with file and height, and tells whoever wants to hear of corruption.
    fn note(&self, error: StoreError) -> StoreError {
        let height = Height(self.height.load(Ordering::Relaxed));
        let error = error.in_file(&self.dir.join(DATA_FILE)).at(height);
        if let (StoreError::Corrupt { .. }, Some(tell)) = (&error, self.on_corrupt.get()) {
            tell(&error);
        }
        error
    }
}

impl Store {
    /// The data directory.
    pub fn dir(&self) -> &Path {
        &self.inner.dir
    }

    /// The file that holds everything, for messages to people.
    pub(crate) fn file(&self) -> PathBuf {
        self.inner.dir.join(DATA_FILE)
    }

    /// Whoever reads or writes through any clone, and meets corruption, tells `call` as well: no
    /// answer may come from a node whose memory is broken. The first call is the one that counts.
    pub(crate) fn on_corrupt(&self, call: impl Fn(&StoreError) + Send + Sync + 'static) {
        // An error says that somebody is told already.
        let _ = self.inner.on_corrupt.set(Box::new(call));
    }
}
