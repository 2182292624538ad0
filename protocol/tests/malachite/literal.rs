//! The rules of the paper, read literally: after every input the whole log is searched, one rule
//! at a time, in the order that Lockstep fixes: L49, L36, L44, L28, L22, L34, L47, L55.
//!
//! Slow and plain on purpose, and without any of Lockstep's extensions. Two things follow the
//! reference where the paper is silent: the first vote of an equivocator is the one that counts,
//! and only votes, not proposals, let L55 skip rounds.

use std::collections::BTreeSet;

use crate::neutral::{Held, Input, Output, Timer};

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

type Vote = (Timer, u32, usize, Option<u64>);

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
        }
    }

    /// Logs one input, then tries the rules until none applies.
    pub(crate) fn apply(&mut self, input: Input) -> Vec<Output> {
        if self.decided {
            return Vec::new();
        }
        self.take(input);
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
                self.proposals.push(Proposal {
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
            } => {
                self.log_vote((Timer::Prevote, round, validator, value));
            }
            Input::Precommit {
                validator,
                round,
                value,
            } => {
                self.log_vote((Timer::Precommit, round, validator, value));
            }
            Input::TimeoutPropose(round) if round == self.round && self.step == Step::Propose => {
                self.prevote(None);
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
                self.propose(value, None);
            }
            _ => {}
        }
    }

    /// Locked and valid, each value and round.
    pub(crate) fn held(&self) -> (Held, Held) {
        (self.locked, self.valid)
    }

    fn log_vote(&mut self, vote: Vote) {
        if !self
            .votes
            .iter()
            .any(|&(k, r, who, _)| (k, r, who) == (vote.0, vote.1, vote.2))
        {
            self.votes.push(vote);
        }
    }

    fn start_round(&mut self, round: u32) {
        self.round = round;
        self.step = Step::Propose;
        self.waits_for_block = false;
        let proposer = ((self.height + u64::from(round)) % self.n as u64) as usize;
        if proposer != self.me {
            self.answer
                .push(Output::ScheduleTimeout(Timer::Propose, round));
        } else if let Some((value, valid_round)) = self.valid {
            self.propose(value, Some(valid_round));
        } else {
            self.waits_for_block = true;
            self.answer
                .push(Output::ScheduleTimeout(Timer::Propose, round));
            self.answer.push(Output::GetValue(round));
        }
    }

    fn propose(&mut self, value: u64, pol_round: Option<u32>) {
        self.waits_for_block = false;
        let round = self.round;
        self.answer.push(Output::Propose {
            round,
            value,
            pol_round,
        });
        self.proposals.push(Proposal {
            round,
            value,
            pol_round,
            valid: true,
        });
    }

    fn prevote(&mut self, value: Option<u64>) {
        self.step = Step::Prevote;
        self.answer.push(Output::Prevote {
            round: self.round,
            value,
        });
        self.log_vote((Timer::Prevote, self.round, self.me, value));
    }

    fn precommit(&mut self, value: Option<u64>) {
        self.step = Step::Precommit;
        self.answer.push(Output::Precommit {
            round: self.round,
            value,
        });
        self.log_vote((Timer::Precommit, self.round, self.me, value));
    }

    fn quorum(&self, kind: Timer, round: u32, matches: impl Fn(Option<u64>) -> bool) -> bool {
        let count = self
            .votes
            .iter()
            .filter(|v| v.0 == kind && v.1 == round && matches(v.3))
            .count();
        3 * count > 2 * self.n
    }

    fn once(&mut self, rule: &'static str) -> bool {
        self.done.insert((rule, self.round))
    }

    fn one_rule(&mut self) -> bool {
        self.l49() || self.l36() || self.l44() || self.l28_l22() || self.timers() || self.l55()
    }

    /// Any round decides.
    fn l49(&mut self) -> bool {
        let quorum = |p: &&Proposal| {
            p.valid && self.quorum(Timer::Precommit, p.round, |v| v == Some(p.value))
        };
        let Some(&Proposal { round, value, .. }) = self.proposals.iter().find(quorum) else {
            return false;
        };
        self.decided = true;
        self.answer.push(Output::Decide { round, value });
        true
    }

    /// A polka on a proposal of this round: lock while in prevote, remember in precommit too.
    fn l36(&mut self) -> bool {
        let (round, step) = (self.round, self.step);
        let polka = |p: &&Proposal| {
            p.valid
                && p.round == round
                && self.quorum(Timer::Prevote, round, |v| v == Some(p.value))
        };
        if step < Step::Prevote {
            return false;
        }
        let Some(&Proposal { value, .. }) = self.proposals.iter().find(polka) else {
            return false;
        };
        if !self.once("L36") {
            return false;
        }
        self.valid = Some((value, round));
        if step == Step::Prevote {
            self.locked = Some((value, round));
            self.precommit(Some(value));
        }
        true
    }

    /// A polka on nil.
    fn l44(&mut self) -> bool {
        let nil = self.quorum(Timer::Prevote, self.round, |v| v.is_none());
        if self.step == Step::Prevote && nil {
            self.precommit(None);
            return true;
        }
        false
    }

    /// The first proposal that either names no polka or names one that is in the log.
    fn l28_l22(&mut self) -> bool {
        if self.step != Step::Propose {
            return false;
        }
        let usable = |p: &&Proposal| {
            p.round == self.round
                && p.pol_round.is_none_or(|vr| {
                    vr < p.round && self.quorum(Timer::Prevote, vr, |v| v == Some(p.value))
                })
        };
        let Some(&p) = self.proposals.iter().find(usable) else {
            return false;
        };
        let free = match (self.locked, p.pol_round) {
            (None, _) => true,
            (Some((value, _)), None) => value == p.value,
            (Some((value, round)), Some(vr)) => round <= vr || value == p.value,
        };
        self.prevote((p.valid && free).then_some(p.value));
        true
    }

    /// L34 and L47.
    fn timers(&mut self) -> bool {
        let round = self.round;
        if self.step == Step::Prevote
            && self.quorum(Timer::Prevote, round, |_| true)
            && self.once("L34")
        {
            self.answer
                .push(Output::ScheduleTimeout(Timer::Prevote, round));
            return true;
        }
        if self.quorum(Timer::Precommit, round, |_| true) && self.once("L47") {
            self.answer
                .push(Output::ScheduleTimeout(Timer::Precommit, round));
            return true;
        }
        false
    }

    /// The latest round that more than a third of the validators voted in.
    fn l55(&mut self) -> bool {
        let later = self
            .votes
            .iter()
            .map(|v| v.1)
            .filter(|&r| r > self.round)
            .max();
        let Some(top) = later else { return false };
        for round in (self.round + 1..=top).rev() {
            let senders: BTreeSet<usize> = self
                .votes
                .iter()
                .filter(|v| v.1 == round)
                .map(|v| v.2)
                .collect();
            if 3 * senders.len() > self.n {
                self.answer.push(Output::NewRound(round));
                self.start_round(round);
                return true;
            }
        }
        false
    }
}
