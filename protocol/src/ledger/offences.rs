//! Evidence in blocks: when it may stand there, and what the state holds of it afterwards.
//!
//! Under each committed [`Offence`] the state holds an [`OffenceRecord`], so that all nodes agree,
//! under one root, on what a later block may no longer carry; and under each accused validator an
//! [`OffenceSummary`], for rules that want to act on it. Neither is ever pruned: a record of some
//! hundred bytes stands beside the proof of some seven thousand in its block, which is kept too,
//! and a block carries [`EVIDENCE_PER_BLOCK_MAX`] at the most. One key can sign as many offences of
//! past heights as it likes: so a block accuses one validator
//! [`EVIDENCE_PER_BLOCK_PER_VALIDATOR_MAX`] times at the most, and the whole chain
//! [`EVIDENCE_PER_VALIDATOR_MAX`] times.
use super::account::newest;
use super::limits::KNOWN_EVIDENCE_MAX;
use super::overlay::Overlay;
use super::state::{KeyHash, ReadError, StateReader};
use super::validity::InvalidBlock;
use crate::codec;
use crate::limits::{
    BLOCK_EVIDENCE_BYTES_MAX, EVIDENCE_AGE_MAX, EVIDENCE_PER_BLOCK_MAX,
    EVIDENCE_PER_BLOCK_PER_VALIDATOR_MAX, EVIDENCE_PER_VALIDATOR_MAX, VALIDATOR_SETS_KEPT_MAX,
};
use crate::nouns::evidence::{Evidence, EvidenceError, Offence};
use crate::nouns::sign_bytes::SignContext;
use crate::recent::Recent;
use crate::types::{Address, Hash, Height};
use crate::validators::schedule::ValidatorSchedule;
use crate::validators::set::ValidatorSet;
use borsh::{BorshDeserialize, BorshSerialize};

/// A committed offence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, serde::Serialize)]
pub struct OffenceRecord {
    /// The block that carries the proof.
    pub committed_at: Height,
    /// Who, where and what.
    pub offence: Offence,
    /// [`Evidence::hash`] of the proof.
    pub evidence: Hash,
}

/// What a validator has done so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, serde::Serialize)]
pub struct OffenceSummary {
    /// Committed offences.
    pub count: u64,
    /// The one that was committed last.
    pub newest: OffenceRecord,
}

/// Both records are of a fixed size far below.
const RECORD_BYTES_MAX: usize = 256;

/// Why a piece of evidence may not stand in a block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceRefusal {
    /// A block lists its evidence rising by offence, each once.
    #[error("it does not rise above the one before it")]
    Order,
    /// A height is accused only when it is over.
    #[error("its height is not below the block's")]
    TooEarly,
    /// Older than anything that is accepted.
    #[error(
        "it is more than {EVIDENCE_AGE_MAX} heights old, or more than {VALIDATOR_SETS_KEPT_MAX} \
         changes of the validator set"
    )]
    TooOld,
    /// A block has carried a proof of it.
    #[error("block {0} has carried it")]
    Committed(Height),
    /// Nobody fills a block with one validator.
    #[error("it accuses its validator more than {EVIDENCE_PER_BLOCK_PER_VALIDATOR_MAX} times")]
    Crowded,
    /// Blocks have carried as many offences of its validator as they ever carry.
    #[error("its validator has been accused {EVIDENCE_PER_VALIDATOR_MAX} times, which is enough")]
    Exhausted,
    /// It proves nothing.
    #[error(transparent)]
    Proof(#[from] EvidenceError),
}

/// Where the record of an offence stands in the tree.
pub fn offence_key(offence: &Offence) -> KeyHash {
    Hash::of(&[b"offence/", &codec::encode(offence)]).0
}

/// Where the summary of a validator stands in the tree.
pub fn offences_key(validator: &Address) -> KeyHash {
    Hash::of(&[b"offences/", &validator.0]).0
}

/// The record of an offence in the newest committed state.
pub fn offence(
    reader: &dyn StateReader,
    offence: &Offence,
) -> Result<Option<OffenceRecord>, ReadError> {
    read(reader, newest(reader)?, &offence_key(offence))
}

/// What `validator` has done, in the newest committed state.
pub fn offences(
    reader: &dyn StateReader,
    validator: &Address,
) -> Result<Option<OffenceSummary>, ReadError> {
    read(reader, newest(reader)?, &offences_key(validator))
}

fn read<T: BorshDeserialize>(
    reader: &dyn StateReader,
    version: u64,
    key: &KeyHash,
) -> Result<Option<T>, ReadError> {
    let bytes = reader.value(key, version)?;
    bytes.map(|bytes| decode(&bytes)).transpose()
}

fn decode<T: BorshDeserialize>(bytes: &[u8]) -> Result<T, ReadError> {
    codec::decode("offence", bytes, RECORD_BYTES_MAX)
        .map_err(|error| ReadError::Corrupt(error.to_string()))
}

