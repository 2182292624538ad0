//! `lockstep top`: the first view of the page in a terminal. Whether the chain is alive, who is down
//! and why, who has voted what, the newest blocks; on a devnet keys that do something to it.
//!
//! It shows what nodes answer to everybody, by the names that they use.
use super::node::named_nodes;
use super::signals::{self, Asked};
use crate::failure::Failure;
use crate::limits::TOP_NODES_MAX;
use crate::output::screen;
use clap::Args;

mod draw;
mod keys;
mod plain;
mod poll;
mod rows;
#[cfg(test)]
mod samples;
mod session;
mod shapes;
mod state;
mod verdict;
mod view;
mod votes;
mod words;

pub(super) use view::{is_wanted, show};

/// `lockstep top`
#[derive(Args)]
pub(crate) struct Arguments {
    /// Where a node answers people, once for each node that is to be asked; a devnet's others are
    /// asked by themselves [env: LOCKSTEP_RPC] [default: http://127.0.0.1:8545]
    #[arg(long, value_name = "URL")]
    rpc: Vec<String>,
    /// Print lines, as where stdout is no terminal, TERM is dumb, or stdin is no terminal
    #[arg(long)]
    plain: bool,
    /// Print once how things are, and exit
    #[arg(long)]
    once: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let nodes = named_nodes(&arguments.rpc)?;
    if nodes.len() > TOP_NODES_MAX {
        let message = format!("at most {TOP_NODES_MAX} nodes are asked: name fewer with --rpc");
        return Err(Failure::usage(message));
    }
    let urls: Vec<_> = nodes.into_iter().map(|node| node.url).collect();
    let stop = signals::hear(Asked::End)?;
    let ended = || stop.try_recv().is_ok();
    match arguments.plain || arguments.once || !screen::is_there() {
        true => plain::run(&urls, arguments.once, ended),
        false => show(&urls, ended),
    }
}
