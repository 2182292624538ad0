//! The committed blocks of a data directory with their receipts, for whoever copies them somewhere
//! else. Its node may be running. Each block is read on a view of its own: a reader that goes on for
//! hours keeps no page from being used again.
use super::error::StoreError;
use super::layout::{HeadRecord, META_HEAD, META_LAYOUT, Tables};
use super::read::Reading;
use super::{DATA_FILE, Env, open};
use lockstep_protocol::ledger::Receipt;
use lockstep_protocol::nouns::block::SealedBlock;
use lockstep_protocol::types::{Hash, Height};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A block, and what became of its transactions, in their order.
pub struct Executed {
    /// The block.
    pub block: Arc<SealedBlock>,
    /// One for each of its transactions.
    pub receipts: Vec<Receipt>,
}

/// Reads the blocks of one directory. Fields drop in this order: the environment closes before the
/// lock opens.
pub struct Blocks {
    env: Env,
    tables: Tables,
    dir: PathBuf,
    beside_a_node: bool,
    _lock: Option<File>,
}

impl Blocks {
    /// Opens the directory of a node of the chain with this genesis. A directory whose node does not
    /// run is locked as long as this lives.
    pub fn open(dir: &Path, genesis: Hash) -> Result<Blocks, StoreError> {
        Blocks::open_any(dir, genesis).map_err(|error| error.in_file(&dir.join(DATA_FILE)))
    }

    fn open_any(dir: &Path, genesis: Hash) -> Result<Blocks, StoreError> {
        let (env, lock, beside_a_node) = match open::lock_existing(dir) {
            Ok(lock) => {
                open::check_pages_of(dir)?;
                (open::open_to_read(dir)?, lock, false)
            }
            Err(StoreError::InUse(_)) => (open::open_beside_a_node(dir)?, None, true),
            Err(error) => return Err(error),
        };
        let blocks = Blocks {
            tables: Tables::open(&env, 0)?,
            env,
            dir: dir.to_path_buf(),
            beside_a_node,
            _lock: lock,
        };
        blocks
            .read(|reading| open::check_chain(reading, reading.meta(META_LAYOUT)?, genesis))
            .map(|()| blocks)
    }

    /// Whether its node runs, so that blocks may still come.
    pub fn is_beside_a_node(&self) -> bool {
        self.beside_a_node
    }

    /// The height of the newest block.
    pub fn newest(&self) -> Result<Height, StoreError> {
        self.read(|reading| Ok(reading.meta::<HeadRecord>(META_HEAD)?.height))
    }

    /// The lowest height whose block is here, or will be: older ones were pruned.
    pub fn earliest(&self) -> Result<Height, StoreError> {
        self.read(|reading| reading.earliest())
    }

    /// The block of a height with a receipt for each of its transactions; none if it is not committed
    /// yet, or not kept any more.
    pub fn at(&self, height: Height) -> Result<Option<Executed>, StoreError> {
        self.read(|reading| {
            let (block, receipts) = (reading.block(height)?, reading.receipts(height)?);
            let Some((block, receipts)) = block.zip(receipts) else {
                return Ok(None);
            };
            if block.block().transactions.len() != receipts.len() {
                let what = "its receipts are not those of its transactions";
                return Err(StoreError::corrupt(what).at(height));
            }
            Ok(Some(Executed { block, receipts }))
        })
    }

    fn read<T>(
        &self,
        read: impl FnOnce(&Reading<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let txn = self.env.read_txn();
        let txn = txn.map_err(|error| StoreError::lmdb("begin a read", 0, error))?;
        let tables = &self.tables;
        read(&Reading { tables, txn: &txn })
            .map_err(|error| error.in_file(&self.dir.join(DATA_FILE)))
    }
}
