//! How many committed blocks a node keeps, and which may go.
//!
//! A block that is gone takes its certificate, its receipts and the places of its transactions with
//! it. The state stays: balances, records, validator sets of all heights, committed offences. So
//! nothing that decides whether a later block is valid is lost, evidence of old heights included:
//! that needs the validators of its height, and no block.
use crate::ledger::STATE_VERSIONS_KEPT;
use crate::limits::{PRUNED_BLOCKS_PER_BLOCK_MAX, RETAIN_BLOCKS_MIN, SYNC_BLOCKS_MAX};
use crate::types::Height;
use std::ops::RangeInclusive;

const _: () = assert!(RETAIN_BLOCKS_MIN >= STATE_VERSIONS_KEPT);
const _: () = assert!(RETAIN_BLOCKS_MIN >= 2 * SYNC_BLOCKS_MAX);

/// Which committed blocks are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retention {
    /// All.
    #[default]
    All,
    /// So many, counted from the head.
    Newest(u64),
}

/// Fewer blocks than a node must keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} blocks are too few to keep: the states that can still be read and peers that catch up need \
     {RETAIN_BLOCKS_MIN}; ask for more, or for 0, which keeps all"
)]
pub struct TooFewBlocks(pub u64);

impl Retention {
    /// The newest so many blocks; all of them if it says 0.
    pub fn of_blocks(blocks: u64) -> Result<Retention, TooFewBlocks> {
        match blocks {
            0 => Ok(Retention::All),
            1..RETAIN_BLOCKS_MIN => Err(TooFewBlocks(blocks)),
            _ => Ok(Retention::Newest(blocks)),
        }
    }

    /// How many blocks are kept; 0 says all, as in [`of_blocks`](Self::of_blocks).
    pub fn blocks(self) -> u64 {
        match self {
            Retention::All => 0,
            Retention::Newest(blocks) => blocks,
        }
    }

    /// The lowest height that must be kept when `head` is the newest.
    pub fn first_kept(self, head: Height) -> Height {
        let first = match self {
            Retention::All => 1,
            Retention::Newest(blocks) => head.0.saturating_sub(blocks).saturating_add(1),
        };
        Height(first.max(1))
    }

    /// The heights to delete when the block of `head` is written and `earliest` is the lowest that
    /// is here: from the lowest on, and only as many as one commit may wait for. `None`: nothing.
    pub fn due(self, earliest: Height, head: Height) -> Option<RangeInclusive<u64>> {
        let last = self.first_kept(head).previous();
        let last = last.0.min(
            earliest
                .0
                .saturating_add(PRUNED_BLOCKS_PER_BLOCK_MAX.saturating_sub(1)),
        );
        (earliest.0 <= last).then_some(earliest.0..=last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_kept_unless_somebody_asks_for_fewer_and_too_few_are_refused() {
        assert_eq!(Retention::of_blocks(0), Ok(Retention::All));
        assert_eq!(Retention::default(), Retention::All);
        for few in [1, 2, RETAIN_BLOCKS_MIN - 1] {
            assert_eq!(Retention::of_blocks(few), Err(TooFewBlocks(few)));
        }
        let least = Retention::of_blocks(RETAIN_BLOCKS_MIN);
        assert_eq!(least, Ok(Retention::Newest(RETAIN_BLOCKS_MIN)));
        for blocks in [0, RETAIN_BLOCKS_MIN, u64::MAX] {
            assert_eq!(
                Retention::of_blocks(blocks).map(Retention::blocks),
                Ok(blocks)
            );
        }
    }

    #[test]
    fn so_many_blocks_are_kept_as_were_asked_for_the_head_among_them() {
        let keep = Retention::Newest(300);
        for (head, first) in [(0, 1), (1, 1), (300, 1), (301, 2), (1_000, 701)] {
            assert_eq!(keep.first_kept(Height(head)), Height(first), "head {head}");
            assert_eq!(Retention::All.first_kept(Height(head)), Height(1));
        }
        assert_eq!(Retention::Newest(u64::MAX).first_kept(Height(9)), Height(1));
    }

    #[test]
    fn what_is_due_begins_with_the_lowest_and_one_commit_waits_for_a_few_only() {
        let keep = Retention::Newest(300);
        assert_eq!(keep.due(Height(1), Height(300)), None);
        assert_eq!(keep.due(Height(1), Height(301)), Some(1..=1));
        assert_eq!(keep.due(Height(2), Height(301)), None);
        let step = PRUNED_BLOCKS_PER_BLOCK_MAX;
        assert_eq!(keep.due(Height(1), Height(1_000_000)), Some(1..=step));
        assert_eq!(keep.due(Height(700), Height(1_000)), Some(700..=700));
        assert_eq!(keep.due(Height(1_000), Height(1_000)), None);
        assert_eq!(Retention::All.due(Height(1), Height(1_000_000)), None);
        assert_eq!(keep.due(Height(u64::MAX), Height(u64::MAX)), None);
    }

    /// A node that keeps up deletes one block for each that it writes, and one that begins with a
    /// long chain catches up with its own rule.
    #[test]
    fn a_long_chain_is_shortened_while_it_grows() {
        let keep = Retention::Newest(300);
        let (mut earliest, mut head) = (Height(1), Height(100_000));
        let mut commits = 0u64;
        while earliest < keep.first_kept(head) {
            (head, commits) = (head.next(), commits + 1);
            if let Some(due) = keep.due(earliest, head) {
                earliest = Height(*due.end()).next();
            }
        }
        assert_eq!(
            commits,
            (100_000 - 300) / (PRUNED_BLOCKS_PER_BLOCK_MAX - 1) + 1
        );
        assert_eq!(
            keep.due(earliest, head.next()),
            Some(earliest.0..=earliest.0)
        );
    }
}
