//! The deterministic simulator: the brains of `lockstep-protocol`, wired as the actors are, under a
//! seeded network, a virtual clock and every fault that the promises name.
//!
//! ```text
//! profile   families of worlds          plan        what a seed decides
//! world     who acts next               queue       virtual time
//! node      brains and a disk           network     wires
//! habits    Byzantine validators        properties  what must hold
//! mutants   planted bugs (feature)      batch       many seeds on a few threads
//! twins     all partition sequences of P4    succession  who decides which height
//! ```
//!
//! Promise: a seed and a profile determine every event, on every machine and in every build; the
//! trace hash says so. Nothing here reads a clock, draws true chance, or iterates over a hash map.
//!
//! Not simulated: encodings, sockets, real signatures. Other tests have those.
mod application;
mod batch;
mod brain;
mod disk;
mod habits;
mod keys;
mod message;
#[cfg(feature = "mutants")]
pub mod mutants;
mod network;
mod node;
mod plan;
mod profile;
mod properties;
mod queue;
pub(crate) mod random;
mod succession;
mod trace;
pub mod twins;
mod users;
mod world;

pub use batch::{Batch, BatchSum, Progress, run_batch};
pub use profile::{Profile, UnknownProfile};

use std::fmt;

/// Something that must never happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which property.
    pub property: &'static str,
    /// When, in virtual milliseconds.
    pub at_ms: u64,
    /// What contradicts it.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {} ms: {}", self.property, self.at_ms, self.what)
    }
}

/// The faults that really happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Faults {
    /// Nodes that died.
    pub crashes: u64,
    /// Single brains that died.
    pub brain_crashes: u64,
    /// Disks that were put back to an earlier state.
    pub restored: u64,
    /// Times that clocks were set while nodes ran.
    pub clocks_set: u64,
    /// Times that the network fell apart.
    pub partitions: u64,
    /// One-way cuts.
    pub cuts: u64,
    /// Messages that never arrived.
    pub lost: u64,
    /// Messages that arrived twice.
    pub duplicated: u64,
}

impl std::ops::AddAssign for Faults {
    fn add_assign(&mut self, other: Faults) {
        self.crashes += other.crashes;
        self.brain_crashes += other.brain_crashes;
        self.restored += other.restored;
        self.clocks_set += other.clocks_set;
        self.partitions += other.partitions;
        self.cuts += other.cuts;
        self.lost += other.lost;
        self.duplicated += other.duplicated;
    }
}

/// Hears what happens in a world, line by line.
pub type Tell = Box<dyn FnMut(&str)>;

/// How a world ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Messages handled by brains, deliveries, timers, syncs and faults.
    pub events: u64,
    /// Validators of this world.
    pub validators: usize,
    /// How many of them were faulty.
    pub byzantine: usize,
    /// The highest committed height.
    pub heights: u64,
    /// The highest round that a correct node has entered.
    pub highest_round: u32,
    /// Transactions in the longest chain.
    pub transactions: u64,
    /// Changes of the validator set.
    pub validator_changes: u64,
    /// Accusations by correct nodes.
    pub evidence: u64,
    /// Offences that two correct nodes saw, early enough for a block to carry them.
    pub offences_due: u64,
    /// How many of them a block carries.
    pub offences_committed: u64,
    /// Forks whose makers were named.
    pub forks_explained: u64,
    /// Of these, forks between two rounds.
    pub forks_across_rounds: u64,
    /// How long it took to gain ten heights after the faults, in thousandths of the base timeout
    /// (propose + prevote + precommit of round 0), after the time to get the blocks that the last
    /// node lacked.
    pub recovery_permille: u64,
    /// What went wrong on purpose.
    pub faults: Faults,
    /// What went wrong otherwise. Empty, or the protocol is broken.
    pub violations: Vec<Violation>,
    /// Equal for equal seeds (P14).
    pub trace_hash: u64,
}

/// Which worlds seeds stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worlds {
    /// The family.
    pub profile: Profile,
    /// How many validators, 1 to 128; by default the seed decides.
    pub validators: Option<usize>,
}

impl From<Profile> for Worlds {
    fn from(profile: Profile) -> Worlds {
        let validators = None;
        Worlds {
            profile,
            validators,
        }
    }
}

impl Worlds {
    /// The one command that runs a seed again and prints what happens.
    pub fn replay_command(&self, seed: u64) -> String {
        let profile = self.profile;
        let nodes = self.validators.map(|n| format!(" --nodes {n}"));
        let nodes = nodes.unwrap_or_default();
        format!("lockstep simulate --start {seed} --seeds 1 --profile {profile}{nodes} --trace")
    }
}

/// Runs the world of one seed; it ends at its first violation.
pub fn run(seed: u64, worlds: impl Into<Worlds>) -> Outcome {
    world::build(seed, worlds.into()).run(true)
}

/// Like [`run`], goes on after violations, and tells every event as a line.
pub fn replay(seed: u64, worlds: impl Into<Worlds>, tell: Tell) -> Outcome {
    let world = world::build(seed, worlds.into());
    world.told(tell).run(false)
}
