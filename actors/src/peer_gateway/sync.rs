//! `GET /sync/blocks`: ranges of committed blocks for peers that catch up.
use super::Seed;
use crate::http::answer::{Answer, refuse};
use crate::http::pieces::Pieces;
use crate::limits::{SYNC_ANSWER_PATIENCE, SYNC_ENVELOPE_BYTES};
use crate::state_store::StoreError;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use lockstep_protocol::limits::{SYNC_BLOCKS_MAX, SYNC_BYTES_MAX};
use lockstep_protocol::types::Height;
use lockstep_protocol::wire::{EARLIEST_HEADER, HEIGHT_HEADER};
use serde::Deserialize;

/// The range that a peer asks for.
#[derive(Debug, Deserialize)]
pub(super) struct Range {
    from: u64,
    limit: Option<u64>,
}

impl Range {
    /// How many blocks the answer may hold; `None` if nobody may ask for so many.
    fn blocks_max(&self) -> Option<usize> {
        let limit = self.limit.unwrap_or(SYNC_BLOCKS_MAX);
        let allowed = (1..=SYNC_BLOCKS_MAX).contains(&limit);
        allowed.then(|| usize::try_from(limit).unwrap_or(usize::MAX))
    }
}

pub(super) async fn sync(seed: web::Data<Seed>, request: HttpRequest) -> Answer {
    let Ok(range) = web::Query::<Range>::from_query(request.query_string()) else {
        let sentence = "ask for ?from=<height>, and at will &limit=<blocks>";
        return Ok(refuse(StatusCode::BAD_REQUEST, "malformed", sentence));
    };
    let Some(blocks_max) = range.blocks_max() else {
        let sentence = format!("limit is a number of blocks from 1 to {SYNC_BLOCKS_MAX}");
        return Ok(refuse(StatusCode::BAD_REQUEST, "limit", sentence));
    };
    let bytes_max = SYNC_BYTES_MAX - SYNC_ENVELOPE_BYTES;
    let places = &seed.shares.sync_answers;
    let metrics = &seed.metrics;
    let why = "other peers are being answered";
    let place = places.demand(&request, SYNC_ANSWER_PATIENCE, metrics, why);
    let place = place.await?;
    // Megabytes are read, checked and encoded: not on the thread that votes.
    let store = seed.store.clone();
    let wire = seed.wire;
    let answer = web::block(move || {
        let blocks = store.decided(Height(range.from), blocks_max, bytes_max)?;
        // After them: what was pruned meanwhile is told as gone.
        let earliest = store.earliest()?;
        Ok::<_, StoreError>((wire.encode_blocks(&blocks), earliest))
    });
    let (bytes, earliest) = answer.await??;
    Ok(HttpResponse::Ok()
        .insert_header((HEIGHT_HEADER, seed.view.head().height.to_string()))
        .insert_header((EARLIEST_HEADER, earliest.to_string()))
        .content_type("application/octet-stream")
        .body(Pieces::new(bytes.into(), Some(place))))
}
