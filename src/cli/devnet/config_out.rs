//! `--config-out`: what a program needs to use a devnet, in one file.
use super::state;
use crate::failure::Failure;
use crate::hex::hex;
use lockstep_devnet::Devnet;
use lockstep_protocol::consensus::driver::Pacing;
use serde_json::{Value, json};
use std::path::Path;

pub(super) fn write(path: &Path, devnet: &Devnet) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(&document(devnet));
    let text = text.map_err(|error| Failure::safety(error.to_string()))? + "\n";
    state::replace(path, &text, "name another file with --config-out")
}

fn document(devnet: &Devnet) -> Value {
    let genesis = devnet.genesis();
    let nodes = devnet.urls().into_iter().zip(devnet.peer_urls());
    let rest = devnet.validators().into_iter().zip(devnet.data_dirs());
    let nodes = nodes.zip(rest).enumerate();
    let nodes = nodes.map(|(index, ((url, peer_url), (validator, dir)))| {
        json!({
            "index": index,
            "validator": validator,
            "web_socket": format!("{}/ws", url.replacen("http", "ws", 1)),
            "url": url,
            "peer_url": peer_url,
            "data": dir.display().to_string(),
        })
    });
    // A key is written as a file of one: lockstep keys import takes it, and --from ./FILE.
    let accounts = devnet.accounts().iter().map(|account| {
        json!({
            "name": account.name,
            "address": account.address,
            "balance": account.balance.to_string(),
            "key": {
                "scheme": genesis.scheme,
                "address": account.address,
                "seed": hex(&account.seed),
            },
        })
    });
    json!({
        "chain_id": genesis.chain_id,
        "genesis_hash": genesis.hash(),
        "scheme": genesis.scheme,
        "parameters": genesis.parameters,
        "block_time_ms": match devnet.pacing() {
            Pacing::Interval(ms) => json!(ms),
            Pacing::Manual | Pacing::OnDemand => Value::Null,
        },
        "nodes": nodes.collect::<Vec<_>>(),
        "accounts": accounts.collect::<Vec<_>>(),
    })
}
