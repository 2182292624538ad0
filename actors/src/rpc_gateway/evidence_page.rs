//! Misbehaviour: evidence that waits for a block, evidence in blocks, forks.
use super::seed::Seed;
use crate::http::answer::{Answer, refuse};
use crate::limits::EVIDENCE_ANSWER_MAX;
use crate::state_store::StoreError;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use lockstep_protocol::consensus::committer::forks::KnownFork;
use lockstep_protocol::nouns::evidence::Evidence;
use lockstep_protocol::types::Height;
use serde::Deserialize;
use serde_json::{Value, json};

/// How much is wanted of each list.
#[derive(Debug, Deserialize)]
struct Wanted {
    limit: Option<usize>,
}

/// `GET /evidence?limit=…`
pub(super) async fn evidence(seed: web::Data<Seed>, request: HttpRequest) -> Answer {
    let Ok(wanted) = web::Query::<Wanted>::from_query(request.query_string()) else {
        let sentence = "ask for /evidence, and at will ?limit=<pieces>";
        return Ok(refuse(StatusCode::BAD_REQUEST, "malformed", sentence));
    };
    let limit = wanted.limit.unwrap_or(EVIDENCE_ANSWER_MAX);
    Ok(HttpResponse::Ok().json(page(&seed, limit.min(EVIDENCE_ANSWER_MAX))?))
}

pub(super) fn page(seed: &Seed, limit: usize) -> Result<Value, StoreError> {
    let pending = seed.store.pending_evidence(limit)?;
    let pending: Vec<Value> = pending.iter().map(evidence_json).collect();
    let committed = seed.store.committed_evidence(limit)?;
    let committed: Vec<Value> = committed.iter().map(committed_json).collect();
    let forks = seed.store.forks()?;
    let forks: Vec<Value> = forks.iter().map(fork_json).collect();
    Ok(json!({ "pending": pending, "committed": committed, "forks": forks }))
}

/// One piece, also in the block that carries it.
pub(super) fn evidence_json(evidence: &Evidence) -> Value {
    let offence = evidence.offence();
    let proof = match evidence {
        Evidence::ConflictingVotes(..) => "conflicting_votes",
        Evidence::ConflictingProposals(..) => "conflicting_proposals",
        Evidence::ProposalAgainstPrevote(..) => "proposal_against_prevote",
        Evidence::WrongProposer(_) => "wrong_proposer",
    };
    json!({
        "kind": offence.kind,
        "validator": offence.validator,
        "height": offence.height,
        "round": offence.round,
        "proof": proof,
        "block_ids": evidence.values(),
        "hash": evidence.hash(),
    })
}

fn committed_json((block, evidence): &(Height, Evidence)) -> Value {
    let mut piece = evidence_json(evidence);
    piece["block"] = json!(block);
    piece
}

fn fork_json(KnownFork { fork, stops }: &KnownFork) -> Value {
    let decisions = [&fork.first, &fork.second];
    let decisions = decisions.map(|c| json!({ "round": c.round, "block_id": c.block_id }));
    let accused = fork.accused.iter();
    let accused: Vec<Value> = accused
        .map(|(validator, guilt)| json!({ "validator": validator, "guilt": guilt }))
        .collect();
    json!({
        "height": fork.height(),
        "stops": stops,
        "decisions": decisions,
        "accused": accused,
    })
}
