//! What peers and clients post: votes, proposals, transactions, ticks.
use super::answer::refuse;
use super::{Seed, body};
use crate::committer::AdmitTransaction;
use crate::metrics::{Metrics, RefusalLabel};
use crate::proposer::{ProposalReceived, SubmitTransaction};
use crate::runtime::AskError;
use crate::vote_collector::VoteReceived;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use lockstep_protocol::consensus::tally::Admission;
use lockstep_protocol::ledger::NotAdmitted;
use lockstep_protocol::limits::{PROPOSAL_BYTES_MAX, TRANSACTION_BYTES_MAX, VOTE_BYTES_MAX};
use lockstep_protocol::pending::Submission;
use serde_json::json;
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
    admitted(seed.ports.vote.ask(VoteReceived(vote)).await, &seed.metrics)
}

pub(super) async fn proposal(
    seed: web::Data<Seed>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let bytes = match body::read(&request, payload, PROPOSAL_BYTES_MAX, &seed.metrics).await {
        Ok(bytes) => bytes,
        Err(refusal) => return refusal,
    };
    let message = match seed.wire.decode_proposal(&bytes) {
        Ok(message) => Arc::new(message),
        Err(error) => return body::refuse_wire(&error, &seed.metrics),
    };
    admitted(
        seed.ports.proposal.ask(ProposalReceived(message)).await,
        &seed.metrics,
    )
}

pub(super) async fn transaction(
    seed: web::Data<Seed>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let bytes = match body::read(&request, payload, TRANSACTION_BYTES_MAX, &seed.metrics).await {
        Ok(bytes) => bytes,
        Err(refusal) => return refusal,
    };
    let transaction = match seed.wire.decode_transaction(&bytes) {
        Ok(transaction) => Arc::new(transaction),
        Err(error) => return body::refuse_wire(&error, &seed.metrics),
    };
    let id = transaction.id();
    match seed
        .ports
        .admit
        .ask(AdmitTransaction(transaction.clone()))
        .await
    {
        Ok(Ok(())) => {}
        Ok(Err(NotAdmitted::Refused(error))) => {
            return refuse(StatusCode::BAD_REQUEST, "refused", error.to_string());
        }
        Ok(Err(NotAdmitted::Fatal(error))) => return super::answer::trouble(&error),
        Err(error) => return busy(error, &seed.metrics),
    }
    match seed
        .ports
        .transaction
        .ask(SubmitTransaction(transaction))
        .await
    {
        Ok(Submission::Full) => {
            let sentence = "as many transactions wait as may; try again after the next block";
            refuse(StatusCode::TOO_MANY_REQUESTS, "pool_full", sentence)
        }
        Ok(submission) => HttpResponse::Accepted().json(json!({ "id": id, "status": submission })),
        Err(error) => busy(error, &seed.metrics),
    }
}

pub(super) async fn tick(seed: web::Data<Seed>) -> HttpResponse {
    let Some(tick_all) = seed.tick_all.clone() else {
        let sentence = "only a devnet node makes blocks on request";
        return refuse(StatusCode::NOT_FOUND, "no_devnet", sentence);
    };
    // It asks every node, this one too, and waits: not on this node's thread.
    match web::block(move || tick_all()).await {
        Ok(Ok(outcome)) => HttpResponse::Ok().json(outcome),
        Ok(Err(reason)) => refuse(StatusCode::SERVICE_UNAVAILABLE, "no_block", reason),
        Err(error) => super::answer::trouble(&error),
    }
}

/// 202 for whatever an honest peer may send, 4xx for what none does.
fn admitted(answer: Result<Admission, AskError>, metrics: &Metrics) -> HttpResponse {
    let admission = match answer {
        Ok(admission) => admission,
        Err(error) => return busy(error, metrics),
    };
    let (status, code, sentence) = match admission {
        Admission::Counted
        | Admission::Unneeded
        | Admission::Duplicate
        | Admission::Stale
        | Admission::TooEarly => return HttpResponse::Accepted().finish(),
        Admission::Malformed => (
            StatusCode::BAD_REQUEST,
            "malformed",
            "the fields of the message contradict each other",
        ),
        Admission::UnknownValidator => (
            StatusCode::FORBIDDEN,
            "unknown_validator",
            "the sender is no validator of that height",
        ),
        Admission::BadSignature => (
            StatusCode::FORBIDDEN,
            "bad_signature",
            "the signature is not the sender's",
        ),
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
    };
    refuse(status, code, sentence)
}

fn busy(error: AskError, metrics: &Metrics) -> HttpResponse {
    metrics.refusal(RefusalLabel::Busy);
    let sentence = format!("{error}; try again in a moment");
    refuse(StatusCode::SERVICE_UNAVAILABLE, "busy", sentence)
}
