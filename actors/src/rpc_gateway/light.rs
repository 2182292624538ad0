//! What a light client asks for, as canonical bytes: JSON of a header cannot be verified without
//! making its bytes again.
use super::seed::Seed;
use super::{applications, blocks, records, validators};
use crate::http::answer::{Answer, address, refuse};
use crate::http::pieces::Made;
use crate::state_store::{StoreError, StoreView};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use lockstep_protocol::ledger::{self, ReadError};
use lockstep_protocol::proofs::light_client::{
    LightBlock, ProvedAccount, ProvedApplication, ProvedRecord,
};
use lockstep_protocol::types::Height;

/// Header, certificate and validators of a height. The block is read whole, so on another thread.
pub(super) async fn block(
    seed: web::Data<Seed>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Answer {
    let Ok(height) = path.parse().map(Height) else {
        let sentence = "a height is a whole number from 1";
        return Ok(refuse(StatusCode::BAD_REQUEST, "malformed", sentence));
    };
    let place = seed.block_place(&request, height).await?;
    let reader = seed.clone();
    let shown = web::block(move || {
        let decided = blocks::decided(&reader, height)?;
        let members = validators::members(&reader, height)?;
        let shown = decided
            .zip(members)
            .map(|(decided, validators)| LightBlock {
                header: decided.block.header().clone(),
                certificate: (*decided.certificate).clone(),
                validators,
            });
        let bytes = shown.map(|shown| reader.wire.encode_light_block(&shown));
        Ok::<_, StoreError>(bytes.map(|bytes| Made::with(place, bytes)))
    });
    match shown.await?? {
        Some(made) => Ok(made.answer("application/octet-stream")),
        None => blocks::no_block(&seed, height),
    }
}

/// An account, or that there is none, with its proof and the height whose state root it is for.
pub(super) async fn account(seed: web::Data<Seed>, path: web::Path<String>) -> Answer {
    let address = address(&path)?;
    let proved = proved(&seed, move |seed, view, height| {
        let proof = ledger::prove_account(view, &address)?;
        let proved = ProvedAccount { height, proof };
        Ok(seed.wire.encode_proved_account(&proved))
    });
    proved.await
}

/// A record, or that there is none, with its proof and the height whose state root it is for.
pub(super) async fn record(seed: web::Data<Seed>, path: web::Path<(String, String)>) -> Answer {
    let (owner, key) = records::place(&path)?;
    let proved = proved(&seed, move |seed, view, height| {
        let proof = ledger::prove_record(view, &owner, &key)?;
        let proved = ProvedRecord { height, proof };
        Ok(seed.wire.encode_proved_record(&proved))
    });
    proved.await
}

/// A value of an application, or that there is none, with its proof and the height whose state root it
/// is for.
pub(super) async fn application(
    seed: web::Data<Seed>,
    path: web::Path<(String, String)>,
) -> Answer {
    let (name, key) = applications::place(&seed, &path)?;
    let proved = proved(&seed, move |seed, view, height| {
        let proof = ledger::prove_application(view, &name, &key)?;
        let proved = ProvedApplication { height, proof };
        Ok(seed.wire.encode_proved_application(&proved))
    });
    proved.await
}

/// Height and proof of one moment, made on another thread. Genesis is proved by no certificate.
async fn proved(
    seed: &web::Data<Seed>,
    prove: impl FnOnce(&Seed, &StoreView, Height) -> Result<Vec<u8>, ReadError> + Send + 'static,
) -> Answer {
    let view = seed.store.view()?;
    let height = view.head()?.height;
    if height == Height(0) {
        let sentence = "there is no block yet, so nothing that could be proved; try again later";
        return Ok(refuse(StatusCode::NOT_FOUND, "unknown_block", sentence));
    }
    let prover = seed.clone();
    let proof = web::block(move || prove(&prover, &view, height));
    Ok(canonical(proof.await??))
}

fn canonical(bytes: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/octet-stream")
        .body(bytes)
}
