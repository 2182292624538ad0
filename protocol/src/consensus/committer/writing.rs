//! Decided blocks: they wait for the one before them, and are written one after the other, in order of
//! height, however they came and in whatever order; what becomes of one that cannot be written, and what
//! follows when one is durable.
//!
//! What this node has decided itself, and what was certified by the set that is known to decide its
//! height, is *certified*. A block of a height further on comes with a certificate of whatever set
//! it names: it is a claim until the chain has been followed there. The first block of a height
//! stays, but a certified one displaces a claim, and never the other way round.
//!
//! Invariants: no height twice; never more than its limit, and then the heights nearest to the head;
//! one run of blocks is under way to the disk at a time; after a halt nothing moves any more.
use super::{Committer, Output};
use crate::ledger::{CommitBatch, DecisionReader, InvalidBlock, ReadError};
use crate::limits::{COMMIT_RUN_BLOCKS_MAX, COMMIT_RUN_BYTES_MAX};
use crate::nouns::block::SealedBlock;
use crate::nouns::commit::CommitCertificate;
use crate::nouns::decided::DecidedBlock;
use crate::types::{Address, Height};
use crate::validators::schedule::ValidatorSchedule;
use std::collections::BTreeMap;
use std::sync::Arc;

#[cfg(test)]
mod tests;

#[derive(Clone, Debug)]
struct Waiting {
    decided: DecidedBlock,
    /// The peer that sent it; `None`: this node has decided it.
    from: Option<Address>,
}

impl Waiting {
    fn is_certified(&self, validators: &ValidatorSchedule) -> bool {
        let block = &self.decided.block;
        let set = validators.at(block.height());
        let is_right = set.is_some_and(|set| set.hash() == block.header().validators_hash);
        is_right || self.from.is_none()
    }

    fn displaces(&self, first: &Waiting, validators: &ValidatorSchedule) -> bool {
        planted!(ForeignBlockDisplaces => return false);
        !first.is_certified(validators) && self.is_certified(validators)
    }
}

/// The queue. Certificates of blocks in it have been verified, each by the set that its block names.
#[derive(Clone, Debug)]
pub(super) struct CommitQueue {
    head: Height,
    waiting: BTreeMap<Height, Waiting>,
    blocks_max: usize,
    writing: Option<Height>,
    halted: bool,
}

impl CommitQueue {
    /// After `head`; at most `blocks_max` blocks wait.
    pub(super) fn new(head: Height, blocks_max: usize) -> CommitQueue {
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
    ///
    /// If it displaces a claim, all that wait behind that go with it, as they may be as false, and
    /// the answer names the peer that sent it.
    fn offer(
        &mut self,
        decided: DecidedBlock,
        from: Option<Address>,
        validators: &ValidatorSchedule,
    ) -> Option<Address> {
        let height = decided.block.height();
        if self.halted || height <= self.writing.unwrap_or(self.head) {
            return None;
        }
        let offered = Waiting { decided, from };
        let mut liar = None;
        if let Some(first) = self.waiting.get(&height) {
            if !offered.displaces(first, validators) {
                return None;
            }
            liar = first.from;
            self.discard(height);
        }
        self.waiting.insert(height, offered);
        if self.waiting.len() > self.blocks_max {
            self.waiting.pop_last();
        }
        liar
    }

    /// The peer that sent the block that waits at this height; `None` as well if it is this node's
    /// own decision.
    fn sender(&self, height: Height) -> Option<Address> {
        self.waiting.get(&height)?.from
    }

    /// The certificate that waits at this height, if it is no mere claim.
    pub(super) fn certified(
        &self,
        height: Height,
        validators: &ValidatorSchedule,
    ) -> Option<Arc<CommitCertificate>> {
        let waiting = self.waiting.get(&height)?;
        let is_certified = waiting.is_certified(validators);
        is_certified.then(|| waiting.decided.certificate.clone())
    }

    /// The blocks after the head in a row, as many as may be written in one transaction; none while
    /// others are under way. They wait until [`begin`](Self::begin) is told.
    fn next_run(&self) -> Vec<DecidedBlock> {
        let mut run = Vec::new();
        let mut bytes = 0usize;
        if self.writing.is_some() {
            return run;
        }
        let mut next = self.head.next();
        let waiting = self.waiting.range(next..).take(COMMIT_RUN_BLOCKS_MAX);
        for (height, Waiting { decided, .. }) in waiting {
            // Counting cannot fail: nothing is written anywhere.
            let more = borsh::object_length(decided.block.block()).unwrap_or(usize::MAX);
            bytes = bytes.saturating_add(more);
            if *height != next || (bytes > COMMIT_RUN_BYTES_MAX && !run.is_empty()) {
                break;
            }
            run.push(decided.clone());
            next = next.next();
        }
        run
    }

    /// The waiting blocks up to this height are under way to the disk, until
    /// [`written`](Self::written) is told.
    fn begin(&mut self, last: Height) {
        self.writing = Some(last);
        self.waiting = self.waiting.split_off(&last.next());
    }

    /// A block of this height is durable, whoever ordered it.
    fn written(&mut self, height: Height) {
        self.head = self.head.max(height);
        self.writing.take_if(|writing| *writing <= height);
        self.waiting = self.waiting.split_off(&self.head.next());
    }

    /// The waiting block of this height was certified by a set that does not decide it: it proves
    /// nothing, and the right one may come. Those behind it may be as false.
    fn discard(&mut self, height: Height) {
        self.waiting.split_off(&height);
    }

    /// The block after the head is certified and invalid here: nothing can follow it.
    pub(super) fn halt(&mut self) {
        self.halted = true;
        self.waiting.clear();
    }
}

impl Committer {
    /// A decided block waits for its turn. `from`: the peer that sent it; `None`: this node has
    /// decided it.
    pub(super) fn enqueue(
        &mut self,
        decisions: &dyn DecisionReader,
        decided: DecidedBlock,
        from: Option<Address>,
        out: &mut Vec<Output>,
    ) -> Result<(), ReadError> {
        self.look_for_fork(decisions, &decided.certificate, out)?;
        let height = decided.block.height();
        let validators = self.ledger.validators();
        if let Some(liar) = self.queue.offer(decided, from, validators) {
            out.push(Output::Discarded(height.next(), liar));
        }
        Ok(())
    }

