//! People's transactions: handing one in, a look at what waits, and what became of one.
use super::seed::Seed;
use crate::http::answer::{Answer, busy, refuse};
use crate::http::body;
use crate::http::pieces::Made;
use crate::messages::mempool::{GetWaiting, Waiting};
use crate::state_store::StoreError;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use lockstep_protocol::ledger::Receipt;
use lockstep_protocol::mempool::Entry;
use lockstep_protocol::mempool::limits::LIST_PAGE_MAX;
use lockstep_protocol::types::{Address, Hash, Height};
use serde_json::{Value, json};

/// `POST /transactions`
pub(super) async fn submit(
    seed: web::Data<Seed>,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    body::demand_type(&request, "canonical bytes", "application/octet-stream")?;
    seed.intake.submit(&request, payload).await
}

/// Which page of the list.
#[derive(serde::Deserialize)]
pub(super) struct Page {
    /// The `next` of the page before: sender and nonce, with a colon between.
    after: Option<String>,
    limit: Option<usize>,
}

/// `GET /mempool`: what waits, by sender and nonce.
pub(super) async fn waiting(
    seed: web::Data<Seed>,
    request: HttpRequest,
    page: web::Query<Page>,
) -> Answer {
    let after = match page.after.as_deref().map(parse_cursor) {
        Some(None) => {
            let sentence = "`after` is a sender and a nonce, as in `next` of the page before";
            return Ok(refuse(StatusCode::BAD_REQUEST, "bad_page", sentence));
        }
        after => after.flatten(),
    };
    let limit = page.limit.unwrap_or(LIST_PAGE_MAX);
    // Fair by address: the Mempool takes questions in turn, and copies for each.
    let place = seed.short_place(&request).await?;
    let waiting = seed.ports.waiting.ask(GetWaiting { after, limit }).await;
    let waiting = waiting.map_err(|error| busy(error, &seed.metrics))?;
    let made = web::block(move || Made::with(place, listed(&waiting).to_string()));
    Ok(made.await?.answer("application/json"))
}

/// Where the list of those that wait goes on, as [`cursor_after`] writes it.
pub(super) fn parse_cursor(text: &str) -> Option<(Address, u64)> {
    let (sender, nonce) = text.split_once(':')?;
    Some((sender.parse().ok()?, nonce.parse().ok()?))
}

/// Where the page behind this one begins; `None`: this one is empty.
pub(super) fn cursor_after(page: &[(Entry, bool)]) -> Option<String> {
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
        "next": cursor_after(&waiting.page),
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

/// `GET /receipts/{id}`: the receipt of a committed transaction, and where it stands.
pub(super) async fn receipt(seed: web::Data<Seed>, path: web::Path<String>) -> Answer {
    let id: Hash = match path.parse() {
        Ok(id) => id,
        Err(error) => {
            let sentence = format!("{error}");
            return Ok(refuse(StatusCode::BAD_REQUEST, "malformed", sentence));
        }
    };
    let reader = seed.clone();
    let Some((height, index, receipt)) = web::block(move || find(&reader, &id)).await?? else {
        let sentence = format!(
            "no block here holds transaction {id}: it waits, has expired, or was never sent; \
             the newest block is {}, the earliest that is kept {}",
            seed.head().height,
            seed.store.earliest().unwrap_or_default()
        );
        return Ok(refuse(StatusCode::NOT_FOUND, "unknown_receipt", sentence));
    };
    let mut document = json!(receipt);
    document["height"] = json!(height);
    document["index"] = json!(index);
    Ok(HttpResponse::Ok().json(document))
}

fn find(seed: &Seed, id: &Hash) -> Result<Option<(Height, u32, Receipt)>, StoreError> {
    let Some((height, index)) = place(seed, id)? else {
        return Ok(None);
    };
    let receipt = receipt_at(seed, height, index)?;
    Ok(receipt.map(|receipt| (height, index, receipt)))
}

/// Where the transaction with this id stands, if a block that is shown carries it: one small look.
pub(super) fn place(seed: &Seed, id: &Hash) -> Result<Option<(Height, u32)>, StoreError> {
    let location = seed.store.location(id)?;
    let shown = location.filter(|location| seed.is_shown(location.height));
    Ok(shown.and_then(|location| Some((location.height, location.transaction?))))
}

/// The receipt of a transaction of a block. All of the block are decoded for it, and they may be
/// many: not on the thread that votes.
pub(super) fn receipt_at(
    seed: &Seed,
    height: Height,
    index: u32,
) -> Result<Option<Receipt>, StoreError> {
    let receipts = seed.store.receipts(height)?.unwrap_or_default();
    Ok(receipts.into_iter().nth(index as usize))
}
