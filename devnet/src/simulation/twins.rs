//! P4, all of it: four validators, the key of one runs on two nodes, and a sequence of partitions
//! decides which of the five nodes hear each other, split by the round and step of a message. Then
//! the network heals, and all correct nodes must decide the same.
//!
//! Both twins follow the rules, each for itself; together they equivocate wherever their inputs
//! differ. (Twins: BFT systems made robust, arXiv 2004.10617.)
//!
//! The sequences: three of all 52 partitions of five nodes (52³), and four of those into two parts
//! (15⁴). Each is laid over the steps (propose, prevote, precommit of round 0, of round 1, … in
//! turn, over and over) and over the rounds (the first is that of round 0; when they are used up,
//! nothing is split). A seed of the profile `twins-all` is the number of a sequence.
use super::disk::Survival;
use super::message::Payload;
use super::network::Links;
use super::plan::Plan;
use lockstep_protocol::consensus::driver::Pacing;
use lockstep_protocol::consensus::timeouts::Timeouts;
use lockstep_protocol::nouns::pull::Pulled;
use lockstep_protocol::nouns::vote::{SignedVote, VoteKind};
use lockstep_protocol::types::Round;
use std::sync::Arc;

const VALIDATORS: usize = 4;
const NODES: usize = VALIDATORS + 1;
/// The twin: it proposes in round 0 of height 1.
const TWIN: usize = 1;
/// Partitions of five nodes, and those into two parts.
const ALL: u64 = 52;
const TWO_WAY: u64 = 15;
/// Sequences laid over the steps; as many are laid over the rounds.
const SEQUENCES: u64 = ALL * ALL * ALL + TWO_WAY * TWO_WAY * TWO_WAY * TWO_WAY;
/// When the network heals: some four rounds have ended by then.
const HEALED_AT_US: u64 = 600_000;

/// The height under test is the first; the next ones only tell whoever missed it that it is over.
const INTERVAL_MS: u64 = 200;

/// How many sequences there are: 52³ + 15⁴, laid over the steps and over the rounds.
pub const COUNT: u64 = 2 * SEQUENCES;

/// Which part of the network each node is in.
type Parts = [u8; NODES];

/// A sequence of partitions.
#[derive(Clone, Debug)]
pub(crate) struct Split {
    sequence: Vec<Parts>,
    over: Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    Steps,
    Rounds,
}

impl Split {
    /// The sequence with this number.
    pub(crate) fn new(number: u64) -> Split {
        let number = number % COUNT;
        let over = if number < SEQUENCES {
            Over::Steps
        } else {
            Over::Rounds
        };
        let rest = number % SEQUENCES;
        let partitions = partitions();
        let two_way: Vec<Parts> = partitions
            .iter()
            .copied()
            .filter(|parts| parts.iter().max() == Some(&1))
            .collect();
        let sequence = match rest.checked_sub(ALL * ALL * ALL) {
            None => digits(rest, &partitions, 3),
            Some(rest) => digits(rest, &two_way, 4),
        };
        Split { sequence, over }
    }

    /// What of a message gets from one node to the other at this time.
    pub(crate) fn pass(
        &self,
        now_us: u64,
        from: usize,
        to: usize,
        payload: Payload,
    ) -> Option<Payload> {
        if now_us >= HEALED_AT_US {
            return Some(payload);
        }
        let joined = |round, step| self.parts(round, step).is_none_or(|p| p[from] == p[to]);
        let votes_joined = |signed: &SignedVote| {
            let step = match signed.vote.kind {
                VoteKind::Prevote => 1,
                VoteKind::Precommit => 2,
            };
            joined(signed.vote.round, step)
        };
        match &payload {
            Payload::Proposal(_) | Payload::Compact(_) => {
                let round = payload.proposal().map_or(Round::ZERO, |p| p.round);
                joined(round, 0).then_some(payload)
            }
            Payload::Vote(signed) => votes_joined(signed).then_some(payload),
            Payload::Votes(votes) => {
                let joined = votes.iter().filter(|signed| votes_joined(signed));
                let left: Vec<SignedVote> = joined.cloned().collect();
                (!left.is_empty()).then(|| Payload::Votes(Arc::new(left)))
            }
            Payload::Pulled(height, pulled) => {
                let proposals = pulled.proposals.iter();
                let proposals = proposals.filter(|message| joined(message.proposal.round, 0));
                let votes = pulled.votes.iter().filter(|signed| votes_joined(signed));
                let left = Pulled {
                    committed: pulled.committed,
                    proposals: proposals.cloned().collect(),
                    votes: votes.cloned().collect(),
                };
                Some(Payload::Pulled(*height, Arc::new(left)))
            }
            // A question says nothing that is signed, and a transaction nothing that a validator has.
            Payload::Pull(_)
            | Payload::Greeting(_)
            | Payload::Standing(_)
            | Payload::Transaction(_)
            | Payload::Fetch(_)
            | Payload::Fetched(..) => Some(payload),
            // Whole blocks have no step: they wait until the network has healed.
            _ => None,
        }
    }

