//! What a node's log tells a person at info, as processes.
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use support::process::{Network, lockstep, run};

const PATIENCE: Duration = Duration::from_secs(60);

fn log_of(network: &mut Network, index: usize) -> String {
    network.node(index).log_text()
}

/// Waits for a line of node `index` that has all these words.
fn wait_for_line(network: &mut Network, index: usize, words: &[&str]) -> String {
    let until = Instant::now() + PATIENCE;
    loop {
        let log = log_of(network, index);
        let mut lines = log.lines();
        if let Some(line) = lines.find(|line| words.iter().all(|word| line.contains(word))) {
            return line.to_owned();
        }
        assert!(Instant::now() < until, "no line with {words:?}:\n{log}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn count(log: &str, words: &str) -> usize {
    log.lines().filter(|line| line.contains(words)).count()
}

/// Two of four dead, and the log said nothing.
#[test]
fn a_chain_that_stands_names_whom_it_waits_for_and_says_when_it_goes_again() {
    let mut network = Network::running(4, &["log=info", "block_interval_ms=200"]);
    // Longer than between two looks.
    network.wait_for(&[0, 1, 2, 3], 15);
    network.kill(2);
    network.kill(3);
    let dead = [2, 3].map(|index| network.addresses[index].to_string());
    for index in [0, 1] {
        let line = wait_for_line(&mut network, index, &["no block for", &dead[0], &dead[1]]);
        assert!(line.contains(" WARN "), "{line}");
        for who in &dead {
            wait_for_line(&mut network, index, &["peers lost", who]);
        }
    }
    network.start(2);
    wait_for_line(&mut network, 0, &["going again after"]);
    wait_for_line(&mut network, 0, &["is back after", &dead[0]]);
    let log = log_of(&mut network, 0);
    assert_eq!(count(&log, "no block for"), 1, "{log}");
    assert!(count(&log, "peers lost") <= 2, "{log}");
    assert_eq!(count(&log, "failed: "), count(&log, "peers lost"), "{log}");
}

/// What begins, goes on and ends is an object with the same members, in every line.
#[test]
fn each_line_of_a_log_for_programs_is_an_object() {
    let settings = ["log=info", "log_format=json", "block_interval_ms=100"];
    let mut network = Network::running(1, &settings);
    network.wait_for(&[0], 3);
    let mut second = network.command(0);
    let refused = second.output().expect("it ends");
    assert!(!refused.status.success());
    network.node(0).child.signal("-TERM");
    network.node(0).child.wait("it ends");
    let log = log_of(&mut network, 0);
    let said = String::from_utf8(refused.stderr).expect("text");
    assert!(said.contains("\"level\":\"ERROR\""), "{said}");
    for line in log.lines().chain(said.lines()) {
        let object: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        for name in ["time", "level", "target", "message"] {
            assert!(object[name].is_string(), "{name}: {line}");
        }
    }
    assert!(log.contains("the node ended"), "{log}");
}

/// The ways that bytes come into a log: as they are, as hex, as a list.
fn spellings(secret: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let list = |byte: &u8| byte.to_string();
    let list: Vec<String> = secret.iter().map(list).collect();
    let upper = hex.to_uppercase().into_bytes();
    vec![
        secret.to_vec(),
        hex.into_bytes(),
        upper,
        list.join(", ").into_bytes(),
        list.join(",").into_bytes(),
    ]
}

/// A part of a key is searched for, because a line may cut it short.
const PART: usize = 6;

fn holds(log: &[u8], secret: &[u8]) -> bool {
    let parts = secret.windows(PART).flat_map(spellings);
    let mut parts = parts.filter(|part| part.len() >= 2 * PART || part.len() == PART);
    parts.any(|part| log.windows(part.len()).any(|there| there == part))
}

#[test]
fn nothing_secret_is_in_the_log_at_any_level() {
    let secret = [7, 99, 250, 0, 31, 128, 64, 5];
    for way in spellings(&secret[1..7]) {
        assert!(
            holds(&[b"key ", &way[..], b" of"].concat(), &secret),
            "blind for {way:?}"
        );
    }
    let mut network = Network::running(2, &["log=trace", "block_interval_ms=100"]);
    network.wait_for(&[0, 1], 1);
    let mut payer = network.payer(0);
    let sent = support::post(&network.urls[0], "/transactions", &payer.next_transfer());
    assert_eq!(sent.status, 202, "{}", sent.text());
    network.wait_for(&[0, 1], 5);
    let keys = ["node0/validator.key", "node1/validator.key", "account0.key"];
    let keys = keys.map(|name| network.key(name).1);
    let log = log_of(&mut network, 0).into_bytes();
    assert!(
        log.windows(7).any(|there| there == b" TRACE "),
        "a log at trace"
    );
    for key in keys {
        assert!(!holds(&log, &key), "a key stands in the log");
    }
    let password = "do not show me anywhere";
    let home = network.home(0).join("keys");
    let mut command = lockstep(&["keys", "new", "a", "--keys", home.to_str().expect("text")]);
    command
        .env("LOCKSTEP_PASSWORD", password)
        .env("RUST_LOG", "trace");
    let ended = command.output().expect("it ends");
    let said = [ended.stdout, ended.stderr].concat();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&said));
    assert!(!String::from_utf8_lossy(&said).contains(password));
}

/// Several nodes write into one stderr.
#[test]
fn each_line_of_a_devnets_log_says_of_which_node_it_is() {
    let devnet = [
        "devnet",
        "--validators",
        "2",
        "--blocks",
        "3",
        "--rpc-port",
        "0",
    ];
    let ended = run(&[&devnet[..], &["--block-time", "0", "--log", "info"]].concat()).ok();
    let of_nodes = |line: &&str| line.contains(" lockstep_actors");
    let lines: Vec<&str> = ended.stderr.lines().filter(of_nodes).collect();
    let named = |line: &&str| {
        let (_, words) = line
            .split_once("] node 0x")
            .unwrap_or_else(|| panic!("{line}"));
        words.split_once(": ").expect("a name").0.to_owned()
    };
    let names: BTreeSet<String> = lines.iter().map(named).collect();
    assert_eq!(names.len(), 2, "{}", ended.stderr);
}
