//! `lockstep_…` for transactions: handing one in, and what became of it. What is accepted is listed
//! by `lockstep_pendingTransactions` until a block carries it; the same bytes handed in again are
//! answered with the same id.
use super::error::RpcError;
use super::params::{Args, Kind, needed, optional};
use super::{Answer, Caller, Method, Shape, method};
use crate::limits::{PENDING_ANSWER_MAX, RPC_WAIT_DEFAULT, RPC_WAIT_MAX};
use crate::messages::mempool::{GetTransactionStatus, GetWaiting, TransactionStatus};
use crate::metrics::RefusalLabel;
use crate::rpc_gateway::transactions::{self, NotTaken, Taken};
use crate::rpc_gateway::{Seed, blocks};
use lockstep_protocol::codec;
use lockstep_protocol::inclusion::{ReceiptProof, TransactionProof};
use lockstep_protocol::ledger::Status;
use lockstep_protocol::limits::TRANSACTION_BYTES_MAX;
use lockstep_protocol::mempool::{Entry, Fate, Refusal};
use lockstep_protocol::types::{Address, Hash, Height};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

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
            optional("after", Kind::Place),
        ],
        Shape::Object,
        |caller, args| Box::pin(pending_transactions(caller, args)),
    ),
];

pub(super) fn busy(seed: &Seed) -> RpcError {
    seed.metrics.refusal(RefusalLabel::Busy);
    RpcError::Busy
}

/// Reads and hands in the first parameter.
pub(super) async fn hand_in(caller: &Caller, args: &Args) -> Result<Taken, RpcError> {
    let seed = &caller.seed;
    let transaction = seed.wire.decode_transaction(&args.bytes(0)?)?;
    let taken = transactions::hand_in(seed, transaction).await;
    taken.map_err(|why| match why {
        NotTaken::Refused(Refusal::Busy) => busy(seed),
        NotTaken::Refused(refusal) => {
            seed.metrics.refusal(RefusalLabel::Transaction);
            let (code, sentence) = (refusal.code(), refusal.to_string());
            RpcError::Refused { code, sentence }
        }
        NotTaken::Store(error) => error.into(),
    })
}

async fn send(caller: &Caller, args: Args) -> Answer {
    Ok(hand_in(caller, &args).await?.to_json())
}

async fn send_and_wait(caller: &Caller, args: Args) -> Answer {
    let id = hand_in(caller, &args).await?.id;
    let patience = args.maybe_number(1)?.map(Duration::from_millis);
    let until = Instant::now() + patience.unwrap_or(RPC_WAIT_DEFAULT);
    let until = until.min(caller.waits_until);
    let mut events = caller.seed.events.watch();
    // Whoever finds no place to wait is still told the id.
    let place = caller.seed.waiters.clone().try_acquire_owned();
    let (mut is_late, mut asked_at) = (place.is_err(), None);
    loop {
        let height = caller.seed.head().height;
        // Rounds end no wait: asked at each of them, those who wait would crowd out other questions.
        if is_late || asked_at != Some(height) {
            match end(caller, &id).await {
                Ok(Some(end)) => return Ok(end),
                Ok(None) => asked_at = Some(height),
                Err(RpcError::Busy) => {} // the next event is soon
                Err(error) => return Err(error),
            }
        }
        if is_late {
            return Ok(json!({ "id": id, "status": "pending" }));
        }
        let news = timeout_at(until, events.changed());
        is_late = !matches!(news.await, Ok(Ok(())));
    }
}

/// How a transaction ended, by a block or without one; `None` as long as it may still be carried.
async fn end(caller: &Caller, id: &Hash) -> Result<Option<Value>, RpcError> {
    let seed = &caller.seed;
    if let Some(receipt) = receipt(seed, id)? {
        let status = status_word(&receipt.status);
        let receipt = receipt.to_json();
        return Ok(Some(
            json!({ "id": id, "status": status, "receipt": receipt }),
        ));
    }
    let status = seed.ports.transaction_status.ask(GetTransactionStatus(*id));
    let Some(TransactionStatus::Over(fate)) = status.await.map_err(|_| RpcError::Busy)? else {
        return Ok(None);
    };
    // What it gave up may stand in a block all the same, which is shown in a moment.
    let is_carried = seed.store.location(id)?.is_some();
    Ok((!is_carried).then(|| over(id, &fate)))
}

fn status_word(status: &Status) -> &'static str {
    match status {
        Status::Success => "committed",
        Status::Failed { .. } => "failed",
    }
}

