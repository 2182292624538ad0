//! `lockstep history`: what an account has a part in, the newest first, as a node says it.
use super::node::{Rpc, word};
use super::record::readable;
use super::who;
use crate::failure::Failure;
use crate::hex::unhex;
use crate::output::{say, say_json};
use crate::wallet::Keyring;
use clap::Args;
use serde_json::Value;

/// `lockstep history`
#[derive(Args)]
pub(crate) struct Arguments {
    /// An address, the name of a key, or on a devnet alice, bob, carol, dave
    #[arg(value_name = "ADDRESS")]
    account: String,
    /// How many transactions at the most
    #[arg(long, default_value_t = 20, value_name = "N",
          value_parser = clap::value_parser!(u64).range(1..=100))]
    limit: u64,
    /// Older ones: what the page before names last
    #[arg(long, value_name = "HEIGHT:PLACE", value_parser = place)]
    before: Option<String>,
    #[command(flatten)]
    rpc: Rpc,
    #[command(flatten)]
    keyring: Keyring,
    /// Print one JSON object, as the node answers it
    #[arg(long)]
    json: bool,
}

fn place(text: &str) -> Result<String, String> {
    let is_number = |text: &str| text.parse::<u64>().is_ok();
    match text.split_once(':') {
        Some((height, place)) if is_number(height) && is_number(place) => Ok(text.to_owned()),
        _ => Err("a place is a height, a colon and a number, as the page before names it".into()),
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let node = arguments.rpc.node()?;
    let address = who::address(&arguments.account, &arguments.keyring, &node.status()?)?;
    let mut path = format!("/accounts/{address}/transactions?limit={}", arguments.limit);
    if let Some(before) = &arguments.before {
        path = format!("{path}&before={before}");
    }
    let page = node.json(&path)?;
    if arguments.json {
        return say_json(&page);
    }
    let rows = page["transactions"]
        .as_array()
        .ok_or_else(|| node.strange())?;
    say!(
        "Lockstep history of {address}, up to block {}",
        word(&page["height"])
    )?;
    for row in rows {
        say!()?;
        let (transaction, receipt) = (&row["transaction"], &row["receipt"]);
        say!("  transaction   {}", word(&transaction["id"]))?;
        say!(
            "  block         {}, place {}",
            word(&row["height"]),
            word(&row["index"])
        )?;
        say!("  did           {}", what(row))?;
        say!("  status        {}", status(receipt))?;
        if row["role"] != "receiver" {
            say!("  fee           {}", word(&receipt["fee"]))?;
        }
    }
    say!()?;
    match page["next"].as_str() {
        Some(next) => say!("  --before {next} shows older ones."),
        None if rows.is_empty() => say!("  Nothing, in the blocks that the node keeps."),
        None => say!("  That is all, in the blocks that the node keeps."),
    }
}

/// What the transaction says, from the side of the account.
fn what(row: &Value) -> String {
    let transaction = &row["transaction"];
    let (sender, action) = (word(&transaction["sender"]), &transaction["body"]["action"]);
    let amount = word(&action["amount"]);
    let key = || {
        let key = action["key"].as_str().and_then(unhex);
        key.map_or_else(|| word(&action["key"]), |key| readable(&key))
    };
    match (action["kind"].as_str(), row["role"].as_str()) {
        (Some("transfer"), Some("receiver")) => format!("received {amount} from {sender}"),
        (Some("transfer"), Some("both")) => format!("sent {amount} to itself"),
        (Some("transfer"), _) => format!("sent {amount} to {}", word(&action["to"])),
        (Some("put"), _) => format!("kept a record under {}", key()),
        (Some("delete"), _) => format!("removed the record under {}", key()),
        (Some(kind), _) => kind.replace('_', " "),
        (None, _) => "unknown".into(),
    }
}

fn status(receipt: &Value) -> String {
    match receipt["sentence"].as_str() {
        Some(why) => format!(
            "{}: {why} ({})",
            word(&receipt["status"]),
            word(&receipt["code"])
        ),
        None => word(&receipt["status"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_two_numbers() {
        assert_eq!(place("7:2"), Ok("7:2".into()));
        for wrong in ["", "7", "7:", ":2", "7:2&limit=9", "a:b"] {
            assert!(place(wrong).is_err(), "{wrong}");
        }
    }
}
