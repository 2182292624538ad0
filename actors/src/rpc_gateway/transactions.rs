//! Transactions: one from a client, batches from peers, and a look at what waits.
use super::Seed;
use super::answer::{refuse, refuse_bad, trouble};
use super::body::{self, Body};
use super::consensus::busy;
use crate::messages::mempool::{GetWaiting, SubmitTransactions, Verdict, Waiting};
use crate::metrics::RefusalLabel;
use crate::state_store::StoreError;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use lockstep_protocol::limits::TRANSACTION_BYTES_MAX;
use lockstep_protocol::mempool::limits::LIST_PAGE_MAX;
use lockstep_protocol::mempool::{Blame, Entry, Refusal, Source, Submission};
use lockstep_protocol::transaction::Transaction;
use lockstep_protocol::types::{Address, Hash};
use lockstep_protocol::wire::TRANSACTIONS_BYTES_MAX;
use serde_json::{Value, json};
use std::sync::Arc;

/// `POST /transactions`: canonical bytes of one.
pub(super) async fn submit(
    seed: web::Data<Seed>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let bytes = match body::read(&request, payload, TRANSACTION_BYTES_MAX, &seed.metrics).await {
        Ok(bytes) => bytes,
        Err(refusal) => return refusal,
    };
    let transaction = match seed.wire.decode_transaction(&bytes) {
        Ok(transaction) => transaction,
        Err(error) => return body::refuse_wire(&error, &seed.metrics),
    };
    match hand_in(&seed, transaction).await {
        Ok(taken) => HttpResponse::Accepted().json(taken.to_json()),
        Err(NotTaken::Refused(refusal)) => refused(&seed, &refusal),
        Err(NotTaken::Store(error)) => trouble(&error),
    }
}

/// A transaction that this node keeps, or that a block carries.
pub(super) struct Taken {
    pub(super) id: Hash,
    submission: Submission,
}

impl Taken {
    pub(super) fn to_json(&self) -> Value {
        json!({ "id": self.id, "status": self.submission })
    }
}

/// Why a transaction was not taken.
pub(super) enum NotTaken {
    Refused(Refusal),
    Store(StoreError),
}

/// Has a transaction of people checked and kept for a block, by whichever way it came.
pub(super) async fn hand_in(seed: &Seed, transaction: Transaction) -> Result<Taken, NotTaken> {
    let id = transaction.id();
    let submit = SubmitTransactions(vec![Arc::new(transaction)], Source::People);
    let verdict = match seed.ports.transaction.ask(submit).await {
        Ok(mut verdicts) => verdicts.pop().unwrap_or(Err(Refusal::Busy)),
        Err(_) => Err(Refusal::Busy),
    };
    let submission = match verdict {
        Ok(submission) => submission,
        // After the verdict: before it, the block might still come. What a block carries has used
        // up its nonce itself; told that, the sender would pay a second time with another one.
        Err(refusal) if refusal.blame() == Blame::Moment => {
            let location = seed.store.location(&id).map_err(NotTaken::Store)?;
            location.ok_or(NotTaken::Refused(refusal))?;
            Submission::Known
        }
        Err(refusal) => return Err(NotTaken::Refused(refusal)),
    };
    Ok(Taken { id, submission })
}

fn refused(seed: &Seed, refusal: &Refusal) -> HttpResponse {
    let (label, status) = match (refusal, refusal.blame()) {
        (Refusal::Busy, _) => (RefusalLabel::Busy, StatusCode::SERVICE_UNAVAILABLE),
        (_, Blame::Load) => (RefusalLabel::Busy, StatusCode::TOO_MANY_REQUESTS),
        _ => (RefusalLabel::Transaction, StatusCode::BAD_REQUEST),
    };
    seed.metrics.refusal(label);
    refuse(status, refusal.code(), refusal.to_string())
}

