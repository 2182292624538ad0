//! Decided blocks that wait for the one before them. Part of the Committer's brain, next to
//! [`Ledger`](crate::ledger::Ledger): blocks are written one after the other, in order of height,
//! however they came and in whatever order.
//!
//! Invariants: no height twice; never more than its limit, and then the heights nearest to the head;
//! one block is under way to the disk at a time; after a halt nothing moves any more.
use crate::types::Height;
use crate::wire::DecidedBlock;
use std::collections::BTreeMap;

/// The queue. Blocks in it are proven: their certificates have been verified.
#[derive(Clone, Debug)]
pub struct CommitQueue {
    head: Height,
    waiting: BTreeMap<Height, DecidedBlock>,
    blocks_max: usize,
    writing: Option<Height>,
    halted: bool,
}

impl CommitQueue {
    /// After `head`; at most `blocks_max` blocks wait.
    pub fn new(head: Height, blocks_max: usize) -> CommitQueue {
        CommitQueue {
            head,
            waiting: BTreeMap::new(),
            blocks_max,
            writing: None,
            halted: false,
        }
    }

    /// Keeps a decided block until its turn. One that is known, committed or under way changes
    /// nothing. If too many wait, the highest goes: it can be asked for again.
    pub fn offer(&mut self, decided: DecidedBlock) {
        let height = decided.block.height();
        if self.halted || height <= self.writing.unwrap_or(self.head) {
            return;
        }
        self.waiting.entry(height).or_insert(decided);
        if self.waiting.len() > self.blocks_max {
            self.waiting.pop_last();
        }
    }

    /// The block after the head, once nothing is under way. It is under way from now on, until
    /// [`written`](Self::written) is told.
    pub fn take(&mut self) -> Option<DecidedBlock> {
        if self.writing.is_some() {
            return None;
        }
        let next = self.head.next();
        let decided = self.waiting.remove(&next)?;
        self.writing = Some(next);
        Some(decided)
    }

    /// A block of this height is durable, whoever ordered it.
    pub fn written(&mut self, height: Height) {
        self.head = self.head.max(height);
        self.writing.take_if(|writing| *writing <= height);
        self.waiting = self.waiting.split_off(&self.head.next());
    }

    /// The block after the head is certified and invalid here: nothing can follow it.
    pub fn halt(&mut self) {
        self.halted = true;
        self.waiting.clear();
    }

    /// How many blocks wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether no block waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commit::{CommitCertificate, Signers};
    use crate::consensus::testkit::block;
    use crate::types::Round;
    use proptest::prelude::*;
    use std::sync::Arc;

    fn decided(height: u64) -> DecidedBlock {
        let block = block(Height(height), height);
        let certificate = Arc::new(CommitCertificate {
            height: Height(height),
            round: Round::ZERO,
            block_id: block.id(),
            signers: Signers::default(),
        });
        DecidedBlock { block, certificate }
    }

    fn take(queue: &mut CommitQueue) -> Option<u64> {
        queue.take().map(|decided| decided.block.height().0)
    }

    #[test]
    fn blocks_come_out_in_order_one_at_a_time() {
        let mut queue = CommitQueue::new(Height(4), 10);
        for height in [7, 5, 6, 5, 4] {
            queue.offer(decided(height));
        }
        assert_eq!((take(&mut queue), take(&mut queue)), (Some(5), None));
        queue.offer(decided(5));
        assert_eq!(queue.len(), 2);
        queue.written(Height(5));
        assert_eq!(take(&mut queue), Some(6));
        queue.written(Height(6));
        assert_eq!(take(&mut queue), Some(7));
        assert!(queue.is_empty());
    }

    #[test]
    fn a_full_queue_keeps_what_is_next() {
        let mut queue = CommitQueue::new(Height(0), 3);
        for height in [9, 8, 7, 6, 1] {
            queue.offer(decided(height));
        }
        assert_eq!(queue.len(), 3);
        assert_eq!(take(&mut queue), Some(1));
    }

    #[test]
    fn what_an_earlier_incarnation_has_written_is_skipped() {
        let mut queue = CommitQueue::new(Height(0), 10);
        (1..=4).for_each(|height| queue.offer(decided(height)));
        queue.written(Height(3));
        assert_eq!(take(&mut queue), Some(4));
    }

    #[test]
    fn after_a_halt_nothing_moves() {
        let mut queue = CommitQueue::new(Height(0), 10);
        queue.offer(decided(1));
        assert_eq!(take(&mut queue), Some(1));
        queue.halt();
        queue.offer(decided(2));
        queue.written(Height(1));
        assert_eq!((take(&mut queue), queue.len()), (None, 0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever the order of arrival, the blocks come out as 1, 2, 3, … without a gap.
        #[test]
        fn the_order_of_arrival_does_not_matter(
            heights in proptest::collection::vec(1u64..20, 0..60),
        ) {
            let mut queue = CommitQueue::new(Height(0), 64);
            let mut out = Vec::new();
            for height in &heights {
                queue.offer(decided(*height));
                while let Some(height) = take(&mut queue) {
                    out.push(height);
                    queue.written(Height(height));
                }
            }
            let unbroken = (1..).take_while(|height| heights.contains(height));
            prop_assert_eq!(out, unbroken.collect::<Vec<u64>>());
        }
    }
}
