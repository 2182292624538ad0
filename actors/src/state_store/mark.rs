//! How far the database got, noted beside it after each transaction.
//!
//! LMDB keeps two meta pages and trusts the one with the higher number. One flipped bit in that
//! number, and it goes on from the transaction before: whole, sealed, and older than what has been
//! signed. The mark is written after each transaction and before anything is told, so that a
//! database that has fallen behind it is found.
//!
//! It is not synced: after a power cut it may be older than the database, which proves nothing, and
//! never newer than a database whose transactions are synced.
use super::error::StoreError;
use super::sealed_file::{SealedFile, SealedRecord};
use crate::private::{self, FileError};
use borsh::{BorshDeserialize, BorshSerialize};
use lockstep_protocol::types::Height;
use std::path::Path;

const MARK_FILE: &str = "mark";
const KIND: &str = "mark";

/// What the mark says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Mark {
    /// The newest transaction.
    pub(super) transaction: u64,
    /// The newest committed height.
    pub(super) height: Height,
    /// Whether the store was closed in good order after it.
    pub(super) closed: bool,
}

/// The file.
#[derive(Debug)]
pub(super) struct MarkFile(SealedFile);

impl MarkFile {
    pub(super) fn open(dir: &Path) -> Result<MarkFile, StoreError> {
        SealedFile::open(&dir.join(MARK_FILE), KIND).map(MarkFile)
    }

    /// Reads the mark of a directory that must not be changed.
    pub(super) fn read_in(dir: &Path) -> Result<Option<Mark>, StoreError> {
        let path = dir.join(MARK_FILE);
        match private::open_to_read(&path) {
            Ok(file) => MarkFile(SealedFile::new(file, &path, KIND)).read(),
            Err(FileError::System(_)) => Ok(None), // what is not there proves nothing
            Err(error) => Err(StoreError::file("open", &path, error)),
        }
    }

    /// `None` if there is none, or none that can be read: it proves nothing then.
    pub(super) fn read(&self) -> Result<Option<Mark>, StoreError> {
        Ok(match self.0.read()? {
            SealedRecord::Found(mark) => Some(mark),
            SealedRecord::Absent | SealedRecord::Unreadable => None,
        })
    }

    pub(super) fn write(&self, mark: &Mark) -> Result<(), StoreError> {
        self.0.write(mark)
    }
}

/// The database must not be older than what was noted of it.
pub(super) fn check(noted: Option<Mark>, transaction: u64) -> Result<(), StoreError> {
    match noted {
        Some(mark) if mark.transaction > transaction => Err(StoreError::corrupt(format!(
            "it has fallen back to transaction {transaction}, but {} was written",
            mark.transaction
        ))
        .at(mark.height)),
        _ => Ok(()),
    }
}
