//! The mempool's own limits, each with its reason.
use crate::ledger::limits::{KNOWN_SIGNATURES_MAX, NONCES_AHEAD_MAX};
use crate::limits::{BLOCK_TRANSACTION_BYTES_MAX, SIGNATURE_BYTES_MAX, TRANSACTION_BYTES_MIN};

/// Transactions that wait in one node for a block: some seconds of full blocks.
pub const MEMPOOL_TRANSACTIONS_MAX: usize = 10_000;
/// Their canonical bytes: as many as that by senders whose keys are on record. A node under
/// load stays well below 200 MiB with them.
pub const MEMPOOL_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Transactions of one sender, those behind a gap among them: as far as a nonce may be ahead.
pub const SENDER_TRANSACTIONS_MAX: usize = NONCES_AHEAD_MAX as usize;
/// Bytes of one sender's transactions: half a block.
pub const SENDER_BYTES_MAX: usize = 1024 * 1024;
/// The first transactions of a sender, which give way to the first ones of others only: when the
/// mempool is full, those behind them go before anybody's first. One transaction in a block can make
/// all that its sender has waiting impossible, and a validator's own block costs it no fee; so a
/// block full of such ones takes at most a quarter of the places from others.
pub const SENDER_ASSURED_MAX: usize = 4;
/// … as long as they have no more bytes than four without memo or value, the first with its key.
pub const SENDER_ASSURED_BYTES_MAX: usize = 16 * 1024;
/// A transaction with the sender and nonce of a waiting one takes its place if its fee, and its fee
/// per byte, are higher by this much: each replacement is checked and passed on, and must be paid.
pub const REPLACE_BUMP_PERCENT: u64 = 10;
/// Signatures of people's transactions that wait to be checked: a tenth of a second on one core.
pub const CHECKS_OF_PEOPLE_MAX: usize = 1_024;
/// … and those of peers' transactions: a few of their batches each.
pub const CHECKS_OF_PEERS_MAX: usize = 2_048;
/// Signatures that failed and are remembered, as 32-byte hashes, so that a replay costs no check.
pub const REFUSED_KEPT_MAX: usize = 1_024;
/// Transactions of which is remembered what became of them: some seconds of full blocks and of all
/// that may wait. 100 bytes each.
pub const JOURNAL_MAX: usize = 16_384;
/// Transactions that did not fit, after which a block counts as full: a few long ones must not keep
/// shorter ones out.
pub const MISFITS_MAX: usize = 16;
/// Transactions on one page of a list.
pub const LIST_PAGE_MAX: usize = 100;

// A signed transaction of a few bytes: as many as that fit into a block.
const BLOCK_SENDERS_MAX: usize =
    BLOCK_TRANSACTION_BYTES_MAX / (TRANSACTION_BYTES_MIN + SIGNATURE_BYTES_MAX);
const _: () = assert!(BLOCK_SENDERS_MAX * SENDER_ASSURED_MAX <= MEMPOOL_TRANSACTIONS_MAX / 4);
const _: () = assert!(BLOCK_SENDERS_MAX * SENDER_ASSURED_BYTES_MAX <= MEMPOOL_BYTES_MAX / 3);

// What waits is known to verify when a block carries it.
const _: () = assert!(MEMPOOL_TRANSACTIONS_MAX < KNOWN_SIGNATURES_MAX);
