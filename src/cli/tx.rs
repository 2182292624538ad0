//! `lockstep tx`: signs a transaction here and hands it to a node. Exit 0: the node has taken it,
//! or with `--wait`: it stands in a block and did what it says. 1: it does not, or nobody has said
//! so; 2: the node has refused it, or the command is wrong. Whatever fails after the transaction was
//! signed names it, and how to hand in the same one again.
use super::node::{Node, NodeStatus, Rpc};
use super::who;
use crate::failure::Failure;
use crate::wallet::{Keyring, Password};
use clap::{Args, Subcommand};
use lockstep_protocol::crypto::Signer;
use lockstep_protocol::limits::EXPIRY_HEIGHTS_MAX;
use lockstep_protocol::nouns::parameters::Parameters;
use lockstep_protocol::nouns::transaction::{Action, Transaction, TransactionBody};
use lockstep_protocol::types::{Address, Height};
use serde::Deserialize;
use std::time::Duration;

mod call;
mod declare_ready;
mod delete;
mod delivery;
mod outcome;
mod put;
mod transfer;
mod update_validator;

use delivery::Delivery;
use outcome::Outcome;

/// How far ahead a transaction expires, unless its sender says: some hours at a block a second, and
/// half a minute as fast as blocks go. By then it stands in a block or never will.
const EXPIRES_AFTER: u64 = 10_000;
/// How long to hand in a transaction that nobody waits for: longer than a node restarts.
const HAND_IN_FOR: Duration = Duration::from_secs(10);
/// What is paid for a byte without being told so: ten times the price of a chain that sets none, so
/// that a node that lies about its chain's price, or the wrong node, takes little.
const FEE_PER_BYTE_MAX: u64 = 10;

/// `lockstep tx`
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Move an amount to another account
    Transfer(transfer::Arguments),
    /// Keep a record of up to 4096 bytes under a key of the sender's own
    Put(put::Arguments),
    /// Remove a record of the sender
    Delete(delete::Arguments),
    /// As a validator, ask for a validator to be added, removed, or given another power
    UpdateValidator(update_validator::Arguments),
    /// As a newcomer, declare that its node runs and follows the chain: needed to be added
    DeclareReady(declare_ready::Arguments),
    /// Have an application of the chain do something
    Call(call::Arguments),
}

/// What all of them understand.
#[derive(Args)]
struct Common {
    /// Whose transaction: a key of lockstep keys list, or the key file of a node, by its path with a
    /// slash in it; on a devnet also alice, bob, carol, dave
    #[arg(long, value_name = "NAME")]
    from: String,
    /// How many transactions of the sender come before it [default: as many as the
    /// node knows, those that wait there included]
    #[arg(long, value_name = "N")]
    nonce: Option<u64>,
    /// What to pay in all for its place in a block [default: the least that the chain takes]
    #[arg(long, value_name = "AMOUNT")]
    fee: Option<u64>,
    /// The most to pay if the chain's least is paid; a node that names more is refused [default: 10
    /// for each byte of the transaction]
    #[arg(long, value_name = "AMOUNT", conflicts_with = "fee")]
    max_fee: Option<u64>,
    /// The last height at which it may stand in a block [default: 10000 from now]
    #[arg(long, value_name = "HEIGHT")]
    expires_at: Option<u64>,
    /// Wait until it stands in a block, and fail if it did not do what it says
    #[arg(long)]
    wait: bool,
    /// How long to wait, in seconds
    #[arg(long, default_value_t = 60, value_name = "SECONDS", requires = "wait",
          value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
    #[command(flatten)]
    rpc: Rpc,
    #[command(flatten)]
    keyring: Keyring,
    #[command(flatten)]
    password: Password,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What `GET /accounts/{address}` answers.
#[derive(Deserialize)]
struct Known {
    /// How many of its transactions blocks carry.
    nonce: u64,
    /// The nonce that continues what waits at the node.
    next_nonce: u64,
    #[serde(deserialize_with = "super::node::amount")]
    balance: u64,
}

pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Transfer(arguments) => transfer::run(arguments),
        Command::Put(arguments) => put::run(arguments),
        Command::Delete(arguments) => delete::run(arguments),
        Command::UpdateValidator(arguments) => update_validator::run(arguments),
        Command::DeclareReady(arguments) => declare_ready::run(arguments),
        Command::Call(arguments) => call::run(arguments),
    }
}

/// A node to send to, and who sends.
struct Sender<'a> {
    common: &'a Common,
    node: Node,
    status: NodeStatus,
    /// Whatever the account holds.
    is_forced: bool,
}

