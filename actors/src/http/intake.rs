//! One transaction that is handed in, by whichever way it comes: over plain HTTP at either listener,
//! or by JSON-RPC.
use super::answer::{Answer, refuse};
use super::body;
use crate::messages::mempool::SubmitTransactions;
use crate::metrics::{Metrics, RefusalLabel};
use crate::runtime::Port;
use crate::state_store::{Store, StoreError};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use lockstep_protocol::limits::TRANSACTION_BYTES_MAX;
use lockstep_protocol::mempool::{Blame, MempoolRefusal, Source, Submission};
use lockstep_protocol::nouns::transaction::Transaction;
use lockstep_protocol::types::Hash;
use lockstep_protocol::wire::Wire;
use serde_json::{Value, json};
use std::sync::Arc;

/// What it takes to take one: each listener has its own, with its own share of the Mempool's mailbox.
#[derive(Clone)]
pub(crate) struct Intake {
    pub(crate) wire: Wire,
    pub(crate) store: Store,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) mempool: Port<SubmitTransactions>,
}

/// A transaction that this node keeps, or that a block carries.
pub(crate) struct Submitted {
    pub(crate) id: Hash,
    submission: Submission,
}

impl Submitted {
    pub(crate) fn to_json(&self) -> Value {
        json!({ "id": self.id, "status": self.submission })
    }
}

/// Why a transaction was not taken.
pub(crate) enum SubmitRefusal {
    Refused(MempoolRefusal),
    Store(StoreError),
}

impl Intake {
    /// `POST /transactions`: canonical bytes of one.
    pub(crate) async fn submit(&self, request: &HttpRequest, payload: web::Payload) -> Answer {
        let limit = TRANSACTION_BYTES_MAX;
        let whole = body::read(request, payload, limit, None, &self.metrics).await?;
        let transaction = self.wire.decode_transaction(&whole.bytes);
        let transaction = transaction.map_err(|error| body::refuse_wire(&error, &self.metrics))?;
        match self.hand_in(transaction).await {
            Ok(taken) => Ok(HttpResponse::Accepted().json(taken.to_json())),
            Err(SubmitRefusal::Refused(refusal)) => Err(refused(&refusal, &self.metrics).into()),
            Err(SubmitRefusal::Store(error)) => Err(error.into()),
        }
    }

    /// Has a transaction of people checked and kept for a block.
    pub(crate) async fn hand_in(
        &self,
        transaction: Transaction,
    ) -> Result<Submitted, SubmitRefusal> {
        let id = transaction.id();
        let submit = SubmitTransactions(vec![Arc::new(transaction)], Source::People);
        let verdict = match self.mempool.ask(submit).await {
            Ok(mut verdicts) => verdicts.pop().unwrap_or(Err(MempoolRefusal::Busy)),
            Err(_) => Err(MempoolRefusal::Busy),
        };
        let submission = match verdict {
            Ok(submission) => submission,
            // After the verdict: before it, the block might still come. What a block carries has used
            // up its nonce itself; told that, the sender would pay a second time with another one.
            Err(refusal) if refusal.blame() == Blame::Moment => {
                let location = self.store.location(&id).map_err(SubmitRefusal::Store)?;
                location.ok_or(SubmitRefusal::Refused(refusal))?;
                Submission::Known
            }
            Err(refusal) => return Err(SubmitRefusal::Refused(refusal)),
        };
        Ok(Submitted { id, submission })
    }
}

/// Counts and answers a transaction that was not taken.
pub(crate) fn refused(refusal: &MempoolRefusal, metrics: &Metrics) -> HttpResponse {
    let (label, status) = match (refusal, refusal.blame()) {
        (MempoolRefusal::Busy, _) => (RefusalLabel::Busy, StatusCode::SERVICE_UNAVAILABLE),
        (_, Blame::Load) => (RefusalLabel::Busy, StatusCode::TOO_MANY_REQUESTS),
        _ => (RefusalLabel::Transaction, StatusCode::BAD_REQUEST),
    };
    metrics.refusal(label);
    refuse(status, refusal.code(), refusal.to_string())
}
