//! What peers post: votes, proposals, evidence.
use super::Seed;
use crate::http::answer::{Answer, Refused, busy, refuse, refuse_bad};
use crate::http::body;
use crate::http::body::{Body, Whole};
use crate::http::connection::Connection;
use crate::messages::committer::EvidenceTold;
use crate::messages::mempool::GetHeld;
use crate::messages::proposer::{CompactReceived, ProposalReceived, ScreenProposal};
use crate::messages::vote_collector::VoteReceived;
use crate::metrics::Metrics;
use crate::runtime::AskError;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use lockstep_protocol::consensus::tally::Admission;
use lockstep_protocol::limits::{
    EVIDENCE_MESSAGE_BYTES_MAX, PROPOSAL_BYTES_MAX, PROPOSAL_HEAD_BYTES_MAX, VOTE_BYTES_MAX,
};
use lockstep_protocol::wire::Wire;
use std::rc::Rc;
use std::sync::Arc;

pub(super) async fn vote(
    seed: web::Data<Seed>,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    let vote = seed.message(&request, payload, VOTE_BYTES_MAX, Wire::decode_vote);
    let vote = VoteReceived(vote.await?);
    let answer = seed.ports.vote.of(&request).ask(vote).await;
    admitted(&request, answer, &seed.metrics)
}

/// Its signatures are checked by the Committer, behind what a block needs of it.
pub(super) async fn evidence(
    seed: web::Data<Seed>,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    let limit = EVIDENCE_MESSAGE_BYTES_MAX;
    let told = seed.message(&request, payload, limit, Wire::decode_evidence);
    let told = EvidenceTold(Box::new(told.await?));
    let port = seed.ports.evidence.of(&request);
    let answer = port.ask(told).await.map(|admission| match admission {
        // Whoever keeps it tells it again in a few heights. A link that tried it again at once would
        // keep what is behind it waiting.
        Admission::OverBudget => Admission::Unneeded,
        other => other,
    });
    admitted(&request, answer, &seed.metrics)
}

/// The whole of a proposal, and hashed once.
pub(super) async fn proposal(
    seed: web::Data<Seed>,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    let metrics = &seed.metrics;
    let whole = screened(&seed, &request, payload, false).await?;
    let message = seed.wire.decode_proposal(&whole.bytes);
    let message = message.map_err(|error| body::refuse_wire(&error, metrics))?;
    let port = seed.ports.proposal.of(&request);
    let answer = port.ask(ProposalReceived(Arc::new(message))).await;
    drop(whole.place);
    admitted(&request, answer, metrics)
}

/// A proposal by the leaves of its transactions. What the mempool holds of them is filled in before
/// the Proposer sees it.
pub(super) async fn compact(
    seed: web::Data<Seed>,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    let metrics = &seed.metrics;
    let whole = screened(&seed, &request, payload, true).await?;
    let assembly = seed.wire.decode_assembly(&whole.bytes);
    let mut assembly = assembly.map_err(|error| body::refuse_wire(&error, metrics))?;
    let leaves = GetHeld(assembly.leaves().to_vec());
    // A mempool that is busy or has just fallen holds nothing of it.
    assembly.fill_held(seed.ports.held.ask(leaves).await.unwrap_or_default());
    let port = seed.ports.compact.of(&request);
    let answer = port.ask(CompactReceived(Box::new(assembly))).await;
    drop(whole.place);
    admitted(&request, answer, metrics)
}

/// Its head first: whose it is, whether it is their turn, their signature. Only then the rest is
/// read; or else this is the answer.
async fn screened(
    seed: &Seed,
    request: &HttpRequest,
    payload: web::Payload,
    is_compact: bool,
) -> Result<Whole, Refused> {
    let metrics = &seed.metrics;
    let refuse_body = |error| body::refuse_body(error, metrics);
    let mut body = Body::open(request, payload, PROPOSAL_BYTES_MAX).map_err(refuse_body)?;
    let head = body.at_least(PROPOSAL_HEAD_BYTES_MAX).await;
    head.map_err(refuse_body)?;
    let head = seed.wire.decode_proposal_head(body.so_far());
    let head = head.map_err(|error| body::refuse_wire(&error, metrics))?;
    let screen = seed.ports.screen.of(request);
    let screened = screen.ask(ScreenProposal { head, is_compact }).await;
    let Some(admission) = screened.map_err(|error| busy(error, metrics))? else {
        let whole = body.whole(Some(&seed.shares.proposal_bodies)).await;
        return Ok(whole.map_err(refuse_body)?);
    };
    if admission.is_honest() {
        body.ignore().await.map_err(refuse_body)?;
    }
    Err(admitted(request, Ok(admission), metrics)?.into())
}

/// 202 for whatever an honest peer may send, 4xx for what none does.
fn admitted(
    request: &HttpRequest,
    answer: Result<Admission, AskError>,
    metrics: &Metrics,
) -> Answer {
    let admission = answer.map_err(|error| busy(error, metrics))?;
    let (status, code, sentence) = match admission {
        Admission::Counted => {
            if let Some(connection) = request.conn_data::<Rc<Connection>>() {
                connection.prove();
            }
            return Ok(HttpResponse::Accepted().finish());
        }
        Admission::Unneeded
        | Admission::Duplicate
        | Admission::Stale
        | Admission::TooEarly
        | Admission::Incomplete => return Ok(HttpResponse::Accepted().finish()),
        Admission::Malformed => {
            let sentence = "the fields of the message contradict each other";
            return Ok(refuse_bad(StatusCode::BAD_REQUEST, "malformed", sentence));
        }
        Admission::UnknownValidator => {
            let sentence = "the sender, or the accused, is no validator of that height";
            return Ok(refuse_bad(
                StatusCode::FORBIDDEN,
                "unknown_validator",
                sentence,
            ));
        }
        Admission::BadSignature => {
            let sentence = "the signature is not the sender's";
            return Ok(refuse_bad(StatusCode::FORBIDDEN, "bad_signature", sentence));
        }
        Admission::Equivocation => (
            StatusCode::FORBIDDEN,
            "equivocation",
            "the sender has already said two other things",
        ),
        Admission::WrongProposer => (
            StatusCode::FORBIDDEN,
            "wrong_proposer",
            "it was not the sender's turn to propose",
        ),
        Admission::OverBudget => (
            StatusCode::TOO_MANY_REQUESTS,
            "over_budget",
            "the sender has said too much that is of no use here; try again in a moment",
        ),
    };
    Ok(refuse(status, code, sentence))
}
