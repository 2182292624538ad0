//! P4: one key on two nodes, under sequences of partitions; and P6 of these worlds: planted bugs fork.
use lockstep_devnet::simulation::{self, Batch, Profile, Worlds, mutants, twins};

/// Every 97th sequence: 97 is prime to 52, 15 and 3, so that all positions see all partitions.
const STRIDE: u64 = 97;

#[test]
fn a_sample_of_all_partition_sequences_ends_in_one_decision() {
    let worlds = Worlds::from(Profile::TwinsAll);
    let sample = (0..twins::COUNT).step_by(STRIDE as usize);
    let mut events = 0;
    let count = sample.clone().count();
    for number in sample {
        let outcome = simulation::run(number, worlds);
        let command = worlds.replay_command(number);
        assert_eq!(outcome.violations, [], "{command}");
        events += outcome.events;
    }
    println!("{count} of {} sequences, {events} events", twins::COUNT);
}

/// P4 sees what it is for: without a lock, with too small a quorum or without a second phase, some
/// sequence forks.
#[test]
fn a_planted_bug_forks_under_some_sequence() {
    let mut survivors = Vec::new();
    for planted in mutants::TWINS {
        let sample = (0..twins::COUNT).step_by(STRIDE as usize);
        match planted.hunt(sample) {
            Some((number, violation)) => {
                let without = simulation::run(number, Worlds::from(Profile::TwinsAll));
                assert_eq!(without.violations, [], "{:?}: not the bug", planted.bug);
                println!("{:?}: sequence {number}: {violation}", planted.bug);
            }
            None => survivors.push(planted.bug),
        }
    }
    assert_eq!(survivors, []);
}

#[test]
#[ignore = "release tier: all sequences"]
fn all_partition_sequences_end_in_one_decision() {
    let worlds = Worlds::from(Profile::TwinsAll);
    let seeds = 0..twins::COUNT;
    let threads = 2;
    let batch = Batch {
        worlds,
        seeds,
        threads,
    };
    let tally = simulation::run_batch(&batch, |_| {});
    println!("{} sequences, {} events", tally.seeds, tally.events);
    assert_eq!(tally.violations, []);
}
