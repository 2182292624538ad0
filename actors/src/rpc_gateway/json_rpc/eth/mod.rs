//! `eth_…` reads for Ethereum's tools, unmodified. There is no machine behind them: no code, no logs,
//! no calls; whatever needs one is not listed and answers -32601. [`ethereum`] says what each field
//! means here.
//!
//! [`ethereum`]: crate::rpc_gateway::json::ethereum
use super::method::{Method, Shape, method};
use super::params::{Kind, needed, optional};
use super::transactions::{TRANSACTION, hand_in};
use crate::limits::FEE_PERCENTILES_MAX;
use crate::rpc_gateway::json::ethereum::quantity;
use crate::rpc_gateway::seed::Seed;
use accounts::{account, transaction_count_of};
use blocks::{block_by_hash, block_by_number, fee_history, transaction_count};
use serde_json::{Value, json};
use transactions::{receipt_by_hash, transaction_by_hash};

mod accounts;
mod blocks;
mod transactions;

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
            optional("percentiles", Kind::Percentiles(FEE_PERCENTILES_MAX)),
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

fn syncing(seed: &Seed) -> Value {
    let head = seed.head().height;
    let sync = seed.view.sync_progress();
    if !sync.catching_up {
        return json!(false);
    }
    json!({
        "startingBlock": quantity(sync.from.0),
        "currentBlock": quantity(head.0),
        "highestBlock": quantity(sync.target.max(head).0),
    })
}
