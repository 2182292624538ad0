//! Files that a command is given: a FIFO, a device, a pipe with a password, a key file that would
//! cost a gigabyte.
use super::local_users::{chmod, fifo};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::process::{Ended, Network, binary, finish, lockstep, run, text};
use tempfile::TempDir;

const FAST: &str = "block_interval_ms=50";

/// Puts something in the place of a file.
type Make = fn(&Path);

/// Opening a FIFO waits for somebody who writes, reading `/dev/zero` never ends.
#[test]
fn a_fifo_or_a_device_is_no_file_wherever_a_file_is_named() {
    let network = Network::new(1, &[FAST]);
    let home = network.home(0);
    let began = Instant::now();
    let bad: [(&str, Make); 4] = [
        ("is a FIFO", |path| fifo(path)),
        ("is a device", |path| {
            symlink("/dev/zero", path).expect("a link")
        }),
        ("is a device", |path| {
            symlink("/dev/null", path).expect("a link")
        }),
        ("is a directory", |path| {
            fs::create_dir(path).expect("a directory")
        }),
    ];
    for (what, make) in bad {
        for name in ["validator.key", "genesis.json", "lockstep.toml"] {
            let path = home.join(name);
            let aside = network.dir.path().join("aside");
            fs::rename(&path, &aside).expect("it was there");
            make(&path);
            finish(network.command(0)).assert_refused(2, &[name, what]);
            let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir(&path));
            fs::rename(&aside, &path).expect("it was there");
        }
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("it");
        make(&path);
        let path = text(&path);
        let home = text(&home);
        let keys = text(dir.path());
        for arguments in [
            &["snapshot", "inspect", "--home", home, path][..],
            &["snapshot", "import", "--home", home, "--input", path],
            &["init", "--home", "new", "--genesis", path],
            &["keys", "import", "savings", path, "--keys", keys],
        ] {
            run(arguments).assert_refused(2, &[path, what]);
        }
    }
    assert!(began.elapsed() < Duration::from_secs(60));
}

fn new_key(dir: &TempDir, shell: &str) -> Ended {
    let mut command = Command::new("bash");
    command
        .args(["-c", shell])
        .arg(binary())
        .arg(dir.path().join("keys"));
    command.stdin(Stdio::null()).env_remove("LOCKSTEP_PASSWORD");
    finish(command)
}

/// What operators write: the password comes out of a store of passwords, and touches no disk.
#[test]
fn a_password_comes_through_a_pipe_as_well() {
    let dir = tempfile::tempdir().expect("a directory");
    for (name, shell) in [
        (
            "a",
            "echo word | \"$0\" keys new a --keys \"$1\" --password-file /dev/stdin",
        ),
        (
            "b",
            "\"$0\" keys new b --keys \"$1\" --password-file <(sleep 1; echo word)",
        ),
    ] {
        new_key(&dir, shell).ok();
        let keys = dir.path().join("keys");
        let copy = dir.path().join(format!("{name}.plain"));
        let mut command = lockstep(&["keys", "export", name, "--plain", "--keys", text(&keys)]);
        command
            .args(["--output", text(&copy)])
            .env("LOCKSTEP_PASSWORD", "word");
        finish(command).ok();
    }
    let shell = "\"$0\" keys new c --keys \"$1\" --password-file /dev/zero";
    new_key(&dir, shell).assert_refused(2, &["/dev/zero", "is a device"]);
}

/// 1 GiB, gone over 16 times, before a word was said.
#[test]
fn a_foreign_key_file_costs_no_more_than_one_of_ours() {
    let dir = tempfile::tempdir().expect("a directory");
    new_key(
        &dir,
        "echo word | \"$0\" keys new a --keys \"$1\" --password-file /dev/stdin",
    )
    .ok();
    let path = dir.path().join("keys/a.json");
    let sealed = fs::read_to_string(&path).expect("a key");
    let sealed = sealed.replace("\"memory_kib\": 65536", "\"memory_kib\": 1048576");
    let sealed = sealed.replace("\"passes\": 3", "\"passes\": 16");
    let foreign = dir.path().join("foreign.json");
    fs::write(&foreign, sealed).expect("it is written");
    chmod(&foreign, 0o600);
    let keys = dir.path().join("keys");
    let began = Instant::now();
    // Nobody is asked for a password first, either.
    let words = ["foreign.json", "1048576 KiB", "16", "kept safe"];
    run(&["keys", "import", "b", text(&foreign), "--keys", text(&keys)]).assert_refused(2, &words);
    assert!(began.elapsed() < Duration::from_secs(5));
}
