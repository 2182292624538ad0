//! The bytes of a snapshot.
//!
//! ```text
//! opening   "lockstep snapshot\n", format version (u16), genesis hash
//! record    length (u32), then so many canonical bytes of a SnapshotPart
//! …         handovers rising by height, the head, leaves rising by key, the end
//! ```
use super::error::SnapshotError;
use crate::codec;
use crate::ledger::{self, KeyHash, Receipt};
use crate::limits::{SNAPSHOT_LEAVES_BYTES_MAX, SNAPSHOT_RECORD_BYTES_MAX};
use crate::nouns::block::Block;
use crate::nouns::commit::CommitCertificate;
use crate::proofs::light_client::LightBlock;
use crate::types::Hash;
use crate::validators::set::Validator;
use borsh::{BorshDeserialize, BorshSerialize};
use std::mem;

/// Raised with every change of these bytes, or of what stands in the state.
pub const FORMAT_VERSION: u16 = 3;

const MAGIC: &[u8; 18] = b"lockstep snapshot\n";
/// How long the opening is.
pub const OPENING_BYTES: usize = MAGIC.len() + 2 + 32;
/// A leaf's key and the length of its value.
const LEAF_BYTES: usize = 36;

/// What a snapshot consists of, in this order.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum SnapshotPart {
    /// Other validators decide the height after this one.
    Handover(Box<LightBlock>),
    /// The block of the snapshot; once.
    Block(Box<SnapshotBlock>),
    /// A part of the state after it.
    Leaves(Vec<Leaf>),
    /// Nothing follows.
    End,
}

/// The block of the snapshot with what proves and belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SnapshotBlock {
    /// The block.
    pub block: Block,
    /// The proof of its decision.
    pub certificate: CommitCertificate,
    /// The validators of its height, in order of address.
    pub validators: Vec<Validator>,
    /// What became of its transactions.
    pub receipts: Vec<Receipt>,
}

/// A value of the state.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Leaf {
    /// Where it stands.
    pub key: KeyHash,
    /// Never empty.
    #[borsh(deserialize_with = "crate::codec::read_bytes")]
    pub value: Vec<u8>,
}

impl Leaf {
    fn bytes(&self) -> usize {
        self.value.len().saturating_add(LEAF_BYTES)
    }

    pub(super) fn into_pair(self) -> ledger::Leaf {
        (self.key, self.value)
    }
}

/// How a snapshot of the chain with this genesis begins.
pub fn encode_opening(genesis_hash: &Hash) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(codec::encode(&(FORMAT_VERSION, genesis_hash)));
    bytes
}

/// The genesis hash of an opening.
pub fn decode_opening(bytes: &[u8]) -> Result<Hash, SnapshotError> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(SnapshotError::NoSnapshot)?;
    let (version, rest) = rest
        .split_first_chunk::<2>()
        .ok_or(SnapshotError::NoSnapshot)?;
    let version = u16::from_le_bytes(*version);
    if version != FORMAT_VERSION {
        return Err(SnapshotError::Version(version));
    }
    Ok(codec::decode("genesis hash", rest, OPENING_BYTES)?)
}

/// A record with its length before it.
pub fn encode_record(record: &SnapshotPart) -> Vec<u8> {
    let bytes = codec::encode(record);
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let mut framed = length.to_le_bytes().to_vec();
    framed.extend(bytes);
    framed
}

/// How long the record is that these four bytes announce.
pub fn record_bytes(length: [u8; 4]) -> Result<usize, SnapshotError> {
    let length = usize::try_from(u32::from_le_bytes(length)).ok();
    let length = length.filter(|length| (1..=SNAPSHOT_RECORD_BYTES_MAX).contains(length));
    length.ok_or(SnapshotError::Shape("a record has an impossible length"))
}

pub(super) fn decode_record(bytes: &[u8]) -> Result<SnapshotPart, SnapshotError> {
    Ok(codec::decode(
        "record of a snapshot",
        bytes,
        SNAPSHOT_RECORD_BYTES_MAX,
    )?)
}

/// Cuts the leaves of a state into records: each holds as many as fit into
/// [`SNAPSHOT_LEAVES_BYTES_MAX`], and at least one. So equal states are cut alike.
#[derive(Debug, Default)]
pub struct Cutter {
    leaves: Vec<Leaf>,
    bytes: usize,
}

impl Cutter {
    /// Takes the next leaf; returns a record if one is full without it.
    pub fn add(&mut self, key: KeyHash, value: Vec<u8>) -> Option<SnapshotPart> {
        let leaf = Leaf { key, value };
        let full = !fits(self.bytes, &leaf) && !self.leaves.is_empty();
        let record = full.then(|| self.cut());
        self.bytes = self.bytes.saturating_add(leaf.bytes());
        self.leaves.push(leaf);
        record
    }

    /// The last record, if there is one.
    pub fn end(&mut self) -> Option<SnapshotPart> {
        (!self.leaves.is_empty()).then(|| self.cut())
    }

    fn cut(&mut self) -> SnapshotPart {
        self.bytes = 0;
        SnapshotPart::Leaves(mem::take(&mut self.leaves))
    }
}

fn fits(bytes: usize, leaf: &Leaf) -> bool {
    bytes.saturating_add(leaf.bytes()) <= SNAPSHOT_LEAVES_BYTES_MAX
}

/// How many bytes these leaves take, if they are cut as a [`Cutter`] does.
pub(super) fn cut_bytes(leaves: &[Leaf]) -> Option<usize> {
    let (first, rest) = leaves.split_first()?;
    rest.iter().try_fold(first.bytes(), |bytes, leaf| {
        fits(bytes, leaf).then(|| bytes.saturating_add(leaf.bytes()))
    })
}

/// Whether `next` had to go into a record of its own after one of so many bytes.
pub(super) fn begins_anew(bytes: usize, next: &Leaf) -> bool {
    !fits(bytes, next)
}
