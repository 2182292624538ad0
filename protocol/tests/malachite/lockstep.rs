//! Lockstep's own rules behind the neutral language: the real round machine and the real tally,
//! wired as the actors wire them, but synchronously: what one says the other hears at once, the
//! own votes and proposals included.
//!
//! Four things have no counterpart in the neutral language, and are mapped here:
//!
//! - *The valid round of a prevote* (E9). A neutral prevote names none. Whoever prevotes `v` in a
//!   round of which the scenario knows a proposal of `v`, early or late, prevotes with the valid
//!   round of that proposal, as a correct validator would; every other prevote names none. No
//!   scenario has two proposals of one round and value, so this is a function.
//! - *Equivocators* (E10). Under [`Rules::Paper`] the second of two different votes is withheld
//!   from the tally, because the reference counts the first alone.
//! - *Nobody left to wait for* (E11, and E4 by it). It lets timers run out at once, as scenarios do
//!   at any time by inputs of their own; so its facts are withheld here, and unit tests hold it.
//! - *An invalid block with a quorum of precommits*. Lockstep stops for good, where the paper goes
//!   on; this wrapper then is [`halted`](Lockstep::halted). More than f validators are faulty then.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use lockstep_protocol::consensus::facts::{CheckedProposal, Fact, Verdict};
use lockstep_protocol::consensus::round_machine::{self, CastVote, RoundMachine, Rules};
use lockstep_protocol::consensus::tally::{self, Tally};
use lockstep_protocol::consensus::timeouts::{TimeoutKind, Timeouts};
use lockstep_protocol::nouns::vote::VoteKind;
use lockstep_protocol::types::Round;
use lockstep_protocol::validators::schedule::ValidatorSchedule;

use crate::mutants::Mutant;
use crate::neutral::{Held, Input, Output, Timer};
use crate::scenario::Scenario;
use crate::world::{NOW, World};

/// The valid round of the proposal of a round and value, for those that name one.
pub(crate) type ValidRounds = BTreeMap<(u32, u64), u32>;

/// One validator at one height, run by Lockstep's brains.
pub(crate) struct Lockstep {
    pub(crate) world: Arc<World>,
    pub(crate) me: usize,
    rules: Rules,
    pub(crate) machine: RoundMachine,
    pub(crate) tally: Tally,
    valid_rounds: ValidRounds,
    first_votes: BTreeMap<(VoteKind, u32, usize), Option<u64>>,
    /// The proposals of others.
    pub(crate) heard: Vec<CheckedProposal>,
    halted: bool,
    pub(crate) mutant: Option<Mutant>,
    answer: Vec<Output>,
}

impl Lockstep {
    /// The node of a scenario.
    pub(crate) fn new(scenario: &Scenario, rules: Rules) -> Self {
        let world = Arc::new(World::new(scenario.height));
        let height = world.height;
        let set = world.set.clone();
        let me = world.address(scenario.me);
        let machine = RoundMachine::new(height, me, set.clone(), Timeouts::DEVNET);
        let validators = ValidatorSchedule::unchanged(height.previous(), set);
        let tally = Tally::new(world.context, me, &validators, u64::MAX);
        Self {
            machine: machine.with_rules(rules),
            tally: tally.with_rules(rules),
            valid_rounds: valid_rounds(scenario),
            first_votes: BTreeMap::new(),
            me: scenario.me,
            world,
            rules,
            heard: Vec::new(),
            halted: false,
            mutant: None,
            answer: Vec::new(),
        }
    }

    /// Lets one thing happen and returns all that follows from it, own messages included.
    pub(crate) fn apply(&mut self, input: Input) -> Vec<Output> {
        let input = self
            .mutant
            .map_or(input, |mutant| mutant.alter(input, self));
        let inputs = match input {
            Input::StartHeight => vec![round_machine::Input::StartRound(Round::ZERO)],
            Input::Proposal {
                round,
                value,
                pol_round,
                valid,
            } => self.proposal(round, value, pol_round, valid),
            Input::Prevote {
                validator,
                round,
                value,
            } => self.vote(VoteKind::Prevote, validator, round, value),
            Input::Precommit {
                validator,
                round,
                value,
            } => self.vote(VoteKind::Precommit, validator, round, value),
            Input::TimeoutPropose(round) => timeout(TimeoutKind::Propose, round),
            Input::TimeoutPrevote(round) => timeout(TimeoutKind::Prevote, round),
            Input::TimeoutPrecommit(round) => timeout(TimeoutKind::Precommit, round),
            Input::BuiltValue { round, value } => {
                let block = self.world.block(value);
                vec![round_machine::Input::BlockBuilt(Round(round), block)]
            }
        };
        self.drive(inputs);
        std::mem::take(&mut self.answer)
    }

