//! The commit tier of the simulator: P1 and P2 over many seeds, P3, P14, and a fork that must be
//! found. Violations print the command that replays their seed.
use lockstep_devnet::simulation::{self, Batch, BatchSum, Profile};
use std::ops::Range;

const THREADS: usize = 2;
/// P1's figure for this tier, with the events that it must come to.
const SEEDS: u64 = 500;
const EVENTS_MIN: u64 = 10_000_000;
/// Worlds of each single family, and of each habit.
const SEEDS_OF_FAMILY: u64 = 100;
const SEEDS_OF_OLD: u64 = 60;
const SEEDS_OF_HABIT: u64 = 20;
/// P3's figure.
const SEEDS_OF_HABIT_RELEASE: u64 = 200;

fn run_on(threads: usize, profile: Profile, seeds: Range<u64>) -> BatchSum {
    let worlds = profile.into();
    let batch = Batch {
        worlds,
        seeds,
        threads,
    };
    let tally = simulation::run_batch(&batch, |_| {});
    if !profile.must_fork() {
        for (seed, violation) in &tally.violations {
            let command = worlds.replay_command(*seed);
            println!("seed {seed}: {violation}\n  {command}");
        }
    }
    tally
}

fn run(profile: Profile, seeds: u64) -> BatchSum {
    let tally = run_on(THREADS, profile, 0..seeds);
    let (slowest, seed) = tally.slowest_recovery;
    println!(
        "{profile}: {} events, {} seeds, {} heights, {} transactions, {} faulty validators, {} \
         crashes, {} of single brains, {} partitions, {} pieces of evidence, slowest recovery \
         {}.{:03} base timeouts (seed {seed}), {} violations",
        tally.events,
        tally.seeds,
        tally.heights,
        tally.transactions,
        tally.byzantine,
        tally.faults.crashes,
        tally.faults.brain_crashes,
        tally.faults.partitions,
        tally.evidence,
        slowest / 1000,
        slowest % 1000,
        tally.violations.len(),
    );
    tally
}

/// P1: no fork, no invalid commit, ever. P2: after the faults stop, every seed gains ten heights
/// within twenty base timeouts.
#[test]
fn no_fork_and_always_progress_under_all_faults() {
    let tally = run(Profile::All, SEEDS);
    assert_eq!(tally.violations, []);
    assert!(tally.events >= EVENTS_MIN, "{} events", tally.events);
    // P3: what two correct nodes have proof of ends in a block.
    let (due, committed) = (tally.offences_due, tally.offences_committed);
    println!("offences seen by two correct nodes: {due}, in a block: {committed}");
    assert!(due >= SEEDS / 2, "only {due} offences");
    assert!(committed * 100 >= due * 99, "{committed} of {due}");
}

#[test]
fn each_family_of_faults_alone_is_borne() {
    for profile in [
        Profile::Flaky,
        Profile::Partition,
        Profile::Byzantine,
        Profile::Twins,
    ] {
        assert_eq!(run(profile, SEEDS_OF_FAMILY).violations, [], "{profile}");
    }
}

/// As all faults together, and meanwhile validators are added, removed and given other powers: each
/// height is judged by the set that the blocks before it have named.
#[test]
fn validators_come_and_go_under_all_faults() {
    let tally = run(Profile::Validators, SEEDS_OF_FAMILY);
    assert_eq!(tally.violations, []);
    println!("{} changes of the set", tally.validator_changes);
    assert!(tally.validator_changes >= 2 * SEEDS_OF_FAMILY);
}

/// P19: who once had all the power stops nobody, and keeps nobody from arriving.
#[test]
fn old_keys_stop_nothing() {
    let tally = run(Profile::OldKeys, SEEDS_OF_OLD);
    assert_eq!(tally.violations, []);
    assert!(tally.validator_changes >= SEEDS_OF_OLD / 2);
}

/// P20: homes that are put back at any moment decide nothing anew, and contradict nothing.
#[test]
fn old_disks_decide_nothing_anew() {
    let tally = run(Profile::OldDisks, SEEDS_OF_OLD);
    assert_eq!(tally.violations, []);
    println!("{} homes put back", tally.faults.restored);
    assert!(tally.faults.restored >= SEEDS_OF_OLD);
}

/// P21: after a hundred rounds and more everybody goes on, restarts and falls on the way or not.
#[test]
fn old_rounds_hold_nobody() {
    let tally = run(Profile::OldRounds, SEEDS_OF_OLD);
    assert_eq!(tally.violations, []);
    let (highest, long) = (tally.highest_round, tally.long_heights);
    println!("up to round {highest}, {long} worlds beyond 100");
    assert!(long >= SEEDS_OF_OLD / 4, "only {long}");
}