    fn parts(&self, round: Round, step: usize) -> Option<&Parts> {
        let round = round.0 as usize;
        match self.over {
            Over::Steps => self.sequence.get((3 * round + step) % self.sequence.len()),
            Over::Rounds => self.sequence.get(round),
        }
    }
}

/// The digits of a number in the base of so many choices.
fn digits(mut number: u64, choices: &[Parts], length: usize) -> Vec<Parts> {
    let base = choices.len() as u64;
    let mut next = || {
        let digit = number % base;
        number /= base;
        choices[digit as usize]
    };
    (0..length).map(|_| next()).collect()
}

/// All partitions of the nodes, as restricted growth: each node is in a part that exists, or in
/// the next new one.
fn partitions() -> Vec<Parts> {
    let mut found = Vec::new();
    grow([0; NODES], 1, 0, &mut found);
    found
}

fn grow(parts: Parts, node: usize, highest: u8, found: &mut Vec<Parts>) {
    if node == NODES {
        return found.push(parts);
    }
    for part in 0..=highest + 1 {
        let mut parts = parts;
        parts[node] = part;
        grow(parts, node + 1, highest.max(part), found);
    }
}

/// The same for all sequences: prompt wires, prompt disks, no other faults.
pub(crate) fn plan() -> Plan {
    let timeouts = Timeouts {
        propose_ms: 40,
        propose_delta_ms: 20,
        prevote_ms: 20,
        prevote_delta_ms: 10,
        precommit_ms: 20,
        precommit_delta_ms: 10,
        cap_ms: 60_000,
    };
    let links = Links {
        delay_min_us: 500,
        delay_max_us: 1_500,
        loss_permille: 0,
        duplicates_permille: 0,
    };
    // The clocks of the twins differ, and so do the blocks that they propose.
    let mut skew_ms = vec![0; NODES];
    skew_ms[VALIDATORS] = 1;
    Plan {
        validators: VALIDATORS,
        powers: vec![1; VALIDATORS],
        founding: vec![1; VALIDATORS],
        changes: Vec::new(),
        twins: vec![TWIN],
        restored: None,
        lost: None,
        // They are here to do harm.
        twins_look: false,
        late: Vec::new(),
        survival: Survival::Prefix,
        habits: vec![None; VALIDATORS],
        timeouts,
        pacing: Pacing::Interval(INTERVAL_MS),
        silent_after_ms: timeouts.propose_ms,
        pull_patience_ms: Some(timeouts.propose_ms / 10),
        grace_ms: timeouts.prevote_ms,
        sync_blocks_max: 16,
        links,
        sync_min_us: 50,
        sync_max_us: 200,
        skew_ms,
        clock_is_wrong: vec![false; VALIDATORS],
        genesis_ahead_ms: 0,
        faults: Vec::new(),
        calm_at_us: HEALED_AT_US,
        hurry_permille: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn there_are_52_partitions_of_five_nodes_and_15_into_two() {
        let partitions = partitions();
        let distinct: BTreeSet<Parts> = partitions.iter().copied().collect();
        let two_way = partitions.iter().filter(|p| p.iter().max() == Some(&1));
        assert_eq!(
            (partitions.len(), distinct.len(), two_way.count()),
            (52, 52, 15)
        );
    }

    #[test]
    fn every_number_is_another_sequence() {
        let sequence = |number| {
            let split = Split::new(number);
            (split.over == Over::Steps, split.sequence)
        };
        let all: BTreeSet<_> = (0..COUNT).map(sequence).collect();
        assert_eq!(all.len() as u64, COUNT);
        assert_eq!(COUNT, 2 * (140_608 + 50_625));
    }
}
