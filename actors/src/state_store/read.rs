//! Reads: each on the database as it is at one moment, none waits for a writer.
use super::error::StoreError;
use super::layout::{
    HeadRecord, LOCATION_BYTES_MAX, Location, META_BYTES_MAX, META_EARLIEST, META_HEAD,
    SIGNED_LOCK, SIGNED_PRECOMMIT, SIGNED_PREVOTE, SIGNED_PROPOSAL, Tables, height_key, value_key,
};
use super::table::Entry;
use borsh::BorshDeserialize;
use heed::RoTxn;
use lockstep_protocol::codec;
use lockstep_protocol::consensus::durable::{LockRecord, Recovery, SignStep, SignedMessage};
use lockstep_protocol::ledger::{self, Head, HistoryError, KeyHash, Receipt, VersionStart};
use lockstep_protocol::limits::{BLOCK_BYTES_MAX, CERTIFICATE_BYTES_MAX, VOTE_BYTES_MAX};
use lockstep_protocol::nouns::block::{Block, SealedBlock};
use lockstep_protocol::nouns::commit::CommitCertificate;
use lockstep_protocol::nouns::decided::DecidedBlock;
use lockstep_protocol::types::{Hash, Height};
use std::sync::Arc;

mod reader;

pub use reader::StoreView;
pub(super) use reader::state_reader;

/// A lock: height, round, id and a certificate.
const LOCK_BYTES_MAX: usize = CERTIFICATE_BYTES_MAX + 256;
/// One height.
const VERSION_BYTES_MAX: usize = 8;

/// All that can be read, in one transaction.
pub(super) struct Reading<'a> {
    pub(super) tables: &'a Tables,
    pub(super) txn: &'a RoTxn<'a>,
}

