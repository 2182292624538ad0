//! Files and directories for this user alone, and files that somebody names.
//!
//! Whoever can open a file can lock it, and whoever can write to a directory can put something else
//! in the place of a file. So what is made here has mode 0600, a directory 0700, from its first
//! moment and whatever the umask; and what is found in the place of such a file is used only if it
//! is a file (not a link to one) of this user or of root; root also uses a directory of another user
//! with the files of that user in it. A file that is open to others is closed before it is used.
use rustix::fs::OFlags;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

const FILE_MODE: u32 = 0o600;
const DIR_MODE: u32 = 0o700;
/// What others may do.
const OTHERS: u32 = 0o077;
/// What lets others change a directory.
const OTHERS_WRITE: u32 = 0o022;
/// Only the owner of a file takes it away: a directory that all users share, such as `/tmp`.
const STICKY: u32 = 0o1000;

/// What stands where a file should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Whoever made it chose where it leads.
    #[error("is a symbolic link")]
    Link,
    /// In the place of a directory.
    #[error("is a symbolic link of another user (uid {0})")]
    LinkOf(u32),
    /// Opening it waits for somebody, reading it for ever.
    #[error("is a FIFO")]
    Fifo,
    /// Reading it may never end, and may do something.
    #[error("is a device")]
    Device,
    /// Nothing can be read there.
    #[error("is a socket")]
    Socket,
    /// Nothing can be read there.
    #[error("is a directory")]
    Directory,
    /// Who could hold a lock on it.
    #[error("belongs to another user (uid {0})")]
    OtherUser(u32),
}

/// Why a file is not opened.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system refused.
    #[error("{0}")]
    System(#[from] io::Error),
    /// It is none, or none of this user.
    #[error("it {0}")]
    Unfit(#[from] Unfit),
}

/// Makes a directory for this user alone, and those above it that are not there.
pub fn make_dir(dir: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(DIR_MODE)
        .create(dir)
}

/// The same for a directory of our own; refuses a link that another user has put there, which would
/// have everything written elsewhere.
pub(crate) fn make_own_dir(dir: &Path) -> Result<(), FileError> {
    // Behind a slash at its end the system looks for what a link leads to.
    let name = dir.components().as_path();
    if let Ok(about) = fs::symlink_metadata(name)
        && about.is_symlink()
        && !is_trusted(about.uid())
        && about.uid() != owner_above(name)?
    {
        return Err(Unfit::LinkOf(about.uid()).into());
    }
    Ok(make_dir(dir)?)
}

/// Makes a file for this user alone, where nothing is yet.
pub fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(FILE_MODE)
        .open(path)
}

/// Opens the private file at `path` to read and write, and makes it if it is not there.
pub(crate) fn open(path: &Path) -> Result<File, FileError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    match fs::symlink_metadata(path) {
        Ok(about) => demand_private(&about, path)?,
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    let file = open_here(&mut options, path)?;
    close_to_others(&file)?;
    Ok(file)
}

/// Opens the private file at `path` to read, and changes nothing.
pub(crate) fn open_to_read(path: &Path) -> Result<File, FileError> {
    demand_private(&fs::symlink_metadata(path)?, path)?;
    open_here(OpenOptions::new().read(true), path)
}

/// Checks, and closes to others, the private file at `path` that somebody else is about to open; it
/// need not be there.
pub(crate) fn prepare(path: &Path) -> Result<(), FileError> {
    match open_to_read(path) {
        Ok(file) => close_to_others(&file).map_err(FileError::from),
        Err(FileError::System(error)) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Opens a file that somebody has named, to read it, wherever the name leads.
pub fn open_named(path: &Path) -> Result<File, FileError> {
    // Opening some devices does something.
    demand_file(&fs::metadata(path)?)?;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags(OFlags::empty()))
        .open(path)?;
    demand_file(&file.metadata()?)?;
    Ok(file)
}

/// Takes an empty directory that is there for this user alone. One that all users share stays as it
/// is; where this user may not, [`close_dir`] has something to say.
pub fn take_dir(dir: &Path) {
    let mode = fs::metadata(dir).map(|about| about.permissions().mode());
    if mode.is_ok_and(|mode| mode & STICKY == 0) {
        let _ = fs::set_permissions(dir, Permissions::from_mode(DIR_MODE));
    }
}

/// Looks whether others can reach a directory of this user. If they can change what is in it, it is
/// closed to them. What there is to say, in one line.
pub fn close_dir(dir: &Path) -> Option<String> {
    let about = fs::metadata(dir).ok()?;
    let at = dir.display();
    if !is_trusted(about.uid()) {
        return Some(format!(
            "the directory {at} belongs to another user (uid {}), who can change what is in it: \
             start the node as that user, or run chown -R on it",
            about.uid()
        ));
    }
    let mode = about.permissions().mode() & 0o7777;
    let is_shared = mode & STICKY != 0;
    if mode & OTHERS == 0 {
        return None;
    }
    let closed = Permissions::from_mode(mode & !OTHERS);
    if mode & OTHERS_WRITE != 0 && !is_shared && fs::set_permissions(dir, closed).is_ok() {
        return Some(format!(
            "others could change what is in the directory {at}: its mode was {mode:04o} and is \
             {:04o} now; look whether all in it is yours",
            mode & !OTHERS
        ));
    }
    Some(format!(
        "others can get into the directory {at}, which has mode {mode:04o}: run chmod 700 on it"
    ))
}

/// Opens what must stand at the path itself, and neither waits for anybody nor becomes this
/// process's terminal.
fn open_here(options: &mut OpenOptions, path: &Path) -> Result<File, FileError> {
    options
        .mode(FILE_MODE)
        .custom_flags(flags(OFlags::NOFOLLOW));
    let file = options.open(path)?;
    // It may have been exchanged since it was looked at.
    demand_private(&file.metadata()?, path)?;
    Ok(file)
}

fn flags(more: OFlags) -> i32 {
    (OFlags::NONBLOCK | OFlags::NOCTTY | more)
        .bits()
        .cast_signed()
}

fn close_to_others(file: &File) -> io::Result<()> {
    let mode = file.metadata()?.permissions().mode() & 0o7777;
    if mode & OTHERS != 0 {
        // A disk without modes refuses; nobody else may say that this is ours.
        let _ = file.set_permissions(Permissions::from_mode(mode & !OTHERS));
    }
    Ok(())
}

fn demand_private(about: &Metadata, path: &Path) -> Result<(), FileError> {
    demand_file(about)?;
    let owner = about.uid();
    if is_trusted(owner) || is_root() && owner == owner_above(path)? {
        return Ok(());
    }
    Err(Unfit::OtherUser(owner).into())
}

/// Whose directory a path stands in.
fn owner_above(path: &Path) -> io::Result<u32> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    Ok(fs::metadata(dir.unwrap_or(Path::new(".")))?.uid())
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// This user, or root, who needs no file of ours.
fn is_trusted(owner: u32) -> bool {
    owner == rustix::process::geteuid().as_raw() || owner == 0
}

fn demand_file(about: &Metadata) -> Result<(), Unfit> {
    let kind = about.file_type();
    Err(match () {
        () if kind.is_file() => return Ok(()),
        () if kind.is_dir() => Unfit::Directory,
        () if kind.is_symlink() => Unfit::Link,
        () if kind.is_fifo() => Unfit::Fifo,
        () if kind.is_socket() => Unfit::Socket,
        () => Unfit::Device,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may panic
mod tests;
