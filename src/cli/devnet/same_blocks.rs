//! Which blocks are committed on every node, and that they are the same ones.
use crate::failure::Failure;
use lockstep_devnet::CommitEvent;
use lockstep_protocol::types::{Address, Hash};
use serde::Serialize;
use std::collections::BTreeMap;

/// A block that every node has committed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct BlockRow {
    pub(super) height: u64,
    pub(super) round: u32,
    pub(super) proposer: Address,
    pub(super) hash: Hash,
    pub(super) state_root: Hash,
    pub(super) txs: usize,
    /// The fewest that any node's certificate holds.
    pub(super) precommits: usize,
    /// On the slowest node.
    pub(super) commit_ms: f64,
}

/// Rows that may wait for a node that lags behind. A node that is cut off would hold them back for ever.
const OPEN_MAX: usize = 64;
/// Rows that are done with and still compared with what comes late, of a node that catches up.
const DONE_MAX: usize = 1_024;

/// What every node must have alike.
type Same = (Hash, Hash);

/// Collects what the nodes report, of a block until every node that runs has it: a devnet may run for
/// weeks.
pub(super) struct Blocks {
    open: BTreeMap<u64, (BlockRow, Vec<usize>)>,
    done: BTreeMap<u64, (Same, usize)>,
    complete: u64,
    /// How often the disks of all nodes were put back.
    reverts: u64,
}

impl Blocks {
    /// None yet.
    pub(super) fn new() -> Blocks {
        Blocks {
            open: BTreeMap::new(),
            done: BTreeMap::new(),
            complete: 0,
            reverts: 0,
        }
    }

    /// How many blocks are committed on every node that runs.
    pub(super) fn complete(&self) -> u64 {
        self.complete
    }

    /// Notes one commit. Two nodes with different blocks or states are the end of everything.
    pub(super) fn note(&mut self, event: CommitEvent) -> Result<(), Failure> {
        if event.reverts > self.reverts {
            // What comes now has other blocks at heights that were there already.
            (self.open, self.done) = (BTreeMap::new(), BTreeMap::new());
            self.reverts = event.reverts;
        } else if event.reverts < self.reverts {
            return Ok(());
        }
        let row = BlockRow {
            height: event.height.0,
            round: event.round.0,
            proposer: event.proposer,
            hash: event.block_id,
            state_root: event.state_root,
            txs: event.transactions,
            precommits: event.precommits,
            commit_ms: event.commit_ms,
        };
        if let Some((same, node)) = self.done.get(&row.height) {
            return compare(*same, *node, &row, event.node);
        }
        let (first, nodes) = self
            .open
            .entry(row.height)
            .or_insert_with(|| (row.clone(), vec![event.node]));
        compare((first.hash, first.state_root), nodes[0], &row, event.node)?;
        first.round = first.round.max(row.round);
        first.precommits = first.precommits.min(row.precommits);
        first.commit_ms = first.commit_ms.max(row.commit_ms);
        if !nodes.contains(&event.node) {
            nodes.push(event.node);
        }
        Ok(())
    }

    /// The next block that every node has of those that run, and how many have it; one that waits for
    /// too long goes without the others.
    pub(super) fn next(&mut self, runs: &[bool]) -> Option<(BlockRow, usize)> {
        let (_, (_, nodes)) = self.open.first_key_value()?;
        let lacks = |(node, runs): (usize, &bool)| *runs && !nodes.contains(&node);
        if runs.iter().enumerate().any(lacks) && self.open.len() <= OPEN_MAX {
            return None;
        }
        let (height, (row, nodes)) = self.open.pop_first()?;
        self.done
            .insert(height, ((row.hash, row.state_root), nodes[0]));
        if self.done.len() > DONE_MAX {
            self.done.pop_first();
        }
        self.complete += 1;
        Some((row, nodes.len()))
    }
}

