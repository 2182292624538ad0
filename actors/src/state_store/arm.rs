//! Whether a node may sign from its data directory: see [`key_guard`](super::key_guard) for how
//! that is known.
use super::error::StoreError;
use super::key_guard::{DirectoryName, DirectoryState, KeyGuard, KeyMark, judge};
use super::layout::{
    META_BEGAN, META_BYTES_MAX, META_GENESIS, META_MET, META_OBSERVING, META_ORIGIN,
    META_SIGN_FLOOR, META_SIGN_FROM, META_VALIDATOR, META_VOUCHED, Met,
};
use super::sealed_file::SealedRecord;
use super::{Durability, Store};
use crate::limits::VOUCH_AGE_MAX_MS;
use lockstep_protocol::types::{Height, Timestamp};
use std::path::Path;
use std::sync::atomic::Ordering;

/// What a node does with its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyUse {
    /// It signs, from this height on.
    Signs(Height),
    /// It follows the chain and signs nothing: why, and the next step.
    Observes(String),
}

impl Store {
    /// Locks the record beside the key and compares it with this directory. `rearm`: an operator
    /// vouches that no other node signs with this key, and that what this directory lacks does not
    /// matter any more.
    ///
    /// After a re-arming the node signs from the second height after the highest that the key is
    /// known to have seen committed: nothing can be signed there yet. Re-armed once more before
    /// that height is reached, it signs from the height before: for a chain that cannot get there
    /// without it. The key may have begun that one, and then it signs there twice; its operator
    /// must know better. At no lower one, however often it is asked: there the key has signed. Asked
    /// twice without a start between, it counts once.
    ///
    /// Without a record that can be read, and after the key was met at work elsewhere, the only word
    /// on how far the key has got is the chain's: the directory has to be started once to observe
    /// and catch up, before re-arming counts.
    ///
    /// Refuses a record that another node holds, or of another chain or validator.
    pub fn guard_key(&self, record: &Path, rearm: bool) -> Result<KeyUse, StoreError> {
        let guard = KeyGuard::open(record)?;
        let here = self.directory_state()?;
        let key = guard.read(&here)?;
        let (noted, met, waits_for, floor, is_vouched) = self.read(|view| {
            let meta = &view.tables.meta;
            let noted = meta.get::<String>(view.txn, META_OBSERVING, META_BYTES_MAX)?;
            let met = meta.get::<Met>(view.txn, META_MET, META_BYTES_MAX)?;
            let from = meta.get::<Height>(view.txn, META_SIGN_FROM, META_BYTES_MAX)?;
            let floor = meta.get::<Height>(view.txn, META_SIGN_FLOOR, META_BYTES_MAX)?;
            let vouched = meta.get::<Timestamp>(view.txn, META_VOUCHED, META_BYTES_MAX)?;
            Ok((
                noted,
                met,
                from.unwrap_or_default(),
                floor.unwrap_or_default(),
                vouched.is_some(),
            ))
        })?;
        let has_observed = noted.is_some();
        let trouble = noted.or_else(|| judge(&key, &here).err());
        let standing = match trouble {
            Some(why) if !rearm => self.observe(&why)?,
            Some(why) => {
                let known = match &key {
                    SealedRecord::Found(mark) => Some(mark.height.max(here.height)),
                    SealedRecord::Absent | SealedRecord::Unreadable => {
                        has_observed.then_some(here.height)
                    }
                };
                let known = known.filter(|_| met.is_none_or(|met| met.has_observed));
                match known {
                    None => self.observe(&why)?,
                    Some(known) => {
                        log::warn!("re-armed by its operator although {why}");
                        let floor = known.max(met.map_or(Height(0), |met| met.height)).next();
                        self.sign(&guard, &key, &here, floor.next(), floor)?
                    }
                }
            }
            None if rearm && !is_vouched && waits_for > here.height.next() && waits_for > floor => {
                log::warn!(
                    "re-armed again by its operator: it signs from height {floor} on, which its \
                     key may have begun"
                );
                self.sign(&guard, &key, &here, floor, floor)?
            }
            None => self.sign(&guard, &key, &here, waits_for, floor)?,
        };
        // Kept open, and so locked, for as long as the store is.
        let kept = self.inner.key_guard.set(guard);
        kept.map_err(|_| StoreError::InUse(self.dir().display().to_string()))?;
        Ok(standing)
    }

    /// Without a record beside the key (a node that lives as long as a test, whose key is public),
    /// the directory's own word counts: whether it has met its key at work elsewhere.
    pub fn unguarded(&self) -> Result<KeyUse, StoreError> {
        let noted = self.read(|view| {
            let meta = &view.tables.meta;
            meta.get::<String>(view.txn, META_OBSERVING, META_BYTES_MAX)
        })?;
        match noted {
            Some(why) => self.observe(&why),
            None => Ok(KeyUse::Signs(Height(0))),
        }
    }

