//! The record beside the key: which data directory signs with it, and how far that got.
//!
//! The sign record lives in the data directory, so an old copy of the directory holds an old sign
//! record, and nothing in it says so. This file is not restored with the directory. A directory
//! that is behind it, or another one, must not sign: the key has signed what it does not know.
//!
//! ```text
//! directory    random, drawn when a directory begins
//! generation   raised in both places at every start that signs
//! transaction  the newest of the directory, written after each, before anything is sent
//! height       the newest committed height: signatures go no further than the height after it
//! ```
//!
//! A new key comes with a record that says that it has never signed. So a record that is not there is
//! one that was lost, and nobody knows how far the key has got: the directory observes first, until it
//! has caught up, and only then an operator's word counts. Where a key lies on a mount that nobody
//! writes to, the file stands elsewhere, by a setting; a place without it is one where it was lost.
//!
//! The file is locked as long as a node runs: the same key cannot be started twice on one machine. It
//! is private: another user who could open it could lock it, and no validator would start.
//!
//! What it cannot see: a copy of the key *and* of this file (on another machine, say), and a power
//! cut that takes back its last second together with an old directory restored at that moment, of
//! the same generation. Both are what the RoundDriver's last defence is for: a message under this
//! key that it has not signed stops it.
use super::error::StoreError;
use super::sealed_file::{SealedFile, SealedRecord};
use crate::limits::KEY_SYNC_EVERY;
use crate::private;
use borsh::{BorshDeserialize, BorshSerialize};
use lockstep_protocol::types::{Address, Hash, Height};
use std::fs::TryLockError;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

/// Names a data directory.
pub(super) type DirectoryId = [u8; 16];

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct KeyMark {
    pub(super) genesis: Hash,
    pub(super) validator: Address,
    pub(super) directory: DirectoryId,
    pub(super) generation: u64,
    pub(super) transaction: u64,
    pub(super) height: Height,
}

impl KeyMark {
    /// Of a key that has never signed, on whatever chain.
    pub(super) fn unused(validator: Address) -> KeyMark {
        KeyMark {
            genesis: Hash::default(),
            validator,
            directory: [0; 16],
            generation: 0,
            transaction: 0,
            height: Height(0),
        }
    }

    fn is_unused(&self) -> bool {
        *self == KeyMark::unused(self.validator)
    }
}

/// What the directory says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DirectoryState {
    pub(super) genesis: Hash,
    pub(super) validator: Address,
    pub(super) origin: DirectoryName,
    pub(super) transaction: u64,
    pub(super) height: Height,
    /// Nothing is committed beyond what it began with, nothing signed.
    pub(super) is_new: bool,
}

/// In the directory's meta table: its name, and how often it was started to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct DirectoryName {
    pub(super) directory: DirectoryId,
    pub(super) generation: u64,
}

impl DirectoryName {
    /// A directory that begins now.
    pub(super) fn draw() -> DirectoryName {
        // Two hashers that the system has seeded: unlike any other, which is all that a name needs.
        let half = |_| RandomState::new().build_hasher().finish().to_le_bytes();
        let halves: [[u8; 8]; 2] = std::array::from_fn(half);
        let mut directory = [0; 16];
        directory.copy_from_slice(halves.as_flattened());
        DirectoryName {
            directory,
            generation: 0,
        }
    }
}

/// Why a directory must not sign with this key; one line each, without the next step.
pub(super) fn judge(key: &SealedRecord<KeyMark>, here: &DirectoryState) -> Result<(), String> {
    let refuse = |what: &str| Err(what.to_owned());
    let mark = match key {
        SealedRecord::Absent => return refuse("the record beside the key is gone"),
        SealedRecord::Unreadable => return refuse("the record beside the key cannot be read"),
        SealedRecord::Found(mark) => mark,
    };
    if mark.is_unused() && here.is_new {
        return Ok(());
    }
    if mark.directory != here.origin.directory {
        return refuse(if mark.is_unused() {
            "the record beside the key does not know this data directory"
        } else if here.is_new {
            "this data directory is new, and the key has signed with another"
        } else {
            "the key has signed with another data directory"
        });
    }
    // One ahead: the last start ended between its two writes.
    let generations = mark.generation..=mark.generation.saturating_add(1);
    if !generations.contains(&here.origin.generation) || here.transaction < mark.transaction {
        return Err(format!(
            "the data directory is older than what the key has signed (it was restored at height \
             {}, the key got to height {})",
            here.height, mark.height
        ));
    }
    Ok(())
}

