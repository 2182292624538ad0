//! Evidence that waits for a block, which blocks carry evidence, and forks. What waits is forgotten
//! in the same transaction as the block that carries it, or that is too young for it.
use super::Store;
use super::error::StoreError;
use super::layout::{Tables, height_key, offence_key};
use super::read::Reading;
use super::write::Failure;
use heed::RwTxn;
use lockstep_protocol::codec;
use lockstep_protocol::consensus::committer::forks::KnownFork;
use lockstep_protocol::ledger;
use lockstep_protocol::limits::{
    BLOCK_EVIDENCE_BYTES_MAX, CERTIFICATE_BYTES_MAX, EVIDENCE_AGE_MAX, EVIDENCE_BYTES_MAX,
    VALIDATORS_MAX,
};
use lockstep_protocol::nouns::block::SealedBlock;
use lockstep_protocol::nouns::evidence::{Evidence, Offence};
use lockstep_protocol::types::Height;

/// Two certificates, the accused, a proof of each, and whether it stops this node.
pub(super) const FORK_BYTES_MAX: usize =
    2 * CERTIFICATE_BYTES_MAX + VALIDATORS_MAX * EVIDENCE_BYTES_MAX + 1;

impl Store {
    /// Keeps evidence until a block carries it, if there is any to keep. An offence that is kept or
    /// committed already is not written again. Forgets what waits no more.
    pub fn keep_evidence<'a>(
        &self,
        keep: impl Into<Option<&'a Evidence>>,
        forget: &[Offence],
    ) -> Result<(), StoreError> {
        let keep = keep.into();
        self.write("keep evidence", |tables, txn| {
            for offence in forget {
                tables.evidence.delete(txn, &offence_key(offence))?;
            }
            let Some(keep) = keep else {
                return Ok(());
            };
            let offence = keep.offence();
            // The block that carries it may have been written since the offence was found.
            if (Reading { tables, txn }).is_committed(&offence)? {
                return Ok(());
            }
            Ok(tables.evidence.put(txn, &offence_key(&offence), keep)?)
        })
    }

    /// Evidence that waits for a block, the oldest offence first.
    pub fn pending_evidence(&self, limit: usize) -> Result<Vec<Evidence>, StoreError> {
        self.read(|reading| {
            let kept = reading
                .tables
                .evidence
                .first(reading.txn, limit)?
                .into_iter();
            let decode = |(_, bytes)| codec::decode("evidence", bytes, EVIDENCE_BYTES_MAX);
            Ok(kept.map(decode).collect::<Result<_, _>>()?)
        })
    }

    /// Committed evidence with the height of its block, the newest block first.
    pub fn committed_evidence(&self, limit: usize) -> Result<Vec<(Height, Evidence)>, StoreError> {
        self.read(|reading| {
            let mut found = Vec::new();
            let mut last = Height(u64::MAX);
            while found.len() < limit {
                let first = height_key(Height(0));
                let end = height_key(last);
                let keys = &first[..]..=&end[..];
                let Some((key, bytes)) = reading.tables.accusing.last_in(reading.txn, &keys)?
                else {
                    break;
                };
                let height = key.try_into().map(u64::from_be_bytes);
                let height = height.map_err(|_| StoreError::corrupt("a key of accusing"))?;
                let height = Height(height);
                let carried: Vec<Evidence> =
                    codec::decode("evidence", bytes, BLOCK_EVIDENCE_BYTES_MAX + 4)?;
                found.extend(carried.into_iter().map(|evidence| (height, evidence)));
                last = height.previous();
            }
            found.truncate(limit);
            Ok(found)
        })
    }

    /// Keeps the proof of a fork; of each height the first.
    pub fn keep_fork(&self, known: &KnownFork) -> Result<(), StoreError> {
        self.write("keep the proof of a fork", |tables, txn| {
            let key = height_key(known.fork.height());
            if tables.forks.bytes(txn, &key)?.is_none() {
                tables.forks.put(txn, &key, known)?;
            }
            Ok(())
        })
    }

    /// The forks that this node has proved, in order of height.
    pub fn forks(&self) -> Result<Vec<KnownFork>, StoreError> {
        self.read(|reading| {
            let kept = reading.tables.forks.all(reading.txn)?.into_iter();
            let decode = |(_, bytes)| codec::decode("fork", bytes, FORK_BYTES_MAX);
            Ok(kept.map(decode).collect::<Result<_, _>>()?)
        })
    }
}

impl Reading<'_> {
    fn is_committed(&self, offence: &Offence) -> Result<bool, StoreError> {
        let version = self.head()?.state_version;
        let record = self.value(&ledger::offence_key(offence), version)?;
        Ok(record.is_some())
    }
}

/// A block is written: what it carries waits no more, nor does what is too old for the next.
pub(super) fn committed(
    tables: &Tables,
    txn: &mut RwTxn<'_>,
    block: &SealedBlock,
) -> Result<(), Failure> {
    let height = block.height();
    let carried = &block.block().evidence;
    for evidence in carried {
        let key = offence_key(&evidence.offence());
        tables.evidence.delete(txn, &key)?;
    }
    if !carried.is_empty() {
        tables.accusing.put(txn, &height_key(height), carried)?;
    }
    if let Some(oldest) = height.next().0.checked_sub(EVIDENCE_AGE_MAX) {
        tables
            .evidence
            .delete_below(txn, &height_key(Height(oldest)))?;
    }
    Ok(())
}
