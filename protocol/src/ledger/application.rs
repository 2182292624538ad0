//! What applications keep in the state: where it stands, how one value is proved, and how questions
//! about committed state are asked.
use super::account::{ProofError, newest};
use super::state::{KeyHash, ReadError, StateReader};
use super::tree;
use crate::application::{Below, Installed, Panicked, QueryRefused, Unreadable, state_key};
use crate::types::{Hash, Height};
use borsh::{BorshDeserialize, BorshSerialize};
use std::cell::RefCell;

/// Where a value of an application stands in the tree: name and key are hashed with their lengths, so
/// no two pairs of them meet.
pub fn application_key(name: &str, key: &[u8]) -> KeyHash {
    state_key(name, key)
}

/// The value in the newest committed state, if there is one.
pub fn application_state(
    reader: &dyn StateReader,
    name: &str,
    key: &[u8],
) -> Result<Option<Vec<u8>>, ReadError> {
    application_state_at(reader, newest(reader)?, name, key)
}

/// The same in the state of `version`, which must be one that is kept.
pub fn application_state_at(
    reader: &dyn StateReader,
    version: u64,
    name: &str,
    key: &[u8],
) -> Result<Option<Vec<u8>>, ReadError> {
    reader.value(&application_key(name, key), version)
}

/// Proves what the newest committed state holds under this key, also that it holds nothing. As
/// with accounts, the reader should be a snapshot.
pub fn prove_application(
    reader: &dyn StateReader,
    name: &str,
    key: &[u8],
) -> Result<ApplicationProof, ReadError> {
    prove_application_at(reader, newest(reader)?, name, key)
}

/// The same of the state of `version`, which must be one that is kept.
pub fn prove_application_at(
    reader: &dyn StateReader,
    version: u64,
    name: &str,
    key: &[u8],
) -> Result<ApplicationProof, ReadError> {
    let (value, path) = tree::prove(reader, version, &application_key(name, key))?;
    Ok(ApplicationProof { value, path })
}

/// What a state root says about one key of one application: inclusion or exclusion.
#[derive(Clone, Debug, PartialEq, BorshSerialize, BorshDeserialize)]
pub struct ApplicationProof {
    /// The claim; `None` claims that there is no such value.
    #[borsh(deserialize_with = "crate::codec::read_optional_bytes")]
    pub value: Option<Vec<u8>>,
    path: tree::Path,
}

impl ApplicationProof {
    /// What `root` holds under `key` of the application `name`, with no other trust than in `root`.
    pub fn verify(&self, root: &Hash, name: &str, key: &[u8]) -> Result<Option<&[u8]>, ProofError> {
        let value = self.value.as_deref();
        if tree::verify(&self.path, root, &application_key(name, key), value) {
            Ok(value)
        } else {
            Err(ProofError)
        }
    }
}

/// Asks an application about the state of `version`, that after the block of `height`. A panic is the
/// application's, and says nothing of this node.
pub fn query_application(
    (reader, version, height): (&dyn StateReader, u64, Height),
    installed: &Installed,
    (path, data): (&str, &[u8]),
) -> Result<Result<Result<Vec<u8>, QueryRefused>, Panicked>, ReadError> {
    let below = Committed {
        reader,
        version,
        failed: RefCell::new(None),
    };
    match installed.query((&below, height), path, data) {
        Ok(Some(answer)) => Ok(Ok(answer)),
        Ok(None) => Err(below.failed.into_inner().unwrap_or_else(|| {
            ReadError::Corrupt(format!(
                "a value of the application {installed} cannot be read"
            ))
        })),
        Err(panicked) => Ok(Err(panicked)),
    }
}

struct Committed<'a> {
    reader: &'a dyn StateReader,
    version: u64,
    failed: RefCell<Option<ReadError>>,
}

impl Below for Committed<'_> {
    fn value(&self, key: &KeyHash) -> Result<Option<Vec<u8>>, Unreadable> {
        self.reader.value(key, self.version).map_err(|error| {
            self.failed.replace(Some(error));
            Unreadable
        })
    }
}
