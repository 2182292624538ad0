//! `eth_…` reads for Ethereum's tools, unmodified. There is no machine behind them: no code, no logs,
//! no storage, and a call comes to nothing; whatever needs one is not listed and answers -32601.
//! [`ethereum`] says what each field means here.
//!
//! [`ethereum`]: crate::rpc_gateway::json::ethereum
use super::method::methods;
use super::transactions::hand_in;
use crate::limits::FEE_PERCENTILES_MAX;
use crate::rpc_gateway::json::ethereum::quantity;
use crate::rpc_gateway::seed::Seed;
use accounts::{account, transaction_count_of};
use blocks::{block_by_hash, block_by_number, block_receipts, fee_history};
use blocks::{transaction_count_by_hash, transaction_count_by_number};
use blocks::{uncle_count_by_hash, uncle_count_by_number};
use filters::filter_changes;
use lockstep_protocol::limits::TRANSACTION_BYTES_MAX;
use lockstep_protocol::types::Hash;
use serde_json::{Value, json};
use transactions::{receipt_by_hash, transaction_by_hash};
use transactions::{transaction_by_hash_and_index, transaction_by_number_and_index};

mod accounts;
mod blocks;
mod calls;
mod filters;
mod transactions;

methods! {
    /// The chain's number.
    "eth_chainId"() -> Quantity => |caller, _| quantity(caller.seed.genesis.chain_id.0);

    /// The newest height.
    "eth_blockNumber"() -> Quantity => |caller, _| quantity(caller.seed.head().height.0);

    /// A committed block; null beyond the head.
    "eth_getBlockByNumber"(needed block: BlockTag, optional full: Flag)
        -> ObjectOrNull = block_by_number;

    /// A committed block; null if none has this id.
    "eth_getBlockByHash"(needed hash: Hash, optional full: Flag) -> ObjectOrNull = block_by_hash;

    /// How many transactions a block carries; null beyond the head.
    "eth_getBlockTransactionCountByNumber"(needed block: BlockTag)
        -> TextOrNull = transaction_count_by_number;

    /// The same; null if no block has this id.
    "eth_getBlockTransactionCountByHash"(needed hash: Hash) -> TextOrNull = transaction_count_by_hash;

    /// Always 0 where there is a block: none is built beside another.
    "eth_getUncleCountByBlockNumber"(needed block: BlockTag)
        -> TextOrNull => |caller, args| uncle_count_by_number(caller, &args)?;

    /// The same; null if no block has this id.
    "eth_getUncleCountByBlockHash"(needed hash: Hash)
        -> TextOrNull => |caller, args| uncle_count_by_hash(caller, &args)?;

    /// Always null.
    "eth_getUncleByBlockNumberAndIndex"(needed block: BlockTag, needed index: Quantity(u64::MAX))
        -> Null => |_, _| Value::Null;

    /// Always null.
    "eth_getUncleByBlockHashAndIndex"(needed hash: Hash, needed index: Quantity(u64::MAX))
        -> Null => |_, _| Value::Null;

    /// What became of all transactions of a block; null beyond the head.
    "eth_getBlockReceipts"(needed block: StateBlock) -> ListOrNull = block_receipts;

    /// What an address holds, after one of the blocks whose state is kept.
    "eth_getBalance"(needed address: EthAddress, optional block: StateBlock)
        -> Quantity => |caller, args| quantity(account(caller, &args)?.balance);

    /// The nonce of an address's next transaction, likewise; pending counts those that wait here.
    "eth_getTransactionCount"(needed address: EthAddress, optional block: StateBlock)
        -> Quantity = transaction_count_of;

    /// Always 0x: no address has code.
    "eth_getCode"(needed address: EthAddress, optional block: StateBlock) -> Data => |_, _| "0x";

    /// Always 0: no address has storage, only records.
    "eth_getStorageAt"(
        needed address: EthAddress,
        needed slot: Slot,
        optional block: StateBlock,
    ) -> Data => |_, _| Hash::default();

    /// Always 0x for a call of an address: none has code.
    "eth_call"(needed call: Call, optional block: StateBlock)
        -> Data => |_, args| calls::call(&args)?;

    /// How many bytes a transfer has, which is what its fee is for.
    "eth_estimateGas"(needed call: Call, optional block: StateBlock)
        -> Quantity => |caller, args| calls::estimate_gas(caller, &args)?;

    /// Always empty: no transaction leaves logs.
    "eth_getLogs"(needed filter: Filter) -> List => |_, _| json!([]);

    /// A transaction that is committed, or waits here; null otherwise.
    "eth_getTransactionByHash"(needed hash: Hash) -> ObjectOrNull = transaction_by_hash;

    /// A committed transaction by its place; null if nothing stands there.
    "eth_getTransactionByBlockNumberAndIndex"(
        needed block: BlockTag,
        needed index: Quantity(u64::MAX),
    ) -> ObjectOrNull = transaction_by_number_and_index;

    /// The same.
    "eth_getTransactionByBlockHashAndIndex"(needed hash: Hash, needed index: Quantity(u64::MAX))
        -> ObjectOrNull = transaction_by_hash_and_index;

    /// What became of a committed transaction; null otherwise.
    "eth_getTransactionReceipt"(needed hash: Hash) -> ObjectOrNull = receipt_by_hash;

    /// A filter that tells new blocks to whoever polls: their ids, by eth_getFilterChanges. It is gone
    /// when nobody has asked for five minutes, and when the node stops.
    "eth_newBlockFilter"() -> Quantity => |caller, _| filters::new_block_filter(caller);

    /// A filter that tells nothing, ever: no transaction leaves logs.
    "eth_newFilter"(needed filter: Filter) -> Quantity => |caller, _| filters::new_log_filter(caller);

    /// The ids of at most 256 blocks that came since the last question.
    "eth_getFilterChanges"(needed filter_id: Quantity(u64::MAX)) -> List = filter_changes;

    /// Always empty, of a filter of logs.
    "eth_getFilterLogs"(needed filter_id: Quantity(u64::MAX))
        -> List => |caller, args| filters::logs(caller, &args)?;

    /// Ends a filter; false if there is none of that id.
    "eth_uninstallFilter"(needed filter_id: Quantity(u64::MAX))
        -> Flag => |caller, args| filters::end(caller, &args)?;

    /// The least price of a byte.
    "eth_gasPrice"()
        -> Quantity => |caller, _| quantity(caller.seed.genesis.parameters.fee_per_byte);

    /// Always 0: nobody is paid beyond the price of a byte.
    "eth_maxPriorityFeePerGas"() -> Quantity => |_, _| "0x0";

    /// The price of a byte, and how full blocks were.
    "eth_feeHistory"(
        needed count: Quantity(u64::MAX),
        needed newest: BlockTag,
        optional percentiles: Percentiles(FEE_PERCENTILES_MAX),
    ) -> Object = fee_history;

    /// false, or how far this node is in catching up.
    "eth_syncing"() -> FalseOrObject => |caller, _| syncing(&caller.seed);

    /// Always empty: a node keeps no keys of people.
    "eth_accounts"() -> List => |_, _| json!([]);

    /// Hands in the bytes of POST /transactions: this chain's own, not Ethereum's.
    "eth_sendRawTransaction"(needed transaction: Data(TRANSACTION_BYTES_MAX))
        -> Data => |caller, args| hand_in(caller, &args).await?.id;
}

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
