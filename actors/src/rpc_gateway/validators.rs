//! Who decides which height: from the node's view of the newest sets, and of an older height from
//! the state, which forgets none.
use super::json::hex;
use super::seed::Seed;
use crate::http::answer::{Answer, refuse};
use crate::http::pieces::Made;
use crate::limits::RECENT_BLOCKS_MAX;
use crate::state_store::StoreError;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use lockstep_protocol::ledger;
use lockstep_protocol::types::Height;
use lockstep_protocol::validators::set::{self, Validator};
use serde::Deserialize;
use serde_json::{Value, json};

mod deeds;
mod recent;

pub(super) use deeds::Recent;

/// Which height's validators are asked for; the height under decision if none is named. With what
/// they did in so many of the newest blocks, if that is asked for.
#[derive(Debug, Deserialize)]
struct Of {
    height: Option<u64>,
    recent: Option<u64>,
}

/// The keys of a large set are many, and an old one has to be found: on another thread, and few at
/// one time.
pub(super) async fn validators(seed: web::Data<Seed>, request: HttpRequest) -> Answer {
    let of = web::Query::<Of>::from_query(request.query_string());
    let Some(of) = of.ok().filter(|of| of.recent != Some(0)) else {
        let sentence = "ask for ?height=<height>, or ?recent=<blocks>, whole numbers from 1";
        return Ok(refuse(StatusCode::BAD_REQUEST, "malformed", sentence));
    };
    let place = seed.answer_place(&request, "other answers are being made");
    let place = place.await?;
    let reader = seed.clone();
    let height = of.height.map(Height);
    let page = web::block(move || {
        let mut page = page(&reader, height)?;
        if let (Some(page), Some(blocks)) = (&mut page, of.recent) {
            recent::add(&reader, page, blocks.min(RECENT_BLOCKS_MAX))?;
        }
        Ok::<_, StoreError>(page.map(|page| Made::with(place, page.to_string())))
    });
    let Some(made) = page.await?? else {
        let newest = newest(&seed);
        let sentence = format!("validators are known of the heights from 1 to {newest}");
        return Ok(refuse(StatusCode::NOT_FOUND, "unknown_height", sentence));
    };
    Ok(made.answer("application/json"))
}

/// The newest height whose validators are certain: whatever the next block says, it changes none
/// before the one after.
fn newest(seed: &Seed) -> Height {
    seed.view.validators().height().next()
}

/// Who validates `height`, by default the one under decision; `None` if that is not known.
pub(super) fn page(seed: &Seed, height: Option<Height>) -> Result<Option<Value>, StoreError> {
    let height = height.unwrap_or_else(|| seed.view.validators().height());
    let members = members(seed, height)?;
    Ok(members.map(|members| in_json(height, &members)))
}

/// The validators of `height`, in order of address; `None` if they are not certain yet, or the
/// height is none.
pub(super) fn members(seed: &Seed, height: Height) -> Result<Option<Vec<Validator>>, StoreError> {
    if height > newest(seed) {
        return Ok(None);
    }
    if let Some(set) = seed.view.validators().at(height) {
        return Ok(Some(set.iter().cloned().collect()));
    }
    let view = seed.store.view()?;
    let version = view.head()?.state_version;
    let record = ledger::validator_set_of(&view, version, height)?;
    Ok(record.map(|record| record.validators))
}

fn in_json(height: Height, validators: &[Validator]) -> Value {
    let rows = validators.iter().enumerate().map(|(index, validator)| {
        json!({
            "index": index,
            "address": validator.address,
            "power": validator.power,
            "public_key": hex(&validator.public_key),
        })
    });
    let total: u64 = validators.iter().map(|validator| validator.power).sum();
    json!({
        "height": height,
        "hash": set::hash_of(validators),
        "total_power": total,
        "validators": rows.collect::<Vec<_>>(),
    })
}
