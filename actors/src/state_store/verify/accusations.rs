//! What is stored about offences: which blocks carry evidence is a copy of what stands in them; what
//! waits for a block, and forks, stand nowhere else, and must prove what they say.
use super::super::error::StoreError;
use super::super::evidence_tables::FORK_BYTES_MAX;
use super::super::layout::{height_key, offence_key};
use super::super::read::Reading;
use super::{Replay, bad, demand};
use lockstep_protocol::codec;
use lockstep_protocol::consensus::committer::forks::KnownFork;
use lockstep_protocol::ledger::ChainRules;
use lockstep_protocol::limits::EVIDENCE_BYTES_MAX;
use lockstep_protocol::nouns::block::SealedBlock;
use lockstep_protocol::nouns::evidence::Evidence;

/// The row of a block says what the block carries, and there is none if that is nothing. How many
/// rows it has.
pub(super) fn check_carried(
    reading: &Reading<'_>,
    block: &SealedBlock,
) -> Result<usize, StoreError> {
    let height = block.height();
    let carried = &block.block().evidence;
    let stored = reading
        .tables
        .accusing
        .bytes(reading.txn, &height_key(height));
    let stored = stored.map_err(|error| error.at(height))?;
    let expected = (!carried.is_empty()).then(|| codec::encode(carried));
    demand(stored == expected.as_deref(), "accusing", height)?;
    Ok(usize::from(expected.is_some()))
}

/// Evidence that waits stands under its offence, and proves it.
pub(super) fn check_waiting(
    reading: &Reading<'_>,
    rules: &ChainRules,
    replay: &Replay<'_>,
) -> Result<(), StoreError> {
    let table = &reading.tables.evidence;
    table.each(reading.txn, |key, bytes| {
        let evidence: Evidence = codec::decode("evidence", bytes, EVIDENCE_BYTES_MAX)?;
        let offence = evidence.offence();
        let height = offence.height;
        demand(key == offence_key(&offence), table.name(), height)?;
        let set = replay.set_of(rules, (table.name(), height))?;
        let verified = evidence.verify(&set, &rules.context);
        verified.map_err(|error| bad(table.name(), height, error))
    })
}

/// A fork stands under its height: two decisions of it, and what convicts who made it.
pub(super) fn check_forks(
    reading: &Reading<'_>,
    rules: &ChainRules,
    replay: &Replay<'_>,
) -> Result<(), StoreError> {
    let table = &reading.tables.forks;
    let context = &rules.context;
    table.each(reading.txn, |key, bytes| {
        let KnownFork { fork, .. } = codec::decode("fork", bytes, FORK_BYTES_MAX)?;
        let height = fork.height();
        let (first, second) = (&fork.first, &fork.second);
        let is_one = second.height == height && first.block_id != second.block_id;
        demand(key == height_key(height) && is_one, table.name(), height)?;
        let set = replay.set_of(rules, (table.name(), height))?;
        for certificate in [first, second] {
            let verified = certificate.verify(&set, context);
            verified.map_err(|error| bad(table.name(), height, error))?;
        }
        for evidence in &fork.evidence {
            let verified = evidence.verify(&set, context);
            verified.map_err(|error| bad(table.name(), height, error))?;
        }
        Ok(())
    })
}
