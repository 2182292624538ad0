//! What an account has a part in: a page of its transactions, the newest first, each with what it does
//! and what became of it.
use super::json::transaction::transaction_json;
use super::seed::Seed;
use crate::http::answer::{self, Answer, refuse};
use crate::http::pieces::Made;
use crate::limits::{HISTORY_PAGE_MAX, HISTORY_READ_BYTES_MAX};
use crate::state_store::{Part, Role, StoreError};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use lockstep_protocol::ledger::Receipt;
use lockstep_protocol::nouns::block::SealedBlock;
use lockstep_protocol::types::{Address, Height};
use serde_json::{Value, json};
use std::sync::Arc;

/// The word for a node that keeps no history.
pub(super) const NO_HISTORY: &str = "no_history";
/// What is said then.
pub(super) const SAID: &str = "this node keeps no history of accounts: set history = true and restart it, or ask another node";

/// Which page.
#[derive(serde::Deserialize)]
pub(super) struct Page {
    /// The `next` of the page before: a height and a place, with a colon between.
    before: Option<String>,
    limit: Option<usize>,
}

/// `GET /accounts/{address}/transactions`
pub(super) async fn transactions(
    seed: web::Data<Seed>,
    request: HttpRequest,
    path: web::Path<String>,
    asked: web::Query<Page>,
) -> Answer {
    let of = answer::address(&path)?;
    let before = match asked.before.as_deref().map(parse_place) {
        Some(None) => {
            let sentence = "`before` is a height and a place, as in `next` of the page before";
            return Ok(refuse(StatusCode::BAD_REQUEST, "bad_page", sentence));
        }
        before => before.flatten(),
    };
    let limit = asked.limit.unwrap_or(HISTORY_PAGE_MAX);
    let place = seed
        .answer_place(&request, "other long answers are being made")
        .await?;
    let reader = seed.clone();
    let made = web::block(move || {
        let page = page(&reader, &of, before, limit)?;
        Ok::<_, StoreError>(page.map(|page| Made::with(place, page.to_string())))
    });
    Ok(match made.await?? {
        Some(made) => made.answer("application/json"),
        None => refuse(StatusCode::NOT_FOUND, NO_HISTORY, SAID),
    })
}

/// Where a page goes on, as [`place_of`] writes it.
pub(super) fn parse_place(text: &str) -> Option<(Height, u32)> {
    let (height, index) = text.split_once(':')?;
    Some((Height(height.parse().ok()?), index.parse().ok()?))
}

fn place_of(part: &Part) -> String {
    format!("{}:{}", part.height, part.index)
}

/// A page before this place; `None`: the history is not kept here.
pub(super) fn page(
    seed: &Seed,
    of: &Address,
    before: Option<(Height, u32)>,
    limit: usize,
) -> Result<Option<Value>, StoreError> {
    let head = seed.head().height;
    let end = (head.next(), 0);
    let end = before.map_or(end, |before| before.min(end));
    let limit = limit.clamp(1, HISTORY_PAGE_MAX);
    let Some(parts) = seed.store.history(of, end, limit)? else {
        return Ok(None);
    };
    let (mut rows, mut read) = (Vec::new(), 0usize);
    let mut block: Option<(Height, Carried)> = None;
    for part in &parts {
        let found = match block.take().filter(|(height, _)| *height == part.height) {
            Some(same) => same,
            None if read >= HISTORY_READ_BYTES_MAX => break,
            None => {
                read = read.saturating_add(seed.store.decided_bytes(part.height)?);
                (part.height, Carried::read(seed, part.height)?)
            }
        };
        rows.push(found.1.row(part));
        block = Some(found);
    }
    let is_last = rows.len() == parts.len() && parts.len() < limit;
    let last = rows.len().checked_sub(1).and_then(|last| parts.get(last));
    let next = last.filter(|_| !is_last).map(place_of);
    Ok(Some(json!({
        "address": of,
        "height": head,
        "earliest_height": seed.store.earliest()?,
        "transactions": rows,
        "next": next,
    })))
}

/// A block with what became of its transactions; neither where it was pruned meanwhile.
struct Carried {
    block: Option<Arc<SealedBlock>>,
    receipts: Vec<Receipt>,
}

impl Carried {
    fn read(seed: &Seed, height: Height) -> Result<Carried, StoreError> {
        Ok(Carried {
            block: seed.store.block(height)?,
            receipts: seed.store.receipts(height)?.unwrap_or_default(),
        })
    }

    fn row(&self, part: &Part) -> Value {
        let at = usize::try_from(part.index).unwrap_or(usize::MAX);
        let transactions = self.block.as_ref().map(|block| &block.block().transactions);
        let transaction = transactions.and_then(|all| all.get(at));
        json!({
            "height": part.height,
            "index": part.index,
            "role": word(part.role),
            "time": self.block.as_ref().map(|block| block.header().time),
            "transaction": transaction.map(transaction_json),
            "receipt": self.receipts.get(at),
        })
    }
}

fn word(role: Role) -> &'static str {
    match role {
        Role::Sender => "sender",
        Role::Receiver => "receiver",
        Role::Both => "both",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_height_and_an_index() {
        let (height, index, role) = (Height(7), 2, Role::Both);
        let part = Part {
            height,
            index,
            role,
        };
        assert_eq!(parse_place(&place_of(&part)), Some((height, index)));
        for wrong in ["", "7", ":", "7:", ":2", "7:-1", "7:2:1", "0x7:2"] {
            assert_eq!(parse_place(wrong), None, "{wrong}");
        }
    }
}