/// The locked file.
#[derive(Debug)]
pub(super) struct KeyGuard {
    file: SealedFile,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// What is written next; `None` as long as this node must not sign: then the file stays as it
    /// is, because it says what this directory lacks.
    mark: Option<KeyMark>,
    synced: Instant,
}

impl KeyGuard {
    /// Opens and locks the file. Refuses one that another node holds.
    pub(super) fn open(path: &Path) -> Result<KeyGuard, StoreError> {
        let file = SealedFile::open(path, "key").map_err(|error| match error {
            StoreError::Directory { what, reason } => {
                let what = format!("{what} (guard_dir places it elsewhere)");
                StoreError::Directory { what, reason }
            }
            other => other,
        })?;
        match file.lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let file = path.display().to_string();
                return Err(StoreError::KeyInUse(file));
            }
            Err(TryLockError::Error(error)) => {
                let what = format!("open {}", path.display());
                return Err(StoreError::directory(what, &error));
            }
        }
        let mark = None;
        let synced = Instant::now();
        Ok(KeyGuard {
            file,
            state: Mutex::new(State { mark, synced }),
        })
    }

    /// What the file says; refuses a file of another validator or chain.
    pub(super) fn read(&self, here: &DirectoryState) -> Result<SealedRecord<KeyMark>, StoreError> {
        let record: SealedRecord<KeyMark> = self.file.read()?;
        if let SealedRecord::Found(mark) = &record {
            let foreign = |error: StoreError| error.in_file(self.file.path()).at(mark.height);
            if mark.genesis != here.genesis && !mark.is_unused() {
                let error = StoreError::other_chain(here.genesis, mark.genesis);
                return Err(foreign(error));
            }
            if mark.validator != here.validator {
                let error = StoreError::other_key(here.validator, mark.validator);
                return Err(foreign(error));
            }
        }
        Ok(record)
    }

    /// From here on the file follows the directory.
    pub(super) fn follow(&self, mark: KeyMark) -> Result<(), StoreError> {
        self.file.write(&mark)?;
        self.file.sync()?;
        let mut state = self.state();
        (state.mark, state.synced) = (Some(mark), Instant::now());
        Ok(())
    }

    /// Notes a transaction of the directory.
    pub(super) fn note(
        &self,
        transaction: u64,
        height: Height,
        may_sync: bool,
    ) -> Result<(), StoreError> {
        let mut state = self.state();
        let Some(mark) = &mut state.mark else {
            return Ok(());
        };
        (mark.transaction, mark.height) = (transaction, height);
        self.file.write(mark)?;
        if may_sync && state.synced.elapsed() >= KEY_SYNC_EVERY {
            self.file.sync()?;
            state.synced = Instant::now();
        }
        Ok(())
    }

    /// At the end of a node; an error changes nothing any more.
    pub(super) fn close(&self) {
        if let Err(error) = self.file.sync() {
            log::warn!("{error}");
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Writes the record of a new key: it has never signed. Refuses to touch a record that is there.
pub fn begin_key_guard(path: &Path, validator: Address) -> Result<(), StoreError> {
    let failed = |error| StoreError::directory(format!("create {}", path.display()), &error);
    let file = private::create(path).map_err(failed)?;
    let file = SealedFile::new(file, path, "key");
    file.write(&KeyMark::unused(validator))?;
    file.sync()
}

/// Where the record of a key file stands unless a setting places it elsewhere: beside it.
pub fn key_guard_file(key_file: &Path) -> PathBuf {
    let mut name = key_file.as_os_str().to_owned();
    name.push(".guard");
    PathBuf::from(name)
}
