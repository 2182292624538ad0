//! `lockstep bench`: figures of this machine, printed, not asserted (but for `soak`).
use super::{DurabilityArgument, Failure, floor, process, say, scheme, tell, validators};
use clap::Args;
use lockstep_devnet::{CommitEvent, Devnet};
use lockstep_protocol::crypto::SchemeId;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

mod faults;
mod soak;
mod sync;
mod transactions;

/// What to measure.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Blocks per second of a devnet at block time 0, beside the signature floor of the same run
    Consensus(ConsensusArguments),
    /// Blocks per second of a node that catches up with a whole chain
    Sync(sync::SyncArguments),
    /// The block interval with one of four dead beside that of four, and the way back from two dead
    Faults(faults::FaultsArguments),
    /// Signed transactions per second over HTTP until they are committed, beside the verify-once floor
    Transactions(transactions::TransactionsArguments),
    /// Whether four nodes stay small for half an hour: memory, descriptors, disk
    Soak(soak::SoakArguments),
}

/// `lockstep bench consensus`
#[derive(Args)]
pub(crate) struct ConsensusArguments {
    /// How many validators, 1 to 128
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = validators)]
    validators: usize,
    /// How long to measure
    #[arg(long, default_value_t = 10, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Signature scheme: dilithium3 or ml-dsa-65
    #[arg(long, default_value = "dilithium3", value_parser = scheme)]
    scheme: SchemeId,
    /// What a commit survives
    #[arg(long, value_enum, default_value = "process")]
    durability: DurabilityArgument,
    /// Print one JSON object on stdout
    #[arg(long)]
    json: bool,
    /// Log filter, as for RUST_LOG
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
}

/// What was measured. All times are those of this run.
#[derive(Serialize)]
struct Report {
    blocks_per_second: f64,
    commit_ms_p50: f64,
    commit_ms_p99: f64,
    cpu_seconds_per_block: Option<f64>,
    peak_rss_bytes: Option<u64>,
    sign_us: f64,
    verify_us: f64,
    signature_floor_blocks_per_second: f64,
    floor_ratio: f64,
    scheme: SchemeId,
    durability: &'static str,
    validators: usize,
    seconds: f64,
    blocks: u64,
    max_round: u32,
}

pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    let arguments = match command {
        Command::Consensus(arguments) => arguments,
        Command::Sync(arguments) => return sync::run(arguments),
        Command::Faults(arguments) => return faults::run(arguments),
        Command::Transactions(arguments) => return transactions::run(arguments),
        Command::Soak(arguments) => return soak::run(arguments),
    };
    super::start_log(arguments.log.as_deref(), "error")?;
    let report = consensus(arguments)?;
    if arguments.json {
        let text = serde_json::to_string_pretty(&report);
        say(format_args!(
            "{}",
            text.map_err(|error| Failure::safety(error.to_string()))?
        ))
    } else {
        print(&report)
    }
}

/// Blocks before the measurement: connections are up, caches warm.
const WARM_UP_BLOCKS: u64 = 20;
/// How often the progress line is written.
const LOOK: Duration = Duration::from_millis(500);

#[derive(Default)]
struct Seen {
    /// Per height how long it took on the slowest node, in milliseconds.
    heights: BTreeMap<u64, f64>,
    max_round: u32,
}

fn consensus(arguments: &ConsensusArguments) -> Result<Report, Failure> {
    let validators = arguments.validators;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    tell(format_args!(
        "measuring the signature floor of {} on {cores} cores …\n",
        arguments.scheme
    ));
    let floor = floor::measure(arguments.scheme, validators, cores, Duration::from_secs(2))?;

    let seen = Arc::new(Mutex::new(Seen::default()));
    let devnet = boot(arguments, seen.clone())?;
    devnet.wait_for(WARM_UP_BLOCKS, Duration::from_secs(60))?;
    let run = run_for(&devnet, Duration::from_secs(arguments.seconds));
    devnet.shutdown();

    let blocks = run.last - run.first;
    if blocks == 0 {
        return Err(Failure::retry(
            "no block was committed; --log debug says more",
        ));
    }
    let seen = seen
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let measured = seen.heights.range(run.first + 1..=run.last);
    let mut latencies: Vec<f64> = measured.map(|(_, ms)| *ms).collect();
    latencies.sort_by(f64::total_cmp);
    let blocks_per_second = blocks as f64 / run.seconds;
    Ok(Report {
        blocks_per_second,
        commit_ms_p50: quantile(&latencies, 0.5),
        commit_ms_p99: quantile(&latencies, 0.99),
        cpu_seconds_per_block: run.cpu_seconds.map(|cpu| cpu / blocks as f64),
        peak_rss_bytes: process::peak_rss_bytes(),
        sign_us: floor.sign_us,
        verify_us: floor.verify_us,
        signature_floor_blocks_per_second: floor.blocks_per_second,
        floor_ratio: blocks_per_second / floor.blocks_per_second,
        scheme: arguments.scheme,
        durability: arguments.durability.name(),
        validators,
        seconds: run.seconds,
        blocks,
        max_round: seen.max_round,
    })
}

