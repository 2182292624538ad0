//! What one application, and one call of it, may do at the most; each limit with its reason.
//!
//! Work is what a call costs every node beside its signature, in units of about a tenth of a
//! microsecond. The figures were set after `ledger::tests::cost`: they need not be exact, but what
//! costs more must cost more.

use crate::limits::RECORD_VALUE_BYTES_MAX;

/// An application's or an event's name: a word or two.
pub const APPLICATION_NAME_BYTES_MAX: usize = 32;
/// Applications of one chain: each is code that whoever runs a node has to trust.
pub const APPLICATIONS_MAX: usize = 16;
/// What an application's state is begun with, in the genesis: some ten thousand balances.
pub const APPLICATION_GENESIS_BYTES_MAX: usize = 1024 * 1024;
/// The data of a call. With a signature it fits into a transaction; with a public key beside it
/// (the first one of an account) some 1,400 bytes fewer do.
pub const CALL_DATA_BYTES_MAX: usize = 8_192;
/// A key of an application: a hash, or two addresses with a word before them.
pub const STATE_KEY_BYTES_MAX: usize = 64;
/// A value of an application: as much as a record holds.
pub const STATE_VALUE_BYTES_MAX: usize = RECORD_VALUE_BYTES_MAX;
/// Events of one call: whoever tells more of them means a list, which fits into one.
pub const EVENTS_MAX: usize = 16;
/// What one event carries.
pub const EVENT_DATA_BYTES_MAX: usize = 1_024;
/// All events of one call together, names and lengths included: so no receipt is longer than its
/// transaction, whose signature alone has 3,309 bytes.
pub const EVENTS_BYTES_MAX: usize = 3_072;

/// The work of one call: about a millisecond. A block has no more than some six hundred signed
/// transactions, so one full of the dearest calls costs less than a second.
pub const CALL_WORK_MAX: u64 = 10_000;
/// The work that begins an application's state: once for each node, some seconds at the most.
pub const GENESIS_WORK_MAX: u64 = 10_000 * CALL_WORK_MAX;
/// The work of one question: ten calls' worth, which nobody pays for, and no other node does.
pub const QUERY_WORK_MAX: u64 = 10 * CALL_WORK_MAX;
/// To find a value, whether it is there or not.
pub const READ_WORK: u64 = 50;
/// To write or remove one: a path of the tree is made anew and hashed.
pub const WRITE_WORK: u64 = 500;
/// To tell an event.
pub const EVENT_WORK: u64 = 50;
/// Each byte of a key, a value or an event.
pub const BYTE_WORK: u64 = 1;

/// The path of a question: a word or two.
pub const QUERY_PATH_BYTES_MAX: usize = 256;
/// The answer to a question: sixteen values of the largest size.
pub const QUERY_ANSWER_BYTES_MAX: usize = 64 * 1024;
/// What is told of an application's own sentence, in bytes: one line.
pub const SENTENCE_BYTES_MAX: usize = 256;
