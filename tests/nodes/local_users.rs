//! Other users of the same machine: what they can look into, what they can lock, what they can put
//! in the way. Tests that act as another user need root, and say so where
//! they are not.
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use support::process::{Ended, Guarded, Network, binary, finish, hear_nothing, lockstep, text};
use support::{eventually, get};

/// Nobody, on every Unix.
pub(crate) const OTHER: &str = "65534";
/// What a node writes in its home.
const FILES: [&str; 5] = [
    "validator.key.guard",
    "data/lock",
    "data/mark",
    "data/lock.mdb",
    "data/data.mdb",
];
pub(crate) const FAST: &str = "block_interval_ms=50";

fn mode(path: &Path) -> u32 {
    let metadata = fs::symlink_metadata(path);
    metadata.expect("it is there").permissions().mode() & 0o7777
}

pub(crate) fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("chmod");
}

/// The same command where whatever is made is open to everybody.
fn open_handed(command: &Command) -> Command {
    let mut shell = lockstep(&[]);
    let mut through = Command::new("sh");
    through.args(["-c", "umask 000; exec \"$0\" \"$@\""]);
    through.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs().chain(shell.env("A", "").get_envs()) {
        match value {
            Some(value) => through.env(name, value),
            None => through.env_remove(name),
        };
    }
    through.stdin(Stdio::null());
    through
}

fn run_open_handed(arguments: &[&str]) -> Ended {
    finish(open_handed(&lockstep(arguments)))
}

/// All below `dir`, and itself.
pub(crate) fn all_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = vec![dir.to_owned()];
    let mut at = 0;
    while let Some(path) = found.get(at).cloned() {
        at += 1;
        if path.is_dir() {
            let entries = fs::read_dir(path).expect("a directory");
            found.extend(entries.map(|entry| entry.expect("an entry").path()));
        }
    }
    found
}

fn assert_private(dir: &Path) {
    for path in all_below(dir) {
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(
            mode(&path),
            expected,
            "{}: {:04o}",
            path.display(),
            mode(&path)
        );
    }
}

/// Whether this test may act as another user.
pub(crate) fn is_root(test: &str) -> bool {
    let root = fs::metadata("/proc/self").is_ok_and(|about| about.uid() == 0);
    if !root {
        println!("SKIPPED: {test} acts as another user, which takes root");
    }
    root
}

/// A command of another user.
fn other(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("setpriv");
    let user = [
        format!("--reuid={OTHER}"),
        format!("--regid={OTHER}"),
        "--clear-groups".to_owned(),
    ];
    command.args(user).arg(program).args(arguments);
    command.stdin(Stdio::null());
    hear_nothing(&mut command);
    command
}

pub(crate) fn fifo(path: &Path) {
    let made = Command::new("mkfifo")
        .args(["-m", "600"])
        .arg(path)
        .status();
    assert!(made.expect("mkfifo runs").success());
}

/// A node that has run, and stands still.
fn used() -> Network {
    let mut network = Network::running(1, &[FAST]);
    network.wait_for(&[0], 2);
    network.kill(0);
    network
}

#[test]
fn whatever_the_umask_what_is_made_is_for_its_owner_alone() {
    let mut network = Network::new(1, &[FAST]);
    let claimed = network.dir.path().join("claimed");
    fs::create_dir(&claimed).expect("a directory");
    chmod(&claimed, 0o777);
    run_open_handed(&["init", "--home", text(&claimed)]).ok();
    assert_private(&claimed);
    let genesis = claimed.join("genesis.json");
    let joined = network.dir.path().join("a/joined");
    run_open_handed(&["init", "--home", text(&joined), "--genesis", text(&genesis)]).ok();
    assert_private(&network.dir.path().join("a"));
    let net = network.dir.path().join("another");
    run_open_handed(&["testnet", "--validators", "2", "--output", text(&net)]).ok();
    assert_private(&net);

    let command = open_handed(&network.command(0));
    network.start_as(0, command);
    network.wait_for(&[0], 2);
    assert_private(&network.home(0));
    let home = network.home(0);
    let output = network.dir.path().join("chain.snapshot");
    run_open_handed(&[
        "snapshot",
        "export",
        "--home",
        text(&home),
        "--output",
        text(&output),
    ])
    .ok();
    assert_eq!(mode(&output), 0o600);

    let keys = network.dir.path().join("b/keys");
    let mut command = lockstep(&["keys", "new", "savings", "--keys", text(&keys)]);
    command.env("LOCKSTEP_PASSWORD", "word");
    finish(open_handed(&command)).ok();
    assert_private(&network.dir.path().join("b"));
}

/// The record beside the key could be read by everybody, and whoever can open a file can lock it.
#[test]
fn a_lock_of_another_user_keeps_no_validator_from_starting() {
    if !is_root("a lock of another user") {
        return;
    }
    let mut network = used();
    let home = network.home(0);
    chmod(&network.dir.path().join("net"), 0o755);
    let mut holders = Vec::new();
    for dir in [&home, &home.join("data")] {
        chmod(dir, 0o777);
    }
    for path in all_below(&home).iter().filter(|path| path.is_file()) {
        let hold = other("flock", &[text(path), "sleep", "60"])
            .stderr(Stdio::null())
            .spawn();
        holders.push(Guarded(hold.expect("flock runs")));
    }
    std::thread::sleep(Duration::from_millis(500));
    network.start(0);
    network.node(0).ready();
    let log = network.node(0).log_text();
    for word in ["0777", "others"] {
        assert!(log.contains(word), "{word}: {log}");
    }
    assert!(
        log.contains(text(&home)) && log.contains(text(&home.join("data"))),
        "{log}"
    );
    assert_eq!(mode(&home), 0o700);
}

