//! What this node did when at a height: `GET /heights/{height}/timeline`, and what
//! `lockstep_getTimeline` answers.
use super::seed::Seed;
use super::status::demand_pace;
use crate::http::answer::{Answer, refuse};
use crate::limits::TIMELINES_MAX;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use lockstep_protocol::types::Height;
use serde_json::{Value, json};

/// The stable word for a height without one.
pub(super) const NO_TIMELINE: &str = "no_timeline";

pub(super) async fn timeline(seed: web::Data<Seed>, path: web::Path<String>) -> Answer {
    let Ok(height) = path.parse() else {
        let sentence = "a height is a whole number from 1";
        return Ok(refuse(StatusCode::BAD_REQUEST, "malformed", sentence));
    };
    demand_pace(&seed)?;
    let height = Height(height);
    Ok(match page(&seed, height) {
        Some(page) => HttpResponse::Ok().json(page),
        None => {
            let sentence = no_timeline(&seed, height);
            refuse(StatusCode::NOT_FOUND, NO_TIMELINE, sentence)
        }
    })
}

pub(super) fn page(seed: &Seed, height: Height) -> Option<Value> {
    let mut page = json!(seed.view.timelines.of(height)?);
    page["validator"] = json!(seed.me);
    Some(page)
}

pub(super) fn no_timeline(seed: &Seed, height: Height) -> String {
    let newest = seed.head().height;
    format!(
        "no timeline of height {height} here: a node keeps at most the newest {TIMELINES_MAX} \
         heights that it has seen since it started, and the newest block is {newest}"
    )
}
