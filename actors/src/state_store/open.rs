//! Opens a data directory for one node of one chain, or says why not.
use super::error::StoreError;
use super::exclusive::lock_exclusively;
use super::fault;
use super::key_guard::DirectoryName;
use super::layout::{
    HeadRecord, LAYOUT, META_BEGAN, META_BYTES_MAX, META_GENESIS, META_HEAD, META_LAYOUT,
    META_ORIGIN, META_TRANSACTION, META_VALIDATOR, TABLES, Tables,
};
use super::mark::{self, Mark, MarkFile};
use super::page_check;
use super::read::Reading;
use super::write;
use super::{DATA_FILE, DEFAULT_MAP_BYTES, Durability, Env, Inner, Store};
use crate::limits::{ALWAYS_CHECKED_BYTES, STORE_READERS_MAX};
use crate::private::{self, FileError, Unfit};
use heed::{EnvFlags, EnvOpenOptions, RwTxn};
use lockstep_protocol::ledger::{Head, StateChanges};
use lockstep_protocol::nouns::genesis::Genesis;
use lockstep_protocol::types::{Address, Hash, Height};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// The file that is locked. It outlives the database: a note in it says that there was one.
const LOCK_FILE: &str = "lock";
/// LMDB's own lock file, in which readers of other processes stand.
const READERS_FILE: &str = "lock.mdb";
/// More than that file has: 64 bytes for a reader, and a head.
#[cfg(target_os = "linux")]
const READERS_BYTES: u64 = (STORE_READERS_MAX as u64 + 64) * 64;

impl Store {
    /// Opens `dir`, and begins the chain in it if it is new. `genesis_changes` are those of
    /// [`Ledger::genesis_changes`](lockstep_protocol::ledger::Ledger::genesis_changes).
    ///
    /// Refuses a directory that another node has open, or that belongs to another chain or key: its
    /// sign record says what *that* validator has signed.
    pub fn open(
        dir: &Path,
        durability: Durability,
        map_bytes: usize,
        genesis: &Genesis,
        validator: Address,
        genesis_changes: &StateChanges,
    ) -> Result<Store, StoreError> {
        let identity = Identity {
            genesis: genesis.hash(),
            validator,
        };
        let head = Head::genesis(genesis, genesis_changes);
        Store::open_as(
            dir,
            durability,
            map_bytes,
            &identity,
            (&head, genesis_changes),
        )
        .map_err(|error| error.in_file(&dir.join(DATA_FILE)))
    }

    fn open_as(
        dir: &Path,
        durability: Durability,
        map_bytes: usize,
        identity: &Identity,
        (genesis, genesis_changes): (&Head, &StateChanges),
    ) -> Result<Store, StoreError> {
        let (store, had_database, noted) = Store::attach(dir, durability, map_bytes)?;
        let transaction = store.inner.transaction.load(Ordering::Relaxed);
        if store.read(|reading| identity.check(reading))? {
            let head = store.read(check_head)?;
            store.inner.height.store(head.0, Ordering::Relaxed);
            store.read(|reading| check_transaction(reading, transaction))?;
            mark::check(noted, transaction)?;
            store.inner.written(transaction, None)?;
        } else if had_database {
            return Err(StoreError::corrupt("its database is gone"));
        } else if transaction > 1 {
            return Err(StoreError::corrupt("it is the database of something else"));
        } else {
            store.begin(identity, genesis, genesis_changes)?;
        }
        if !had_database {
            store.note_database(identity)?;
        }
        Ok(store)
    }

