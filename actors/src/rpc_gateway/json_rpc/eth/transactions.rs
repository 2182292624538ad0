//! Committed transactions with their receipts, and those that wait here.
use crate::messages::mempool::TransactionStatus;
use crate::rpc_gateway::json::ethereum;
use crate::rpc_gateway::json_rpc::caller::Caller;
use crate::rpc_gateway::json_rpc::error::RpcError;
use crate::rpc_gateway::json_rpc::heights::{demand_kept, height, height_of};
use crate::rpc_gateway::json_rpc::mempool::status;
use crate::rpc_gateway::json_rpc::method::Answer;
use crate::rpc_gateway::json_rpc::params::Args;
use crate::rpc_gateway::seed::Seed;
use crate::rpc_gateway::transactions;
use lockstep_protocol::nouns::block::SealedBlock;
use lockstep_protocol::types::{Hash, Height};
use serde_json::Value;
use std::sync::Arc;

/// A committed transaction: its block, its place in it, and what is made of both.
async fn find(
    caller: &Caller,
    hash: Hash,
    make: impl FnOnce(&Seed, Arc<SealedBlock>, u32) -> Answer + Send + 'static,
) -> Result<Option<Value>, RpcError> {
    let Some((height, index)) = transactions::place(&caller.seed, &hash)? else {
        return Ok(None);
    };
    at(caller, height, index, make).await.map(Some)
}

/// What is made of a place in a block; null if the block is not here.
async fn at(
    caller: &Caller,
    height: Height,
    index: u32,
    make: impl FnOnce(&Seed, Arc<SealedBlock>, u32) -> Answer + Send + 'static,
) -> Answer {
    let made = caller.read_block(height, move |seed| match seed.store.block(height)? {
        Some(block) => make(seed, block, index),
        None => Ok(Value::Null),
    });
    made.await
}

fn transaction(seed: &Seed, block: Arc<SealedBlock>, index: u32) -> Answer {
    let at = usize::try_from(index).unwrap_or(usize::MAX);
    let transaction = block.block().transactions.get(at);
    let place = Some((&*block, index));
    let found = transaction.map(|found| ethereum::transaction(found, &seed.genesis, place));
    Ok(found.unwrap_or(Value::Null))
}

pub(super) async fn transaction_by_hash(caller: &Caller, args: Args) -> Answer {
    let hash = args.hash(0)?;
    if let Some(found) = find(caller, hash, transaction).await? {
        return Ok(found);
    }
    let genesis = &caller.seed.genesis;
    Ok(match status(caller, hash).await? {
        Some(TransactionStatus::Waiting(entry, _)) => {
            ethereum::transaction(&entry.transaction, genesis, None)
        }
        _ => Value::Null,
    })
}

pub(super) async fn transaction_by_number_and_index(caller: &Caller, args: Args) -> Answer {
    let height = height(&caller.seed, args.height(0)?);
    if height == Height(0) || !caller.seed.is_shown(height) {
        return Ok(Value::Null);
    }
    demand_kept(&caller.seed, height)?;
    at(caller, height, index(&args)?, transaction).await
}

pub(super) async fn transaction_by_hash_and_index(caller: &Caller, args: Args) -> Answer {
    match height_of(&caller.seed, &args.hash(0)?)? {
        None | Some(Height(0)) => Ok(Value::Null),
        Some(height) => at(caller, height, index(&args)?, transaction).await,
    }
}

/// No block has as many transactions as the largest.
fn index(args: &Args) -> Result<u32, RpcError> {
    Ok(u32::try_from(args.number(1)?).unwrap_or(u32::MAX))
}

pub(super) async fn receipt_by_hash(caller: &Caller, args: Args) -> Answer {
    let found = find(caller, args.hash(0)?, |seed, block, index| {
        let receipt = transactions::receipt_at(seed, block.height(), index)?;
        let made = receipt.and_then(|receipt| ethereum::receipt(&block, index, &receipt));
        Ok(made.unwrap_or(Value::Null))
    });
    Ok(found.await?.unwrap_or(Value::Null))
}
