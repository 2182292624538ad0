//! Planted bugs: each must be caught, or the simulator is blind (P6). A bug sits in the wiring
//! between the brains, never in the brains themselves. One file and one line of [`ALL`] each.
use lockstep_protocol::consensus::driver::DriverConfig;
use lockstep_protocol::consensus::facts::{CheckedProposal, Fact};
use lockstep_protocol::consensus::tally;
use lockstep_protocol::ledger::ChainRules;
use lockstep_protocol::types::Height;
use lockstep_protocol::validator_set::ValidatorSet;
use lockstep_protocol::vote::SignedVote;

mod eager_sender;
mod low_quorum;
mod no_lock;
mod one_phase;

/// The places in the wiring where a bug can sit. Each default is the correct wiring.
pub(crate) trait Mutant: Send {
    /// Between tally and driver.
    fn tell(&mut self, _rules: &ChainRules, fact: Fact) -> Vec<Fact> {
        vec![fact]
    }

    /// What the tally is about to hear: facts that it would not tell.
    fn heard(&mut self, _set: &ValidatorSet, _input: &tally::Input) -> Vec<(Height, Fact)> {
        Vec::new()
    }

    /// Between proposals and driver.
    fn checked(&mut self, _height: Height, _proposal: &CheckedProposal) {}

    /// Between the driver and everything that its vote goes to.
    fn recast(&mut self, _config: &DriverConfig, vote: SignedVote) -> SignedVote {
        vote
    }

    /// Whether messages leave before their record is durable.
    fn sends_before_durable(&self) -> bool {
        false
    }
}

/// A bug, by name.
pub(crate) struct Planted {
    pub(crate) name: &'static str,
    pub(crate) new: fn() -> Box<dyn Mutant>,
    /// The properties of which at least one must notice, in any seed of a small batch.
    pub(crate) caught_by: &'static [&'static str],
}

/// All of them.
pub(crate) const ALL: &[Planted] = &[
    Planted {
        name: "one-phase",
        new: || Box::new(one_phase::OnePhase),
        caught_by: &["agreement"],
    },
    Planted {
        name: "no-lock",
        new: || Box::<no_lock::NoLock>::default(),
        caught_by: &["lock rule"],
    },
    Planted {
        name: "eager-sender",
        new: || Box::new(eager_sender::EagerSender),
        caught_by: &["no double sign"],
    },
    Planted {
        name: "low-quorum",
        new: || Box::<low_quorum::LowQuorum>::default(),
        caught_by: &["agreement"],
    },
];