    /// Locks and opens a directory, whatever is in it; says whether there was a database, and how
    /// far it was noted to have got.
    pub(super) fn attach(
        dir: &Path,
        durability: Durability,
        map_bytes: usize,
    ) -> Result<(Store, bool, Option<Mark>), StoreError> {
        let (lock, had_database) = lock(dir)?;
        prepare_for_lmdb(dir)?;
        let (mark, noted) = open_mark(dir)?;
        check_pages(dir, noted)?;
        let env = open_env(dir, durability, map_bytes)?;
        complete_file(&env, dir)?;
        // The tables are made in the first transaction, the chain begins in the second.
        let tables = match env.info().last_txn_id {
            0 | 1 => Tables::create(&env, map_bytes)?,
            _ => Tables::open(&env, map_bytes).map_err(|error| match noted {
                Some(mark) => error.at(mark.height),
                None => error,
            })?,
        };
        let transaction = env.info().last_txn_id as u64;
        let store = Store {
            inner: Arc::new(Inner {
                env,
                tables,
                dir: dir.to_path_buf(),
                map_bytes,
                durability,
                mark,
                key_guard: OnceLock::new(),
                transaction: AtomicU64::new(transaction),
                height: AtomicU64::new(0),
                on_corrupt: OnceLock::new(),
                retention: OnceLock::new(),
                is_cut: AtomicBool::new(false),
                _lock: lock,
            }),
        };
        Ok((store, had_database, noted))
    }

    /// Writes the identity, the head and the state of height 0.
    fn begin(
        &self,
        identity: &Identity,
        head: &Head,
        changes: &StateChanges,
    ) -> Result<(), StoreError> {
        self.write("begin the chain", |tables, txn| {
            let meta = &tables.meta;
            identity.write(tables, txn, head.height)?;
            meta.put(txn, META_HEAD, &HeadRecord::of(head))?;
            write::state(tables, txn, Height(0), changes)
        })
    }

    /// The note says that there is a database from now on.
    pub(super) fn note_database(&self, identity: &Identity) -> Result<(), StoreError> {
        let path = self.inner.dir.join(LOCK_FILE);
        let mut file: &File = &self.inner._lock;
        let note = format!(
            "lockstep data directory, genesis {}, validator {}\n",
            identity.genesis, identity.validator
        );
        fault::point()
            .and_then(|()| file.write_all(note.as_bytes()))
            .and_then(|()| file.sync_all())
            .map_err(|error| StoreError::io(format!("write {}", path.display()), &error))
    }
}

/// LMDB opens its files itself, wherever they lead and whosever they are.
fn prepare_for_lmdb(dir: &Path) -> Result<(), StoreError> {
    for name in [DATA_FILE, READERS_FILE] {
        let path = dir.join(name);
        match private::prepare(&path) {
            // Whoever reads the pages says that it is no database.
            Ok(()) | Err(FileError::Unfit(Unfit::Directory)) => {}
            Err(error) => return Err(StoreError::file("open", &path, error)),
        }
    }
    make_room_for_readers(&dir.join(READERS_FILE))
}

