//! What the node says of itself.
use super::clock_report;
use super::seed::Seed;
use crate::http::answer::{refuse, trouble};
use crate::metrics::RefusalLabel;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use lockstep_protocol::wire::PROTOCOL_VERSION;
use serde_json::json;
use tokio::time::Instant;

pub(super) async fn status(seed: web::Data<Seed>) -> HttpResponse {
    let (view, sync) = (seed.view.copy(), seed.view.sync_progress());
    let report = clock_report::report(&seed);
    let old_forks = seed.view.old_forks();
    let earliest = match seed.store.earliest() {
        Ok(earliest) => earliest,
        Err(error) => return trouble(&error),
    };
    let missing = seed
        .ports
        .missing
        .ask(crate::messages::vote_collector::GetVotesMissing)
        .await;
    HttpResponse::Ok().json(json!({
        "chain_id": seed.genesis.chain_id,
        "genesis_hash": seed.rules.context.genesis_hash,
        "scheme": seed.genesis.scheme,
        "parameters": seed.genesis.parameters,
        "version": env!("CARGO_PKG_VERSION"),
        "protocol_version": PROTOCOL_VERSION,
        "verifier_fingerprint": seed.verifier_fingerprint,
        "validator": seed.me,
        "height": view.head.height,
        "earliest_height": earliest,
        "retain_blocks": seed.settings.retention.blocks(),
        "round": view.round,
        "step": view.step,
        "latest_block_hash": view.head.block_id,
        "state_root": view.head.state_root,
        "latest_block_time": view.head.time,
        "time": seed.clock.wall(),
        "catching_up": view.catching_up,
        "target_height": sync.target.max(view.head.height),
        "sync_blocks_per_second": sync.blocks_per_second.round(),
        "halted": view.halted,
        "observing": view.observing,
        "clock": clock_report::sentence(&seed, &report),
        "clock_difference_ms": report.median_ms,
        "old_forks": { "count": old_forks.count, "newest": old_forks.newest },
        "waiting_for": missing.ok().filter(|_| view.step.is_some()),
        "peers": seed.view.peers(),
    }))
}

/// A refusal if pages that are made on the node's thread are asked for too often.
fn too_often(seed: &Seed) -> Option<HttpResponse> {
    if seed.shares.pages.lock().grant(Instant::now()) {
        return None;
    }
    seed.metrics.refusal(RefusalLabel::Busy);
    let sentence = "this page is asked for too often; try again in a second";
    Some(refuse(StatusCode::TOO_MANY_REQUESTS, "too_often", sentence))
}

pub(super) async fn actors(seed: web::Data<Seed>) -> HttpResponse {
    if let Some(refusal) = too_often(&seed) {
        return refusal;
    }
    HttpResponse::Ok().json(seed.actors.rows())
}

pub(super) async fn metrics(seed: web::Data<Seed>) -> HttpResponse {
    if let Some(refusal) = too_often(&seed) {
        return refusal;
    }
    HttpResponse::Ok()
        .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
        .body(seed.metrics.encode())
}