/// A home of an earlier release, whose files are open, is closed by its next start.
#[test]
fn files_that_others_could_open_are_closed_at_the_next_start() {
    let mut network = used();
    let home = network.home(0);
    for name in FILES {
        chmod(&home.join(name), 0o666);
    }
    chmod(&home, 0o755);
    network.start(0);
    network.node(0).ready();
    for name in FILES {
        assert_eq!(mode(&home.join(name)), 0o600, "{name}");
    }
    // Who may look at the names in it is its owner's choice.
    assert_eq!(mode(&home), 0o755);
    let log = network.node(0).log_text();
    assert!(
        log.contains(&format!(
            "{}, which has mode 0755: run chmod 700 on it",
            home.display()
        )),
        "{log}"
    );
}

#[test]
fn what_another_user_put_in_the_way_is_named_and_never_written_through() {
    if !is_root("what another user put in the way") {
        return;
    }
    let network = used();
    let home = network.home(0);
    let precious = network.dir.path().join("precious");
    for name in FILES {
        let path = home.join(name);
        let aside = network.dir.path().join("aside");
        fs::rename(&path, &aside).expect("it was there");
        let start = || finish(network.command(0));

        fs::write(&precious, "precious").expect("it is written");
        symlink(&precious, &path).expect("a link");
        start().assert_refused(2, &[name, "is a symbolic link", "move it away"]);
        assert_eq!(
            fs::read(&precious).expect("it is there"),
            b"precious",
            "{name}"
        );
        fs::remove_file(&path).expect("it was there");

        // A link that leads nowhere makes nothing there.
        symlink(network.dir.path().join("nothing"), &path).expect("a link");
        start().assert_refused(2, &[name, "is a symbolic link", "move it away"]);
        assert!(!network.dir.path().join("nothing").exists(), "{name}");
        fs::remove_file(&path).expect("it was there");

        fs::write(&path, "").expect("it is written");
        let owner = OTHER.parse().ok();
        std::os::unix::fs::chown(&path, owner, owner).expect("chown");
        start().assert_refused(2, &[name, "belongs to another user", OTHER, "move it away"]);
        fs::remove_file(&path).expect("it was there");

        fifo(&path);
        start().assert_refused(2, &[name, "is a FIFO", "move it away"]);
        fs::remove_file(&path).expect("it was there");
        fs::rename(&aside, &path).expect("it was there");
    }
}

/// A core dump holds the seed, and some systems hand dumps to a service of theirs.
#[test]
fn a_process_with_a_key_leaves_no_core_and_shows_its_figures() {
    if !is_root("a process with a key") {
        return;
    }
    let mut network = Network::new(1, &[FAST]);
    // Its owner is nobody; where the program lies, nobody may not look.
    let program = network.dir.path().join("lockstep");
    // By a process of its own: what another thread starts meanwhile would hold the copy open for
    // writing, and a file that is written cannot be run.
    let copied = Command::new("cp").arg(binary()).arg(&program).status();
    assert!(copied.expect("cp runs").success());
    let owner = OTHER.parse().ok();
    for path in all_below(&network.dir.path().join("net")) {
        std::os::unix::fs::chown(&path, owner, owner).expect("chown");
    }
    let as_started = network.command(0);
    let arguments: Vec<&str> = as_started.get_args().filter_map(|a| a.to_str()).collect();
    let command = other(
        "sh",
        &[
            "-c",
            "ulimit -c unlimited; exec \"$0\" \"$@\"",
            text(&program),
        ],
    );
    let mut command = command;
    command.args(arguments);
    network.start_as(0, command);
    network.wait_for(&[0], 2);
    let pid = network.node(0).child.0.id();
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).expect("procfs");
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let core: Vec<&str> = core.expect("a line").split_whitespace().skip(4).collect();
    assert_eq!(core[..2], ["0", "0"]);
    // Nobody but root looks into it: not into its memory, and not by a debugger.
    let memory = fs::metadata(format!("/proc/{pid}/mem")).expect("procfs");
    assert_eq!(memory.uid(), 0);
    let metrics = get(&network.urls[0], "/metrics");
    assert_eq!(metrics.status, 200);
    eventually("it goes on", || (network.height(0) > Some(4)).then_some(()));

    // A pipe is found by its number in /proc/self, which is root's then.
    let keys = network.dir.path().join("keys");
    fs::create_dir(&keys).expect("a directory");
    std::os::unix::fs::chown(&keys, owner, owner).expect("chown");
    let shell = "echo word | \"$0\" keys new a --keys \"$1\" --password-file /dev/stdin";
    finish(other("bash", &["-c", shell, text(&program), text(&keys)])).ok();
}
