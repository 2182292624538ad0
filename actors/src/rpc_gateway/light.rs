//! What a light client asks for, as canonical bytes: JSON of a header cannot be verified without
//! making its bytes again.
use super::blocks::no_block;
use super::seed::Seed;
use super::{records, validators};
use crate::http::answer::{bad_address, refuse, refuse_param, trouble};
use crate::http::answer_places::Asker;
use crate::limits::BLOCK_ANSWER_PATIENCE;
use crate::metrics::RefusalLabel;
use crate::state_store::{StoreError, StoreView};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use lockstep_protocol::ledger::{self, ReadError};
use lockstep_protocol::proofs::light_client::{LightBlock, ProvedAccount, ProvedRecord};
use lockstep_protocol::types::{Address, Height};

/// Header, certificate and validators of a height. The block is read whole, so on another thread.
pub(super) async fn block(
    seed: web::Data<Seed>,
    request: HttpRequest,
    path: web::Path<String>,
) -> HttpResponse {
    let Ok(height) = path.parse().map(Height) else {
        let sentence = "a height is a whole number from 1";
        return refuse(StatusCode::BAD_REQUEST, "malformed", sentence);
    };
    let places = &seed.shares.block_answers;
    let asker = Asker::of(&request);
    let Some(_place) = places.wait(&asker, BLOCK_ANSWER_PATIENCE).await else {
        seed.metrics.refusal(RefusalLabel::Busy);
        let sentence = "other blocks are being read; try again in a moment";
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "busy", sentence);
    };
    let reader = seed.clone();
    let shown = web::block(move || {
        let blocks = reader.store.decided(height, 1, usize::MAX)?;
        // A range from height 0 begins with block 1.
        let decided = blocks.first().filter(|d| d.block.height() == height);
        let members = validators::members(&reader, height)?;
        Ok::<_, StoreError>(
            decided
                .zip(members)
                .map(|(decided, validators)| LightBlock {
                    header: decided.block.header().clone(),
                    certificate: (*decided.certificate).clone(),
                    validators,
                }),
        )
    });
    match shown.await {
        Ok(Ok(Some(shown))) => canonical(seed.wire.encode_light_block(&shown)),
        Ok(Ok(None)) => no_block(&seed, height),
        Ok(Err(error)) => trouble(&error),
        Err(error) => trouble(&error),
    }
}

/// An account, or that there is none, with its proof and the height whose state root it is for.
pub(super) async fn account(seed: web::Data<Seed>, path: web::Path<String>) -> HttpResponse {
    let address: Address = match path.parse() {
        Ok(address) => address,
        Err(error) => return refuse_param(bad_address(&error)),
    };
    proved(&seed, |view, height| {
        let proof = ledger::prove_account(view, &address)?;
        let proved = ProvedAccount { height, proof };
        Ok(seed.wire.encode_proved_account(&proved))
    })
}

/// A record, or that there is none, with its proof and the height whose state root it is for.
pub(super) async fn record(
    seed: web::Data<Seed>,
    path: web::Path<(String, String)>,
) -> HttpResponse {
    let (owner, key) = match records::place(&path) {
        Ok(place) => place,
        Err(bad) => return refuse_param(bad),
    };
    proved(&seed, |view, height| {
        let proof = ledger::prove_record(view, &owner, &key)?;
        let proved = ProvedRecord { height, proof };
        Ok(seed.wire.encode_proved_record(&proved))
    })
}

/// Height and proof of one moment. Genesis is proved by no certificate.
fn proved(
    seed: &Seed,
    prove: impl FnOnce(&StoreView, Height) -> Result<Vec<u8>, ReadError>,
) -> HttpResponse {
    let look = || {
        let view = seed.store.view()?;
        let height = view.head()?.height;
        if height == Height(0) {
            return Ok(None);
        }
        prove(&view, height).map(Some)
    };
    match look() {
        Ok(Some(bytes)) => canonical(bytes),
        Ok(None) => {
            let sentence =
                "there is no block yet, so nothing that could be proved; try again later";
            refuse(StatusCode::NOT_FOUND, "unknown_block", sentence)
        }
        Err(error) => trouble(&error),
    }
}

fn canonical(bytes: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/octet-stream")
        .body(bytes)
}
