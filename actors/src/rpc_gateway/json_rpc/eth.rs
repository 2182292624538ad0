//! `eth_…` reads for Ethereum's tools, unmodified. There is no machine behind them: no code, no logs,
//! no calls; whatever needs one is not listed and answers -32601. [`eth_json`] says what each field
//! means here.
//!
//! [`eth_json`]: super::eth_json
use super::eth_json::{self, quantity};
use super::lockstep::{demand_kept, height, next_nonce, version_after};
use super::params::{Args, At, Kind, needed, optional};
use super::transactions::{TRANSACTION, hand_in};
use super::{Answer, Caller, Method, RpcError, Shape, method};
use crate::limits::FEE_HISTORY_MAX;
use crate::messages::mempool::TransactionStatus;
use crate::rpc_gateway::Seed;
use lockstep_protocol::block::SealedBlock;
use lockstep_protocol::ledger::{self, Account};
use lockstep_protocol::limits::BLOCK_TRANSACTION_BYTES_MAX;
use lockstep_protocol::types::{Hash, Height};
use serde_json::{Value, json};
use std::sync::Arc;

/// Fee histories are asked for with a handful.
const PERCENTILES_MAX: usize = 16;

pub(super) const METHODS: &[Method] = &[
    method(
        "eth_chainId",
        "The chain's number.",
        &[],
        Shape::Quantity,
        |caller, _| {
            let id = caller.seed.genesis.chain_id.0;
            Box::pin(async move { Ok(json!(quantity(id))) })
        },
    ),
    method(
        "eth_blockNumber",
        "The newest height.",
        &[],
        Shape::Quantity,
        |caller, _| {
            let height = caller.seed.head().height.0;
            Box::pin(async move { Ok(json!(quantity(height))) })
        },
    ),
    method(
        "eth_getBlockByNumber",
        "A committed block; null beyond the head.",
        &[
            needed("block", Kind::BlockTag),
            optional("full", Kind::Flag),
        ],
        Shape::ObjectOrNull,
        |caller, args| Box::pin(block_by_number(caller, args)),
    ),
    method(
        "eth_getBlockByHash",
        "A committed block; null if none has this id.",
        &[needed("hash", Kind::Hash), optional("full", Kind::Flag)],
        Shape::ObjectOrNull,
        |caller, args| Box::pin(block_by_hash(caller, args)),
    ),
    method(
        "eth_getBlockTransactionCountByNumber",
        "How many transactions a block carries; null beyond the head.",
        &[needed("block", Kind::BlockTag)],
        Shape::TextOrNull,
        |caller, args| Box::pin(transaction_count(caller, args)),
    ),
    method(
        "eth_getBalance",
        "What an address holds, after one of the blocks whose state is kept.",
        &[
            needed("address", Kind::EthAddress),
            optional("block", Kind::StateBlock),
        ],
        Shape::Quantity,
        |caller, args| {
            Box::pin(async move { Ok(json!(quantity(account(caller, &args)?.balance))) })
        },
    ),
    method(
        "eth_getTransactionCount",
        "The nonce of an address's next transaction, likewise; pending counts those that wait here.",
        &[
            needed("address", Kind::EthAddress),
            optional("block", Kind::StateBlock),
        ],
        Shape::Quantity,
        |caller, args| Box::pin(transaction_count_of(caller, args)),
    ),
    method(
        "eth_getCode",
        "Always 0x: no address has code.",
        &[
            needed("address", Kind::EthAddress),
            optional("block", Kind::StateBlock),
        ],
        Shape::Data,
        |_, _| Box::pin(async { Ok(json!("0x")) }),
    ),
    method(
        "eth_getLogs",
        "Always empty: no transaction leaves logs.",
        &[needed("filter", Kind::Filter)],
        Shape::List,
        |_, _| Box::pin(async { Ok(json!([])) }),
    ),
    method(
        "eth_getTransactionByHash",
        "A transaction that is committed, or waits here; null otherwise.",
        &[needed("hash", Kind::Hash)],
        Shape::ObjectOrNull,
        |caller, args| Box::pin(transaction_by_hash(caller, args)),
    ),
    method(
        "eth_getTransactionReceipt",
        "What became of a committed transaction; null otherwise.",
        &[needed("hash", Kind::Hash)],
        Shape::ObjectOrNull,
        |caller, args| Box::pin(receipt_by_hash(caller, args)),
    ),
    method(
        "eth_gasPrice",
        "The least price of a byte.",
        &[],
        Shape::Quantity,
        |caller, _| {
            let price = caller.seed.genesis.parameters.fee_per_byte;
            Box::pin(async move { Ok(json!(quantity(price))) })
        },
    ),
    method(
        "eth_maxPriorityFeePerGas",
        "Always 0: nobody is paid beyond the price of a byte.",
        &[],
        Shape::Quantity,
        |_, _| Box::pin(async { Ok(json!("0x0")) }),
    ),
    method(
        "eth_feeHistory",
        "The price of a byte, and how full blocks were.",
        &[
            needed("count", Kind::Quantity(u64::MAX)),
            needed("newest", Kind::BlockTag),
            optional("percentiles", Kind::Percentiles(PERCENTILES_MAX)),
        ],
        Shape::Object,
        |caller, args| Box::pin(fee_history(caller, args)),
    ),
    method(
        "eth_syncing",
        "false, or how far this node is in catching up.",
        &[],
        Shape::FalseOrObject,
        |caller, _| Box::pin(async move { Ok(syncing(&caller.seed)) }),
    ),
    method(
        "eth_accounts",
        "Always empty: a node keeps no keys of people.",
        &[],
        Shape::List,
        |_, _| Box::pin(async { Ok(json!([])) }),
    ),
    method(
        "eth_sendRawTransaction",
        "Hands in the bytes of POST /transactions: this chain's own, not Ethereum's.",
        &[needed("transaction", TRANSACTION)],
        Shape::Data,
        |caller, args| Box::pin(async move { Ok(json!(hand_in(caller, &args).await?.id)) }),
    ),
];

