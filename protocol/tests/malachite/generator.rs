//! Input sequences from a seed: four validators of equal power, one height, 40 to 80 inputs.
//!
//! Uniform noise almost never meets a quorum, so every round has a *plan*: the value that most
//! voters favour in it, and the one proposal that its proposer sends. Timeouts and built values
//! answer what the reference asked for. Because of that a sequence is made by running the
//! reference along; the finished [`Scenario`] is plain data that any implementation can replay.

use std::collections::BTreeMap;

use crate::neutral::{Input, Output, Timer};
use crate::reference::Reference;
use crate::rng::Rng;
use crate::scenario::Scenario;
use crate::script::{A, B, INVALID};

/// Number of validators; each has power 1, so one of them may be faulty.
pub(crate) const VALIDATORS: usize = 4;

/// Voters and proposers look at most two rounds ahead and, of their own accord, not beyond this.
const LAST_PLANNED_ROUND: u32 = 3;

/// Inputs that follow a decision, to show that a height is decided once.
const INPUTS_AFTER_DECISION: usize = 3;

/// What most validators do in a round.
#[derive(Clone, Copy)]
struct Plan {
    favourite: Option<u64>,
    /// Its proposal arrives only when the round is over: polkas on a value that is not there yet.
    late: bool,
    proposal: Option<(u64, Option<u32>)>,
}

type Slot = (Timer, u32, usize);

