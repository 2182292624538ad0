use super::*;
use std::os::unix::fs::{chown, lchown, symlink};
use std::path::PathBuf;
use std::process::Command;

const OTHER: u32 = 65_534;

fn dir() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    (dir, path)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn fifo(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}

fn unfit<T>(done: Result<T, FileError>) -> Unfit {
    match done {
        Err(FileError::Unfit(unfit)) => unfit,
        Err(FileError::System(error)) => panic!("{error}"),
        Ok(_) => panic!("it was opened"),
    }
}

#[test]
fn what_is_made_is_for_its_owner_alone_with_all_above_it() {
    let (dir, file) = dir();
    drop(open(&file).unwrap());
    assert_eq!(mode(&file), FILE_MODE);
    let other = dir.path().join("other");
    drop(create(&other).unwrap());
    assert_eq!(mode(&other), FILE_MODE);
    assert_eq!(create(&other).unwrap_err().kind(), ErrorKind::AlreadyExists);
    let deep = dir.path().join("a/b");
    make_dir(&deep).unwrap();
    make_dir(&deep).unwrap();
    assert_eq!(
        (mode(&deep), mode(&dir.path().join("a"))),
        (DIR_MODE, DIR_MODE)
    );
}

#[test]
fn a_file_that_is_open_to_others_is_closed_before_it_is_used() {
    let (_dir, file) = dir();
    fs::write(&file, "kept").unwrap();
    for (loose, closed) in [
        (0o666, 0o600),
        (0o644, 0o600),
        (0o755, 0o700),
        (0o400, 0o400),
    ] {
        chmod(&file, loose);
        // Whoever only reads changes nothing.
        drop(open_to_read(&file).unwrap());
        assert_eq!(mode(&file), loose);
        prepare(&file).unwrap();
        assert_eq!(mode(&file), closed);
    }
    chmod(&file, 0o640);
    drop(open(&file).unwrap());
    assert_eq!(mode(&file), FILE_MODE);
    assert_eq!(fs::read(&file).unwrap(), b"kept");
}

