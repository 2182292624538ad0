//! The rules of the paper, read literally: after every input the whole log is searched, one rule
//! at a time, in the order that Lockstep fixes: L49, L36, L44, L28, L22, L34, L47, L55.
//!
//! Slow and plain on purpose. Without extensions two things follow the reference where the paper is
//! silent: the first vote of an equivocator is the one that counts, and only votes, not proposals,
//! let L55 skip rounds. [`extensions`] adds those of Lockstep, each on its own.

use std::collections::{BTreeMap, BTreeSet};

use crate::lockstep::ValidRounds;
use crate::neutral::{Held, Input, Output, Timer};

pub(crate) mod extensions;
mod rules;

use extensions::Extension;

/// The three steps, in their order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Propose,
    Prevote,
    Precommit,
}

#[derive(Clone, Copy)]
struct Proposal {
    round: u32,
    value: u64,
    pol_round: Option<u32>,
    valid: bool,
}

/// A vote, or under E1 a proposal that counts as one.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Vote {
    kind: Timer,
    round: u32,
    sender: usize,
    value: Option<u64>,
    /// E9.
    valid_round: Option<u32>,
}

/// One validator at one height.
pub(crate) struct Literal {
    n: usize,
    me: usize,
    height: u64,
    round: u32,
    step: Step,
    locked: Held,
    valid: Held,
    proposals: Vec<Proposal>,
    votes: Vec<Vote>,
    /// Rules that act the first time in a round only.
    done: BTreeSet<(&'static str, u32)>,
    waits_for_block: bool,
    decided: bool,
    answer: Vec<Output>,
    extensions: BTreeSet<Extension>,
    /// E9: the valid rounds that prevotes carry.
    valid_rounds: ValidRounds,
    /// E7: the latest round of each sender.
    max_rounds: BTreeMap<usize, u32>,
    /// Rounds of which Q have voted (`true`: precommitted), whatever.
    any_told: BTreeSet<(bool, u32)>,
    /// E1: the round of the newest own proposal.
    proposed: Option<u32>,
    /// E12: rounds left by E3 since the newest polka, the round of that polka, and the round that
    /// pauses.
    nil_rounds: u32,
    counts_since: Option<u32>,
    pauses: Option<u32>,
}

impl Literal {
    /// Validator `me` of `n` with equal power.
    pub(crate) fn new(n: usize, me: usize, height: u64) -> Self {
        Self {
            n,
            me,
            height,
            round: 0,
            step: Step::Propose,
            locked: None,
            valid: None,
            proposals: Vec::new(),
            votes: Vec::new(),
            done: BTreeSet::new(),
            waits_for_block: false,
            decided: false,
            answer: Vec::new(),
            extensions: BTreeSet::new(),
            valid_rounds: ValidRounds::new(),
            max_rounds: BTreeMap::new(),
            any_told: BTreeSet::new(),
            proposed: None,
            nil_rounds: 0,
            counts_since: None,
            pauses: None,
        }
    }

    /// Logs one input, then tries the rules until none applies.
    pub(crate) fn apply(&mut self, input: Input) -> Vec<Output> {
        if self.decided {
            return Vec::new();
        }
        if !self.is_own_echo(input) {
            self.take(input);
        }
        while !self.decided && self.one_rule() {}
        std::mem::take(&mut self.answer)
    }

    /// Logs a message; does what a timeout or a built block asks for.
    fn take(&mut self, input: Input) {
        match input {
            Input::StartHeight => self.start_round(0),
            Input::Proposal {
                round,
                value,
                pol_round,
                valid,
            } => {
                self.log_proposal(Proposal {
                    round,
                    value,
                    pol_round,
                    valid,
                });
            }
            Input::Prevote {
                validator,
                round,
                value,
            } => self.log_vote_of(Timer::Prevote, round, validator, value),
            Input::Precommit {
                validator,
                round,
                value,
            } => self.log_vote_of(Timer::Precommit, round, validator, value),
            Input::TimeoutPropose(round) if round == self.round && self.step == Step::Propose => {
                self.prevote(None, None);
            }
            Input::TimeoutPrevote(round) if round == self.round && self.step == Step::Prevote => {
                self.precommit(None);
            }
            Input::TimeoutPrecommit(round) if round == self.round => {
                self.answer.push(Output::NewRound(round + 1));
                self.start_round(round + 1);
            }
            Input::BuiltValue { round, value }
                if round == self.round && self.waits_for_block && self.step == Step::Propose =>
            {
                self.built(value);
            }
            _ => {}
        }
    }

