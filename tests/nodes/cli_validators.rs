//! `lockstep validators`: what it says of a network, one of whose nodes was killed.
use serde_json::Value;
use support::get;
use support::process::{Network, run};

fn rows(page: &Value) -> Vec<Value> {
    page["validators"].as_array().expect("a list").clone()
}

fn sum(rows: &[Value], name: &str) -> u64 {
    rows.iter()
        .map(|row| row[name].as_u64().expect("a number"))
        .sum()
}

#[test]
fn it_shows_who_is_away_since_when_and_whose_turns_brought_no_block() {
    let mut network = Network::running(4, &["block_interval_ms=200"]);
    network.wait_for(&[0, 1, 2, 3], 8);
    let asks = ["validators", "--rpc", &network.urls[0].clone()];
    network.kill(3);
    // Four heights in a row have a first round of each.
    let height = network.highest(&[0, 1, 2]);
    network.wait_for(&[0, 1, 2], height + 6);
    let shown = run(&[&asks[..], &["--json"]].concat()).ok();
    let page: Value = serde_json::from_str(&shown.stdout).expect("one object");
    let rows = rows(&page);
    let of = |index: usize| {
        let address = network.addresses[index].to_string();
        let row = rows.iter().find(|row| row["address"] == address.as_str());
        row.expect("a row").clone()
    };
    assert_eq!(of(0)["link"]["state"], "asked");
    for index in [1, 2] {
        assert_eq!(of(index)["link"]["state"], "up");
    }
    let dead = of(3);
    assert_eq!(dead["link"]["state"], "away", "{dead}");
    assert!(dead["link"]["away_ms"].as_u64() > Some(0), "{dead}");
    assert!(dead["failed_turns"].as_u64() >= Some(1), "{dead}");
    assert_turns_are_those_of_the_blocks(&network.urls[0], &page);
    let blocks = page["recent"]["blocks"].as_u64().expect("a number");
    // Three of four are a quorum, and no certificate holds more.
    assert_eq!(sum(&rows, "certificates"), 3 * blocks);
    let text = run(&asks).ok().stdout;
    assert!(text.contains("away for "), "{text}");
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

/// On a busy machine the turn of a living one fails too, so the blocks themselves are counted.
fn assert_turns_are_those_of_the_blocks(url: &str, page: &Value) {
    let rows = rows(page);
    let end = |name: &str| page["recent"][name].as_u64().expect("a height");
    let heights = end("from_height")..=end("to_height");
    let blocks: Vec<Value> = heights
        .map(|height| get(url, &format!("/blocks/{height}")).json())
        .collect();
    for row in &rows {
        let made = blocks
            .iter()
            .filter(|block| block["header"]["proposer"] == row["address"]);
        let of = |name: &str| row[name].as_u64().expect("a number");
        let taken = of("turns") - of("failed_turns");
        assert_eq!(taken, made.count() as u64, "{row}");
    }
    let rounds = blocks.iter().map(|block| block["commit"]["round"].as_u64());
    assert_eq!(Some(sum(&rows, "failed_turns")), rounds.sum());
}

/// Whatever fails, and however early.
#[test]
fn a_command_that_fails_prints_an_object_for_programs() {
    let nobody = ["--json", "--rpc", "http://127.0.0.1:1"];
    for (words, code) in [
        (&["validators"][..], 1),
        (&["status"], 1),
        (&["block", "7"], 1),
        (&["account", "alice"], 1),
        (&["block", "none"], 2),
        (&["status", "--no-such-flag"], 2),
    ] {
        let ended = run(&[words, &nobody[..]].concat());
        assert_eq!(ended.code, Some(code), "{words:?}: {}", ended.stderr);
        let said: Value = serde_json::from_str(&ended.stdout).expect("one object");
        assert_eq!(
            (&said["ok"], &said["exit_code"]),
            (&false.into(), &code.into())
        );
        let error = said["error"].as_str().expect("a sentence");
        assert!(error.len() > 10 && ended.stderr.contains(error), "{error}");
    }
}