impl Reading<'_> {
    pub(super) fn meta<T: BorshDeserialize>(&self, key: &[u8]) -> Result<T, StoreError> {
        let found = self.tables.meta.get(self.txn, key, META_BYTES_MAX)?;
        found.ok_or_else(|| {
            StoreError::corrupt(format!("it has no {}", String::from_utf8_lossy(key)))
        })
    }

    pub(super) fn head(&self) -> Result<Head, StoreError> {
        let record: HeadRecord = self.meta(META_HEAD)?;
        let certificate = self.certificate(record.height)?;
        if certificate.as_ref().map_or(Height(0), |c| c.height) != record.height {
            return Err(StoreError::corrupt(
                "the head has no certificate of its own",
            ));
        }
        Ok(Head {
            height: record.height,
            block_id: record.block_id,
            time: record.time,
            state_root: record.state_root,
            state_version: record.state_version,
            certificate,
        })
    }

    pub(super) fn block(&self, height: Height) -> Result<Option<Arc<SealedBlock>>, StoreError> {
        let bytes = self.tables.blocks.bytes(self.txn, &height_key(height));
        let block = bytes.and_then(|bytes| bytes.map(sealed_block).transpose());
        self.committed("block", height, block)
    }

    /// The lowest height whose block is here, once there is one.
    pub(super) fn earliest(&self) -> Result<Height, StoreError> {
        let meta = &self.tables.meta;
        let earliest = meta.get(self.txn, META_EARLIEST, META_BYTES_MAX)?;
        Ok(earliest.unwrap_or(Height(1)))
    }

    /// A row of a committed height is there, unless it was pruned; or its key has rotted. Names the
    /// height in an error.
    fn committed<T>(
        &self,
        what: &str,
        height: Height,
        found: Result<Option<T>, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let found = found.map_err(|error| error.at(height))?;
        if found.is_none() && height > Height(0) {
            let head: HeadRecord = self.meta(META_HEAD)?;
            if height <= head.height && height >= self.earliest()? {
                return Err(StoreError::corrupt(format!("its {what} is gone")).at(height));
            }
        }
        Ok(found)
    }

    pub(super) fn certificate(
        &self,
        height: Height,
    ) -> Result<Option<Arc<CommitCertificate>>, StoreError> {
        let table = &self.tables.certificates;
        let found = table.get(self.txn, &height_key(height), CERTIFICATE_BYTES_MAX);
        Ok(self.committed("certificate", height, found)?.map(Arc::new))
    }

    pub(super) fn receipts(&self, height: Height) -> Result<Option<Vec<Receipt>>, StoreError> {
        let table = &self.tables.receipts;
        // A receipt is never larger than its transaction.
        let found = table.get(self.txn, &height_key(height), BLOCK_BYTES_MAX);
        self.committed("list of receipts", height, found)
    }

    pub(super) fn location(&self, id: &Hash) -> Result<Option<Location>, StoreError> {
        let table = &self.tables.locations;
        table.get(self.txn, &id.0, LOCATION_BYTES_MAX)
    }

    fn decided(
        &self,
        from: Height,
        limit: usize,
        bytes_max: usize,
    ) -> Result<Vec<DecidedBlock>, StoreError> {
        let mut found = Vec::new();
        let mut bytes = 0usize;
        let mut height = from.max(Height(1));
        while found.len() < limit {
            let here = self.committed("block", height, self.sealed_pair(height))?;
            let Some((block, certificate)) = here else {
                break;
            };
            bytes = bytes.saturating_add(block.len() + certificate.len());
            if bytes > bytes_max && !found.is_empty() {
                break;
            }
            let block = sealed_block(block).map_err(|error| error.at(height))?;
            let certificate = codec::decode("certificate", certificate, CERTIFICATE_BYTES_MAX)
                .map_err(|error| StoreError::from(error).at(height))?;
            found.push(DecidedBlock {
                block,
                certificate: Arc::new(certificate),
            });
            height = height.next();
        }
        Ok(found)
    }

    /// How many bytes a committed block and its certificate have together; 0 if there is none.
    pub(super) fn decided_bytes(&self, height: Height) -> Result<usize, StoreError> {
        let pair = self.committed("block", height, self.sealed_pair(height))?;
        Ok(pair.map_or(0, |(block, certificate)| block.len() + certificate.len()))
    }

    /// The bytes of a committed block, and of its certificate.
    fn sealed_pair(&self, height: Height) -> Result<Option<Entry<'_>>, StoreError> {
        let key = height_key(height);
        let Some(block) = self.tables.blocks.bytes(self.txn, &key)? else {
            return Ok(None);
        };
        let certificate = self.tables.certificates.bytes(self.txn, &key)?;
        let certificate = certificate
            .ok_or_else(|| StoreError::corrupt(format!("block {height} has no certificate")))?;
        Ok(Some((block, certificate)))
    }

    pub(super) fn recovery(&self) -> Result<Recovery, StoreError> {
        let blocks = self.tables.proposed.all(self.txn)?.into_iter();
        let blocks: Vec<Arc<SealedBlock>> = blocks
            .map(|(_, bytes)| sealed_block(bytes))
            .collect::<Result<_, _>>()?;
        self.demand_known_records()?;
        let lock = self.lock()?;
        let undecided = self.head()?.height.next();
        let is_open = |lock: &&LockRecord| lock.height == undecided;
        if let Some(lock) = lock.as_ref().filter(is_open)
            && !blocks.iter().any(|block| block.id() == lock.block_id)
        {
            // Without it the lock could not be kept, and voting would be unsafe.
            return Err(StoreError::corrupt(
                "the block that this validator is locked on is gone",
            ));
        }
        Ok(Recovery {
            proposal: self.signed(SIGNED_PROPOSAL, VOTE_BYTES_MAX)?,
            prevote: self.signed(SIGNED_PREVOTE, VOTE_BYTES_MAX)?,
            precommit: self.signed(SIGNED_PRECOMMIT, VOTE_BYTES_MAX)?,
            lock,
            blocks,
        })
    }

    /// A record under a key that nobody asks for would be a signature that is forgotten.
    fn demand_known_records(&self) -> Result<(), StoreError> {
        let known = [
            SIGNED_PROPOSAL,
            SIGNED_PREVOTE,
            SIGNED_PRECOMMIT,
            SIGNED_LOCK,
        ];
        let records = self.tables.signed.all(self.txn)?;
        if records.iter().all(|(key, _)| known.contains(key)) {
            return Ok(());
        }
        Err(StoreError::corrupt("its sign record holds an unknown row"))
    }

    /// The newest own message of a step.
    pub(super) fn recorded(&self, step: SignStep) -> Result<Option<SignedMessage>, StoreError> {
        Ok(match step {
            SignStep::Propose => self
                .signed(SIGNED_PROPOSAL, VOTE_BYTES_MAX)?
                .map(SignedMessage::Proposal),
            SignStep::Prevote => self
                .signed(SIGNED_PREVOTE, VOTE_BYTES_MAX)?
                .map(SignedMessage::Vote),
            SignStep::Precommit => self
                .signed(SIGNED_PRECOMMIT, VOTE_BYTES_MAX)?
                .map(SignedMessage::Vote),
        })
    }

    pub(super) fn lock(&self) -> Result<Option<LockRecord>, StoreError> {
        self.signed(SIGNED_LOCK, LOCK_BYTES_MAX)
    }

    fn signed<T: BorshDeserialize>(
        &self,
        key: &[u8],
        bytes_max: usize,
    ) -> Result<Option<T>, StoreError> {
        self.tables.signed.get(self.txn, key, bytes_max)
    }

    pub(super) fn node(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.tables.nodes.bytes(self.txn, key)?.map(<[u8]>::to_vec))
    }

    pub(super) fn value(
        &self,
        key: &KeyHash,
        version_max: u64,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let (first, last) = (value_key(key, 0), value_key(key, version_max));
        let found = self
            .tables
            .values
            .last_in(self.txn, &(&first[..]..=&last[..]))?;
        let there = found.filter(|(_, value)| !value.is_empty());
        Ok(there.map(|(_, value)| value.to_vec()))
    }

    /// The values of the state of `version` in order of key, each with the version that wrote it.
    pub(super) fn values_at<E: From<StoreError>>(
        &self,
        version: u64,
        mut look: impl FnMut(KeyHash, u64, Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut newest: Option<(KeyHash, u64, Vec<u8>)> = None;
        // A row without bytes says that its key has no value any more.
        let mut tell = |found: Option<(KeyHash, u64, Vec<u8>)>| match found {
            Some((key, written, value)) if !value.is_empty() => look(key, written, value),
            _ => Ok(()),
        };
        self.tables.values.each(self.txn, |key, value| {
            let (key, written) = split_value_key(key)?;
            if written > version {
                return Ok(());
            }
            // Rows of a key follow each other by version; the last that counts is its value.
            let before = newest.replace((key, written, value.to_vec()));
            tell(before.filter(|(other, ..)| *other != key))
        })?;
        tell(newest)
    }

    /// The versions of the state that can be read, with the heights they began at.
    pub(super) fn versions(&self) -> Result<Vec<VersionStart>, StoreError> {
        let rows = self.tables.versions.all(self.txn)?.into_iter();
        let start = |(key, height): Entry<'_>| {
            let version = key.try_into().map(u64::from_be_bytes);
            let version = version.map_err(|_| StoreError::corrupt("a version has no number"))?;
            let height = codec::decode("height of a version", height, VERSION_BYTES_MAX)?;
            Ok(VersionStart { version, height })
        };
        rows.map(start).collect()
    }

    pub(super) fn version_after(
        &self,
        height: Height,
    ) -> Result<Result<u64, HistoryError>, StoreError> {
        let head: HeadRecord = self.meta(META_HEAD)?;
        let kept = self.versions()?;
        let found = ledger::version_after(&kept, head.height, height);
        let block = match self.earliest()? {
            Height(1) => Height(0), // genesis stands in the genesis document
            earliest => earliest,
        };
        Ok(match found {
            // Nothing proves a state whose header is gone.
            Ok(_) if height < block => Err(HistoryError::Pruned {
                height,
                earliest: block,
            }),
            Err(HistoryError::Pruned { height, earliest }) => Err(HistoryError::Pruned {
                height,
                earliest: earliest.max(block),
            }),
            found => found,
        })
    }

    pub(super) fn latest_version(&self) -> Result<Option<u64>, StoreError> {
        let head: HeadRecord = self.meta(META_HEAD)?;
        Ok(Some(head.state_version))
    }
}

fn split_value_key(key: &[u8]) -> Result<(KeyHash, u64), StoreError> {
    let split = key.split_first_chunk::<32>();
    let split = split.and_then(|(key, version)| Some((*key, version.try_into().ok()?)));
    let (key, version) = split.ok_or_else(|| StoreError::corrupt("a key of table values"))?;
    Ok((key, u64::from_be_bytes(version)))
}

fn sealed_block(bytes: &[u8]) -> Result<Arc<SealedBlock>, StoreError> {
    let block: Block = codec::decode("block", bytes, BLOCK_BYTES_MAX)?;
    let block = SealedBlock::new(block).map_err(|error| StoreError::corrupt(error.to_string()))?;
    Ok(Arc::new(block))
}
