//! What became of a transaction that was sent.
use super::Failure;
use crate::cli::node::{Node, Status};
use crate::cli::receipt::{self, Receipt};
use crate::cli::say;
use lockstep_protocol::transaction::Transaction;
use lockstep_protocol::types::{Hash, Height};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How often to look for a receipt: far below the time between two blocks that people choose.
const LOOK_EVERY: Duration = Duration::from_millis(100);

pub(super) struct Outcome {
    from: String,
    id: Hash,
    expires_at: Height,
    /// What is known from the beginning.
    document: Value,
    receipt: Option<Receipt>,
    /// What came of it besides: a name for programs, a line for people.
    then: Option<(&'static str, Value, String)>,
}

impl Outcome {
    pub(super) fn sent(from: &str, id: Hash, transaction: &Transaction, chain: &Status) -> Outcome {
        let body = &transaction.body;
        Outcome {
            from: from.to_owned(),
            id,
            expires_at: body.expires_at,
            document: json!({
                "id": id,
                "from": transaction.sender,
                "nonce": body.nonce,
                "fee": body.fee.to_string(),
                "expires_at": body.expires_at,
                "bytes": transaction.bytes(),
                "chain_id": chain.chain_id,
            }),
            receipt: None,
            then: None,
        }
    }

    /// The height of its block, if it did what it says there.
    pub(super) fn done_at(&self) -> Option<Height> {
        let receipt = self.receipt.as_ref();
        receipt
            .filter(|receipt| receipt.judge().is_ok())
            .map(|receipt| receipt.height)
    }

    /// Something more to print: `value` under `name`, or a sentence.
    pub(super) fn then(&mut self, name: &'static str, value: Value, sentence: String) {
        self.then = Some((name, value, sentence));
    }

    /// Looks for the receipt until it is there, or never can be.
    pub(super) fn wait(&mut self, node: &Node, patience: Duration) -> Result<(), Failure> {
        let (id, until) = (self.id, Instant::now() + patience);
        loop {
            // Asked first: what is not there at a height after the expiry never will be.
            let height = node.status()?.height;
            self.receipt = receipt::find(node, &id)?;
            if self.receipt.is_some() {
                return Ok(());
            }
            if height >= self.expires_at {
                return Err(Failure::retry(format!(
                    "transaction {id} has expired at height {} and never stands in a block: send \
                     it anew",
                    self.expires_at
                )));
            }
            if Instant::now() >= until {
                return Err(Failure::retry(format!(
                    "transaction {id} stands in no block after {} s, and may until height {}: \
                     lockstep receipt {id} shows what becomes of it",
                    patience.as_secs(),
                    self.expires_at
                )));
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    pub(super) fn print(&self, json: bool) -> Result<(), Failure> {
        if json {
            return say(format_args!("{:#}", self.json()));
        }
        let word = |key: &str| match &self.document[key] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let done = match &self.receipt {
            Some(_) => "committed",
            None => "sent",
        };
        say(format_args!("Lockstep transaction, {done}"))?;
        say(format_args!("  id            {}", self.id))?;
        say(format_args!(
            "  from          {}, {}",
            self.from,
            word("from")
        ))?;
        say(format_args!("  nonce         {}", word("nonce")))?;
        match &self.receipt {
            Some(receipt) => {
                receipt.print()?;
                match &self.then {
                    Some((name, _, sentence)) => say(format_args!("  {name:<13} {sentence}")),
                    None => Ok(()),
                }
            }
            None => {
                say(format_args!(
                    "  fee           {} for {} bytes",
                    word("fee"),
                    word("bytes")
                ))?;
                say(format_args!(
                    "  expires       after height {}",
                    self.expires_at
                ))?;
                say(format_args!(""))?;
                say(format_args!(
                    "  lockstep receipt {} shows what becomes of it.",
                    self.id
                ))
            }
        }
    }

    fn json(&self) -> Value {
        let mut document = self.document.clone();
        document["status"] = match &self.receipt {
            Some(receipt) => json!(receipt.status),
            None => json!("pending"),
        };
        document["receipt"] = self
            .receipt
            .as_ref()
            .map_or(Value::Null, |receipt| receipt.document.clone());
        if let Some((name, value, _)) = &self.then {
            document[name] = value.clone();
        }
        document
    }

    /// A transaction that has failed is a command that has failed.
    pub(super) fn judge(&self) -> Result<(), Failure> {
        self.receipt
            .as_ref()
            .map_or(Ok(()), |receipt| receipt.judge())
    }
}
