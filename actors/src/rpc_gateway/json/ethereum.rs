//! Blocks, transactions and receipts in the words of Ethereum's tools. What has no counterpart here
//! is a constant, the same that a block without it has there:
//!
//! | Field | Here |
//! |---|---|
//! | `gas`, `gasUsed`, `gasLimit` | bytes: of a transaction, of a block's transactions, of a full block |
//! | `baseFeePerGas` | the least price of a byte |
//! | `gasPrice`, `effectiveGasPrice` | what this transaction pays for a byte, rounded down |
//! | `input` | the memo of a transfer, the value of a record |
//! | `miner` | the validator that built the block |
//! | `timestamp` | whole seconds: the block's milliseconds, rounded down |
//! | `blockTimestamp` | that of its block |
//! | `v`, `r`, `s` | `0x1b`, `0x0`, `0x0`: an ML-DSA signature does not fit, ask `lockstep_getBlock` |
//! | `nonce`, `difficulty`, `mixHash`, `extraData`, `logsBloom`, `uncles` | zero or empty |
//! | `sha3Uncles` | Keccak-256 of the empty list in RLP |
use super::hex;
use super::transaction::{bytes, bytes_of};
use lockstep_protocol::ledger::{Receipt, Status};
use lockstep_protocol::limits::BLOCK_TRANSACTION_BYTES_MAX;
use lockstep_protocol::nouns::block::{Header, SealedBlock};
use lockstep_protocol::nouns::genesis::Genesis;
use lockstep_protocol::nouns::transaction::{Action, Transaction};
use lockstep_protocol::types::{Address, BlockId, Hash, Height};
use serde_json::{Value, json};

/// Keccak-256 of the empty list in RLP.
const NO_UNCLES: &str = "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347";
/// The filter of no logs.
const BLOOM_BYTES: usize = 256;

/// A number without leading zeros.
pub(in crate::rpc_gateway) fn quantity(number: impl Into<u64>) -> String {
    format!("{:#x}", number.into())
}

fn seconds(header: &Header) -> u64 {
    header.time.0 / 1_000
}

fn length(bytes: usize) -> String {
    quantity(u64::try_from(bytes).unwrap_or(u64::MAX))
}

/// What every head of a block has in common, without its transactions.
pub(in crate::rpc_gateway) struct EthHeader<'a> {
    pub(in crate::rpc_gateway) id: BlockId,
    pub(in crate::rpc_gateway) header: &'a Header,
    pub(in crate::rpc_gateway) transaction_bytes: u64,
    pub(in crate::rpc_gateway) byte_price: u64,
}

impl EthHeader<'_> {
    pub(in crate::rpc_gateway) fn to_json(&self) -> Value {
        let header = self.header;
        json!({
            "number": quantity(header.height.0),
            "hash": self.id,
            "parentHash": header.previous_block,
            "nonce": "0x0000000000000000",
            "sha3Uncles": NO_UNCLES,
            "logsBloom": hex(&[0; BLOOM_BYTES]),
            "transactionsRoot": header.transactions_root,
            "stateRoot": header.state_root,
            "receiptsRoot": header.receipts_root,
            "miner": header.proposer,
            "difficulty": "0x0",
            "totalDifficulty": "0x0",
            "extraData": "0x",
            "gasLimit": length(BLOCK_TRANSACTION_BYTES_MAX),
            "gasUsed": quantity(self.transaction_bytes),
            "baseFeePerGas": quantity(self.byte_price),
            "timestamp": quantity(seconds(header)),
            "mixHash": Hash::default(),
        })
    }
}

/// A committed block, with whole transactions or with their ids.
pub(in crate::rpc_gateway) fn block(block: &SealedBlock, genesis: &Genesis, full: bool) -> Value {
    let transactions = &block.block().transactions;
    let head = EthHeader {
        id: block.id(),
        header: block.header(),
        transaction_bytes: bytes_of(transactions),
        byte_price: genesis.parameters.fee_per_byte,
    };
    let mut answer = head.to_json();
    let listed = transactions.iter().zip(0u32..);
    let listed = listed.map(|(listed, index)| {
        if full {
            transaction(listed, genesis, Some((block, index)))
        } else {
            json!(listed.id())
        }
    });
    answer["transactions"] = listed.collect();
    let size = lockstep_protocol::codec::encode(block.block()).len();
    answer["size"] = json!(length(size));
    answer["uncles"] = json!([]);
    answer
}