/// A sequence in the making.
pub(crate) struct Generator {
    rng: Rng,
    node: Reference,
    me: usize,
    height: u64,
    faulty: Option<usize>,
    equivocates: bool,
    plans: BTreeMap<u32, Plan>,
    /// The first vote of each validator; `Timer` names the step.
    votes: BTreeMap<Slot, Option<u64>>,
    /// Timers that run, and those that fired.
    running: Vec<Input>,
    fired: Vec<Input>,
    /// Rounds for which the node wants a block.
    wanted: Vec<u32>,
    /// Messages that may arrive again, the node's own among them.
    delivered: Vec<Input>,
    decided: bool,
}

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let me = rng.below(VALIDATORS);
        let height = 1 + rng.below(1000) as u64;
        let other = (me + 1 + rng.below(VALIDATORS - 1)) % VALIDATORS;
        Self {
            faulty: rng.chance(30).then_some(other),
            node: Reference::new(&[1; VALIDATORS], me, height),
            rng,
            me,
            height,
            equivocates: false,
            plans: BTreeMap::new(),
            votes: BTreeMap::new(),
            running: Vec::new(),
            fired: Vec::new(),
            wanted: Vec::new(),
            delivered: Vec::new(),
            decided: false,
        }
    }

    pub(crate) fn run(mut self, seed: u64) -> Scenario {
        let (mut inputs, mut answers) = (Vec::new(), Vec::new());
        let mut left = 40 + self.rng.below(41);
        let mut next = Input::StartHeight;
        while left > 0 {
            let answer = self.node.apply(next);
            self.observe(&answer);
            inputs.push(next);
            answers.push(answer);
            left -= 1;
            if self.decided {
                left = left.min(INPUTS_AFTER_DECISION);
                self.decided = false;
            }
            next = self.next_input();
        }
        let Self {
            me,
            height,
            equivocates,
            ..
        } = self;
        Scenario {
            seed,
            me,
            height,
            equivocates,
            inputs,
            answers,
        }
    }

    fn next_input(&mut self) -> Input {
        let input = match self.rng.below(100) {
            0..15 => self.proposal(),
            15..35 => self.timeout(),
            35..43 => self.built_value(),
            43..46 if !self.fired.is_empty() => Some(self.rng.pick(&self.fired)),
            46..50 if !self.delivered.is_empty() => Some(self.rng.pick(&self.delivered)),
            _ => None,
        };
        input.unwrap_or_else(|| self.vote())
    }

    /// Mostly the round of the node, sometimes an earlier one or one of the next two.
    fn any_round(&mut self) -> u32 {
        let now = self.node.round().expect("the first input starts round 0");
        let round = match self.rng.below(100) {
            0..12 => self.rng.below(now as usize + 1) as u32,
            12..19 => now + 1,
            19..23 => now + 2,
            _ => now,
        };
        round.min(now.max(LAST_PLANNED_ROUND))
    }

    fn plan(&mut self, round: u32) -> Plan {
        if let Some(plan) = self.plans.get(&round) {
            return *plan;
        }
        let before = self.plans.range(..round).next_back().map(|(_, plan)| *plan);
        let kept = before.and_then(|plan| plan.favourite);
        let keeps = before.is_some_and(|plan| self.rng.chance(if plan.late { 85 } else { 35 }));
        let favourite = match self.rng.below(100) {
            0..12 => None,
            12..15 => Some(INVALID),
            _ if keeps && kept.is_some() => kept,
            _ => Some(self.rng.pick(&[A, B])),
        };
        let plan = Plan {
            favourite,
            late: self.rng.chance(25),
            proposal: None,
        };
        self.plans.insert(round, plan);
        plan
    }

    fn proposer(&self, round: u32) -> usize {
        ((self.height + u64::from(round)) % VALIDATORS as u64) as usize
    }

    /// The planned proposal of a round, or a second one if its proposer is the faulty validator.
    fn proposal(&mut self) -> Option<Input> {
        let round = self.any_round();
        if self.proposer(round) == self.me {
            return None;
        }
        let plan = self.plan(round);
        if plan.late && self.node.round() <= Some(round) {
            return None;
        }
        let (value, pol_round) = match plan.proposal {
            Some((value, _)) if self.faulty == Some(self.proposer(round)) => {
                self.equivocates = true;
                (if value == A { B } else { A }, None)
            }
            Some(sent) => sent,
            None => self.plan_proposal(round, plan),
        };
        let input = Input::Proposal {
            round,
            value,
            pol_round,
            valid: value != INVALID,
        };
        self.delivered.push(input);
        Some(input)
    }

    /// The favourite, with an earlier round that favoured it as well as the round of its polka.
    fn plan_proposal(&mut self, round: u32, plan: Plan) -> (u64, Option<u32>) {
        let value = plan.favourite.unwrap_or_else(|| self.rng.pick(&[A, B]));
        let favoured = self
            .plans
            .range(..round)
            .filter(|(_, p)| p.favourite == Some(value));
        let earlier: Vec<u32> = favoured.map(|(&earlier, _)| earlier).collect();
        let newest = earlier.last().copied().filter(|_| self.rng.chance(65));
        let pol_round = newest.map(|newest| {
            if self.rng.chance(75) {
                newest
            } else {
                self.rng.pick(&earlier)
            }
        });
        self.plans.insert(
            round,
            Plan {
                proposal: Some((value, pol_round)),
                ..plan
            },
        );
        (value, pol_round)
    }

    /// A vote of another validator; what was voted once is voted again, unless by the faulty one.
    fn vote(&mut self) -> Input {
        let round = self.any_round();
        let prevotes = self.rng.chance(58);
        let step = if prevotes {
            Timer::Prevote
        } else {
            Timer::Precommit
        };
        let validator = self.voter(step, round);
        let slot = (step, round, validator);
        let mut value = self.opinion(step, round);
        match self.votes.get(&slot) {
            Some(&first) if self.faulty == Some(validator) => self.equivocates |= first != value,
            Some(&first) => value = first,
            None => {
                self.votes.insert(slot, value);
            }
        }
        let input = Input::vote(step, validator, round, value);
        self.delivered.push(input);
        input
    }

    /// Somebody else who did not vote yet, if there is one. The faulty validator likes to speak.
    fn voter(&mut self, step: Timer, round: u32) -> usize {
        if let Some(faulty) = self.faulty.filter(|_| self.rng.chance(20)) {
            return faulty;
        }
        let others = (0..VALIDATORS).filter(|&voter| voter != self.me);
        let silent = |voter: &usize| !self.votes.contains_key(&(step, round, *voter));
        let silent: Vec<usize> = others.clone().filter(silent).collect();
        let others: Vec<usize> = others.collect();
        self.rng
            .pick(if silent.is_empty() { &others } else { &silent })
    }

    /// Prevotes go with the plan of the round; precommits follow the prevotes, as honest ones do.
    fn opinion(&mut self, step: Timer, round: u32) -> Option<u64> {
        let favourite = self.plan(round).favourite;
        if step == Timer::Prevote {
            return match self.rng.below(100) {
                0..12 => None,
                12..20 => Some(self.rng.pick(&[A, B])),
                _ => favourite,
            };
        }
        let agrees = |(&(step, at, _), &value): (&Slot, &Option<u64>)| {
            step == Timer::Prevote && at == round && value == favourite
        };
        let supporters = self.votes.iter().filter(|&vote| agrees(vote)).count();
        favourite.filter(|_| self.rng.chance(if supporters > 1 { 70 } else { 10 }))
    }

    /// One of the timers that run; later ones expire first, as they belong to the present.
    fn timeout(&mut self) -> Option<Input> {
        let index = self.running.len().checked_sub(1)?;
        let index = if self.rng.chance(80) {
            index
        } else {
            self.rng.below(index + 1)
        };
        let timeout = self.running.remove(index);
        self.fired.push(timeout);
        Some(timeout)
    }

    fn built_value(&mut self) -> Option<Input> {
        let round = self.wanted.pop()?;
        let value = self.rng.pick(&[A, B]);
        Some(Input::BuiltValue { round, value })
    }

    /// Remembers what the node did, so that what follows can refer to it.
    fn observe(&mut self, answer: &[Output]) {
        for &output in answer {
            match output {
                Output::Prevote { round, value } => self.voted(Timer::Prevote, round, value),
                Output::Precommit { round, value } => self.voted(Timer::Precommit, round, value),
                Output::Propose {
                    round,
                    value,
                    pol_round,
                } => {
                    let proposal = Some((value, pol_round));
                    let plan = Plan {
                        favourite: Some(value),
                        late: false,
                        proposal,
                    };
                    self.plans.insert(round, plan);
                    self.delivered.push(Input::Proposal {
                        round,
                        value,
                        pol_round,
                        valid: true,
                    });
                }
                Output::ScheduleTimeout(timer, round) => {
                    self.running.push(Input::expired(timer, round))
                }
                Output::GetValue(round) => self.wanted.push(round),
                Output::Decide { .. } => self.decided = true,
                Output::NewRound(_) => {}
            }
        }
    }

    fn voted(&mut self, step: Timer, round: u32, value: Option<u64>) {
        self.votes.insert((step, round, self.me), value);
        self.delivered
            .push(Input::vote(step, self.me, round, value));
    }
}
