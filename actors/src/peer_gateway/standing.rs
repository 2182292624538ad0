//! `POST /consensus/standing`: how far is this node, and what has it seen of the asker? A validator
//! that has just started asks. Cheapest check first: size and shape, the names, then by the
//! VoteCollector the nonce, the asker's budget and its signature; only then the RoundDriver signs.
use super::Seed;
use crate::http::answer::{Answer, busy, refuse, refuse_bad};
use crate::messages::round_driver::SignStanding;
use crate::messages::vote_collector::GetSeen;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use lockstep_protocol::limits::QUESTION_BYTES_MAX;
use lockstep_protocol::nouns::standing::{StandingRefusal, sets_of};
use lockstep_protocol::wire::Wire;
use std::sync::Arc;

pub(super) async fn standing(
    seed: web::Data<Seed>,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    let metrics = &seed.metrics;
    let refuse_question = |refused| refuse_question(&seed, refused);
    let busy = |error| busy(error, metrics);
    let question = seed.message(&request, payload, QUESTION_BYTES_MAX, Wire::decode_question);
    let question = Arc::new(question.await?);
    let validators = seed.view.validators();
    let screened = question.screen(&seed.me, sets_of(&validators));
    screened.map_err(refuse_question)?;
    let seen = seed.ports.seen.ask(GetSeen(question.clone())).await;
    let seen = seen.map_err(busy)?.map_err(refuse_question)?;
    let head = seed.view.head();
    let sign = SignStanding {
        question,
        seen,
        head: (head.height, head.block_id),
    };
    let Some(statement) = seed.ports.standing.ask(sign).await.map_err(busy)? else {
        let sentence = "this node is between two heights; ask again in a moment";
        return Ok(refuse(StatusCode::SERVICE_UNAVAILABLE, "busy", sentence));
    };
    metrics.standings_answered.inc();
    Ok(HttpResponse::Ok()
        .content_type("application/octet-stream")
        .body(seed.wire.encode_statement(&statement)))
}

fn refuse_question(seed: &Seed, refused: StandingRefusal) -> HttpResponse {
    seed.metrics.standing_refused(refused);
    let (code, sentence) = (refused.code(), refused.to_string());
    match refused {
        StandingRefusal::OverBudget => refuse(StatusCode::TOO_MANY_REQUESTS, code, sentence),
        // Of sets that one of the two does not know yet.
        StandingRefusal::UnknownValidator => refuse(StatusCode::FORBIDDEN, code, sentence),
        StandingRefusal::WrongAddressee
        | StandingRefusal::OwnKey
        | StandingRefusal::Replayed
        | StandingRefusal::BadSignature => refuse_bad(StatusCode::FORBIDDEN, code, sentence),
    }
}
