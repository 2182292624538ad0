//! `lockstep snapshot`: the chain at one height in a file. Exit 0: written, or proven to its last
//! byte. Exit 2: something is in the way. Exit 3: the file proves nothing. Exit 4: another chain.
use crate::applications;
use crate::config::key::Secret;
use crate::config::{self, Config, genesis};
use crate::failure::Failure;
use crate::output::terminal::Progress;
use crate::output::{say, say_json, shell};
use clap::{Args, Subcommand};
use lockstep_actors::state_store::{Contents, SnapshotFileError, export, import, inspect};
use lockstep_protocol::crypto::{self, Scheme};
use lockstep_protocol::nouns::genesis::Genesis;
use lockstep_protocol::proofs::light_client::Checkpoint;
use lockstep_protocol::proofs::snapshot::Anchor;
use lockstep_protocol::types::Height;
use serde::Serialize;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// `lockstep snapshot`
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Write the state of a node, running or not, to a file that proves itself
    Export(Export),
    /// Make the data directory of a new node from such a file
    Import(Import),
    /// Check such a file and say what it is of
    Inspect(Inspect),
}

/// What all of them understand.
#[derive(Args)]
struct Common {
    /// The node's home [env: LOCKSTEP_HOME]
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
    /// Print one JSON object on stdout, and nothing else there
    #[arg(long)]
    json: bool,
}

/// What reading one needs.
#[derive(Args)]
struct Trust {
    /// The id and height of a block that you trust, beside the genesis: that of the snapshot itself,
    /// or one after which its validators changed
    #[arg(long, value_name = "HASH@HEIGHT")]
    trusted: Option<Checkpoint>,
}

/// `lockstep snapshot export`
#[derive(Args)]
pub(crate) struct Export {
    #[command(flatten)]
    common: Common,
    /// The file to write; nothing may be there yet
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// After which block: latest, or a height whose state is still kept
    #[arg(long, default_value = "latest", value_name = "HEIGHT", value_parser = at)]
    height: At,
}

/// `lockstep snapshot import`
#[derive(Args)]
pub(crate) struct Import {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    trust: Trust,
    /// The snapshot
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
}

/// `lockstep snapshot inspect`
#[derive(Args)]
pub(crate) struct Inspect {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    trust: Trust,
    /// The snapshot
    #[arg(value_name = "FILE")]
    input: PathBuf,
}

/// Which height is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Latest,
    Height(Height),
}

fn at(text: &str) -> Result<At, String> {
    if text == "latest" {
        return Ok(At::Latest);
    }
    let height = text.parse().ok().filter(|height| *height > 0);
    let height = height.ok_or_else(|| format!("expected latest or a height from 1, got {text:?}"));
    Ok(At::Height(Height(height?)))
}

pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    // A build that verifies wrongly could neither accuse nor acquit.
    crypto::self_test().map_err(|error| Failure::safety(error.to_string()))?;
    match command {
        Command::Export(arguments) => run_export(arguments),
        Command::Import(arguments) => run_import(arguments),
        Command::Inspect(arguments) => run_inspect(arguments),
    }
}

/// The chain of a home.
struct Chain {
    config: Config,
    genesis: Genesis,
    scheme: Arc<dyn Scheme>,
}

impl Chain {
    fn of(common: &Common) -> Result<Chain, Failure> {
        let config = config::load(common.home.as_deref(), Vec::new())?;
        let genesis = genesis::read(&config.genesis)?;
        Ok(Chain {
            scheme: crypto::scheme(genesis.scheme),
            config,
            genesis,
        })
    }

    fn anchor(&self, trust: &Trust) -> Result<Anchor, Failure> {
        let anchor = Anchor::new(&self.genesis, self.scheme.clone(), trust.trusted);
        anchor.map_err(|error| {
            let at = self.config.genesis.display();
            Failure::usage(format!(
                "{at}: {error}; copy it from another node of the chain"
            ))
        })
    }
}

