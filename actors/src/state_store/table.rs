//! One table of sealed records. LMDB has no page checksums; each value carries its own, over table,
//! key and bytes, so that rot and misplaced pages are found when they are read.
use super::error::StoreError;
use super::fault;
use borsh::{BorshDeserialize, BorshSerialize};
use heed::types::Bytes;
use heed::{Database, RoTxn, RwTxn};
use lockstep_protocol::codec;
use lockstep_protocol::types::Hash;
use std::ops::{Bound, RangeInclusive};

const SEAL_BYTES: usize = 8;

/// A key and its value (or a block and its certificate), without the seal.
pub(super) type Entry<'t> = (&'t [u8], &'t [u8]);

/// A table and its name, which is part of every seal.
#[derive(Clone, Copy)]
pub(super) struct Table {
    name: &'static str,
    db: Database<'static, Bytes, Bytes>,
}

impl Table {
    pub(super) fn new(name: &'static str, db: Database<'static, Bytes, Bytes>) -> Table {
        Table { name, db }
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// What the pages that hold it have.
    pub(super) fn fills(&self, txn: &RoTxn<'_>) -> Result<u64, StoreError> {
        let stat = fallible(|| self.db.stat(txn)).map_err(|e| self.failed(e))?;
        let pages = stat.branch_pages + stat.leaf_pages + stat.overflow_pages;
        Ok(pages as u64 * u64::from(stat.page_size))
    }

    /// Looks at every entry in order of key, one at a time.
    pub(super) fn each<E: From<StoreError>>(
        &self,
        txn: &RoTxn<'_>,
        mut look: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        for entry in fallible(|| self.db.iter(txn)).map_err(|e| self.failed(e))? {
            let (key, sealed) = entry.map_err(|e| self.failed(e))?;
            look(key, self.open(key, sealed)?)?;
        }
        Ok(())
    }

    /// The value under `key`, if its seal is whole.
    pub(super) fn bytes<'t>(
        &self,
        txn: &'t RoTxn<'_>,
        key: &[u8],
    ) -> Result<Option<&'t [u8]>, StoreError> {
        let sealed = fallible(|| self.db.get(txn, key)).map_err(|e| self.failed(e))?;
        sealed.map(|sealed| self.open(key, sealed)).transpose()
    }

    /// The decoded value under `key`.
    pub(super) fn get<T: BorshDeserialize>(
        &self,
        txn: &RoTxn<'_>,
        key: &[u8],
        bytes_max: usize,
    ) -> Result<Option<T>, StoreError> {
        let Some(bytes) = self.bytes(txn, key)? else {
            return Ok(None);
        };
        Ok(Some(codec::decode(self.name, bytes, bytes_max)?))
    }

    /// How many entries there are.
    pub(super) fn len(&self, txn: &RoTxn<'_>) -> Result<u64, StoreError> {
        fallible(|| self.db.len(txn)).map_err(|e| self.failed(e))
    }

    /// The entry with the greatest key in `keys`.
    pub(super) fn last_in<'t>(
        &self,
        txn: &'t RoTxn<'_>,
        keys: &RangeInclusive<&[u8]>,
    ) -> Result<Option<Entry<'t>>, StoreError> {
        let found = fallible(|| self.db.get_lower_than_or_equal_to(txn, keys.end()));
        match found.map_err(|e| self.failed(e))? {
            Some((key, sealed)) if key >= *keys.start() => Ok(Some((key, self.open(key, sealed)?))),
            _ => Ok(None),
        }
    }

    /// The last entries with keys from `first` on and below `end`, the greatest key first.
    pub(super) fn before<'t>(
        &self,
        txn: &'t RoTxn<'_>,
        first: &[u8],
        end: &[u8],
        limit: usize,
    ) -> Result<Vec<Entry<'t>>, StoreError> {
        if first >= end {
            return Ok(Vec::new());
        }
        let keys = (Bound::Included(first), Bound::Excluded(end));
        let entries = fallible(|| self.db.rev_range(txn, &keys)).map_err(|e| self.failed(e))?;
        self.opened(entries.take(limit))
    }

    fn opened<'t>(
        &self,
        entries: impl Iterator<Item = Result<(&'t [u8], &'t [u8]), heed::Error>>,
    ) -> Result<Vec<Entry<'t>>, StoreError> {
        entries
            .map(|entry| {
                let (key, sealed) = entry.map_err(|e| self.failed(e))?;
                Ok((key, self.open(key, sealed)?))
            })
            .collect()
    }

    /// Deletes every entry.
    pub(super) fn clear(&self, txn: &mut RwTxn<'_>) -> Result<(), heed::Error> {
        fallible(|| self.db.clear(txn))
    }

    /// All entries in order of key.
    pub(super) fn all<'t>(&self, txn: &'t RoTxn<'_>) -> Result<Vec<Entry<'t>>, StoreError> {
        let entries = fallible(|| self.db.iter(txn)).map_err(|e| self.failed(e))?;
        self.opened(entries)
    }

    /// The first entries in order of key.
    pub(super) fn first<'t>(
        &self,
        txn: &'t RoTxn<'_>,
        limit: usize,
    ) -> Result<Vec<Entry<'t>>, StoreError> {
        let entries = self.db.iter(txn).map_err(|e| self.failed(e))?;
        self.opened(entries.take(limit))
    }

    pub(super) fn put<T: BorshSerialize>(
        &self,
        txn: &mut RwTxn<'_>,
        key: &[u8],
        value: &T,
    ) -> Result<(), heed::Error> {
        self.put_bytes(txn, key, codec::encode(value))
    }

    pub(super) fn put_bytes(
        &self,
        txn: &mut RwTxn<'_>,
        key: &[u8],
        mut bytes: Vec<u8>,
    ) -> Result<(), heed::Error> {
        let seal = self.seal(key, &bytes);
        bytes.extend_from_slice(&seal);
        fallible(|| self.db.put(txn, key, &bytes))
    }

    pub(super) fn delete(&self, txn: &mut RwTxn<'_>, key: &[u8]) -> Result<bool, heed::Error> {
        fallible(|| self.db.delete(txn, key))
    }

    /// Deletes every entry whose key is at most `last`.
    pub(super) fn delete_to(&self, txn: &mut RwTxn<'_>, last: &[u8]) -> Result<(), heed::Error> {
        while let Some((key, _)) = self.db.first(txn)?.filter(|(key, _)| *key <= last) {
            let key = key.to_vec();
            fallible(|| self.db.delete(txn, &key))?;
        }
        Ok(())
    }

    /// Deletes every entry whose key is less than `end`.
    pub(super) fn delete_below(&self, txn: &mut RwTxn<'_>, end: &[u8]) -> Result<(), heed::Error> {
        while let Some((key, _)) = self.db.first(txn)?.filter(|(key, _)| *key < end) {
            let key = key.to_vec();
            self.db.delete(txn, &key)?;
        }
        Ok(())
    }

    fn open<'t>(&self, key: &[u8], sealed: &'t [u8]) -> Result<&'t [u8], StoreError> {
        sealed
            .split_last_chunk::<SEAL_BYTES>()
            .filter(|(bytes, seal)| self.seal(key, bytes) == **seal)
            .map(|(bytes, _)| bytes)
            .ok_or_else(|| {
                StoreError::corrupt(format!("a record of table {} has a broken seal", self.name))
            })
    }

    fn seal(&self, key: &[u8], bytes: &[u8]) -> [u8; SEAL_BYTES] {
        let key_bytes = (key.len() as u64).to_le_bytes();
        let Hash(hash) = Hash::of(&[self.name.as_bytes(), &key_bytes, key, bytes]);
        std::array::from_fn(|i| hash[i])
    }

    fn failed(&self, error: heed::Error) -> StoreError {
        StoreError::lmdb(&format!("read table {}", self.name), 0, error)
    }
}

/// A call that the system can refuse.
fn fallible<T>(call: impl FnOnce() -> Result<T, heed::Error>) -> Result<T, heed::Error> {
    fault::point()?;
    call()
}
