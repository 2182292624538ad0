//! `lockstep arm`: the operator of a stopped node vouches for its data directory.
use crate::config::judge::{Judged, judge};
use crate::config::{self};
use crate::failure::Failure;
use crate::output::{say, say_json};
use clap::Args;
use lockstep_actors::node::{ArmConfig, arm};
use lockstep_actors::state_store::{DEFAULT_MAP_BYTES, KeyUse};
use serde_json::json;
use std::path::PathBuf;

/// `lockstep arm`
#[derive(Args)]
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
    match armed {
        KeyUse::Signs(from) if arguments.json => {
            say_json(&json!({ "armed": true, "home": home, "signs_from_height": from }))
        }
        KeyUse::Signs(from) => {
            say!("Lockstep node armed")?;
            say!("  home          {home}")?;
            say!("  signs from    height {from}")?;
            say!("  next          lockstep start --home {home}, within ten minutes")
        }
        KeyUse::Observes(why) => Err(Failure::retry(format!(
            "the node in {home} is not armed yet: {why}"
        ))),
    }
}
