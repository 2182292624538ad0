//! `lockstep bench consensus`: blocks per second of a devnet at block time 0, beside the signature
//! floor of the same run.
use super::{BenchArguments, lowest, quantile};
use crate::cli::{floor, process, validators};
use crate::failure::Failure;
use crate::output::terminal::Progress;
use crate::output::{say, tell};
use clap::Args;
use lockstep_devnet::{CommitEvent, Devnet};
use lockstep_protocol::crypto::SchemeId;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// `lockstep bench consensus`
#[derive(Args)]
#[command(mut_arg("scheme", |scheme| scheme.default_value("dilithium3")))]
pub(crate) struct ConsensusArguments {
    /// How many validators, 1 to 128
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = validators)]
    validators: usize,
    /// How long to measure
    #[arg(long, default_value_t = 10, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    #[command(flatten)]
    bench: BenchArguments,
}

/// What was measured. All times are those of this run.
#[derive(Serialize)]
pub(super) struct Report {
    pub(super) blocks_per_second: f64,
    commit_ms_p50: f64,
    commit_ms_p99: f64,
    pub(super) cpu_seconds_per_block: Option<f64>,
    peak_rss_bytes: Option<u64>,
    pub(super) sign_us: f64,
    pub(super) verify_us: f64,
    signature_floor_blocks_per_second: f64,
    pub(super) floor_ratio: f64,
    scheme: SchemeId,
    durability: &'static str,
    validators: usize,
    seconds: f64,
    pub(super) blocks: u64,
    pub(super) max_round: u32,
}

pub(crate) fn run(arguments: &ConsensusArguments) -> Result<(), Failure> {
    arguments.bench.start_log()?;
    let time = Duration::from_secs(arguments.seconds);
    let report = measure(arguments.validators, time, &arguments.bench)?;
    arguments.bench.show(&report, print)
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

/// Lets so many validators run for a while, after the floor of their signatures.
pub(super) fn measure(
    validators: usize,
    time: Duration,
    bench: &BenchArguments,
) -> Result<Report, Failure> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    tell!(
        "measuring the signature floor of {} on {cores} cores …",
        bench.scheme
    );
    let floor = floor::measure(bench.scheme, validators, cores, Duration::from_secs(2))?;

    let seen = Arc::new(Mutex::new(Seen::default()));
    let devnet = boot(validators, bench, seen.clone())?;
    devnet.wait_for(WARM_UP_BLOCKS, Duration::from_secs(60))?;
    let run = run_for(&devnet, time);
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
        scheme: bench.scheme,
        durability: bench.durability.name(),
        validators,
        seconds: run.seconds,
        blocks,
        max_round: seen.max_round,
    })
}

fn boot(
    validators: usize,
    bench: &BenchArguments,
    seen: Arc<Mutex<Seen>>,
) -> Result<Devnet, Failure> {
    let devnet = bench
        .devnet(validators)?
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
    let first = lowest(devnet);
    let cpu_before = process::cpu_seconds();
    let began = Instant::now();
    let so_far = |blocks: u64, seconds: f64| {
        let rate = blocks as f64 / seconds;
        format!("{seconds:>4.0} s: {blocks} blocks, {rate:.0} blocks/s")
    };
    let shown = Progress::new(time.as_secs(), "seconds");
    while began.elapsed() < time {
        std::thread::sleep(LOOK.min(time.saturating_sub(began.elapsed())));
        let blocks = lowest(devnet) - first;
        let words = format!("{blocks} blocks");
        shown.show(began.elapsed().as_secs(), time.as_secs(), words);
    }
    let last = lowest(devnet);
    let seconds = began.elapsed().as_secs_f64();
    let cpu_seconds = process::cpu_seconds()
        .zip(cpu_before)
        .map(|(after, before)| after - before);
    drop(shown);
    tell!("{}", so_far(last - first, seconds));
    Run {
        first,
        last,
        seconds,
        cpu_seconds,
    }
}

fn print(report: &Report) -> Result<(), Failure> {
    let Report {
        scheme,
        durability,
        validators,
        ..
    } = report;
    say!("{validators} validators, {scheme}, durability {durability}, block time 0")?;
    say!("blocks/s         {:>10.1}", report.blocks_per_second)?;
    say!("commit p50       {:>10.2} ms", report.commit_ms_p50)?;
    say!("commit p99       {:>10.2} ms", report.commit_ms_p99)?;
    if let Some(cpu) = report.cpu_seconds_per_block {
        say!("CPU per block    {:>10.2} ms", cpu * 1e3)?;
    }
    if let Some(bytes) = report.peak_rss_bytes {
        say!(
            "peak RSS         {:>10.1} MiB",
            bytes as f64 / (1 << 20) as f64
        )?;
    }
    say!(
        "sign, verify     {:>10.1} µs, {:.1} µs",
        report.sign_us,
        report.verify_us
    )?;
    say!(
        "signature floor  {:>10.1} blocks/s",
        report.signature_floor_blocks_per_second
    )?;
    say!("of the floor     {:>10.2}", report.floor_ratio)?;
    say!("highest round    {:>10}", report.max_round)
}
