//! What became of a transaction that a block has executed.
use crate::codec;
use crate::types::Hash;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::ser::{Serialize, SerializeStruct, Serializer};

/// The outcome of one transaction of a block. The header's receipts root covers it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, serde::Serialize)]
pub struct Receipt {
    /// The transaction's id.
    pub transaction: Hash,
    /// How it ended.
    #[serde(flatten)]
    pub status: Status,
    /// What its sender has paid to the block's builder, in the chain's smallest unit.
    #[serde(serialize_with = "crate::types::serialize_amount")]
    pub fee: u64,
    /// The transaction's canonical bytes, which the fee is for.
    pub bytes: u32,
}

impl Receipt {
    /// What the header's receipts root holds of this receipt: all of it.
    pub fn leaf(&self) -> Hash {
        Hash::of(&[b"lockstep/receipt/v1", &codec::encode(self)])
    }
}

/// How an executed transaction ended. Its nonce is used up and its fee paid either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Status {
    /// It did what it says.
    Success,
    /// It changed nothing but its sender's nonce, and whose the fee is.
    Failed {
        /// Why.
        code: FailureCode,
    },
}

/// `"status": "success"`, or `"status": "failed"` with a code for programs and a sentence for
/// people. The sentence is no part of what is stored and hashed, so that it may be reworded.
impl Serialize for Status {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Status::Success => {
                let mut fields = to.serialize_struct("Status", 1)?;
                fields.serialize_field("status", "success")?;
                fields.end()
            }
            Status::Failed { code } => {
                let mut fields = to.serialize_struct("Status", 3)?;
                fields.serialize_field("status", "failed")?;
                fields.serialize_field("code", code.code())?;
                fields.serialize_field("sentence", &code.to_string())?;
                fields.end()
            }
        }
    }
}

/// Why a well-formed transaction could not do what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, thiserror::Error)]
pub enum FailureCode {
    /// The sender holds less than it would spend, its fee taken off.
    #[error("the sender holds less than the amount: pay it in first, then send a new transaction")]
    InsufficientBalance,
    /// The receiver's balance would not fit into 64 bits.
    #[error("the receiver's balance would not fit into 64 bits: send less, or to another account")]
    BalanceOverflow,
    /// The sender has no record under this key.
    #[error("the sender has no record under this key: nothing is left to delete")]
    NoSuchRecord,
}

impl FailureCode {
    /// One stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            FailureCode::InsufficientBalance => "insufficient_balance",
            FailureCode::BalanceOverflow => "balance_overflow",
            FailureCode::NoSuchRecord => "no_such_record",
        }
    }
}