fn account(caller: &Caller, args: &Args) -> Result<Account, RpcError> {
    let seed = &caller.seed;
    let (address, at) = (args.address(0)?, args.maybe_height(1)?);
    let newest = seed.head().height;
    let snapshot = seed.store.snapshot()?;
    let asked = match at {
        Some(At::Height(height)) => height,
        Some(At::Block(id)) => height_of(seed, &id)?,
        Some(At::Latest | At::Pending) | None => newest,
    };
    let version = version_after(&snapshot, asked, newest)?;
    Ok(ledger::account_at(&snapshot, version, &address)?.unwrap_or_default())
}

/// Where the block of this id stands: every committed block is canonical.
fn height_of(seed: &Seed, id: &Hash) -> Result<Height, RpcError> {
    if *id == seed.rules.context.genesis_hash {
        return Ok(Height(0));
    }
    let found = seed.store.location(id)?;
    let found = found.filter(|found| found.transaction.is_none() && seed.is_shown(found.height));
    found
        .map(|found| found.height)
        .ok_or(RpcError::UnknownBlockId(*id))
}

async fn transaction_count_of(caller: &Caller, args: Args) -> Answer {
    let next = account(caller, &args)?.nonce;
    if args.maybe_height(1)? != Some(At::Pending) {
        return Ok(json!(quantity(next)));
    }
    let pending = next_nonce(caller, args.address(0)?, next).await?;
    Ok(json!(quantity(pending)))
}

async fn block_by_number(caller: &Caller, args: Args) -> Answer {
    let height = height(&caller.seed, args.height(0)?);
    block(caller, height, args.maybe_flag(1)?.unwrap_or(false)).await
}

async fn block_by_hash(caller: &Caller, args: Args) -> Answer {
    let (hash, full) = (args.hash(0)?, args.maybe_flag(1)?.unwrap_or(false));
    if hash == caller.seed.rules.context.genesis_hash {
        return block(caller, Height(0), full).await;
    }
    match caller.seed.store.location(&hash)? {
        Some(location) if location.transaction.is_none() => {
            block(caller, location.height, full).await
        }
        _ => Ok(Value::Null),
    }
}

