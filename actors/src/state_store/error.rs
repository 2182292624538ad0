//! What can go wrong with the store: one line each, which names the next step.
use crate::private::{FileError, Unfit};
use crate::runtime::FatalKind;
use lockstep_protocol::codec::CodecError;
use lockstep_protocol::ledger::ReadError;
use lockstep_protocol::types::{Address, Hash, Height};
use lockstep_protocol::wire::PROTOCOL_VERSION;
use rustix::io::Errno;
use std::fmt;
use std::io::ErrorKind;
use std::path::Path;

/// Where something broken or foreign was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FaultSite {
    /// The file; unknown only before a directory is open.
    pub file: Option<String>,
    /// The height that the broken bytes belong to; the head's if they belong to no height, or if all
    /// of it is foreign.
    pub height: Option<Height>,
}

impl FaultSite {
    /// Says of the file that it is corrupt.
    fn corrupt(&self) -> String {
        let at = self.height.map(|height| format!(" at height {height}"));
        format!("{} is corrupt{}", self.name(), at.unwrap_or_default())
    }

    fn name(&self) -> &str {
        self.file.as_deref().unwrap_or("the data directory")
    }
}

/// `data.mdb at height 7`, as far as it is known.
impl fmt::Display for FaultSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        self.height
            .map_or(Ok(()), |height| write!(f, " at height {height}"))
    }
}

