//! `lockstep verify`: executes every block of a stopped node again, from the genesis, and compares
//! what is stored. Exit 0: not a byte differs. Exit 3: the first bad height is named.
use crate::applications;
use crate::config::key::Secret;
use crate::config::{self, genesis};
use crate::failure::Failure;
use crate::output::terminal::Progress;
use crate::output::{say, say_json};
use clap::Args;
use lockstep_actors::state_store::{Report, StoreError, verify};
use lockstep_protocol::crypto;
use lockstep_protocol::types::Height;
use serde_json::json;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// `lockstep verify`
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
    let genesis = genesis::read(&config.genesis)?;
    // A build that verifies wrongly could neither accuse nor acquit.
    crypto::self_test().map_err(|error| Failure::safety(error.to_string()))?;
    let rules = applications::rules(&genesis, &config.genesis)?;
    let data = config.data.symlink_metadata();
    if data.is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        let at = config.data.display();
        let next = "name the home of a node that has run, or bring its data back";
        return Err(Failure::usage(format!("{at} holds no database: {next}")));
    }
    let began = Instant::now();
    let progress = Progress::new(0, "blocks");
    let verified = verify(&config.data, &genesis, &Arc::new(rules), |height, of| {
        progress.show(height.0, of.0, "");
    });
    drop(progress);
    match verified {
        Ok(report) => {
            of_this_key(&config.key, &report)?;
            print(arguments.json, &config.data, &report, began.elapsed())
        }
        Err(error) => refuse(arguments.json, &error),
    }
}

/// A directory of another validator is none that this home's node could start from. A home without its
/// key can be verified as well.
fn of_this_key(key: &Path, report: &Report) -> Result<(), Failure> {
    match Secret::read(key) {
        Ok(secret) if secret.address != report.validator => Err(Failure::safety(format!(
            "the data directory is without a fault, and belongs to validator {}, not to {} of {}: bring \
             each home its own data",
            report.validator,
            secret.address,
            key.display()
        ))),
        _ => Ok(()),
    }
}

fn print(json: bool, data: &Path, report: &Report, took: Duration) -> Result<(), Failure> {
    if json {
        let mut document = json!(report);
        document["ok"] = json!(true);
        return say_json(&document);
    }
    say!("Lockstep data directory without a fault")?;
    say!("  directory     {}", data.display())?;
    say!("  validator     {}", report.validator)?;
    say!(
        "  height        {}, block {}",
        report.height,
        report.block_id
    )?;
    say!("  state root    {}", report.state_root)?;
    let executed = (report.height.0 + 1).saturating_sub(report.executed_from.0);
    say!(
        "  executed      {executed} blocks again; {} transactions, {} certificates, {} pages",
        report.transactions,
        report.certificates,
        report.pages
    )?;
    if report.executed_from > Height(1) {
        say!(
            "  not executed  below height {}: older blocks or states are not kept; the state \
             there is proven by certificates from the genesis on, blocks from {} on by their hashes",
            report.executed_from,
            report.earliest
        )?;
    }
    say!("  took          {:.1} s", took.as_secs_f64())
}

fn refuse(json: bool, error: &StoreError) -> Result<(), Failure> {
    let failure = Failure {
        message: error.to_string(),
        exit_code: error.exit_code(),
    };
    if json {
        let height = error.site().and_then(|site| site.height);
        say_json(&failure.add_to(json!({ "height": height })))?;
    }
    Err(failure)
}
