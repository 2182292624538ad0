//! What became of one: the block that carries it with its receipt, or how it ended without one.
use crate::messages::mempool::TransactionStatus;
use crate::rpc_gateway::json::hex;
use crate::rpc_gateway::json::transaction::transaction_json;
use crate::rpc_gateway::json_rpc::caller::Caller;
use crate::rpc_gateway::json_rpc::error::RpcError;
use crate::rpc_gateway::json_rpc::mempool::status;
use crate::rpc_gateway::json_rpc::method::Answer;
use crate::rpc_gateway::json_rpc::params::Args;
use crate::rpc_gateway::seed::Seed;
use crate::rpc_gateway::transactions;
use lockstep_protocol::codec;
use lockstep_protocol::ledger::Status;
use lockstep_protocol::mempool::Fate;
use lockstep_protocol::proofs::inclusion::{ReceiptProof, TransactionProof};
use lockstep_protocol::types::{Hash, Height};
use serde_json::{Value, json};

pub(super) fn status_word(status: &Status) -> &'static str {
    match status {
        Status::Success => "committed",
        Status::Failed { .. } => "failed",
    }
}

/// A receipt, and where it stands.
pub(super) struct Found {
    height: Height,
    index: u32,
    block_id: Hash,
    pub(super) status: Status,
    receipt: Value,
}

impl Found {
    pub(super) fn to_json(&self) -> Value {
        let mut receipt = self.receipt.clone();
        receipt["height"] = json!(self.height);
        receipt["index"] = json!(self.index);
        receipt["block_id"] = json!(self.block_id);
        receipt
    }
}

/// The receipt of a transaction that a block carries.
pub(super) async fn receipt(caller: &Caller, id: &Hash) -> Result<Option<Found>, RpcError> {
    let Some((height, index)) = transactions::place(&caller.seed, id)? else {
        return Ok(None);
    };
    let found = caller.look_up(move |seed| {
        let receipt = transactions::receipt_at(seed, height, index)?;
        let certificate = seed.store.certificate(height)?;
        Ok(receipt.zip(certificate))
    });
    let found = found.await?.map(|(receipt, certificate)| Found {
        height,
        index,
        block_id: certificate.block_id,
        receipt: json!(receipt),
        status: receipt.status,
    });
    Ok(found)
}

pub(super) async fn get_receipt(caller: &Caller, args: Args) -> Answer {
    let Some(found) = receipt(caller, &args.hash(0)?).await? else {
        return Ok(Value::Null);
    };
    let mut answer = found.to_json();
    if args.maybe_flag(1)?.unwrap_or(false) {
        let (height, index) = (found.height, found.index);
        let proof = caller.read_block(height, move |seed| prove_receipt(seed, height, index));
        let (root, proof) = proof.await?;
        answer["receipts_root"] = json!(root);
        answer["proof"] = json!(hex(&codec::encode(&proof)));
    }
    Ok(answer)
}

/// The root of the receipts of a committed block, and the path from one of them to it.
fn prove_receipt(
    seed: &Seed,
    height: Height,
    index: u32,
) -> Result<(Hash, ReceiptProof), RpcError> {
    let index = usize::try_from(index).unwrap_or(usize::MAX);
    let (block, receipts) = (seed.store.block(height)?, seed.store.receipts(height)?);
    let root = block.map(|block| block.header().receipts_root);
    let proof = receipts.and_then(|receipts| ReceiptProof::new(&receipts, index));
    root.zip(proof).ok_or(RpcError::Internal)
}

pub(super) async fn get_transaction(caller: &Caller, args: Args) -> Answer {
    let id = args.hash(0)?;
    let prove = args.maybe_flag(1)?.unwrap_or(false);
    if let Some(found) = receipt(caller, &id).await? {
        return committed(caller, id, &found, prove).await;
    }
    let status = status(caller, id).await?;
    if let Some(TransactionStatus::Waiting(entry, is_ready)) = status {
        return Ok(json!({
            "id": id, "status": "pending", "ready": is_ready,
            "transaction": transaction_json(&entry.transaction),
        }));
    }
    // Between the two looks a block may have carried it.
    if let Some(found) = receipt(caller, &id).await? {
        return committed(caller, id, &found, prove).await;
    }
    Ok(match status {
        Some(TransactionStatus::Over(fate)) => over(&id, &fate),
        // A block that was pruned may have carried it.
        _ => json!({
            "id": id, "status": "unknown", "earliest_height": caller.seed.store.earliest()?,
        }),
    })
}

/// A transaction that stands in a block.
async fn committed(caller: &Caller, id: Hash, found: &Found, prove: bool) -> Answer {
    let (height, index) = (found.height, found.index);
    let status = status_word(&found.status);
    let receipt = found.to_json();
    let answer = caller.read_block(height, move |seed| {
        let block = seed.store.block(height)?.ok_or(RpcError::Internal)?;
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let transactions = &block.block().transactions;
        let transaction = transactions.get(index).map(transaction_json);
        let mut answer = json!({
            "id": id, "status": status, "transaction": transaction, "receipt": receipt,
        });
        if prove {
            let proof = TransactionProof::new(block.block(), index).ok_or(RpcError::Internal)?;
            answer["transactions_root"] = json!(block.header().transactions_root);
            answer["proof"] = json!(hex(&codec::encode(&proof)));
        }
        Ok(answer)
    });
    answer.await
}

/// What became of one that waits no more and has no receipt here: no block carries it, or one that
/// is not kept any more.
pub(super) fn over(id: &Hash, fate: &Fate) -> Value {
    match fate {
        Fate::Committed { height } => json!({ "id": id, "status": "committed", "height": height }),
        Fate::Expired { expires_at } => {
            json!({ "id": id, "status": "expired", "expires_at": expires_at })
        }
        Fate::Replaced { by } => json!({ "id": id, "status": "replaced", "by": by }),
        Fate::Evicted => json!({ "id": id, "status": "dropped", "code": "mempool_full" }),
        Fate::Dropped { code } => json!({ "id": id, "status": "dropped", "code": code }),
    }
}
