//! Transactions: batches from peers, and one from whoever hands it in at the peer listener.
use super::Seed;
use crate::http::answer::{Answer, busy, refuse_bad};
use crate::http::{body, intake};
use crate::messages::mempool::{SubmitResult, SubmitTransactions};
use crate::metrics::RefusalLabel;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use lockstep_protocol::mempool::{Blame, MempoolRefusal, Source};
use lockstep_protocol::wire::TRANSACTIONS_BYTES_MAX;
use std::sync::Arc;

/// `POST /transactions`
pub(super) async fn submit(
    seed: web::Data<Seed>,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    seed.intake.submit(&request, payload).await
}

/// `POST /mempool/transactions`: what a peer has taken from people, verified there. The answer is
/// the peer's sign to send more, so it comes when all are checked.
pub(super) async fn gossip(
    seed: web::Data<Seed>,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    let metrics = &seed.metrics;
    let limit = TRANSACTIONS_BYTES_MAX;
    let budget = &seed.shares.gossip_bodies;
    let whole = body::read(&request, payload, limit, Some(budget), metrics).await?;
    let transactions = seed.wire.decode_transactions(&whole.bytes);
    let transactions = transactions.map_err(|error| body::refuse_wire(&error, metrics))?;
    let transactions = transactions.into_iter().map(Arc::new).collect();
    let submit = SubmitTransactions(transactions, Source::Peer);
    let answer = seed.ports.gossip.ask(submit).await;
    drop(whole.place);
    let verdicts = answer.map_err(|error| busy(error, metrics))?;
    Ok(gossiped(&seed, &verdicts))
}

/// 202 for whatever an honest peer may send, although this node may have no room for it.
fn gossiped(seed: &Seed, verdicts: &[SubmitResult]) -> HttpResponse {
    let refusals = || verdicts.iter().filter_map(|verdict| verdict.as_ref().err());
    if let Some(bad) = refusals().find(|refusal| refusal.blame() == Blame::Transaction) {
        seed.metrics.refusal(RefusalLabel::Transaction);
        return refuse_bad(StatusCode::BAD_REQUEST, bad.code(), bad.to_string());
    }
    if refusals().any(|refusal| *refusal == MempoolRefusal::Busy) {
        return intake::refused(&MempoolRefusal::Busy, &seed.metrics);
    }
    HttpResponse::Accepted().finish()
}
