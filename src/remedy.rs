//! What helps where the system refused something: the next step, by its reason.
use lockstep_actors::private::{FileError, Unfit};
use rustix::io::Errno;
use std::io;

/// After a file could not be read. `restore` is the step where it is gone, or broken.
pub(crate) fn of_reading<'a>(error: &FileError, restore: &'a str) -> &'a str {
    use io::ErrorKind::{InvalidData, NotADirectory, NotFound, PermissionDenied};
    let error = match error {
        FileError::System(error) => error,
        FileError::Unfit(Unfit::Directory) => {
            return "name a file in it, or put a file in its place";
        }
        FileError::Unfit(_) => return "put a file in its place",
    };
    match error.kind() {
        NotFound => restore,
        PermissionDenied => "let this user read it",
        NotADirectory => "check the path: a part of it is a file",
        InvalidData => "save it as text in UTF-8",
        _ if is_out_of_files(error) => OPEN_FILES,
        _ => "look at the disk, then try again",
    }
}

/// After something could not be written. `elsewhere` is the step where another place would do.
pub(crate) fn of_writing<'a>(error: &io::Error, elsewhere: &'a str) -> &'a str {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    match error.kind() {
        StorageFull | QuotaExceeded => "make room on the disk, or name a place on another one",
        FileTooLarge => "raise this process's limit of a file's size (ulimit -f)",
        _ if is_out_of_files(error) => OPEN_FILES,
        _ => elsewhere,
    }
}

const OPEN_FILES: &str = "raise this process's limit of open files (ulimit -n)";

/// This process, or the system, has as many open as it may.
fn is_out_of_files(error: &io::Error) -> bool {
    let of = |errno: Errno| error.raw_os_error() == Some(errno.raw_os_error());
    of(Errno::MFILE) || of(Errno::NFILE)
}

/// After nobody could listen; the name of the setting follows.
pub(crate) fn of_listening(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrNotAvailable => "write an address of this machine, or 0.0.0.0, into",
        io::ErrorKind::PermissionDenied => "choose a port from 1024 on as",
        _ => "stop who listens there, or choose another",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use io::ErrorKind;

    /// A settings file that this user may not read was to be made by `lockstep init`.
    #[test]
    fn what_is_there_and_not_read_is_not_to_be_made_anew() {
        let next = |kind: ErrorKind| of_reading(&FileError::System(kind.into()), "make it");
        assert_eq!(next(ErrorKind::NotFound), "make it");
        assert!(next(ErrorKind::PermissionDenied).contains("read it"));
        assert!(next(ErrorKind::InvalidData).contains("UTF-8"));
        for other in [ErrorKind::NotADirectory, ErrorKind::Other] {
            assert_ne!(next(other), "make it");
        }
        let device = FileError::Unfit(Unfit::Device);
        assert!(of_reading(&device, "make it").contains("in its place"));
    }

    /// Nobody listens at an address of another machine, and nobody could be stopped there.
    #[test]
    fn who_listens_is_stopped_only_where_somebody_does() {
        let next = |kind: ErrorKind| of_listening(&kind.into());
        assert!(next(ErrorKind::AddrInUse).contains("stop who listens"));
        for other in [ErrorKind::AddrNotAvailable, ErrorKind::PermissionDenied] {
            assert!(!next(other).contains("stop"));
        }
    }

    /// A full disk was to be a directory that this user cannot write.
    #[test]
    fn a_full_disk_needs_room_and_no_permission() {
        let next = |kind: ErrorKind| of_writing(&kind.into(), "name another");
        assert_eq!(next(ErrorKind::PermissionDenied), "name another");
        for kind in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded] {
            assert!(next(kind).contains("make room"));
        }
        assert!(next(ErrorKind::FileTooLarge).contains("ulimit -f"));
    }

    /// Too many open files were to be another place, or a look at the disk.
    #[test]
    fn where_too_many_files_are_open_the_limit_is_named() {
        let error = || io::Error::from_raw_os_error(Errno::MFILE.raw_os_error());
        assert!(of_writing(&error(), "name another").contains("ulimit -n"));
        assert!(of_reading(&FileError::System(error()), "make it").contains("ulimit -n"));
    }
}
