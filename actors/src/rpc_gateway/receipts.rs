//! What became of a transaction.
use super::seed::Seed;
use crate::http::answer::{Answer, refuse};
use crate::state_store::StoreError;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use lockstep_protocol::ledger::Receipt;
use lockstep_protocol::types::{Hash, Height};
use serde_json::json;

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
    let receipt = read(seed, height, index)?;
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
pub(super) fn read(seed: &Seed, height: Height, index: u32) -> Result<Option<Receipt>, StoreError> {
    let receipts = seed.store.receipts(height)?.unwrap_or_default();
    Ok(receipts.into_iter().nth(index as usize))
}
