//! A transaction: as it is shown, how long it is.
use lockstep_protocol::nouns::transaction::Transaction;
use serde_json::{Value, json};

pub(in crate::rpc_gateway) fn transaction_json(transaction: &Transaction) -> Value {
    json!({ "id": transaction.id(), "sender": transaction.sender, "body": transaction.body })
}

/// The canonical bytes of transactions together.
pub(in crate::rpc_gateway) fn bytes_of(transactions: &[Transaction]) -> u64 {
    transactions.iter().map(bytes).sum()
}

pub(super) fn bytes(transaction: &Transaction) -> u64 {
    u64::try_from(transaction.bytes()).unwrap_or(u64::MAX)
}