fn boot(arguments: &ConsensusArguments, seen: Arc<Mutex<Seen>>) -> Result<Devnet, Failure> {
    let devnet = Devnet::builder()
        .validators(arguments.validators)
        .scheme(arguments.scheme)
        .durability(arguments.durability.into())
        .block_time_ms(0)
        .on_commit(move |event: CommitEvent| {
            let mut seen = seen
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            seen.max_round = seen.max_round.max(event.round.0);
            let slowest = seen.heights.entry(event.height.0).or_insert(0.0);
            *slowest = slowest.max(event.commit_ms);
        })
        .boot()?;
    Ok(devnet)
}

/// What happened while it was measured.
struct Run {
    first: u64,
    last: u64,
    seconds: f64,
    cpu_seconds: Option<f64>,
}

/// Lets the devnet run and shows how it goes on stderr.
fn run_for(devnet: &Devnet, time: Duration) -> Run {
    let (first, cpu_before, began) = (lowest(devnet), process::cpu_seconds(), Instant::now());
    while began.elapsed() < time {
        std::thread::sleep(LOOK.min(time.saturating_sub(began.elapsed())));
        let (blocks, seconds) = (lowest(devnet) - first, began.elapsed().as_secs_f64());
        tell(format_args!(
            "\r{seconds:>4.0} s: {blocks} blocks, {:.0} blocks/s ",
            blocks as f64 / seconds
        ));
    }
    tell(format_args!("\n"));
    let (last, seconds) = (lowest(devnet), began.elapsed().as_secs_f64());
    let cpu_seconds = process::cpu_seconds()
        .zip(cpu_before)
        .map(|(after, before)| after - before);
    Run {
        first,
        last,
        seconds,
        cpu_seconds,
    }
}

/// The height that every node has committed.
fn lowest(devnet: &Devnet) -> u64 {
    devnet.heights().into_iter().flatten().min().unwrap_or(0)
}

fn quantile(sorted: &[f64], q: f64) -> f64 {
    let index = (sorted.len().saturating_sub(1) as f64 * q).round() as usize;
    sorted.get(index).copied().unwrap_or(0.0)
}

fn print(report: &Report) -> Result<(), Failure> {
    let Report {
        scheme,
        durability,
        validators,
        ..
    } = report;
    say(format_args!(
        "{validators} validators, {scheme}, durability {durability}, block time 0"
    ))?;
    say(format_args!(
        "blocks/s         {:>10.1}",
        report.blocks_per_second
    ))?;
    say(format_args!(
        "commit p50       {:>10.2} ms",
        report.commit_ms_p50
    ))?;
    say(format_args!(
        "commit p99       {:>10.2} ms",
        report.commit_ms_p99
    ))?;
    if let Some(cpu) = report.cpu_seconds_per_block {
        say(format_args!("CPU per block    {:>10.2} ms", cpu * 1e3))?;
    }
    if let Some(bytes) = report.peak_rss_bytes {
        say(format_args!(
            "peak RSS         {:>10.1} MiB",
            bytes as f64 / (1 << 20) as f64
        ))?;
    }
    say(format_args!(
        "sign, verify     {:>10.1} µs, {:.1} µs",
        report.sign_us, report.verify_us
    ))?;
    say(format_args!(
        "signature floor  {:>10.1} blocks/s",
        report.signature_floor_blocks_per_second
    ))?;
    say(format_args!(
        "of the floor     {:>10.2}",
        report.floor_ratio
    ))?;
    say(format_args!("highest round    {:>10}", report.max_round))
}

#[cfg(test)]
mod tests {
    use super::quantile;

    #[test]
    fn quantiles_of_few_values() {
        assert_eq!(quantile(&[], 0.5), 0.0);
        assert_eq!(quantile(&[3.0], 0.99), 3.0);
        let hundred: Vec<f64> = (1..=101).map(f64::from).collect();
        assert_eq!(
            (quantile(&hundred, 0.5), quantile(&hundred, 0.99)),
            (51.0, 100.0)
        );
    }
}
