//! `POST /consensus/pull` (E5): what a peer lacks of the height under decision. Anybody may ask:
//! the answer is bounded and holds only what its signers have told everybody. Few are made at one
//! time, because each may hold megabytes; who hears 503 asks another peer.
use super::answer::{refuse, trouble};
use super::pieces::Pieces;
use super::{Seed, body};
use crate::metrics::RefusalLabel;
use crate::proposer::GetProposals;
use crate::state_store::StoreError;
use crate::vote_collector::GetVotes;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::future::join;
use lockstep_protocol::limits::PULL_BYTES_MAX;
use lockstep_protocol::pull::{Pull, Pulled};
use lockstep_protocol::types::Height;
use std::sync::Arc;

pub(super) async fn pull(
    seed: web::Data<Seed>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let bytes = match body::read(&request, payload, PULL_BYTES_MAX, &seed.metrics).await {
        Ok(bytes) => bytes,
        Err(refusal) => return refusal,
    };
    let pull = match seed.wire.decode_pull(&bytes) {
        Ok(pull) => Arc::new(pull),
        Err(error) => return body::refuse_wire(&error, &seed.metrics),
    };
    let set = seed.view.validators().at(pull.height).map(|set| set.len());
    if !pull.is_well_formed(set) {
        seed.metrics.refusal(RefusalLabel::Malformed);
        let sentence = "the rounds or bitmaps do not fit the validators of that height";
        return refuse(StatusCode::BAD_REQUEST, "malformed", sentence);
    }
    let Ok(place) = seed.pull_answers.clone().try_acquire_owned() else {
        let sentence = "other peers are being answered; ask another one";
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "busy", sentence);
    };
    match answer(&seed, pull).await {
        Ok(pulled) => {
            seed.metrics.pulls_answered.inc();
            let bytes = seed.wire.encode_pulled(&pulled);
            HttpResponse::Ok().body(Pieces::new(bytes.into(), place))
        }
        Err(error) => trouble(&error),
    }
}

async fn answer(seed: &Seed, pull: Arc<Pull>) -> Result<Pulled, StoreError> {
    if let Some(decided) = decided(seed, pull.height)? {
        return Ok(decided);
    }
    let height = pull.height;
    let (votes, proposals) = join(
        seed.ports.pulled_votes.ask(GetVotes(pull.clone())),
        seed.ports.pulled_proposals.ask(GetProposals(pull)),
    )
    .await;
    // The height may have been decided meanwhile; then the brains have forgotten it.
    if let Some(decided) = decided(seed, height)? {
        return Ok(decided);
    }
    // A brain that is busy or has just fallen holds nothing for the asker.
    Ok(Pulled {
        committed: seed.view.head().height,
        proposals: proposals.unwrap_or_default(),
        votes: votes.unwrap_or_default(),
    })
}

fn decided(seed: &Seed, height: Height) -> Result<Option<Pulled>, StoreError> {
    let committed = seed.view.head().height;
    if height > committed {
        return Ok(None);
    }
    let (certificate, validators) = (seed.store.certificate(height)?, seed.view.validators());
    // Genesis has no certificate, and of an old height the validators may be forgotten: that this
    // node is ahead the asker still learns, and fetches the block with its certificate.
    Ok(Some(match certificate.zip(validators.at(height)) {
        Some((certificate, set)) => Pulled::decided(committed, &certificate, set),
        None => Pulled {
            committed,
            ..Pulled::default()
        },
    }))
}
