//! `lockstep simulate`: the consensus brains in seeded worlds full of faults, any number of them.
//!
//! Exit codes: 0 if every property held in every world, 4 if one did not (to go on with such a
//! build would be unsafe), 2 for flags that make no sense.
use crate::failure::{Failure, outcome};
use crate::output::terminal::Progress;
use crate::output::{say, say_json, tell};
use clap::Args;
use lockstep_devnet::simulation::{self, Batch, BatchSum, Faults, Profile, Worlds, twins};
use lockstep_protocol::limits::VALIDATORS_MAX;
use serde::Serialize;
use std::ops::Range;
use std::time::Instant;

/// `lockstep simulate`
#[derive(Args)]
pub(crate) struct Arguments {
    /// How many worlds, or "all": each partition sequence of --profile twins
    #[arg(long, default_value = "100", value_name = "N|all", value_parser = count)]
    seeds: Count,
    /// The seed of the first world
    #[arg(long, alias = "seed-start", default_value_t = 0, value_name = "S")]
    start: u64,
    /// Validators of each world, 1 to 128; by default the seed decides
    #[arg(long, value_name = "N", value_parser = nodes)]
    nodes: Option<usize>,
    /// flaky, partition, byzantine, twins, validators, old-keys, old-disks, old-rounds, clocks, all;
    /// also calm, canary, twins-all, habit-NAME
    #[arg(long, default_value = "all", value_parser = profile)]
    profile: Profile,
    /// Threads; the result does not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    /// Print every event of the one world of --seeds 1
    #[arg(long, conflicts_with = "json")]
    trace: bool,
    /// Print one JSON object on stdout
    #[arg(long)]
    json: bool,
}

/// `--seeds`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Count {
    All,
    Number(u64),
}

/// `--json`
#[derive(Serialize)]
struct Report {
    profile: String,
    seeds: u64,
    start: u64,
    events: u64,
    heights: u64,
    transactions: u64,
    validator_changes: u64,
    evidence: u64,
    byzantine: u64,
    faults: Faults,
    violations: usize,
    events_per_second: f64,
    seconds: f64,
    trace_hash: String,
    failing_seeds: Vec<u64>,
}

fn count(text: &str) -> Result<Count, String> {
    match text {
        "all" => Ok(Count::All),
        number => match number.parse() {
            Ok(0) | Err(_) => Err("a number of worlds, at least 1, or \"all\"".into()),
            Ok(number) => Ok(Count::Number(number)),
        },
    }
}

fn nodes(text: &str) -> Result<usize, String> {
    let count = text.parse().ok();
    count
        .filter(|count| (1..=VALIDATORS_MAX).contains(count))
        .ok_or_else(|| format!("a world has 1 to {VALIDATORS_MAX} validators"))
}

