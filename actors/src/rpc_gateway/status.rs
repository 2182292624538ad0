//! What the node says of itself.
use super::clock_report;
use super::seed::Seed;
use crate::http::answer::{Answer, Refused, refuse};
use crate::metrics::RefusalLabel;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use lockstep_protocol::wire::PROTOCOL_VERSION;
use serde_json::json;
use tokio::time::Instant;

pub(super) async fn status(seed: web::Data<Seed>) -> Answer {
    let (view, sync) = (seed.view.copy(), seed.view.sync_progress());
    let report = clock_report::report(&seed);
    let old_forks = seed.view.old_forks();
    let missing = seed
        .ports
        .missing
        .ask(crate::messages::vote_collector::GetVotesMissing)
        .await;
    Ok(HttpResponse::Ok().json(json!({
        "chain_id": seed.genesis.chain_id,
        "genesis_hash": seed.rules.context.genesis_hash,
        "scheme": seed.genesis.scheme,
        "parameters": seed.genesis.parameters,
        "version": env!("CARGO_PKG_VERSION"),
        "protocol_version": PROTOCOL_VERSION,
        "verifier_fingerprint": seed.verifier_fingerprint,
        "validator": seed.me,
        "height": view.head.height,
        "earliest_height": seed.store.earliest()?,
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
    })))
}

/// Refuses if pages that are made on the node's thread are asked for too often.
pub(super) fn demand_pace(seed: &Seed) -> Result<(), Refused> {
    if seed.shares.pages.lock().grant(Instant::now()) {
        return Ok(());
    }
    seed.metrics.refusal(RefusalLabel::Busy);
    let sentence = "this page is asked for too often; try again in a second";
    Err(refuse(StatusCode::TOO_MANY_REQUESTS, "too_often", sentence).into())
}

pub(super) async fn actors(seed: web::Data<Seed>) -> Answer {
    demand_pace(&seed)?;
    Ok(HttpResponse::Ok().json(seed.actors.rows()))
}

pub(super) async fn metrics(seed: web::Data<Seed>) -> Answer {
    demand_pace(&seed)?;
    Ok(HttpResponse::Ok()
        .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
        .body(seed.metrics.encode()))
}
