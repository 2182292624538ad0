//! A key as container platforms hand it over: of root, for a group of the node's user, on a mount that
//! nobody writes to. Needs root and a mount namespace, and says so where there is none.
use crate::local_users::{FAST, OTHER, all_below, chmod, is_root};
use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::get;
use support::process::{Network, binary, finish, hear_nothing, text};

/// The record beside a key.
const RECORD: &str = "validator.key.guard";

/// One validator, another user's, whose key lies in `secrets`.
struct World {
    network: Network,
    program: PathBuf,
    secrets: PathBuf,
    /// Where the record of the key was moved to.
    records: PathBuf,
}

impl World {
    /// `None` where this test cannot be run.
    fn new() -> Option<World> {
        if !is_root("a key on a read-only mount") {
            return None;
        }
        let unshared = Command::new("unshare").args(["-m", "true"]).status();
        if !unshared.is_ok_and(|done| done.success()) {
            println!("SKIPPED: a read-only mount takes a mount namespace, and unshare -m fails");
            return None;
        }
        let network = Network::new(1, &[FAST]);
        let dir = network.dir.path().to_owned();
        let home = network.home(0);
        let (secrets, records) = (dir.join("secrets"), dir.join("records"));
        let program = dir.join("lockstep");
        let copied = Command::new("cp").arg(binary()).arg(&program).status();
        assert!(copied.expect("cp runs").success());
        for (new, name) in [(&secrets, "validator.key"), (&records, RECORD)] {
            fs::create_dir(new).expect("a directory");
            fs::rename(home.join(name), new.join(name)).expect("it was there");
        }
        let owner = OTHER.parse().ok();
        for path in [all_below(&dir.join("net")), all_below(&records)].concat() {
            chown(path, owner, owner).expect("chown");
        }
        chmod(&dir, 0o755);
        let key = secrets.join("validator.key");
        chown(&key, Some(0), owner).expect("chown");
        chmod(&key, 0o440);
        Some(World {
            network,
            program,
            secrets,
            records,
        })
    }

    /// What starts the node, with the record of its key in this directory, or beside the key.
    fn command(&self, record_in: Option<&Path>) -> Command {
        const SCRIPT: &str = "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\" && \
                              shift && exec setpriv --reuid=\"$1\" --regid=\"$1\" --clear-groups \
                              \"${@:2}\"";
        let mut command = Command::new("unshare");
        command.args(["-m", "bash", "-c", SCRIPT, "bash", text(&self.secrets)]);
        command.args([OTHER, text(&self.program)]);
        command.args(self.network.command(0).get_args());
        command.arg(format!(
            "--set=key={}/validator.key",
            self.secrets.display()
        ));
        if let Some(dir) = record_in {
            command.args(["--guard-dir", text(dir)]);
        }
        command.stdin(Stdio::null());
        hear_nothing(&mut command);
        command
    }

    fn start(&mut self, record_in: &Path) {
        let command = self.command(Some(record_in));
        self.network.start_as(0, command);
        self.network.node(0).ready();
    }
}

/// The node did not start: it wanted mode 0600, and a place beside the key.
#[test]
fn a_key_of_the_own_group_on_a_read_only_mount_signs_with_its_record_elsewhere() {
    let Some(mut world) = World::new() else {
        return;
    };
    let refused = finish(world.command(None));
    refused.assert_refused(2, &[RECORD, "Read-only file system", "guard_dir"]);
    // A disk that is not there is not made up for.
    let nowhere = world.network.dir.path().join("nowhere");
    let refused = finish(world.command(Some(&nowhere)));
    refused.assert_refused(2, &["nowhere", RECORD, "guard_dir"]);

    let records = world.records.clone();
    for more in [2, 4] {
        world.start(&records);
        world.network.wait_for(&[0], more);
        // The same key at the same time, wherever its record and its data are.
        for place in [&records, &nowhere] {
            let mut second = world.command(Some(place));
            second.args(["--set=data=other", "--rpc-listen=off"]);
            second.arg("--peer-listen=127.0.0.1:0");
            finish(second).assert_refused(4, &["in use", "stop that node"]);
        }
        world.network.kill(0);
    }
}

/// What a key has signed is not forgotten where nobody knows it.
#[test]
fn a_directory_without_the_record_is_one_where_it_was_lost_and_two_records_are_refused() {
    let Some(mut world) = World::new() else {
        return;
    };
    let records = world.records.clone();
    world.start(&records);
    world.network.wait_for(&[0], 2);
    world.network.kill(0);
    let copy = world.secrets.join(RECORD);
    fs::copy(records.join(RECORD), &copy).expect("a copy");
    let refused = finish(world.command(Some(&records)));
    refused.assert_refused(4, &["two records", text(&records), text(&world.secrets)]);
    fs::remove_file(copy).expect("it was there");

    let empty = world.network.dir.path().join("empty");
    fs::create_dir(&empty).expect("a directory");
    let owner = OTHER.parse().ok();
    chown(&empty, owner, owner).expect("chown");
    world.start(&empty);
    let status = get(&world.network.urls[0], "/status").json();
    let observing = status["observing"].as_str().expect("it observes");
    assert!(
        observing.contains("is gone") && observing.contains("lockstep arm"),
        "{observing}"
    );
}