    /// Has the next blocks written, in one transaction: a node that catches up would wait for the
    /// disk at every block. Nothing of them is told before they are all durable.
    pub(super) fn commit_next(
        &mut self,
        decisions: &dyn DecisionReader,
        out: &mut Vec<Output>,
    ) -> Result<(), ReadError> {
        let run = self.queue.next_run();
        let Some(first) = run.first() else {
            return Ok(());
        };
        let height = first.block.height();
        let verdict = self.ledger.commit_run(&run);
        if let Err(other) = self.config.trusted.judge(&run, &verdict) {
            self.queue.halt();
            out.push(Output::OtherThanTrusted(other));
            return Ok(());
        }
        match verdict {
            Ok(batches) => {
                if let Some(last) = batches.last() {
                    self.queue.begin(last.block.height());
                    let written = batches.iter();
                    let written = written.map(|b| (b.block.height(), b.certificate.clone()));
                    self.writing.extend(written);
                    out.push(Output::Write(batches));
                }
                Ok(())
            }
            Err(InvalidBlock::Fatal(error)) => Err(error),
            Err(error) => match self.foreign(&error, height) {
                Some(liar) => {
                    self.discard(height, liar, out);
                    Ok(())
                }
                None => self.halt(decisions, &first.block, error, out),
            },
        }
    }

    fn discard(&mut self, height: Height, liar: Address, out: &mut Vec<Output>) {
        planted!(DiscardUnreported => return self.queue.discard(height));
        self.queue.discard(height);
        out.push(Output::Discarded(height, liar));
    }

    /// Who sent the block that waits at this height, if it was certified by whom the chain has not
    /// named: it proves nothing, and is asked for anew. What this node has decided itself, the right
    /// validators have certified.
    fn foreign(&self, why: &InvalidBlock, height: Height) -> Option<Address> {
        let is_foreign = matches!(why, InvalidBlock::ValidatorSet);
        self.queue.sender(height).filter(|_| is_foreign)
    }

    /// Nothing can follow this block here: no vote, no further block. Reads go on.
    fn halt(
        &mut self,
        decisions: &dyn DecisionReader,
        block: &SealedBlock,
        error: InvalidBlock,
        out: &mut Vec<Output>,
    ) -> Result<(), ReadError> {
        let height = block.height();
        self.look_behind(decisions, &error, block, out)?;
        let explained = self.explain(&error, block)?;
        self.queue.halt();
        out.push(Output::InvalidDecision(height, error, explained));
        out.push(Output::StopVoting(height));
        out.push(Output::StopSync);
        Ok(())
    }

    /// Of a root that differs: what it is made of here.
    fn explain(
        &mut self,
        error: &InvalidBlock,
        block: &SealedBlock,
    ) -> Result<Vec<String>, ReadError> {
        let made_of: Vec<String> = match error {
            InvalidBlock::StateRoot { .. } => {
                let changed = self.ledger.explain(block)?.changed.into_iter();
                changed.map(|key| format!("it changes {key}")).collect()
            }
            InvalidBlock::ReceiptsRoot { .. } => {
                let receipts = self.ledger.explain(block)?.receipts.into_iter();
                let ends = receipts.map(|receipt| format!("it ends with {receipt}"));
                ends.collect()
            }
            _ => return Ok(Vec::new()),
        };
        Ok(self.suspects(block).into_iter().chain(made_of).collect())
    }

    /// Of a block with calls: an application that is not deterministic is the likeliest reason.
    fn suspects(&self, block: &SealedBlock) -> Option<String> {
        let calls = self.ledger.calls_of(block);
        (!calls.is_empty()).then(|| {
            format!(
                "it calls applications ({calls}): one that is not deterministic, or another build of \
                 it, gives another result"
            )
        })
    }

    pub(super) fn stored(
        &mut self,
        batch: Arc<CommitBatch>,
        out: &mut Vec<Output>,
    ) -> Result<(), ReadError> {
        let height = batch.block.height();
        let is_next = height == self.ledger.head().height.next();
        self.ledger.committed(&batch);
        self.queue.written(height);
        self.writing.retain(|writing, _| *writing > height);
        let carried = if is_next {
            self.carried(&batch.block, out)
        } else {
            Ok(())
        };
        out.push(Output::Committed(batch));
        carried
    }
}
