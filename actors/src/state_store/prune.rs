//! Old blocks go, a few with each new one and in its transaction: so no commit waits for long, a
//! crash leaves no block without its certificate, and LMDB writes new pages where the old ones were.
//!
//! With a block go its certificate, receipts, evidence, the places of its ids, its rows of the history, and the state that
//! nothing proves without it. Of a block after which other validators decide, header and certificate
//! stay. Of states whose blocks are here, the newest versions are kept ([`write::state`]).
use super::error::StoreError;
use super::history;
use super::layout::{
    HandoverRecord, HeadRecord, META_EARLIEST, META_HEAD, Tables, height_key, locations_of,
};
use super::read::Reading;
use super::write::{self, Failure};
use heed::RwTxn;
use lockstep_protocol::codec;
use lockstep_protocol::ledger::Retention;
use lockstep_protocol::limits::{
    BLOCK_BYTES_MAX, CERTIFICATE_BYTES_MAX, PRUNED_BYTES_PER_BLOCK_MAX,
};
use lockstep_protocol::nouns::block::Block;
use lockstep_protocol::proofs::snapshot::is_handover;
use lockstep_protocol::types::Height;

/// Deletes what one commit may wait for.
pub(super) fn step(
    tables: &Tables,
    txn: &mut RwTxn<'_>,
    retention: Retention,
) -> Result<(), Failure> {
    if retention == Retention::All {
        return Ok(());
    }
    let reading = Reading { tables, txn };
    let (head, earliest): (HeadRecord, _) = (reading.meta(META_HEAD)?, reading.earliest()?);
    let Some(due) = retention.due(earliest, head.height) else {
        return Ok(());
    };
    let mut bytes = 0usize;
    let mut next = earliest;
    for height in due.map(Height) {
        bytes += one(tables, txn, height)?;
        next = height.next();
        if bytes >= PRUNED_BYTES_PER_BLOCK_MAX {
            break;
        }
    }
    tables.meta.put(txn, META_EARLIEST, &next)?;
    states(tables, txn, next)
}

/// Deletes what only states before that of `earliest` have: no header proves them any more.
fn states(tables: &Tables, txn: &mut RwTxn<'_>, earliest: Height) -> Result<(), Failure> {
    let kept = Reading { tables, txn }.versions()?;
    let over = kept.iter().skip(1);
    let over = over.take_while(|start| start.height <= earliest);
    over.map(|start| start.version)
        .try_for_each(|version| write::forget(tables, txn, version))
}

/// Deletes a block with all that belongs to it; returns how long it was.
fn one(tables: &Tables, txn: &mut RwTxn<'_>, height: Height) -> Result<usize, Failure> {
    let key = height_key(height);
    let gone = || StoreError::corrupt("the oldest block is gone").at(height);
    let bytes = tables.blocks.bytes(txn, &key)?.ok_or_else(gone)?;
    let length = bytes.len();
    let block: Block = codec::decode("block", bytes, BLOCK_BYTES_MAX)
        .map_err(|error| StoreError::from(error).at(height))?;
    if is_handover(&block.header) {
        let gone = || StoreError::corrupt("its certificate is gone").at(height);
        let table = &tables.certificates;
        let certificate = table.get(txn, &key, CERTIFICATE_BYTES_MAX)?;
        let handover = HandoverRecord {
            header: block.header.clone(),
            certificate: certificate.ok_or_else(gone)?,
        };
        tables.handovers.put(txn, &key, &handover)?;
    }
    for (id, _) in locations_of(block.header.id(), &block) {
        tables.locations.delete(txn, &id.0)?;
    }
    history::pruned(tables, txn, &block)?;
    tables.accusing.delete(txn, &key)?;
    tables.receipts.delete(txn, &key)?;
    tables.certificates.delete(txn, &key)?;
    tables.blocks.delete(txn, &key)?;
    Ok(length)
}
