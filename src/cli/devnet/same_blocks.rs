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

/// Collects what the nodes report, of a block until every node has it: a devnet may run for weeks.
pub(super) struct Blocks {
    nodes: usize,
    open: BTreeMap<u64, (BlockRow, Vec<usize>)>,
    complete: u64,
}

impl Blocks {
    /// None yet, of so many nodes.
    pub(super) fn new(nodes: usize) -> Blocks {
        Blocks {
            nodes,
            open: BTreeMap::new(),
            complete: 0,
        }
    }

    /// How many blocks are committed on every node.
    pub(super) fn complete(&self) -> u64 {
        self.complete
    }

    /// Notes one commit; returns the block once every node has it. Two nodes with different blocks
    /// or states are the end of everything.
    pub(super) fn note(&mut self, event: CommitEvent) -> Result<Option<BlockRow>, Failure> {
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
        let (first, nodes) = self
            .open
            .entry(row.height)
            .or_insert_with(|| (row.clone(), vec![]));
        if (first.hash, first.state_root) != (row.hash, row.state_root) {
            return Err(Failure::safety(format!(
                "height {}: node {} has block {} with state root {}, node {} has block {} with \
                 state root {}",
                row.height,
                nodes[0],
                first.hash,
                first.state_root,
                event.node,
                row.hash,
                row.state_root
            )));
        }
        first.round = first.round.max(row.round);
        first.precommits = first.precommits.min(row.precommits);
        first.commit_ms = first.commit_ms.max(row.commit_ms);
        if !nodes.contains(&event.node) {
            nodes.push(event.node);
        }
        if nodes.len() < self.nodes {
            return Ok(None);
        }
        let complete = self.open.remove(&row.height).map(|(row, _)| row);
        self.complete += 1;
        Ok(complete)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_protocol::types::{Height, Round};

    fn event(node: usize, height: u64, root: u8, commit_ms: f64) -> CommitEvent {
        CommitEvent {
            node,
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
    fn a_block_is_complete_when_every_node_has_it() {
        let mut blocks = Blocks::new(2);
        assert_eq!(blocks.note(event(0, 1, 7, 5.0)).expect("equal"), None);
        assert_eq!(
            blocks.note(event(0, 1, 7, 5.0)).expect("equal"),
            None,
            "the same node again"
        );
        let row = blocks
            .note(event(1, 1, 7, 9.0))
            .expect("equal")
            .expect("complete");
        assert_eq!((row.height, row.precommits, row.commit_ms), (1, 3, 9.0));
        assert_eq!(blocks.complete(), 1);
        assert!(blocks.open.is_empty(), "nothing is kept of it");
    }

    #[test]
    fn two_roots_are_a_safety_stop_that_prints_both() {
        let mut blocks = Blocks::new(2);
        blocks.note(event(0, 1, 7, 1.0)).expect("the first");
        let failure = blocks.note(event(1, 1, 8, 1.0)).expect_err("different");
        assert_eq!(failure.exit_code, 4);
        for root in [7u8, 8] {
            assert!(failure.message.contains(&Hash([root; 32]).to_string()));
        }
    }
}
