//! A node that ends by itself is noticed at once by whoever waits for it, with its reason and the
//! exit code of that reason.
use lockstep_actors::runtime::EndReason;
use lockstep_devnet::{Devnet, DevnetError};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use support::{PATIENCE, eventually, get};

#[test]
fn whoever_waits_for_a_node_hears_at_once_that_it_has_ended_and_why() {
    let devnet = Devnet::builder().manual(true).boot().expect("it boots");
    devnet.tick().expect("a block comes");
    let began = Instant::now();
    let waited = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| devnet.wait_for(1_000, PATIENCE * 10));
        std::thread::sleep(Duration::from_millis(50));
        assert!(devnet.inject_panic(2, "StateStore"));
        waiting.join().expect("it ends")
    });
    let Err(DevnetError::Ended { index: 2, reason }) = &waited else {
        panic!("another end: {waited:?}")
    };
    assert!(matches!(reason, EndReason::KernelFell { .. }), "{reason}");
    assert!(
        began.elapsed() < PATIENCE,
        "at once, not when patience ends"
    );
    let error = waited.expect_err("as above");
    assert_eq!(error.exit_code(), 1);
    let line = error.to_string();
    assert!(
        line.contains("node 2") && line.contains("StateStore"),
        "{line}"
    );
    assert!(matches!(
        devnet.check_running(),
        Err(DevnetError::Ended { index: 2, .. })
    ));
    devnet.kill(2);
    devnet
        .check_running()
        .expect("a killed node has not ended by itself");
}

/// A started devnet. Dropped, it is killed.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Errors say that it has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Flips a bit in every place of the file where these bytes stand.
fn rot(file: &Path, bytes: &[u8]) {
    let whole = std::fs::read(file).expect("it is there");
    let disk = std::fs::OpenOptions::new().write(true).open(file);
    let disk = disk.expect("a file");
    let places = whole.windows(bytes.len()).enumerate();
    let places: Vec<usize> = places
        .filter_map(|(at, part)| (part == bytes).then_some(at))
        .collect();
    assert!(!places.is_empty(), "the bytes stand somewhere");
    for at in places {
        disk.write_at(&[whole[at] ^ 4], at as u64)
            .expect("a bit flips");
    }
}

fn signal(child: &std::process::Child, name: &str) {
    let pid = child.id().to_string();
    let sent = Command::new("kill").args([name, &pid]).status();
    assert!(sent.expect("kill runs").success());
}

#[test]
fn a_devnet_of_which_a_node_ends_names_it_and_exits_with_the_code_of_its_reason() {
    let home = tempfile::tempdir().expect("a directory");
    let mut command = Command::new(support::process::binary());
    command.args(["devnet", "--block-time", "50ms", "--blocks", "100000"]);
    command
        .arg("--home")
        .arg(home.path())
        .env_remove("RUST_LOG");
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut devnet = Running(child.expect("it starts"));
    let lines = BufReader::new(devnet.0.stdout.take().expect("a pipe")).lines();
    let mut lines = lines.map_while(Result::ok);
    let of_node_1 = lines.find(|line| line.trim().starts_with("node 1 "));
    let of_node_1 = of_node_1.expect("a line of the banner");
    let url = of_node_1
        .split_whitespace()
        .nth(3)
        .expect("a url")
        .to_owned();
    let third = lines.find(|line| line.trim().starts_with("3 "));
    assert!(third.is_some(), "blocks come");
    // Whoever prints must go on being read.
    std::thread::spawn(move || lines.for_each(drop));

    let parent = get(&url, "/blocks/2").json()["header"]["previous_block"].clone();
    let parent = support::chain::unhex(parent.as_str().expect("a hash"));
    // It stands still meanwhile: a page that it reuses between reading and writing is another one.
    signal(&devnet.0, "-STOP");
    rot(&home.path().join("node1/data.mdb"), &parent);
    signal(&devnet.0, "-CONT");
    // Whoever reads it first ends the node: this answer may no longer get out.
    if let Ok(answer) = support::try_get(&url, "/blocks/2") {
        assert_eq!(answer.status, 500);
    }
    let status = eventually("the command ends", || devnet.0.try_wait().expect("ours"));
    let mut said = String::new();
    let stderr = devnet.0.stderr.as_mut().expect("a pipe");
    stderr.read_to_string(&mut said).expect("text");
    assert_eq!(status.code(), Some(3), "{said}");
    let last = said.lines().last().expect("a line");
    assert!(last.contains("node 1 has ended"), "{said}");
    assert!(last.contains("data.mdb"), "{said}");
}