/// `POST /mempool/transactions`: what a peer has taken from people, verified there. The answer is
/// the peer's sign to send more, so it comes when all are checked.
pub(super) async fn gossip(
    seed: web::Data<Seed>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let metrics = &seed.metrics;
    let whole = match Body::open(&request, payload, TRANSACTIONS_BYTES_MAX) {
        Ok(body) => body.whole(Some(&seed.gossip_bodies)).await,
        Err(cut) => Err(cut),
    };
    let whole = match whole {
        Ok(whole) => whole,
        Err(cut) => return body::refuse_cut(cut, metrics),
    };
    let transactions = match seed.wire.decode_transactions(&whole.bytes) {
        Ok(transactions) => transactions.into_iter().map(Arc::new).collect(),
        Err(error) => return body::refuse_wire(&error, metrics),
    };
    let submit = SubmitTransactions(transactions, Source::Peer);
    let answer = seed.ports.gossip.ask(submit).await;
    drop(whole.place);
    match answer {
        Ok(verdicts) => gossiped(&seed, &verdicts),
        Err(error) => busy(error, metrics),
    }
}

/// 202 for whatever an honest peer may send, although this node may have no room for it.
fn gossiped(seed: &Seed, verdicts: &[Verdict]) -> HttpResponse {
    let refusals = || verdicts.iter().filter_map(|verdict| verdict.as_ref().err());
    if let Some(bad) = refusals().find(|refusal| refusal.blame() == Blame::Transaction) {
        seed.metrics.refusal(RefusalLabel::Transaction);
        return refuse_bad(StatusCode::BAD_REQUEST, bad.code(), bad.to_string());
    }
    if refusals().any(|refusal| *refusal == Refusal::Busy) {
        return refused(seed, &Refusal::Busy);
    }
    HttpResponse::Accepted().finish()
}

/// Which page of the list.
#[derive(serde::Deserialize)]
pub(super) struct Page {
    /// The `next` of the page before: sender and nonce, with a colon between.
    after: Option<String>,
    limit: Option<usize>,
}

/// `GET /mempool`: what waits, by sender and nonce.
pub(super) async fn waiting(seed: web::Data<Seed>, page: web::Query<Page>) -> HttpResponse {
    let after = match page.after.as_deref().map(parse_place) {
        Some(None) => {
            let sentence = "`after` is a sender and a nonce, as in `next` of the page before";
            return refuse(StatusCode::BAD_REQUEST, "bad_page", sentence);
        }
        after => after.flatten(),
    };
    let limit = page.limit.unwrap_or(LIST_PAGE_MAX);
    match seed.ports.waiting.ask(GetWaiting { after, limit }).await {
        Ok(waiting) => HttpResponse::Ok().json(listed(&waiting)),
        Err(error) => busy(error, &seed.metrics),
    }
}

/// A place in the list of those that wait, as [`place_after`] writes it.
pub(super) fn parse_place(text: &str) -> Option<(Address, u64)> {
    let (sender, nonce) = text.split_once(':')?;
    Some((sender.parse().ok()?, nonce.parse().ok()?))
}

/// Where the page behind this one begins; `None`: this one is empty.
pub(super) fn place_after(page: &[(Entry, bool)]) -> Option<String> {
    let (last, _) = page.last()?;
    Some(format!("{}:{}", last.sender(), last.nonce()))
}

fn listed(waiting: &Waiting) -> Value {
    let rows = waiting.page.iter().map(|(e, ready)| row(e, *ready));
    let rows: Vec<Value> = rows.collect();
    json!({
        "transactions": waiting.transactions,
        "bytes": waiting.bytes,
        "waiting": rows,
        "next": place_after(&waiting.page),
    })
}

fn row(entry: &Entry, is_ready: bool) -> Value {
    json!({
        "id": entry.id,
        "sender": entry.sender(),
        "nonce": entry.nonce(),
        "fee": entry.fee().to_string(),
        "bytes": entry.bytes,
        "expires_at": entry.expires_at(),
        "status": if is_ready { "pending" } else { "queued" },
    })
}
