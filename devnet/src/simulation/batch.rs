//! Many seeds, on a few threads. The result does not depend on how many.
use super::trace::Trace;
use super::{Faults, Outcome, Violation, Worlds, run};
use parking_lot::Mutex;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// Which seeds to run.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Which worlds.
    pub worlds: Worlds,
    /// Each seed is one world.
    pub seeds: Range<u64>,
    /// At least one.
    pub threads: usize,
}

/// The sum over all worlds of a batch.
#[derive(Clone, Debug, Default)]
pub struct BatchSum {
    /// Worlds that were run.
    pub seeds: u64,
    /// Their events.
    pub events: u64,
    /// Their heights.
    pub heights: u64,
    /// The highest round that a correct node has entered in any of them.
    pub highest_round: u32,
    /// Worlds with a height of a hundred rounds and more.
    pub long_heights: u64,
    /// Transactions in their chains.
    pub transactions: u64,
    /// Changes of the validator set.
    pub validator_changes: u64,
    /// Accusations.
    pub evidence: u64,
    /// Offences that a block was due to carry.
    pub offences_due: u64,
    /// How many of them one carries.
    pub offences_committed: u64,
    /// Forks whose makers were named.
    pub forks_explained: u64,
    /// Of these, forks between two rounds.
    pub forks_across_rounds: u64,
    /// What went wrong on purpose.
    pub faults: Faults,
    /// Faulty validators.
    pub byzantine: u64,
    /// The slowest recovery, in thousandths of the base timeout, and its seed.
    pub slowest_recovery: (u64, u64),
    /// Seeds with violations, in order.
    pub violations: Vec<(u64, Violation)>,
    /// Over the traces of all worlds, in the order of their seeds (P14).
    pub trace_hash: u64,
}

/// A height of so many rounds is a long one.
const LONG_ROUNDS: u32 = 100;

/// How far a batch is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Worlds that have ended.
    pub seeds: u64,
    /// Their events.
    pub events: u64,
    /// Worlds with violations among them.
    pub failing: u64,
}

#[derive(Default)]
struct Running {
    tally: BatchSum,
    failing: u64,
    traces: Vec<(u64, u64)>,
}

/// Runs all seeds of a batch. `progress` is told after each world, from any thread.
pub fn run_batch(batch: &Batch, progress: impl Fn(Progress) + Sync) -> BatchSum {
    let next = AtomicU64::new(batch.seeds.start);
    let running = Mutex::new(Running::default());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= batch.seeds.end {
                return;
            }
            let outcome = run(seed, batch.worlds);
            let so_far = running.lock().add(seed, outcome);
            progress(so_far);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..batch.threads {
            scope.spawn(work);
        }
        work();
    });
    running.into_inner().end()
}

impl Running {
    fn add(&mut self, seed: u64, outcome: Outcome) -> Progress {
        self.traces.push((seed, outcome.trace_hash));
        self.failing += u64::from(!outcome.violations.is_empty());
        self.tally.add(seed, outcome);
        let BatchSum { seeds, events, .. } = self.tally;
        let failing = self.failing;
        Progress {
            seeds,
            events,
            failing,
        }
    }

    fn end(mut self) -> BatchSum {
        self.traces.sort_unstable();
        let mut trace = Trace::new(self.tally.seeds);
        for (seed, hash) in self.traces {
            trace.word(seed);
            trace.word(hash);
        }
        self.tally.trace_hash = trace.hash();
        self.tally.violations.sort_by_key(|(seed, _)| *seed);
        self.tally
    }
}

impl BatchSum {
    fn add(&mut self, seed: u64, outcome: Outcome) {
        self.seeds += 1;
        self.events += outcome.events;
        self.heights += outcome.heights;
        self.highest_round = self.highest_round.max(outcome.highest_round);
        self.long_heights += u64::from(outcome.highest_round >= LONG_ROUNDS);
        self.transactions += outcome.transactions;
        self.validator_changes += outcome.validator_changes;
        self.evidence += outcome.evidence;
        self.offences_due += outcome.offences_due;
        self.offences_committed += outcome.offences_committed;
        self.forks_explained += outcome.forks_explained;
        self.forks_across_rounds += outcome.forks_across_rounds;
        self.faults += outcome.faults;
        self.byzantine += outcome.byzantine as u64;
        let slowest = (outcome.recovery_permille, seed);
        self.slowest_recovery = self.slowest_recovery.max(slowest);
        let found = outcome.violations.into_iter();
        self.violations
            .extend(found.map(|violation| (seed, violation)));
    }

    /// Each seed with a violation, once, in order.
    pub fn failing_seeds(&self) -> Vec<u64> {
        let mut seeds: Vec<u64> = self.violations.iter().map(|(seed, _)| *seed).collect();
        seeds.dedup();
        seeds
    }
}