#[test]
fn what_is_no_file_is_named_and_left_alone() {
    let (dir, path) = dir();
    let elsewhere = dir.path().join("elsewhere");
    fs::write(&elsewhere, "precious").unwrap();
    let nowhere = dir.path().join("nowhere");
    type Make<'a> = &'a dyn Fn(&Path);
    let cases: [(Make<'_>, Unfit); 5] = [
        (&|path| symlink(&elsewhere, path).unwrap(), Unfit::Link),
        (&|path| symlink(&nowhere, path).unwrap(), Unfit::Link),
        (&|path| fifo(path), Unfit::Fifo),
        (&|path| fs::create_dir(path).unwrap(), Unfit::Directory),
        (
            &|path| drop(std::os::unix::net::UnixListener::bind(path).unwrap()),
            Unfit::Socket,
        ),
    ];
    for (make, expected) in cases {
        make(&path);
        assert_eq!(unfit(open(&path)), expected);
        assert_eq!(unfit(open_to_read(&path)), expected);
        assert_eq!(unfit(prepare(&path)), expected);
        assert_eq!(create(&path).unwrap_err().kind(), ErrorKind::AlreadyExists);
        fs::remove_file(&path)
            .or_else(|_| fs::remove_dir(&path))
            .unwrap();
    }
    assert!(!nowhere.exists());
    assert_eq!(fs::read(&elsewhere).unwrap(), b"precious");
    assert!(prepare(&path).is_ok(), "nothing is there");
    let absent = open_to_read(&path).unwrap_err();
    assert!(matches!(absent, FileError::System(error) if error.kind() == ErrorKind::NotFound));
}

#[test]
fn a_named_file_may_be_a_link_but_nothing_that_never_ends() {
    let (dir, path) = dir();
    fs::write(dir.path().join("elsewhere"), "text").unwrap();
    symlink(dir.path().join("elsewhere"), &path).unwrap();
    assert_eq!(
        io::read_to_string(open_named(&path).unwrap()).unwrap(),
        "text"
    );
    let pipe = dir.path().join("pipe");
    fifo(&pipe);
    assert_eq!(unfit(open_named(&pipe)), Unfit::Fifo);
    assert_eq!(unfit(open_named(dir.path())), Unfit::Directory);
    for device in ["/dev/null", "/dev/zero"] {
        assert_eq!(unfit(open_named(Path::new(device))), Unfit::Device);
    }
}

/// A link is no file of ours even if somebody puts it there while we look.
#[test]
fn a_file_is_opened_where_it_stands_and_nowhere_else() {
    let (dir, path) = dir();
    fs::write(dir.path().join("elsewhere"), "").unwrap();
    symlink(dir.path().join("elsewhere"), &path).unwrap();
    let mut options = OpenOptions::new();
    let opened = open_here(options.read(true).write(true), &path);
    let errno = match opened.unwrap_err() {
        FileError::System(error) => error.raw_os_error(),
        FileError::Unfit(_) => None,
    };
    assert_eq!(errno, Some(rustix::io::Errno::LOOP.raw_os_error()));
}

#[test]
fn a_file_of_another_user_is_refused_unless_root_looks_at_their_directory() {
    let (dir, path) = dir();
    fs::write(&path, "").unwrap();
    if !is_root() {
        println!("SKIPPED: a file of another user takes root to make");
        return;
    }
    chown(&path, Some(OTHER), None).unwrap();
    for refused in [
        unfit(open(&path)),
        unfit(open_to_read(&path)),
        unfit(prepare(&path)),
    ] {
        assert_eq!(refused, Unfit::OtherUser(OTHER));
    }
    // Their whole home, which root looks at.
    chown(dir.path(), Some(OTHER), None).unwrap();
    assert!(open(&path).is_ok() && open_to_read(&path).is_ok());
    let said = close_dir(dir.path()).unwrap();
    assert!(said.contains("another user (uid 65534)"), "{said}");
}

#[test]
fn a_directory_that_others_can_change_is_closed_and_one_that_they_can_see_is_told() {
    let (dir, _) = dir();
    let dir = dir.path();
    for (before, after, word) in [
        (0o700, 0o700, None),
        (0o500, 0o500, None),
        (0o755, 0o755, Some("chmod 700")),
        (0o750, 0o750, Some("chmod 700")),
        (0o711, 0o711, Some("chmod 700")),
        (0o777, 0o700, Some("was 0777 and is 0700 now")),
        (0o775, 0o700, Some("was 0775 and is 0700 now")),
        // All users share it.
        (0o1777, 0o1777, Some("chmod 700")),
    ] {
        chmod(dir, before);
        let said = close_dir(dir);
        assert_eq!(mode(dir), after, "{before:o}");
        match (&said, word) {
            (Some(said), Some(word)) => assert!(said.contains(word), "{said}"),
            _ => assert_eq!((&said, word), (&None, None), "{before:o}"),
        }
    }
    assert_eq!(close_dir(&dir.join("nothing")), None);
}

#[test]
fn a_link_of_another_user_is_no_directory_of_ours() {
    let (dir, path) = dir();
    let theirs = dir.path().join("theirs");
    fs::create_dir(&theirs).unwrap();
    symlink(&theirs, &path).unwrap();
    // One of this user is an operator's way to another disk.
    make_own_dir(&path).unwrap();
    if !is_root() {
        println!("SKIPPED: a link of another user takes root to make");
        return;
    }
    lchown(&path, Some(OTHER), None).unwrap();
    for path in [&path, &path.join("")] {
        assert_eq!(unfit(make_own_dir(path)), Unfit::LinkOf(OTHER));
    }
    fs::remove_file(&path).unwrap();
    make_own_dir(&path).unwrap();
    assert_eq!(mode(&path), DIR_MODE);
}
