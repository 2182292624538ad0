//! Corrupt, cut, foreign: whatever stands where a data directory should, the answer is one line
//! that names the file and the next step, and the exit code that fits. Nothing of it is a panic.
use super::*;
use std::fs;

/// A closed directory at height 12.
fn used() -> (World, TempDir) {
    let (world, dir, store) = opened();
    let mut ledger = world.ledger(&store);
    for nonce in 0..12 {
        world.grow(&store, &mut ledger, vec![world.pay(1, nonce, 2, 1)]);
    }
    drop((ledger, store));
    (world, dir)
}

fn replace_by_directory(path: &Path) {
    fs::remove_file(path).unwrap();
    fs::create_dir(path).unwrap();
}

fn replace_by_link(path: &Path) {
    let aside = path.with_extension("aside");
    fs::rename(path, &aside).unwrap();
    std::os::unix::fs::symlink(aside, path).unwrap();
}

/// Opening one waited for somebody who writes.
fn replace_by_fifo(path: &Path) {
    fs::remove_file(path).unwrap();
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}

/// The database of another program, with tables of its own.
#[allow(unsafe_code)]
fn foreign(dir: &Path) {
    fs::remove_file(dir.join("data.mdb")).unwrap();
    // SAFETY: nobody else opens it.
    let env = unsafe { heed::EnvOpenOptions::new().max_dbs(4).open(dir).unwrap() };
    for name in ["their", "tables"] {
        let txn = env.write_txn().unwrap();
        let made = env.create_databases_and_commit(txn, |opener, txn| {
            let table: heed::Database<'_, heed::types::Bytes, heed::types::Bytes> =
                opener.create_database(txn, Some(name))?;
            Ok::<_, heed::Error>(heed::CommitOrAbort::<_, ()>::Commit(table))
        });
        made.unwrap();
    }
}

type Harm = fn(&Path);

/// What is done to the directory; the exit codes at start and of `verify` (0: it goes on); a part
/// of the line.
const CASES: [(&str, Harm, u8, u8, &str); 18] = [
    ("nothing", |_| {}, 0, 0, ""),
    (
        "an empty data file",
        |d| fs::write(d.join("data.mdb"), b"").unwrap(),
        3,
        3,
        "is gone",
    ),
    (
        "no data file",
        |d| fs::remove_file(d.join("data.mdb")).unwrap(),
        3,
        3,
        "is gone",
    ),
    (
        "a text",
        |d| fs::write(d.join("data.mdb"), b"hello").unwrap(),
        3,
        3,
        "too short",
    ),
    (
        "zeros",
        |d| fs::write(d.join("data.mdb"), vec![0; 65_536]).unwrap(),
        3,
        3,
        "meta page",
    ),
    (
        "noise",
        |d| fs::write(d.join("data.mdb"), vec![0xa5; 65_536]).unwrap(),
        3,
        3,
        "meta page",
    ),
    (
        "a directory as data file",
        |d| replace_by_directory(&d.join("data.mdb")),
        3,
        3,
        "no file",
    ),
    ("another program's database", foreign, 3, 3, "is gone"),
    (
        "no lock file",
        |d| fs::remove_file(d.join("lock")).unwrap(),
        0,
        0,
        "",
    ),
    (
        "an empty lock file",
        |d| fs::write(d.join("lock"), b"").unwrap(),
        0,
        0,
        "",
    ),
    (
        "a directory as lock",
        |d| replace_by_directory(&d.join("lock")),
        2,
        2,
        "lock",
    ),
    (
        "no mark",
        |d| fs::remove_file(d.join("mark")).unwrap(),
        0,
        0,
        "",
    ),
    (
        "a garbled mark",
        |d| fs::write(d.join("mark"), [9; 25]).unwrap(),
        0,
        0,
        "",
    ),
    (
        "LMDB's lock file is noise",
        |d| fs::write(d.join("lock.mdb"), [9; 999]).unwrap(),
        0,
        0,
        "",
    ),
    (
        "LMDB's lock file is a link",
        |d| replace_by_link(&d.join("lock.mdb")),
        2,
        0, // which has no use for it
        "symbolic link",
    ),
    (
        "a FIFO as mark",
        |d| replace_by_fifo(&d.join("mark")),
        2,
        2,
        "FIFO",
    ),
    (
        "a FIFO as lock",
        |d| replace_by_fifo(&d.join("lock")),
        2,
        2,
        "FIFO",
    ),
    (
        "a link as lock",
        |d| replace_by_link(&d.join("lock")),
        2,
        2,
        "symbolic link",
    ),
];

#[test]
fn whatever_stands_there_has_its_exit_code_and_one_line_with_the_next_step() {
    for (what, harm, at_start, at_verify, says) in CASES {
        let (world, dir) = used();
        harm(dir.path());
        let verified = verify(dir.path(), &world.genesis, &world.rules, |_, _| {});
        assert_told(what, verified.map(|_| ()), at_verify, says);
        let opened = world.open(dir.path(), address(101));
        assert_told(what, opened.map(|_| ()), at_start, says);
    }
}

#[track_caller]
fn assert_told(what: &str, outcome: Result<(), StoreError>, code: u8, says: &str) {
    match outcome {
        Ok(()) => assert_eq!(code, 0, "{what}: it goes on"),
        Err(error) => {
            let text = error.to_string();
            assert_eq!(error.exit_code(), code, "{what}: {text}");
            assert!(
                text.contains(says) && !text.contains('\n'),
                "{what}: {text}"
            );
            let file = ["data.mdb", "lock", "mark"]
                .iter()
                .any(|name| text.contains(name));
            let next = ["restore it", "name a directory", "move it away"]
                .iter()
                .any(|step| text.contains(step));
            assert!(file && next, "{what}: {text}");
        }
    }
}

#[test]
fn a_data_file_cut_at_any_page_is_named_with_its_height_or_lacks_only_free_pages() {
    let (world, dir) = used();
    let path = dir.path().join(DATA_FILE);
    let whole = fs::read(&path).unwrap();
    let report = verify(dir.path(), &world.genesis, &world.rules, |_, _| {}).unwrap();
    let mut refused = 0;
    let pages = whole.len() / 4_096;
    for kept in 0..pages {
        for extra in [0, 1_000] {
            fs::write(&path, &whole[..kept * 4_096 + extra]).unwrap();
            match verify(dir.path(), &world.genesis, &world.rules, |_, _| {}) {
                Ok(found) => assert_eq!(found, report),
                Err(error) => {
                    refused += 1;
                    assert_eq!(error.exit_code(), 3, "{error}");
                    let opened = world.open(dir.path(), address(101)).map(|_| ());
                    assert_eq!(opened.map_err(|error| error.exit_code()), Err(3));
                }
            }
        }
    }
    println!("{refused} of {} cuts refused", 2 * pages);
    assert!(
        refused >= pages,
        "the first cuts take pages that are in use"
    );
}

/// A power cut between making the tables and beginning the chain: there is nothing yet to lose.
#[test]
fn a_directory_whose_first_start_ended_early_begins_again() {
    let world = World::new(7);
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("lock"), b"").unwrap();
    fs::write(dir.path().join("data.mdb"), b"").unwrap();
    let store = world.open(dir.path(), address(101)).unwrap();
    assert_eq!(store.head().unwrap().height, Height(0));
}
