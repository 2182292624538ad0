//! `GET /handshake`: what this node says of itself to peers.
use super::seed::Seed;
use crate::http::answer::trouble;
use crate::peers::Handshake;
use actix_web::{HttpResponse, web};

pub(super) async fn handshake(seed: web::Data<Seed>) -> HttpResponse {
    let height = seed.view.head().height;
    let earliest_height = match seed.store.earliest() {
        Ok(earliest) => earliest,
        Err(error) => return trouble(&error),
    };
    HttpResponse::Ok().json(Handshake {
        height,
        earliest_height,
        time_ms: Some(seed.clock.wall()),
        ..seed.handshake.clone()
    })
}
