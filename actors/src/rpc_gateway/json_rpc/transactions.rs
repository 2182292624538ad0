//! `lockstep_…` for transactions: handing one in, and what became of it. What is accepted is listed
//! by `lockstep_pendingTransactions` until a block carries it; the same bytes handed in again are
//! answered with the same id.
use super::error::RpcError;
use super::params::{Args, Kind, needed, optional};
use super::{Answer, Caller, Method, Shape, method};
use crate::committer::AdmitTransaction;
use crate::limits::{PENDING_ANSWER_MAX, RPC_WAIT_DEFAULT, RPC_WAIT_MAX};
use crate::metrics::RefusalLabel;
use crate::proposer::{GetPending, SubmitTransaction};
use crate::rpc_gateway::{Seed, blocks};
use lockstep_protocol::ledger::{NotAdmitted, Status};
use lockstep_protocol::limits::TRANSACTION_BYTES_MAX;
use lockstep_protocol::pending::Submission;
use lockstep_protocol::transaction::Transaction;
use lockstep_protocol::types::Hash;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// A transaction in hex: at most so many bytes.
pub(super) const TRANSACTION: Kind = Kind::Data(TRANSACTION_BYTES_MAX);

pub(super) const METHODS: &[Method] = &[
    method(
        "lockstep_sendTransaction",
        "Hands in the bytes of POST /transactions. Answers the id, and \"pending\" or \"known\".",
        &[needed("transaction", TRANSACTION)],
        Shape::Object,
        |caller, args| Box::pin(send(caller, args)),
    ),
    method(
        "lockstep_sendTransactionAndWait",
        "The same, and waits for the receipt: \"committed\", \"failed\", or \"pending\" when the \
         time is over.",
        &[
            needed("transaction", TRANSACTION),
            optional("timeout_ms", Kind::Whole(RPC_WAIT_MAX.as_millis() as u64)),
        ],
        Shape::Object,
        |caller, args| Box::pin(send_and_wait(caller, args)),
    ),
    method(
        "lockstep_getTransaction",
        "A transaction by its id, with its status: unknown, pending, committed or failed.",
        &[needed("id", Kind::Hash)],
        Shape::Object,
        |caller, args| Box::pin(get_transaction(caller, args)),
    ),
    method(
        "lockstep_getReceipt",
        "What became of a committed transaction; null if no block has carried it.",
        &[needed("id", Kind::Hash)],
        Shape::ObjectOrNull,
        |caller, args| Box::pin(get_receipt(caller, args)),
    ),
    method(
        "lockstep_pendingTransactions",
        "Transactions that wait here for a block, in order of arrival, and how many there are.",
        &[optional("limit", Kind::Whole(PENDING_ANSWER_MAX as u64))],
        Shape::Object,
        |caller, args| Box::pin(pending_transactions(caller, args)),
    ),
];

/// What was handed in.
pub(super) struct Submitted {
    pub(super) id: Hash,
    pub(super) submission: Submission,
}

/// Checks a transaction and keeps it for a block.
async fn submit(seed: &Seed, transaction: Arc<Transaction>) -> Result<Submitted, RpcError> {
    let id = transaction.id();
    // Its nonce is used up by itself: told as it is, the sender would send another one.
    if seed.store.location(&id)?.is_some() {
        let submission = Submission::Known;
        return Ok(Submitted { id, submission });
    }
    let admitted = seed.ports.admit.ask(AdmitTransaction(transaction.clone()));
    match admitted.await.map_err(|_| busy(seed))? {
        Ok(()) => {}
        Err(NotAdmitted::Refused(error)) => {
            seed.metrics.refusal(RefusalLabel::Transaction);
            let (code, sentence) = (error.code(), error.to_string());
            return Err(RpcError::Refused { code, sentence });
        }
        Err(NotAdmitted::Fatal(error)) => return Err(error.into()),
    }
    let submitted = seed.ports.transaction.ask(SubmitTransaction(transaction));
    match submitted.await.map_err(|_| busy(seed))? {
        Submission::Full => Err(RpcError::PoolFull),
        submission => Ok(Submitted { id, submission }),
    }
}

fn busy(seed: &Seed) -> RpcError {
    seed.metrics.refusal(RefusalLabel::Busy);
    RpcError::Busy
}

/// Reads and hands in the first parameter.
pub(super) async fn hand_in(caller: &Caller, args: &Args) -> Result<Submitted, RpcError> {
    let transaction = caller.seed.wire.decode_transaction(&args.bytes(0)?)?;
    submit(&caller.seed, Arc::new(transaction)).await
}

async fn send(caller: &Caller, args: Args) -> Answer {
    let Submitted { id, submission } = hand_in(caller, &args).await?;
    Ok(json!({ "id": id, "status": submission }))
}

