//! Reads the records of a file, each checked before the next is read.
use super::{Contents, SnapshotFileError, io};
use crate::private::{self, FileError};
use lockstep_protocol::nouns::block::SealedBlock;
use lockstep_protocol::proofs::snapshot::{
    Anchor, Check, Checked, OPENING_BYTES, SnapshotError, record_bytes,
};
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An open snapshot.
pub(super) struct Records {
    path: PathBuf,
    file: BufReader<File>,
    check: Check,
    bytes: u64,
    read: u64,
    handovers: u64,
    head: Option<Arc<SealedBlock>>,
}

impl Records {
    /// Opens a file and checks how it begins.
    pub(super) fn open(path: &Path, anchor: Anchor) -> Result<Records, SnapshotFileError> {
        let file = private::open_named(path).map_err(|error| unreadable(path, &error))?;
        let about = file.metadata();
        let about = about.map_err(|error| unreadable(path, &FileError::from(error)))?;
        let mut file = BufReader::new(file);
        let mut opening = [0; OPENING_BYTES];
        fill(path, &mut file, &mut opening, SnapshotError::NoSnapshot)?;
        let check = Check::open(anchor, &opening);
        Ok(Records {
            check: check.map_err(|error| SnapshotFileError::refused(path, error))?,
            path: path.to_owned(),
            file,
            bytes: about.len(),
            read: OPENING_BYTES as u64,
            handovers: 0,
            head: None,
        })
    }

    /// The next record, checked. `None`: the whole file is proven, and it ends here.
    pub(super) fn next(&mut self) -> Result<Option<Checked>, SnapshotFileError> {
        if self.check.is_complete() {
            return self.demand_end().map(|()| None);
        }
        let cut = SnapshotError::Shape("it breaks off");
        let mut length = [0; 4];
        fill(&self.path, &mut self.file, &mut length, cut.clone())?;
        let refused = |error| SnapshotFileError::refused(&self.path, error);
        let length = record_bytes(length).map_err(refused)?;
        // Before room is made for a record that cannot be there.
        if length as u64 > self.bytes.saturating_sub(self.read) {
            return Err(refused(cut));
        }
        let mut record = vec![0; length];
        fill(&self.path, &mut self.file, &mut record, cut)?;
        self.read += length as u64 + 4;
        let checked = self.check.take(&record);
        let checked = checked.map_err(|error| SnapshotFileError::refused(&self.path, error))?;
        match &checked {
            Checked::Handover(_) => self.handovers += 1,
            Checked::Head { block, .. } => self.head = Some(block.clone()),
            Checked::Leaves(_) | Checked::End { .. } => {}
        }
        Ok(Some(checked))
    }

    /// How much has been read, and how much there is.
    pub(super) fn progress(&self) -> (u64, u64) {
        (self.read, self.bytes)
    }

    /// What it is of, once the whole file is proven.
    pub(super) fn contents(&self) -> Option<Contents> {
        let head = self.head.as_ref().filter(|_| self.check.is_complete())?;
        Some(Contents {
            height: head.height(),
            block_id: head.id(),
            state_root: head.header().state_root,
            leaves: self.check.leaf_count(),
            handovers: self.handovers,
            bytes: self.read,
        })
    }

    fn demand_end(&mut self) -> Result<(), SnapshotFileError> {
        let mut more = [0];
        match self.file.read(&mut more) {
            Ok(0) => Ok(()),
            Ok(_) => {
                let error = SnapshotError::Shape("something follows its end");
                Err(SnapshotFileError::refused(&self.path, error))
            }
            Err(error) => Err(io("read", &self.path, &error)),
        }
    }
}

/// Checks a whole snapshot and says what it is of. `progress` hears how much has been read, and
/// how much there is.
pub fn inspect(
    path: &Path,
    anchor: Anchor,
    mut progress: impl FnMut(u64, u64),
) -> Result<Contents, SnapshotFileError> {
    let mut records = Records::open(path, anchor)?;
    while records.next()?.is_some() {
        let (read, bytes) = records.progress();
        progress(read, bytes);
    }
    let early = SnapshotError::Shape("it breaks off");
    let contents = records.contents();
    contents.ok_or_else(|| SnapshotFileError::refused(path, early))
}

fn fill(
    path: &Path,
    file: &mut BufReader<File>,
    into: &mut [u8],
    short: SnapshotError,
) -> Result<(), SnapshotFileError> {
    match file.read_exact(into) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
            Err(SnapshotFileError::refused(path, short))
        }
        Err(error) => Err(io("read", path, &error)),
    }
}

fn unreadable(path: &Path, error: &FileError) -> SnapshotFileError {
    let at = path.display();
    SnapshotFileError::Usage(format!(
        "cannot read {at}: {error}; name a snapshot that this user can read"
    ))
}
