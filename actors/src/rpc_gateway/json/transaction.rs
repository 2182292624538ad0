//! A transaction: as it is shown, whom it pays, how long it is.
use lockstep_protocol::nouns::transaction::{Action, Transaction};
use lockstep_protocol::types::Address;
use serde_json::{Value, json};

pub(in crate::rpc_gateway) fn transaction_json(transaction: &Transaction) -> Value {
    json!({ "id": transaction.id(), "sender": transaction.sender, "body": transaction.body })
}

/// Whom an action pays.
pub(in crate::rpc_gateway) fn receiver(action: &Action) -> Option<Address> {
    match action {
        Action::Transfer { to, .. } => Some(*to),
        Action::Put { .. }
        | Action::Delete { .. }
        | Action::UpdateValidator { .. }
        | Action::DeclareReady
        | Action::Call { .. } => None,
    }
}

/// The canonical bytes of transactions together.
pub(in crate::rpc_gateway) fn bytes_of(transactions: &[Transaction]) -> u64 {
    transactions.iter().map(bytes).sum()
}

pub(super) fn bytes(transaction: &Transaction) -> u64 {
    u64::try_from(transaction.bytes()).unwrap_or(u64::MAX)
}
