//! What is written for decided blocks, and the head that moves with them.
//!
//! Runs: decided blocks in a row, executed one on the other before the first of them is written, so
//! that all can be written in one transaction. Each is checked as if it came alone, its state root
//! against its header; only its state is read past the ones before it.
use super::chain::{Executed, Ledger};
use super::head::CommitBatch;
use super::memory::MemoryState;
use super::state::{KeyHash, ReadError, StateReader};
use super::validity::InvalidBlock;
use crate::nouns::block::SealedBlock;
use crate::nouns::commit::CommitCertificate;
use crate::nouns::decided::DecidedBlock;
use std::mem;
use std::sync::Arc;

impl Ledger {
    /// What to write for a decided block; executes it (again) if its overlay is gone. The caller
    /// vouches for the certificate's signatures ([`verify_certificate`](Self::verify_certificate)).
    ///
    /// The head moves only when the batch is durable: [`committed`](Self::committed).
    pub fn commit(
        &mut self,
        block: &Arc<SealedBlock>,
        certificate: Arc<CommitCertificate>,
    ) -> Result<Arc<CommitBatch>, InvalidBlock> {
        if (certificate.height, certificate.block_id) != (block.height(), block.id()) {
            return Err(InvalidBlock::ForeignCertificate);
        }
        let Executed {
            changes,
            receipts,
            changed_set,
        } = self.verdict(block)?;
        Ok(Arc::new(CommitBatch {
            block: block.clone(),
            certificate,
            changes,
            receipts,
            validators: self.validators.after_next(changed_set),
        }))
    }

    /// `batch` is durable: the head moves, and what was checked on the old one is forgotten. Told
    /// twice, or of another height, it changes nothing.
    pub fn committed(&mut self, batch: &CommitBatch) {
        let head = batch.head();
        if head.height != self.head.height.next() {
            return;
        }
        self.verdicts.clear();
        self.head = head;
        self.validators = batch.validators.clone();
    }

    /// What to write for these blocks, which follow the head and each other: for as many of them,
    /// from the first on, as are valid. The error says why the first is not:
    /// [`ValidatorSet`](InvalidBlock::ValidatorSet) if it was not certified at all. As with
    /// [`commit`](Self::commit), the caller vouches for the certificates, each by the set that its
    /// block names, and the head moves only when the batches are durable.
    pub fn commit_run(
        &mut self,
        run: &[DecidedBlock],
    ) -> Result<Vec<Arc<CommitBatch>>, InvalidBlock> {
        let Some((first, rest)) = run.split_first() else {
            return Ok(Vec::new());
        };
        if first.block.header().validators_hash != self.validators.current().hash() {
            // Before all else: what the set of this height has not certified says nothing of it.
            return Err(InvalidBlock::ValidatorSet);
        }
        let mut last = self.commit(&first.block, first.certificate.clone())?;
        let mut batches = vec![last.clone()];
        if rest.is_empty() {
            return Ok(batches);
        }
        let state = Arc::new(Unwritten {
            written: self.reader.clone(),
            above: MemoryState::default(),
        });
        let (head, validators) = (self.head.clone(), self.validators.clone());
        let mut ahead = Ledger::on(self.rules.clone(), state.clone(), head, validators);
        mem::swap(&mut ahead.signatures, &mut self.signatures);
        for decided in rest {
            state.above.apply(&last.changes);
            ahead.committed(&last);
            let Ok(batch) = ahead.commit(&decided.block, decided.certificate.clone()) else {
                // Judged again, and then for good, when it is the first.
                break;
            };
            last = batch;
            batches.push(last.clone());
        }
        mem::swap(&mut ahead.signatures, &mut self.signatures);
        Ok(batches)
    }
}

/// Committed state with the changes of blocks above it that are not written yet.
struct Unwritten {
    written: Arc<dyn StateReader>,
    above: MemoryState,
}

impl StateReader for Unwritten {
    fn node(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        match self.above.node(key)? {
            Some(node) => Ok(Some(node)),
            None => self.written.node(key),
        }
    }

    fn value(&self, key: &KeyHash, version_max: u64) -> Result<Option<Vec<u8>>, ReadError> {
        match self.above.change(key, version_max) {
            Some(change) => Ok(change),
            None => self.written.value(key, version_max),
        }
    }

    fn latest_version(&self) -> Result<Option<u64>, ReadError> {
        match self.above.latest_version()? {
            Some(version) => Ok(Some(version)),
            None => self.written.latest_version(),
        }
    }
}
