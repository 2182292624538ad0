//! What peers post: votes, proposals, evidence.
use super::seed::Seed;
use crate::http::answer::{busy, refuse, refuse_bad};
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
use std::rc::Rc;
use std::sync::Arc;

pub(super) async fn vote(
    seed: web::Data<Seed>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let bytes = match body::read(&request, payload, VOTE_BYTES_MAX, &seed.metrics).await {
        Ok(bytes) => bytes,
        Err(refusal) => return refusal,
    };
    let vote = match seed.wire.decode_vote(&bytes) {
        Ok(vote) => vote,
        Err(error) => return body::refuse_wire(&error, &seed.metrics),
    };
    let port = seed.ports.vote.of(&request);
    admitted(&request, port.ask(VoteReceived(vote)).await, &seed.metrics)
}

/// Its signatures are checked by the Committer, behind what a block needs of it.
pub(super) async fn evidence(
    seed: web::Data<Seed>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let limit = EVIDENCE_MESSAGE_BYTES_MAX;
    let bytes = match body::read(&request, payload, limit, &seed.metrics).await {
        Ok(bytes) => bytes,
        Err(refusal) => return refusal,
    };
    let told = match seed.wire.decode_evidence(&bytes) {
        Ok(evidence) => EvidenceTold(Box::new(evidence)),
        Err(error) => return body::refuse_wire(&error, &seed.metrics),
    };
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
) -> HttpResponse {
    let metrics = &seed.metrics;
    let whole = match screened(&seed, &request, payload, false).await {
        Ok(whole) => whole,
        Err(answer) => return answer,
    };
    let message = match seed.wire.decode_proposal(&whole.bytes) {
        Ok(message) => Arc::new(message),
        Err(error) => return body::refuse_wire(&error, metrics),
    };
    let port = seed.ports.proposal.of(&request);
    let answer = port.ask(ProposalReceived(message)).await;
    drop(whole.place);
    admitted(&request, answer, metrics)
}

/// A proposal by the leaves of its transactions. What the mempool holds of them is filled in before
/// the Proposer sees it.
pub(super) async fn compact(
    seed: web::Data<Seed>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let metrics = &seed.metrics;
    let whole = match screened(&seed, &request, payload, true).await {
        Ok(whole) => whole,
        Err(answer) => return answer,
    };
    let mut assembly = match seed.wire.decode_assembly(&whole.bytes) {
        Ok(assembly) => Box::new(assembly),
        Err(error) => return body::refuse_wire(&error, metrics),
    };
    let leaves = GetHeld(assembly.leaves().to_vec());
    // A mempool that is busy or has just fallen holds nothing of it.
    assembly.fill_held(seed.ports.held.ask(leaves).await.unwrap_or_default());
    let port = seed.ports.compact.of(&request);
    let answer = port.ask(CompactReceived(assembly)).await;
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
) -> Result<Whole, HttpResponse> {
    let metrics = &seed.metrics;
    let refuse_body = |error| body::refuse_body(error, metrics);
    let mut body = Body::open(request, payload, PROPOSAL_BYTES_MAX).map_err(refuse_body)?;
    let head = body.at_least(PROPOSAL_HEAD_BYTES_MAX).await;
    head.map_err(refuse_body)?;
    let head = match seed.wire.decode_proposal_head(body.so_far()) {
        Ok(head) => head,
        Err(error) => return Err(body::refuse_wire(&error, metrics)),
    };
    let screen = seed.ports.screen.of(request);
    match screen.ask(ScreenProposal { head, is_compact }).await {
        Ok(None) => {
            let whole = body.whole(Some(&seed.shares.proposal_bodies)).await;
            whole.map_err(refuse_body)
        }
        Ok(Some(admission)) => {
            if admission.is_honest() {
                body.ignore().await.map_err(refuse_body)?;
            }
            Err(admitted(request, Ok(admission), metrics))
        }
        Err(error) => Err(busy(error, metrics)),
    }
}

/// 202 for whatever an honest peer may send, 4xx for what none does.
fn admitted(
    request: &HttpRequest,
    answer: Result<Admission, AskError>,
    metrics: &Metrics,
) -> HttpResponse {
    let admission = match answer {
        Ok(admission) => admission,
        Err(error) => return busy(error, metrics),
    };
    let (status, code, sentence) = match admission {
        Admission::Counted => {
            if let Some(connection) = request.conn_data::<Rc<Connection>>() {
                connection.prove();
            }
            return HttpResponse::Accepted().finish();
        }
        Admission::Unneeded
        | Admission::Duplicate
        | Admission::Stale
        | Admission::TooEarly
        | Admission::Incomplete => return HttpResponse::Accepted().finish(),
        Admission::Malformed => {
            let sentence = "the fields of the message contradict each other";
            return refuse_bad(StatusCode::BAD_REQUEST, "malformed", sentence);
        }
        Admission::UnknownValidator => {
            let sentence = "the sender, or the accused, is no validator of that height";
            return refuse_bad(StatusCode::FORBIDDEN, "unknown_validator", sentence);
        }
        Admission::BadSignature => {
            let sentence = "the signature is not the sender's";
            return refuse_bad(StatusCode::FORBIDDEN, "bad_signature", sentence);
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
    refuse(status, code, sentence)
}
