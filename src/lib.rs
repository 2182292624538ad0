//! The command line of Lockstep. **Room: src.** It parses, assembles, prints; it decides nothing
//! about consensus, and no other room knows it.
//!
//! Whoever has [applications](lockstep_protocol::application) of their own makes a node of them, with
//! every subcommand, in one line: [`run`]. `examples/token` has such a `main`.
//!
//! Exit codes: 0 clean, 1 may be retried, 2 usage or configuration, 3 corrupt data, 4 safety stop.
#![warn(clippy::wildcard_imports, clippy::print_stdout, clippy::print_stderr)]

use clap::{Parser, Subcommand};
use lockstep_protocol::application::Applications;
use std::process::ExitCode;

mod applications;
mod cli;
mod config;
mod endpoint;
mod environment;
mod failure;
mod hex;
mod input;
mod limits;
mod output;
mod remedy;
mod wallet;

/// A post-quantum BFT node built of actors.
#[derive(Parser)]
#[command(name = "lockstep", version, about, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make the home of a chain with one validator: key, genesis, settings
    Init(cli::init::Arguments),
    /// Make homes of several validators that know each other, on this machine
    Testnet(cli::testnet::Arguments),
    /// Run one node until Ctrl-C or SIGTERM; a second signal ends it at once
    Start(cli::start::Arguments),
    /// Vouch for a stopped node's data directory: its next start signs from it
    Arm(cli::arm::Arguments),
    /// Ask a running node how it is
    Status(cli::status::Arguments),
    /// Check every block, certificate and root of a stopped node
    Verify(cli::verify::Arguments),
    /// Hand a chain's state on in a file, and begin a node with one
    #[command(subcommand)]
    Snapshot(cli::snapshot::Command),
    /// Boot several validators in this process and let them commit one chain
    Devnet(cli::devnet::Arguments),
    /// Ask a devnet to pay somebody what is needed to begin
    Faucet(cli::faucet::Arguments),
    /// Run seeded worlds with faults and check what must hold in each
    Simulate(cli::simulate::Arguments),
    /// Sign a transaction and send it
    #[command(subcommand)]
    Tx(cli::tx::Command),
    /// Ask a node what an account holds
    Account(cli::account::Arguments),
    /// Ask a node which transactions an account has a part in
    History(cli::history::Arguments),
    /// Ask a node what an account keeps under a key
    Record(cli::record::Arguments),
    /// Ask an application of the chain a question
    Query(cli::query::Arguments),
    /// Ask a node for a block
    Block(cli::block::Arguments),
    /// Copy a chain's blocks, transactions, receipts and events into CSV, JSONL or PostgreSQL
    Export(cli::export::Arguments),
    /// Ask nodes what each did when at a height, and lay their answers side by side
    Timeline(cli::timeline::Arguments),
    /// Watch nodes in the terminal: is the chain alive, who is down, who votes
    Top(cli::top::Arguments),
    /// Ask a node who validates, and what each validator did lately
    Validators(cli::validators::Arguments),
    /// Ask a node what became of a transaction
    Receipt(cli::receipt::Arguments),
    /// Keep the keys of accounts, each in an encrypted file
    #[command(subcommand)]
    Keys(cli::keys::Command),
    /// Check what a node says without trusting it
    #[command(subcommand)]
    Light(cli::light::Command),
    /// Measure this machine
    #[command(subcommand)]
    Bench(cli::bench::Command),
    /// Print what a shell completes commands with
    Completions(cli::shell_help::Completions),
    /// Print the manual page, or write those of all commands
    Man(cli::shell_help::Man),
}

impl Command {
    /// Whether a secret key, or a password, comes into this process's memory.
    fn holds_a_key(&self) -> bool {
        match self {
            Command::Init(_)
            | Command::Testnet(_)
            | Command::Start(_)
            | Command::Arm(_)
            | Command::Verify(_)
            | Command::Snapshot(_)
            | Command::Devnet(_)
            | Command::Faucet(_)
            | Command::Tx(_)
            | Command::Account(_)
            | Command::History(_)
            | Command::Record(_)
            | Command::Export(_)
            | Command::Keys(_) => true,
            Command::Status(_)
            | Command::Simulate(_)
            | Command::Query(_)
            | Command::Block(_)
            | Command::Timeline(_)
            | Command::Top(_)
            | Command::Validators(_)
            | Command::Receipt(_)
            | Command::Light(_)
            | Command::Bench(_)
            | Command::Completions(_)
            | Command::Man(_) => false,
        }
    }
}

/// The whole program, of a build that has these applications.
pub fn run(known: Applications) -> ExitCode {
    output::tell_panics();
    cli::process::bear_limits_of_files();
    applications::know(known);
    let arguments: Arguments = match output::usage::parse() {
        Ok(arguments) => arguments,
        Err(ended) => return ended,
    };
    if arguments.command.holds_a_key() {
        cli::process::leave_no_core();
    }
    let done = match arguments.command {
        Command::Init(arguments) => cli::init::run(&arguments),
        Command::Testnet(arguments) => cli::testnet::run(&arguments),
        Command::Start(arguments) => cli::start::run(&arguments),
        Command::Arm(arguments) => cli::arm::run(&arguments),
        Command::Status(arguments) => cli::status::run(&arguments),
        Command::Verify(arguments) => cli::verify::run(&arguments),
        Command::Snapshot(command) => cli::snapshot::run(&command),
        Command::Devnet(arguments) => cli::devnet::run(&arguments),
        Command::Faucet(arguments) => cli::faucet::run(&arguments),
        Command::Simulate(arguments) => cli::simulate::run(&arguments),
        Command::Tx(command) => cli::tx::run(&command),
        Command::Account(arguments) => cli::account::run(&arguments),
        Command::History(arguments) => cli::history::run(&arguments),
        Command::Record(arguments) => cli::record::run(&arguments),
        Command::Query(arguments) => cli::query::run(&arguments),
        Command::Block(arguments) => cli::block::run(&arguments),
        Command::Export(arguments) => cli::export::run(&arguments),
        Command::Timeline(arguments) => cli::timeline::run(&arguments),
        Command::Top(arguments) => cli::top::run(&arguments),
        Command::Validators(arguments) => cli::validators::run(&arguments),
        Command::Receipt(arguments) => cli::receipt::run(&arguments),
        Command::Keys(command) => cli::keys::run(&command),
        Command::Light(command) => cli::light::run(&command),
        Command::Bench(command) => cli::bench::run(&command),
        Command::Completions(arguments) => cli::shell_help::completions::<Arguments>(&arguments),
        Command::Man(arguments) => cli::shell_help::man::<Arguments>(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::tell_failure(&failure);
            ExitCode::from(failure.exit_code)
        }
    }
}
