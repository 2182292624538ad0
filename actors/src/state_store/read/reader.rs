//! What the other actors read: of the database as it is, or as it was at one moment.
use super::Reading;
use crate::state_store::error::StoreError;
use crate::state_store::layout::{Location, META_BYTES_MAX, META_HALT};
use crate::state_store::{Inner, Store, fault};
use heed::{RoTxn, WithoutTls};
use lockstep_protocol::consensus::durable::Recovery;
use lockstep_protocol::ledger;
use lockstep_protocol::ledger::{
    Account, ChainRules, DecisionReader, Head, HistoryError, KeyHash, ReadError, Receipt,
    StateReader,
};
use lockstep_protocol::nouns::block::SealedBlock;
use lockstep_protocol::nouns::commit::{CommitCertificate, PolkaCertificate};
use lockstep_protocol::nouns::decided::DecidedBlock;
use lockstep_protocol::types::{Address, Hash, Height};
use lockstep_protocol::validators::schedule::ValidatorSchedule;
use std::sync::{Arc, Mutex, PoisonError};

impl Store {
    /// The newest committed block, with its certificate.
    pub fn head(&self) -> Result<Head, StoreError> {
        self.read(|reading| reading.head())
    }

    /// How many bytes of its map the database fills, and how many there are. A page that was filled
    /// once and is free again fills nothing.
    pub(crate) fn map_room(&self) -> Result<(u64, u64), StoreError> {
        let filled = self.read(|reading| reading.tables.fills(reading.txn))?;
        Ok((filled, self.inner.map_bytes as u64))
    }

    /// The lowest height whose block is here, or will be: older ones were pruned.
    pub fn earliest(&self) -> Result<Height, StoreError> {
        self.read(|reading| reading.earliest())
    }

    /// The committed block of a height.
    pub fn block(&self, height: Height) -> Result<Option<Arc<SealedBlock>>, StoreError> {
        self.read(|reading| reading.block(height))
    }

    /// How many bytes a committed block and its certificate have together; 0 if there is none.
    pub fn decided_bytes(&self, height: Height) -> Result<usize, StoreError> {
        self.read(|reading| reading.decided_bytes(height))
    }

    /// The commit certificate of a height.
    pub fn certificate(
        &self,
        height: Height,
    ) -> Result<Option<Arc<CommitCertificate>>, StoreError> {
        self.read(|reading| reading.certificate(height))
    }

    /// The receipts of a height's transactions, in their order.
    pub fn receipts(&self, height: Height) -> Result<Option<Vec<Receipt>>, StoreError> {
        self.read(|reading| reading.receipts(height))
    }

    /// Where the committed block or transaction with this id stands.
    pub fn location(&self, id: &Hash) -> Result<Option<Location>, StoreError> {
        self.read(|reading| reading.location(id))
    }

    /// Committed blocks from height `from` on: at most `limit`, and at most `bytes_max` bytes
    /// together unless the first alone has more. Ends early at the head.
    pub fn decided(
        &self,
        from: Height,
        limit: usize,
        bytes_max: usize,
    ) -> Result<Vec<DecidedBlock>, StoreError> {
        self.read(|reading| reading.decided(from, limit, bytes_max))
    }

    /// The height of the certified block that was invalid here, if there was one.
    pub fn halt(&self) -> Result<Option<Height>, StoreError> {
        self.read(|reading| {
            reading
                .tables
                .meta
                .get(reading.txn, META_HALT, META_BYTES_MAX)
        })
    }

    /// What the validator had signed and locked when it last wrote.
    pub fn recovery(&self) -> Result<Recovery, StoreError> {
        self.read(|reading| reading.recovery())
    }

    /// Who decides which height, as the newest committed block knows: its height is the head of
    /// the schedule. Prepares the keys of all these sets.
    pub fn validators(&self, rules: &ChainRules) -> Result<ValidatorSchedule, StoreError> {
        let view = self.view()?;
        let head = view.head()?;
        let (height, version) = (head.height, head.state_version);
        ledger::validator_schedule(&*rules.scheme, &view, height, version).map_err(StoreError::from)
    }

