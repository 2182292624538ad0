//! Records: values that accounts keep under keys of their own, and how one is proved.
use super::account::{ProofError, newest};
use super::refusal::TransactionError;
use super::state::{KeyHash, ReadError, StateReader};
use super::tree;
use crate::codec;
use crate::limits::{RECORD_KEY_BYTES_MAX, RECORD_VALUE_BYTES_MAX};
use crate::types::{Address, Hash, Height};
use borsh::{BorshDeserialize, BorshSerialize};

/// The value with its length, and the height.
const RECORD_BYTES_MAX: usize = RECORD_VALUE_BYTES_MAX + 12;

/// What stands under a key of an account.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, serde::Serialize)]
pub struct Record {
    /// As its owner has written it: at most
    /// [`RECORD_VALUE_BYTES_MAX`](crate::limits::RECORD_VALUE_BYTES_MAX) bytes.
    #[borsh(deserialize_with = "crate::codec::read_bytes")]
    #[serde(serialize_with = "crate::types::serialize_hex")]
    pub value: Vec<u8>,
    /// The block that has written it last: since then it has been this, and nothing else.
    pub height: Height,
}

impl Record {
    fn decode(owner: &Address, bytes: &[u8]) -> Result<Record, ReadError> {
        codec::decode("record", bytes, RECORD_BYTES_MAX)
            .map_err(|error| ReadError::Corrupt(format!("a record of {owner}: {error}")))
    }
}

/// Where a record stands in the tree. An address has a fixed length, so no two pairs of owner and
/// key meet.
pub fn record_key(owner: &Address, key: &[u8]) -> KeyHash {
    Hash::of(&[b"record/", &owner.0, key]).0
}

/// The record in the newest committed state, if there is one.
pub fn record(
    reader: &dyn StateReader,
    owner: &Address,
    key: &[u8],
) -> Result<Option<Record>, ReadError> {
    record_at(reader, newest(reader)?, owner, key)
}

/// The same in the state of `version`, which must be one that is kept.
pub fn record_at(
    reader: &dyn StateReader,
    version: u64,
    owner: &Address,
    key: &[u8],
) -> Result<Option<Record>, ReadError> {
    let bytes = reader.value(&record_key(owner, key), version)?;
    bytes.map(|b| Record::decode(owner, &b)).transpose()
}

/// Proves what the newest committed state holds under this key, also that it holds nothing. As
/// with accounts, the reader should be a snapshot.
pub fn prove_record(
    reader: &dyn StateReader,
    owner: &Address,
    key: &[u8],
) -> Result<RecordProof, ReadError> {
    prove_record_at(reader, newest(reader)?, owner, key)
}

/// The same of the state of `version`, which must be one that is kept.
pub fn prove_record_at(
    reader: &dyn StateReader,
    version: u64,
    owner: &Address,
    key: &[u8],
) -> Result<RecordProof, ReadError> {
    let (bytes, path) = tree::prove(reader, version, &record_key(owner, key))?;
    let record = bytes.map(|b| Record::decode(owner, &b)).transpose()?;
    Ok(RecordProof { record, path })
}

/// What a state root says about one key of one account: inclusion or exclusion.
#[derive(Clone, Debug, PartialEq, BorshSerialize, BorshDeserialize)]
pub struct RecordProof {
    /// The claim; `None` claims that there is no such record.
    pub record: Option<Record>,
    path: tree::Path,
}

impl RecordProof {
    /// What `root` holds under `key` of `owner`, with no other trust than in `root`.
    pub fn verify(
        &self,
        root: &Hash,
        owner: &Address,
        key: &[u8],
    ) -> Result<Option<&Record>, ProofError> {
        let value = self.record.as_ref().map(codec::encode);
        if tree::verify(&self.path, root, &record_key(owner, key), value.as_deref()) {
            Ok(self.record.as_ref())
        } else {
            Err(ProofError)
        }
    }
}

/// What can be said of a record's key without any state.
pub(super) fn check_key(key: &[u8]) -> Result<(), TransactionError> {
    if (1..=RECORD_KEY_BYTES_MAX).contains(&key.len()) {
        Ok(())
    } else {
        Err(TransactionError::RecordKey(key.len()))
    }
}
