//! The node's memory on disk: one LMDB environment per data directory.
//!
//! [`Store`] is a cheap clone of one open environment. Writes are single transactions: all of a run
//! of committed blocks, or all records of one turn of consensus. Reads never wait for a writer and need
//! no mailbox.
//!
//! ```text
//! open             directory, lock, identity of chain and validator
//! error            what can go wrong, and the next step
//! write            commit_run, persist
//! table            sealed records: checksummed values
//! read             Reading: all reads of one moment
//! layout           which table holds what
//! mark             how far the database got, noted beside it
//! arm              who may sign from here
//! verify           replays every block
//! page_check       LMDB's own structure
//! prune            old blocks go, a few with each new one
//! snapshot_file    export, import
//! blocks           committed blocks, for whoever copies them
//! key_guard        what the key has signed with, noted beside the key
//! sealed_file      one record, in place
//! history          which transactions an account has a part in
//! evidence_tables  what waits for a block, which blocks carry some, forks
//! exclusive        locks on files
//! rebuild          what actors read at a fall
//! actor            the messages it is told
//! ```
//!
//! Invariants: a transaction is durable (as far as [`Durability`] goes) when its method returns; the
//! height of the head rises by one with each committed block; bytes that this store has not written
//! are an error, never an answer.
mod actor;
mod arm;
mod blocks;
mod error;
mod evidence_tables;
mod exclusive;
mod fault;
mod history;
mod key_guard;
mod layout;
mod mark;
mod open;
mod page_check;
mod prune;
mod read;
mod rebuild;
mod sealed_file;
mod snapshot_file;
mod table;
mod verify;
mod write;

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may panic
mod tests;

pub(crate) use actor::{Ports, StateStore};
pub use arm::KeyUse;
pub use blocks::{Blocks, Executed};
pub use error::{FaultSite, StoreError};
pub use exclusive::lock_exclusively;
pub use history::{Part, Role};
pub use key_guard::{begin_key_guard, key_guard_file};
pub use layout::Location;
pub use read::StoreView;
pub use snapshot_file::{Contents, Exported, Imported, SnapshotFileError, export, import, inspect};
pub use verify::{Report, verify};

use key_guard::KeyGuard;
use layout::{Env, Tables};
use lockstep_protocol::ledger::Retention;
use lockstep_protocol::types::Height;
use mark::{Mark, MarkFile};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// The file in the data directory that LMDB keeps everything in.
pub const DATA_FILE: &str = "data.mdb";

/// Hears of corruption that a read or write of an open store has met.
type OnCorrupt = Box<dyn Fn(&StoreError) + Send + Sync>;

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

/// One open data directory. When the last clone and the last [`StoreView`] are gone, the directory
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
    durability: Durability,
    mark: MarkFile,
    key_guard: OnceLock<KeyGuard>,
    /// The newest transaction that was written or found.
    transaction: AtomicU64,
    /// The newest height known to be committed, so that an error can name it without a read.
    height: AtomicU64,
    on_corrupt: OnceLock<OnCorrupt>,
    /// Which blocks are kept; all until somebody says otherwise.
    retention: OnceLock<Retention>,
    /// Its node was killed: nothing is noted when it closes.
    is_cut: AtomicBool,
    _lock: File,
}

impl Inner {
    fn mark_now(&self, closed: bool) -> Mark {
        Mark {
            transaction: self.transaction.load(Ordering::Relaxed),
            height: Height(self.height.load(Ordering::Relaxed)),
            closed,
        }
    }

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

impl Drop for Inner {
    fn drop(&mut self) {
        if self.is_cut.load(Ordering::Acquire) {
            return;
        }
        // Without the note the next start checks every page, which is only slower.
        if let Err(error) = self.mark.write(&self.mark_now(true)) {
            log::warn!("{error}");
        }
        if let Some(guard) = self.key_guard.get() {
            guard.close();
        }
    }
}

impl Store {
    /// The data directory.
    pub fn dir(&self) -> &Path {
        &self.inner.dir
    }

    /// From now on only so many blocks are kept; older ones go with each new one. The first call is
    /// the one that counts.
    pub fn retain(&self, retention: Retention) {
        // An error says that it has been said already.
        let _ = self.inner.retention.set(retention);
    }

    /// From now on it ends as with a process that is killed: the directory says that it was not closed
    /// in good order.
    pub(crate) fn cut(&self) {
        self.inner.is_cut.store(true, Ordering::Release);
    }

    /// Makes all that was written survive a power cut.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        let due = fault::point().map_err(heed::Error::from);
        let synced = due.and_then(|()| self.inner.env.force_sync());
        let map_bytes = self.inner.map_bytes;
        synced.map_err(|error| StoreError::lmdb("sync the database", map_bytes, error))
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
