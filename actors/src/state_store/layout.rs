//! Which table holds what, under which keys. Numbers in keys are big-endian: LMDB sorts bytes.
use super::error::StoreError;
use super::fault;
use super::table::Table;
use borsh::{BorshDeserialize, BorshSerialize};
use heed::types::Bytes;
use heed::{CommitOrAbort, Database, RoTxn};
use lockstep_protocol::ledger::{Head, KeyHash};
use lockstep_protocol::limits::CERTIFICATE_BYTES_MAX;
use lockstep_protocol::nouns::block::{Block, Header, SealedBlock};
use lockstep_protocol::nouns::commit::CommitCertificate;
use lockstep_protocol::nouns::evidence::Offence;
use lockstep_protocol::types::{BlockId, Hash, Height, Timestamp};

/// LMDB, open; a read does not belong to the thread that began it.
pub(super) type Env = heed::Env<heed::WithoutTls>;

/// Raised with every change of a table, key or record, and with the protocol version: what a chain of
/// another version has executed, and holds in its state, follows other rules.
pub(super) const LAYOUT: u32 = 8;

pub(super) const META_LAYOUT: &[u8] = b"layout";
pub(super) const META_GENESIS: &[u8] = b"genesis";
pub(super) const META_VALIDATOR: &[u8] = b"validator";
pub(super) const META_HEAD: &[u8] = b"head";
/// The height of a certified block that is invalid here; absent on a sound node.
pub(super) const META_HALT: &[u8] = b"halt";
/// The number of the transaction that wrote it: LMDB's own number must be the same.
pub(super) const META_TRANSACTION: &[u8] = b"transaction";
/// The directory's name and generation ([`DirectoryName`](super::key_guard::DirectoryName)).
pub(super) const META_ORIGIN: &[u8] = b"origin";
/// How far the history of accounts is ([`Kept`](super::history::Kept)); absent where it is not kept.
pub(super) const META_HISTORY: &[u8] = b"history";
/// Why this directory must not sign, until an operator re-arms it.
pub(super) const META_OBSERVING: &[u8] = b"observing";
/// The first height that this directory may sign at.
pub(super) const META_SIGN_FROM: &[u8] = b"sign from";
/// The height after the highest that the key was known to have seen committed, when this directory
/// was re-armed. The key may have begun it: that is what re-arming a second time risks.
pub(super) const META_SIGN_FLOOR: &[u8] = b"sign floor";
/// When an operator vouched for this directory; the next start takes it.
pub(super) const META_VOUCHED: &[u8] = b"vouched";
/// How the key was met at work elsewhere ([`Met`]); absent if it was not.
pub(super) const META_MET: &[u8] = b"met";
/// The lowest height whose block is here; absent as long as that is the first.
pub(super) const META_EARLIEST: &[u8] = b"earliest";
/// The height that this directory began with: 0, or that of the snapshot it was made from.
pub(super) const META_BEGAN: &[u8] = b"began";
/// All of the above are far below.
pub(super) const META_BYTES_MAX: usize = 1_024;

pub(super) const SIGNED_PROPOSAL: &[u8] = b"proposal";
pub(super) const SIGNED_PREVOTE: &[u8] = b"prevote";
pub(super) const SIGNED_PRECOMMIT: &[u8] = b"precommit";
pub(super) const SIGNED_LOCK: &[u8] = b"lock";

/// The keys that one block makes stale: a full block of the smallest transactions stays below.
pub(super) const STALE_BYTES_MAX: usize = 64 << 20;

/// Messages of the own key that were not signed here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Met {
    /// The highest of their heights.
    pub(super) height: Height,
    /// Whether a start has observed since: how far their signer has got only the chain can tell.
    pub(super) has_observed: bool,
}