    /// Notes that an operator vouches for this directory, as it is at this time.
    pub fn vouch(&self, now: Timestamp) -> Result<(), StoreError> {
        self.write("note that the operator vouches", |tables, txn| {
            Ok(tables.meta.put(txn, META_VOUCHED, &now)?)
        })?;
        self.sync()
    }

    /// Whether an operator has just vouched for this directory. It counts for one start, and not for
    /// long: a copy of the directory may be put back another day.
    pub fn take_vouch(&self, now: Timestamp) -> Result<bool, StoreError> {
        let vouched = self.read(|view| {
            let meta = &view.tables.meta;
            meta.get::<Timestamp>(view.txn, META_VOUCHED, META_BYTES_MAX)
        })?;
        let Some(vouched) = vouched else {
            return Ok(false);
        };
        self.write("take the operator's word", |tables, txn| {
            Ok(tables.meta.delete(txn, META_VOUCHED).map(|_| ())?)
        })?;
        let age_ms = now.0.checked_sub(vouched.0);
        Ok(age_ms.is_some_and(|age_ms| age_ms <= VOUCH_AGE_MAX_MS))
    }

    /// A message of this height is signed with the key of this directory, and not from here: from
    /// the next start on it observes, until an operator re-arms it. Why it observes already stays;
    /// the highest of the heights counts, and what was observed before counts no more.
    pub fn distrust_key(&self, height: Height) -> Result<(), StoreError> {
        self.write("note that the key is at work elsewhere", |tables, txn| {
            let meta = &tables.meta;
            let known = meta.get::<String>(txn, META_OBSERVING, META_BYTES_MAX)?;
            let before = meta.get::<Met>(txn, META_MET, META_BYTES_MAX)?;
            let met = Met {
                height: before.map_or(height, |met| met.height.max(height)),
                has_observed: false,
            };
            meta.put(txn, META_MET, &met)?;
            let why = format!(
                "a message of height {height} is signed with its key, but was not signed by it"
            );
            match known {
                Some(_) => Ok(()),
                None => Ok(meta.put(txn, META_OBSERVING, &why)?),
            }
        })
    }

    fn directory_state(&self) -> Result<DirectoryState, StoreError> {
        let transaction = self.inner.transaction.load(Ordering::Relaxed);
        self.read(|view| {
            let (head, recovery) = (view.head()?, view.recovery()?);
            let began: Height = view.meta(META_BEGAN)?;
            Ok(DirectoryState {
                genesis: view.meta(META_GENESIS)?,
                validator: view.meta(META_VALIDATOR)?,
                origin: view.meta(META_ORIGIN)?,
                transaction,
                height: head.height,
                is_new: head.height == began && recovery.position().is_none(),
            })
        })
    }

    /// Remembered, because the directory grows from now on and would soon look new enough.
    fn observe(&self, why: &str) -> Result<KeyUse, StoreError> {
        let reason = why.to_owned();
        self.write("note that this directory must not sign", |tables, txn| {
            let meta = &tables.meta;
            if let Some(met) = meta.get::<Met>(txn, META_MET, META_BYTES_MAX)? {
                let has_observed = true;
                meta.put(
                    txn,
                    META_MET,
                    &Met {
                        has_observed,
                        ..met
                    },
                )?;
            }
            Ok(meta.put(txn, META_OBSERVING, &reason)?)
        })?;
        Ok(KeyUse::Observes(format!(
            "{why}: it follows the chain and signs nothing, as it must where another node signs with \
             this key; if none does, let it catch up, stop it, run lockstep arm, and start it"
        )))
    }

    /// Raises the generation here, then in the key's record: in this order, because a directory
    /// that is one ahead is no backup.
    fn sign(
        &self,
        guard: &KeyGuard,
        key: &SealedRecord<KeyMark>,
        here: &DirectoryState,
        from: Height,
        floor: Height,
    ) -> Result<KeyUse, StoreError> {
        let known = match key {
            SealedRecord::Found(mark) => mark.generation.max(here.origin.generation),
            SealedRecord::Absent | SealedRecord::Unreadable => here.origin.generation,
        };
        let origin = DirectoryName {
            generation: known.saturating_add(1),
            ..here.origin
        };
        self.write("begin to sign from this directory", |tables, txn| {
            let meta = &tables.meta;
            meta.put(txn, META_ORIGIN, &origin)?;
            meta.put(txn, META_SIGN_FROM, &from)?;
            meta.put(txn, META_SIGN_FLOOR, &floor)?;
            meta.delete(txn, META_OBSERVING)?;
            meta.delete(txn, META_MET)?;
            Ok(())
        })?;
        if self.inner.durability == Durability::Process {
            self.sync()?;
        }
        guard.follow(KeyMark {
            genesis: here.genesis,
            validator: here.validator,
            directory: origin.directory,
            generation: origin.generation,
            transaction: self.inner.transaction.load(Ordering::Relaxed),
            height: here.height,
        })?;
        Ok(KeyUse::Signs(from))
    }
}
