//! What a command reads through a file or a pipe: `--password-file /dev/stdin`, `--file <(…)`. Where
//! only a file makes sense, `lockstep_actors::private::open_named` refuses the rest.
use crate::failure::Failure;
use crate::limits::PIPE_PATIENCE;
use lockstep_actors::private::{FileError, Unfit, open_named};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;
use zeroize::Zeroizing;

/// A file or a pipe that somebody has named.
pub(crate) struct Input {
    pub(crate) path: PathBuf,
    /// What it is, for messages.
    pub(crate) what: &'static str,
    /// More is not read. The buffer never grows, so no copy of a secret is left behind.
    pub(crate) bytes_max: usize,
    /// Looks at it before a byte is read.
    pub(crate) check: fn(&File, &Path) -> Result<(), Failure>,
    /// Whether nothing more is needed; a pipe may stay open.
    pub(crate) is_enough: fn(&[u8]) -> bool,
}

impl Input {
    pub(crate) fn read(self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        self.read_within(PIPE_PATIENCE)
    }

    fn read_within(self, patience: Duration) -> Result<Zeroizing<Vec<u8>>, Failure> {
        match open_named(&self.path) {
            Ok(file) => self.take(file),
            Err(FileError::Unfit(Unfit::Fifo)) => self.wait_for(patience),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Opening a FIFO waits for somebody who writes, and so does reading it.
    fn wait_for(self, patience: Duration) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let (tell, hear) = mpsc::channel();
        let nobody = Failure::usage(format!(
            "nothing has come through {} for {} s: write the {} into it, or name a file",
            self.path.display(),
            patience.as_secs(),
            self.what
        ));
        std::thread::spawn(move || {
            let opened = File::open(&self.path);
            let opened = opened.map_err(|error| self.failed(&FileError::System(error)));
            // An error says that nobody waits any more.
            let _ = tell.send(opened.and_then(|file| self.take(file)));
        });
        hear.recv_timeout(patience).unwrap_or(Err(nobody))
    }

    fn take(&self, mut file: File) -> Result<Zeroizing<Vec<u8>>, Failure> {
        (self.check)(&file, &self.path)?;
        let mut bytes = Zeroizing::new(vec![0; self.bytes_max]);
        let length = read_up_to(&mut file, &mut bytes, self.is_enough);
        let length = length.map_err(|error| self.failed(&FileError::System(error)))?;
        bytes.truncate(length);
        Ok(bytes)
    }

    fn failed(&self, error: &FileError) -> Failure {
        let next = match error {
            FileError::Unfit(_) => "name a file or a pipe",
            FileError::System(_) => "name a file that this user can read",
        };
        let (what, at) = (self.what, self.path.display());
        Failure::usage(format!("cannot read the {what} from {at}: {error}; {next}"))
    }
}

/// Fills the buffer as far as there is something and it is not enough; how far.
pub(crate) fn read_up_to(
    file: &mut File,
    buffer: &mut [u8],
    is_enough: fn(&[u8]) -> bool,
) -> std::io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() && !is_enough(&buffer[..length]) {
        match file.read(&mut buffer[length..]) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::process::Command;

    fn input(path: &Path) -> Input {
        Input {
            path: path.to_owned(),
            what: "word",
            bytes_max: 8,
            check: |_, _| Ok(()),
            is_enough: |bytes| bytes.contains(&b'\n'),
        }
    }

    fn pipe() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("pipe");
        let made = Command::new("mkfifo").arg(&path).status();
        assert!(made.expect("mkfifo runs").success());
        (dir, path)
    }

    #[test]
    fn a_pipe_is_read_as_far_as_is_needed_and_no_further_than_its_limit() {
        let (_dir, path) = pipe();
        for (text, expected) in [("ab\n", "ab\n"), ("ab", "ab"), ("abcdefghi", "abcdefgh")] {
            let writer = std::thread::spawn({
                let path = path.clone();
                move || {
                    let mut pipe = File::options().write(true).open(path).expect("a pipe");
                    pipe.write_all(text.as_bytes()).expect("it is written");
                    // A pipe that stays open is none that keeps a command waiting.
                    let stays = text.ends_with('\n').then_some(Duration::from_secs(2));
                    std::thread::sleep(stays.unwrap_or_default());
                }
            });
            let began = std::time::Instant::now();
            let read = input(&path).read_within(Duration::from_secs(20));
            assert_eq!(read.expect(text).as_slice(), expected.as_bytes());
            assert!(began.elapsed() < Duration::from_secs(2), "{text}");
            writer.join().expect("it writes");
        }
    }

    #[test]
    fn a_pipe_into_which_nobody_writes_is_not_waited_for_without_end() {
        let (_dir, path) = pipe();
        let silent = input(&path).read_within(Duration::from_millis(50));
        let silent = silent.expect_err("nobody writes");
        assert_eq!(silent.exit_code, 2);
        assert!(
            silent.message.contains("nothing has come through"),
            "{}",
            silent.message
        );
        // One who has it open and says nothing, likewise.
        let held = File::options()
            .read(true)
            .write(true)
            .open(&path)
            .expect("a pipe");
        let silent = input(&path).read_within(Duration::from_millis(50));
        assert!(silent.is_err());
        drop(held);
    }

    #[test]
    fn a_device_is_neither_a_file_nor_a_pipe() {
        for path in ["/dev/zero", "/dev/null"] {
            let refused = input(Path::new(path)).read().expect_err("refused");
            assert!(
                refused.message.contains("is a device"),
                "{}",
                refused.message
            );
        }
    }
}
