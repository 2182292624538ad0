//! For people, when execution does not give the state root that a certified block promises: what
//! this node's execution changes. The differing keys are among these, because the root before the
//! block was that of everybody.
use super::account::Account;
use super::chain::Ledger;
use super::execute::{self, Place};
use super::overlay::Overlay;
use super::state::ReadError;
use crate::block::SealedBlock;
use crate::transaction::Action;
use crate::types::{Address, Hex};
use std::collections::BTreeSet;
use std::fmt;

/// A key of the state that a block changes here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangedKey {
    /// `account/<address>`: before and after the block.
    Account(Address, Account, Account),
    /// `key/<address>`: the account's public key, of so many bytes, is recorded.
    PublicKey(Address, usize),
    /// `record/<address>/<key>`: a record is written or removed.
    Record(Address, Vec<u8>),
}

impl fmt::Display for ChangedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChangedKey::Account(address, before, after) => write!(
                f,
                "account/{address}: balance {} → {}, nonce {} → {}",
                before.balance, after.balance, before.nonce, after.nonce
            ),
            ChangedKey::PublicKey(address, bytes) => {
                write!(f, "key/{address}: {bytes} bytes")
            }
            ChangedKey::Record(address, key) => write!(f, "record/{address}/{}", Hex(key)),
        }
    }
}

impl Ledger {
    /// The keys that `block` changes on this head, accounts and public keys by address, then
    /// records; as far as its transactions can be executed here.
    pub fn explain(&mut self, block: &SealedBlock) -> Result<Vec<ChangedKey>, ReadError> {
        let version = self.head.state_version;
        let mut state = Overlay::new(&*self.reader, version, &self.validators);
        let place = Place::of(block.header());
        let mut records = BTreeSet::new();
        for (leaf, transaction) in block.leaves().iter().zip(&block.block().transactions) {
            let (rules, signatures) = (&self.rules, &mut self.signatures);
            let named = (leaf, transaction);
            if execute::execute(rules, signatures, &mut state, place, named).is_err() {
                break;
            }
            if let Action::Put { key, .. } | Action::Delete { key } = &transaction.body.action {
                records.insert((transaction.sender, key.clone()));
            }
        }
        let mut changed = Vec::new();
        for (address, after) in state.accounts() {
            let before = Account::read(&*self.reader, version, address)?.unwrap_or_default();
            changed.push(ChangedKey::Account(*address, before, *after));
        }
        let keys = state.public_keys();
        changed.extend(keys.map(|(address, key)| ChangedKey::PublicKey(*address, key.len())));
        let records = records.into_iter();
        changed.extend(records.map(|(owner, key)| ChangedKey::Record(owner, key)));
        Ok(changed)
    }
}