    /// Locked and valid, each value and round.
    pub(crate) fn held(&self) -> (Held, Held) {
        (self.locked, self.valid)
    }

    fn log_vote_of(&mut self, kind: Timer, round: u32, sender: usize, value: Option<u64>) {
        let of_value = |value| self.valid_rounds.get(&(round, value)).copied();
        let valid_round = value.filter(|_| kind == Timer::Prevote).and_then(of_value);
        self.log_vote(Vote {
            kind,
            round,
            sender,
            value,
            valid_round,
        });
    }

    fn log_vote(&mut self, vote: Vote) {
        if !self.is_settled(&vote) {
            self.count(vote);
        }
    }

    fn count(&mut self, vote: Vote) {
        let slot = (vote.kind, vote.round, vote.sender);
        let votes = self.votes.iter();
        let in_slot = votes.filter(|v| (v.kind, v.round, v.sender) == slot);
        let told: Vec<_> = in_slot.collect();
        if told.contains(&&vote) || told.len() >= self.votes_per_slot() {
            return;
        }
        if self.is_near(vote.round) {
            self.votes.push(vote);
        }
        let latest = self.max_rounds.entry(vote.sender).or_default();
        *latest = vote.round.max(*latest);
        if self.is_near(vote.round) {
            self.note_any(vote.kind, vote.round);
        }
        self.note_any(Timer::Precommit, self.round);
        self.note_any(Timer::Prevote, self.round);
    }

    fn start_round(&mut self, round: u32) {
        self.round = round;
        self.step = Step::Propose;
        self.waits_for_block = false;
        self.note_any(Timer::Precommit, round);
        self.note_any(Timer::Prevote, round);
        if self.proposer(round) != self.me || self.ends_in_nil(round) {
            self.answer
                .push(Output::ScheduleTimeout(Timer::Propose, round));
            return;
        }
        // E8: the newest polka of the rounds before goes first.
        while self.e8() {}
        if let Some((value, valid_round)) = self.valid {
            self.propose(value, Some(valid_round));
        } else {
            self.waits_for_block = true;
            self.answer
                .push(Output::ScheduleTimeout(Timer::Propose, round));
            self.answer.push(Output::GetValue(round));
        }
    }

    fn proposer(&self, round: u32) -> usize {
        ((self.height + u64::from(round)) % self.n as u64) as usize
    }

    fn propose(&mut self, value: u64, pol_round: Option<u32>) {
        self.waits_for_block = false;
        let round = self.round;
        self.proposed = Some(round);
        self.answer.push(Output::Propose {
            round,
            value,
            pol_round,
        });
        self.log_proposal(Proposal {
            round,
            value,
            pol_round,
            valid: true,
        });
    }

    fn prevote(&mut self, value: Option<u64>, valid_round: Option<u32>) {
        self.step = Step::Prevote;
        let kind = Timer::Prevote;
        let round = self.round;
        let sender = self.me;
        self.answer.push(Output::Prevote { round, value });
        self.log_vote(Vote {
            kind,
            round,
            sender,
            value,
            valid_round,
        });
    }

    fn precommit(&mut self, value: Option<u64>) {
        self.step = Step::Precommit;
        self.answer.push(Output::Precommit {
            round: self.round,
            value,
        });
        self.log_vote_of(Timer::Precommit, self.round, self.me, value);
    }
}
