//! Why a transaction may not stand in a block: stable codes, and sentences that name the next step.
use super::state::ReadError;
use crate::application::Refused;
use crate::application::limits::{APPLICATION_NAME_BYTES_MAX, CALL_DATA_BYTES_MAX};
use crate::crypto::{KeyError, SignatureError};
use crate::limits::{
    EXPIRY_HEIGHTS_MAX, MEMO_BYTES_MAX, RECORD_KEY_BYTES_MAX, RECORD_VALUE_BYTES_MAX,
    TRANSACTION_BYTES_MAX,
};
use crate::types::{Address, Height};

/// Why a transaction may not stand in a block at this place. Nobody pays for such a transaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransactionError {
    /// Longer than any transaction may be.
    #[error("it has {0} bytes, the limit is {TRANSACTION_BYTES_MAX}: send less")]
    TooLarge(usize),
    /// A longer memo than a transfer may carry.
    #[error("its memo has {0} bytes, the limit is {MEMO_BYTES_MAX}: shorten it")]
    MemoTooLarge(usize),
    /// A record's key is empty or too long.
    #[error("its key has {0} bytes, a record's has 1 to {RECORD_KEY_BYTES_MAX}: use another")]
    RecordKey(usize),
    /// A larger value than a record may hold.
    #[error("its value has {0} bytes, the limit is {RECORD_VALUE_BYTES_MAX}: put its hash")]
    ValueTooLarge(usize),
    /// No application could have the name that it calls.
    #[error(
        "it names no application: a name has 1 to {APPLICATION_NAME_BYTES_MAX} of a-z, 0-9 and -, a \
         letter first"
    )]
    InvalidApplicationName,
    /// The genesis names no such application.
    #[error("the chain has no application {0}: ask a node which it has")]
    UnknownApplication(String),
    /// Longer data than a call may carry.
    #[error("its call has {0} bytes, the limit is {CALL_DATA_BYTES_MAX}: say less in one call")]
    CallTooLarge(usize),
    /// The application does not take these bytes for a call.
    #[error("the application {application} refuses the call: {reason}")]
    CallRefused {
        /// Its name.
        application: String,
        /// What it says.
        reason: Refused,
    },
    /// It offers less than the chain's price for its bytes.
    #[error("its fee is {fee}, its {bytes} bytes cost at least {least}: sign it again with that")]
    Underpriced {
        /// What it offers.
        fee: u64,
        /// The least fee.
        least: u64,
        /// Its length in bytes.
        bytes: usize,
    },
    /// The last height at which it may stand in a block is over.
    #[error(
        "it expired after height {expires_at}, the block has {height}: sign it anew, with a later height"
    )]
    Expired {
        /// Its last height.
        expires_at: Height,
        /// The height of the block.
        height: Height,
    },
    /// It could be executed longer than anybody should have to watch out for it.
    #[error(
        "it expires at height {expires_at}, more than {EXPIRY_HEIGHTS_MAX} ahead: sign it again to \
         expire at {latest} at the latest"
    )]
    ExpiryTooFar {
        /// Its last height.
        expires_at: Height,
        /// The latest that the block's height allows.
        latest: Height,
    },
    /// The sender's transactions are executed in order, each once.
    #[error(
        "its nonce is {actual}, the sender's next one is {expected}: use that{}",
        between(.expected, .actual)
    )]
    Nonce {
        /// What the ledger would execute.
        expected: u64,
        /// What the transaction has.
        actual: u64,
    },
    /// The last possible nonce is never used.
    #[error("the sender has no nonce left: use another account")]
    NonceExhausted,
    /// The sender cannot pay for the place in the block.
    #[error("its fee is {fee}, the sender holds {balance}: pay in at least the rest first")]
    Unfunded {
        /// What it offers.
        fee: u64,
        /// What the sender holds.
        balance: u64,
    },
    /// The first transaction of an account brings its public key.
    #[error(
        "the sender has no public key on record: its first transaction, of nonce 0, brings it; send that"
    )]
    UnknownKey,
    /// Later transactions do not bring it again: two kilobytes saved, one form for each.
    #[error("the sender's public key is on record already: send the transaction without it")]
    KeyOnRecord,
    /// The key is not the one that the address is made of.
    #[error("the public key belongs to {0}, not to the sender: send the sender's own")]
    ForeignKey(Address),
    /// The scheme refuses the key.
    #[error("{0}: use a key of the chain's scheme")]
    Key(#[from] KeyError),
    /// The signature does not verify.
    #[error("{0}: sign it for this chain, with the sender's key, and send it as it was signed")]
    Signature(#[from] SignatureError),
}

/// What else helps somebody whose nonce is ahead of the next one.
fn between(expected: &u64, actual: &u64) -> &'static str {
    match actual > expected {
        true => ", or send those between",
        false => "",
    }
}

impl TransactionError {
    /// One stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            TransactionError::TooLarge { .. } => "too_large",
            TransactionError::MemoTooLarge { .. } => "memo_too_large",
            TransactionError::RecordKey { .. } => "record_key_length",
            TransactionError::ValueTooLarge { .. } => "value_too_large",
            TransactionError::InvalidApplicationName => "invalid_application_name",
            TransactionError::UnknownApplication(_) => "unknown_application",
            TransactionError::CallTooLarge(_) => "call_too_large",
            TransactionError::CallRefused { .. } => "call_refused",
            TransactionError::Underpriced { .. } => "underpriced",
            TransactionError::Expired { .. } => "expired",
            TransactionError::ExpiryTooFar { .. } => "expiry_too_far",
            TransactionError::Nonce { expected, actual } if actual < expected => "nonce_too_low",
            TransactionError::Nonce { .. } => "nonce_too_high",
            TransactionError::NonceExhausted => "nonce_exhausted",
            TransactionError::Unfunded { .. } => "unfunded",
            TransactionError::UnknownKey => "unknown_key",
            TransactionError::KeyOnRecord => "key_on_record",
            TransactionError::ForeignKey { .. } => "foreign_key",
            TransactionError::Key(_) => "bad_key",
            TransactionError::Signature(_) => "bad_signature",
        }
    }
}

/// A transaction was not executed, and the overlay is as before.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExecuteError {
    #[error(transparent)]
    Refused(#[from] TransactionError),
    #[error(transparent)]
    Fatal(#[from] ReadError),
}
