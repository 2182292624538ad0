//! One sentence about the chain: whether it is alive, who is down, why it stands.
use super::rows::{Now, Root, Row, Tone};
use super::state::{Node, State, Trouble};
use super::words::{ago, list, whole};

/// A chain stands still after so many intervals without a block, but not before this time.
const STILL_INTERVALS: u64 = 3;
const STILL_MIN_MS: u64 = 3_000;
/// Of the time since a node has answered no more says that nothing has come: who was stopped, or slept,
/// has asked nobody.
const UNHEARD_MAX_MS: u64 = 1_500;
/// How long a chain is taken to wait for its next block where nobody says.
const INTERVAL_MS: u64 = 1_000;
const REASONS_MAX: usize = 12;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) tone: Tone,
    pub(crate) headline: String,
    pub(crate) reasons: Vec<String>,
    pub(crate) age_ms: Option<u64>,
    pub(crate) is_still: bool,
}

/// The power that takes part.
struct Power {
    there: u64,
    total: u64,
}

impl Power {
    fn of(state: &State, rows: &[Row]) -> Power {
        let there = rows
            .iter()
            .filter(|row| matches!(row.tone, Tone::Good | Tone::Warn));
        Power {
            there: there
                .filter_map(|row| row.power)
                .fold(0, u64::saturating_add),
            total: state.set.as_ref().map_or(0, |set| set.total_power),
        }
    }

    fn is_enough(&self) -> bool {
        self.total == 0 || u128::from(self.there) * 3 > u128::from(self.total) * 2
    }
}

pub(crate) fn verdict(state: &State, rows: &[Row], now: Now) -> Verdict {
    let Some(status) = state.lead_node().and_then(|node| node.status.as_ref()) else {
        return nobody(state, now);
    };
    let age_ms = state.block_age_ms(now.at, u64::MAX);
    let by_hand = state.devnet.as_ref().is_some_and(|it| it.pace_ms.is_none());
    let interval = state.interval_ms.unwrap_or(INTERVAL_MS);
    let limit = interval.saturating_mul(STILL_INTERVALS).max(STILL_MIN_MS);
    let heard = state.block_age_ms(now.at, UNHEARD_MAX_MS);
    let is_still = heard.is_some_and(|age| age > limit);
    let reasons = troubles(rows);
    let say = |tone, headline: String, reasons, is_still| Verdict {
        tone,
        headline,
        reasons,
        age_ms,
        is_still,
    };
    if let Some(why) = &status.halted {
        let reasons = halted(state, why, rows);
        return say(Tone::Bad, "This node has halted.".into(), reasons, true);
    }
    if status.height == 0 {
        let headline = match by_hand {
            true => "No block yet: one is made by hand (key t).",
            false => "No block yet: the first is being decided.",
        };
        let tone = if reasons.is_empty() {
            Tone::Dim
        } else {
            Tone::Warn
        };
        return say(tone, headline.into(), reasons, false);
    }
    let power = Power::of(state, rows);
    let is_cut = state.devnet.as_ref().is_some_and(|it| it.groups.is_some());
    if is_still && by_hand && power.is_enough() && !is_cut {
        let height = whole(status.height);
        let headline = match state.devnet.as_ref().is_some_and(|it| it.on_demand) {
            true => format!("Block {height} is the newest: the next comes with a transaction."),
            false => format!("Block {height} is the newest: the next is made by hand (key t)."),
        };
        return say(Tone::Dim, headline, reasons, false);
    }
    if is_still {
        let age = ago(age_ms.unwrap_or(0));
        let headline = format!("The chain stands still: no block for {age}.");
        let reasons = [still(state, &power), reasons, need(state)].concat();
        return say(Tone::Bad, headline, reasons, true);
    }
    let validators = rows.iter().filter(|row| row.power.is_some());
    if reasons.is_empty() {
        let all = validators.count();
        let part = format!("All {all} validators take part.");
        let reasons = if all == 0 { vec![] } else { vec![part] };
        return say(Tone::Good, "The chain is alive.".into(), reasons, false);
    }
    say(Tone::Warn, goes_on(rows), reasons, false)
}

fn nobody(state: &State, now: Now) -> Verdict {
    if state.nodes.iter().all(|node| node.trouble.is_none()) {
        return Verdict {
            headline: "Asking the node…".into(),
            ..Verdict::default()
        };
    }
    let since = state.nodes.iter().filter_map(|node| node.away_since).min();
    let mut reasons: Vec<String> = Vec::new();
    for words in state.nodes.iter().filter_map(|node| node.trouble.as_ref()) {
        let words = words.words().to_owned();
        if !reasons.contains(&words) && reasons.len() < REASONS_MAX {
            reasons.push(words);
        }
    }
    let since = since.map(|since| format!(", for {}", ago(now.at.saturating_sub(since))));
    Verdict {
        tone: Tone::Bad,
        headline: format!("No node answers{}.", since.unwrap_or_default()),
        reasons,
        ..Verdict::default()
    }
}

/// Why the node has halted, and how the others are: its own row would say the same once more.
fn halted(state: &State, why: &str, rows: &[Row]) -> Vec<String> {
    let here = state.lead_node().map(|node| node.url.as_str());
    let others = rows.iter().filter(|row| Some(row.url.as_str()) != here);
    let others: Vec<Row> = others.cloned().collect();
    [vec![why.to_owned()], troubles(&others)].concat()
}

