//! The applications of the chain: which there are, what they answer, and what they keep.
use super::json::{hex, unhex};
use super::seed::Seed;
use crate::http::answer::{Answer, Refused, refuse};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use lockstep_protocol::application::Installed;
use lockstep_protocol::application::limits::{
    CALL_DATA_BYTES_MAX, QUERY_PATH_BYTES_MAX, STATE_KEY_BYTES_MAX,
};
use lockstep_protocol::ledger::{self, HistoryError, ReadError};
use lockstep_protocol::types::Height;
use serde::Deserialize;
use serde_json::{Value, json};

/// What is said of an application that is not there.
pub(super) const UNKNOWN: &str = "unknown_application";
/// What is said of a question that an application does not answer.
pub(super) const REFUSED: &str = "query_refused";
/// What is said of a question that an application has fallen over.
pub(super) const PANICKED: &str = "application_panicked";

/// `GET /applications`
pub(super) async fn list(seed: web::Data<Seed>) -> HttpResponse {
    HttpResponse::Ok().json(all(&seed))
}

/// Names and versions, rising by name.
pub(super) fn all(seed: &Seed) -> Value {
    let all = seed.rules.applications.iter();
    all.map(|of| json!({ "name": of.name(), "version": of.version() }))
        .collect()
}

/// The one of this name.
pub(super) fn find<'a>(seed: &'a Seed, name: &str) -> Option<&'a Installed> {
    seed.rules.applications.get(name)
}

pub(super) fn unknown() -> &'static str {
    "the chain has no application of this name: ask for /applications"
}

fn named<'a>(seed: &'a Seed, name: &str) -> Result<&'a Installed, Refused> {
    let missing = || refuse(StatusCode::NOT_FOUND, UNKNOWN, unknown()).into();
    find(seed, name).ok_or_else(missing)
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    path: String,
    /// `0x` and hex.
    data: Option<String>,
}

/// Why a question has no answer.
pub(super) enum Unanswered {
    /// The application says why.
    Refused(String),
    /// The application has panicked; counted.
    Panicked(String),
}

/// What an application answers about the state after the newest block, and that block's height.
pub(super) fn answer(
    seed: &Seed,
    name: &str,
    (path, data): (&str, &[u8]),
) -> Result<Result<(Height, Vec<u8>), Unanswered>, HistoryError> {
    let height = seed.head().height;
    let view = seed.store.view().map_err(ReadError::from)?;
    let version = view.version_after(height)?;
    let Some(installed) = find(seed, name) else {
        return Ok(Err(Unanswered::Refused(unknown().into())));
    };
    let answer = ledger::query_application((&view, version, height), installed, (path, data))?;
    Ok(match answer {
        Ok(Ok(value)) => Ok((height, value)),
        Ok(Err(refused)) => Err(Unanswered::Refused(refused.to_string())),
        Err(panicked) => {
            seed.metrics.query_panics.inc();
            Err(Unanswered::Panicked(format!(
                "the application {installed} did not answer: {panicked}"
            )))
        }
    })
}

/// `GET /applications/{name}/query?path=&data=`
pub(super) async fn query(
    seed: web::Data<Seed>,
    request: HttpRequest,
    name: web::Path<String>,
    asked: web::Query<Asked>,
) -> Answer {
    named(&seed, &name)?;
    let Asked { path, data } = asked.into_inner();
    let data = data.as_deref().map_or(Some(Vec::new()), unhex);
    let data = data.filter(|data| data.len() <= CALL_DATA_BYTES_MAX);
    let data = data.filter(|_| path.len() <= QUERY_PATH_BYTES_MAX).ok_or_else(|| {
        let sentence = format!(
            "path has at most {QUERY_PATH_BYTES_MAX} bytes, data is 0x and the hex digits of at most \
             {CALL_DATA_BYTES_MAX}"
        );
        refuse(StatusCode::BAD_REQUEST, "malformed", sentence)
    })?;
    // What an application computes for it, nothing bounds but the application.
    let others = "other long answers are being made";
    let _place = seed.answer_place(&request, others).await?;
    let asker = seed.clone();
    let answer = web::block(move || answer(&asker, &name, (&path, &data)));
    Ok(match answer.await?? {
        Ok((height, value)) => {
            HttpResponse::Ok().json(json!({ "height": height, "value": hex(&value) }))
        }
        Err(Unanswered::Refused(why)) => refuse(StatusCode::BAD_REQUEST, REFUSED, why),
        Err(Unanswered::Panicked(why)) => refuse(StatusCode::INTERNAL_SERVER_ERROR, PANICKED, why),
    })
}

/// `GET /applications/{name}/state/{key}`, the key in hex: its value in the newest state, or null.
pub(super) async fn state(seed: web::Data<Seed>, path: web::Path<(String, String)>) -> Answer {
    let (name, key) = place(&seed, &path)?;
    let height = seed.head().height;
    let view = seed.store.view()?;
    let version = view.version_after(height)?;
    let value = ledger::application_state_at(&view, version, &name, &key)?;
    Ok(HttpResponse::Ok().json(json!({
        "application": name,
        "key": hex(&key),
        "height": height,
        "value": value.as_deref().map(hex),
    })))
}

/// Application and key of a path, or what is wrong with it.
pub(super) fn place(
    seed: &Seed,
    (name, key): &(String, String),
) -> Result<(String, Vec<u8>), Refused> {
    named(seed, name)?;
    let key = unhex(key).filter(|key| (1..=STATE_KEY_BYTES_MAX).contains(&key.len()));
    let key = key.ok_or_else(|| {
        let sentence =
            format!("a key is 0x and the hex digits of 1 to {STATE_KEY_BYTES_MAX} bytes");
        refuse(StatusCode::BAD_REQUEST, "malformed", sentence)
    })?;
    Ok((name.clone(), key))
}
