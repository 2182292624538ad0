//! What became of a transaction that a block has executed.
use crate::codec;
use crate::limits::VOTE_AGE_HEIGHTS_MAX;
use crate::types::{Hash, Hex};
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
    /// What the application of a call has told; of other transactions, and of a call that has
    /// failed, none.
    pub events: Vec<Event>,
}

/// Something that an application tells whoever reads the receipt of a call.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, serde::Serialize)]
pub struct Event {
    /// What has happened, named as applications are: 1 to 32 of `a-z 0-9 -`, a letter first.
    #[borsh(deserialize_with = "crate::codec::read_text")]
    pub name: String,
    /// With what, as the application writes it.
    #[borsh(deserialize_with = "crate::codec::read_bytes")]
    #[serde(serialize_with = "crate::types::serialize_hex")]
    pub data: Vec<u8>,
}

impl Receipt {
    /// What the header's receipts root holds of this receipt: all of it.
    pub fn leaf(&self) -> Hash {
        planted!(EventsOutsideLeaf => return self.leaf_without_events());
        Hash::of(&[b"lockstep/receipt/v1", &codec::encode(self)])
    }

    #[cfg(feature = "mutants")]
    fn leaf_without_events(&self) -> Hash {
        let silent = Receipt {
            events: Vec::new(),
            ..self.clone()
        };
        Hash::of(&[b"lockstep/receipt/v1", &codec::encode(&silent)])
    }
}

impl std::fmt::Display for Receipt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Receipt {
            transaction,
            status,
            fee,
            bytes,
            events,
        } = self;
        write!(f, "receipt/{transaction}: ")?;
        match status {
            Status::Success => write!(f, "success")?,
            Status::Failed {
                code: code @ FailureCode::Application { code: own },
            } => write!(f, "failed, {} {own}", code.code())?,
            Status::Failed { code } => write!(f, "failed, {}", code.code())?,
        }
        write!(f, ", fee {fee}, {bytes} bytes")?;
        for Event { name, data } in events {
            write!(f, ", event {name} {}", Hex(data))?;
        }
        Ok(())
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
/// people; beside the code `application_failed` the application's own. The sentence is no part of what is stored and hashed, so that it may be reworded.
impl Serialize for Status {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Status::Success => {
                let mut fields = to.serialize_struct("Status", 1)?;
                fields.serialize_field("status", "success")?;
                fields.end()
            }
            Status::Failed { code } => {
                let mut fields = to.serialize_struct("Status", 4)?;
                fields.serialize_field("status", "failed")?;
                fields.serialize_field("code", code.code())?;
                if let FailureCode::Application { code } = code {
                    fields.serialize_field("application_code", code)?;
                }
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
    /// Only the validators of the block's height say who validates.
    #[error("the sender is no validator at this height: only validators may ask for a change")]
    NotAValidator,
    /// The validator has that power already, or is none already, and no vote of the sender's stands
    /// that this could take back.
    #[error(
        "that is how it is already, and no vote of the sender's stands for this key (votes expire \
         after {VOTE_AGE_HEIGHTS_MAX} heights): look at the validators of the newest height"
    )]
    NothingToChange,
    /// Somebody must go on.
    #[error("it is the last validator: add another one before it is removed")]
    LastValidator,
    /// Certificates carry no more.
    #[error("there are as many validators as there may be: remove one first")]
    TooManyValidators,
    /// The total of all powers would not fit into 64 bits.
    #[error("the total voting power would not fit into 64 bits: give it less")]
    PowerOverflow,
    /// No signature by this key would be accepted.
    #[error("the public key is none of this chain's scheme, or a weak one: check it")]
    InvalidValidatorKey,
    /// Of the changed set, those who are known to run would be no quorum.
    #[error(
        "who validates at this height would hold no more than two thirds of the power: change one \
         validator after the other, each once the one before signs blocks; give a new one less; \
         let one that validates vote for its own power first"
    )]
    ValidatorTooPowerful,
    /// No vote that counts asks for the key that says it is ready.
    #[error(
        "no validator asks for this key, or has in the last {VOTE_AGE_HEIGHTS_MAX} heights: let one \
         vote for it first, then declare again"
    )]
    NotACandidate,
    /// The newest set has the key that says it is ready.
    #[error("the key is a validator's already, of the newest height: nothing is left to declare")]
    AlreadyAValidator,
    /// The application says why, by a number of its own.
    #[error("the application failed with its code {code}: its own documents say what that means")]
    Application {
        /// The application's own.
        code: u32,
    },
    /// The call asked for more reads, writes, bytes or events than a call may do.
    #[error("the call asked for more than a call may do: do less in one call")]
    WorkExhausted,
}

impl FailureCode {
    /// One stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            FailureCode::InsufficientBalance => "insufficient_balance",
            FailureCode::BalanceOverflow => "balance_overflow",
            FailureCode::NoSuchRecord => "no_such_record",
            FailureCode::NotAValidator => "not_a_validator",
            FailureCode::NothingToChange => "nothing_to_change",
            FailureCode::LastValidator => "last_validator",
            FailureCode::TooManyValidators => "too_many_validators",
            FailureCode::PowerOverflow => "power_overflow",
            FailureCode::InvalidValidatorKey => "invalid_validator_key",
            FailureCode::ValidatorTooPowerful => "validator_too_powerful",
            FailureCode::NotACandidate => "not_a_candidate",
            FailureCode::AlreadyAValidator => "already_a_validator",
            FailureCode::Application { .. } => "application_failed",
            FailureCode::WorkExhausted => "work_exhausted",
        }
    }
}
