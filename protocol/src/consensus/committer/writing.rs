//! Decided blocks: which is written next, what becomes of one that cannot be, and what follows when
//! one is durable.
use super::{Committer, Output};
use crate::ledger::{CommitBatch, DecisionReader, InvalidBlock, ReadError};
use crate::nouns::block::SealedBlock;
use crate::nouns::decided::DecidedBlock;
use crate::types::{Address, Height};
use std::sync::Arc;

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
        Ok(match error {
            InvalidBlock::StateRoot { .. } => {
                let changed = self.ledger.explain(block)?.changed.into_iter();
                changed.map(|key| format!("it changes {key}")).collect()
            }
            InvalidBlock::ReceiptsRoot { .. } => {
                let receipts = self.ledger.explain(block)?.receipts.into_iter();
                let ends = receipts.map(|receipt| format!("it ends with {receipt}"));
                ends.collect()
            }
            _ => Vec::new(),
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
