//! What became of a transaction that a block has executed.
use crate::types::Hash;
use borsh::{BorshDeserialize, BorshSerialize};

/// The outcome of one transaction of a block. Not covered by any hash: who doubts it executes.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, serde::Serialize)]
pub struct Receipt {
    /// The transaction's id.
    pub transaction: Hash,
    /// How it ended.
    pub status: Status,
}

/// How an executed transaction ended. Its nonce is used up either way.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, serde::Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Status {
    /// It did what it says.
    Ok,
    /// It changed nothing but its sender's nonce.
    Failed {
        /// For programs.
        code: FailureCode,
        /// For people.
        sentence: String,
    },
}

/// Why a well-formed transaction could not do what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCode {
    /// The sender holds less than it would spend.
    InsufficientBalance,
    /// The receiver's balance would not fit into 64 bits.
    BalanceOverflow,
}
