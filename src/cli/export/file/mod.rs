//! Files: a directory of CSV, or one file of JSONL. Blocks are appended, each row on a line of its own.
//! What a kill has left half-written is found at the end of the file and cut off.
use super::target::Head;
use crate::failure::Failure;
use crate::limits::EXPORT_HEAD_BYTES_MAX;
use crate::remedy;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

mod csv;
mod jsonl;
mod tail;

pub(super) use csv::CsvTarget;
pub(super) use jsonl::JsonlTarget;

/// A file that grows at its end.
struct Grown {
    path: PathBuf,
    /// The whole target: the file, or the directory that it is a part of.
    target: PathBuf,
    file: File,
}

impl Grown {
    /// Opens it, or makes an empty one.
    fn open(path: &Path, target: &Path) -> Result<Grown, Failure> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let failed = |error: io::Error| refuse("open", path, &error);
        // A pipe would be waited for, or read back.
        if path.metadata().is_ok_and(|is| !is.is_file()) {
            let at = path.display();
            return Err(Failure::usage(format!("{at} is no file: name another")));
        }
        Ok(Grown {
            file: options.open(path).map_err(failed)?,
            path: path.to_owned(),
            target: target.to_owned(),
        })
    }

    /// Of two exports into one file the second is refused.
    fn lock(&self) -> Result<(), Failure> {
        let at = self.path.display();
        match self.file.try_lock() {
            Ok(()) => Ok(()),
            Err(TryLockError::WouldBlock) => Err(Failure::retry(format!(
                "another export writes to {at}: let it end, or name another target"
            ))),
            Err(TryLockError::Error(error)) => Err(refuse("lock", &self.path, &error)),
        }
    }

    fn len(&self) -> Result<u64, Failure> {
        let known = self.file.metadata();
        Ok(known
            .map_err(|error| refuse("read", &self.path, &error))?
            .len())
    }

    /// Its first bytes, as text; what is none is shown as such.
    fn start(&mut self, bytes_max: u64) -> Result<String, Failure> {
        let mut bytes = Vec::new();
        self.file
            .seek(SeekFrom::Start(0))
            .and_then(|_| (&mut self.file).take(bytes_max).read_to_end(&mut bytes))
            .map_err(|error| refuse("read", &self.path, &error))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Takes away what stands behind so many bytes.
    fn cut(&mut self, len: u64) -> Result<(), Failure> {
        let cut = self.file.set_len(len);
        cut.map_err(|error| refuse("cut", &self.path, &error))
    }

    /// Adds to its end, and waits until the disk has it.
    fn append(&mut self, text: &str) -> Result<(), Failure> {
        let file = &mut self.file;
        let done = file.seek(SeekFrom::End(0)).and_then(|_| {
            file.write_all(text.as_bytes())?;
            file.sync_data()
        });
        done.map_err(|error| refuse("write", &self.path, &error))
    }

    /// Makes sure that it begins with this line. A kill may have left a part of it.
    fn begin_with(&mut self, line: &str) -> Result<(), Failure> {
        let start = self.start(line.len() as u64)?;
        if start == line {
            return Ok(());
        }
        if !line.starts_with(&start) {
            return Err(self.foreign());
        }
        self.cut(0)?;
        self.append(line)
    }

    fn foreign(&self) -> Failure {
        Failure::usage(format!(
            "{} is no export that this program can go on with, and nothing is overwritten: name \
             another target",
            self.path.display()
        ))
    }

    fn damaged(&self, what: &str) -> Failure {
        damaged(&self.path, &self.target, what)
    }
}

fn damaged(path: &Path, target: &Path, what: &str) -> Failure {
    Failure::corrupt(format!(
        "{} is damaged: {what}; move {} away as a whole and export anew",
        path.display(),
        target.display()
    ))
}

/// The head of a target as a line.
fn head_line(head: &Head) -> Result<String, Failure> {
    let text = serde_json::to_string(head);
    let text = text.map_err(|error| Failure::safety(error.to_string()))?;
    Ok(text + "\n")
}

/// The head that a file begins with. `None`: it is empty, or a kill has left a part of a head.
fn read_head(file: &mut Grown) -> Result<Option<Head>, Failure> {
    let start = file.start(EXPORT_HEAD_BYTES_MAX)?;
    if let Some((line, _)) = start.split_once('\n') {
        let head = serde_json::from_str(line);
        return head.map(Some).map_err(|_| file.foreign());
    }
    const FIRST: &str = "{\"format\":1,\"chain_id\":";
    match start.starts_with(FIRST) || FIRST.starts_with(&start) {
        true => Ok(None), // whoever begins it compares the rest
        false => Err(file.foreign()),
    }
}

fn refuse(what: &str, path: &Path, error: &io::Error) -> Failure {
    let next = remedy::of_writing(error, "name a place where this user can write");
    let message = format!("cannot {what} {}: {error}; {next}", path.display());
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Failure::retry(message),
        _ => Failure::usage(message),
    }
}

#[cfg(test)]
mod tests;
