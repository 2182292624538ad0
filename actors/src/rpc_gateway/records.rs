//! What accounts keep under keys of their own.
use super::json::hex;
use super::seed::Seed;
use crate::http::answer::{BadParam, bad_address, refuse, refuse_param, trouble};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use lockstep_protocol::ledger::{self, HistoryError, ReadError};
use lockstep_protocol::limits::RECORD_KEY_BYTES_MAX;
use lockstep_protocol::types::Address;
use serde_json::json;

/// `GET /records/{address}/{key}`, the key in hex: its value and since when, in the newest state.
pub(super) async fn record(
    seed: web::Data<Seed>,
    path: web::Path<(String, String)>,
) -> HttpResponse {
    let (owner, key) = match place(&path) {
        Ok(place) => place,
        Err(bad) => return refuse_param(bad),
    };
    let newest = || {
        let height = seed.head().height;
        let view = seed.store.view().map_err(ReadError::from)?;
        let version = view.version_after(height)?;
        Ok::<_, HistoryError>(ledger::record_at(&view, version, &owner, &key)?)
    };
    match newest() {
        Ok(Some(record)) => {
            let mut document = json!(record);
            document["owner"] = json!(owner);
            document["key"] = json!(hex(&key));
            HttpResponse::Ok().json(document)
        }
        Ok(None) => {
            let sentence =
                format!("{owner} has no record under this key: put one, or ask for another");
            refuse(StatusCode::NOT_FOUND, "unknown_record", sentence)
        }
        Err(error) => trouble(&error),
    }
}

/// Owner and key of a path, or what is wrong with it.
pub(super) fn place((owner, key): &(String, String)) -> Result<(Address, Vec<u8>), BadParam> {
    let owner = owner.parse().map_err(|error| bad_address(&error))?;
    let key = unhex(key).filter(|key| (1..=RECORD_KEY_BYTES_MAX).contains(&key.len()));
    let key = key.ok_or_else(|| {
        let sentence =
            format!("a key is 0x and the hex digits of 1 to {RECORD_KEY_BYTES_MAX} bytes");
        ("malformed", sentence)
    })?;
    Ok((owner, key))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x")?.as_bytes();
    let pairs = digits.chunks(2).map(|pair| {
        let digits = pair.len() == 2 && pair.iter().all(u8::is_ascii_hexdigit);
        let pair = std::str::from_utf8(pair).ok().filter(|_| digits)?;
        u8::from_str_radix(pair, 16).ok()
    });
    pairs.collect()
}
