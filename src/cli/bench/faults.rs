//! `lockstep bench faults`: what dead validators cost, beside what the same four make when healthy.
use super::BenchArguments;
use crate::failure::Failure;
use crate::output::{say, tell};
use clap::Args;
use lockstep_devnet::{CommitEvent, Devnet};
use lockstep_protocol::crypto::SchemeId;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// `lockstep bench faults`
#[derive(Args)]
#[command(mut_arg("scheme", |scheme| scheme.default_value("dilithium3")))]
pub(crate) struct FaultsArguments {
    /// How long to measure each of the two phases, healthy and one dead
    #[arg(long, default_value_t = 10, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    #[command(flatten)]
    bench: BenchArguments,
}

/// What was measured. Intervals lie between the first commits of two heights, on whichever node.
#[derive(Serialize)]
struct Report {
    healthy_interval_ms: f64,
    /// From the kill on: with the turns of the dead one before it is suspected.
    one_dead_interval_ms: f64,
    ratio: f64,
    /// The longest time without a block while one was dead.
    one_dead_longest_ms: f64,
    /// From the call that starts the third one again to the next block.
    third_back_ms: f64,
    /// Heights that needed more than one round while one was dead.
    one_dead_later_rounds: usize,
    healthy_blocks: usize,
    one_dead_blocks: usize,
    scheme: SchemeId,
    durability: &'static str,
    validators: usize,
    seconds: u64,
}

/// When each height was first committed, and in which round.
type Commits = Arc<Mutex<BTreeMap<u64, (Instant, u32)>>>;

const VALIDATORS: usize = 4;
/// Blocks before the measurement: connections are up, caches warm.
const WARM_UP_BLOCKS: u64 = 20;
/// How long nothing is committed before the third one comes back.
const STANDSTILL: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn run(arguments: &FaultsArguments) -> Result<(), Failure> {
    arguments.bench.start_log()?;
    let report = measure(arguments)?;
    arguments.bench.show(&report, print)
}

fn measure(arguments: &FaultsArguments) -> Result<Report, Failure> {
    let commits = Commits::default();
    let devnet = boot(arguments, commits.clone())?;
    devnet.wait_for(WARM_UP_BLOCKS, PATIENCE)?;
    let time = Duration::from_secs(arguments.seconds);
    tell!("four alive for {time:?} …");
    let healthy = phase(&commits, time)?;
    devnet.kill(VALIDATORS - 1);
    tell!("one of four dead for {time:?} …");
    let one_dead = phase(&commits, time)?;
    devnet.kill(VALIDATORS - 2);
    std::thread::sleep(STANDSTILL);
    let stood = highest(&commits);
    tell!("two dead; one of them comes back …");
    let began = Instant::now();
    devnet.restart(VALIDATORS - 2)?;
    devnet.wait_for(stood + 1, PATIENCE)?;
    let third_back_ms = first_after(&commits, stood, began);
    devnet.shutdown();
    Ok(Report {
        healthy_interval_ms: healthy.interval_ms,
        one_dead_interval_ms: one_dead.interval_ms,
        ratio: one_dead.interval_ms / healthy.interval_ms,
        one_dead_longest_ms: one_dead.longest_ms,
        third_back_ms,
        one_dead_later_rounds: one_dead.later_rounds,
        healthy_blocks: healthy.blocks,
        one_dead_blocks: one_dead.blocks,
        scheme: arguments.bench.scheme,
        durability: arguments.bench.durability.name(),
        validators: VALIDATORS,
        seconds: arguments.seconds,
    })
}

fn boot(arguments: &FaultsArguments, commits: Commits) -> Result<Devnet, Failure> {
    let devnet = arguments
        .bench
        .devnet(VALIDATORS)?
        .block_time_ms(0)
        .on_commit(move |event: CommitEvent| {
            let mut commits = commits.lock().unwrap_or_else(PoisonError::into_inner);
            let now = (Instant::now(), event.round.0);
            commits.entry(event.height.0).or_insert(now);
        })
        .boot()?;
    Ok(devnet)
}

/// What a stretch of time brought.
struct Phase {
    blocks: usize,
    interval_ms: f64,
    longest_ms: f64,
    later_rounds: usize,
}

/// From now on for `time`: the time until the last block of it, over its blocks.
fn phase(commits: &Commits, time: Duration) -> Result<Phase, Failure> {
    let began = Instant::now();
    let before = highest(commits);
    std::thread::sleep(time);
    let commits = commits.lock().unwrap_or_else(PoisonError::into_inner);
    let measured: Vec<_> = commits.range(before + 1..).map(|(_, c)| *c).collect();
    let Some((last, _)) = measured.last() else {
        return Err(Failure::retry(
            "no block was committed; --log debug says more",
        ));
    };
    let times = std::iter::once(began).chain(measured.iter().map(|(at, _)| *at));
    let times: Vec<Instant> = times.collect();
    let gaps = times.windows(2).map(|two| ms(two[1] - two[0]));
    Ok(Phase {
        blocks: measured.len(),
        interval_ms: ms(*last - began) / measured.len() as f64,
        longest_ms: gaps.fold(0.0, f64::max),
        later_rounds: measured.iter().filter(|(_, round)| *round > 0).count(),
    })
}

fn highest(commits: &Commits) -> u64 {
    let commits = commits.lock().unwrap_or_else(PoisonError::into_inner);
    commits.keys().next_back().copied().unwrap_or(0)
}

fn first_after(commits: &Commits, height: u64, began: Instant) -> f64 {
    let commits = commits.lock().unwrap_or_else(PoisonError::into_inner);
    let next = commits.get(&(height + 1));
    next.map_or(f64::INFINITY, |(at, _)| ms(*at - began))
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn print(report: &Report) -> Result<(), Failure> {
    let Report {
        scheme, durability, ..
    } = report;
    say!("{VALIDATORS} validators, {scheme}, durability {durability}, block time 0")?;
    say!(
        "mean interval, four alive   {:>9.2} ms ({} blocks)",
        report.healthy_interval_ms,
        report.healthy_blocks
    )?;
    say!(
        "mean interval, one dead     {:>9.2} ms ({} blocks, {} in later rounds, longest {:.0} ms)",
        report.one_dead_interval_ms,
        report.one_dead_blocks,
        report.one_dead_later_rounds,
        report.one_dead_longest_ms
    )?;
    say!("one dead / four alive       {:>9.2}", report.ratio)?;
    say!(
        "two dead, one comes back    {:>9.0} ms to the next block",
        report.third_back_ms
    )
}
