//! What this node did when at a height: `GET /heights/{height}/timeline`, and what
//! `lockstep_getTimeline` answers.
use super::seed::Seed;
use crate::http::answer::{Answer, refuse};
use crate::http::pieces::Made;
use crate::limits::TIMELINES_MAX;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use lockstep_protocol::types::Height;
use serde_json::{Value, json};

/// The stable word for a height without one.
pub(super) const NO_TIMELINE: &str = "no_timeline";

pub(super) async fn timeline(
    seed: web::Data<Seed>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Answer {
    let Ok(height) = path.parse() else {
        let sentence = "a height is a whole number from 1";
        return Ok(refuse(StatusCode::BAD_REQUEST, "malformed", sentence));
    };
    let height = Height(height);
    let place = seed.short_place(&request).await?;
    let reader = seed.clone();
    let made = web::block(move || {
        let page = page(&reader, height)?;
        Some(Made::with(place, page.to_string()))
    });
    Ok(match made.await? {
        Some(made) => made.answer("application/json"),
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