fn compare(first: Same, has: usize, row: &BlockRow, node: usize) -> Result<(), Failure> {
    if first == (row.hash, row.state_root) {
        return Ok(());
    }
    let (hash, state_root) = first;
    Err(Failure::safety(format!(
        "height {}: node {has} has block {hash} with state root {state_root}, node {node} has block {} \
         with state root {}",
        row.height, row.hash, row.state_root
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_protocol::types::{Height, Round};

    fn event(node: usize, height: u64, root: u8, commit_ms: f64) -> CommitEvent {
        CommitEvent {
            node,
            reverts: 0,
            height: Height(height),
            round: Round(0),
            proposer: Address([1; 20]),
            block_id: Hash([root; 32]),
            state_root: Hash([root; 32]),
            transactions: 0,
            precommits: 3 + node,
            commit_ms,
        }
    }

    #[test]
    fn a_block_is_complete_when_every_node_that_runs_has_it() {
        let mut blocks = Blocks::new();
        let all = [true, true];
        blocks.note(event(0, 1, 7, 5.0)).expect("equal");
        assert_eq!(blocks.next(&all), None);
        blocks
            .note(event(0, 1, 7, 5.0))
            .expect("the same node again");
        assert_eq!(blocks.next(&all), None);
        blocks.note(event(1, 1, 7, 9.0)).expect("equal");
        let (row, nodes) = blocks.next(&all).expect("complete");
        assert_eq!((row.height, row.precommits, row.commit_ms), (1, 3, 9.0));
        assert_eq!((blocks.complete(), nodes), (1, 2));
        assert!(blocks.open.is_empty(), "nothing is kept of it");
        blocks.note(event(0, 2, 8, 5.0)).expect("equal");
        assert_eq!(blocks.next(&all), None, "the other one runs");
        let (row, nodes) = blocks.next(&[true, false]).expect("it is down by now");
        assert_eq!((row.height, nodes), (2, 1));
        blocks.note(event(1, 2, 8, 5.0)).expect("it has caught up");
        assert_eq!(blocks.next(&all), None, "no row twice");
        let late = blocks.note(event(1, 2, 9, 5.0));
        assert_eq!(late.expect_err("another block").exit_code, 4);
    }

    #[test]
    fn a_node_that_is_cut_off_holds_back_only_so_many_rows() {
        let mut blocks = Blocks::new();
        let all = [true, true];
        for height in 1..=3 * DONE_MAX as u64 {
            blocks.note(event(0, height, 7, 5.0)).expect("equal");
            let row = blocks.next(&all).map(|(row, nodes)| (row.height, nodes));
            let due = height.checked_sub(OPEN_MAX as u64).filter(|due| *due > 0);
            assert_eq!(row, due.map(|due| (due, 1)));
        }
        assert!(blocks.open.len() <= OPEN_MAX && blocks.done.len() <= DONE_MAX);
    }

    #[test]
    fn after_a_revert_the_same_heights_may_have_other_blocks() {
        let mut blocks = Blocks::new();
        blocks.note(event(0, 1, 7, 1.0)).expect("the first");
        let reverted = |node, root| CommitEvent {
            reverts: 1,
            ..event(node, 1, root, 1.0)
        };
        blocks.note(reverted(0, 8)).expect("another chain");
        blocks
            .note(event(1, 1, 7, 1.0))
            .expect("one that came late");
        let failure = blocks.note(reverted(1, 9)).expect_err("different");
        assert_eq!(failure.exit_code, 4);
    }

    #[test]
    fn two_roots_are_a_safety_stop_that_prints_both() {
        let mut blocks = Blocks::new();
        blocks.note(event(0, 1, 7, 1.0)).expect("the first");
        let failure = blocks.note(event(1, 1, 8, 1.0)).expect_err("different");
        assert_eq!(failure.exit_code, 4);
        for root in [7u8, 8] {
            assert!(failure.message.contains(&Hash([root; 32]).to_string()));
        }
    }
}
