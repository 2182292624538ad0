//! What the node says of itself.
use super::Seed;
use super::answer::{refuse, trouble};
use crate::peer_broadcaster::Handshake;
use crate::state_store::StoreError;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use lockstep_protocol::ledger::{self, ValidatorSetRecord};
use lockstep_protocol::types::Height;
use lockstep_protocol::validator_set::{self, Validator};
use lockstep_protocol::wire::PROTOCOL_VERSION;
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) async fn handshake(seed: web::Data<Seed>) -> HttpResponse {
    let height = seed.view.head().height;
    HttpResponse::Ok().json(Handshake {
        height,
        ..seed.handshake.clone()
    })
}

pub(super) async fn status(seed: web::Data<Seed>) -> HttpResponse {
    let (view, sync) = (seed.view.snapshot(), seed.view.sync_progress());
    let missing = seed
        .ports
        .missing
        .ask(crate::vote_collector::GetMissing)
        .await;
    HttpResponse::Ok().json(json!({
        "chain_id": seed.genesis.chain_id,
        "genesis_hash": seed.rules.context.genesis_hash,
        "scheme": seed.genesis.scheme,
        "parameters": seed.genesis.parameters,
        "version": env!("CARGO_PKG_VERSION"),
        "protocol_version": PROTOCOL_VERSION,
        "verifier_fingerprint": seed.handshake.verifier_fingerprint,
        "validator": seed.me,
        "height": view.head.height,
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
        "waiting_for": missing.ok().filter(|_| view.step.is_some()),
        "peers": seed.view.peers(),
    }))
}

/// Which height's validators are asked for; the height under decision if none is named.
#[derive(Debug, Deserialize)]
pub(super) struct Of {
    height: Option<u64>,
}

pub(super) async fn validators(seed: web::Data<Seed>, request: HttpRequest) -> HttpResponse {
    let Ok(of) = web::Query::<Of>::from_query(request.query_string()) else {
        let sentence = "ask for ?height=<height>, a whole number from 1";
        return refuse(StatusCode::BAD_REQUEST, "malformed", sentence);
    };
    let newest = seed.view.head().height.next().next();
    let height = of.height.map_or(newest.previous(), Height);
    let found = set_of(&seed, height);
    match found {
        Ok(Some(record)) if height <= newest => {
            HttpResponse::Ok().json(validators_json(height, &record.validators))
        }
        Ok(_) => {
            let sentence = format!("validators are known of the heights from 1 to {newest}");
            refuse(StatusCode::NOT_FOUND, "unknown_height", sentence)
        }
        Err(error) => trouble(&error),
    }
}

fn set_of(seed: &Seed, height: Height) -> Result<Option<ValidatorSetRecord>, StoreError> {
    let snapshot = seed.store.snapshot()?;
    let version = snapshot.head()?.state_version;
    Ok(ledger::validator_set_of(&snapshot, version, height)?)
}

fn validators_json(height: Height, validators: &[Validator]) -> Value {
    let rows = validators.iter().enumerate().map(|(index, validator)| {
        json!({
            "index": index,
            "address": validator.address,
            "power": validator.power,
            "public_key": super::blocks::hex(&validator.public_key),
        })
    });
    let total: u64 = validators.iter().map(|validator| validator.power).sum();
    json!({
        "height": height,
        "hash": validator_set::hash_of(validators),
        "total_power": total,
        "validators": rows.collect::<Vec<_>>(),
    })
}

pub(super) async fn actors(seed: web::Data<Seed>) -> HttpResponse {
    HttpResponse::Ok().json(seed.actors.snapshot())
}

pub(super) async fn metrics(seed: web::Data<Seed>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
        .body(seed.metrics.encode())
}
