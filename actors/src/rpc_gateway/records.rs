//! What accounts keep under keys of their own.
use super::json::{hex, unhex};
use super::seed::Seed;
use crate::http::answer::{Answer, Refused, address, refuse};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use lockstep_protocol::ledger;
use lockstep_protocol::limits::RECORD_KEY_BYTES_MAX;
use lockstep_protocol::types::Address;
use serde_json::json;

/// `GET /records/{address}/{key}`, the key in hex: its value and since when, in the newest state.
pub(super) async fn record(seed: web::Data<Seed>, path: web::Path<(String, String)>) -> Answer {
    let (owner, key) = place(&path)?;
    let height = seed.head().height;
    let view = seed.store.view()?;
    let version = view.version_after(height)?;
    let Some(record) = ledger::record_at(&view, version, &owner, &key)? else {
        let sentence = format!("{owner} has no record under this key: put one, or ask for another");
        return Ok(refuse(StatusCode::NOT_FOUND, "unknown_record", sentence));
    };
    let mut document = json!(record);
    document["owner"] = json!(owner);
    document["key"] = json!(hex(&key));
    Ok(HttpResponse::Ok().json(document))
}

/// Owner and key of a path, or what is wrong with it.
pub(super) fn place((owner, key): &(String, String)) -> Result<(Address, Vec<u8>), Refused> {
    let owner = address(owner)?;
    let key = unhex(key).filter(|key| (1..=RECORD_KEY_BYTES_MAX).contains(&key.len()));
    let key = key.ok_or_else(|| {
        let sentence =
            format!("a key is 0x and the hex digits of 1 to {RECORD_KEY_BYTES_MAX} bytes");
        refuse(StatusCode::BAD_REQUEST, "malformed", sentence)
    })?;
    Ok((owner, key))
}