async fn block(caller: &Caller, height: Height, full: bool) -> Answer {
    let seed = &caller.seed;
    if height == Height(0) {
        let id = seed.rules.context.genesis_hash;
        return Ok(eth_json::genesis(&seed.genesis, id, seed.genesis_root));
    }
    if !seed.is_shown(height) {
        return Ok(Value::Null);
    }
    let block = caller.read(move |seed| {
        let block = seed.store.block(height)?;
        demand_kept(seed, height)?;
        Ok(block.map(|block| eth_json::block(&block, &seed.genesis, full)))
    });
    Ok(block.await?.unwrap_or(Value::Null))
}

async fn transaction_count(caller: &Caller, args: Args) -> Answer {
    let height = height(&caller.seed, args.height(0)?);
    if height == Height(0) {
        return Ok(json!("0x0"));
    }
    if !caller.seed.is_shown(height) {
        return Ok(Value::Null);
    }
    let receipts = caller.seed.store.receipts(height)?;
    demand_kept(&caller.seed, height)?;
    let count = |receipts: Vec<_>| quantity(u64::try_from(receipts.len()).unwrap_or(u64::MAX));
    Ok(json!(receipts.map(count)))
}

/// A committed transaction: its block, its place in it, and what is made of both.
async fn find(
    caller: &Caller,
    hash: Hash,
    make: impl FnOnce(&Seed, Arc<SealedBlock>, u32) -> Answer + Send + 'static,
) -> Result<Option<Value>, RpcError> {
    let location = caller.seed.store.location(&hash)?;
    let location = location.filter(|location| caller.seed.is_shown(location.height));
    let found = location.and_then(|location| Some((location.height, location.transaction?)));
    let Some((height, index)) = found else {
        return Ok(None);
    };
    let made = caller.read(move |seed| match seed.store.block(height)? {
        Some(block) => make(seed, block, index),
        None => Ok(Value::Null),
    });
    Ok(Some(made.await?))
}

async fn transaction_by_hash(caller: &Caller, args: Args) -> Answer {
    let hash = args.hash(0)?;
    let committed = find(caller, hash, |seed, block, index| {
        let at = usize::try_from(index).unwrap_or(usize::MAX);
        let transaction = block.block().transactions.get(at);
        let place = Some((&*block, index));
        let found = transaction.map(|found| eth_json::transaction(found, &seed.genesis, place));
        Ok(found.unwrap_or(Value::Null))
    });
    if let Some(found) = committed.await? {
        return Ok(found);
    }
    let genesis = &caller.seed.genesis;
    Ok(match super::transactions::status(caller, hash).await? {
        Some(TransactionStatus::Waiting(entry, _)) => {
            eth_json::transaction(&entry.transaction, genesis, None)
        }
        _ => Value::Null,
    })
}

async fn receipt_by_hash(caller: &Caller, args: Args) -> Answer {
    let found = find(caller, args.hash(0)?, |seed, block, index| {
        let receipts = seed.store.receipts(block.height())?.unwrap_or_default();
        let receipt = receipts.get(usize::try_from(index).unwrap_or(usize::MAX));
        let made = receipt.and_then(|receipt| eth_json::receipt(&block, index, receipt));
        Ok(made.unwrap_or(Value::Null))
    });
    Ok(found.await?.unwrap_or(Value::Null))
}

async fn fee_history(caller: &Caller, args: Args) -> Answer {
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
            let bytes = block.map_or(0, |block| eth_json::bytes_of(&block.block().transactions));
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

fn syncing(seed: &Seed) -> Value {
    let (head, sync) = (seed.head().height, seed.view.sync_progress());
    if !sync.catching_up {
        return json!(false);
    }
    json!({
        "startingBlock": quantity(sync.from.0),
        "currentBlock": quantity(head.0),
        "highestBlock": quantity(sync.target.max(head).0),
    })
}
