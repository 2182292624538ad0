//! `lockstep receipt`: what became of a transaction. Exit 0: a block holds it, whatever it did
//! there; 1: none does, and the status says why.
use super::node::{Node, Rpc, word};
use crate::failure::Failure;
use crate::output::{say, say_json};
use clap::Args;
use lockstep_protocol::types::{Hash, Height};
use serde::Deserialize;
use serde_json::{Value, json};

/// `lockstep receipt`
///
/// Exits with 0 if a block holds the transaction, whatever it did there, and with 1 if none does.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The transaction's id
    #[arg(value_name = "ID")]
    id: Hash,
    #[command(flatten)]
    rpc: Rpc,
    /// Print one JSON object: the receipt as the node answers it, or, with exit code 1, the id and a
    /// status: pending, expired, replaced, dropped or unknown
    #[arg(long)]
    json: bool,
}

/// What a node knows of a transaction.
pub(super) enum Found {
    /// A block holds it.
    InBlock(Box<Receipt>),
    /// No block that the node has.
    Outside(Outside),
}

/// A transaction that no block of the node holds.
#[derive(Clone)]
pub(super) struct Outside {
    id: Hash,
    /// As it was answered.
    document: Value,
}

/// How it stands with a transaction that no block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotInBlock {
    /// The node keeps it for a block.
    Waits,
    /// The node will not put it into a block, and says why.
    Over,
    /// The node does not know it, or not any more.
    Unknown,
}

/// What an application has told.
#[derive(Deserialize)]
struct Event {
    name: String,
    data: String,
}

/// What nodes answer of a committed transaction.
#[derive(Deserialize)]
pub(super) struct Receipt {
    transaction: Hash,
    pub(super) status: String,
    code: Option<String>,
    sentence: Option<String>,
    #[serde(deserialize_with = "super::node::amount")]
    fee: u64,
    bytes: u32,
    pub(super) height: Height,
    index: u32,
    /// What the application of a call has told.
    #[serde(default)]
    events: Vec<Event>,
    /// As it was answered.
    #[serde(skip)]
    pub(super) document: Value,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let node = arguments.rpc.node()?;
    let status = node.status()?;
    let receipt = match find(&node, &arguments.id)? {
        Found::InBlock(receipt) => receipt,
        Found::Outside(outside) => {
            let failure = Failure::retry(format!(
                "no block up to {} holds transaction {}: {}",
                status.height,
                arguments.id,
                outside.sentence()
            ));
            if arguments.json {
                say_json(&failure.add_to(outside.json()))?;
            }
            return Err(failure);
        }
    };
    if arguments.json {
        return say_json(&receipt.document);
    }
    say!("Lockstep receipt")?;
    say!("  transaction   {}", receipt.transaction)?;
    receipt.print()
}

/// What the node knows of a transaction.
pub(super) fn find(node: &Node, id: &Hash) -> Result<Found, Failure> {
    let mut document = node.call("lockstep_getTransaction", &json!([id]))?;
    if !document["status"].is_string() {
        return Err(node.strange());
    }
    let document = match document["receipt"].take() {
        Value::Null => return Ok(Found::Outside(Outside { id: *id, document })),
        receipt => receipt,
    };
    let receipt = serde_json::from_value(document.clone());
    let mut receipt: Receipt = receipt.map_err(|_| node.strange())?;
    receipt.document = document;
    Ok(Found::InBlock(Box::new(receipt)))
}

impl Outside {
    pub(super) fn not_in_block(&self) -> NotInBlock {
        match self.word("status").as_str() {
            "pending" => NotInBlock::Waits,
            "expired" | "replaced" | "dropped" => NotInBlock::Over,
            _ => NotInBlock::Unknown,
        }
    }

    /// Why no block can hold it yet, if that is not just the next block's matter.
    pub(super) fn waits_for(&self) -> Option<String> {
        (self.document["ready"] == false).then(|| self.sentence())
    }

    /// The id, the status, and what belongs to the status.
    pub(super) fn json(&self) -> Value {
        let mut shown = json!({ "id": self.id });
        for key in [
            "status",
            "ready",
            "expires_at",
            "by",
            "code",
            "earliest_height",
        ] {
            if !self.document[key].is_null() {
                shown[key] = self.document[key].clone();
            }
        }
        shown
    }

    /// What the status means, and the next step.
    pub(super) fn sentence(&self) -> String {
        match self.word("status").as_str() {
            "pending" if self.document["ready"] == false => {
                "it waits for transactions of its sender with lower nonces: send those".into()
            }
            "pending" => {
                "it waits; ask again after the next block (lockstep status says whether there \
                          will be one)"
                    .into()
            }
            "expired" => format!(
                "it has expired at height {} and never stands in a block: send it anew",
                self.word("expires_at")
            ),
            "replaced" => format!(
                "another one of its sender with the same nonce and a higher fee took its place: \
                 lockstep receipt {} shows what becomes of that",
                self.word("by")
            ),
            "dropped" => format!(
                "the node does not keep it any more ({}), and another one may still: ask again \
                 after some blocks, or send it anew with the same nonce",
                self.word("code")
            ),
            _ => match self.document["earliest_height"].as_u64() {
                Some(earliest @ 2..) => format!(
                    "the node does not know it: it was never sent there, the node was restarted, or \
                     a block before {earliest}, the earliest that is kept there, holds it; check \
                     the id, hand in the same bytes again, or ask a node that keeps more"
                ),
                _ => "the node does not know it: it was never sent there, or the node was \
                      restarted; check the id, or hand in the same bytes again"
                    .into(),
            },
        }
    }

    fn word(&self, key: &str) -> String {
        word(&self.document[key])
    }
}

impl Receipt {
    pub(super) fn print(&self) -> Result<(), Failure> {
        say!("  block         {}, place {}", self.height, self.index)?;
        match self.judged() {
            Ok(()) => say!("  status        {}", self.status)?,
            Err(why) => say!("  status        {}: {why}", self.status)?,
        }
        say!("  fee           {} for {} bytes", self.fee, self.bytes)?;
        for Event { name, data } in &self.events {
            say!("  event         {name} {data}")?;
        }
        Ok(())
    }

    /// A failure, if the transaction stands in a block but did not do what it says.
    pub(super) fn judge(&self) -> Result<(), Failure> {
        self.judged().map_err(|why| {
            Failure::retry(format!(
                "transaction {} stands in block {}, but failed: {why}",
                self.transaction, self.height
            ))
        })
    }

    fn judged(&self) -> Result<(), String> {
        if self.status == "success" {
            return Ok(());
        }
        let word = |word: &Option<String>| word.clone().unwrap_or_else(|| "unknown".into());
        Err(format!("{} ({})", word(&self.sentence), word(&self.code)))
    }
}