/// LMDB writes into the file of readers through a map: where the disk has no room for a page of it,
/// that kills the process (SIGBUS).
#[cfg(target_os = "linux")]
fn make_room_for_readers(path: &Path) -> Result<(), StoreError> {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::Errno;
    let file = match private::open(path) {
        Ok(file) => file,
        // LMDB says so.
        Err(FileError::Unfit(Unfit::Directory)) => return Ok(()),
        Err(error) => return Err(StoreError::file("open", path, error)),
    };
    match fallocate(&file, FallocateFlags::KEEP_SIZE, 0, READERS_BYTES) {
        Err(error @ (Errno::NOSPC | Errno::DQUOT | Errno::FBIG)) => {
            let what = format!("make room for {}", path.display());
            Err(StoreError::io(what, &error.into()))
        }
        // Some disks cannot promise room.
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(not(target_os = "linux"))]
fn make_room_for_readers(_: &Path) -> Result<(), StoreError> {
    Ok(())
}

fn open_mark(dir: &Path) -> Result<(MarkFile, Option<Mark>), StoreError> {
    let file = MarkFile::open(dir)?;
    let noted = file.read()?;
    Ok((file, noted))
}

/// The same for whoever must not change the directory.
pub(super) fn check_pages_of(dir: &Path) -> Result<(), StoreError> {
    check_pages(dir, MarkFile::read_in(dir)?)
}

/// Before LMDB maps the file. A stop in good order says nothing about what the disk has done since:
/// it only lets the largest files pass, and `verify` checks those too.
fn check_pages(dir: &Path, noted: Option<Mark>) -> Result<(), StoreError> {
    let path = dir.join(DATA_FILE);
    let Ok(file) = std::fs::metadata(&path) else {
        return Ok(()); // there is none yet, or opening it says why not
    };
    let closed = noted.is_some_and(|mark| mark.closed);
    if closed && file.len() > ALWAYS_CHECKED_BYTES {
        return Ok(());
    }
    let height = noted.map(|mark| mark.height);
    let checked = page_check::check(&path).map(|_| ());
    checked.map_err(|error| match height {
        Some(height) => error.at(height),
        None => error,
    })
}

/// Each transaction writes its own number. LMDB's may differ only if a meta page has rotted.
fn check_transaction(reading: &Reading<'_>, transaction: u64) -> Result<(), StoreError> {
    let written: u64 = reading.meta(META_TRANSACTION)?;
    if written == transaction {
        return Ok(());
    }
    Err(StoreError::corrupt(format!(
        "its newest meta page names transaction {transaction}, its tables are of {written}"
    )))
}

/// Creates and locks the directory; says whether it has held a database before.
fn lock(dir: &Path) -> Result<(File, bool), StoreError> {
    private::make_own_dir(dir).map_err(|error| StoreError::file("create", dir, error))?;
    let path = dir.join(LOCK_FILE);
    let failed = |error| StoreError::directory(format!("lock {}", path.display()), &error);
    let file = private::open(&path).map_err(|error| StoreError::file("lock", &path, error))?;
    take(&file, dir)?;
    let had_database = file.metadata().map_err(failed)?.len() > 0;
    Ok((file, had_database))
}

fn take(lock: &File, dir: &Path) -> Result<(), StoreError> {
    match lock_exclusively(lock) {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse(dir.display().to_string())),
        Err(TryLockError::Error(error)) => {
            let what = format!("lock {}", dir.join(LOCK_FILE).display());
            Err(StoreError::directory(what, &error))
        }
    }
}

/// Locks a directory that must not be changed. One without a lock file was never in use.
pub(super) fn lock_existing(dir: &Path) -> Result<Option<File>, StoreError> {
    let path = dir.join(LOCK_FILE);
    match private::open_to_read(&path) {
        Ok(file) => take(&file, dir).map(|()| Some(file)),
        Err(FileError::System(error)) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::file("lock", &path, error)),
    }
}

/// Opens the database without writing a byte, not even LMDB's own lock file: the caller holds ours.
pub(super) fn open_to_read(dir: &Path) -> Result<Env, StoreError> {
    open_read_only(dir, EnvFlags::READ_ONLY | EnvFlags::NO_LOCK)
}

/// Opens the database that a node of another process has open. LMDB is made for that: the reader is
/// noted in its lock file, and the node writes no page that this one may read.
pub(super) fn open_beside_a_node(dir: &Path) -> Result<Env, StoreError> {
    open_read_only(dir, EnvFlags::READ_ONLY)
}

#[allow(unsafe_code)]
fn open_read_only(dir: &Path, flags: EnvFlags) -> Result<Env, StoreError> {
    let mut options = EnvOpenOptions::new().read_txn_without_tls();
    options.map_size(DEFAULT_MAP_BYTES).max_dbs(TABLES);
    // SAFETY: either nobody writes to the file meanwhile, because the caller holds an exclusive lock
    // on the directory, and LMDB's own locks are needed by nobody; or these locks are used.
    let opened = unsafe {
        options.flags(flags);
        options.open(dir)
    };
    let what = format!("open the database in {}", dir.display());
    opened.map_err(|error| StoreError::lmdb(&what, DEFAULT_MAP_BYTES, error))
}

#[allow(unsafe_code)] // the one place where heed opens a map to write
fn open_env(dir: &Path, durability: Durability, map_bytes: usize) -> Result<Env, StoreError> {
    let mut options = EnvOpenOptions::new().read_txn_without_tls();
    options
        .map_size(map_bytes.next_multiple_of(1 << 16)) // LMDB wants whole pages, of any size
        .max_dbs(TABLES)
        .max_readers(STORE_READERS_MAX);
    if durability == Durability::Process {
        // SAFETY: NO_SYNC only gives up durability at a power cut, which `Process` does not promise.
        unsafe { options.flags(EnvFlags::NO_SYNC) };
    }
    // SAFETY: nobody changes the mapped file behind LMDB's back: the caller holds an exclusive lock
    // on the directory for as long as the environment is open, and the map is not writable.
    let opened = unsafe { options.open(dir) };
    opened.map_err(|error| {
        StoreError::lmdb(
            &format!("open the database in {}", dir.display()),
            map_bytes,
            error,
        )
    })
}

