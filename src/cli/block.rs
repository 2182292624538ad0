//! `lockstep block`: a committed block.
use super::node::Rpc;
use super::record::readable;
use crate::environment::wall_clock;
use crate::failure::Failure;
use crate::hex::unhex;
use crate::output::{say, say_json};
use clap::Args;
use lockstep_actors::times::{Span, Utc};
use lockstep_protocol::types::Timestamp;
use serde_json::Value;

/// `lockstep block`
#[derive(Args)]
pub(crate) struct Arguments {
    /// Its height, or latest
    #[arg(value_name = "HEIGHT", default_value = "latest", value_parser = height)]
    height: String,
    #[command(flatten)]
    rpc: Rpc,
    /// Print one JSON object, as the node answers it
    #[arg(long)]
    json: bool,
}

fn height(text: &str) -> Result<String, String> {
    match (text, text.parse::<u64>()) {
        ("latest", _) | (_, Ok(1..)) => Ok(text.to_owned()),
        _ => Err("a height is a whole number from 1, or latest".into()),
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let node = arguments.rpc.node()?;
    let block = node.json_in_time(&format!("/blocks/{}", arguments.height))?;
    if arguments.json {
        return say_json(&block);
    }
    if !block["id"].is_string() {
        return Err(node.strange());
    }
    print(&block)
}

fn print(block: &Value) -> Result<(), Failure> {
    let header = &block["header"];
    say!("Lockstep block {}", header["height"])?;
    say!("  id            {}", word(&block["id"]))?;
    say!("  parent        {}", word(&header["previous_block"]))?;
    let time = header["time"].as_u64().unwrap_or(0);
    let age = Span(wall_clock()?.0.saturating_sub(time));
    let time = Utc(Timestamp(time));
    say!("  time          {time}, {age} ago")?;
    say!("  proposer      {}", word(&header["proposer"]))?;
    say!("  state root    {}", word(&header["state_root"]))?;
    let commit = &block["commit"];
    let precommits = commit["precommits"].as_array().map_or(0, Vec::len);
    say!(
        "  committed     in round {} by {precommits} precommits",
        commit["round"]
    )?;
    let list = |key: &str| block[key].as_array().cloned().unwrap_or_default();
    say!("  evidence      {}", list("evidence").len())?;
    let transactions = list("transactions");
    say!("  transactions  {}", transactions.len())?;
    for transaction in &transactions {
        say!("  {}", transaction_line(transaction))?;
    }
    Ok(())
}

fn transaction_line(transaction: &Value) -> String {
    let action = &transaction["body"]["action"];
    let what = match action["kind"].as_str() {
        Some("transfer") => {
            let (amount, to) = (word(&action["amount"]), word(&action["to"]));
            format!("transfer {amount} to {to}")
        }
        Some(kind) => match action["key"].as_str().and_then(unhex) {
            Some(key) => format!("{kind} {}", readable(&key)),
            None => kind.to_owned(),
        },
        None => "-".into(),
    };
    let (id, sender) = (word(&transaction["id"]), word(&transaction["sender"]));
    format!("{id}  from {sender}  {what}")
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_height_is_a_number_from_1_or_latest() {
        for right in ["1", "latest", "18446744073709551615"] {
            assert_eq!(height(right).as_deref(), Ok(right));
        }
        for wrong in [
            "",
            "0",
            "-1",
            "newest",
            "18446744073709551616",
            "1/../../status",
        ] {
            assert!(height(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_transaction_is_a_line() {
        let mut transaction = json!({ "id": "0x1", "sender": "0x2", "body": { "action":
            { "kind": "transfer", "amount": "5", "to": "0x3" } } });
        assert_eq!(
            transaction_line(&transaction),
            "0x1  from 0x2  transfer 5 to 0x3"
        );
        transaction["body"]["action"] = json!({ "kind": "put", "key": "0xe4b8ad" });
        assert_eq!(
            transaction_line(&transaction),
            "0x1  from 0x2  put \u{4e2d}"
        );
    }
}
