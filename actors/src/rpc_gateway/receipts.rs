//! What became of a transaction.
use super::seed::Seed;
use crate::http::answer::{refuse, trouble};
use crate::state_store::StoreError;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use lockstep_protocol::ledger::Receipt;
use lockstep_protocol::types::{Hash, Height};
use serde_json::json;

/// `GET /receipts/{id}`: the receipt of a committed transaction, and where it stands.
pub(super) async fn receipt(seed: web::Data<Seed>, path: web::Path<String>) -> HttpResponse {
    let id: Hash = match path.parse() {
        Ok(id) => id,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, "malformed", format!("{error}")),
    };
    // The receipts of a block may be many: not on the thread that votes.
    let reader = seed.clone();
    match web::block(move || find(&reader, &id)).await {
        Ok(Ok(Some((height, index, receipt)))) => {
            let mut document = json!(receipt);
            document["height"] = json!(height);
            document["index"] = json!(index);
            HttpResponse::Ok().json(document)
        }
        Ok(Ok(None)) => {
            let sentence = format!(
                "no block here holds transaction {id}: it waits, has expired, or was never sent; \
                 the newest block is {}, the earliest that is kept {}",
                seed.head().height,
                seed.store.earliest().unwrap_or_default()
            );
            refuse(StatusCode::NOT_FOUND, "unknown_receipt", sentence)
        }
        Ok(Err(error)) => trouble(&error),
        Err(error) => trouble(&error),
    }
}

fn find(seed: &Seed, id: &Hash) -> Result<Option<(Height, u32, Receipt)>, StoreError> {
    let location = seed.store.location(id)?;
    let Some(location) = location.filter(|location| seed.is_shown(location.height)) else {
        return Ok(None);
    };
    let (height, Some(index)) = (location.height, location.transaction) else {
        return Ok(None);
    };
    let receipts = seed.store.receipts(height)?.unwrap_or_default();
    let receipt = receipts.into_iter().nth(index as usize);
    Ok(receipt.map(|receipt| (height, index, receipt)))
}