/// Height 0, which no validator has built.
pub(in crate::rpc_gateway) fn genesis(genesis: &Genesis, id: Hash, state_root: Hash) -> Value {
    let header = Header {
        chain_id: genesis.chain_id,
        height: Height(0),
        time: genesis.time,
        proposer: Address::default(),
        previous_block: Hash::default(),
        last_commit_hash: Hash::default(),
        transactions_root: lockstep_protocol::crypto::merkle::root(&[]),
        evidence_root: lockstep_protocol::crypto::merkle::root(&[]),
        state_root,
        receipts_root: lockstep_protocol::crypto::merkle::root(&[]),
        validators_hash: Hash::default(),
        next_validators_hash: Hash::default(),
    };
    let head = EthHeader {
        id,
        header: &header,
        transaction_bytes: 0,
        byte_price: genesis.parameters.fee_per_byte,
    };
    let mut answer = head.to_json();
    answer["transactions"] = json!([]);
    answer["size"] = json!("0x0");
    answer["uncles"] = json!([]);
    answer
}

/// A transaction, in its block or waiting for one.
pub(in crate::rpc_gateway) fn transaction(
    transaction: &Transaction,
    genesis: &Genesis,
    place: Option<(&SealedBlock, u32)>,
) -> Value {
    let bytes = bytes(transaction);
    let fee = transaction.body.fee;
    json!({
        "hash": transaction.id(),
        "type": "0x0",
        "chainId": quantity(genesis.chain_id.0),
        "nonce": quantity(transaction.body.nonce),
        "blockHash": place.map(|(block, _)| block.id()),
        "blockNumber": place.map(|(block, _)| quantity(block.height().0)),
        "blockTimestamp": place.map(|(block, _)| quantity(seconds(block.header()))),
        "transactionIndex": place.map(|(_, index)| quantity(index)),
        "from": transaction.sender,
        "to": transaction.body.action.receiver(),
        "value": quantity(value(&transaction.body.action)),
        "gas": quantity(bytes),
        "gasPrice": quantity(fee / bytes.max(1)),
        "input": hex(input(&transaction.body.action)),
        "v": "0x1b",
        "r": "0x0",
        "s": "0x0",
    })
}

fn value(action: &Action) -> u64 {
    match action {
        Action::Transfer { amount, .. } => *amount,
        Action::Put { .. }
        | Action::Delete { .. }
        | Action::UpdateValidator { .. }
        | Action::DeclareReady
        | Action::Call { .. } => 0,
    }
}

fn input(action: &Action) -> &[u8] {
    match action {
        Action::Transfer { memo, .. } => memo.as_bytes(),
        Action::Put { value, .. } => value,
        Action::Call { data, .. } => data,
        Action::Delete { .. } | Action::UpdateValidator { .. } | Action::DeclareReady => &[],
    }
}

/// The receipt of transaction `index` of a block.
pub(in crate::rpc_gateway) fn receipt(
    block: &SealedBlock,
    index: u32,
    receipt: &Receipt,
) -> Option<Value> {
    let transactions = &block.block().transactions;
    let at = usize::try_from(index).ok()?;
    let until = bytes_of(transactions.get(..=at)?);
    let transaction = transactions.get(at)?;
    Some(receipt_at(block, (index, transaction), receipt, until))
}

/// The receipts of all transactions of a block.
pub(in crate::rpc_gateway) fn receipts(block: &SealedBlock, receipts: &[Receipt]) -> Vec<Value> {
    let transactions = block.block().transactions.iter();
    let mut until = 0;
    let all = (0u32..).zip(transactions).zip(receipts);
    let all = all.map(|((index, transaction), receipt)| {
        until += bytes(transaction);
        receipt_at(block, (index, transaction), receipt, until)
    });
    all.collect()
}

/// `until`: the bytes of this transaction and of all before it in its block.
fn receipt_at(
    block: &SealedBlock,
    (index, transaction): (u32, &Transaction),
    receipt: &Receipt,
    until: u64,
) -> Value {
    let price = receipt.fee / u64::from(receipt.bytes.max(1));
    json!({
        "transactionHash": transaction.id(),
        "transactionIndex": quantity(index),
        "blockHash": block.id(),
        "blockNumber": quantity(block.height().0),
        "from": transaction.sender,
        "to": transaction.body.action.receiver(),
        "contractAddress": null,
        "cumulativeGasUsed": quantity(until),
        "gasUsed": quantity(receipt.bytes),
        "effectiveGasPrice": quantity(price),
        "logs": [],
        "logsBloom": hex(&[0; BLOOM_BYTES]),
        "status": quantity(u64::from(receipt.status == Status::Success)),
        "type": "0x0",
    })
}

/// A transaction that waits.
pub(in crate::rpc_gateway) fn waiting(waiting: &Transaction, genesis: &Genesis) -> Value {
    transaction(waiting, genesis, None)
}

/// A transaction that waits, in the words in which Ethereum's nodes list those.
pub(in crate::rpc_gateway) fn inspected(transaction: &Transaction) -> String {
    let to = transaction.body.action.receiver();
    let to = to.map_or_else(|| "contract creation".into(), |to| to.to_string());
    let bytes = bytes(transaction);
    format!(
        "{to}: {} wei + {bytes} gas × {} wei",
        value(&transaction.body.action),
        transaction.body.fee / bytes.max(1)
    )
}
