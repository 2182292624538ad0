//! What is answered instead of a result. The number is JSON-RPC's, or one of our own between
//! -32000 and -32099; the word in `data.code` is stable and finer; the sentence is for people and
//! says what to do.
use super::instead::instead;
use crate::http::answer;
use crate::limits::{RPC_ANSWER_BYTES_MAX, RPC_BATCH_MAX, SUBSCRIPTIONS_MAX};
use crate::rpc_gateway::events::OutOfReach;
use crate::seldom::seldom;
use crate::state_store::StoreError;
use lockstep_protocol::ledger::HistoryError;
use lockstep_protocol::types::{AddressError, Hash, Height};
use lockstep_protocol::wire::WireError;
use serde_json::{Value, json};

/// Why a call has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RpcError {
    #[error("the request is no JSON: {0}")]
    Malformed(String),
    #[error("the request is no JSON-RPC 2.0 call: {0}")]
    InvalidRequest(&'static str),
    #[error("a batch holds no call: send at least one")]
    EmptyBatch,
    #[error("a batch holds at most {RPC_BATCH_MAX} calls: send several")]
    BatchTooLarge,
    /// Some clients know an unknown method by its first words only.
    #[error("the method {name} does not exist: {}", instead(name))]
    UnknownMethod { name: String },
    /// What only a machine could carry out.
    #[error("there is no machine here and no contract: {0}")]
    NoMachine(&'static str),
    #[error("{0} is missing: {1}")]
    MissingParam(&'static str, &'static str),
    #[error("there are only {0} parameters: leave the others out")]
    TooManyParams(usize),
    #[error("there is no parameter {0}; rpc.discover lists all")]
    UnknownParam(String),
    #[error("{0} has the wrong type: {1}")]
    WrongType(&'static str, &'static str),
    #[error("{0} is out of range: {1}")]
    OutOfRange(&'static str, String),
    #[error("the parameters are nested too deeply: no method takes more than a few levels")]
    NestedTooDeeply,
    #[error("the node could not answer; its log says why")]
    Internal,
    #[error("as many ask as may: try again in a moment")]
    Busy,
    #[error("the answers together are longer than {RPC_ANSWER_BYTES_MAX} bytes: ask for less")]
    AnswerTooLarge,
    #[error("{sentence}")]
    Refused {
        code: &'static str,
        sentence: String,
    },
    #[error(transparent)]
    History(HistoryError),
    #[error(transparent)]
    Checksum(AddressError),
    #[error("no block {asked} here: the newest is {newest}")]
    UnknownBlock { asked: Height, newest: Height },
    #[error(
        "block {asked} is not kept here any more, the earliest is {earliest}: ask for a later one, \
         or a node that keeps more"
    )]
    Pruned { asked: Height, earliest: Height },
    #[error("no committed block here has the id {0}: ask another node, or wait until it has come")]
    UnknownBlockId(Hash),
    #[error("subscriptions need a connection that stays: use the WebSocket at /ws, or GET /events")]
    NeedsWebSocket,
    #[error("a connection holds at most {SUBSCRIPTIONS_MAX} subscriptions: end one first")]
    TooManySubscriptions,
    #[error(transparent)]
    Events(#[from] OutOfReach),
}

impl RpcError {
    /// JSON-RPC's number.
    pub(super) fn number(&self) -> i32 {
        match self {
            RpcError::Malformed(_) => -32700,
            RpcError::InvalidRequest(_) | RpcError::EmptyBatch | RpcError::BatchTooLarge => -32600,
            RpcError::UnknownMethod { .. } => -32601,
            // Ethereum's number for what its machine could not carry out.
            RpcError::NoMachine(_) => -32015,
            RpcError::MissingParam(..)
            | RpcError::TooManyParams(_)
            | RpcError::UnknownParam(_)
            | RpcError::WrongType(..)
            | RpcError::OutOfRange(..)
            | RpcError::NestedTooDeeply
            | RpcError::Checksum(_)
            | RpcError::Events(OutOfReach::Future { .. }) => -32602,
            RpcError::Internal => -32603,
            RpcError::Refused { .. } => -32000,
            // The number that EIP-1898 names.
            RpcError::UnknownBlockId(_) => -32001,
            RpcError::Busy => -32002,
            RpcError::AnswerTooLarge => -32003,
            RpcError::Pruned { .. }
            | RpcError::History(HistoryError::Pruned { .. } | HistoryError::Fatal(_)) => -32004,
            RpcError::History(HistoryError::NotCommitted { .. })
            | RpcError::UnknownBlock { .. } => -32005,
            RpcError::NeedsWebSocket => -32006,
            RpcError::TooManySubscriptions => -32007,
            RpcError::Events(OutOfReach::Gone { .. }) => -32008,
        }
    }

    /// The stable word.
    pub(super) fn code(&self) -> &'static str {
        match self {
            RpcError::Malformed(_) => "malformed_json",
            RpcError::InvalidRequest(_) => "invalid_request",
            RpcError::EmptyBatch => "empty_batch",
            RpcError::BatchTooLarge => "batch_too_large",
            RpcError::UnknownMethod { .. } => "unknown_method",
            RpcError::NoMachine(_) => "no_machine",
            RpcError::MissingParam(..) => "missing_param",
            RpcError::TooManyParams(_) => "too_many_params",
            RpcError::UnknownParam(_) => "unknown_param",
            RpcError::WrongType(..) => "wrong_type",
            RpcError::OutOfRange(..) => "out_of_range",
            RpcError::NestedTooDeeply => "nested_too_deeply",
            RpcError::Internal => "internal",
            RpcError::Refused { code, .. } => code,
            RpcError::Busy => "busy",
            RpcError::AnswerTooLarge => "answer_too_large",
            RpcError::History(error) => error.code(),
            RpcError::Checksum(_) => "bad_checksum",
            RpcError::UnknownBlock { .. } | RpcError::UnknownBlockId(_) => "unknown_block",
            RpcError::Pruned { .. } => "pruned",
            RpcError::NeedsWebSocket => "needs_web_socket",
            RpcError::TooManySubscriptions => "too_many_subscriptions",
            RpcError::Events(error) => error.code(),
        }
    }

    /// The error object.
    pub(super) fn to_json(&self) -> Value {
        let data = match self {
            RpcError::Events(error) => error.data(),
            RpcError::Pruned { earliest, .. }
            | RpcError::History(HistoryError::Pruned { earliest, .. }) => {
                json!({ "code": self.code(), "earliest_height": earliest })
            }
            _ => json!({ "code": self.code() }),
        };
        let mut error = json!({ "code": self.number(), "message": self.to_string(), "data": data });
        // The number says all. web3.py takes any other error with `data` for a contract that reverted.
        let is_told_by_number = matches!(
            self,
            RpcError::UnknownMethod { .. } | RpcError::NoMachine(_)
        );
        if let (true, Some(error)) = (is_told_by_number, error.as_object_mut()) {
            error.remove("data");
        }
        error
    }
}

impl From<StoreError> for RpcError {
    fn from(error: StoreError) -> RpcError {
        seldom!(Error, "a call could not be answered: {error}");
        RpcError::Internal
    }
}

impl From<lockstep_protocol::ledger::ReadError> for RpcError {
    fn from(error: lockstep_protocol::ledger::ReadError) -> RpcError {
        seldom!(Error, "a call could not be answered: {error}");
        RpcError::Internal
    }
}

impl From<HistoryError> for RpcError {
    fn from(error: HistoryError) -> RpcError {
        match error {
            HistoryError::Fatal(error) => error.into(),
            theirs => RpcError::History(theirs),
        }
    }
}

impl From<actix_web::error::BlockingError> for RpcError {
    fn from(error: actix_web::error::BlockingError) -> RpcError {
        seldom!(Error, "a call could not be answered: {error}");
        RpcError::Internal
    }
}

/// Bytes that are no transaction of this chain.
impl From<WireError> for RpcError {
    fn from(error: WireError) -> RpcError {
        let code = error.code();
        let sentence = answer::wire_sentence(&error);
        RpcError::Refused { code, sentence }
    }
}
