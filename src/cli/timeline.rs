//! `lockstep timeline`: what nodes did when at one height, side by side.
//!
//! Each node times itself from its own first note, and wall clocks differ. So the nodes are laid upon
//! each other where each had the proposal: its proposer when it sent it, the others when they received
//! it. How long it was on its way is not seen.
use super::node::{Node, named_nodes};
use crate::failure::Failure;
use crate::output::{say, say_json};
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Nodes in one table: so it fits 80 columns.
const NODES_ABREAST: usize = 4;
/// Rounds that are shown: of more, the first and the newest.
const ROUNDS_SHOWN: usize = 8;

/// The steps of a round in their order.
const STEPS: [&str; 22] = [
    "began",
    "round_began",
    "proposal_built",
    "proposal_signed",
    "proposal_durable",
    "proposal_sent",
    "proposal_received",
    "proposal_verified",
    "executed",
    "prevote_signed",
    "prevote_durable",
    "prevote_sent",
    "prevote_received",
    "polka",
    "precommit_signed",
    "precommit_durable",
    "precommit_sent",
    "precommit_received",
    "timeout",
    "decided",
    "stored",
    "caught_up",
];

/// `lockstep timeline`
#[derive(Args)]
pub(crate) struct Arguments {
    /// The height: one of the newest 256, or the one under way
    height: u64,
    /// Where a node answers people, once for each node that is to be seen [env: LOCKSTEP_RPC]
    /// [default: http://127.0.0.1:8545]
    #[arg(long, value_name = "URL")]
    rpc: Vec<String>,
    /// Print one JSON object: what each node answers, and by how much it was moved
    #[arg(long)]
    json: bool,
}

/// What a node says of a height.
#[derive(Debug, Deserialize)]
struct Timeline {
    validator: Option<String>,
    left_out: u64,
    entries: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    what: String,
    round: u32,
    at_us: i64,
}

/// A node, where it is to be seen.
struct Seen {
    url: String,
    page: Value,
    timeline: Timeline,
    /// When it had the proposal; `None`: it had none.
    anchor_us: Option<i64>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut seen = Vec::new();
    let mut failed = Vec::new();
    for node in named_nodes(&arguments.rpc)? {
        match ask(&node, arguments.height) {
            Ok((page, timeline)) => seen.push(Seen {
                url: node.url.to_string(),
                page,
                timeline,
                anchor_us: None,
            }),
            Err(failure) => failed.push((node.url.to_string(), failure)),
        }
    }
    if seen.is_empty() {
        let first = failed.into_iter().next();
        return Err(first.map_or_else(|| Failure::usage("name a node"), |(_, failure)| failure));
    }
    let round = anchor_round(&seen);
    for node in &mut seen {
        node.anchor_us = round.and_then(|round| node.timeline.anchor(round));
    }
    if arguments.json {
        return say_json(&as_json(arguments.height, round, &seen, &failed));
    }
    print(arguments.height, round, &seen, &failed)
}

fn ask(node: &Node, height: u64) -> Result<(Value, Timeline), Failure> {
    let page = node.json_in_time(&format!("/heights/{height}/timeline"))?;
    let timeline = Timeline::deserialize(&page).map_err(|_| node.strange())?;
    if page["height"] != height {
        return Err(node.strange());
    }
    Ok((page, timeline))
}

impl Timeline {
    /// When this node had the proposal of a round.
    fn anchor(&self, round: u32) -> Option<i64> {
        let mut entries = self.entries.iter().filter(|entry| entry.round == round);
        let had = entries.find(|entry| is_proposal(&entry.what));
        had.map(|entry| entry.at_us)
    }

    /// How often it did this in a round, and when for the first and for the last time.
    fn times(&self, round: u32, what: &str) -> Option<(usize, i64, i64)> {
        let entries = self.entries.iter();
        let these = entries.filter(|entry| entry.round == round && entry.what == what);
        let times: Vec<i64> = these.map(|entry| entry.at_us).collect();
        Some((times.len(), *times.first()?, *times.last()?))
    }
}

fn is_proposal(what: &str) -> bool {
    matches!(what, "proposal_sent" | "proposal_received")
}