fn profile(text: &str) -> Result<Profile, String> {
    text.parse()
        .map_err(|error: simulation::UnknownProfile| error.to_string())
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let (worlds, seeds) = plan(arguments)?;
    if arguments.trace {
        return trace(worlds, &seeds);
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = arguments.threads.map_or(cores, usize::from);
    let batch = Batch {
        worlds,
        seeds: seeds.clone(),
        threads,
    };
    let began = Instant::now();
    let total = seeds.end - seeds.start;
    let shown = Progress::new(total, "worlds");
    let tally = simulation::run_batch(&batch, |progress| {
        let events = progress.events as f64 / 1e6;
        let failing = progress.failing;
        let words = format!("{events:.1} M events, {failing} failing");
        shown.show(progress.seeds, total, words);
    });
    drop(shown);
    let report = report(worlds, &seeds, &tally, began.elapsed().as_secs_f64());
    if arguments.json {
        let done = judge(worlds, &tally);
        say_json(&outcome(&report, &done)?)?;
        return done;
    }
    print(&report, &tally)?;
    judge(worlds, &tally)
}

/// Which worlds and seeds the flags name, if they go together.
fn plan(arguments: &Arguments) -> Result<(Worlds, Range<u64>), Failure> {
    let (start, validators) = (arguments.start, arguments.nodes);
    let (profile, count) = match (arguments.seeds, arguments.profile) {
        (Count::Number(number), profile) => (profile, number),
        (Count::All, Profile::Twins | Profile::TwinsAll) => (Profile::TwinsAll, twins::COUNT),
        (Count::All, profile) => {
            return Err(Failure::usage(format!(
                "--seeds all: the worlds of --profile {profile} have no end; \
                 give a number, or use --profile twins"
            )));
        }
    };
    if profile == Profile::TwinsAll && validators.is_some_and(|n| n != 4) {
        return Err(Failure::usage(
            "--nodes: the partition sequences are those of 4 validators; leave it out",
        ));
    }
    if arguments.trace && count != 1 {
        return Err(Failure::usage(
            "--trace prints one world; add --seeds 1 and name it with --start",
        ));
    }
    let end = start.checked_add(count).ok_or_else(|| {
        Failure::usage("--start and --seeds together are beyond 2^64; use a smaller --start")
    })?;
    let worlds = Worlds {
        profile,
        validators,
    };
    Ok((worlds, start..end))
}

/// Prints every event of one world.
fn trace(worlds: Worlds, seeds: &Range<u64>) -> Result<(), Failure> {
    let print = |line: &str| {
        // Whoever stops reading ends the command below, with the outcome.
        let _ = say!("{line}");
    };
    let outcome = simulation::replay(seeds.start, worlds, Box::new(print));
    say!(
        "seed {}, profile {}: {} validators, {} of them faulty; {} events, height {}, \
         trace {:#018x}",
        seeds.start,
        worlds.profile,
        outcome.validators,
        outcome.byzantine,
        outcome.events,
        outcome.heights,
        outcome.trace_hash
    )?;
    let violations = outcome.violations.len();
    for violation in outcome.violations {
        say!("{violation}")?;
    }
    if violations > 0 {
        return Err(Failure::safety(format!("{violations} violations")));
    }
    Ok(())
}

fn report(worlds: Worlds, seeds: &Range<u64>, tally: &BatchSum, seconds: f64) -> Report {
    Report {
        profile: worlds.profile.to_string(),
        seeds: tally.seeds,
        start: seeds.start,
        events: tally.events,
        heights: tally.heights,
        transactions: tally.transactions,
        validator_changes: tally.validator_changes,
        evidence: tally.evidence,
        byzantine: tally.byzantine,
        faults: tally.faults,
        violations: tally.violations.len(),
        events_per_second: tally.events as f64 / seconds.max(1e-9),
        seconds,
        trace_hash: format!("{:#018x}", tally.trace_hash),
        failing_seeds: tally.failing_seeds(),
    }
}

fn print(report: &Report, tally: &BatchSum) -> Result<(), Failure> {
    let Faults {
        crashes,
        brain_crashes,
        restored,
        clocks_set,
        partitions,
        cuts,
        lost,
        duplicated,
    } = report.faults;
    let (slowest, slowest_seed) = tally.slowest_recovery;
    let highest_round = u64::from(tally.highest_round);
    let long = tally.long_heights;
    let last = report.start + report.seeds.saturating_sub(1);
    let profile = &report.profile;
    let start = report.start;
    say!("profile {profile}, seeds {start} to {last}")?;
    let rate = report.events_per_second / 1e6;
    for (name, figure, note) in [
        ("worlds", report.seeds, String::new()),
        ("events", report.events, format!("{rate:.2} M/s")),
        ("heights", report.heights, String::new()),
        (
            "highest round",
            highest_round,
            format!("{long} worlds beyond 100"),
        ),
        ("transactions", report.transactions, String::new()),
        ("validator changes", report.validator_changes, String::new()),
        ("faulty validators", report.byzantine, String::new()),
        ("evidence", report.evidence, String::new()),
        ("nodes crashed", crashes, String::new()),
        ("brains crashed", brain_crashes, String::new()),
        ("disks restored", restored, String::new()),
        ("clocks set", clocks_set, String::new()),
        ("partitions", partitions, format!("and {cuts} cuts")),
        ("messages lost", lost, format!("{duplicated} doubled")),
        ("violations", report.violations as u64, String::new()),
    ] {
        say!("{name:<18} {figure:>12}  {note}")?;
    }
    say!(
        "slowest recovery   {:>12.3}  base timeouts, seed {slowest_seed}",
        slowest as f64 / 1000.0
    )?;
    say!("trace hash  {:>19}", report.trace_hash)
}

/// Seeds whose violations are told.
const TOLD_MAX: usize = 10;

/// Says what failed, and how to see it again.
fn judge(worlds: Worlds, tally: &BatchSum) -> Result<(), Failure> {
    if tally.violations.is_empty() {
        return Ok(());
    }
    for (seed, violation) in tally.violations.iter().take(TOLD_MAX) {
        let command = worlds.replay_command(*seed);
        tell!("seed {seed}: {violation}");
        tell!("  {command}");
    }
    let failing = tally.failing_seeds().len();
    Err(Failure::safety(format!(
        "{failing} of {} worlds broke a property; replay one with the command below its seed",
        tally.seeds
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_worlds_is_at_least_one_or_all() {
        assert_eq!(count("all"), Ok(Count::All));
        assert_eq!(count("7"), Ok(Count::Number(7)));
        assert!(count("0").is_err() && count("-1").is_err() && count("many").is_err());
    }
}
