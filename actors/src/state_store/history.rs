//! Which transactions an account has a part in: an index over the blocks that are here, kept in the
//! transaction of each block, and pruned with it.
//!
//! A node may be run without. What is built at a start, because the index was not kept before, is
//! built in steps, and one that was interrupted goes on where it was.
use super::Store;
use super::error::StoreError;
use super::layout::{HeadRecord, META_BYTES_MAX, META_HEAD, META_HISTORY, Tables, height_key};
use super::read::Reading;
use super::write::Failure;
use crate::limits::{HISTORY_BUILD_BLOCKS, HISTORY_BUILD_BYTES};
use borsh::{BorshDeserialize, BorshSerialize};
use heed::RwTxn;
use lockstep_protocol::codec;
use lockstep_protocol::nouns::block::Block;
use lockstep_protocol::nouns::transaction::Transaction;
use lockstep_protocol::types::{Address, Height};

/// What part an account has in a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Role {
    /// It has signed and paid it.
    Sender,
    /// It is paid by it.
    Receiver,
    /// It pays itself.
    Both,
}

/// A transaction that an account has a part in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The height of its block.
    pub height: Height,
    /// Its place there.
    pub index: u32,
    /// What part.
    pub role: Role,
}

/// How far the index is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) enum Kept {
    /// Every block that is here is in it.
    Whole,
    /// Blocks below this height are; the others are still to come.
    Below(Height),
}

impl Kept {
    /// Whether a block of this height is in the index.
    pub(super) fn has(self, height: Height) -> bool {
        match self {
            Kept::Whole => true,
            Kept::Below(next) => height < next,
        }
    }
}

const KEY_BYTES: usize = 32;
const ROLE_BYTES: usize = 1;

fn key(of: &Address, height: Height, index: u32) -> [u8; KEY_BYTES] {
    let mut key = [0; KEY_BYTES];
    key[..20].copy_from_slice(&of.0);
    key[20..28].copy_from_slice(&height_key(height));
    key[28..].copy_from_slice(&index.to_be_bytes());
    key
}

fn parts(transaction: &Transaction) -> impl Iterator<Item = (Address, Role)> {
    let sender = transaction.sender;
    let receiver = transaction.body.action.receiver();
    let own = match receiver == Some(sender) {
        true => Role::Both,
        false => Role::Sender,
    };
    let other = receiver.filter(|receiver| *receiver != sender);
    let other = other.map(|receiver| (receiver, Role::Receiver));
    std::iter::once((sender, own)).chain(other)
}

/// What a block adds to the index.
pub(super) fn rows(block: &Block) -> impl Iterator<Item = ([u8; KEY_BYTES], Role)> + '_ {
    let height = block.header.height;
    let transactions = block.transactions.iter().zip(0u32..);
    transactions.flat_map(move |(transaction, index)| {
        parts(transaction).map(move |(who, role)| (key(&who, height, index), role))
    })
}

/// How far the index is; `None`: it is not kept.
pub(super) fn kept(reading: &Reading<'_>) -> Result<Option<Kept>, StoreError> {
    let meta = &reading.tables.meta;
    meta.get(reading.txn, META_HISTORY, META_BYTES_MAX)
}

/// A block was committed.
pub(super) fn committed(
    tables: &Tables,
    txn: &mut RwTxn<'_>,
    block: &Block,
) -> Result<(), Failure> {
    match kept(&Reading { tables, txn })? {
        Some(Kept::Whole) => add(tables, txn, block),
        // The others come first.
        Some(Kept::Below(_)) | None => Ok(()),
    }
}

fn add(tables: &Tables, txn: &mut RwTxn<'_>, block: &Block) -> Result<(), Failure> {
    for (key, role) in rows(block) {
        tables.history.put(txn, &key, &role)?;
    }
    Ok(())
}

/// A block is not kept any more.
pub(super) fn pruned(tables: &Tables, txn: &mut RwTxn<'_>, block: &Block) -> Result<(), Failure> {
    if kept(&Reading { tables, txn })?.is_some() {
        for (key, _) in rows(block) {
            tables.history.delete(txn, &key)?;
        }
    }
    Ok(())
}

