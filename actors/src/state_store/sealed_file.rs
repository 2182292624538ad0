//! A small file that holds one sealed record of fixed length, written in place.
//!
//! In place and within one sector, so that a write needs no new file and no second sync; the seal
//! says whether the bytes belong together.
use super::error::StoreError;
use super::exclusive::lock_exclusively;
use super::fault;
use crate::private;
use borsh::{BorshDeserialize, BorshSerialize};
use lockstep_protocol::codec;
use lockstep_protocol::types::Hash;
use std::fs::{File, TryLockError};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const SEAL_BYTES: usize = 8;
/// A sector: no disk tears what fits in it.
const RECORD_BYTES_MAX: usize = 512 - SEAL_BYTES;

/// An open file with one record of `kind`.
#[derive(Debug)]
pub(super) struct SealedFile {
    file: File,
    path: PathBuf,
    kind: &'static str,
}

/// What such a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SealedRecord<T> {
    /// Nothing yet.
    Absent,
    /// Bytes with a broken seal.
    Unreadable,
    /// What was written last.
    Found(T),
}

impl SealedFile {
    pub(super) fn new(file: File, path: &Path, kind: &'static str) -> SealedFile {
        let path = path.to_path_buf();
        SealedFile { file, path, kind }
    }

    /// Opens the file at `path`, and makes it if it is not there.
    pub(super) fn open(path: &Path, kind: &'static str) -> Result<SealedFile, StoreError> {
        let file = private::open(path).map_err(|error| StoreError::file("open", path, error))?;
        Ok(SealedFile::new(file, path, kind))
    }

    pub(super) fn lock(&self) -> Result<(), TryLockError> {
        lock_exclusively(&self.file)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn read<T: BorshDeserialize>(&self) -> Result<SealedRecord<T>, StoreError> {
        let failed = |error| self.failed("read", &error);
        let bytes_max = RECORD_BYTES_MAX + SEAL_BYTES;
        fault::point().map_err(failed)?;
        let bytes = self.file.metadata().map_err(failed)?.len();
        let Some(bytes) = usize::try_from(bytes).ok().filter(|n| *n <= bytes_max) else {
            return Ok(SealedRecord::Unreadable);
        };
        if bytes == 0 {
            return Ok(SealedRecord::Absent);
        }
        let mut sealed = vec![0; bytes];
        self.file.read_exact_at(&mut sealed, 0).map_err(failed)?;
        let record = sealed
            .split_last_chunk::<SEAL_BYTES>()
            .filter(|(bytes, seal)| self.seal(bytes) == **seal)
            .and_then(|(bytes, _)| codec::decode(self.kind, bytes, RECORD_BYTES_MAX).ok());
        Ok(record.map_or(SealedRecord::Unreadable, SealedRecord::Found))
    }

    /// Survives the process when it returns; a power cut after [`sync`](Self::sync).
    pub(super) fn write<T: BorshSerialize>(&self, record: &T) -> Result<(), StoreError> {
        let mut bytes = codec::encode(record);
        bytes.extend_from_slice(&self.seal(&bytes));
        let written = fault::point().and_then(|()| self.file.write_all_at(&bytes, 0));
        written.map_err(|error| self.failed("write", &error))
    }

    pub(super) fn sync(&self) -> Result<(), StoreError> {
        let synced = fault::point().and_then(|()| self.file.sync_all());
        synced.map_err(|error| self.failed("sync", &error))
    }

    fn seal(&self, bytes: &[u8]) -> [u8; SEAL_BYTES] {
        let Hash(hash) = Hash::of(&[b"lockstep/", self.kind.as_bytes(), b"/", bytes]);
        std::array::from_fn(|i| hash[i])
    }

    fn failed(&self, what: &str, error: &std::io::Error) -> StoreError {
        StoreError::io(format!("{what} {}", self.path.display()), error)
    }
}