async fn send_and_wait(caller: &Caller, args: Args) -> Answer {
    let Submitted { id, .. } = hand_in(caller, &args).await?;
    let patience = args.maybe_number(1)?.map(Duration::from_millis);
    let until = tokio::time::Instant::now() + patience.unwrap_or(RPC_WAIT_DEFAULT);
    let mut events = caller.seed.events.watch();
    // Whoever finds no place to wait is still told the id.
    let place = caller.seed.waiters.clone().try_acquire_owned();
    loop {
        if let Some(receipt) = receipt(&caller.seed, &id)? {
            let status = status_word(&receipt.status);
            let receipt = receipt.to_json();
            return Ok(json!({ "id": id, "status": status, "receipt": receipt }));
        }
        let news = tokio::time::timeout_at(until, events.changed());
        if place.is_err() || !matches!(news.await, Ok(Ok(()))) {
            return Ok(json!({ "id": id, "status": "pending" }));
        }
    }
}

fn status_word(status: &Status) -> &'static str {
    match status {
        Status::Success => "committed",
        Status::Failed { .. } => "failed",
    }
}

/// A receipt, and where it stands.
struct Found {
    height: lockstep_protocol::types::Height,
    index: u32,
    block_id: Hash,
    status: Status,
    receipt: Value,
}

impl Found {
    fn to_json(&self) -> Value {
        let mut receipt = self.receipt.clone();
        receipt["height"] = json!(self.height);
        receipt["index"] = json!(self.index);
        receipt["block_id"] = json!(self.block_id);
        receipt
    }
}

fn receipt(seed: &Seed, id: &Hash) -> Result<Option<Found>, RpcError> {
    let Some(location) = seed.store.location(id)? else {
        return Ok(None);
    };
    let height = location.height;
    let (receipts, certificate) = (
        seed.store.receipts(height)?,
        seed.store.certificate(height)?,
    );
    let found = location.transaction.and_then(|index| {
        let receipt = receipts?.into_iter().nth(usize::try_from(index).ok()?)?;
        let (block_id, status) = (certificate?.block_id, receipt.status);
        let receipt = json!(receipt);
        Some(Found {
            height,
            index,
            block_id,
            status,
            receipt,
        })
    });
    Ok(found)
}

async fn get_receipt(caller: &Caller, args: Args) -> Answer {
    let found = receipt(&caller.seed, &args.hash(0)?)?;
    Ok(found.map_or(Value::Null, |found| found.to_json()))
}

async fn get_transaction(caller: &Caller, args: Args) -> Answer {
    let id = args.hash(0)?;
    if let Some(found) = receipt(&caller.seed, &id)? {
        let (height, index) = (found.height, found.index);
        let transaction = caller.read(move |seed| {
            let block = seed.store.block(height)?;
            let index = usize::try_from(index).unwrap_or(usize::MAX);
            let transaction = block.and_then(|block| {
                let transactions = &block.block().transactions;
                transactions.get(index).map(blocks::transaction_json)
            });
            Ok(transaction)
        });
        let (status, transaction) = (status_word(&found.status), transaction.await?);
        let receipt = found.to_json();
        return Ok(json!({
            "id": id, "status": status, "transaction": transaction, "receipt": receipt,
        }));
    }
    let (waiting, _) = pending(caller).await?;
    let waiting = waiting.iter().find(|transaction| transaction.id() == id);
    Ok(match waiting {
        Some(transaction) => json!({
            "id": id, "status": "pending", "transaction": blocks::transaction_json(transaction),
        }),
        // Between the two looks a block may have carried it.
        None => match receipt(&caller.seed, &id)? {
            Some(found) => json!({
                "id": id, "status": status_word(&found.status), "receipt": found.to_json(),
            }),
            None => json!({ "id": id, "status": "unknown" }),
        },
    })
}

/// All that wait for a block here, in order of arrival, and how many of them.
pub(super) async fn pending(caller: &Caller) -> Result<(Vec<Arc<Transaction>>, usize), RpcError> {
    let waiting = caller.seed.ports.pending.ask(GetPending).await;
    let waiting = waiting.map_err(|_| busy(&caller.seed))?;
    let count = waiting.len();
    Ok((waiting, count))
}

async fn pending_transactions(caller: &Caller, args: Args) -> Answer {
    let limit = args
        .maybe_number(0)?
        .and_then(|limit| usize::try_from(limit).ok());
    caller.take_place().await?;
    let (waiting, count) = pending(caller).await?;
    let shown = waiting.iter().take(limit.unwrap_or(PENDING_ANSWER_MAX));
    let shown: Vec<Value> = shown
        .map(|waiting| blocks::transaction_json(waiting))
        .collect();
    Ok(json!({ "count": count, "transactions": shown }))
}