/// That the chain is alive, and without whom, or with whom not all is well.
fn goes_on(rows: &[Row]) -> String {
    let named = |is: fn(&Row) -> bool| -> Vec<String> {
        let rows = rows.iter().filter(|row| is(row));
        rows.map(|row| row.name.clone()).collect()
    };
    let away = named(|row| row.power.is_some() && row.tone == Tone::Bad);
    if !away.is_empty() {
        return format!("The chain goes on without {}.", list(&away));
    }
    let unwell = named(|row| matches!(row.tone, Tone::Bad | Tone::Warn) || row.root == Root::Other);
    let unwell = list(&unwell);
    format!("The chain is alive, but not all is well with {unwell}.")
}

/// What a cut takes from the chain. Who is down and who is missing stands before it: a small terminal
/// has room for three lines.
fn need(state: &State) -> Vec<String> {
    let is_cut = state.devnet.as_ref().is_some_and(|it| it.groups.is_some());
    let need = "A block needs more than two thirds of the power on one side.";
    if is_cut { vec![need.into()] } else { vec![] }
}

/// Why no block comes.
fn still(state: &State, power: &Power) -> Vec<String> {
    let mut reasons = Vec::new();
    if let Some(groups) = state.devnet.as_ref().and_then(|it| it.groups.as_ref()) {
        let side = |side: &Vec<u64>| {
            let nodes: Vec<String> = side.iter().map(u64::to_string).collect();
            nodes.join(", ")
        };
        let sides: Vec<String> = groups.iter().map(side).collect();
        reasons.push(format!("The network is cut: nodes {}.", sides.join(" | ")));
    }
    if !power.is_enough() {
        reasons.push(format!(
            "Only {} of {} power takes part; a block needs more than two thirds.",
            whole(power.there),
            whole(power.total)
        ));
    }
    let waits = state.lead_node().and_then(|node| node.status.as_ref());
    if let Some(waits) = waits.and_then(|status| status.waiting_for.as_ref()) {
        let (what, missing) = match waits.prevotes.is_empty() {
            false => ("prevotes", &waits.prevotes),
            true => ("precommits", &waits.precommits),
        };
        let mut names: Vec<String> = missing.iter().map(|who| state.name_of(who)).collect();
        names.sort();
        if !names.is_empty() {
            reasons.push(format!("Missing {what}: {}.", list(&names)));
        }
    }
    reasons
}

fn troubles(rows: &[Row]) -> Vec<String> {
    let troubled = rows
        .iter()
        .filter(|row| matches!(row.tone, Tone::Bad | Tone::Warn));
    let mut told: Vec<String> = troubled.map(trouble).collect();
    for row in rows.iter().filter(|row| row.root == Root::Other) {
        let height = whole(row.height.unwrap_or(0));
        told.push(format!(
            "{} has another state at height {height}.",
            row.name
        ));
    }
    told.truncate(REASONS_MAX);
    told
}

fn trouble(row: &Row) -> String {
    // It votes, it makes no sense; it is down.
    let verb = row.state.split(' ').next().unwrap_or_default();
    let is = if verb.ends_with('s') { "" } else { "is " };
    let why = if row.why.is_empty() { "" } else { ": " };
    format!("{} {is}{}{why}{}.", row.name, row.state, row.why)
}

/// Whether anything is known of a node at all: an answer, or why there is none.
pub(crate) fn is_settled(node: &Node) -> bool {
    let is_late = matches!(node.trouble, Some(Trouble::Slow(_)));
    node.status.is_some() || (node.trouble.is_some() && (!is_late || node.is_away()))
}

#[cfg(test)]
mod tests {
    use super::super::rows::rows;
    use super::super::samples::{alive, answer, now};
    use super::*;

    /// What is said of a view at this time.
    fn said(state: &State, at: u64) -> Verdict {
        let now = Now { at, ..now() };
        verdict(state, &rows(state, now), now)
    }

    #[test]
    fn nodes_of_a_healthy_chain_do_not_lag_because_they_were_heard_one_after_the_other() {
        let mut state = alive();
        let mut height = 1_234;
        for turn in 1..=6 {
            height += 5;
            // Ten blocks a second, and the nodes a tenth of a second apart.
            for node in 0..4 {
                let at = 59_900 + turn * 500 + node as u64 * 100;
                answer(&mut state, node, height + node as u64, at);
                assert_eq!(said(&state, at).headline, "The chain is alive.", "{at}");
            }
        }
        assert_eq!(state.lead(), Some(0));
        // One that stays where it is lags, and leads no more.
        for turn in 7..=12 {
            height += 5;
            answer(&mut state, 0, 1_264, 59_900 + turn * 500);
            for node in 1..4 {
                answer(&mut state, node, height, 59_900 + turn * 500 + 100);
            }
        }
        assert_eq!(state.lead(), Some(1));
        assert!(said(&state, 66_000).reasons[0].starts_with("node 0 lags: "));
    }

    #[test]
    fn a_view_that_has_asked_nobody_for_a_while_does_not_say_that_the_chain_stands() {
        let mut state = alive();
        assert!(!said(&state, 75_000).is_still);
        // One that tells of a newer block is enough, however late the one that leads is.
        answer(&mut state, 1, 1_240, 75_000);
        assert_eq!(said(&state, 75_100).age_ms, Some(400));
    }
}