fn run_export(arguments: &Export) -> Result<(), Failure> {
    let chain = Chain::of(&arguments.common)?;
    let began = Instant::now();
    let height = match arguments.height {
        At::Latest => None,
        At::Height(height) => Some(height),
    };
    let of = (&chain.genesis, chain.scheme.clone());
    let data = &chain.config.data;
    let written = export(
        data,
        &arguments.output,
        of,
        height,
        progress("values written"),
    );
    let written = written.map_err(failure)?;
    if arguments.common.json {
        return print_json(&arguments.output, &written);
    }
    say!("Snapshot written")?;
    print(&arguments.output, &written.contents)?;
    if written.beside_a_node {
        say!("  node          was running, and goes on")?;
    }
    took(began)
}

fn run_import(arguments: &Import) -> Result<(), Failure> {
    let chain = Chain::of(&arguments.common)?;
    let anchor = chain.anchor(&arguments.trust)?;
    let key = Secret::read(&chain.config.key)?;
    if key.scheme != chain.genesis.scheme {
        return Err(Failure::usage(format!(
            "{} is a key for {}, the chain's is {}: make one for that with lockstep init --home DIR \
             --genesis FILE",
            chain.config.key.display(),
            key.scheme,
            chain.genesis.scheme
        )));
    }
    // The node that begins with it would refuse the chain.
    applications::rules(&chain.genesis, &chain.config.genesis)?;
    let began = Instant::now();
    let input = &arguments.input;
    let data = &chain.config.data;
    let of = (&chain.genesis, anchor);
    let made = import(
        input,
        data,
        of,
        key.address,
        progress("bytes proven and taken"),
    );
    let made = made.map_err(failure)?;
    if arguments.common.json {
        return print_json(data, &made);
    }
    say!("Data directory made from a snapshot")?;
    print(input, &made.contents)?;
    say!("  directory     {}", data.display())?;
    say!("  validator     {}", made.validator)?;
    hint(&made.contents, &arguments.trust)?;
    took(began)?;
    say!(
        "  next          lockstep start --home {}",
        shell::word(&chain.config.home)
    )
}

fn run_inspect(arguments: &Inspect) -> Result<(), Failure> {
    let chain = Chain::of(&arguments.common)?;
    let anchor = chain.anchor(&arguments.trust)?;
    let began = Instant::now();
    let looked = inspect(&arguments.input, anchor, progress("bytes proven"));
    let contents = looked.map_err(failure)?;
    if arguments.common.json {
        return print_json(&arguments.input, &contents);
    }
    say!("Snapshot without a fault")?;
    print(&arguments.input, &contents)?;
    hint(&contents, &arguments.trust)?;
    took(began)
}

fn failure(error: SnapshotFileError) -> Failure {
    Failure {
        message: error.to_string(),
        exit_code: error.exit_code(),
    }
}

fn print_json(path: &Path, done: &impl Serialize) -> Result<(), Failure> {
    let mut document = json!(done);
    document["ok"] = json!(true);
    document["path"] = json!(path);
    say_json(&document)
}

fn print(file: &Path, contents: &Contents) -> Result<(), Failure> {
    say!(
        "  file          {}, {} bytes",
        file.display(),
        contents.bytes
    )?;
    say!(
        "  height        {}, block {}",
        contents.height,
        contents.block_id
    )?;
    say!("  state root    {}", contents.state_root)?;
    say!("  values        {}", contents.leaves)?;
    say!(
        "  validators    changed {} times since the genesis",
        contents.handovers
    )
}

/// Keys of validators that have left may be anybody's by now.
fn hint(contents: &Contents, trust: &Trust) -> Result<(), Failure> {
    if contents.handovers == 0 || trust.trusted.is_some() {
        return Ok(());
    }
    say!(
        "  trust         the genesis and the validators that followed; if keys of those that left \
         may be lost, compare the block above with a source that you trust (--trusted)"
    )
}

fn took(began: Instant) -> Result<(), Failure> {
    let seconds = began.elapsed().as_secs_f64();
    say!("  took          {seconds:.1} s")
}

/// Shows how far it is, `of` how many of `what`.
fn progress(what: &'static str) -> impl FnMut(u64, u64) {
    let progress = Progress::new(0, what);
    move |done, of| progress.show(done, of, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_height_is_latest_or_a_number_from_1() {
        assert_eq!(at("latest"), Ok(At::Latest));
        assert_eq!(at("7"), Ok(At::Height(Height(7))));
        for wrong in ["", "0", "-1", "newest", "18446744073709551616"] {
            assert!(at(wrong).is_err(), "{wrong}");
        }
    }
}
