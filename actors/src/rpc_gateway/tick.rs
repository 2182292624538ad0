//! `POST /devnet/tick`: a block on request.
use super::seed::Seed;
use crate::http::answer::{refuse, trouble};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

pub(super) async fn tick(seed: web::Data<Seed>) -> HttpResponse {
    let Some(tick_all) = seed.tick_all.clone() else {
        let sentence = "only a devnet node makes blocks on request";
        return refuse(StatusCode::NOT_FOUND, "no_devnet", sentence);
    };
    // It asks every node, this one too, and waits: not on this node's thread.
    match web::block(move || tick_all()).await {
        Ok(Ok(outcome)) => HttpResponse::Ok().json(outcome),
        Ok(Err(reason)) => refuse(StatusCode::SERVICE_UNAVAILABLE, "no_block", reason),
        Err(error) => trouble(&error),
    }
}