/// Compares what is stored of a block with what it adds; returns how much that is.
pub(super) fn check(reading: &Reading<'_>, block: &Block) -> Result<Option<usize>, StoreError> {
    let height = block.header.height;
    if !kept(reading)?.is_some_and(|kept| kept.has(height)) {
        return Ok(Some(0));
    }
    let mut count = 0;
    for (key, role) in rows(block) {
        let stored: Option<Role> = reading.tables.history.get(reading.txn, &key, ROLE_BYTES)?;
        if stored != Some(role) {
            return Ok(None);
        }
        count += 1;
    }
    Ok(Some(count))
}

impl Store {
    /// From now on the index is kept, or not: what is missing of it is built, what is not wanted goes.
    /// To be called before anything is committed.
    pub fn keep_history(&self, keeps: bool) -> Result<(), StoreError> {
        if keeps {
            self.build_history()
        } else {
            self.drop_history()
        }
    }

    fn drop_history(&self) -> Result<(), StoreError> {
        if self.read(kept)?.is_none() {
            return Ok(());
        }
        self.write("take the history away", |tables, txn| {
            tables.history.clear(txn)?;
            tables.meta.delete(txn, META_HISTORY)?;
            Ok(())
        })
    }

    fn build_history(&self) -> Result<(), StoreError> {
        let (kept, earliest, head) = self.read(|reading| {
            let head: HeadRecord = reading.meta(META_HEAD)?;
            Ok((kept(reading)?, reading.earliest()?, head.height))
        })?;
        let mut next = match kept {
            Some(Kept::Whole) => return Ok(()),
            Some(Kept::Below(next)) => next.max(earliest),
            None => earliest,
        };
        if next <= head {
            log::info!("building the history of accounts of blocks {next} to {head}");
        }
        loop {
            let mut after = None;
            self.write("build the history", |tables, txn| {
                after = step(tables, txn, next, head)?;
                let kept = after.map_or(Kept::Whole, Kept::Below);
                Ok(tables.meta.put(txn, META_HISTORY, &kept)?)
            })?;
            match after {
                Some(height) => next = height,
                None => return Ok(()),
            }
        }
    }

    /// What an account has a part in, the newest first: before this height and place, at most so many.
    /// `None`: that is not kept here.
    pub fn history(
        &self,
        of: &Address,
        before: (Height, u32),
        limit: usize,
    ) -> Result<Option<Vec<Part>>, StoreError> {
        self.read(|reading| {
            if kept(reading)? != Some(Kept::Whole) {
                return Ok(None);
            }
            let (first, end) = (key(of, Height(0), 0), key(of, before.0, before.1));
            let rows = reading
                .tables
                .history
                .before(reading.txn, &first, &end, limit)?;
            rows.into_iter()
                .map(part)
                .collect::<Result<_, _>>()
                .map(Some)
        })
    }
}

/// Adds blocks from `next` on, as many as one transaction has room for; returns the next one.
fn step(
    tables: &Tables,
    txn: &mut RwTxn<'_>,
    mut next: Height,
    head: Height,
) -> Result<Option<Height>, Failure> {
    let mut bytes = 0usize;
    for _ in 0..HISTORY_BUILD_BLOCKS {
        if next > head {
            return Ok(None);
        }
        let block = Reading { tables, txn }.block(next)?;
        let gone = || StoreError::corrupt("its block is gone").at(next);
        let block = block.ok_or_else(gone)?;
        add(tables, txn, block.block())?;
        next = next.next();
        bytes = bytes.saturating_add(codec::encode(block.block()).len());
        if bytes >= HISTORY_BUILD_BYTES {
            break;
        }
    }
    Ok((next <= head).then_some(next))
}

fn part((key, role): (&[u8], &[u8])) -> Result<Part, StoreError> {
    let place = key.last_chunk::<12>();
    let (height, index) = place
        .and_then(|place| place.split_first_chunk::<8>())
        .and_then(|(height, index)| Some((*height, <[u8; 4]>::try_from(index).ok()?)))
        .ok_or_else(|| StoreError::corrupt("a key of table history"))?;
    Ok(Part {
        height: Height(u64::from_be_bytes(height)),
        index: u32::from_be_bytes(index),
        role: codec::decode("role", role, ROLE_BYTES)?,
    })
}