/// A receipt, and where it stands.
struct Found {
    height: Height,
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
    let location = seed.store.location(id)?;
    let Some(location) = location.filter(|location| seed.is_shown(location.height)) else {
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
    let Some(found) = receipt(&caller.seed, &args.hash(0)?)? else {
        return Ok(Value::Null);
    };
    let mut answer = found.to_json();
    if args.maybe_flag(1)?.unwrap_or(false) {
        let (height, index) = (found.height, found.index);
        let proof = caller.read(move |seed| prove_receipt(seed, height, index));
        let (root, proof) = proof.await?;
        answer["receipts_root"] = json!(root);
        answer["proof"] = json!(blocks::hex(&codec::encode(&proof)));
    }
    Ok(answer)
}

/// The root of the receipts of a committed block, and the path from one of them to it.
fn prove_receipt(
    seed: &Seed,
    height: Height,
    index: u32,
) -> Result<(Hash, ReceiptProof), RpcError> {
    let index = usize::try_from(index).unwrap_or(usize::MAX);
    let (block, receipts) = (seed.store.block(height)?, seed.store.receipts(height)?);
    let root = block.map(|block| block.header().receipts_root);
    let proof = receipts.and_then(|receipts| ReceiptProof::new(&receipts, index));
    root.zip(proof).ok_or(RpcError::Internal)
}

async fn get_transaction(caller: &Caller, args: Args) -> Answer {
    let (id, prove) = (args.hash(0)?, args.maybe_flag(1)?.unwrap_or(false));
    if let Some(found) = receipt(&caller.seed, &id)? {
        return committed(caller, id, &found, prove).await;
    }
    let status = status(caller, id).await?;
    if let Some(TransactionStatus::Waiting(entry, is_ready)) = status {
        return Ok(json!({
            "id": id, "status": "pending", "ready": is_ready,
            "transaction": blocks::transaction_json(&entry.transaction),
        }));
    }
    // Between the two looks a block may have carried it.
    if let Some(found) = receipt(&caller.seed, &id)? {
        return committed(caller, id, &found, prove).await;
    }
    Ok(match status {
        Some(TransactionStatus::Over(fate)) => over(&id, &fate),
        // A block that was pruned may have carried it.
        _ => json!({
            "id": id, "status": "unknown", "earliest_height": caller.seed.store.earliest()?,
        }),
    })
}

/// A transaction that stands in a block.
async fn committed(caller: &Caller, id: Hash, found: &Found, prove: bool) -> Answer {
    let (height, index) = (found.height, found.index);
    let (status, receipt) = (status_word(&found.status), found.to_json());
    let answer = caller.read(move |seed| {
        let block = seed.store.block(height)?.ok_or(RpcError::Internal)?;
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let transactions = &block.block().transactions;
        let transaction = transactions.get(index).map(blocks::transaction_json);
        let mut answer = json!({
            "id": id, "status": status, "transaction": transaction, "receipt": receipt,
        });
        if prove {
            let proof = TransactionProof::new(block.block(), index).ok_or(RpcError::Internal)?;
            answer["transactions_root"] = json!(block.header().transactions_root);
            answer["proof"] = json!(blocks::hex(&codec::encode(&proof)));
        }
        Ok(answer)
    });
    answer.await
}

/// What the mempool knows of it.
pub(super) async fn status(
    caller: &Caller,
    id: Hash,
) -> Result<Option<TransactionStatus>, RpcError> {
    let port = &caller.seed.ports.transaction_status;
    let status = port.ask(GetTransactionStatus(id)).await;
    status.map_err(|_| busy(&caller.seed))
}

/// What became of one that waits no more and has no receipt here: no block carries it, or one that
/// is not kept any more.
fn over(id: &Hash, fate: &Fate) -> Value {
    match fate {
        Fate::Committed { height } => json!({ "id": id, "status": "committed", "height": height }),
        Fate::Expired { expires_at } => {
            json!({ "id": id, "status": "expired", "expires_at": expires_at })
        }
        Fate::Replaced { by } => json!({ "id": id, "status": "replaced", "by": by }),
        Fate::Evicted => json!({ "id": id, "status": "dropped", "code": "mempool_full" }),
        Fate::Dropped { code } => json!({ "id": id, "status": "dropped", "code": code }),
    }
}

/// Those that wait for a block here, by sender and nonce behind `after`, at most so many, each with
/// whether a block could carry it now; and how many wait in all.
pub(super) async fn pending(
    caller: &Caller,
    mut after: Option<(Address, u64)>,
    limit: usize,
) -> Result<(Vec<(Entry, bool)>, usize), RpcError> {
    let mut all = Vec::new();
    loop {
        let limit = limit.saturating_sub(all.len());
        let page = GetWaiting { after, limit };
        let waiting = caller.seed.ports.waiting.ask(page).await;
        let waiting = waiting.map_err(|_| busy(&caller.seed))?;
        let last = waiting.page.last();
        after = last.map(|(entry, _)| (entry.sender(), entry.nonce()));
        all.extend(waiting.page);
        if after.is_none() {
            return Ok((all, waiting.transactions));
        }
    }
}

async fn pending_transactions(caller: &Caller, args: Args) -> Answer {
    let limit = args.maybe_number(0)?;
    let limit = limit.and_then(|limit| usize::try_from(limit).ok());
    let limit = limit.unwrap_or(PENDING_ANSWER_MAX).min(PENDING_ANSWER_MAX);
    let after = args.maybe_place(1)?;
    caller.take_place().await?;
    let (waiting, count) = pending(caller, after, limit).await?;
    let shown = waiting.iter();
    let shown: Vec<Value> = shown
        .map(|(entry, _)| blocks::transaction_json(&entry.transaction))
        .collect();
    let next = transactions::place_after(&waiting);
    Ok(json!({ "count": count, "transactions": shown, "next": next }))
}
