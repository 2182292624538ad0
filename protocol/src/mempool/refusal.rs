//! Why a transaction may not wait: a stable code and a sentence with the next step.
use super::limits::{SENDER_ASSURED_MAX, SENDER_TRANSACTIONS_MAX};
use crate::ledger::TransactionError;

/// Why a transaction was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MempoolRefusal {
    /// No block may carry it, now or ever.
    #[error(transparent)]
    Transaction(#[from] TransactionError),
    /// Only an account's first transaction brings its public key, and this is a later one.
    #[error("the public key travels with nonce 0 only: send this transaction without it")]
    KeyTooLate,
    /// Another transaction of the sender has this nonce, and pays too much to give way.
    #[error(
        "another transaction with this nonce waits already: take one that no other has, or replace it with \
         a fee of {0}"
    )]
    ReplacementUnderpriced(u64),
    /// The sender can pay this fee, but not those of its other waiting transactions as well.
    #[error(
        "the sender holds {balance}, the fees of all its waiting transactions are {needed}: pay \
         in the rest, or wait for the next blocks"
    )]
    Overdrawn {
        /// The sum of the fees, this one's among them.
        needed: u64,
        /// The sender's committed balance.
        balance: u64,
    },
    /// The sender has as many transactions waiting as one may.
    #[error(
        "{SENDER_TRANSACTIONS_MAX} transactions of this sender wait, or half a block of bytes: \
         send it after the next blocks"
    )]
    SenderFull,
    /// There is no room, and those that wait are worth more.
    #[error(
        "the mempool is full: those that wait pay more per byte, or are among the first \
         {SENDER_ASSURED_MAX} of their senders. Raise the fee, that of your earlier transactions \
         as well, or wait"
    )]
    MempoolFull,
    /// As many signatures wait to be checked as may, or the mempool has just fallen.
    #[error("other transactions are being checked: try again in a moment")]
    Busy,
}

/// Whose trouble a refusal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// Its own: no honest node passes such a transaction on, whatever the state.
    Transaction,
    /// The state's and that of what waits: they may differ between two honest nodes.
    Moment,
    /// This node's: it has no room or no time for it.
    Load,
}

impl MempoolRefusal {
    /// Every code, for whoever counts them.
    pub const CODES: [&'static str; 22] = [
        "too_large",
        "memo_too_large",
        "record_key_length",
        "value_too_large",
        "underpriced",
        "expired",
        "expiry_too_far",
        "nonce_too_low",
        "nonce_too_high",
        "nonce_exhausted",
        "unfunded",
        "unknown_key",
        "key_on_record",
        "foreign_key",
        "bad_key",
        "bad_signature",
        "key_too_late",
        "replacement_underpriced",
        "overdrawn",
        "sender_full",
        "mempool_full",
        "busy",
    ];

    /// One stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            MempoolRefusal::Transaction(error) => error.code(),
            MempoolRefusal::KeyTooLate => "key_too_late",
            MempoolRefusal::ReplacementUnderpriced { .. } => "replacement_underpriced",
            MempoolRefusal::Overdrawn { .. } => "overdrawn",
            MempoolRefusal::SenderFull => "sender_full",
            MempoolRefusal::MempoolFull => "mempool_full",
            MempoolRefusal::Busy => "busy",
        }
    }

    /// Whose trouble it is.
    pub fn blame(&self) -> Blame {
        match self {
            MempoolRefusal::Transaction(
                TransactionError::ForeignKey { .. }
                | TransactionError::Key(_)
                | TransactionError::Signature(_)
                | TransactionError::TooLarge { .. }
                | TransactionError::MemoTooLarge { .. }
                | TransactionError::RecordKey { .. }
                | TransactionError::ValueTooLarge { .. }
                | TransactionError::Underpriced { .. },
            )
            | MempoolRefusal::KeyTooLate => Blame::Transaction,
            MempoolRefusal::Transaction(_)
            | MempoolRefusal::ReplacementUnderpriced { .. }
            | MempoolRefusal::Overdrawn { .. } => Blame::Moment,
            MempoolRefusal::SenderFull | MempoolRefusal::MempoolFull | MempoolRefusal::Busy => {
                Blame::Load
            }
        }
    }
}
