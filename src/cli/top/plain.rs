//! The same as lines, where there is no picture: how things are, then a line whenever that changes,
//! at most one a second.
use super::rows::{Now, Root, Row, rows};
use super::session::Session;
use super::state::{Node, State};
use super::verdict::{is_settled, verdict};
use super::words::{ago, micros, rate, whole};
use crate::endpoint::Url;
use crate::failure::Failure;
use crate::output::say;
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(100);
/// How long the first answers of all nodes are waited for.
const FIRST: Duration = Duration::from_secs(3);

pub(super) fn run(urls: &[Url], once: bool, ended: impl Fn() -> bool) -> Result<(), Failure> {
    let mut session = Session::begin(urls)?;
    let began = Instant::now();
    while began.elapsed() < FIRST && !is_known(&session.state) {
        session.take(LOOK);
        if ended() {
            return Ok(());
        }
    }
    let now = session.now();
    if once && session.state.lead().is_none() {
        return Err(nobody(&session.state));
    }
    print(&session.state, now)?;
    if once {
        return Ok(());
    }
    let mut before = rows(&session.state, now);
    let mut height = session.state.lead_node().map(Node::height);
    let mut said = Instant::now();
    while !ended() {
        session.take(LOOK);
        if said.elapsed() < EVERY {
            continue;
        }
        said = Instant::now();
        let now = session.now();
        let all = rows(&session.state, now);
        let newest = session.state.lead_node().map(Node::height);
        let changed = changed(&before, &all);
        if newest != height || !changed.is_empty() {
            say!("{}", line(&session.state, &all, now))?;
        }
        for words in changed {
            say!("  {words}")?;
        }
        (before, height) = (all, newest);
    }
    Ok(())
}

fn nobody(state: &State) -> Failure {
    let troubles = state.nodes.iter().filter_map(|node| node.trouble.as_ref());
    let why = troubles
        .map(|trouble| format!(" ({})", trouble.words()))
        .next();
    let why = why.unwrap_or_default();
    Failure::retry(format!(
        "no node answers{why}: is one running there? Name another with --rpc"
    ))
}

/// Whether the first answers are there: of all nodes, and of one who validates.
fn is_known(state: &State) -> bool {
    let settled = state.nodes.iter().all(is_settled);
    let nobody = state.lead().is_none();
    let whole = state.set.is_some() && state.is_devnet.is_some();
    settled && (nobody || (whole && state.lead_node().is_some_and(|it| !it.timelines.is_empty())))
}

fn print(state: &State, now: Now) -> Result<(), Failure> {
    let all = rows(state, now);
    let said = verdict(state, &all, now);
    say!("{}", said.headline)?;
    for reason in &said.reasons {
        say!("  {reason}")?;
    }
    if let Some(status) = state.lead_node().and_then(|node| node.status.as_ref()) {
        say!("  chain id      {}", status.chain_id)?;
        say!("  scheme        {}", status.scheme)?;
        say!("  genesis hash  {}", status.genesis_hash)?;
        say!("  {}", figures(state, said.age_ms))?;
    }
    say!()?;
    say!("  validator        height root   power  missed  state")?;
    for row in &all {
        say!("  {}", table(row))?;
    }
    Ok(())
}

fn figures(state: &State, age_ms: Option<u64>) -> String {
    let lead = state.lead_node();
    let height = lead.map_or(0, Node::height);
    let round = lead
        .and_then(|it| it.status.as_ref())
        .map_or(0, |it| it.round);
    let age = age_ms.map_or_else(|| "none yet".into(), |ms| format!("{} ago", ago(ms)));
    format!(
        "height {}, round {round}, block {age}, {} blocks/s, commit p50 {} p99 {}",
        whole(height),
        rate(lead.and_then(Node::block_rate)),
        micros(state.commit_us(0.5)),
        micros(state.commit_us(0.99)),
    )
}

fn line(state: &State, all: &[Row], now: Now) -> String {
    let said = verdict(state, all, now);
    format!("{}: {}", figures(state, said.age_ms), said.headline)
}

fn table(row: &Row) -> String {
    let number = |value: Option<u64>| value.map_or_else(|| "-".into(), |it| it.to_string());
    let root = match row.root {
        Root::Equal => "=",
        Root::Other => "other",
        Root::Unknown => "?",
    };
    let missed = row.missed.map(|(missed, of)| format!("{missed}/{of}"));
    format!(
        "{:<13} {:>9} {root:<5} {:>6} {:>7}  {}",
        row.name,
        number(row.height),
        number(row.power),
        missed.unwrap_or_else(|| "-".into()),
        state(row)
    )
}

fn state(row: &Row) -> String {
    let why = if row.why.is_empty() { "" } else { ": " };
    format!("{}{why}{}", row.state, row.why)
}

/// Who is now in another state than before. Since when is no other state.
fn changed(before: &[Row], now: &[Row]) -> Vec<String> {
    let was = |row: &Row| {
        let same = before
            .iter()
            .find(|it| it.address == row.address && it.url == row.url);
        same.map(|row| row.state.as_str())
    };
    let changed = now.iter().filter(|row| was(row) != Some(&row.state));
    changed
        .map(|row| format!("{} {}", row.name, state(row)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn lines_say_who_is_down_and_why_once() {
        let (alive, dead) = (samples::alive(), samples::one_dead());
        let now = samples::now();
        let (before, after) = (rows(&alive, now), rows(&dead, now));
        let words = changed(&before, &after);
        assert_eq!(words, ["node 3 down: killed 2.5 s ago"]);
        assert!(changed(&after, &after).is_empty());
        let said = line(&dead, &after, now);
        assert!(
            said.starts_with("height 1 234, round 0, block 0.4 s ago"),
            "{said}"
        );
        assert!(
            said.ends_with(": The chain goes on without node 3."),
            "{said}"
        );
    }
}
