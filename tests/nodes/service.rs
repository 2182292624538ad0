//! A node under a service manager, which is a socket here: what it is told, in which order, and that a
//! stuck thread falls silent. The unit that is shipped is what its own tool calls right.
use std::ffi::OsStr;
use std::io::Read;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::process::{Guarded, Network};
use support::{PATIENCE, eventually};

/// What systemd is to a service.
struct Manager(UnixDatagram);

impl Manager {
    fn at(place: &Path) -> Manager {
        Manager(UnixDatagram::bind(place).expect("a socket"))
    }

    /// What comes next within this time.
    fn within(&self, time: Duration) -> Option<String> {
        self.0.set_read_timeout(Some(time)).expect("a timeout");
        let mut bytes = [0; 4096];
        let length = self.0.recv(&mut bytes).ok()?;
        Some(
            std::str::from_utf8(&bytes[..length])
                .expect("text")
                .to_owned(),
        )
    }

    /// What comes next beside signs of life.
    fn next(&self) -> String {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            match self.within(PATIENCE) {
                Some(told) if told == "WATCHDOG=1" => {}
                told => return told.expect("it is told something"),
            }
        }
        panic!("nothing but signs of life for {PATIENCE:?}");
    }

    /// The next that is no mere status.
    fn next_event(&self) -> String {
        loop {
            let told = self.next();
            if !told.starts_with("STATUS=") {
                return told;
            }
        }
    }

    /// All that has come already is forgotten.
    fn forget(&self) {
        while self.within(Duration::from_millis(1)).is_some() {}
    }

    fn hears_of_life(&self) {
        let told = || self.within(PATIENCE).expect("it lives");
        while told() != "WATCHDOG=1" {}
    }
}

/// As systemd starts node `index`, with this much patience.
fn service(network: &Network, index: usize, socket: &OsStr, patience: Duration) -> Command {
    let mut command = network.command(index);
    let us = patience.as_micros().to_string();
    command
        .env("NOTIFY_SOCKET", socket)
        .env("WATCHDOG_USEC", us);
    command
}

#[test]
fn a_service_manager_is_told_when_a_node_votes_reads_its_settings_again_and_stops() {
    let mut network = Network::new(2, &["block_interval_ms=50", "arrival_wait_ms=1000"]);
    let place = network.dir.path().join("notify");
    let manager = Manager::at(&place);
    let command = service(&network, 0, place.as_os_str(), Duration::from_millis(400));
    network.start_as(0, command);
    network.node(0).ready();
    // One of two: it does not vote before the other is heard.
    let words = "STATUS=height 0, asks the others how far they are, 0 of 1 peers reachable";
    // The first may come before it knows its peers.
    eventually(words, || (manager.next() == words).then_some(()));
    manager.hears_of_life();
    network.node(0).child.signal("-HUP");
    let told = manager.within(Duration::from_millis(100));
    assert!(told.is_none_or(|told| told == "WATCHDOG=1"));
    network.start(1);
    let (mut is_ready, mut votes) = (false, false);
    while !(is_ready && votes) {
        let told = manager.next();
        is_ready |= told == "READY=1";
        votes |= told.ends_with(", votes, 1 of 1 peers reachable");
        assert!(told.starts_with("STATUS=") || told == "READY=1", "{told}");
    }

    network.node(0).child.signal("-HUP");
    let reloading = manager.next_event();
    let at = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=");
    let at: u64 = at.expect("when").parse().expect("a number");
    let uptime = std::fs::read_to_string("/proc/uptime").expect("procfs");
    let uptime: f64 = uptime
        .split(' ')
        .next()
        .expect("seconds")
        .parse()
        .expect("a number");
    let ago = uptime - at as f64 / 1e6;
    assert!((-1.0..60.0).contains(&ago), "{ago} s ago");
    assert_eq!(manager.next_event(), "READY=1");
    manager.hears_of_life();

    network.node(0).child.signal("-TERM");
    assert_eq!(manager.next_event(), "STOPPING=1");
    assert_eq!(network.node(0).child.wait("it ends").code(), Some(0));
}

