//! `lockstep account`: what an account holds, as a node says it. `lockstep light verify` checks it.
use super::node::Rpc;
use super::who;
use crate::failure::Failure;
use crate::output::{say, say_json};
use crate::wallet::Keyring;
use clap::Args;
use serde_json::Value;

/// `lockstep account`
#[derive(Args)]
pub(crate) struct Arguments {
    /// An address, the name of a key, or on a devnet alice, bob, carol, dave
    #[arg(value_name = "ADDRESS")]
    account: String,
    #[command(flatten)]
    rpc: Rpc,
    #[command(flatten)]
    keyring: Keyring,
    /// Print one JSON object, as the node answers it
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let node = arguments.rpc.node()?;
    let status = node.status()?;
    let address = who::address(&arguments.account, &arguments.keyring, &status)?;
    let account = node.json(&format!("/accounts/{address}"))?;
    if arguments.json {
        return say_json(&account);
    }
    let word = |key: &str| match &account[key] {
        Value::Number(number) => Ok(number.to_string()),
        Value::String(amount) => Ok(amount.clone()),
        _ => Err(node.strange()),
    };
    say!("Lockstep account on chain {}", status.chain_id)?;
    say!("  address       {address}")?;
    say!("  balance       {}", word("balance")?)?;
    say!("  nonce         {}", word("nonce")?)?;
    say!("  next nonce    {}", word("next_nonce")?)
}