/// The last round in which anybody had a proposal.
fn anchor_round(seen: &[Seen]) -> Option<u32> {
    let entries = seen.iter().flat_map(|node| &node.timeline.entries);
    let proposals = entries.filter(|entry| is_proposal(&entry.what));
    proposals.map(|entry| entry.round).max()
}

fn as_json(height: u64, round: Option<u32>, seen: &[Seen], failed: &[(String, Failure)]) -> Value {
    let nodes = seen
        .iter()
        .map(|node| json!({ "url": node.url, "anchor_us": node.anchor_us, "timeline": node.page }));
    let silent = failed
        .iter()
        .map(|(url, failure)| json!({ "url": url, "error": failure.message }));
    json!({
        "height": height,
        "aligned_at": "proposal_sent or proposal_received",
        "aligned_in_round": round,
        "nodes": nodes.collect::<Vec<_>>(),
        "without_answer": silent.collect::<Vec<_>>(),
    })
}

fn print(
    height: u64,
    round: Option<u32>,
    seen: &[Seen],
    failed: &[(String, Failure)],
) -> Result<(), Failure> {
    say!("Lockstep timeline of height {height}")?;
    for node in seen {
        say!("  {:<10}  {}", name(node), node.url)?;
    }
    for (url, failure) in failed {
        say!("  {url}: {}", failure.message)?;
    }
    let rounds: BTreeSet<u32> = seen.iter().flat_map(rounds_of).collect();
    let is_shown = shown(&rounds);
    for abreast in seen.chunks(NODES_ABREAST) {
        say!()?;
        say!("{}", columns("ms", abreast.iter().map(name)))?;
        for &at in is_shown.iter() {
            if rounds.len() > 1 {
                say!("  round {at}")?;
            }
            for line in lines(at, abreast) {
                say!("{line}")?;
            }
        }
    }
    say!()?;
    notes(round, rounds.len(), seen)
}

/// What must be known to read the table.
fn notes(round: Option<u32>, rounds: usize, seen: &[Seen]) -> Result<(), Failure> {
    match round {
        Some(round) => {
            say!(
                "  0 is when a node sent or received the proposal of round {round}: clocks of nodes"
            )?;
            say!("  differ, so they are aligned there; its way between them is not seen")?;
        }
        None => say!("  no node had a proposal: each is timed from its own first note")?,
    }
    if round.is_some() && seen.iter().any(|node| node.anchor_us.is_none()) {
        say!("  * had no proposal there: timed from its own first note, not aligned")?;
    }
    if rounds > ROUNDS_SHOWN {
        say!("  {rounds} rounds, of which the first and the newest are shown")?;
    }
    let left_out = seen.iter().map(|node| node.timeline.left_out);
    let left_out = left_out.fold(0, u64::saturating_add);
    if left_out > 0 {
        say!("  {left_out} notes had no room and are not shown")?;
    }
    say!("  n: time   so many, the last of them then")
}

fn rounds_of(node: &Seen) -> impl Iterator<Item = u32> + use<'_> {
    node.timeline.entries.iter().map(|entry| entry.round)
}

/// The first round, and the newest.
fn shown(rounds: &BTreeSet<u32>) -> Vec<u32> {
    let skipped = rounds.len().saturating_sub(ROUNDS_SHOWN);
    let rounds = rounds.iter().enumerate();
    let rounds = rounds.filter(|(place, _)| *place == 0 || *place > skipped);
    rounds.map(|(_, round)| *round).collect()
}

/// A validator's first digits; a mark if it is not aligned.
fn name(node: &Seen) -> String {
    let address = node.timeline.validator.as_deref().unwrap_or("-");
    let short: String = address.chars().take(10).collect();
    match node.anchor_us {
        Some(_) => short,
        None => short + "*",
    }
}

fn columns(label: &str, cells: impl Iterator<Item = String>) -> String {
    let cells = cells.map(|cell| format!("{cell:>14}"));
    let line = format!("  {label:<20}{}", cells.collect::<String>());
    line.trim_end().to_owned()
}

fn lines(round: u32, nodes: &[Seen]) -> Vec<String> {
    let steps = STEPS.iter().filter_map(|what| {
        let cell = |node: &Seen| cell(&node.timeline, node.anchor_us, round, what);
        let cells: Vec<String> = nodes.iter().map(cell).collect();
        let label = what.replace('_', " ");
        let is_there = cells.iter().any(|cell| !cell.is_empty());
        is_there.then(|| columns(&label, cells.into_iter()))
    });
    steps.collect()
}