/// Its log is a pipe that nobody reads: the node's thread waits there, and says no more that it lives.
#[test]
fn a_node_whose_thread_is_stuck_gives_no_sign_of_life() {
    const PATIENCE_OF_MANAGER: Duration = Duration::from_millis(200);
    let network = Network::new(1, &["block_interval_ms=0", "log=trace"]);
    // A name that is in no directory.
    let name = format!("lockstep-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).expect("a name");
    let manager = Manager(UnixDatagram::bind_addr(&address).expect("a socket"));
    let socket = format!("@{name}");
    let mut command = service(&network, 0, socket.as_ref(), PATIENCE_OF_MANAGER);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = Guarded(command.spawn().expect("it starts"));
    let mut log = child.0.stderr.take().expect("a pipe");
    manager.hears_of_life();
    eventually("it falls silent", || {
        manager.forget();
        let silence = PATIENCE_OF_MANAGER * 5;
        manager
            .within(silence)
            .is_none_or(|told| told != "WATCHDOG=1")
            .then_some(())
    });
    assert!(
        child.0.try_wait().expect("a child of ours").is_none(),
        "it runs"
    );
    // Somebody reads: it lives.
    let reader = std::thread::spawn(move || {
        let mut bytes = vec![0; 1 << 16];
        while log.read(&mut bytes).is_ok_and(|length| length > 0) {}
    });
    manager.hears_of_life();
    manager.hears_of_life();
    child.signal("-TERM");
    assert_eq!(child.wait("it ends").code(), Some(0));
    reader.join().expect("it ends with the log");
}

/// A manager that does not read, and one that is not there, hold up nobody.
#[test]
fn a_service_manager_that_does_not_read_or_is_not_there_holds_up_no_node() {
    let mut network = Network::new(2, &["block_interval_ms=20"]);
    let place = network.dir.path().join("notify");
    let _unread = Manager::at(&place);
    let patience = Duration::from_millis(2);
    let command = service(&network, 0, place.as_os_str(), patience);
    network.start_as(0, command);
    let nowhere = network.dir.path().join("nobody");
    let command = service(&network, 1, nowhere.as_os_str(), patience);
    network.start_as(1, command);
    network.wait_for(&[0, 1], 30);
    for index in [0, 1] {
        let node = network.node(index);
        node.child.signal("-TERM");
        assert_eq!(node.child.wait("it ends").code(), Some(0));
    }
}

#[test]
fn the_unit_that_is_shipped_is_right() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dir = tempfile::tempdir().expect("a directory");
    // The tool wants the program to be there.
    let unit = std::fs::read_to_string(root.join("deploy/systemd/lockstep@.service"));
    let unit = unit.expect("the unit").replace(
        "/usr/local/bin/lockstep",
        support::process::text(&support::process::binary()),
    );
    let file = dir.path().join("lockstep@one.service");
    std::fs::write(&file, unit).expect("it is written");
    let tool = |arguments: &[&str]| {
        let file = support::process::text(&file);
        Command::new("systemd-analyze")
            .args(arguments)
            .arg(file)
            .output()
    };
    let Ok(verified) = tool(&["verify", "--man=no"]) else {
        println!("SKIPPED: systemd-analyze is not installed");
        return;
    };
    let said = String::from_utf8_lossy(&verified.stderr);
    let ours: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("lockstep"))
        .collect();
    assert!(verified.status.success() && ours.is_empty(), "{said}");
    let security = tool(&["security", "--offline=true", "--no-pager"]).expect("it runs");
    let table = String::from_utf8_lossy(&security.stdout);
    println!("{table}");
    let rated = table.lines().last().expect("the sum");
    assert!(rated.contains("OK"), "{rated}");
}
