//! Who tells whom: the drawing in ARCHITECTURE.md is what the nodes do, and what was told is what was
//! handled.
use lockstep_devnet::Devnet;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use support::{eventually, page};

fn manual(validators: usize, ticks: usize) -> Devnet {
    let builder = Devnet::builder().validators(validators).manual(true);
    let devnet = builder.boot().expect("it boots");
    (0..ticks).for_each(|_| drop(devnet.tick().expect("a block")));
    devnet
}

/// The rows of a node's page of actors, once it has come to rest.
fn at_rest(url: &str) -> Vec<Value> {
    let mut before = Value::Null;
    eventually("the node is at rest", || {
        let rows = page(url, "/actors").json();
        let counts = |row: &Value| {
            (
                row["messages"].clone(),
                row["edges"].clone(),
                row["depth"].clone(),
            )
        };
        let counts: Vec<_> = rows.as_array()?.iter().map(counts).collect();
        let now = json!(counts);
        let is_same = before == now;
        before = now;
        is_same.then(|| rows.as_array().cloned())?
    })
}

#[test]
fn the_arrows_of_the_drawing_are_there_and_what_was_told_is_what_was_handled() {
    let devnet = manual(4, 8);
    let drawing = include_str!("../../ARCHITECTURE.md");
    let rows = at_rest(&devnet.urls()[0]);
    let edges: Vec<&Value> = rows
        .iter()
        .flat_map(|row| row["edges"].as_array().expect("a list"))
        .collect();
    let told = |from: &str, to: &str| -> u64 {
        let these = edges.iter().filter(|e| e["from"] == from && e["to"] == to);
        these.map(|e| e["told"].as_u64().expect("a count")).sum()
    };
    let actors: Vec<&str> = rows
        .iter()
        .filter_map(|row| row["actor"].as_str())
        .collect();
    let mut arrows = 0;
    for line in drawing.lines().filter(|line| line.contains("-->|")) {
        let from = line.split_whitespace().next().expect("a name");
        let to = line.rsplit('|').next().expect("a name").trim();
        // People send no transactions here, and nobody is behind.
        let is_idle = line.contains("transactions")
            || line.contains("verified blocks")
            || line.contains("answers");
        if !is_idle && actors.contains(&from) && actors.contains(&to) {
            assert!(told(from, to) > 0, "{line}");
            arrows += 1;
        }
    }
    assert!(
        arrows >= 9,
        "{arrows} arrows of the drawing are between actors"
    );
    for row in &rows {
        let mut by_message: BTreeMap<&str, u64> = BTreeMap::new();
        for edge in row["edges"].as_array().expect("a list") {
            assert_eq!(edge["to"], row["actor"], "{edge}");
            let from = edge["from"].as_str().expect("a name");
            assert!(from == "outside" || actors.contains(&from), "{edge}");
            let message = edge["message"].as_str().expect("a name");
            *by_message.entry(message).or_default() += edge["told"].as_u64().expect("a count");
        }
        // Nothing waits and nobody has fallen: what was told is what was handled.
        assert_eq!(
            (&row["depth"], &row["panics"]),
            (&json!(0), &json!(0)),
            "{row}"
        );
        let handled = row["messages"].as_array().expect("a list").iter();
        let handled = handled.map(|m| {
            (
                m["message"].as_str().expect("a name"),
                m["handled"].as_u64().expect("a count"),
            )
        });
        assert_eq!(by_message, handled.collect(), "{}", row["actor"]);
    }
}