    /// Locked and valid, each value and round.
    pub(crate) fn held(&self) -> (Held, Held) {
        let locked = self.machine.locked();
        let valid = self.machine.valid();
        (
            locked.map(|locked| (self.world.value(locked.block_id), locked.round.0)),
            valid.map(|valid| (self.world.value(valid.block.id()), valid.polka.round.0)),
        )
    }

    /// Whether the node has stopped because of a decision on an invalid block.
    pub(crate) fn halted(&self) -> bool {
        self.halted
    }

    fn proposal(
        &mut self,
        round: u32,
        value: u64,
        pol_round: Option<u32>,
        valid: bool,
    ) -> Vec<round_machine::Input> {
        let checked = CheckedProposal {
            round: Round(round),
            valid_round: pol_round.map(Round),
            block: self.world.block(value),
            verdict: if valid {
                Verdict::Valid
            } else {
                Verdict::Invalid
            },
        };
        self.heard.push(checked.clone());
        let mut inputs = vec![round_machine::Input::Proposal(checked)];
        if self.rules == Rules::Extended {
            // A node hears its own messages from itself alone.
            if self.world.proposer(round) == self.me {
                return Vec::new();
            }
            // E7: the block of a far round is not kept.
            if Round(round) > self.machine.round().next() {
                inputs.clear();
            }
            let prevote = self.world.proposal(round, value, pol_round);
            inputs.extend(self.tell_tally(tally::Input::Proposal(prevote)));
        }
        inputs
    }

    fn vote(
        &mut self,
        kind: VoteKind,
        validator: usize,
        round: u32,
        value: Option<u64>,
    ) -> Vec<round_machine::Input> {
        let withheld = match self.rules {
            Rules::Extended => validator == self.me,
            Rules::Paper => !self.is_first(kind, validator, round, value),
        };
        if withheld {
            return Vec::new();
        }
        let valid_round = value
            .filter(|_| kind == VoteKind::Prevote)
            .and_then(|value| self.valid_rounds.get(&(round, value)).copied());
        let slot = (kind, round, validator);
        let vote = self.world.vote(slot, value, valid_round);
        self.tell_tally(tally::Input::Vote(vote))
    }

    fn is_first(&mut self, kind: VoteKind, who: usize, round: u32, value: Option<u64>) -> bool {
        let slot = self.first_votes.entry((kind, round, who));
        *slot.or_insert(value) == value
    }

    /// Feeds the machine and everything that follows, in order.
    fn drive(&mut self, inputs: Vec<round_machine::Input>) {
        let mut queue = VecDeque::from(inputs);
        while let Some(input) = queue.pop_front() {
            for output in self.machine.step(input) {
                queue.extend(self.carry_out(output));
            }
        }
    }

    /// Notes an output, and returns what the machine hears because of it.
    fn carry_out(&mut self, output: round_machine::Output) -> Vec<round_machine::Input> {
        use round_machine::Output as From;
        match output {
            From::EnterRound(round) => {
                if round > Round::ZERO {
                    self.answer.push(Output::NewRound(round.0));
                }
                self.tell_tally(tally::Input::EnterRound(self.world.height, round))
            }
            From::Propose(round, block, polka) => {
                let value = self.world.value(block.id());
                let pol_round = polka.map(|p| p.round.0);
                let round = round.0;
                self.answer.push(Output::Propose {
                    round,
                    value,
                    pol_round,
                });
                self.own_proposal(round, value, pol_round)
            }
            From::CastVote(cast) => self.own_vote(cast),
            From::Decide(block, certificate) => {
                let round = certificate.round.0;
                let value = self.world.value(block.id());
                self.answer.push(Output::Decide { round, value });
                Vec::new()
            }
            From::InvalidDecision(_) => {
                self.halted = true;
                Vec::new()
            }
            other => {
                self.note(&other);
                Vec::new()
            }
        }
    }

