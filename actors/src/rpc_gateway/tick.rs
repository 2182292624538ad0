//! `POST /devnet/tick`: a block on request.
use super::json_rpc::no_json;
use super::seed::Seed;
use crate::http::answer::{Answer, refuse};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

pub(super) async fn tick(seed: web::Data<Seed>, request: HttpRequest) -> Answer {
    let Some(tick_all) = seed.tick_all.clone() else {
        let sentence = "only a devnet node makes blocks on request";
        return Ok(refuse(StatusCode::NOT_FOUND, "no_devnet", sentence));
    };
    if let Some(refused) = no_json(&request) {
        return Ok(refused);
    }
    // It asks every node, this one too, and waits: not on this node's thread.
    Ok(match web::block(move || tick_all()).await? {
        Ok(outcome) => HttpResponse::Ok().json(outcome),
        Err(reason) => refuse(StatusCode::SERVICE_UNAVAILABLE, "no_block", reason),
    })
}
