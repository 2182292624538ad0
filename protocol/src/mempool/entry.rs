//! A waiting transaction, with what the mempool sorts it by. The only place that knows where a
//! transaction keeps its fee and its last height.
use crate::nouns::transaction::{Action, Transaction};
use crate::types::{Address, Hash, Height};
use std::sync::Arc;

/// Fee per byte, as a fraction of 2⁶⁴ so that no two prices fall together by rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FeeRate(u128);

impl FeeRate {
    fn of(fee: u64, bytes: usize) -> FeeRate {
        let bytes = u128::try_from(bytes).unwrap_or(u128::MAX).max(1);
        let fee = u128::from(fee).checked_shl(64).unwrap_or(u128::MAX);
        FeeRate(fee.checked_div(bytes).unwrap_or(u128::MAX))
    }
}

/// A transaction as it waits.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its id.
    pub id: Hash,
    /// Its [leaf](Transaction::leaf): what blocks call it.
    pub leaf: Hash,
    /// The transaction, its signature verified.
    pub transaction: Arc<Transaction>,
    /// The length of its canonical bytes.
    pub bytes: usize,
    /// When it came, counted in transactions.
    pub(super) arrival: u64,
    /// The lowest price among those of its sender that wait before it, and its own.
    pub(super) lowest: FeeRate,
}

impl Entry {
    pub(super) fn new(transaction: Arc<Transaction>) -> Entry {
        let (id, bytes) = (transaction.id(), transaction.bytes());
        Entry {
            id,
            leaf: Transaction::leaf_of(&id, &transaction.witness()),
            bytes,
            lowest: FeeRate::of(transaction.body.fee, bytes),
            transaction,
            // Newer than all that wait, until it waits itself.
            arrival: u64::MAX,
        }
    }

    /// Who signed it.
    pub fn sender(&self) -> Address {
        self.transaction.sender
    }

    /// Its place among the sender's transactions.
    pub fn nonce(&self) -> u64 {
        self.transaction.body.nonce
    }

    /// What its sender pays, in the chain's smallest unit.
    pub fn fee(&self) -> u64 {
        self.transaction.body.fee
    }

    /// The last height at which it may stand in a block.
    pub fn expires_at(&self) -> Height {
        self.transaction.body.expires_at
    }

    pub(super) fn rate(&self) -> FeeRate {
        FeeRate::of(self.fee(), self.bytes)
    }

    /// What it takes from its sender beside the fee, if the sender has as much.
    pub(super) fn gives_away(&self) -> u64 {
        match &self.transaction.body.action {
            Action::Transfer { to, amount, .. } if *to != self.sender() => *amount,
            _ => 0,
        }
    }

    /// The least fee with which a transaction of `bytes` bytes takes this one's place.
    pub(super) fn replacement_fee(&self, bytes: usize) -> u64 {
        let own = self.bytes.max(1);
        let other = bytes.max(1);
        let bump = u128::from(super::limits::REPLACE_BUMP_PERCENT);
        let percent = bump.saturating_add(100);
        let by_fee = u128::from(self.fee()).saturating_mul(percent);
        // The price per byte must rise as well: a longer transaction pays for its length.
        let longer = u128::try_from(other.max(own)).unwrap_or(u128::MAX);
        let own = u128::try_from(own).unwrap_or(u128::MAX).max(1);
        let least = by_fee.saturating_mul(longer);
        let per = own.saturating_mul(100).max(1);
        let least = least.div_ceil(per);
        u64::try_from(least)
            .unwrap_or(u64::MAX)
            .max(self.fee().saturating_add(1))
    }
}