/// Declares the tables, each with what it holds. A table bears the name of its field.
macro_rules! tables {
    ($($(#[$holds:meta])* $name:ident,)*) => {
        /// All tables of one environment.
        #[derive(Clone, Copy)]
        pub(super) struct Tables {
            $($(#[$holds])* pub(super) $name: Table,)*
        }

        const NAMES: &[&str] = &[$(stringify!($name)),*];

        impl Tables {
            pub(super) fn each(&self) -> [&Table; NAMES.len()] {
                [$(&self.$name),*]
            }

            fn named(databases: [Database<'static, Bytes, Bytes>; NAMES.len()]) -> Tables {
                let [$($name),*] = databases;
                Tables { $($name: Table::new(stringify!($name), $name)),* }
            }
        }
    };
}

tables! {
    /// One record each: layout, genesis hash, validator address, head, halt.
    meta,
    /// Height → block, as one value.
    blocks,
    /// Height → commit certificate.
    certificates,
    /// Height → receipts.
    receipts,
    /// Id of a committed block or transaction → its [`Location`].
    locations,
    /// Node key (version first) → tree node.
    nodes,
    /// Key hash ‖ version → value.
    values,
    /// Version → the [`Stale`] keys that it left behind.
    stale,
    /// Version that is still readable → the height of the block that made it.
    versions,
    /// The newest own proposal, prevote, precommit, lock.
    signed,
    /// Height ‖ block id → a block that own messages of an undecided height name.
    proposed,
    /// Offence → evidence that waits for a block.
    evidence,
    /// Height → the evidence that its block carries, if any: a page of it reads no whole blocks.
    accusing,
    /// Height → the proof that it was decided twice, and whether that stops this node.
    forks,
    /// Height → the [`HandoverRecord`] of a block that is gone.
    handovers,
    /// Address ‖ height ‖ place in the block → what part that account has in the transaction.
    history,
}

pub(super) const TABLES: u32 = NAMES.len() as u32;

impl Tables {
    /// Opens the tables, and creates those that are not there.
    pub(super) fn create(env: &Env, map_bytes: usize) -> Result<Tables, StoreError> {
        let failed = |error| StoreError::lmdb("create the tables", map_bytes, error);
        let begun = fault::point().map_err(heed::Error::from);
        let txn = begun.and_then(|()| env.write_txn()).map_err(failed)?;
        let created = env
            .create_databases_and_commit(txn, |opener, txn| {
                let mut databases: Vec<Database<'_, Bytes, Bytes>> = Vec::new();
                for &name in NAMES {
                    databases.push(opener.create_database(txn, Some(name))?);
                }
                let databases: [_; NAMES.len()] = databases
                    .try_into()
                    .map_err(|_| heed::Error::Mdb(heed::MdbError::DbsFull))?;
                Ok(CommitOrAbort::<_, ()>::Commit(databases))
            })
            .map_err(failed)?;
        let databases = created
            .commit()
            .ok_or_else(|| StoreError::corrupt("the tables were not created"))?;
        Ok(Tables::named(databases))
    }

    /// What the pages that hold them have; free ones hold nothing.
    pub(super) fn fills(&self, txn: &RoTxn<'_>) -> Result<u64, StoreError> {
        self.each().iter().map(|table| table.fills(txn)).sum()
    }

    /// Opens the tables of a database that has been used: one that is missing has rotted away.
    pub(super) fn open(env: &Env, map_bytes: usize) -> Result<Tables, StoreError> {
        let failed = |error| StoreError::lmdb("open the tables", map_bytes, error);
        let begun = fault::point().map_err(heed::Error::from);
        let txn = begun.and_then(|()| env.read_txn()).map_err(failed)?;
        let opened = env
            .open_databases_and_commit(txn, |opener, txn| {
                let mut databases: Vec<Database<'_, Bytes, Bytes>> = Vec::new();
                for &name in NAMES {
                    match opener.open_database(txn, Some(name))? {
                        Some(database) => databases.push(database),
                        None => {
                            let layout = databases.first().map(|meta| meta.get(txn, META_LAYOUT));
                            let layout = layout.transpose()?.flatten().map(<[u8]>::to_vec);
                            return Ok(CommitOrAbort::Abort((name, layout)));
                        }
                    }
                }
                let databases: [_; NAMES.len()] = databases
                    .try_into()
                    .map_err(|_| heed::Error::Mdb(heed::MdbError::DbsFull))?;
                Ok(CommitOrAbort::Commit(databases))
            })
            .map_err(failed)?;
        match opened {
            CommitOrAbort::Commit(databases) => Ok(Tables::named(databases)),
            CommitOrAbort::Abort((name, layout)) => Err(match layout.and_then(other_layout) {
                Some(found) => StoreError::other_layout(LAYOUT, found),
                None => StoreError::corrupt(format!("its table {name} is gone")),
            }),
        }
    }
}

/// The layout that a sealed record names, if it is another one: then tables may be missing.
fn other_layout(sealed: Vec<u8>) -> Option<u32> {
    let (layout, _) = sealed.split_first_chunk::<4>()?;
    let layout = u32::from_le_bytes(*layout);
    (layout != LAYOUT).then_some(layout)
}

/// The head without its certificate, which stands in a table of its own.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub(super) struct HeadRecord {
    pub(super) height: Height,
    pub(super) block_id: BlockId,
    pub(super) time: Timestamp,
    pub(super) state_root: Hash,
    pub(super) state_version: u64,
}

impl HeadRecord {
    pub(super) fn of(head: &Head) -> HeadRecord {
        HeadRecord {
            height: head.height,
            block_id: head.block_id,
            time: head.time,
            state_root: head.state_root,
            state_version: head.state_version,
        }
    }
}

/// What stays of a block after which other validators decide: a snapshot of any later height proves
/// with it who they are.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct HandoverRecord {
    pub(super) header: Header,
    pub(super) certificate: CommitCertificate,
}

/// A certificate, and a header.
pub(super) const HANDOVER_BYTES_MAX: usize = CERTIFICATE_BYTES_MAX + 1_024;

/// Where in the chain an id stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Location {
    /// The block's height.
    pub height: Height,
    /// Which of its transactions, from 0; `None` for the block itself.
    pub transaction: Option<u32>,
}

/// Height and index of a [`Location`].
pub(super) const LOCATION_BYTES_MAX: usize = 16;

/// What a block adds to the table of locations: its own id first.
pub(super) fn locations(block: &SealedBlock) -> impl Iterator<Item = (Hash, Location)> + '_ {
    locations_of(block.id(), block.block())
}

/// The same of a block that nobody has sealed again.
pub(super) fn locations_of(
    id: BlockId,
    block: &Block,
) -> impl Iterator<Item = (Hash, Location)> + '_ {
    let height = block.header.height;
    let itself = Location {
        height,
        transaction: None,
    };
    let transactions = block.transactions.iter().zip(0u32..);
    let transactions = transactions.map(move |(transaction, index)| {
        let there = Location {
            height,
            transaction: Some(index),
        };
        (transaction.id(), there)
    });
    std::iter::once((id, itself)).chain(transactions)
}

/// What is deleted once enough newer versions exist.
#[derive(Debug, Default, BorshSerialize, BorshDeserialize)]
pub(super) struct Stale {
    pub(super) nodes: Vec<Vec<u8>>,
    pub(super) values: Vec<Vec<u8>>,
}

pub(super) fn height_key(height: Height) -> [u8; 8] {
    height.0.to_be_bytes()
}

pub(super) fn value_key(key: &KeyHash, version: u64) -> Vec<u8> {
    [&key[..], &version.to_be_bytes()].concat()
}

/// Height first: what is too old stands at the beginning.
pub(super) fn offence_key(offence: &Offence) -> Vec<u8> {
    let height = height_key(offence.height);
    let round = offence.round.0.to_be_bytes();
    let kind = [offence.kind as u8];
    [&height[..], &offence.validator.0, &round, &kind].concat()
}

pub(super) fn proposed_key(height: Height, id: &BlockId) -> Vec<u8> {
    [&height_key(height)[..], &id.0].concat()
}
