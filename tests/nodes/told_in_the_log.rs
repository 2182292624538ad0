//! What a node's log tells a person at info, as processes.
use std::time::{Duration, Instant};
use support::process::Network;

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
