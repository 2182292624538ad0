//! Uncommitted writes over committed state. Dropped without a trace, or turned into changes.
use super::account::{Account, account_key, public_key_key};
use super::application::application_key;
use super::state::{KeyHash, ReadError, StateChanges, StateReader};
use super::succession::Succession;
use super::{tree, validators};
use crate::application::Written;
use crate::codec;
use crate::types::{Address, Hash, Height};
use crate::validators::schedule::ValidatorSchedule;
use crate::validators::set::ValidatorSet;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The state as the transactions of one block see it, one after the other.
pub(super) struct Overlay<'a> {
    reader: &'a dyn StateReader,
    version: u64,
    accounts: BTreeMap<Address, Account>,
    public_keys: BTreeMap<Address, Vec<u8>>,
    /// `None`: removed.
    records: BTreeMap<KeyHash, Option<Vec<u8>>>,
    /// Which of them are of applications, for people.
    applications: BTreeMap<KeyHash, (String, Vec<u8>)>,
    succession: Succession,
}

/// What a block changes, and the validator set that it names, if it is a new one.
pub(super) type Changes = (StateChanges, Option<Arc<ValidatorSet>>);

impl<'a> Overlay<'a> {
    /// Nothing written yet, over the state of `version`, which names these validators.
    pub(super) fn new(
        reader: &'a dyn StateReader,
        version: u64,
        validators: &ValidatorSchedule,
    ) -> Overlay<'a> {
        Overlay {
            reader,
            version,
            accounts: BTreeMap::new(),
            public_keys: BTreeMap::new(),
            records: BTreeMap::new(),
            applications: BTreeMap::new(),
            succession: Succession::new(validators),
        }
    }

    /// The account; one that does not exist reads as empty.
    pub(super) fn account(&self, address: &Address) -> Result<Account, ReadError> {
        match self.accounts.get(address) {
            Some(account) => Ok(*account),
            None => Ok(Account::read(self.reader, self.version, address)?.unwrap_or_default()),
        }
    }

    pub(super) fn set_account(&mut self, address: Address, account: Account) {
        self.accounts.insert(address, account);
    }

    /// The public key on record.
    pub(super) fn public_key(&self, address: &Address) -> Result<Option<Vec<u8>>, ReadError> {
        match self.public_keys.get(address) {
            Some(key) => Ok(Some(key.clone())),
            None => self.reader.value(&public_key_key(address), self.version),
        }
    }

    pub(super) fn set_public_key(&mut self, address: Address, key: Vec<u8>) {
        self.public_keys.insert(address, key);
    }

    /// The accounts that have been written.
    pub(super) fn accounts(&self) -> impl Iterator<Item = (&Address, &Account)> {
        self.accounts.iter()
    }

    /// The public keys that have been written.
    pub(super) fn public_keys(&self) -> impl Iterator<Item = (&Address, &Vec<u8>)> {
        self.public_keys.iter()
    }

    /// A value of any other kind, as it is stored.
    pub(super) fn record(&self, key: &KeyHash) -> Result<Option<Vec<u8>>, ReadError> {
        match self.records.get(key) {
            Some(bytes) => Ok(bytes.clone()),
            None => self.reader.value(key, self.version),
        }
    }

    pub(super) fn set_record(&mut self, key: KeyHash, bytes: Vec<u8>) {
        self.records.insert(key, Some(bytes));
    }

    /// Writes, or removes, what a call of an application has written.
    pub(super) fn write_application(&mut self, name: &str, written: Written) {
        for (key, value) in written {
            let place = application_key(name, &key);
            self.records.insert(place, value);
            self.applications.insert(place, (name.into(), key));
        }
    }

    /// What calls have written, by name and key of the application.
    pub(super) fn applications(&self) -> impl Iterator<Item = (&KeyHash, &(String, Vec<u8>))> {
        self.applications.iter()
    }

    /// The validator sets, as the transactions before have left them.
    pub(super) fn succession(&self) -> &Succession {
        &self.succession
    }

    pub(super) fn set_succession(&mut self, succession: Succession) {
        self.succession = succession;
    }

    pub(super) fn remove_record(&mut self, key: KeyHash) {
        self.records.insert(key, None);
    }

    /// Writes `set`, which decides from `first` on.
    pub(super) fn write_validators(
        &mut self,
        first: Height,
        set: &ValidatorSet,
    ) -> Result<(), ReadError> {
        let newest = self.record(&validators::newest_validator_set_key())?;
        for (key, value) in validators::records_after(newest, first, set)? {
            self.set_record(key, value);
        }
        Ok(())
    }

    /// The values of other kinds that are written, or removed: not what came and went meanwhile,
    /// which was never there.
    pub(super) fn records_changed(&self) -> Result<BTreeSet<KeyHash>, ReadError> {
        let mut changed = BTreeSet::new();
        for (key, value) in &self.records {
            if value.is_some() || self.reader.value(key, self.version)?.is_some() {
                changed.insert(*key);
            }
        }
        Ok(changed)
    }

    /// What a block with these writes changes; `root` is that of the state below. Without writes
    /// the tree is not touched at all.
    pub(super) fn into_changes(mut self, root: Hash) -> Result<Changes, ReadError> {
        let named = self.succession.changed();
        if let Some((first, set)) = &named {
            self.write_validators(*first, set)?;
        }
        let changed_set = named.map(|(_, set)| set);
        if self.accounts.is_empty() && self.public_keys.is_empty() && self.records.is_empty() {
            return Ok((StateChanges::none(self.version, root), None));
        }
        let changed = self.records_changed()?;
        let accounts = self.accounts.iter();
        let accounts = accounts.map(|(address, a)| (account_key(address), Some(codec::encode(a))));
        let keys = self.public_keys.into_iter();
        let keys = keys.map(|(address, key)| (public_key_key(&address), Some(key)));
        let mut writes: Vec<_> = accounts.chain(keys).collect();
        let records = self.records.into_iter();
        writes.extend(records.filter(|(key, _)| changed.contains(key)));
        let changes = tree::update(self.reader, Some(self.version), writes)?;
        Ok((changes, changed_set))
    }
}
