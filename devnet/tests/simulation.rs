//! The commit tier of the simulator: P1 and P2 over many seeds, P14, and the planted bugs of P6.
use lockstep_devnet::simulation::{self, Batch, Profile, Tally};
use std::ops::Range;

const THREADS: usize = 2;
/// Worlds of the commit tier. `LOCKSTEP_SEEDS` runs more of them.
const SEEDS: u64 = 1_500;
/// P1's figure for this tier.
const EVENTS_MIN: u64 = 10_000_000;
/// How far a planted bug may hide.
const MUTANT_SEEDS: u64 = 200;

fn run(profile: Profile, seeds: Range<u64>) -> Tally {
    let threads = THREADS;
    let batch = Batch {
        profile,
        seeds,
        threads,
    };
    simulation::run_batch(&batch, |seed, outcome| {
        let expected = profile.must_violate();
        for violation in outcome.violations.iter().filter(|_| expected.is_empty()) {
            let command = simulation::replay_command(seed, profile);
            println!("seed {seed}: {violation}\n  {command}");
        }
    })
}

fn print(profile: Profile, tally: &Tally) {
    let (slowest, seed) = tally.slowest_recovery;
    println!(
        "{profile}: {} events, {} seeds, {} heights, {} transactions, {} crashes, {} pieces of \
         evidence, slowest recovery {}.{:03} base timeouts (seed {seed}), {} violations",
        tally.events,
        tally.seeds,
        tally.heights,
        tally.transactions,
        tally.crashes,
        tally.evidence,
        slowest / 1000,
        slowest % 1000,
        tally.violations.len(),
    );
}

/// P1: no fork, no invalid commit, ever. P2: after the faults stop, every seed gains ten heights
/// within twenty base timeouts.
#[test]
fn no_fork_and_always_progress_under_all_faults() {
    let seeds = std::env::var("LOCKSTEP_SEEDS").ok();
    let seeds = seeds.and_then(|count| count.parse().ok()).unwrap_or(SEEDS);
    let tally = run(Profile::Mixed, 0..seeds);
    print(Profile::Mixed, &tally);
    assert_eq!(tally.violations, []);
    assert!(tally.events >= EVENTS_MIN, "{} events", tally.events);
}

/// Nothing but delay: the easiest world must not even be slow.
#[test]
fn correct_nodes_with_delays_only_always_decide() {
    let tally = run(Profile::Calm, 0..100);
    print(Profile::Calm, &tally);
    assert_eq!(tally.violations, []);
    assert_eq!(tally.evidence, 0);
}

/// P14: run twice, and in debug and release builds: the same trace.
#[test]
fn the_same_seed_is_the_same_world() {
    for seed in 0..20 {
        let first = simulation::run(seed, Profile::Mixed);
        assert_eq!(first, simulation::run(seed, Profile::Mixed), "seed {seed}");
    }
    let outcome = simulation::run(7, Profile::Mixed);
    println!(
        "seed 7: {} events, trace {:#018x}",
        outcome.events, outcome.trace_hash
    );
    assert_eq!(outcome.trace_hash, TRACE_OF_SEED_7);
}

/// Every change of the protocol or of the simulator changes it; it is the same in every build.
const TRACE_OF_SEED_7: u64 = 0x6a58_9001_477c_3597;

/// P6: each planted bug is caught, by the property that it breaks.
#[test]
fn planted_bugs_are_caught() {
    for profile in Profile::mutants() {
        assert_caught(profile);
    }
}

/// P6: with f + 1 Byzantine validators a fork is found.
#[test]
fn with_one_byzantine_too_many_a_fork_is_found() {
    assert_caught(Profile::Canary);
}

fn assert_caught(profile: Profile) {
    let tally = run(profile, 0..MUTANT_SEEDS);
    let expected = profile.must_violate();
    let caught = tally.violations.iter();
    let mut caught = caught.filter(|(_, violation)| expected.contains(&violation.property));
    let first = caught.next();
    println!(
        "{profile}: {}+1 of {} worlds, first {first:?}",
        caught.count(),
        tally.seeds
    );
    assert!(first.is_some(), "{profile} was not caught by {expected:?}");
}

/// Replays one seed with every event printed: `LOCKSTEP_SEED`, and `LOCKSTEP_PROFILE` if it is not
/// `mixed`. Without them there is nothing to do.
#[test]
fn replay() {
    let Ok(seed) = std::env::var("LOCKSTEP_SEED") else {
        return;
    };
    let seed = seed.parse().expect("LOCKSTEP_SEED is a number");
    let profile = std::env::var("LOCKSTEP_PROFILE").unwrap_or_else(|_| "mixed".into());
    let profile: Profile = profile.parse().expect("LOCKSTEP_PROFILE names a profile");
    println!("{:#?}", simulation::replay(seed, profile));
}