/// Evidence that this node has verified, by hash. Bounded: the oldest are forgotten first.
pub(super) struct KnownEvidence(Recent<Hash>);

impl KnownEvidence {
    pub(super) fn new() -> KnownEvidence {
        KnownEvidence(Recent::new(KNOWN_EVIDENCE_MAX))
    }

    pub(super) fn note(&mut self, hash: Hash) {
        self.0.note(hash, ());
    }

    fn verify(
        &mut self,
        set: &ValidatorSet,
        context: &SignContext,
        evidence: &Evidence,
    ) -> Result<(), EvidenceError> {
        let hash = evidence.hash();
        if self.0.get(&hash).is_none() {
            evidence.verify(set, context)?;
            self.note(hash);
        }
        Ok(())
    }
}

/// Count and size: before anything is looked at.
pub(super) fn check_size(evidence: &[Evidence]) -> Result<(), InvalidBlock> {
    if evidence.len() > EVIDENCE_PER_BLOCK_MAX {
        return Err(InvalidBlock::EvidenceCount(evidence.len()));
    }
    let bytes = |e: &Evidence| borsh::object_length(e).unwrap_or(usize::MAX);
    let actual = evidence
        .iter()
        .fold(0usize, |sum, e| sum.saturating_add(bytes(e)));
    if actual > BLOCK_EVIDENCE_BYTES_MAX {
        return Err(InvalidBlock::EvidenceBytes(actual));
    }
    Ok(())
}

/// How many offences of the validator with this summary in the state blocks have carried.
pub(super) fn accusations(summary: Option<Vec<u8>>) -> Result<u64, ReadError> {
    let summary: Option<OffenceSummary> = summary.map(|bytes| decode(&bytes)).transpose()?;
    Ok(summary.map_or(0, |summary| summary.count))
}

/// Whether a block that accuses this validator so often may do so once more.
pub(super) fn has_place<'a>(
    accused: &Address,
    block: impl IntoIterator<Item = &'a Offence>,
) -> bool {
    let times = block.into_iter().filter(|o| o.validator == *accused);
    times.count() < EVIDENCE_PER_BLOCK_PER_VALIDATOR_MAX
}

/// Checks the evidence of the block of `height`, cheapest first, and records it.
pub(super) fn execute(
    (validators, context): (&ValidatorSchedule, &SignContext),
    known: &mut KnownEvidence,
    state: &mut Overlay<'_>,
    height: Height,
    evidence: &[Evidence],
) -> Result<(), InvalidBlock> {
    let mut before: Vec<Offence> = Vec::new();
    for (index, item) in evidence.iter().enumerate() {
        let offence = item.offence();
        let refuse = |reason| InvalidBlock::Evidence {
            index,
            offence,
            reason,
        };
        if before.last() >= Some(&offence) {
            return Err(refuse(EvidenceRefusal::Order));
        }
        let set = accusing_set(validators, height, &offence).map_err(refuse)?;
        if !has_place(&offence.validator, &before) {
            return Err(refuse(EvidenceRefusal::Crowded));
        }
        let summary = state.record(&offences_key(&offence.validator))?;
        if accusations(summary)? >= EVIDENCE_PER_VALIDATOR_MAX {
            return Err(refuse(EvidenceRefusal::Exhausted));
        }
        if let Some(bytes) = state.record(&offence_key(&offence))? {
            let record: OffenceRecord = decode(&bytes)?;
            return Err(refuse(EvidenceRefusal::Committed(record.committed_at)));
        }
        known
            .verify(set, context, item)
            .map_err(|error| refuse(error.into()))?;
        record(state, height, offence, item.hash())?;
        before.push(offence);
    }
    Ok(())
}

/// The set of the height of this offence, or why its evidence is too early or too old for the block
/// of `height`.
pub(super) fn accusing_set<'a>(
    validators: &'a ValidatorSchedule,
    height: Height,
    offence: &Offence,
) -> Result<&'a ValidatorSet, EvidenceRefusal> {
    if offence.height >= height {
        return Err(EvidenceRefusal::TooEarly);
    }
    let age = height.0.saturating_sub(offence.height.0);
    let set = validators.at(offence.height);
    set.map(|set| &**set)
        .filter(|_| age <= EVIDENCE_AGE_MAX)
        .ok_or(EvidenceRefusal::TooOld)
}

fn record(
    state: &mut Overlay<'_>,
    committed_at: Height,
    offence: Offence,
    evidence: Hash,
) -> Result<(), ReadError> {
    let newest = OffenceRecord {
        committed_at,
        offence,
        evidence,
    };
    let summary = state.record(&offences_key(&offence.validator))?;
    let count = accusations(summary)?.saturating_add(1);
    let summary = OffenceSummary { count, newest };
    state.set_record(offence_key(&offence), codec::encode(&newest));
    state.set_record(offences_key(&offence.validator), codec::encode(&summary));
    Ok(())
}
