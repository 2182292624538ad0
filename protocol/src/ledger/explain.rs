//! For people, when execution does not give the roots that a certified block promises: what this
//! node's execution changes, and how each transaction ends here. The differing keys are among
//! these, because the root before the block was that of everybody.
use super::account::Account;
use super::chain::Ledger;
use super::consent::validator_votes_key;
use super::declare_ready::readiness_key;
use super::execute;
use super::offences::{self, offence_key, offences_key};
use super::overlay::Overlay;
use super::record::record_key;
use super::refusal::ExecuteError;
use super::state::{KeyHash, ReadError};
use super::validators::{newest_validator_set_key, validator_set_key};
use super::validity::InvalidBlock;
use crate::nouns::block::SealedBlock;
use crate::nouns::evidence::Offence;
use crate::nouns::receipt::Receipt;
use crate::nouns::transaction::{Action, Transaction};
use crate::types::{Address, Hash, Height, Hex};
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
    /// `application/<name>/<key>`: a call has written or removed a value.
    Application(String, Vec<u8>),
    /// `offence/<validator>/<height>/<round>/<kind>`: it is proven.
    Offence(Offence),
    /// `offences/<validator>`: how many there are.
    Offences(Address),
    /// `validators/votes/<address>`: who wants this validator to have which power.
    ValidatorVotes(Address),
    /// `validators/ready/<address>`: the height at which this newcomer said that it is ready.
    Readiness(Address),
    /// `validators/set/<height>`: the hash of the set that decides from there on.
    ValidatorSet(Height, Hash),
    /// `validators/newest`: the first height of the newest set.
    NewestValidatorSet(Height),
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
            ChangedKey::Application(name, key) => {
                write!(f, "application/{name}/{}", Hex(key))
            }
            ChangedKey::Offence(offence) => write!(
                f,
                "offence/{}/{}/{}/{}",
                offence.validator,
                offence.height,
                offence.round,
                offence.kind.code()
            ),
            ChangedKey::Offences(validator) => write!(f, "offences/{validator}"),
            ChangedKey::ValidatorVotes(address) => write!(f, "validators/votes/{address}"),
            ChangedKey::Readiness(address) => write!(f, "validators/ready/{address}"),
            ChangedKey::ValidatorSet(from, hash) => {
                write!(f, "validators/set/{from}: the set {hash}")
            }
            ChangedKey::NewestValidatorSet(from) => write!(f, "validators/newest: {from}"),
        }
    }
}

/// What a block does on this head, as far as it can be executed here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explanation {
    /// Every key that it writes or removes: accounts and public keys by address, then the others in
    /// the order in which the block names them.
    pub changed: Vec<ChangedKey>,
    /// How each transaction ends.
    pub receipts: Vec<Receipt>,
}

impl Ledger {
    /// What `block` does on this head.
    pub fn explain(&mut self, block: &SealedBlock) -> Result<Explanation, ReadError> {
        let version = self.head.state_version;
        let mut state = Overlay::new(&*self.reader, version, &self.validators);
        let place = execute::place_of(block.header());
        let mut names = Vec::new();
        let evidence = &block.block().evidence;
        let sets = (&self.validators, &self.rules.context);
        let known = &mut self.evidence;
        let recorded = offences::execute(sets, known, &mut state, place.height, evidence);
        if let Err(InvalidBlock::Fatal(error)) = recorded {
            return Err(error);
        }
        names.extend(evidence.iter().flat_map(|item| name(item.offence())));
        let mut receipts = Vec::new();
        for (leaf, transaction) in block.leaves().iter().zip(&block.block().transactions) {
            let rules = &self.rules;
            let signatures = &mut self.signatures;
            let named = (leaf, transaction);
            match execute::execute(rules, signatures, &mut state, place, named) {
                Ok(receipt) => receipts.push(receipt),
                Err(ExecuteError::Refused(_)) => break,
                Err(ExecuteError::Fatal(error)) => return Err(error),
            }
            names.extend(self.name_written(&state, transaction)?);
        }
        names.extend(state.applications().map(|(place, (name, key))| {
            let named = ChangedKey::Application(name.clone(), key.clone());
            (*place, named)
        }));
        if let Some((from, set)) = state.succession().changed() {
            state.write_validators(from, &set)?;
            let named = ChangedKey::ValidatorSet(from, set.hash());
            names.push((validator_set_key(from), named));
            let newest = ChangedKey::NewestValidatorSet(from);
            names.push((newest_validator_set_key(), newest));
        }
        let changed = self.changed(&state, names)?;
        Ok(Explanation { changed, receipts })
    }

    /// What a transaction may write beside accounts and keys.
    fn name_written(
        &self,
        state: &Overlay<'_>,
        transaction: &Transaction,
    ) -> Result<Vec<(KeyHash, ChangedKey)>, ReadError> {
        let sender = transaction.sender;
        let candidate = |address: Address, public_key: &[u8]| {
            let votes = ChangedKey::ValidatorVotes(address);
            let readiness = ChangedKey::Readiness(address);
            vec![
                (validator_votes_key(public_key), votes),
                (readiness_key(&address), readiness),
            ]
        };
        Ok(match &transaction.body.action {
            Action::Put { key, .. } | Action::Delete { key } => {
                let named = ChangedKey::Record(sender, key.clone());
                vec![(record_key(&sender, key), named)]
            }
            Action::UpdateValidator { public_key, .. } => {
                let address = Address::of(self.rules.scheme.id(), public_key);
                candidate(address, public_key)
            }
            Action::DeclareReady => {
                let public_key = state.public_key(&sender)?.unwrap_or_default();
                candidate(sender, &public_key)
            }
            // What a call has written, the overlay knows.
            Action::Transfer { .. } | Action::Call { .. } => Vec::new(),
        })
    }

    /// What has really changed, each key once.
    fn changed(
        &self,
        state: &Overlay<'_>,
        names: Vec<(KeyHash, ChangedKey)>,
    ) -> Result<Vec<ChangedKey>, ReadError> {
        let reader = &*self.reader;
        let version = self.head.state_version;
        let mut changed = Vec::new();
        for (address, after) in state.accounts() {
            let before = Account::read(reader, version, address)?.unwrap_or_default();
            changed.push(ChangedKey::Account(*address, before, *after));
        }
        let keys = state.public_keys();
        changed.extend(keys.map(|(address, key)| ChangedKey::PublicKey(*address, key.len())));
        let written = state.records_changed()?;
        for (key, name) in names {
            if written.contains(&key) && !changed.contains(&name) {
                changed.push(name);
            }
        }
        Ok(changed)
    }
}

fn name(offence: Offence) -> [(KeyHash, ChangedKey); 2] {
    let validator = offence.validator;
    [
        (offence_key(&offence), ChangedKey::Offence(offence)),
        (offences_key(&validator), ChangedKey::Offences(validator)),
    ]
}
