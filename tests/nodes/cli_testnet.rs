//! `lockstep testnet --start`: a network in one command.
use std::path::Path;
use std::process::Command;
use support::process::{Ports, Process, lockstep};
use support::{eventually, get, try_get};

fn started(output: &str, base: u16, log: &Path) -> Process {
    let base = base.to_string();
    let arguments = [
        "testnet",
        "--validators",
        "4",
        "--output",
        output,
        "--base-port",
        &base,
        "--start",
    ];
    let command: Command = lockstep(&arguments);
    let running = Process::start(command, log.to_path_buf());
    while !running.line().contains("All run") {}
    running
}

/// Waits for a block at least so high.
fn height(url: &str, least: u64) -> u64 {
    eventually("a block", || {
        let status = try_get(url, "/status").ok()?.json();
        status["height"].as_u64().filter(|height| *height >= least)
    })
}

#[test]
fn a_network_starts_stops_and_goes_on_by_one_command() {
    let dir = tempfile::tempdir().expect("a directory");
    let ports = Ports::claim();
    let output = dir.path().join("net");
    let output = output.to_str().expect("text");
    let log = dir.path().join("log");
    let url = format!("http://127.0.0.1:{}", ports.base);

    let mut running = started(output, ports.base, &log);
    let before = height(&url, 2);
    running.child.signal("-INT");
    assert_eq!(running.child.wait("it ends").code(), Some(0));
    for node in 0..4 {
        let url = format!("http://127.0.0.1:{}", ports.base + node);
        assert!(try_get(&url, "/livez").is_err(), "node {node} runs on");
        let log = std::fs::read_to_string(format!("{output}/node{node}.log"));
        assert!(log.expect("a log").contains("the node ended: "));
    }

    let mut running = started(output, ports.base, &log);
    assert!(height(&url, before) >= before, "it goes on");
    let genesis = get(&url, "/blocks/1").json()["id"].clone();
    assert!(genesis.is_string());
    running.child.signal("-TERM");
    assert_eq!(running.child.wait("it ends").code(), Some(0));
}

/// Whoever cannot start takes the others along.
#[test]
fn a_network_whose_node_cannot_start_says_which_and_leaves_nobody() {
    let dir = tempfile::tempdir().expect("a directory");
    let ports = Ports::claim();
    let output = dir.path().join("net");
    let output = output.to_str().expect("text");
    let base = ports.base.to_string();
    let make = ["testnet", "--output", output, "--base-port", &base];
    support::process::run(&make).ok();
    std::fs::remove_file(format!("{output}/node2/validator.key")).expect("it was there");
    let ended = support::process::run(&[&make[..], &["--start"]].concat());
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let line = ended.stderr.lines().last().expect("a line");
    for word in ["node 2 did not start", "node2.log"] {
        assert!(line.contains(word), "{line}");
    }
    for node in 0..4 {
        let url = format!("http://127.0.0.1:{}", ports.base + node);
        assert!(try_get(&url, "/livez").is_err(), "node {node} runs on");
    }
}
