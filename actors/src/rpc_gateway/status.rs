//! What the node says of itself.
use super::seed::Seed;
use super::{clock_report, health};
use crate::http::answer::{Answer, Refused, refuse};
use crate::metrics::{Format, Moment, RefusalLabel, wants_gzip};
use crate::tidings::{What, room};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use flate2::Compression;
use flate2::write::GzEncoder;
use lockstep_protocol::wire::PROTOCOL_VERSION;
use serde_json::json;
use std::io::Write;
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

pub(super) async fn metrics(seed: web::Data<Seed>, request: HttpRequest) -> Answer {
    demand_pace(&seed)?;
    let ready = health::is_ready(&seed).await;
    let store = seed.store.clone();
    // It waits for the disk: not on this node's thread.
    let rooms = web::block(move || room::look(&store)).await?;
    let of = |what: What| {
        let room = rooms.iter().find(|room| room.what == what);
        room.map(|room| [room.taken, room.whole])
    };
    seed.metrics.show(&Moment {
        me: seed.me,
        view: &seed.view,
        ready,
        disk: of(What::Disk),
        map: of(What::Map),
    });
    let head = |name: header::HeaderName| request.headers().get(name)?.to_str().ok();
    let format = Format::wanted(head(header::ACCEPT));
    let text = seed.metrics.encode_as(format);
    let mut answer = HttpResponse::Ok();
    answer
        .content_type(format.content_type())
        .insert_header((header::VARY, "accept, accept-encoding"));
    if !wants_gzip(head(header::ACCEPT_ENCODING)) {
        return Ok(answer.body(text));
    }
    answer.insert_header((header::CONTENT_ENCODING, "gzip"));
    Ok(answer.body(web::block(move || gzip(text.as_bytes(), Compression::fast())).await?))
}

/// Writing into memory does not fail; what is empty all the same is no packed text.
pub(super) fn gzip(bytes: &[u8], effort: Compression) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), effort);
    let written = packed.write_all(bytes).and_then(|()| packed.finish());
    written.unwrap_or_default()
}
