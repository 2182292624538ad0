//! Writes: each method is one transaction, all or nothing.
use super::error::StoreError;
use super::evidence_tables;
use super::fault;
use super::history;
use super::layout::{
    HeadRecord, META_BYTES_MAX, META_HALT, META_HEAD, META_TRANSACTION, SIGNED_LOCK,
    SIGNED_PRECOMMIT, SIGNED_PREVOTE, SIGNED_PROPOSAL, STALE_BYTES_MAX, Stale, Tables, height_key,
    locations, proposed_key, value_key,
};
use super::prune;
use super::read::Reading;
use super::{Durability, Inner, Store};
use crate::limits::DEAD_READERS_EVERY;
use heed::RwTxn;
use lockstep_protocol::consensus::durable::{LockRecord, Persist, SignedMessage};
use lockstep_protocol::ledger::{CommitBatch, STATE_VERSIONS_KEPT, StateChanges};
use lockstep_protocol::nouns::vote::VoteKind;
use lockstep_protocol::types::{Hash, Height};
use std::borrow::Borrow;
use std::sync::atomic::Ordering;

/// What a write can meet: LMDB's refusals and our own.
pub(super) enum Failure {
    Lmdb(heed::Error),
    Store(StoreError),
}

impl From<heed::Error> for Failure {
    fn from(error: heed::Error) -> Self {
        Failure::Lmdb(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Failure::Store(error)
    }
}

impl Store {
    /// Writes a decided block: [`commit_run`](Self::commit_run) of one.
    pub fn commit_block(&self, batch: &CommitBatch) -> Result<(), StoreError> {
        self.commit_run(&[batch])
    }

    /// Writes decided blocks that follow each other, in one transaction: all of them or none. Of
    /// each: block, certificate, receipts, locations, state changes and head; and forgets the
    /// proposed blocks of its height. Demands that it follows the head; one that is written already, told again by
    /// a committer that fell meanwhile, changes nothing.
    pub fn commit_run(&self, run: &[impl Borrow<CommitBatch>]) -> Result<(), StoreError> {
        let Some(last) = run.last() else {
            return Ok(());
        };
        let committed = Some(last.borrow().block.height());
        self.forget_dead_readers(last.borrow().block.height());
        let retention = self.inner.retention.get().copied().unwrap_or_default();
        self.write_then("commit a block", committed, |tables, txn| {
            let mut run = run.iter();
            run.try_for_each(|batch| {
                commit_one(tables, txn, batch.borrow())?;
                prune::step(tables, txn, retention)
            })
        })
    }

    /// An export that was killed leaves a reader behind, and pages that it may have read are not used
    /// again until somebody has looked.
    fn forget_dead_readers(&self, height: Height) {
        if height.0.is_multiple_of(DEAD_READERS_EVERY)
            && let Err(error) = self.inner.env.clear_stale_readers()
        {
            log::warn!("readers that have ended could not be forgotten: {error}");
        }
    }

    /// Writes the records of one turn. Of each step the newest position stays, of locks the newest
    /// round: told twice or late, it changes nothing.
    pub fn persist(&self, records: &[Persist]) -> Result<(), StoreError> {
        self.write("keep the sign record", |tables, txn| {
            records
                .iter()
                .try_for_each(|record| persist_one(tables, txn, record))
        })
    }

    /// Remembers that the certified block of `height` is invalid here: this node must not vote
    /// again, however often it restarts. The first such height stays.
    pub fn remember_halt(&self, height: Height) -> Result<(), StoreError> {
        self.write("remember the halt", |tables, txn| {
            let known = tables.meta.get::<Height>(txn, META_HALT, META_BYTES_MAX)?;
            match known {
                Some(_) => Ok(()),
                None => Ok(tables.meta.put(txn, META_HALT, &height)?),
            }
        })
    }