/// P22: a wrong clock costs its owner; where all are wrong, rounds are paced until they are right.
#[test]
fn wrong_clocks_stop_nothing_for_good() {
    let tally = run(Profile::Clocks, SEEDS_OF_OLD);
    assert_eq!(tally.violations, []);
    println!("clocks set {} times", tally.faults.clocks_set);
    assert!(tally.faults.clocks_set >= SEEDS_OF_OLD / 2);
}

/// Nothing but delay: the easiest world must not even be slow.
#[test]
fn correct_nodes_with_delays_only_always_decide() {
    let tally = run(Profile::Calm, SEEDS_OF_FAMILY);
    assert_eq!(tally.violations, []);
    assert_eq!(tally.evidence, 0);
}

/// P3.
#[test]
fn a_byzantine_habit_harms_nobody() {
    for profile in Profile::habits() {
        assert_eq!(run(profile, SEEDS_OF_HABIT).violations, [], "{profile}");
    }
}

/// P3 with its full figure.
#[test]
#[ignore = "release tier: 200 seeds of each habit"]
fn a_byzantine_habit_harms_nobody_in_200_seeds_each() {
    for profile in Profile::habits() {
        let tally = run(profile, SEEDS_OF_HABIT_RELEASE);
        assert_eq!(tally.violations, [], "{profile}");
    }
}

/// P6: with f + 1 Byzantine validators a fork is found; and each fork names at least f + 1
/// validators, all of them Byzantine.
#[test]
fn with_one_byzantine_too_many_a_fork_is_found_and_names_its_makers() {
    let tally = run(Profile::Canary, SEEDS_OF_FAMILY);
    let of = |name| {
        let found = tally.violations.iter();
        found.filter(move |(_, violation)| violation.property == name)
    };
    let forks = of("agreement").count() as u64;
    let explained = tally.forks_explained;
    println!("canary: {forks} forks, {explained} of them explained");
    assert!(forks > 0, "the canary lives");
    assert_eq!(of("accountability").next(), None);
    assert_eq!(explained, forks);
}

/// Who learns of the second decision of a height stops, whatever else goes wrong there.
#[test]
fn a_fork_stops_whoever_learns_of_it() {
    // A certificate of the faulty ones alone may stop a node before a second correct one believes it:
    // then there is a second decision, and no fork between correct nodes.
    let (mut forks, mut stopped, mut in_time) = (0, 0, 0);
    for seed in 0..SEEDS_OF_FAMILY {
        let outcome = simulation::replay(seed, Profile::Canary, Box::new(|_| {}));
        let has = |property: &str, word: &str| {
            let mut all = outcome.violations.iter();
            all.any(|violation| violation.property == property && violation.what.contains(word))
        };
        let is_forked = has("agreement", "");
        let has_stopped = has("no trouble", "was decided twice");
        // Whom anybody names has made it.
        assert!(!has("accountability", ""), "seed {seed}");
        forks += u64::from(is_forked);
        stopped += u64::from(is_forked && has_stopped);
        in_time += u64::from(!is_forked && has_stopped);
    }
    println!(
        "canary: {forks} forks, {stopped} of them stopped somebody; {in_time} stopped in time"
    );
    assert!(forks > 0, "the canary lives");
    assert!(stopped * 10 >= forks * 9, "{stopped} of {forks}");
}

/// P6, between rounds: who made the fork signed nothing twice, but forgot what it had decided. What
/// the correct nodes keep convicts at least f + 1; one of them alone names as many.
#[test]
fn a_fork_between_two_rounds_names_its_makers() {
    let tally = run(Profile::Amnesiacs, SEEDS_OF_FAMILY);
    let of = |name| {
        let found = tally.violations.iter();
        found.filter(move |(_, violation)| violation.property == name)
    };
    let forks = of("agreement").count() as u64;
    let (explained, across) = (tally.forks_explained, tally.forks_across_rounds);
    println!("amnesiacs: {forks} forks, {across} between two rounds, {explained} explained");
    assert_eq!(of("accountability").next(), None);
    assert!(across >= SEEDS_OF_FAMILY / 2, "only {across} forks");
    assert_eq!((explained, across), (forks, forks));
}

/// P14: run twice, in debug and release builds, on one thread or more: the same trace.
#[test]
fn the_same_seeds_are_the_same_worlds_on_any_number_of_threads() {
    let traces = [1, 2, 3].map(|threads| run_on(threads, Profile::All, 0..20).trace_hash);
    println!("seeds 0 to 19 of all: trace {:#018x}", traces[0]);
    assert_eq!(traces, [TRACE_OF_20_SEEDS; 3]);
    let other = run_on(THREADS, Profile::All, 1..21).trace_hash;
    assert_ne!(other, TRACE_OF_20_SEEDS);
}

/// Every change of the protocol or of the simulator changes it; it is the same in every build.
const TRACE_OF_20_SEEDS: u64 = 0x8356_0fdd_cd74_4964;
