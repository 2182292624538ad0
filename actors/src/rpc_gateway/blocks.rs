//! Committed data: blocks with their certificates, accounts.
use super::evidence_page::evidence_json;
use super::json::hex;
use super::json::transaction::transaction_json;
use super::seed::Seed;
use super::validators;
use crate::http::answer::{Answer, address, busy, refuse};
use crate::http::pieces::Made;
use crate::messages::mempool::GetNextNonce;
use crate::state_store::StoreError;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use lockstep_protocol::ledger::{Account, HistoryError};
use lockstep_protocol::nouns::commit::CommitCertificate;
use lockstep_protocol::nouns::decided::DecidedBlock;
use lockstep_protocol::types::{Address, Height};
use serde_json::{Value, json};

pub(super) async fn latest(seed: web::Data<Seed>, request: HttpRequest) -> Answer {
    let newest = seed.head().height;
    by(seed, &request, newest).await
}

pub(super) async fn by_height(
    seed: web::Data<Seed>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Answer {
    let Ok(height) = path.parse() else {
        let sentence = "a height is a whole number from 1, or \"latest\"";
        return Ok(refuse(StatusCode::BAD_REQUEST, "malformed", sentence));
    };
    by(seed, &request, Height(height)).await
}

/// A block may be megabytes, and more as text: it is read on another thread, and few at one time.
async fn by(seed: web::Data<Seed>, request: &HttpRequest, height: Height) -> Answer {
    let place = seed.block_place(request, height).await?;
    let reader = seed.clone();
    let text = web::block(move || {
        if !reader.is_shown(height) {
            return Ok(None);
        }
        let decided = decided(&reader, height)?;
        let page = decided.map(|decided| block_json(&reader, &decided));
        let text = page.transpose()?.map(|page| page.to_string());
        Ok::<_, StoreError>(text.map(|text| Made::with(place, text)))
    });
    match text.await?? {
        Some(made) => Ok(made.answer("application/json")),
        None => no_block(&seed, height),
    }
}

/// The committed block of this height, and of no other: a range from height 0 begins with block 1.
pub(super) fn decided(seed: &Seed, height: Height) -> Result<Option<DecidedBlock>, StoreError> {
    let blocks = seed.store.decided(height, 1, usize::MAX)?;
    let mut blocks = blocks.into_iter();
    Ok(blocks.next().filter(|d| d.block.height() == height))
}

/// Why there is no block of this height: it is not committed yet, or not kept any more.
pub(super) fn no_block(seed: &Seed, height: Height) -> Answer {
    let newest = seed.head().height;
    let earliest = seed.store.earliest()?;
    if height < earliest && height > Height(0) {
        let sentence = format!(
            "block {height} is not kept here any more, the earliest is {earliest}: ask for a \
             later one, or a node that keeps more"
        );
        return Ok(refuse(StatusCode::GONE, "pruned", sentence));
    }
    let sentence = format!(
        "no block {height} here; the newest is {newest}: wait for it, or ask for the latest"
    );
    Ok(refuse(StatusCode::NOT_FOUND, "unknown_block", sentence))
}

pub(super) fn block_json(seed: &Seed, decided: &DecidedBlock) -> Result<Value, StoreError> {
    let block = decided.block.block();
    let transactions: Vec<Value> = block.transactions.iter().map(transaction_json).collect();
    let evidence: Vec<Value> = block.evidence.iter().map(evidence_json).collect();
    let last_commit = block.last_commit.as_ref();
    let last_commit = last_commit.map(|commit| certificate_json(seed, commit));
    Ok(json!({
        "id": decided.block.id(),
        "header": block.header,
        "transactions": transactions,
        "evidence": evidence,
        "last_commit": last_commit.transpose()?,
        "commit": certificate_json(seed, &decided.certificate)?,
    }))
}

pub(super) fn certificate_json(
    seed: &Seed,
    certificate: &CommitCertificate,
) -> Result<Value, StoreError> {
    let height = certificate.height;
    let validators = validators::members(seed, height)?.unwrap_or_default();
    let members = certificate.signers.members_of(validators.len());
    let precommits: Vec<Value> = members
        .unwrap_or_default()
        .into_iter()
        .map(|(index, signature)| {
            let validator = validators.get(index).map(|v| v.address);
            json!({ "index": index, "validator": validator, "signature": hex(&signature.0) })
        })
        .collect();
    Ok(json!({
        "height": height,
        "round": certificate.round,
        "block_id": certificate.block_id,
        "precommits": precommits,
    }))
}

pub(super) async fn account(seed: web::Data<Seed>, path: web::Path<String>) -> Answer {
    let sender = address(&path)?;
    let (height, account) = newest_account(&seed, &sender)?;
    let next = account.nonce;
    let continued = seed.ports.next_nonce.ask(GetNextNonce { sender, next });
    let continued = continued
        .await
        .map_err(|error| busy(error, &seed.metrics))?;
    Ok(HttpResponse::Ok().json(json!({
        "address": sender, "height": height,
        "balance": account.balance.to_string(), "nonce": next, "next_nonce": continued.max(next),
    })))
}

/// An account after the newest block that is shown.
fn newest_account(seed: &Seed, address: &Address) -> Result<(Height, Account), HistoryError> {
    let height = seed.head().height;
    Ok((height, seed.store.account_after(height, address)?))
}