    /// Timers and wishes, the wish for a block after its timer.
    fn note(&mut self, output: &round_machine::Output) {
        use round_machine::Output as From;
        match *output {
            From::BuildBlock(round) => self.answer.push(Output::GetValue(round.0)),
            From::Schedule(kind, round, _) => {
                let Some(timer) = timer(kind) else { return };
                let wish = self
                    .answer
                    .pop_if(|last| *last == Output::GetValue(round.0));
                self.answer.push(Output::ScheduleTimeout(timer, round.0));
                self.answer.extend(wish);
            }
            _ => {}
        }
    }

    fn own_proposal(
        &mut self,
        round: u32,
        value: u64,
        valid_round: Option<u32>,
    ) -> Vec<round_machine::Input> {
        if self.rules == Rules::Paper {
            return Vec::new();
        }
        let prevote = self.world.proposal(round, value, valid_round);
        self.tell_tally(tally::Input::Proposal(prevote))
    }

    fn own_vote(&mut self, cast: CastVote) -> Vec<round_machine::Input> {
        let round = cast.round.0;
        let value = cast.block_id.map(|id| self.world.value(id));
        self.answer.push(match cast.kind {
            VoteKind::Prevote => Output::Prevote { round, value },
            VoteKind::Precommit => Output::Precommit { round, value },
        });
        if self.mutant == Some(Mutant::OwnVotesDoNotCount) {
            return Vec::new();
        }
        let slot = (cast.kind, round, self.me);
        let vote = self.world.vote(slot, value, cast.valid_round.map(|r| r.0));
        self.tell_tally(tally::Input::OwnVote(vote))
    }

    pub(crate) fn tell_tally(&mut self, input: tally::Input) -> Vec<round_machine::Input> {
        let fact = |output| match output {
            tally::Output::Fact(_, Fact::NobodyLeft(..) | Fact::ProposerSilent(_)) => None,
            tally::Output::Fact(_, fact) => Some(round_machine::Input::Fact(fact)),
            _ => None,
        };
        let told = self.tally.step(NOW, input).into_iter().filter_map(fact);
        match self.mutant {
            Some(mutant) => told
                .filter(|fact| !mutant.withholds(fact, self.machine.round()))
                .collect(),
            None => told.collect(),
        }
    }
}

fn timeout(kind: TimeoutKind, round: u32) -> Vec<round_machine::Input> {
    vec![round_machine::Input::Timeout(kind, Round(round))]
}

fn timer(kind: TimeoutKind) -> Option<Timer> {
    match kind {
        TimeoutKind::Propose => Some(Timer::Propose),
        TimeoutKind::Prevote => Some(Timer::Prevote),
        TimeoutKind::Precommit => Some(Timer::Precommit),
        // E6 and E12 have no counterpart.
        TimeoutKind::Resend | TimeoutKind::Pause => None,
    }
}

/// The valid rounds of all proposals of a scenario, the own ones among them.
pub(crate) fn valid_rounds(scenario: &Scenario) -> ValidRounds {
    let others = scenario.inputs.iter().filter_map(|input| match *input {
        Input::Proposal {
            round,
            value,
            pol_round,
            ..
        } => Some(((round, value), pol_round)),
        _ => None,
    });
    let own = scenario.answers.iter().flatten();
    let own = own.filter_map(|output| match *output {
        Output::Propose {
            round,
            value,
            pol_round,
        } => Some(((round, value), pol_round)),
        _ => None,
    });
    let mut known: BTreeMap<(u32, u64), Option<u32>> = BTreeMap::new();
    for (key, pol_round) in others.chain(own) {
        let first = *known.entry(key).or_insert(pol_round);
        assert_eq!(first, pol_round, "a second proposal of {key:?}");
    }
    let named = |(key, pol_round): (_, Option<u32>)| Some((key, pol_round?));
    known.into_iter().filter_map(named).collect()
}