    pub(super) fn write(
        &self,
        what: &str,
        write: impl FnOnce(&Tables, &mut RwTxn<'_>) -> Result<(), Failure>,
    ) -> Result<(), StoreError> {
        self.write_then(what, None, write)
    }

    /// One transaction, which commits the block of this height if it is one that does.
    fn write_then(
        &self,
        what: &str,
        committed: Option<Height>,
        write: impl FnOnce(&Tables, &mut RwTxn<'_>) -> Result<(), Failure>,
    ) -> Result<(), StoreError> {
        let inner = &self.inner;
        let begun = fault::point().map_err(heed::Error::from);
        let written = begun
            .and_then(|()| inner.env.write_txn())
            .map_err(Failure::Lmdb);
        let written = written.and_then(|mut txn| {
            write(&inner.tables, &mut txn)?; // dropped on an error: nothing is written
            let transaction = txn.id() as u64;
            let meta = &inner.tables.meta;
            meta.put(&mut txn, META_TRANSACTION, &transaction)?;
            fault::point().map_err(heed::Error::from)?;
            txn.commit()?;
            Ok(inner.written(transaction, committed)?)
        });
        written.map_err(|failure| match failure {
            Failure::Lmdb(error) => inner.note(StoreError::lmdb(what, inner.map_bytes, error)),
            Failure::Store(error) => inner.note(error),
        })
    }
}

impl Inner {
    /// Notes what LMDB has just made durable, before anybody hears of it.
    pub(super) fn written(
        &self,
        transaction: u64,
        committed: Option<Height>,
    ) -> Result<(), StoreError> {
        self.transaction.store(transaction, Ordering::Relaxed);
        if let Some(height) = committed {
            self.height.fetch_max(height.0, Ordering::Relaxed);
        }
        let mark = self.mark_now(false);
        self.mark.write(&mark)?;
        let may_sync = self.durability == Durability::Power;
        self.key_guard.get().map_or(Ok(()), |guard| {
            guard.note(transaction, mark.height, may_sync)
        })
    }
}

fn commit_one(tables: &Tables, txn: &mut RwTxn<'_>, batch: &CommitBatch) -> Result<(), Failure> {
    let head = batch.head();
    let key = height_key(head.height);
    let reading = Reading { tables, txn };
    let written: HeadRecord = reading.meta(META_HEAD)?;
    let known = reading.certificate(head.height)?;
    if known.is_some_and(|known| known.block_id == head.block_id) {
        return Ok(());
    }
    demand_next(&written, batch)?;
    tables.blocks.put(txn, &key, batch.block.block())?;
    tables.certificates.put(txn, &key, &*batch.certificate)?;
    tables.receipts.put(txn, &key, &*batch.receipts)?;
    for (id, location) in locations(&batch.block) {
        tables.locations.put(txn, &id.0, &location)?;
    }
    tables.meta.put(txn, META_HEAD, &HeadRecord::of(&head))?;
    let last = proposed_key(head.height, &Hash([0xff; 32]));
    tables.proposed.delete_to(txn, &last)?;
    evidence_tables::committed(tables, txn, &batch.block)?;
    history::committed(tables, txn, batch.block.block())?;
    state(tables, txn, head.height, &batch.changes)
}

/// Height, parent, certificate and state version must be those that follow `head`.
fn demand_next(head: &HeadRecord, batch: &CommitBatch) -> Result<(), StoreError> {
    let refuse = |what: String| Err(StoreError::OutOfOrder(what));
    let expected = head.height.next();
    let actual = batch.block.height();
    if actual != expected {
        return refuse(format!("block {actual} where block {expected} is next"));
    }
    if batch.block.header().previous_block != head.block_id {
        return refuse(format!("block {actual} on a parent that is not the head"));
    }
    let certificate = &batch.certificate;
    if (certificate.height, certificate.block_id) != (actual, batch.block.id()) {
        return refuse(format!("block {actual} with the certificate of another"));
    }
    let version = head.state_version + u64::from(!batch.changes.is_empty());
    if batch.changes.version != version {
        return refuse(format!(
            "state version {} where {version} is next",
            batch.changes.version
        ));
    }
    Ok(())
}

/// Writes the state changes of the block of `height`, 0 for genesis, and deletes what has been stale for long.
pub(super) fn state(
    tables: &Tables,
    txn: &mut RwTxn<'_>,
    height: Height,
    changes: &StateChanges,
) -> Result<(), Failure> {
    if changes.is_empty() {
        return Ok(());
    }
    let version = changes.version;
    let mut stale = Stale {
        nodes: changes.stale.clone(),
        values: Vec::new(),
    };
    for (key, value) in &changes.values {
        let (first, last) = (value_key(key, 0), value_key(key, version));
        let older = tables.values.last_in(txn, &(&first[..]..=&last[..]))?;
        stale.values.extend(older.map(|(key, _)| key.to_vec()));
        if value.is_none() {
            stale.values.push(last.clone());
        }
        // No value is empty: a row without bytes says that there is none any more.
        let bytes = value.clone().unwrap_or_default();
        tables.values.put_bytes(txn, &last, bytes)?;
    }
    for (key, node) in &changes.nodes {
        tables.nodes.put_bytes(txn, key, node.clone())?;
    }
    tables.stale.put(txn, &version.to_be_bytes(), &stale)?;
    tables.versions.put(txn, &version.to_be_bytes(), &height)?;
    match version.checked_sub(STATE_VERSIONS_KEPT) {
        Some(version) => forget(tables, txn, version),
        None => Ok(()),
    }
}

/// Deletes what only versions before `version` could read.
pub(super) fn forget(tables: &Tables, txn: &mut RwTxn<'_>, version: u64) -> Result<(), Failure> {
    let key = version.to_be_bytes();
    tables.versions.delete_below(txn, &key)?;
    let Some(stale) = tables.stale.get::<Stale>(txn, &key, STALE_BYTES_MAX)? else {
        return Ok(());
    };
    for key in &stale.nodes {
        tables.nodes.delete(txn, key)?;
    }
    for key in &stale.values {
        tables.values.delete(txn, key)?;
    }
    tables.stale.delete(txn, &key)?;
    Ok(())
}

fn persist_one(tables: &Tables, txn: &mut RwTxn<'_>, record: &Persist) -> Result<(), Failure> {
    let table = &tables.signed;
    let position = record.signed.position();
    let recorded = Reading { tables, txn }.recorded(position.2)?;
    if let Some(other) = recorded.as_ref().filter(|r| r.position() == position)
        && *other != record.signed
    {
        // The last line of defence: whoever asks for this has signed twice.
        let what = format!("a second message at {position:?}");
        return Err(StoreError::OutOfOrder(what).into());
    }
    if recorded.is_none_or(|recorded| position >= recorded.position()) {
        match &record.signed {
            SignedMessage::Proposal(proposal) => table.put(txn, SIGNED_PROPOSAL, proposal)?,
            SignedMessage::Vote(vote) if vote.vote.kind == VoteKind::Prevote => {
                table.put(txn, SIGNED_PREVOTE, vote)?;
            }
            SignedMessage::Vote(vote) => table.put(txn, SIGNED_PRECOMMIT, vote)?,
        }
    }
    if let Some(lock) = &record.lock {
        let recorded = Reading { tables, txn }.lock()?;
        let is_older = |old: LockRecord| (lock.height, lock.round) < (old.height, old.round);
        if !recorded.is_some_and(is_older) {
            table.put(txn, SIGNED_LOCK, lock)?;
        }
    }
    if let Some(block) = &record.block {
        let key = proposed_key(block.height(), &block.id());
        tables.proposed.put(txn, &key, block.block())?;
    }
    Ok(())
}
