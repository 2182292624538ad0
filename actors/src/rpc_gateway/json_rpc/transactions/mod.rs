//! `lockstep_…` for transactions: handing one in, and what became of it. What is accepted is listed
//! by `lockstep_pendingTransactions` until a block carries it; the same bytes handed in again are
//! answered with the same id.
use super::caller::Caller;
use super::mempool::pending;
use super::method::{Answer, Method, Shape, method};
use super::params::{Args, Kind, needed, optional};
use crate::limits::{PENDING_ANSWER_MAX, RPC_WAIT_MAX};
use crate::rpc_gateway::json::transaction::transaction_json;
use crate::rpc_gateway::transactions::cursor_after;
use fate::{get_receipt, get_transaction};
use hand_in::{send, send_and_wait};
use lockstep_protocol::limits::TRANSACTION_BYTES_MAX;
use serde_json::{Value, json};

mod fate;
mod hand_in;

pub(super) use hand_in::hand_in;

/// A transaction in hex: at most so many bytes.
pub(super) const TRANSACTION: Kind = Kind::Data(TRANSACTION_BYTES_MAX);

pub(super) const METHODS: &[Method] = &[
    method(
        "lockstep_sendTransaction",
        "Hands in the bytes of POST /transactions. Answers the id, and \"pending\", \"queued\" (behind a gap of nonces) or \"known\".",
        &[needed("transaction", TRANSACTION)],
        Shape::Object,
        |caller, args| Box::pin(send(caller, args)),
    ),
    method(
        "lockstep_sendTransactionAndWait",
        "The same, and waits for its end: \"committed\" or \"failed\" with the receipt, \"expired\", \
         \"replaced\" or \"dropped\"; \"pending\" when the time is over.",
        &[
            needed("transaction", TRANSACTION),
            optional("timeout_ms", Kind::Whole(RPC_WAIT_MAX.as_millis() as u64)),
        ],
        Shape::Object,
        |caller, args| Box::pin(send_and_wait(caller, args)),
    ),
    method(
        "lockstep_getTransaction",
        "A transaction by its id, with its status: unknown, pending, committed, failed, expired, \
         replaced or dropped; with prove, the path to its block's root of transactions. Committed \
         without a receipt: its block is not kept any more.",
        &[needed("id", Kind::Hash), optional("prove", Kind::Flag)],
        Shape::Object,
        |caller, args| Box::pin(get_transaction(caller, args)),
    ),
    method(
        "lockstep_getReceipt",
        "What became of a committed transaction; null if no block has carried it. With prove, the \
         path to its block's root of receipts.",
        &[needed("id", Kind::Hash), optional("prove", Kind::Flag)],
        Shape::ObjectOrNull,
        |caller, args| Box::pin(get_receipt(caller, args)),
    ),
    method(
        "lockstep_pendingTransactions",
        "Transactions that wait here for a block, by sender and nonce, and how many there are. \
         Behind a full page begins another: give its next as after.",
        &[
            optional("limit", Kind::Whole(PENDING_ANSWER_MAX as u64)),
            optional("after", Kind::Cursor),
        ],
        Shape::Object,
        |caller, args| Box::pin(pending_transactions(caller, args)),
    ),
];

async fn pending_transactions(caller: &Caller, args: Args) -> Answer {
    let limit = args.maybe_number(0)?;
    let limit = limit.and_then(|limit| usize::try_from(limit).ok());
    let limit = limit.unwrap_or(PENDING_ANSWER_MAX).min(PENDING_ANSWER_MAX);
    let after = args.maybe_cursor(1)?;
    caller.take_place().await?;
    let (waiting, count) = pending(caller, after, limit).await?;
    let shown = waiting.iter();
    let shown: Vec<Value> = shown
        .map(|(entry, _)| transaction_json(&entry.transaction))
        .collect();
    let next = cursor_after(&waiting);
    Ok(json!({ "count": count, "transactions": shown, "next": next }))
}
