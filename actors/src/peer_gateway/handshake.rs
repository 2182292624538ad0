//! `GET /handshake`: what this node says of itself to peers.
use super::Seed;
use crate::http::answer::Answer;
use crate::peers::Handshake;
use actix_web::{HttpResponse, web};

pub(super) async fn handshake(seed: web::Data<Seed>) -> Answer {
    Ok(HttpResponse::Ok().json(Handshake {
        height: seed.view.head().height,
        earliest_height: seed.store.earliest()?,
        time_ms: Some(seed.clock.wall()),
        ..seed.handshake.clone()
    }))
}
