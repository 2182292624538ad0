//! `lockstep faucet`: asks a devnet to pay somebody what is needed to begin. Any other chain has nobody
//! who would.
use super::http;
use super::node::{Node, Rpc};
use super::receipt::{self, Found};
use super::signals::{self, Asked};
use super::who;
use crate::failure::Failure;
use crate::output::{say, say_json};
use crate::wallet::Keyring;
use clap::Args;
use lockstep_protocol::types::{Address, Hash};
use serde_json::json;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

/// How often to ask what became of the payment.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// `lockstep faucet`
#[derive(Args)]
pub(crate) struct Arguments {
    /// Who is paid: an address, the name of a key, or an account of the devnet
    #[arg(value_name = "ADDRESS")]
    to: String,
    /// How much
    #[arg(long, default_value_t = 1_000_000, value_name = "AMOUNT")]
    amount: u64,
    /// Wait until the payment stands in a block, and fail if it was not carried out
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
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let node = arguments.rpc.node()?;
    let status = node.status()?;
    let to = who::address(&arguments.to, &arguments.keyring, &status)?;
    let id = ask(&node, to, arguments.amount)?;
    let height = match arguments.wait {
        true => Some(wait(&node, &id, Duration::from_secs(arguments.timeout))?),
        false => None,
    };
    if arguments.json {
        return say_json(&json!({
            "to": to,
            "amount": arguments.amount.to_string(),
            "transaction": id,
            "height": height,
        }));
    }
    say!("Lockstep faucet on chain {}", status.chain_id)?;
    say!("  to            {to}")?;
    say!("  amount        {}", arguments.amount)?;
    say!("  transaction   {id}")?;
    match height {
        Some(height) => say!("  block         {height}"),
        None => {
            say!("  It waits for a block. What becomes of it:")?;
            say!("  {}", node.ask_receipt(&id))
        }
    }
}

/// The id of the transaction that pays.
fn ask(node: &Node, to: Address, amount: u64) -> Result<Hash, Failure> {
    let order = json!({ "to": to, "amount": amount.to_string() });
    let answer = node.post_json("/devnet/faucet", &order)?;
    if answer.status != 200 {
        let said = http::json(&answer.body);
        if answer.status == 404 && said.is_some_and(|said| said["code"] == "no_devnet") {
            return Err(Failure::usage(format!(
                "{} is no node of a devnet, so it has no faucet: name one of a devnet with --rpc, or \
                 have somebody pay with lockstep tx transfer --to {to}",
                node.url
            )));
        }
        return Err(node.refusal(&answer));
    }
    let said = http::json(&answer.body);
    let id = said.and_then(|said| said["transaction"].as_str()?.parse().ok());
    id.ok_or_else(|| node.strange())
}

/// The height of the block that holds it.
fn wait(node: &Node, id: &Hash, patience: Duration) -> Result<u64, Failure> {
    let until = Instant::now() + patience;
    let stop = signals::hear(Asked::End)?;
    loop {
        let why = match receipt::find(node, id) {
            Ok(Found::InBlock(receipt)) => {
                receipt.judge()?;
                return Ok(receipt.height.0);
            }
            Ok(Found::Outside(outside)) => outside.sentence(),
            Err(failure) if failure.may_be_retried() => failure.message,
            Err(failure) => return Err(failure),
        };
        if Instant::now() >= until {
            return Err(Failure::retry(format!(
                "no block holds transaction {id} after {} s: {why}",
                patience.as_secs()
            )));
        }
        if stop.recv_timeout(ASK_EVERY) != Err(RecvTimeoutError::Timeout) {
            return Err(Failure::retry(format!(
                "somebody ended the waiting, and the payment is on its way: {} shows what becomes of it",
                node.ask_receipt(id)
            )));
        }
    }
}