impl Sender<'_> {
    fn new(common: &Common) -> Result<Sender<'_>, Failure> {
        let node = common.rpc.node()?;
        let status = node.status()?;
        Ok(Sender {
            common,
            node,
            status,
            is_forced: false,
        })
    }

    /// Who is meant by an address or a name.
    fn address(&self, text: &str) -> Result<Address, Failure> {
        who::address(text, &self.common.keyring, &self.status)
    }

    /// Signs, sends, waits if it is asked to, and prints.
    fn send(&self, action: Action) -> Result<(), Failure> {
        let outcome = self.deliver(action)?;
        outcome.end(self.common.json)
    }

    /// Signs, sends, and waits if it is asked to. What fails after signing stands in the outcome.
    fn deliver(&self, action: Action) -> Result<Outcome, Failure> {
        let Common {
            from,
            keyring,
            password,
            ..
        } = self.common;
        let signer = who::signer(from, keyring, password, &self.status)?;
        let (transaction, known) = self.sign(&*signer, action)?;
        self.afford(&transaction, &known)?;
        let mut outcome = Outcome::signed(from, &transaction, (&self.node, &self.status));
        let patience = match self.common.wait {
            true => Duration::from_secs(self.common.timeout),
            false => HAND_IN_FOR,
        };
        let bytes = self.status.wire().encode_transaction(&transaction);
        let delivery = Delivery::new(
            &self.node,
            self.status.height,
            transaction.id(),
            bytes,
            patience,
        )?;
        let mut done = delivery.hand_in(&mut outcome);
        if done.is_ok() && self.common.wait {
            done = delivery.wait(&mut outcome);
        }
        if let Err(failure) = done {
            outcome.fail(failure);
        }
        Ok(outcome)
    }

    fn sign(&self, signer: &dyn Signer, action: Action) -> Result<(Transaction, Known), Failure> {
        let sender = Address::of(signer.scheme(), signer.public_key());
        let known = self.node.json(&format!("/accounts/{sender}"))?;
        let known: Known = serde_json::from_value(known).map_err(|_| self.node.strange())?;
        let ahead = EXPIRES_AFTER.min(EXPIRY_HEIGHTS_MAX);
        let expires_at = self.common.expires_at.map_or_else(
            || Height(self.status.height.0.saturating_add(ahead)),
            Height,
        );
        let body = TransactionBody {
            nonce: self.common.nonce.unwrap_or(known.next_nonce),
            fee: self.common.fee.unwrap_or(0),
            expires_at,
            action,
        };
        let body = match self.common.fee {
            Some(_) => body,
            None => self.for_bounded_fee(body, signer)?,
        };
        let signed = Transaction::sign(signer, &self.status.context(), body);
        let signed = signed.map_err(|error| Failure::safety(error.to_string()))?;
        Ok((signed, known))
    }

    /// The price is the node's word, which nothing proves.
    fn for_bounded_fee(
        &self,
        body: TransactionBody,
        signer: &dyn Signer,
    ) -> Result<TransactionBody, Failure> {
        let asked = self.status.parameters;
        let usual = Parameters {
            fee_per_byte: asked.fee_per_byte.min(FEE_PER_BYTE_MAX),
        };
        let least = body.clone().for_least_fee(signer, &asked);
        let bounded = body.for_least_fee(signer, &usual);
        let most = self.common.max_fee.unwrap_or(bounded.fee);
        if least.fee <= most {
            return Ok(least);
        }
        let whose = match self.common.max_fee {
            Some(_) => "--max-fee".to_owned(),
            None => format!("{FEE_PER_BYTE_MAX} for each byte"),
        };
        Err(Failure::usage(format!(
            "{} says that the chain takes {} for each byte, {} for this transaction; that is more \
             than {most} ({whose}): if the chain is that dear, add --max-fee {} or --fee AMOUNT, \
             else name another node with --rpc",
            self.node.url, asked.fee_per_byte, least.fee, least.fee
        )))
    }

    /// An account that cannot pay is told so before anything is sent: a block would keep the fee of a
    /// transfer that fails.
    fn afford(&self, transaction: &Transaction, known: &Known) -> Result<(), Failure> {
        let (fee, balance) = (transaction.body.fee, known.balance);
        // A block may carry this one already, and it is handed in again to hear so.
        if transaction.body.nonce < known.nonce {
            return Ok(());
        }
        let whose = format!("{} ({})", self.common.from, transaction.sender);
        if balance < fee {
            return Err(Failure::usage(format!(
                "{} says that {whose} holds {balance}, its fee is {fee}: pay in at least the rest first, \
                 or name a node of its chain with --rpc",
                self.node.url
            )));
        }
        let amount = match transaction.body.action {
            Action::Transfer { amount, .. } => amount,
            Action::Put { .. }
            | Action::Delete { .. }
            | Action::UpdateValidator { .. }
            | Action::DeclareReady
            | Action::Call { .. } => 0,
        };
        if self.is_forced || balance - fee >= amount {
            return Ok(());
        }
        Err(Failure::usage(format!(
            "{} says that {whose} holds {balance}, {} without the fee of {fee}, and that is less than {amount}: \
             send less, pay in the rest first, or add --force if it will be there by then",
            self.node.url,
            balance - fee
        )))
    }
}
