//! `lockstep validators`: who decides the next block, and what each did lately.
use super::node::Rpc;
use crate::environment::wall_clock;
use crate::failure::Failure;
use crate::output::{say, say_json};
use clap::Args;
use lockstep_actors::times::Span;
use serde_json::{Value, json};

/// Blocks that are looked back upon.
const RECENT: u64 = 100;

/// `lockstep validators`
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    rpc: Rpc,
    /// Print one JSON object: what /validators answers, with the link of each
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let node = arguments.rpc.node()?;
    let mut page = node.json(&format!("/validators?recent={RECENT}"))?;
    let status = node.json("/status")?;
    if !page["recent"].is_object() || !status["validator"].is_string() {
        return Err(node.strange());
    }
    for row in page["validators"].as_array_mut().into_iter().flatten() {
        if !row.is_object() {
            return Err(node.strange());
        }
        row["link"] = link(&row["address"], &status);
    }
    if arguments.json {
        return say_json(&page);
    }
    print(&page)
}

/// How the node that is asked stands to a validator.
fn link(address: &Value, status: &Value) -> Value {
    if status["validator"] == *address {
        return json!({ "state": "asked" });
    }
    let mut peers = status["peers"].as_array().into_iter().flatten();
    let peer = peers.find(|peer| peer["address"] == *address);
    match peer {
        None => json!({ "state": "none" }),
        Some(peer) if peer["reachable"] == true => {
            json!({ "state": "up", "height": peer["height"] })
        }
        Some(peer) => json!({ "state": "away", "away_ms": peer["away_ms"] }),
    }
}

fn print(page: &Value) -> Result<(), Failure> {
    let rows = page["validators"].as_array().cloned().unwrap_or_default();
    let recent = &page["recent"];
    say!(
        "Lockstep validators of height {}: {} with power {}",
        page["height"],
        rows.len(),
        page["total_power"]
    )?;
    say!(
        "  heights {} to {}",
        recent["from_height"],
        recent["to_height"]
    )?;
    say!()?;
    say!("{}", columns("address", "power", "turns", "votes", "link"))?;
    let now = wall_clock()?.0;
    for row in &rows {
        for line in lines(row, now) {
            say!("{line}")?;
        }
    }
    say!()?;
    say!("  turns   blocks that it proposed, of the rounds that were its own")?;
    say!("  votes   certificates with its precommit; none holds more than it needs")?;
    Ok(())
}

fn columns(address: &str, power: &str, turns: &str, votes: &str, link: &str) -> String {
    format!("  {address:<42} {power:>8} {turns:>7} {votes:>5}  {link}")
}

/// A validator in 80 columns, and a second line if something is wrong with it.
fn lines(row: &Value, now: u64) -> Vec<String> {
    let number = |name: &str| row[name].as_u64().unwrap_or(0);
    let turns = number("turns");
    let taken = turns.saturating_sub(number("failed_turns"));
    let state = row["link"]["state"].as_str().unwrap_or("-");
    let mut lines = vec![columns(
        row["address"].as_str().unwrap_or("-"),
        &number("power").to_string(),
        &format!("{taken}/{turns}"),
        &number("certificates").to_string(),
        state,
    )];
    match state {
        "away" => {
            let away = Span(row["link"]["away_ms"].as_u64().unwrap_or(0));
            lines.push(format!("    away for {away}; {}", newest(row, now)));
        }
        "none" => lines.push("    no peer of this node: add it to its peers".into()),
        _ => {}
    }
    lines
}

fn newest(row: &Value, now: u64) -> String {
    let last = &row["last_proposed"];
    let time = last["time"].as_u64();
    time.map_or("it proposed none of these blocks".into(), |time| {
        let ago = Span(now.saturating_sub(time));
        format!("its newest block is {}, {ago} ago", last["height"])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_validator_is_asked_up_away_or_no_peer() {
        let status = json!({ "validator": "0xa", "peers": [
            { "address": "0xb", "reachable": true, "height": 7, "away_ms": null },
            { "address": "0xc", "reachable": false, "height": 3, "away_ms": 61_000 },
        ] });
        let row = |address: &str| {
            let mut row = json!({ "address": address, "power": 2, "turns": 25, "failed_turns": 4,
                "certificates": 80, "last_proposed": { "height": 9, "time": 1_000 } });
            row["link"] = link(&row["address"], &status);
            lines(&row, 63_000)
        };
        let first = |address: &str, state: &str| columns(address, "2", "21/25", "80", state);
        assert_eq!(row("0xa"), [first("0xa", "asked")]);
        assert_eq!(row("0xb"), [first("0xb", "up")]);
        let away = "    away for 1 min 1 s; its newest block is 9, 1 min 2 s ago";
        assert_eq!(row("0xc"), [&first("0xc", "away"), away]);
        let none = "    no peer of this node: add it to its peers";
        assert_eq!(row("0xd"), [&first("0xd", "none"), none]);
        let widest = columns(&"0".repeat(42), "99999999", "100/100", "100", "asked");
        assert!(widest.len() <= 80, "{widest}");
    }
}
