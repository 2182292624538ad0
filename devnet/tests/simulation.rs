//! The commit tier of the simulator.
use lockstep_devnet::simulation::{self, Batch, Profile};

#[test]
fn replay() {
    let Ok(seed) = std::env::var("LOCKSTEP_SEED") else { return };
    let seed: u64 = seed.parse().expect("LOCKSTEP_SEED is a number");
    let profile = std::env::var("LOCKSTEP_PROFILE").unwrap_or_else(|_| "mixed".into());
    let profile: Profile = profile.parse().expect("LOCKSTEP_PROFILE names a profile");
    let outcome = simulation::replay(seed, profile);
    println!("{outcome:#?}");
}

#[test]
fn explore() {
    let Ok(count) = std::env::var("LOCKSTEP_COUNT") else { return };
    let profile = std::env::var("LOCKSTEP_PROFILE").unwrap_or_else(|_| "mixed".into());
    let profile: Profile = profile.parse().expect("profile");
    let batch = Batch { profile, seeds: 0..count.parse().expect("count"), threads: 2 };
    let started = std::time::Instant::now();
    let by_n = std::sync::Mutex::new(std::collections::BTreeMap::<usize, (u64, u64, u64)>::new());
    let tally = simulation::run_batch(&batch, |seed, outcome| {
        let mut m = by_n.lock().expect("lock");
        let e = m.entry(outcome.validators).or_default();
        e.0 += 1; e.1 += outcome.events; e.2 += outcome.heights;
        if std::env::var("LOCKSTEP_EACH").is_ok() { println!("{seed} {outcome:?}"); }
    });
    for (seed, v) in tally.violations.iter().take(40) { println!("seed {seed}: {v}"); }
    println!("{:?}", by_n.lock());
    println!("{} seeds {} events {} heights {} tx {} evidence {} crashes slow {:?} bad {} in {:?}", tally.seeds, tally.events, tally.heights, tally.transactions, tally.evidence, tally.crashes, tally.slowest_recovery, tally.violations.len(), started.elapsed());
}
