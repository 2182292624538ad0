//! `lockstep arm`: the operator of a stopped node vouches for its data directory.
use crate::config::judge::{Judged, judge};
use crate::config::{self};
use crate::failure::Failure;
use crate::output::{say, say_json, shell};
use clap::Args;
use lockstep_actors::node::{ArmConfig, Armed, arm};
use lockstep_actors::state_store::{DEFAULT_MAP_BYTES, KeyUse};
use serde_json::json;
use std::path::PathBuf;

/// What one vouches for.
const ABOUT: &str = "Vouch for a stopped node's data directory: its next start, within ten minutes, signs from \
     it, and does not wait there for the word of the others.

You vouch that no other node signs with this key now or later, and that this directory is the one that \
it last signed from, or that what it lacks does not matter any more. A directory that is older than its \
key signs from the second height after the last that the key is known to have seen committed. Armed a \
second time, after a start that could not get there, it signs one height sooner: the key may have begun \
that one, and anybody could prove it. Do so only where the chain cannot go on without it.

docs/operate/backup.md has every case.";

/// `lockstep arm`
#[derive(Args)]
#[command(long_about = ABOUT)]
pub(crate) struct Arguments {
    /// The home of a node that is not running [env: LOCKSTEP_HOME]
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
    /// Print one JSON object on stdout, and nothing else there
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = config::load(arguments.home.as_deref(), Vec::new())?;
    let home = config.home.display().to_string();
    if !config.data.exists() {
        return Err(Failure::usage(format!(
            "there is nothing to arm in {home}: start the node, which says whether it signs"
        )));
    }
    // The key stays locked meanwhile: a node that runs cannot be armed.
    let Judged { genesis, key, .. } = judge(&config)?;
    let armed = arm(&ArmConfig {
        genesis: &genesis,
        applications: &crate::applications::known(),
        signer: &*key.signer,
        data_dir: config.data.clone(),
        map_bytes: DEFAULT_MAP_BYTES,
        key_guard: config.key_guard.clone(),
        durability: config.durability.into(),
    });
    let armed = armed.map_err(|error| Failure {
        message: format!("the node in {home} is not armed: {error}"),
        exit_code: error.exit_code(),
    })?;
    let Armed { key_use, head } = armed;
    match key_use {
        KeyUse::Signs(from) if arguments.json => say_json(
            &json!({ "armed": true, "home": home, "height": head, "signs_from_height": from }),
        ),
        KeyUse::Signs(from) => {
            say!("Lockstep node armed")?;
            say!("  home          {home}")?;
            match from <= head.next() {
                true => {
                    say!("  signs         at once: nothing of the directory kept it from signing")?
                }
                false => say!("  signs from    height {from}; it has {head} now")?,
            }
            if from > head.next() && config.peers.is_empty() {
                say!("  It names no peers: if nobody else has the chain, it never gets there.")?;
                say!("  Bring its data back instead, or begin anew with lockstep init.")?;
            }
            say!(
                "  next          lockstep start --home {}, within ten minutes",
                shell::word(&config.home)
            )
        }
        KeyUse::Observes(why) => Err(Failure::retry(format!(
            "the node in {home} is not armed yet, for it has to observe first: start it, and then do \
             what it says: {why}"
        ))),
    }
}
