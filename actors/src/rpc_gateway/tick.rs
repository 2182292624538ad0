//! `POST /devnet/tick`: a block on request.
use super::seed::Seed;
use crate::http::answer::{Answer, refuse};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

pub(super) async fn tick(seed: web::Data<Seed>) -> Answer {
    let Some(tick_all) = seed.tick_all.clone() else {
        let sentence = "only a devnet node makes blocks on request";
        return Ok(refuse(StatusCode::NOT_FOUND, "no_devnet", sentence));
    };
    // It asks every node, this one too, and waits: not on this node's thread.
    Ok(match web::block(move || tick_all()).await? {
        Ok(outcome) => HttpResponse::Ok().json(outcome),
        Err(reason) => refuse(StatusCode::SERVICE_UNAVAILABLE, "no_block", reason),
    })
}