/// Why the store refused. All of them are fatal for a running node, but [`Busy`](Self::Busy).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another node, in this process or another, has this directory open.
    #[error("{0} is in use by another node: stop it, or choose another data directory")]
    InUse(String),
    /// Another node signs with the same key: it holds this record beside the key.
    #[error("the key is in use by another node ({0} is locked): stop it, or use another key")]
    KeyInUse(String),
    /// The directory was made for another genesis.
    #[error(
        "{site} belongs to the chain with genesis {found}, this node runs {expected}: choose another \
         data directory or key, or the other genesis"
    )]
    OtherChain {
        /// The database or the key's record, and how far it got.
        site: FaultSite,
        /// Hash of the genesis that this node was given.
        expected: Hash,
        /// Hash of the genesis on disk.
        found: Hash,
    },
    /// The directory keeps the sign record of another validator.
    #[error(
        "{site} belongs to validator {found}, this node's key is of {expected}: choose another data \
         directory, or the other key"
    )]
    OtherKey {
        /// The database or the key's record, and how far it got.
        site: FaultSite,
        /// Address of the key that this node was given.
        expected: Address,
        /// Address on disk.
        found: Address,
    },
    /// Written by a release with another layout.
    #[error(
        "{site} has layout {found}, this release reads layout {expected}, that of protocol version \
         {PROTOCOL_VERSION}: run the release that wrote it, or begin the chain anew in another data \
         directory"
    )]
    OtherLayout {
        /// The database, and how far it got.
        site: FaultSite,
        /// What this release reads.
        expected: u32,
        /// What is on disk.
        found: u32,
    },
    /// Bytes that no store has written, or the lack of bytes that it must have.
    #[error(
        "{}: {what}; restore it from a backup, or move the data directory away and sync anew",
        .site.corrupt()
    )]
    Corrupt {
        /// In which file, at which height.
        site: FaultSite,
        /// What was found broken.
        what: String,
    },
    /// The map of this size is used up; reads go on.
    #[error(
        "the store has used up its map of {0} bytes: stop the node, save its state by \
         lockstep snapshot export, move the data directory away, make a new one by lockstep snapshot \
         import, set retain_blocks, run lockstep arm, and start"
    )]
    Full(usize),
    /// Too many reads at one time for what was tried; it may be tried again.
    #[error("too many reads at one time ({0}): try again in a moment")]
    Busy(String),
    /// What does not follow the head. Nothing was written.
    #[error("refused to write {0}: stop this node and report a bug")]
    OutOfOrder(String),
    /// The directory cannot be made or written: a matter of configuration.
    #[error("cannot {what}: {reason}: name a directory that this user can write")]
    Directory {
        /// What was tried.
        what: String,
        /// What the system said.
        reason: String,
    },
    /// What stands in the place of a file of ours is none, or none of this user.
    #[error(
        "{file} {unfit}: find out who has put it there, move it away, and start again with what was \
         there before"
    )]
    InTheWay {
        /// The file.
        file: String,
        /// What it is.
        unfit: Unfit,
    },
    /// The disk is full, or what this user or this process may have of it.
    #[error(
        "cannot {what}: {reason}: make free space for it (disk, quota, ulimit -f), then start again"
    )]
    NoRoom {
        /// What was tried.
        what: String,
        /// What the system said.
        reason: String,
    },
    /// An application panicked over a block of this store.
    #[error("{0}")]
    Application(String),
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
    /// What sort of end it is for the node that meets it.
    pub fn kind(&self) -> FatalKind {
        match self {
            StoreError::Io { .. } | StoreError::NoRoom { .. } | StoreError::Busy(_) => {
                FatalKind::Retry
            }
            StoreError::Full(_) | StoreError::Directory { .. } | StoreError::InTheWay { .. } => {
                FatalKind::Configuration
            }
            StoreError::Corrupt { .. } => FatalKind::Corrupt,
            StoreError::InUse(_)
            | StoreError::KeyInUse(_)
            | StoreError::OtherChain { .. }
            | StoreError::OtherKey { .. }
            | StoreError::OtherLayout { .. }
            | StoreError::Application(_)
            | StoreError::OutOfOrder(_) => FatalKind::Safety,
        }
    }

    /// Where it is broken or foreign, of an error that is about a file.
    pub fn site(&self) -> Option<&FaultSite> {
        match self {
            StoreError::Corrupt { site, .. }
            | StoreError::OtherChain { site, .. }
            | StoreError::OtherKey { site, .. }
            | StoreError::OtherLayout { site, .. } => Some(site),
            _ => None,
        }
    }

    fn site_mut(&mut self) -> Option<&mut FaultSite> {
        match self {
            StoreError::Corrupt { site, .. }
            | StoreError::OtherChain { site, .. }
            | StoreError::OtherKey { site, .. }
            | StoreError::OtherLayout { site, .. } => Some(site),
            _ => None,
        }
    }

    /// How the process should end: 1 try again, 2 usage, 3 corrupt, 4 stopped for safety.
    pub fn exit_code(&self) -> u8 {
        self.kind().exit_code()
    }

    pub(super) fn corrupt(what: impl Into<String>) -> StoreError {
        StoreError::Corrupt {
            site: FaultSite::default(),
            what: what.into(),
        }
    }

    /// Names the height that the bytes belong to, unless it is named already.
    #[must_use]
    pub(super) fn at(mut self, height: Height) -> StoreError {
        if let Some(site) = self.site_mut() {
            site.height.get_or_insert(height);
        }
        self
    }

    /// Names the file, unless it is named already.
    #[must_use]
    pub(super) fn in_file(mut self, file: &Path) -> StoreError {
        if let Some(site) = self.site_mut() {
            site.file.get_or_insert_with(|| file.display().to_string());
        }
        self
    }

    /// Of another layout than the `expected`.
    pub(super) fn other_layout(expected: u32, found: u32) -> StoreError {
        StoreError::OtherLayout {
            site: FaultSite::default(),
            expected,
            found,
        }
    }

    /// Made for another genesis than the `expected`.
    pub(super) fn other_chain(expected: Hash, found: Hash) -> StoreError {
        StoreError::OtherChain {
            site: FaultSite::default(),
            expected,
            found,
        }
    }

    /// Made for another validator than the `expected`.
    pub(super) fn other_key(expected: Address, found: Address) -> StoreError {
        StoreError::OtherKey {
            site: FaultSite::default(),
            expected,
            found,
        }
    }

    pub(super) fn io(what: impl Into<String>, error: &std::io::Error) -> StoreError {
        let (what, reason) = (what.into(), error.to_string());
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                StoreError::NoRoom { what, reason }
            }
            // What LMDB says of a page that was written in part.
            _ if error.raw_os_error() == Some(Errno::IO.raw_os_error()) => StoreError::NoRoom {
                what,
                reason: format!("{reason}, for the disk is full or broken"),
            },
            _ => StoreError::Io { what, reason },
        }
    }

    pub(super) fn directory(what: impl Into<String>, error: &std::io::Error) -> StoreError {
        StoreError::Directory {
            what: what.into(),
            reason: error.to_string(),
        }
    }

    /// Of a file that was not opened.
    pub(super) fn file(what: &str, path: &Path, error: FileError) -> StoreError {
        match error {
            FileError::System(error) => {
                StoreError::directory(format!("{what} {}", path.display()), &error)
            }
            FileError::Unfit(unfit) => StoreError::InTheWay {
                file: path.display().to_string(),
                unfit,
            },
        }
    }

    /// What LMDB says, in our words.
    pub(super) fn lmdb(what: &str, map_bytes: usize, error: heed::Error) -> StoreError {
        use heed::MdbError;
        match error {
            heed::Error::Mdb(MdbError::MapFull) => StoreError::Full(map_bytes),
            heed::Error::Mdb(MdbError::ReadersFull) => StoreError::Busy(what.into()),
            heed::Error::Mdb(MdbError::TxnFull) => StoreError::Io {
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
            StoreError::Corrupt { what, .. } => ReadError::Corrupt(what),
            other => ReadError::Store(other.to_string()),
        }
    }
}

/// What the ledger could not read of the state that this store holds.
impl From<ReadError> for StoreError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Corrupt(what) => StoreError::corrupt(what),
            ReadError::Store(reason) => StoreError::Io {
                what: "read the state".into(),
                reason,
            },
            failed @ ReadError::Application { .. } => StoreError::Application(failed.to_string()),
        }
    }
}