/// A file that was cut short would kill the process (SIGBUS) as soon as a missing page is read.
/// Made as long as its own record says, the missing pages read as zeros, which LMDB and the seals
/// refuse as corrupt. (A whole file may be short as well: pages freed at once are never written.)
fn complete_file(env: &Env, dir: &Path) -> Result<(), StoreError> {
    let failed = |error| StoreError::io(format!("read the database in {}", dir.display()), &error);
    let page_bytes = u64::from(env.unnamed_database_stat().page_size);
    let bytes = (env.info().last_page_number as u64).saturating_add(1) * page_bytes;
    let path = dir.join(DATA_FILE);
    fault::point().map_err(failed)?;
    let file = OpenOptions::new().write(true).open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.len() < bytes {
        file.set_len(bytes).map_err(failed)?;
    }
    Ok(())
}

/// Whose directory it is.
pub(super) struct Identity {
    pub(super) genesis: Hash,
    pub(super) validator: Address,
}

impl Identity {
    /// Makes the database one that a node opens; it begins with the block of this height.
    pub(super) fn write(
        &self,
        tables: &Tables,
        txn: &mut RwTxn<'_>,
        began: Height,
    ) -> Result<(), heed::Error> {
        let meta = &tables.meta;
        meta.put(txn, META_LAYOUT, &LAYOUT)?;
        meta.put(txn, META_GENESIS, &self.genesis)?;
        meta.put(txn, META_VALIDATOR, &self.validator)?;
        meta.put(txn, META_BEGAN, &began)?;
        meta.put(txn, META_ORIGIN, &DirectoryName::draw())
    }

    /// Whether the database has an identity at all; an error if it is another one.
    fn check(&self, reading: &Reading<'_>) -> Result<bool, StoreError> {
        let meta = &reading.tables.meta;
        let Some(layout) = meta.get(reading.txn, META_LAYOUT, META_BYTES_MAX)? else {
            return Ok(false);
        };
        check_chain(reading, layout, self.genesis)?;
        let found = reading.meta(META_VALIDATOR)?;
        if found != self.validator {
            let error = StoreError::other_key(self.validator, found);
            return Err(error.at(reading.meta::<HeadRecord>(META_HEAD)?.height));
        }
        Ok(true)
    }
}

/// Refuses a database of another layout or chain, and says how far it got.
pub(super) fn check_chain(
    reading: &Reading<'_>,
    layout: u32,
    expected: Hash,
) -> Result<(), StoreError> {
    let head = || {
        reading
            .meta::<HeadRecord>(META_HEAD)
            .map(|head| head.height)
    };
    if layout != LAYOUT {
        let error = StoreError::other_layout(LAYOUT, layout);
        // In another layout the head may stand elsewhere, or read otherwise.
        return Err(head().map_or(error.clone(), |height| error.at(height)));
    }
    let found = reading.meta(META_GENESIS)?;
    if found != expected {
        return Err(StoreError::other_chain(expected, found).at(head()?));
    }
    Ok(())
}

/// The head and what it names must be there and fit together.
fn check_head(reading: &Reading<'_>) -> Result<Height, StoreError> {
    let head = reading.head()?;
    if head.certificate.is_some() {
        let block = reading.block(head.height)?.map(|block| block.id());
        if block != Some(head.block_id) {
            let what = "the newest block is not the head's";
            return Err(StoreError::corrupt(what).at(head.height));
        }
    }
    reading.recovery().map_err(|error| error.at(head.height))?;
    let earliest = reading.earliest()?;
    if earliest > head.height.next() {
        let what = format!("its first block is that of height {earliest}, beyond the newest");
        return Err(StoreError::corrupt(what).at(head.height));
    }
    reading.block(earliest)?; // one that is committed and not there is an error
    Ok(head.height)
}
