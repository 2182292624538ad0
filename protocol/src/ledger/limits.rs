//! The ledger's own limits, each with its reason.
use crate::limits::COMMIT_RUN_BLOCKS_MAX;

/// Public keys that stay prepared. A prepared key takes some ten kilobytes; busy senders repeat.
pub const PREPARED_KEYS_MAX: usize = 1_024;
/// Transaction signatures that are known to verify, as 32-byte hashes: all that may wait in a
/// mempool, and what a few blocks hold beside.
pub const KNOWN_SIGNATURES_MAX: usize = 16_384;
/// Evidence that is known to verify, as 32-byte hashes: all that may wait in this node.
pub const KNOWN_EVIDENCE_MAX: usize = crate::limits::EVIDENCE_PENDING_MAX;
/// State versions that stay readable behind the newest, for questions about the past: at least so
/// many heights, as blocks that change nothing make no version. Some hundred MiB of disk if all of
/// them were full. And the ledger executes on the state that it knows while the store already
/// writes the next run of blocks.
pub const STATE_VERSIONS_KEPT: u64 = 128;
const _: () = assert!(COMMIT_RUN_BLOCKS_MAX as u64 <= STATE_VERSIONS_KEPT);
/// How far ahead of its account a transaction's nonce may be and still wait for a block.
pub const NONCES_AHEAD_MAX: u64 = 256;
