//! `lockstep simulate` as a user meets it.
use serde_json::Value;
use std::process::{Command, Output};

fn simulate(arguments: &[&str]) -> Output {
    let mut command = Command::new(support::process::binary());
    command.arg("simulate").args(arguments);
    command.output().expect("the binary starts")
}

fn json(arguments: &[&str]) -> Value {
    let output = simulate(&[arguments, &["--json"]].concat());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

#[test]
fn the_json_object_has_the_promised_keys_and_no_violations() {
    let report = json(&["--seeds", "5", "--profile", "all"]);
    for key in [
        "seeds",
        "events",
        "heights",
        "faults",
        "violations",
        "events_per_second",
        "trace_hash",
        "failing_seeds",
    ] {
        assert!(report.get(key).is_some(), "no {key} in {report}");
    }
    assert_eq!(report["seeds"], 5);
    assert_eq!(report["violations"], 0);
    assert_eq!(report["failing_seeds"], serde_json::json!([]));
}

#[test]
fn the_trace_hash_depends_on_the_seeds_and_not_on_the_threads() {
    let hash = |arguments: &[&str]| json(arguments)["trace_hash"].clone();
    let one = hash(&["--seeds", "6", "--threads", "1", "--profile", "flaky"]);
    let three = hash(&["--seeds", "6", "--threads", "3", "--profile", "flaky"]);
    let others = hash(&["--seeds", "6", "--start", "1", "--profile", "flaky"]);
    assert_eq!(one, three);
    assert_ne!(one, others);
}

#[test]
fn a_world_with_a_violation_ends_with_exit_code_4_and_the_command_that_replays_it() {
    let flags = ["--profile", "canary", "--seeds", "4", "--nodes", "4"];
    let output = simulate(&flags);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{stderr}");
    let command = stderr
        .lines()
        .find_map(|line| line.trim().strip_prefix("lockstep simulate "))
        .expect("a command");
    let arguments: Vec<&str> = command.split(' ').collect();
    let replayed = simulate(&arguments);
    let stdout = String::from_utf8_lossy(&replayed.stdout);
    assert_eq!(replayed.status.code(), Some(4), "{stdout}");
    assert!(stdout.contains("VIOLATION of agreement"), "{stdout}");
    assert!(stdout.contains("PRECOMMIT 1/"), "{stdout}");
}

#[test]
fn flags_that_make_no_sense_are_usage_errors_that_say_what_to_do() {
    for (flags, expected) in [
        (&["--profile", "falky"][..], "flaky, partition, byzantine"),
        (&["--seeds", "0"], "at least 1"),
        (&["--nodes", "0"], "1 to 128"),
        (&["--nodes", "129"], "1 to 128"),
        (&["--threads", "0"], "1..=256"),
        (&["--seeds", "all", "--profile", "flaky"], "--profile twins"),
        (&["--trace", "--seeds", "2"], "--seeds 1"),
        (&["--start", "18446744073709551615"], "smaller --start"),
        (
            &["--seeds", "all", "--profile", "twins", "--nodes", "7"],
            "leave it out",
        ),
    ] {
        let output = simulate(flags);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{flags:?}: {stderr}");
        assert!(stderr.contains(expected), "{flags:?}: {stderr}");
    }
}
