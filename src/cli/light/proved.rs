//! What is proved, and how it is shown.
use super::Verify;
use super::witness::Witnessed;
use crate::cli::node::NodeStatus;
use crate::cli::record::readable;
use crate::endpoint::Url;
use crate::environment::wall_clock;
use crate::failure::Failure;
use crate::hex::hex;
use crate::output::{say, say_json};
use lockstep_actors::times::Span;
use lockstep_protocol::ledger::{Account, Record};
use lockstep_protocol::proofs::light_client::Trusted;
use lockstep_protocol::types::{Address, Timestamp};
use serde_json::{Value, json};

/// What is proved, and of which header.
pub(super) struct Proved {
    pub(super) fact: Fact,
    /// The header that it is proved by.
    pub(super) trusted: Trusted,
    /// When the block was made that was trusted from the start.
    pub(super) trusted_time: Timestamp,
    /// Who showed it.
    pub(super) url: Url,
    pub(super) status: NodeStatus,
    pub(super) headers: u64,
    pub(super) witnesses: Vec<Witnessed>,
}

/// The answer to what was asked.
pub(super) enum Fact {
    Account(Address, Option<Account>),
    Record(Address, Vec<u8>, Option<Record>),
    Application(String, Vec<u8>, Option<Vec<u8>>),
}

impl Proved {
    pub(super) fn print(&self, arguments: &Verify) -> Result<(), Failure> {
        let header = &self.trusted.header;
        let now = wall_clock()?;
        let age_ms = self.trusted.age_ms(now);
        if arguments.json {
            return say_json(&self.document(now));
        }
        say!("Proved, whoever said it")?;
        self.fact.print()?;
        say!(
            "  after block   {}, {}, {} ago",
            header.height,
            self.trusted.id,
            Span(age_ms)
        )?;
        say!("  state root    {}", header.state_root)?;
        say!(
            "  chain         {}, genesis {}",
            header.chain_id,
            self.status.genesis_hash
        )?;
        say!(
            "  from          {}, by {} headers",
            arguments.trusted,
            self.headers
        )?;
        for witness in &self.witnesses {
            let url = &witness.url;
            say!("  witness       {url} shows the same block")?;
        }
        Ok(())
    }

    fn document(&self, now: Timestamp) -> Value {
        let header = &self.trusted.header;
        let age_ms = self.trusted.age_ms(now);
        let trusted_age_ms = now.0.saturating_sub(self.trusted_time.0);
        let witnesses = self.witnesses.iter().map(Witnessed::document);
        let mut document = self.fact.document();
        let about = json!({
            "verified": true,
            "height": header.height,
            "block_id": self.trusted.id,
            "state_root": header.state_root,
            "time": header.time,
            "age_ms": age_ms,
            "age_seconds": age_ms as f64 / 1e3,
            "trusted_age_seconds": trusted_age_ms as f64 / 1e3,
            "witnesses": witnesses.collect::<Vec<_>>(),
            "chain_id": header.chain_id,
            "genesis_hash": self.status.genesis_hash,
            "scheme": self.status.scheme,
            "headers": self.headers,
        });
        for (key, value) in about.as_object().into_iter().flatten() {
            document[key] = value.clone();
        }
        document
    }
}

impl Fact {
    fn print(&self) -> Result<(), Failure> {
        match self {
            Fact::Account(address, held) => {
                say!("  account       {address}")?;
                let Some(held) = held else {
                    return say!("                there is no such account");
                };
                say!("  balance       {}", held.balance)?;
                say!("  nonce         {}", held.nonce)
            }
            Fact::Record(owner, key, kept) => {
                say!("  owner         {owner}")?;
                say!("  key           {}", readable(key))?;
                let Some(kept) = kept else {
                    return say!("                there is no such record");
                };
                say!("  value         {}", readable(&kept.value))?;
                say!("  since block   {}", kept.height)
            }
            Fact::Application(name, key, kept) => {
                say!("  application   {name}")?;
                say!("  key           {}", readable(key))?;
                let Some(kept) = kept else {
                    return say!("                there is no such value");
                };
                say!("  value         {}", readable(kept))
            }
        }
    }

    fn document(&self) -> Value {
        match self {
            Fact::Account(address, held) => {
                let (exists, held) = (held.is_some(), held.unwrap_or_default());
                json!({
                    "address": address,
                    "exists": exists,
                    "balance": held.balance.to_string(),
                    "nonce": held.nonce,
                })
            }
            Fact::Record(owner, key, kept) => json!({
                "owner": owner,
                "key": hex(key),
                "exists": kept.is_some(),
                "record": kept,
            }),
            Fact::Application(name, key, kept) => json!({
                "application": name,
                "key": hex(key),
                "exists": kept.is_some(),
                "value": kept.as_ref().map(|value| hex(value)),
            }),
        }
    }
}
