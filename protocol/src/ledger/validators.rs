//! The validator sets of the chain, in the state: under its first height each set that a block has
//! named, and the newest of these heights. Nothing of it is ever deleted: whoever asks for an old
//! height, or for a proof, finds it.
use super::state::{KeyHash, ReadError, StateReader};
use crate::codec;
use crate::crypto::Scheme;
use crate::limits::{VALIDATOR_SET_BYTES_MAX, VALIDATOR_SETS_KEPT_MAX};
use crate::types::{Hash, Height};
use crate::validators::schedule::ValidatorSchedule;
use crate::validators::set::{Validator, ValidatorSet};
use borsh::{BorshDeserialize, BorshSerialize};
use std::sync::Arc;

/// A validator set as the state holds it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ValidatorSetRecord {
    /// The first height that it decides.
    pub from: Height,
    /// The first height of the set before it; `None` for the set of the genesis.
    pub previous: Option<Height>,
    /// In order of address.
    pub validators: Vec<Validator>,
}

/// Where the set that decides from `first` on stands in the tree.
pub fn validator_set_key(first: Height) -> KeyHash {
    Hash::of(&[b"validators/set/", &first.0.to_be_bytes()]).0
}

/// Where the first height of the newest set stands in the tree.
pub fn newest_validator_set_key() -> KeyHash {
    Hash::of(&[b"validators/newest"]).0
}

/// The sets that the state at `version`, that after the block of `head`, knows: what every node on
/// this head knows. Prepares all keys.
pub fn validator_schedule(
    scheme: &dyn Scheme,
    reader: &dyn StateReader,
    head: Height,
    version: u64,
) -> Result<ValidatorSchedule, ReadError> {
    let mut changes: Vec<(Height, Arc<ValidatorSet>)> = Vec::new();
    let mut first = Some(newest(reader, version)?);
    while let Some(from) = first.filter(|_| changes.len() < VALIDATOR_SETS_KEPT_MAX) {
        let record = record(reader, version, from)?;
        let known = changes.last().map(|(_, set)| &**set);
        let members = record.validators.into_iter();
        let members = members.map(|validator| (validator.public_key, validator.power));
        let set = ValidatorSet::like(known, scheme, members)
            .map_err(|error| ReadError::Corrupt(error.to_string()))?;
        changes.push((from, Arc::new(set)));
        first = earlier(record.previous, from)?;
    }
    ValidatorSchedule::of_changes(head, changes)
        .ok_or_else(|| ReadError::Corrupt("no validator set for the next height".into()))
}

/// The set that decided `height`, of whatever age; `None` before the first height. Heights after
/// the next two may still get another one.
pub fn validator_set_of(
    reader: &dyn StateReader,
    version: u64,
    height: Height,
) -> Result<Option<ValidatorSetRecord>, ReadError> {
    let mut first = Some(newest(reader, version)?);
    while let Some(from) = first {
        let record = record(reader, version, from)?;
        if from <= height {
            return Ok(Some(record));
        }
        first = earlier(record.previous, from)?;
    }
    Ok(None)
}

/// What stands in the state once a block names `set`, which decides from `first` on; `newest` stands
/// there so far under [`newest_validator_set_key`].
pub(super) fn records_after(
    newest: Option<Vec<u8>>,
    first: Height,
    set: &ValidatorSet,
) -> Result<[(KeyHash, Vec<u8>); 2], ReadError> {
    let previous = newest.map(|bytes| decode(&bytes)).transpose()?;
    Ok(records(first, previous, set.iter().cloned().collect()))
}

/// What stands in the state for a new set.
pub(super) fn records(
    from: Height,
    previous: Option<Height>,
    validators: Vec<Validator>,
) -> [(KeyHash, Vec<u8>); 2] {
    let record = ValidatorSetRecord {
        from,
        previous,
        validators,
    };
    [
        (validator_set_key(from), codec::encode(&record)),
        (newest_validator_set_key(), codec::encode(&from)),
    ]
}

fn newest(reader: &dyn StateReader, version: u64) -> Result<Height, ReadError> {
    let bytes = reader.value(&newest_validator_set_key(), version)?;
    decode(&bytes.ok_or_else(|| ReadError::Corrupt("it names no validator set".into()))?)
}

fn record(
    reader: &dyn StateReader,
    version: u64,
    from: Height,
) -> Result<ValidatorSetRecord, ReadError> {
    let bytes = reader.value(&validator_set_key(from), version)?;
    let gone = || ReadError::Corrupt(format!("the validator set of height {from} is gone"));
    decode(&bytes.ok_or_else(gone)?)
}

/// The sets are a list that ends at the genesis: each stands below the one that names it.
fn earlier(previous: Option<Height>, from: Height) -> Result<Option<Height>, ReadError> {
    if previous.is_some_and(|previous| previous >= from) {
        let what = format!("the validator sets before height {from} are no list");
        return Err(ReadError::Corrupt(what));
    }
    Ok(previous)
}

fn decode<T: BorshDeserialize>(bytes: &[u8]) -> Result<T, ReadError> {
    codec::decode("validator set", bytes, VALIDATOR_SET_BYTES_MAX)
        .map_err(|error| ReadError::Corrupt(error.to_string()))
}
