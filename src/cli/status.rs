//! `lockstep status`: what a running node says of itself.
use super::http;
use super::node::{Node, Rpc, read_url, word};
use crate::config::{self, layers::HOME_VARIABLE};
use crate::endpoint::Url;
use crate::environment::variable;
use crate::failure::Failure;
use crate::output::{say, say_json};
use clap::Args;
use serde_json::{Value, json};
use std::path::PathBuf;

/// `lockstep status`
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    rpc: Rpc,
    /// The node's home, whose settings say where it answers [env: LOCKSTEP_HOME, where LOCKSTEP_RPC
    /// is not set]
    #[arg(long, value_name = "DIR", conflicts_with = "rpc")]
    home: Option<PathBuf>,
    /// Print one JSON object: what /status answers, and what /readyz says
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let node = node(arguments)?;
    let status = node.get("/status")?;
    if status.status == 404 {
        return Err(node.refusal(&status));
    }
    let ready = node.get("/readyz?verbose")?;
    let parsed = http::json(&status.body);
    let parsed = parsed.filter(|value| status.status == 200 && value["validator"].is_string());
    let mut status = parsed.ok_or_else(|| node.strange())?;
    let is_ready = ready.status == 200;
    if arguments.json {
        status["ready"] = json!(is_ready);
        status["not_ready_because"] = complaints(&ready.text()).collect();
        return say_json(&status);
    }
    print(&node.url, &status, is_ready, &ready.text())
}

/// A flag counts before the environment, and a URL before a home.
fn node(arguments: &Arguments) -> Result<Node, Failure> {
    let url = match &arguments.home {
        Some(_) => url_of_home(arguments)?,
        None => match arguments.rpc.named()? {
            Some(url) => url,
            None if variable(HOME_VARIABLE)?.is_some() => url_of_home(arguments)?,
            None => return arguments.rpc.node(),
        },
    };
    Ok(Node { url })
}

fn url_of_home(arguments: &Arguments) -> Result<Url, Failure> {
    let config = config::load(arguments.home.as_deref(), Vec::new())?;
    let listens = config.rpc_listen.ok_or_else(|| {
        Failure::usage(format!(
            "the node in {} answers nobody but its peers: set rpc_listen",
            config.home.display()
        ))
    })?;
    read_url("rpc_listen", &format!("http://{listens}"))
}

/// The checks that failed, with their reasons.
fn complaints(verbose: &str) -> impl Iterator<Item = &str> {
    verbose.lines().filter_map(|line| line.strip_prefix("[-] "))
}

fn print(url: &Url, status: &Value, ready: bool, verbose: &str) -> Result<(), Failure> {
    let word = |key: &str| match &status[key] {
        Value::Null => "-".into(),
        value => word(value),
    };
    say!("Lockstep node at {url}")?;
    say!("  validator     {}", word("validator"))?;
    say!("  chain id      {}", word("chain_id"))?;
    say!("  genesis hash  {}", word("genesis_hash"))?;
    say!("  scheme        {}", word("scheme"))?;
    say!("  version       {}", word("version"))?;
    say!(
        "  height        {}, block {}",
        word("height"),
        word("latest_block_hash")
    )?;
    say!("  blocks kept   from height {}", word("earliest_height"))?;
    say!("  working on    round {}, {}", word("round"), word("step"))?;
    if status["catching_up"] == true {
        say!("  catching up   yes")?;
    }
    if let Some(clock) = status["clock"].as_str() {
        say!("  clock         {clock}")?;
    }
    let is = if ready { "yes" } else { "no" };
    say!("  ready         {is}")?;
    for complaint in complaints(verbose) {
        say!("                {complaint}")?;
    }
    say!()?;
    for peer in status["peers"].as_array().into_iter().flatten() {
        say!("  {}", peer_line(peer))?;
    }
    Ok(())
}

fn peer_line(peer: &Value) -> String {
    let word = |key: &str| peer[key].as_str().unwrap_or("-").to_owned();
    let state = match (&peer["refused"], peer["reachable"].as_bool()) {
        (Value::String(why), _) => format!("refused: {why}"),
        (_, Some(true)) => format!("height {}", peer["height"]),
        _ => match peer["trouble"].as_str() {
            Some(why) => format!("unreachable: {why}"),
            None => "unreachable".into(),
        },
    };
    format!("peer {}  {}  {state}", word("address"), word("url"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_checks_that_failed_are_complaints() {
        let verbose = "[+] voting: ok\n[-] quorum: 2 of 4\nnot ready\n";
        assert_eq!(complaints(verbose).collect::<Vec<_>>(), ["quorum: 2 of 4"]);
    }

    #[test]
    fn a_peer_is_at_a_height_or_unreachable_or_refused() {
        let mut peer = json!({ "address": "0x1", "url": "http://x", "reachable": true,
                               "height": 7, "refused": null });
        assert_eq!(peer_line(&peer), "peer 0x1  http://x  height 7");
        peer["reachable"] = json!(false);
        assert!(peer_line(&peer).ends_with("unreachable"));
        peer["trouble"] = json!("handshake failed: no connection");
        assert!(peer_line(&peer).ends_with("unreachable: handshake failed: no connection"));
        peer["refused"] = json!("another chain");
        assert!(peer_line(&peer).ends_with("refused: another chain"));
    }
}
