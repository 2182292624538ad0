//! Many seeds, on a few threads. The result does not depend on how many.
use super::{Outcome, Profile, Violation, run};
use parking_lot::Mutex;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// Which seeds to run.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Which worlds.
    pub profile: Profile,
    /// Each seed is one world.
    pub seeds: Range<u64>,
    /// At least one.
    pub threads: usize,
}

/// The sum over all worlds of a batch.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Worlds that were run.
    pub seeds: u64,
    /// Their events.
    pub events: u64,
    /// Their heights.
    pub heights: u64,
    /// Transactions in their chains.
    pub transactions: u64,
    /// Accusations.
    pub evidence: u64,
    /// Offences that a block was due to carry.
    pub offences_due: u64,
    /// How many of them one carries.
    pub offences_committed: u64,
    /// Forks whose makers were named.
    pub forks_explained: u64,
    /// Nodes and brains that died.
    pub crashes: u64,
    /// The slowest recovery, in thousandths of the base timeout, and its seed.
    pub slowest_recovery: (u64, u64),
    /// Seeds with violations, in order.
    pub violations: Vec<(u64, Violation)>,
}

/// Runs all seeds of a batch. `progress` is told each outcome, from any thread, in any order.
pub fn run_batch(batch: &Batch, progress: impl Fn(u64, &Outcome) + Sync) -> Tally {
    let next = AtomicU64::new(batch.seeds.start);
    let tally = Mutex::new(Tally::default());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= batch.seeds.end {
                return;
            }
            let outcome = run(seed, batch.profile);
            progress(seed, &outcome);
            tally.lock().add(seed, outcome);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..batch.threads {
            scope.spawn(work);
        }
        work();
    });
    let mut tally = tally.into_inner();
    tally.violations.sort_by_key(|(seed, _)| *seed);
    tally
}

impl Tally {
    fn add(&mut self, seed: u64, outcome: Outcome) {
        self.seeds += 1;
        self.events += outcome.events;
        self.heights += outcome.heights;
        self.transactions += outcome.transactions;
        self.evidence += outcome.evidence;
        self.offences_due += outcome.offences_due;
        self.offences_committed += outcome.offences_committed;
        self.forks_explained += outcome.forks_explained;
        self.crashes += outcome.faults.crashes + outcome.faults.brain_crashes;
        let slowest = (outcome.recovery_permille, seed);
        self.slowest_recovery = self.slowest_recovery.max(slowest);
        let found = outcome.violations.into_iter();
        self.violations
            .extend(found.map(|violation| (seed, violation)));
    }
}
