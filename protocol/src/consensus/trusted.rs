//! The block that whoever runs a node trusts (`trusted = "HASH@HEIGHT"`). Part of the Committer's
//! brain: it is asked before a run of blocks is written.
//!
//! A node that follows the chain from its genesis believes, height by height, whoever held two thirds
//! of the power then. Keys of long ago may have been sold or stolen since, and whoever has enough of
//! them can certify another chain without a flaw (weak subjectivity): no rule of this node can tell
//! the two apart. One block id from a source that its owner trusts can. So a block of that height
//! with another id is never written: the node ends before it, for somebody has to look.
//!
//! A block that the set of its height has not certified proves nothing, here either: otherwise
//! anybody could end a node that joins with a block of a set of its own.
use crate::ledger::{CommitBatch, InvalidBlock};
use crate::limits::{NEWCOMER_BEHIND_MIN, NEWCOMER_HEIGHT_MAX};
use crate::nouns::decided::DecidedBlock;
use crate::proofs::light_client::Checkpoint;
use crate::types::{BlockId, Height};
use std::sync::Arc;

/// The block that is trusted, if one is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrustedBlock(Option<Checkpoint>);

/// A chain whose block at the trusted height is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "block {height} of this chain is {actual}, not the trusted {expected}: either whoever once held \
     two thirds of the power has made another chain, or `trusted` is wrong; compare it with where \
     you have it from: if it is wrong, correct it and leave the data as it is; if it is right, move the \
     data directory away and begin again, with other peers",
    height = .trusted.height,
    expected = .trusted.id
)]
pub struct OtherThanTrusted {
    /// What is trusted.
    pub trusted: Checkpoint,
    /// What this chain has at that height.
    pub actual: BlockId,
}

impl TrustedBlock {
    /// What the settings say.
    pub fn new(trusted: Option<Checkpoint>) -> TrustedBlock {
        TrustedBlock(trusted)
    }

    /// Whose id is known.
    pub fn height(&self) -> Option<Height> {
        self.0.map(|trusted| trusted.height)
    }

    /// Whether the chain may have this block at this height.
    pub fn allows(&self, height: Height, actual: BlockId) -> Result<(), OtherThanTrusted> {
        match self.0 {
            Some(trusted) if trusted.height == height && trusted.id != actual => {
                Err(OtherThanTrusted { trusted, actual })
            }
            _ => Ok(()),
        }
    }

    /// Whether a run of decided blocks may be written, or go on to be judged, after the ledger's
    /// verdict on it: what is certified by the set of its height and is another block than the
    /// trusted one ends the node, valid or not.
    pub fn judge(
        &self,
        run: &[DecidedBlock],
        verdict: &Result<Vec<Arc<CommitBatch>>, InvalidBlock>,
    ) -> Result<(), OtherThanTrusted> {
        planted!(TrustedUnchecked => return Ok(()));
        let blocks: Vec<_> = match verdict {
            Ok(batches) => batches.iter().map(|batch| &batch.block).collect(),
            // Nothing is known of the block: of another set, or the disk cannot be read.
            Err(InvalidBlock::ValidatorSet | InvalidBlock::Fatal(_)) => Vec::new(),
            Err(_) => run.first().map(|first| &first.block).into_iter().collect(),
        };
        let mut blocks = blocks.into_iter();
        blocks.try_for_each(|block| self.allows(block.height(), block.id()))
    }

    /// What to tell whoever lets a node at `head` follow to `target` without a trusted block: only
    /// near the genesis, and only if there is a past that others could have made.
    pub fn warning(&self, head: Height, target: Height) -> Option<String> {
        let behind = target.0.saturating_sub(head.0);
        let is_newcomer = head.0 <= NEWCOMER_HEIGHT_MAX && behind >= NEWCOMER_BEHIND_MIN;
        (self.0.is_none() && is_newcomer).then(|| {
            format!(
                "following from height {head} to {target} without a trusted block: this node \
                 believes whoever once held two thirds of the power, whoever has their keys now; \
                 ask a node that you trust (lockstep block --rpc URL, or lockstep status) and set \
                 trusted = \"HASH@HEIGHT\""
            )
        })
    }
}

#[cfg(test)]
mod tests;
