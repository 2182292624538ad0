//! Committed blocks, and how full they were.
use crate::limits::FEE_HISTORY_MAX;
use crate::rpc_gateway::json::ethereum::{self, quantity};
use crate::rpc_gateway::json::transaction::bytes_of;
use crate::rpc_gateway::json_rpc::caller::Caller;
use crate::rpc_gateway::json_rpc::error::RpcError;
use crate::rpc_gateway::json_rpc::heights::{demand_kept, height, height_of};
use crate::rpc_gateway::json_rpc::method::Answer;
use crate::rpc_gateway::json_rpc::params::{Args, At};
use lockstep_protocol::limits::BLOCK_TRANSACTION_BYTES_MAX;
use lockstep_protocol::types::Height;
use serde_json::{Value, json};

pub(super) async fn block_by_number(caller: &Caller, args: Args) -> Answer {
    let height = height(&caller.seed, args.height(0)?);
    block(caller, height, args.maybe_flag(1)?.unwrap_or(false)).await
}

pub(super) async fn block_by_hash(caller: &Caller, args: Args) -> Answer {
    let hash = args.hash(0)?;
    let full = args.maybe_flag(1)?.unwrap_or(false);
    match height_of(&caller.seed, &hash)? {
        Some(height) => block(caller, height, full).await,
        None => Ok(Value::Null),
    }
}

async fn block(caller: &Caller, height: Height, full: bool) -> Answer {
    let seed = &caller.seed;
    if height == Height(0) {
        let id = seed.rules.context.genesis_hash;
        return Ok(ethereum::genesis(&seed.genesis, id, seed.genesis_root));
    }
    if !seed.is_shown(height) {
        return Ok(Value::Null);
    }
    let block = caller.read_block(height, move |seed| {
        let block = seed.store.block(height)?;
        demand_kept(seed, height)?;
        Ok(block.map(|block| ethereum::block(&block, &seed.genesis, full)))
    });
    Ok(block.await?.unwrap_or(Value::Null))
}

pub(super) async fn transaction_count_by_number(caller: &Caller, args: Args) -> Answer {
    transaction_count(caller, height(&caller.seed, args.height(0)?)).await
}

pub(super) async fn transaction_count_by_hash(caller: &Caller, args: Args) -> Answer {
    match height_of(&caller.seed, &args.hash(0)?)? {
        Some(height) => transaction_count(caller, height).await,
        None => Ok(Value::Null),
    }
}

async fn transaction_count(caller: &Caller, height: Height) -> Answer {
    if height == Height(0) {
        return Ok(json!("0x0"));
    }
    if !caller.seed.is_shown(height) {
        return Ok(Value::Null);
    }
    let count = caller.look_up(move |seed| {
        let receipts = seed.store.receipts(height)?;
        demand_kept(seed, height)?;
        let count = receipts.map(|receipts| receipts.len());
        Ok(count.map(|count| quantity(u64::try_from(count).unwrap_or(u64::MAX))))
    });
    Ok(json!(count.await?))
}

/// The receipts of a block, by number, tag or hash.
pub(super) async fn block_receipts(caller: &Caller, args: Args) -> Answer {
    let seed = &caller.seed;
    let height = match args.height(0)? {
        At::Block(id) => height_of(seed, &id)?,
        at => Some(height(seed, at)).filter(|height| seed.is_shown(*height)),
    };
    let height = match height {
        None => return Ok(Value::Null),
        Some(Height(0)) => return Ok(json!([])),
        Some(height) => height,
    };
    let receipts = caller.read_block(height, move |seed| {
        let (block, receipts) = (seed.store.block(height)?, seed.store.receipts(height)?);
        demand_kept(seed, height)?;
        let both = block.zip(receipts);
        Ok(both.map(|(block, receipts)| ethereum::receipts(&block, &receipts)))
    });
    Ok(json!(receipts.await?))
}

/// Nobody builds a block beside another one here: where there is a block, it has no uncles.
pub(super) fn uncle_count_by_number(caller: &Caller, args: &Args) -> Answer {
    let height = height(&caller.seed, args.height(0)?);
    demand_kept(&caller.seed, height)?;
    Ok(json!(caller.seed.is_shown(height).then_some("0x0")))
}

pub(super) fn uncle_count_by_hash(caller: &Caller, args: &Args) -> Answer {
    let found = height_of(&caller.seed, &args.hash(0)?)?;
    Ok(json!(found.map(|_| "0x0")))
}

pub(super) async fn fee_history(caller: &Caller, args: Args) -> Answer {
    let newest = height(&caller.seed, args.height(1)?);
    let head = caller.seed.head().height;
    demand_known(newest, head)?;
    demand_kept(&caller.seed, newest)?;
    // Genesis is known for ever, but not what came between it and the first block that is kept.
    let first = match caller.seed.store.earliest()? {
        Height(1) => Height(0),
        earliest => earliest.min(newest),
    };
    let there = newest.0 + 1 - first.0;
    let count = args.number(0)?.min(FEE_HISTORY_MAX).min(there);
    let percentiles = args.maybe_percentiles(2)?;
    let oldest = newest.0 + 1 - count;
    let ratios = caller.read(move |seed| {
        let mut ratios = Vec::new();
        for height in (oldest..oldest + count).map(Height) {
            let block = seed.store.block(height)?;
            let bytes = block.map_or(0, |block| bytes_of(&block.block().transactions));
            ratios.push(bytes as f64 / BLOCK_TRANSACTION_BYTES_MAX as f64);
        }
        Ok(ratios)
    });
    let ratios = ratios.await?;
    let price = quantity(caller.seed.genesis.parameters.fee_per_byte);
    let mut answer = json!({
        "oldestBlock": quantity(oldest),
        "baseFeePerGas": vec![price; ratios.len() + 1],
        "gasUsedRatio": ratios,
    });
    if let Some(percentiles) = percentiles {
        let none = vec!["0x0"; percentiles.len()];
        answer["reward"] = json!(vec![none; ratios.len()]);
    }
    Ok(answer)
}

fn demand_known(asked: Height, newest: Height) -> Result<(), RpcError> {
    if asked > newest {
        return Err(RpcError::UnknownBlock { asked, newest });
    }
    Ok(())
}
