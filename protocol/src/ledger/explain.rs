//! For people, when execution does not give the state root that a certified block promises: what
//! this node's execution changes. The differing keys are among these, because the root before the
//! block was that of everybody.
use super::account::Account;
use super::chain::Ledger;
use super::execute::{self, Place};
use super::overlay::Overlay;
use super::state::ReadError;
use crate::block::SealedBlock;
use crate::types::Address;
use std::fmt;

/// A key of the state that a block changes here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangedKey {
    /// `account/<address>`: before and after the block.
    Account(Address, Account, Account),
    /// `key/<address>`: the account's public key, of so many bytes, is recorded.
    PublicKey(Address, usize),
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
        }
    }
}

impl Ledger {
    /// The keys that `block` changes on this head, by address, accounts first; as far as its
    /// transactions can be executed here.
    pub fn explain(&mut self, block: &SealedBlock) -> Result<Vec<ChangedKey>, ReadError> {
        let version = self.head.state_version;
        let mut state = Overlay::new(&*self.reader, version);
        let place = Place::of(block.header());
        for transaction in &block.block().transactions {
            let (rules, signatures) = (&self.rules, &mut self.signatures);
            if execute::execute(rules, signatures, &mut state, place, transaction).is_err() {
                break;
            }
        }
        let mut changed = Vec::new();
        for (address, after) in state.accounts() {
            let before = Account::read(&*self.reader, version, address)?.unwrap_or_default();
            changed.push(ChangedKey::Account(*address, before, *after));
        }
        let keys = state.public_keys();
        changed.extend(keys.map(|(address, key)| ChangedKey::PublicKey(*address, key.len())));
        Ok(changed)
    }
}