fn cell(timeline: &Timeline, anchor_us: Option<i64>, round: u32, what: &str) -> String {
    let Some((count, first, last)) = timeline.times(round, what) else {
        return String::new();
    };
    let since = |at: i64| time(at.saturating_sub(anchor_us.unwrap_or(0)));
    if count > 1 {
        format!("{count}: {}", since(last))
    } else {
        since(first)
    }
}

/// Milliseconds, or where they have no room seconds. What is longer than any height lasts is no time that
/// a node has measured: that is all that it says.
fn time(us: i64) -> String {
    const LONG_US: u64 = 10_000_000;
    const LONGEST_S: i64 = 9_999_999;
    let seconds = us / 1_000_000;
    if us.unsigned_abs() < LONG_US {
        format!("{:.2}", us as f64 / 1e3)
    } else if seconds > LONGEST_S {
        ">1e7 s".to_owned()
    } else if seconds < -LONGEST_S {
        "<-1e7 s".to_owned()
    } else {
        format!("{:.0} s", us as f64 / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(validator: &str, entries: &[(&str, u32, i64)]) -> Seen {
        let entries = entries.iter().map(|(what, round, at_us)| Entry {
            what: (*what).to_owned(),
            round: *round,
            at_us: *at_us,
        });
        Seen {
            url: "http://127.0.0.1:8545".into(),
            page: Value::Null,
            timeline: Timeline {
                validator: Some(validator.into()),
                left_out: 0,
                entries: entries.collect(),
            },
            anchor_us: None,
        }
    }

    #[test]
    fn nodes_are_aligned_where_they_sent_or_received_the_proposal() {
        let mut nodes = [
            seen(
                "0x4c6b4136aaaa",
                &[("began", 0, 0), ("proposal_sent", 0, 1_000)],
            ),
            seen(
                "0x9c8ad5f7bbbb",
                &[("proposal_received", 0, 250), ("polka", 0, 1_250)],
            ),
            seen("0x6c8dea9acccc", &[("caught_up", 0, 0)]),
        ];
        let round = anchor_round(&nodes);
        assert_eq!(round, Some(0));
        for node in &mut nodes {
            node.anchor_us = node.timeline.anchor(0);
        }
        assert_eq!(name(&nodes[0]), "0x4c6b4136");
        assert_eq!(name(&nodes[2]), "0x6c8dea9a*");
        let expected = [
            columns("began", ["-1.00", "", ""].map(String::from).into_iter()),
            columns(
                "proposal sent",
                ["0.00", "", ""].map(String::from).into_iter(),
            ),
            columns(
                "proposal received",
                ["", "0.00", ""].map(String::from).into_iter(),
            ),
            columns("polka", ["", "1.00", ""].map(String::from).into_iter()),
            columns("caught up", ["", "", "0.00"].map(String::from).into_iter()),
        ];
        assert_eq!(lines(0, &nodes), expected);
    }

    #[test]
    fn four_nodes_fit_eighty_columns_however_long_it_took() {
        let votes = [("prevote_received", 0, i64::MAX); 128];
        let late = [("prevote_received", 0, 9_999_990); 128];
        let nodes = [
            seen("0x4c6b4136aaaa", &votes),
            seen("0x4c6b4136aaaa", &late),
            seen("", &[("polka", 0, i64::MIN)]),
            seen("0x4c6b4136aaaa", &late),
        ];
        let widest = lines(0, &nodes).into_iter().map(|line| line.len()).max();
        println!("{}", lines(0, &nodes).join("\n"));
        assert!(widest.is_some_and(|widest| widest <= 80), "{widest:?}");
        assert!(lines(0, &nodes)[0].contains("128: 9999.99"));
    }

    #[test]
    fn of_many_rounds_the_first_and_the_newest_are_shown() {
        let rounds: BTreeSet<u32> = (0..100).collect();
        assert_eq!(shown(&rounds), [0, 93, 94, 95, 96, 97, 98, 99]);
        let few: BTreeSet<u32> = (3..6).collect();
        assert_eq!(shown(&few), [3, 4, 5]);
    }
}
