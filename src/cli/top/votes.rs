//! Who has proposed and voted what at one height, from the timelines of all nodes that are asked.
//!
//! A vote counts as seen where its sender's node has noted that it signed it, or any node that it
//! received it.
use super::shapes::Timeline;
use super::state::{Node, State};
use std::collections::BTreeMap;

/// Rounds that are shown: the newest.
const ROUNDS_SHOWN: usize = 2;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Cell {
    #[default]
    Absent,
    Nil,
    Value,
    /// Two different ones of one round, which is proof of misbehaviour.
    Both,
}

/// Propose, prevote, precommit.
pub(crate) type Cells = [Cell; 3];

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Round {
    pub(crate) round: u64,
    pub(crate) cells: BTreeMap<String, Cells>,
    pub(crate) power: [u64; 3],
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Votes {
    pub(crate) height: u64,
    pub(crate) rounds: Vec<Round>,
    pub(crate) left_out: usize,
    pub(crate) is_decided: bool,
}

impl Cell {
    fn join(self, seen: Cell) -> Cell {
        match self {
            Cell::Absent => seen,
            same if same == seen => seen,
            _ => Cell::Both,
        }
    }
}

/// The height whose votes are shown: the one under way if anybody has said something, else the
/// newest.
pub(crate) fn shown(state: &State) -> Option<Votes> {
    let here: Vec<&Node> = state.nodes.iter().filter(|node| node.is_here()).collect();
    let telling: Vec<&Node> = here
        .into_iter()
        .filter(|it| !it.timelines.is_empty())
        .collect();
    let heights = telling.iter().flat_map(|node| node.timelines.keys());
    let newest = heights.max().copied()?;
    let mut first = None;
    for height in (newest.saturating_sub(2).max(1)..=newest).rev() {
        let told = telling
            .iter()
            .filter_map(|node| node.timelines.get(&height));
        let told: Vec<&Timeline> = told.collect();
        let all = told.len() == telling.len();
        let votes = of(state, height, &told);
        if votes.rounds.is_empty() {
            continue;
        }
        // Nodes are asked one after the other: of a height that only some have told of, votes seem
        // to be missing.
        if all {
            return Some(votes);
        }
        first.get_or_insert(votes);
    }
    first
}

fn of(state: &State, height: u64, told: &[&Timeline]) -> Votes {
    let set = state.set.iter().flat_map(|set| &set.validators);
    let powers: BTreeMap<&str, u64> = set.map(|it| (it.address.as_str(), it.power)).collect();
    let mut rounds: BTreeMap<u64, Round> = BTreeMap::new();
    for timeline in told {
        for entry in &timeline.entries {
            let Some((step, own)) = entry.step() else {
                continue;
            };
            let sender = timeline.validator.as_ref().filter(|_| own);
            let Some(who) = entry.who.as_ref().or(sender) else {
                continue;
            };
            if !powers.contains_key(who.as_str()) {
                continue;
            }
            let round = rounds.entry(entry.round).or_default();
            let cells = round.cells.entry(who.clone()).or_default();
            let seen = if entry.nil { Cell::Nil } else { Cell::Value };
            match step {
                // A proposal is its sender's prevote as well: it sends no other.
                "proposal" => {
                    cells[0] = cells[0].join(seen);
                    cells[1] = cells[1].join(Cell::Value);
                }
                "prevote" => cells[1] = cells[1].join(seen),
                _ => cells[2] = cells[2].join(seen),
            }
        }
    }
    let left_out = rounds.len().saturating_sub(ROUNDS_SHOWN);
    let shown = rounds.into_iter().skip(left_out);
    let shown = shown.map(|(number, round)| weigh(number, round, &powers));
    Votes {
        height,
        rounds: shown.collect(),
        left_out,
        is_decided: told.iter().any(|timeline| timeline.is_decided()),
    }
}

fn weigh(number: u64, mut round: Round, powers: &BTreeMap<&str, u64>) -> Round {
    round.round = number;
    for (who, cells) in &round.cells {
        let power = powers.get(who.as_str()).copied().unwrap_or(0);
        for (sum, cell) in round.power.iter_mut().zip(cells) {
            if *cell == Cell::Value {
                *sum = sum.saturating_add(power);
            }
        }
    }
    round
}
