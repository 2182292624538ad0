//! `lockstep_…` for transactions: handing one in, and what became of it. What is accepted is listed
//! by `lockstep_pendingTransactions` until a block carries it; the same bytes handed in again are
//! answered with the same id.
use super::caller::Caller;
use super::mempool::pending;
use super::method::{Answer, methods};
use super::params::Args;
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

methods! {
    /// Hands in the bytes of POST /transactions. Answers the id, and "pending", "queued" (behind a
    /// gap of nonces) or "known".
    "lockstep_sendTransaction"(needed transaction: Data(TRANSACTION_BYTES_MAX)) -> Object = send;

    /// The same, and waits for its end: "committed" or "failed" with the receipt, "expired",
    /// "replaced" or "dropped"; "pending" when the time is over.
    "lockstep_sendTransactionAndWait"(
        needed transaction: Data(TRANSACTION_BYTES_MAX),
        optional timeout_ms: Whole(RPC_WAIT_MAX.as_millis() as u64),
    ) -> Object = send_and_wait;

    /// A transaction by its id, with its status: unknown, pending, committed, failed, expired,
    /// replaced or dropped; with prove, the path to its block's root of transactions. Committed
    /// without a receipt: its block is not kept any more.
    "lockstep_getTransaction"(needed id: Hash, optional prove: Flag) -> Object = get_transaction;

    /// What became of a committed transaction; null if no block has carried it. With prove, the
    /// path to its block's root of receipts.
    "lockstep_getReceipt"(needed id: Hash, optional prove: Flag) -> ObjectOrNull = get_receipt;

    /// Transactions that wait here for a block, by sender and nonce, and how many there are. Behind
    /// a full page begins another: give its next as after.
    "lockstep_pendingTransactions"(
        optional limit: Whole(PENDING_ANSWER_MAX as u64),
        optional after: Cursor,
    ) -> Object = pending_transactions;
}

async fn pending_transactions(caller: &Caller, args: Args) -> Answer {
    let limit = args.maybe_number(0)?;
    let limit = limit.and_then(|limit| usize::try_from(limit).ok());
    let limit = limit.unwrap_or(PENDING_ANSWER_MAX).min(PENDING_ANSWER_MAX);
    let after = args.maybe_cursor(1)?;
    caller.take_place().await?;
    let (waiting, count) = pending(caller, after, limit).await?;
    let shown = caller.look_up(move |_| {
        let shown = waiting.iter();
        let shown: Vec<Value> = shown
            .map(|(entry, _)| transaction_json(&entry.transaction))
            .collect();
        let next = cursor_after(&waiting);
        Ok(json!({ "count": count, "transactions": shown, "next": next }))
    });
    shown.await
}
