//! What can happen: a block with its receipts is committed, a round or a step of it begins.
use crate::rpc_gateway::json::transaction::bytes_of;
use lockstep_protocol::consensus::round_machine::Step;
use lockstep_protocol::ledger::{Event, Receipt};
use lockstep_protocol::nouns::block::Header;
use lockstep_protocol::nouns::decided::DecidedBlock;
use lockstep_protocol::types::{Address, BlockId, Height, Round};
use serde_json::{Value, json};
use std::sync::Arc;

/// A committed block, without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BlockEvent {
    pub(super) id: BlockId,
    pub(super) header: Header,
    /// In which it was decided.
    pub(super) round: Round,
    /// Canonical bytes of the transactions together.
    pub(super) transaction_bytes: u64,
    /// One for each transaction.
    pub(super) receipts: Vec<ReceiptEvent>,
}

/// What became of one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReceiptEvent {
    pub(super) sender: Address,
    pub(super) to: Option<Address>,
    pub(super) receipt: Receipt,
}

impl ReceiptEvent {
    fn bytes(&self) -> usize {
        let told = self.receipt.events.iter();
        let told = told.map(|event| size_of::<Event>() + event.name.len() + event.data.len());
        // A failed receipt has a sentence.
        size_of::<ReceiptEvent>() + 64 + told.sum::<usize>()
    }
}

/// One of the two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Block(Arc<BlockEvent>),
    Round {
        height: Height,
        round: Round,
        step: Option<Step>,
    },
}

impl What {
    /// How many numbers it takes: a block one for itself and one for each receipt.
    pub(super) fn numbers(&self) -> u64 {
        match self {
            What::Block(block) => 1 + block.receipts.len() as u64,
            What::Round { .. } => 1,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        let receipts: usize = match self {
            What::Block(block) => block.receipts.iter().map(ReceiptEvent::bytes).sum(),
            What::Round { .. } => 0,
        };
        size_of::<BlockEvent>() + receipts
    }
}

impl BlockEvent {
    pub(super) fn new(decided: &DecidedBlock, receipts: &[Receipt]) -> BlockEvent {
        let block = &decided.block;
        let transactions = &block.block().transactions;
        let told = transactions.iter().zip(receipts);
        let told = told.map(|(transaction, receipt)| ReceiptEvent {
            sender: transaction.sender,
            to: transaction.body.action.receiver(),
            receipt: receipt.clone(),
        });
        BlockEvent {
            id: block.id(),
            header: block.header().clone(),
            round: decided.certificate.round,
            transaction_bytes: bytes_of(transactions),
            receipts: told.collect(),
        }
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "header": self.header,
            "round": self.round,
            "transactions": self.receipts.len(),
        })
    }
}

impl ReceiptEvent {
    pub(super) fn concerns(&self, whose: Option<Address>) -> bool {
        whose.is_none_or(|address| self.sender == address || self.to == Some(address))
    }

    pub(super) fn to_json(&self, height: Height, block: BlockId) -> Value {
        let mut content = json!(self.receipt);
        content["height"] = json!(height);
        content["block_id"] = json!(block);
        content["sender"] = json!(self.sender);
        content["to"] = json!(self.to);
        content
    }
}
