//! `lockstep bench sync`: how fast a node that lacks a whole chain catches up.
use super::BenchArguments;
use crate::cli::process;
use crate::failure::Failure;
use crate::output::terminal::Progress;
use crate::output::{say, tell};
use crate::remedy;
use clap::Args;
use lockstep_devnet::{ChainError, Devnet};
use lockstep_protocol::crypto::SchemeId;
use serde::Serialize;
use std::time::{Duration, Instant};

/// `lockstep bench sync`
#[derive(Args)]
pub(crate) struct SyncArguments {
    /// How many blocks the late node lacks
    #[arg(long, default_value_t = 5_000, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    blocks: u64,
    /// How many validators, 2 to 16: one is late, the others have the chain
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = validators)]
    validators: usize,
    #[command(flatten)]
    bench: BenchArguments,
}

fn validators(text: &str) -> Result<usize, String> {
    let count = text.parse().ok();
    count
        .filter(|count| (2..=16).contains(count))
        .ok_or_else(|| "one is late and others have the chain: 2 to 16 validators".into())
}

/// What was measured.
#[derive(Serialize)]
struct Report {
    blocks_per_second: f64,
    seconds: f64,
    blocks: u64,
    validators: usize,
    scheme: SchemeId,
    durability: &'static str,
    cpu_seconds: Option<f64>,
    peak_rss_bytes: Option<u64>,
}

/// Without one more block for so long, it stands still.
const STANDSTILL: Duration = Duration::from_secs(60);
/// How often the height is looked at.
const LOOK: Duration = Duration::from_millis(20);

pub(crate) fn run(arguments: &SyncArguments) -> Result<(), Failure> {
    arguments.bench.start_log()?;
    let report = measure(arguments)?;
    arguments.bench.show(&report, print)
}

fn print(report: &Report) -> Result<(), Failure> {
    let Report {
        validators,
        scheme,
        durability,
        blocks,
        ..
    } = report;
    say!(
        "{validators} validators, {scheme}, durability {durability}: one node lacks {blocks} blocks"
    )?;
    say!("blocks/s  {:>10.1}", report.blocks_per_second)?;
    say!("seconds   {:>10.2}", report.seconds)?;
    if let Some(bytes) = report.peak_rss_bytes {
        let mib = bytes as f64 / f64::from(1 << 20);
        say!("peak RSS  {mib:>10.1} MiB")?;
    }
    Ok(())
}

fn measure(arguments: &SyncArguments) -> Result<Report, Failure> {
    let late = arguments.validators - 1;
    let blocks = arguments.blocks;
    let home = tempfile::Builder::new().prefix("lockstep-sync-").tempdir();
    let home = home.map_err(|error| {
        let another = "name another directory of temporary files with TMPDIR";
        let next = remedy::of_writing(&error, another);
        Failure::retry(format!("no directory: {error}; {next}"))
    })?;
    let builder = arguments.bench.devnet(arguments.validators)?;
    let builder = builder.manual(true).home(home.path());
    tell!("making a chain of {blocks} blocks …");
    let others: Vec<usize> = (0..late).collect();
    builder
        .make_chain(home.path(), &others, blocks)
        .map_err(|error: ChainError| Failure::retry(error.to_string()))?;
    // Signing the chain was this process, too: only what comes now is measured.
    let cpu_before = process::cpu_seconds();
    let began = Instant::now();
    let devnet = builder.boot()?;
    wait(&devnet, late, blocks)?;
    let seconds = began.elapsed().as_secs_f64();
    let cpu_seconds = process::cpu_seconds().zip(cpu_before).map(|(b, a)| b - a);
    devnet.shutdown();
    Ok(Report {
        blocks_per_second: blocks as f64 / seconds,
        seconds,
        blocks,
        validators: arguments.validators,
        scheme: arguments.bench.scheme,
        durability: arguments.bench.durability.name(),
        cpu_seconds,
        peak_rss_bytes: process::peak_rss_bytes(),
    })
}

fn wait(devnet: &Devnet, late: usize, blocks: u64) -> Result<(), Failure> {
    let shown = Progress::new(blocks, "blocks");
    let mut height = 0;
    let mut moved = Instant::now();
    while height < blocks {
        std::thread::sleep(LOOK);
        let now = devnet.heights().get(late).copied().flatten().unwrap_or(0);
        if now > height {
            (height, moved) = (now, Instant::now());
            shown.show(height, blocks, "");
        } else if moved.elapsed() > STANDSTILL {
            return Err(Failure::retry(format!(
                "no block for {STANDSTILL:?} at height {height}; --log debug says more"
            )));
        }
    }
    drop(shown);
    tell!("{height} of {blocks} blocks");
    Ok(())
}
