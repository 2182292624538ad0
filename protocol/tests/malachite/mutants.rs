//! The comparison can fail: Lockstep is given a fault from outside, and it must be noticed. Only
//! the answers are looked at, not the lock, so each fault has to show in what a node says.

use std::sync::Arc;

use lockstep_protocol::consensus::facts::Fact;
use lockstep_protocol::consensus::round_machine::{self, Resume, RoundMachine, Rules, Step};
use lockstep_protocol::consensus::tally::{self, Tally};
use lockstep_protocol::consensus::timeouts::Timeouts;
use lockstep_protocol::types::Round;
use lockstep_protocol::validators::schedule::ValidatorSchedule;

use crate::compare::canonical;
use crate::lockstep::Lockstep;
use crate::neutral::Input;
use crate::scenario::Scenario;
use crate::world;

/// A fault that is planted around the machine and the tally.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// The lock is gone once a later round has begun, and the valid value with it.
    LocksAreDropped,
    /// The tally counts with other powers: validators 0 and 1 are a quorum.
    TwoAreAQuorum,
    /// The tally counts with other powers: it takes all four for a quorum.
    FourAreAQuorum,
    /// The own votes never reach the tally.
    OwnVotesDoNotCount,
    /// valid(v) is true for every value.
    EverythingIsValid,
    /// Every proposal is taken for a new one.
    ValidRoundsAreIgnored,
    /// A timer of another round acts as one of the current round.
    LateTimersFire,
    /// Quorums of rounds that are over are not told.
    OldRoundsAreForgotten,
    /// The quorum "of anything" for prevotes is not told (L34).
    MixedPrevotesAreIgnored,
    /// The quorum "of anything" for precommits is not told (L47).
    MixedPrecommitsAreIgnored,
    /// Nil polkas are not told (L44).
    NilPolkasAreIgnored,
    /// Nobody skips to a later round (L55).
    RoundsAreNotSkipped,
    /// Extensions where the paper's rules are asked for.
    ExtendedRules,
}

const MUTANTS: [Mutant; 13] = [
    Mutant::LocksAreDropped,
    Mutant::TwoAreAQuorum,
    Mutant::FourAreAQuorum,
    Mutant::OwnVotesDoNotCount,
    Mutant::EverythingIsValid,
    Mutant::ValidRoundsAreIgnored,
    Mutant::LateTimersFire,
    Mutant::OldRoundsAreForgotten,
    Mutant::MixedPrevotesAreIgnored,
    Mutant::MixedPrecommitsAreIgnored,
    Mutant::NilPolkasAreIgnored,
    Mutant::RoundsAreNotSkipped,
    Mutant::ExtendedRules,
];

#[test]
fn every_planted_fault_is_noticed() {
    for mutant in MUTANTS {
        let caught = (0..1000).find(|&seed| differs(&Scenario::of_seed(seed), mutant));
        println!("{mutant:?}: first noticed by seed {caught:?}");
        assert!(caught.is_some(), "nothing notices {mutant:?}");
    }
}

/// Whether a faulty node answers otherwise than the reference.
fn differs(scenario: &Scenario, mutant: Mutant) -> bool {
    let mut node = mutant.plant(Lockstep::new(scenario, Rules::Paper));
    let mut turns = scenario.inputs.iter().zip(&scenario.answers);
    turns.any(|(&input, answer)| {
        let ours = canonical(&node.apply(input));
        !node.halted() && ours != canonical(answer)
    })
}

impl Mutant {
    fn plant(self, mut node: Lockstep) -> Lockstep {
        let powers = match self {
            Self::TwoAreAQuorum => Some([5, 5, 1, 1]),
            Self::FourAreAQuorum => Some([1, 1, 1, 4]),
            _ => None,
        };
        if let Some(powers) = powers {
            let set = Arc::new(world::validators(powers));
            let (context, height) = (node.world.context, node.world.height);
            let validators = ValidatorSchedule::unchanged(height.previous(), set);
            let me = node.world.address(node.me);
            let tally = Tally::new(context, me, &validators, u64::MAX);
            node.tally = tally.with_rules(Rules::Paper);
        }
        if self == Self::ExtendedRules {
            node.machine = node.machine.with_rules(Rules::Extended);
        }
        node.mutant = Some(self);
        node
    }

    /// What the node takes instead of `input`.
    pub(crate) fn alter(self, input: Input, node: &mut Lockstep) -> Input {
        let now = node.machine.round().0;
        match (self, input) {
            (Self::LocksAreDropped, _) if may_drop_lock(node) => drop_lock(node),
            (
                Self::EverythingIsValid,
                Input::Proposal {
                    round,
                    value,
                    pol_round,
                    ..
                },
            ) => {
                return Input::Proposal {
                    round,
                    value,
                    pol_round,
                    valid: true,
                };
            }
            (
                Self::ValidRoundsAreIgnored,
                Input::Proposal {
                    round,
                    value,
                    valid,
                    ..
                },
            ) => {
                return Input::Proposal {
                    round,
                    value,
                    pol_round: None,
                    valid,
                };
            }
            (Self::LateTimersFire, Input::TimeoutPropose(_)) => return Input::TimeoutPropose(now),
            (Self::LateTimersFire, Input::TimeoutPrevote(_)) => return Input::TimeoutPrevote(now),
            (Self::LateTimersFire, Input::TimeoutPrecommit(_)) => {
                return Input::TimeoutPrecommit(now);
            }
            _ => {}
        }
        input
    }

    /// Whether this fact never reaches the machine.
    pub(crate) fn withholds(self, input: &round_machine::Input, now: Round) -> bool {
        let round_machine::Input::Fact(fact) = input else {
            return false;
        };
        match (self, fact) {
            (Self::OldRoundsAreForgotten, Fact::Polka(polka)) => polka.round < now,
            (Self::OldRoundsAreForgotten, Fact::Commit(commit)) => commit.round < now,
            (Self::MixedPrevotesAreIgnored, Fact::PrevotesAny(_))
            | (Self::MixedPrecommitsAreIgnored, Fact::PrecommitsAny(_))
            | (Self::NilPolkasAreIgnored, Fact::NilPolka(_))
            | (Self::RoundsAreNotSkipped, Fact::Reached(_)) => true,
            _ => false,
        }
    }
}

/// In the propose step nothing has been said yet in this round.
fn may_drop_lock(node: &Lockstep) -> bool {
    node.machine.locked().is_some() && node.machine.current_step() == Step::Propose
}

/// Another machine at the begin of the same round, which knows everything, but holds no lock.
fn drop_lock(node: &mut Lockstep) {
    let height = node.world.height;
    let set = node.world.set.clone();
    let resume = Resume {
        round: node.machine.round(),
        step: Step::Propose,
        lock: None,
        proposal: None,
    };
    let me = node.world.address(node.me);
    let machine = RoundMachine::new(height, me, set, Timeouts::DEVNET).with_rules(Rules::Paper);
    node.machine = machine.resume(resume).0;
    let proposals = node
        .heard
        .iter()
        .cloned()
        .map(round_machine::Input::Proposal);
    let known: Vec<_> = proposals.collect();
    for input in known
        .into_iter()
        .chain(node.tell_tally(tally::Input::Retell(height, Round::ZERO)))
    {
        let again = node.machine.step(input);
        let only_timers =
            |output: &round_machine::Output| matches!(output, round_machine::Output::Schedule(..));
        assert!(
            again.iter().all(only_timers),
            "no rule was enabled: {again:?}"
        );
    }
}
