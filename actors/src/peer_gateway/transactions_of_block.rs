//! `POST /consensus/transactions`: what a peer lacks of a block that is being decided. Anybody may
//! ask, as for a pull: the answer is bounded, and its places are those of pulls. Who asks waits a
//! moment for one, because all peers of a proposer ask at the same time.
use super::Seed;
use crate::http::answer::{Answer, refuse};
use crate::http::answer_places::Asker;
use crate::http::pieces::Pieces;
use crate::limits::FETCH_ANSWER_PATIENCE;
use crate::messages::proposer::GetProposedBlock;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use lockstep_protocol::limits::MISSING_BYTES_MAX;
use lockstep_protocol::wire::Wire;

pub(super) async fn transactions(
    seed: web::Data<Seed>,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    let missing = seed.message(&request, payload, MISSING_BYTES_MAX, Wire::decode_wanted);
    let missing = missing.await?;
    let asker = Asker::of(&request);
    let place = seed.shares.pull_answers.wait(&asker, FETCH_ANSWER_PATIENCE);
    let Some(place) = place.await else {
        let sentence = "other peers are being answered; ask for the whole proposal";
        return Ok(refuse(StatusCode::SERVICE_UNAVAILABLE, "busy", sentence));
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
    Ok(HttpResponse::Ok().body(Pieces::new(encoded.await?.into(), Some(place))))
}
