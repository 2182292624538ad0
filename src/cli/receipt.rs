//! `lockstep receipt`: what became of a transaction.
use super::node::{Node, Rpc};
use super::{Failure, say};
use clap::Args;
use lockstep_protocol::types::{Hash, Height};
use serde::Deserialize;
use serde_json::Value;

/// `lockstep receipt`
#[derive(Args)]
pub(crate) struct Arguments {
    /// The transaction's id
    #[arg(value_name = "ID")]
    id: Hash,
    #[command(flatten)]
    rpc: Rpc,
    /// Print one JSON object, as the node answers it
    #[arg(long)]
    json: bool,
}

/// What `GET /receipts/{id}` answers.
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
    /// As it was answered.
    #[serde(skip)]
    pub(super) document: Value,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let node = arguments.rpc.node()?;
    let status = node.status()?;
    let Some(receipt) = find(&node, &arguments.id)? else {
        return Err(Failure::retry(format!(
            "no block up to {} holds transaction {}: it waits, has expired, or was never sent; ask \
             again after the next block",
            status.height, arguments.id
        )));
    };
    if arguments.json {
        return say(format_args!("{:#}", receipt.document));
    }
    say(format_args!("Lockstep receipt"))?;
    say(format_args!("  transaction   {}", receipt.transaction))?;
    receipt.print()
}

/// The receipt, if a block that the node has holds the transaction.
pub(super) fn find(node: &Node, id: &Hash) -> Result<Option<Receipt>, Failure> {
    let answer = node.get(&format!("/receipts/{id}"))?;
    match answer.status {
        200 => {}
        404 => return Ok(None),
        _ => return Err(node.refusal(&answer)),
    }
    let document: Value = serde_json::from_slice(&answer.body).map_err(|_| node.strange())?;
    let receipt = serde_json::from_value(document.clone());
    let mut receipt: Receipt = receipt.map_err(|_| node.strange())?;
    receipt.document = document;
    Ok(Some(receipt))
}

impl Receipt {
    pub(super) fn print(&self) -> Result<(), Failure> {
        say(format_args!(
            "  block         {}, place {}",
            self.height, self.index
        ))?;
        match self.judged() {
            Ok(()) => say(format_args!("  status        {}", self.status))?,
            Err(why) => say(format_args!("  status        {}: {why}", self.status))?,
        }
        say(format_args!(
            "  fee           {} for {} bytes",
            self.fee, self.bytes
        ))
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
