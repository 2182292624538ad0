//! What can be told of what has happened, by topic.
use super::happened::{ReceiptEvent, What};
use crate::rpc_gateway::json::ethereum;
use lockstep_protocol::nouns::parameters::Parameters;
use lockstep_protocol::types::Address;
use serde_json::{Value, json};

/// What a reader wants to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rpc_gateway) enum Topic {
    /// Each committed block.
    NewBlocks,
    /// Each receipt, or only those of transactions that this address sends or receives.
    Receipts(Option<Address>),
    /// Each round that begins and each step in it, as far as they last.
    Rounds,
    /// Each committed block in the form that Ethereum's tools know.
    NewHeads,
}

/// Something to tell: its number, its name, its content.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::rpc_gateway) struct Told {
    pub(in crate::rpc_gateway) seq: u64,
    pub(in crate::rpc_gateway) name: &'static str,
    pub(in crate::rpc_gateway) content: Value,
}

impl Topic {
    pub(in crate::rpc_gateway) fn name(self) -> &'static str {
        match self {
            Topic::NewBlocks => "newBlocks",
            Topic::Receipts(_) => "receipts",
            Topic::Rounds => "rounds",
            Topic::NewHeads => "newHeads",
        }
    }

    pub(super) fn tell(self, first: u64, what: &What, parameters: &Parameters) -> Vec<Told> {
        let told = |seq, content| Told {
            seq,
            name: self.name(),
            content,
        };
        match (self, what) {
            (Topic::NewBlocks, What::Block(block)) => vec![told(first, block.to_json())],
            (Topic::NewHeads, What::Block(block)) => {
                let head = ethereum::EthHeader {
                    id: block.id,
                    header: &block.header,
                    transaction_bytes: block.transaction_bytes,
                    byte_price: parameters.fee_per_byte,
                };
                vec![told(first, head.to_json())]
            }
            (Topic::Receipts(whose), What::Block(block)) => {
                let receipts = block.receipts.iter().zip(first + 1..);
                let receipts = receipts.filter(|(receipt, _)| receipt.concerns(whose));
                let tell = |(receipt, seq): (&ReceiptEvent, u64)| {
                    told(seq, receipt.to_json(block.header.height, block.id))
                };
                receipts.map(tell).collect()
            }
            (
                Topic::Rounds,
                What::Round {
                    height,
                    round,
                    step,
                },
            ) => {
                let content = json!({ "height": height, "round": round, "step": step });
                vec![told(first, content)]
            }
            _ => Vec::new(),
        }
    }
}
