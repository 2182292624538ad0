//! Handing one in, and waiting for its end.
use super::fate::{over, receipt, status_word};
use crate::http::intake::{SubmitRefusal, Submitted};
use crate::limits::RPC_WAIT_DEFAULT;
use crate::messages::mempool::{GetTransactionStatus, TransactionStatus};
use crate::metrics::RefusalLabel;
use crate::rpc_gateway::json_rpc::caller::Caller;
use crate::rpc_gateway::json_rpc::error::RpcError;
use crate::rpc_gateway::json_rpc::method::Answer;
use crate::rpc_gateway::json_rpc::params::Args;
use lockstep_protocol::mempool::MempoolRefusal;
use lockstep_protocol::types::Hash;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Reads and hands in the first parameter.
pub(in crate::rpc_gateway::json_rpc) async fn hand_in(
    caller: &Caller,
    args: &Args,
) -> Result<Submitted, RpcError> {
    let seed = &caller.seed;
    let transaction = seed.wire.decode_transaction(&args.bytes(0)?)?;
    let taken = seed.intake.hand_in(transaction).await;
    taken.map_err(|why| match why {
        SubmitRefusal::Refused(MempoolRefusal::Busy) => caller.busy(),
        SubmitRefusal::Refused(refusal) => {
            seed.metrics.refusal(RefusalLabel::Transaction);
            let (code, sentence) = (refusal.code(), refusal.to_string());
            RpcError::Refused { code, sentence }
        }
        SubmitRefusal::Store(error) => error.into(),
    })
}

pub(super) async fn send(caller: &Caller, args: Args) -> Answer {
    Ok(hand_in(caller, &args).await?.to_json())
}

pub(super) async fn send_and_wait(caller: &Caller, args: Args) -> Answer {
    let id = hand_in(caller, &args).await?.id;
    let patience = args.maybe_number(1)?.map(Duration::from_millis);
    let until = Instant::now() + patience.unwrap_or(RPC_WAIT_DEFAULT);
    let until = until.min(caller.waits_until);
    let mut events = caller.seed.events.watch();
    // Whoever finds no place to wait is still told the id.
    let place = caller.seed.shares.waiters.clone().try_acquire_owned();
    let mut is_late = place.is_err();
    let mut asked_at = None;
    loop {
        let height = caller.seed.head().height;
        // Rounds end no wait: asked at each of them, those who wait would crowd out other questions.
        if is_late || asked_at != Some(height) {
            match end(caller, &id).await {
                Ok(Some(end)) => return Ok(end),
                Ok(None) => asked_at = Some(height),
                Err(RpcError::Busy) => {} // the next event is soon
                Err(error) => return Err(error),
            }
        }
        if is_late {
            return Ok(json!({ "id": id, "status": "pending" }));
        }
        let news = timeout_at(until, events.changed());
        is_late = !matches!(news.await, Ok(Ok(())));
    }
}

/// How a transaction ended, by a block or without one; `None` as long as it may still be carried.
async fn end(caller: &Caller, id: &Hash) -> Result<Option<Value>, RpcError> {
    let seed = &caller.seed;
    if let Some(receipt) = receipt(caller, id).await? {
        let status = status_word(&receipt.status);
        let receipt = receipt.to_json();
        return Ok(Some(
            json!({ "id": id, "status": status, "receipt": receipt }),
        ));
    }
    let status = seed.ports.transaction_status.ask(GetTransactionStatus(*id));
    let Some(TransactionStatus::Over(fate)) = status.await.map_err(|_| RpcError::Busy)? else {
        return Ok(None);
    };
    // What it gave up may stand in a block all the same, which is shown in a moment.
    let is_carried = seed.store.location(id)?.is_some();
    Ok((!is_carried).then(|| over(id, &fate)))
}
