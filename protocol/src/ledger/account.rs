//! Accounts: what is stored of them, under which keys, and how one is proved.
use super::state::{KeyHash, ReadError, StateReader};
use super::tree;
use crate::codec;
use crate::types::{Address, Hash};
use borsh::{BorshDeserialize, BorshSerialize};

/// What changes with an account's transactions. Its public key stands under a key of its own, so
/// that two kilobytes are not written again with each of them.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    BorshSerialize,
    BorshDeserialize,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct Account {
    /// In the chain's smallest unit.
    pub balance: u64,
    /// How many transactions of this account have been executed: the nonce of the next one.
    pub nonce: u64,
}

const ACCOUNT_BYTES: usize = 16;

impl Account {
    pub(super) fn read(
        reader: &dyn StateReader,
        version: u64,
        address: &Address,
    ) -> Result<Option<Account>, ReadError> {
        let bytes = reader.value(&account_key(address), version)?;
        bytes.map(|b| Account::decode(address, &b)).transpose()
    }

    fn decode(address: &Address, bytes: &[u8]) -> Result<Account, ReadError> {
        codec::decode("account", bytes, ACCOUNT_BYTES)
            .map_err(|error| ReadError::Corrupt(format!("account {address}: {error}")))
    }
}

/// Where an account stands in the tree. The domain is part of the hashed key: no address can be
/// chosen to meet another kind of record.
pub fn account_key(address: &Address) -> KeyHash {
    Hash::of(&[b"account/", &address.0]).0
}

/// Where the public key of an account stands in the tree.
pub fn public_key_key(address: &Address) -> KeyHash {
    Hash::of(&[b"key/", &address.0]).0
}

/// The account in the newest committed state; `None` if it has never been paid nor paid.
pub fn account(reader: &dyn StateReader, address: &Address) -> Result<Option<Account>, ReadError> {
    account_at(reader, newest(reader)?, address)
}

/// The same in the state of `version`, which must be one that is kept
/// ([`version_after`](super::version_after)).
pub fn account_at(
    reader: &dyn StateReader,
    version: u64,
    address: &Address,
) -> Result<Option<Account>, ReadError> {
    Account::read(reader, version, address)
}

/// The public key on record for `address` in the newest committed state.
pub fn public_key(
    reader: &dyn StateReader,
    address: &Address,
) -> Result<Option<Vec<u8>>, ReadError> {
    reader.value(&public_key_key(address), newest(reader)?)
}

/// Proves what the newest committed state holds of `address`, also that it holds nothing.
///
/// The reader should be a snapshot: then the root to compare with is that of the same snapshot's
/// head, and no commit can come between.
pub fn prove_account(
    reader: &dyn StateReader,
    address: &Address,
) -> Result<AccountProof, ReadError> {
    prove_account_at(reader, newest(reader)?, address)
}

/// The same of the state of `version`, which must be one that is kept: then the root to compare
/// with is that of a header whose block has this version.
pub fn prove_account_at(
    reader: &dyn StateReader,
    version: u64,
    address: &Address,
) -> Result<AccountProof, ReadError> {
    let (bytes, path) = tree::prove(reader, version, &account_key(address))?;
    let account = bytes.map(|b| Account::decode(address, &b)).transpose()?;
    Ok(AccountProof { account, path })
}

pub(super) fn newest(reader: &dyn StateReader) -> Result<u64, ReadError> {
    reader
        .latest_version()?
        .ok_or_else(|| ReadError::Corrupt("not even the genesis state was written".into()))
}

/// What a state root says about one address: inclusion or exclusion.
#[derive(Clone, Debug, PartialEq, BorshSerialize, BorshDeserialize)]
pub struct AccountProof {
    /// The claim; `None` claims that there is no such account.
    pub account: Option<Account>,
    path: tree::Path,
}

/// The proof does not lead from this account to this root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the proof does not lead from this account to this state root")]
pub struct ProofError;

impl AccountProof {
    /// What `root` holds of `address`, with no other trust than in `root`.
    pub fn verify(&self, root: &Hash, address: &Address) -> Result<Option<Account>, ProofError> {
        let value = self.account.as_ref().map(codec::encode);
        if tree::verify(&self.path, root, &account_key(address), value.as_deref()) {
            Ok(self.account)
        } else {
            Err(ProofError)
        }
    }
}