    /// Several reads of one state, such as head and proof. Drop it soon: as long as it lives, no
    /// page that it may read is used again.
    pub fn view(&self) -> Result<StoreView, StoreError> {
        let begun = fault::point().map_err(heed::Error::from);
        let txn = begun.and_then(|()| self.inner.env.clone().static_read_txn());
        let failed = |error| StoreError::lmdb("begin a read", self.inner.map_bytes, error);
        Ok(StoreView {
            txn: Mutex::new(txn.map_err(failed)?),
            inner: self.inner.clone(),
        })
    }

    /// The account of an address after the block of this height; an empty one, if there is none.
    pub fn account_after(&self, height: Height, of: &Address) -> Result<Account, HistoryError> {
        let view = self.view().map_err(ReadError::from)?;
        let version = view.version_after(height)?;
        Ok(ledger::account_at(&view, version, of)?.unwrap_or_default())
    }

    pub(in crate::state_store) fn read<T>(
        &self,
        read: impl FnOnce(&Reading<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let failed = |error| StoreError::lmdb("begin a read", self.inner.map_bytes, error);
        let begun = fault::point().map_err(heed::Error::from);
        let txn = begun
            .and_then(|()| self.inner.env.read_txn())
            .map_err(failed);
        let tables = &self.inner.tables;
        txn.and_then(|txn| read(&Reading { tables, txn: &txn }))
            .map_err(|error| self.inner.note(error))
    }
}

impl DecisionReader for Store {
    fn certificate(&self, height: Height) -> Result<Option<Arc<CommitCertificate>>, ReadError> {
        Ok(self.read(|reading| reading.certificate(height))?)
    }

    fn locked_polka(&self) -> Result<Option<PolkaCertificate>, ReadError> {
        Ok(self.recovery()?.lock.map(|lock| lock.polka))
    }
}

/// The store as it was at one moment.
pub struct StoreView {
    /// Behind a mutex because a read transaction may be used by one thread at a time. Before
    /// `inner`, so that it ends before the environment may close.
    txn: Mutex<RoTxn<'static, WithoutTls>>,
    inner: Arc<Inner>,
}

impl StoreView {
    /// The newest committed block of that moment, with its certificate.
    pub fn head(&self) -> Result<Head, StoreError> {
        self.read(|reading| reading.head())
    }

    /// The block of a height that was committed at that moment.
    pub fn block(&self, height: Height) -> Result<Option<Arc<SealedBlock>>, StoreError> {
        self.read(|reading| reading.block(height))
    }

    /// The commit certificate of a height, at that moment.
    pub fn certificate(
        &self,
        height: Height,
    ) -> Result<Option<Arc<CommitCertificate>>, StoreError> {
        self.read(|reading| reading.certificate(height))
    }

    /// The version of the state after the block of `height`, at that moment. On this view it
    /// stays readable, for as long as the view lives.
    pub fn version_after(&self, height: Height) -> Result<u64, HistoryError> {
        let found = self.read(|reading| reading.version_after(height));
        found.map_err(ReadError::from)?
    }

    fn read<T>(
        &self,
        read: impl FnOnce(&Reading<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let txn = self.txn.lock().unwrap_or_else(PoisonError::into_inner);
        let tables = &self.inner.tables;
        read(&Reading { tables, txn: &txn }).map_err(|error| self.inner.note(error))
    }
}

/// What the ledger asks of a state, of whatever reads the tables by a method of this name.
macro_rules! state_reader {
    ($reader:ty, $read:ident) => {
        impl StateReader for $reader {
            fn node(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
                Ok(self.$read(|reading| reading.node(key))?)
            }

            fn value(&self, key: &KeyHash, version_max: u64) -> Result<Option<Vec<u8>>, ReadError> {
                Ok(self.$read(|reading| reading.value(key, version_max))?)
            }

            fn latest_version(&self) -> Result<Option<u64>, ReadError> {
                Ok(self.$read(|reading| reading.latest_version())?)
            }
        }
    };
}
pub(in crate::state_store) use state_reader;

state_reader!(Store, read);
state_reader!(StoreView, read);
