//! What became of a transaction that was sent.
use crate::cli::node::{Node, NodeStatus, word};
use crate::cli::receipt::{Outside, Receipt};
use crate::failure::Failure;
use crate::output::{say, say_json};
use lockstep_protocol::nouns::transaction::Transaction;
use lockstep_protocol::types::{Hash, Height};
use serde_json::{Value, json};

/// How far it has come.
pub(super) enum Stage {
    /// It is signed, and no node has said that it has it.
    Unheard,
    /// The node has refused it.
    Refused,
    /// The node has taken it.
    Pending,
    /// No block will hold it, as far as the node knows.
    Outside(Outside),
    /// A block holds it.
    InBlock(Box<Receipt>),
}

pub(super) struct Outcome {
    from: String,
    /// What to type to hear what becomes of it.
    ask: String,
    id: Hash,
    expires_at: Height,
    /// What is known from the beginning.
    document: Value,
    pub(super) stage: Stage,
    failure: Option<Failure>,
    /// What came of it besides: a name for programs, a line for people.
    then: Option<(&'static str, Value, String)>,
}

impl Outcome {
    pub(super) fn signed(
        from: &str,
        transaction: &Transaction,
        (node, chain): (&Node, &NodeStatus),
    ) -> Outcome {
        let id = transaction.id();
        let body = &transaction.body;
        Outcome {
            from: from.to_owned(),
            ask: node.ask_receipt(&id),
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
            stage: Stage::Unheard,
            failure: None,
            then: None,
        }
    }

    /// The height of its block, if it did what it says there.
    pub(super) fn done_at(&self) -> Option<Height> {
        let receipt = self.receipt();
        receipt
            .filter(|receipt| receipt.judge().is_ok())
            .map(|receipt| receipt.height)
    }

    fn receipt(&self) -> Option<&Receipt> {
        match &self.stage {
            Stage::InBlock(receipt) => Some(receipt),
            _ => None,
        }
    }

    /// Something more to print: `value` under `name`, or a sentence.
    pub(super) fn then(&mut self, name: &'static str, value: Value, sentence: String) {
        self.then = Some((name, value, sentence));
    }

    /// The command fails after the transaction was signed: whoever has signed it must be able to
    /// find it, and to hand it in again without paying twice.
    pub(super) fn fail(&mut self, failure: Failure) {
        let id = self.id;
        let why = failure.message;
        let (nonce, fee) = (self.word("nonce"), self.word("fee"));
        let message = match &self.stage {
            Stage::Refused => format!("transaction {id} (nonce {nonce}) was not taken: {why}"),
            Stage::Unheard | Stage::Pending => format!(
                "transaction {id} (nonce {nonce}): {why}; {} shows what becomes of it, and the same command with --nonce {nonce} --fee {fee} --expires-at {} hands \
                 in the same one, which counts once",
                self.ask, self.expires_at
            ),
            Stage::Outside(_) | Stage::InBlock(_) => {
                format!("transaction {id} (nonce {nonce}): {why}")
            }
        };
        self.failure = Some(Failure { message, ..failure });
    }

    /// Prints it. A transaction that has failed is a command that has failed.
    pub(super) fn end(self, json: bool) -> Result<(), Failure> {
        if !json {
            self.print()?;
            return self.judge();
        }
        let document = self.json();
        let done = self.judge();
        let document = match &done {
            Ok(()) => document,
            Err(failure) => failure.add_to(document),
        };
        say_json(&document)?;
        done
    }

    fn print(&self) -> Result<(), Failure> {
        // People read what has failed in its one line.
        if self.failure.is_some() && self.receipt().is_none() {
            return Ok(());
        }
        let word = |key: &str| self.word(key);
        let done = match self.receipt() {
            Some(_) => "committed",
            None => "sent",
        };
        say!("Lockstep transaction, {done}")?;
        say!("  id            {}", self.id)?;
        say!("  from          {}, {}", self.from, word("from"))?;
        say!("  nonce         {}", word("nonce"))?;
        match self.receipt() {
            Some(receipt) => {
                receipt.print()?;
                match &self.then {
                    Some((name, _, sentence)) => say!("  {name:<13} {sentence}"),
                    None => Ok(()),
                }
            }
            None => {
                say!(
                    "  fee           {} for {} bytes",
                    word("fee"),
                    word("bytes")
                )?;
                say!("  expires       after height {}", self.expires_at)?;
                say!()?;
                say!("  What becomes of it:")?;
                say!("  {}", self.ask)
            }
        }
    }

    fn json(&self) -> Value {
        let mut document = self.document.clone();
        let status = match &self.stage {
            Stage::Unheard => json!("unknown"),
            Stage::Refused => json!("refused"),
            Stage::Pending => json!("pending"),
            Stage::InBlock(receipt) => json!(receipt.status),
            Stage::Outside(outside) => {
                let outside = outside.json();
                for (key, value) in outside.as_object().into_iter().flatten() {
                    document[key] = value.clone();
                }
                document["status"].take()
            }
        };
        document["status"] = status;
        document["receipt"] = self
            .receipt()
            .map_or(Value::Null, |receipt| receipt.document.clone());
        if let Some((name, value, _)) = &self.then {
            document[name] = value.clone();
        }
        document
    }

    fn word(&self, key: &str) -> String {
        word(&self.document[key])
    }

    fn judge(self) -> Result<(), Failure> {
        let failed = self.receipt().map_or(Ok(()), Receipt::judge);
        failed.and_then(|()| self.failure.map_or(Ok(()), Err))
    }
}
