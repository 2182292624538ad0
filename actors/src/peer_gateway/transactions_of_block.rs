//! `POST /consensus/transactions`: what a peer lacks of a block that is being decided. Anybody may
//! ask, as for a pull: the answer is bounded, and its places are those of pulls. Who asks waits a
//! moment for one, because all peers of a proposer ask at the same time.
use super::seed::Seed;
use crate::http::answer::{refuse, trouble};
use crate::http::answer_places::Asker;
use crate::http::body;
use crate::http::pieces::Pieces;
use crate::limits::FETCH_ANSWER_PATIENCE;
use crate::messages::proposer::GetProposedBlock;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use lockstep_protocol::limits::MISSING_BYTES_MAX;

pub(super) async fn transactions(
    seed: web::Data<Seed>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let bytes = match body::read(&request, payload, MISSING_BYTES_MAX, &seed.metrics).await {
        Ok(bytes) => bytes,
        Err(refusal) => return refusal,
    };
    let missing = match seed.wire.decode_missing(&bytes) {
        Ok(missing) => missing,
        Err(error) => return body::refuse_wire(&error, &seed.metrics),
    };
    let asker = Asker::of(&request);
    let Some(place) = seed
        .shares
        .pull_answers
        .wait(&asker, FETCH_ANSWER_PATIENCE)
        .await
    else {
        let sentence = "other peers are being answered; ask for the whole proposal";
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "busy", sentence);
    };
    let question = GetProposedBlock(missing.height, missing.block_id);
    // A Proposer that is busy or has just fallen knows no block.
    let block = seed.ports.proposed.ask(question).await.ok().flatten();
    let wire = seed.wire;
    // Up to megabytes: not on the thread that votes.
    let encoded = web::block(move || {
        let picked = block.as_deref().map(|block| missing.pick(block));
        wire.encode_fetched(&picked.unwrap_or_default())
    });
    match encoded.await {
        Ok(bytes) => HttpResponse::Ok().body(Pieces::new(bytes.into(), place)),
        Err(error) => trouble(&error),
    }
}
