//! `POST /consensus/standing`: how far is this node, and what has it seen of the asker? A validator
//! that has just started asks. Cheapest check first: size and shape, the names, then by the
//! VoteCollector the nonce, the asker's budget and its signature; only then the RoundDriver signs.
use super::seed::Seed;
use crate::http::answer::{busy, refuse, refuse_bad};
use crate::http::body;
use crate::messages::round_driver::SignStanding;
use crate::messages::vote_collector::GetSeen;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use lockstep_protocol::limits::QUESTION_BYTES_MAX;
use lockstep_protocol::nouns::standing::{Refused, sets_of};
use std::sync::Arc;

pub(super) async fn standing(
    seed: web::Data<Seed>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let metrics = &seed.metrics;
    let bytes = match body::read(&request, payload, QUESTION_BYTES_MAX, metrics).await {
        Ok(bytes) => bytes,
        Err(refusal) => return refusal,
    };
    let question = match seed.wire.decode_question(&bytes) {
        Ok(question) => Arc::new(question),
        Err(error) => return body::refuse_wire(&error, metrics),
    };
    let validators = seed.view.validators();
    if let Err(refused) = question.screen(&seed.me, sets_of(&validators)) {
        return refuse_question(&seed, refused);
    }
    let seen = match seed.ports.seen.ask(GetSeen(question.clone())).await {
        Ok(Ok(seen)) => seen,
        Ok(Err(refused)) => return refuse_question(&seed, refused),
        Err(error) => return busy(error, metrics),
    };
    let head = seed.view.head();
    let sign = SignStanding {
        question,
        seen,
        head: (head.height, head.block_id),
    };
    match seed.ports.standing.ask(sign).await {
        Ok(Some(statement)) => {
            metrics.standings_answered.inc();
            HttpResponse::Ok()
                .content_type("application/octet-stream")
                .body(seed.wire.encode_statement(&statement))
        }
        Ok(None) => {
            let sentence = "this node is between two heights; ask again in a moment";
            refuse(StatusCode::SERVICE_UNAVAILABLE, "busy", sentence)
        }
        Err(error) => busy(error, metrics),
    }
}

fn refuse_question(seed: &Seed, refused: Refused) -> HttpResponse {
    seed.metrics.standing_refused(refused);
    let (code, sentence) = (refused.code(), refused.to_string());
    match refused {
        Refused::OverBudget => refuse(StatusCode::TOO_MANY_REQUESTS, code, sentence),
        // Of sets that one of the two does not know yet.
        Refused::UnknownValidator => refuse(StatusCode::FORBIDDEN, code, sentence),
        Refused::WrongAddressee | Refused::OwnKey | Refused::Replayed | Refused::BadSignature => {
            refuse_bad(StatusCode::FORBIDDEN, code, sentence)
        }
    }
}
