//! The rules that fire on what the log holds. Each returns whether it acted.

use std::collections::BTreeSet;

use super::extensions::Extension;
use super::{Literal, Proposal, Step, Vote};
use crate::neutral::{Output, Timer};

impl Literal {
    /// Whether Q have sent such a vote.
    pub(super) fn quorum(&self, kind: Timer, round: u32, matches: impl Fn(&Vote) -> bool) -> bool {
        let votes = self.votes.iter();
        let such = votes.filter(|v| v.kind == kind && v.round == round && matches(v));
        let senders: BTreeSet<usize> = such.map(|v| v.sender).collect();
        3 * senders.len() > 2 * self.n
    }

    /// Whether Q prevoted this value, with one and the same valid round.
    pub(super) fn polka(&self, round: u32, value: u64) -> bool {
        let prevotes = self.votes.iter();
        let valid_rounds: BTreeSet<_> = prevotes.map(|v| v.valid_round).collect();
        let mut valid_rounds = valid_rounds.into_iter();
        valid_rounds.any(|vr| self.quorum(Timer::Prevote, round, |v| self.supports(v, value, vr)))
    }

    pub(super) fn supports(&self, vote: &Vote, value: u64, valid_round: Option<u32>) -> bool {
        let named = !self.has(Extension::E9) || vote.valid_round == valid_round;
        vote.value == Some(value) && named
    }

    fn once(&mut self, rule: &'static str) -> bool {
        self.done.insert((rule, self.round))
    }

    pub(super) fn one_rule(&mut self) -> bool {
        self.l49()
            || self.l36()
            || self.l44()
            || self.e3()
            || self.l28_l22()
            || self.timers()
            || self.l55()
            || self.e8()
    }

    /// Any round decides.
    fn l49(&mut self) -> bool {
        let Some((round, value)) = self.decision() else {
            return false;
        };
        self.decided = true;
        self.answer.push(Output::Decide { round, value });
        true
    }

    fn decision(&self) -> Option<(u32, u64)> {
        let precommits =
            |round, value| self.quorum(Timer::Precommit, round, |v| v.value == Some(value));
        let last = self.votes.iter().map(|v| v.round).max()?;
        self.proposals.iter().filter(|p| p.valid).find_map(|p| {
            let mut rounds = if self.has(Extension::AnyBlock) {
                0..=last
            } else {
                p.round..=p.round
            };
            let round = rounds.find(|&round| precommits(round, p.value))?;
            Some((round, p.value))
        })
    }

    /// A polka on a proposal of this round: lock while in prevote, remember in precommit too.
    fn l36(&mut self) -> bool {
        let (round, step) = (self.round, self.step);
        let polka = |p: &&Proposal| {
            p.valid
                && p.round == round
                && self.quorum(Timer::Prevote, round, |v| {
                    self.supports(v, p.value, p.pol_round)
                })
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
        let nil = self.quorum(Timer::Prevote, self.round, |v| v.value.is_none());
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
                && p.pol_round
                    .is_none_or(|vr| vr < p.round && self.polka(vr, p.value))
        };
        let Some(&p) = self.proposals.iter().find(usable) else {
            return false;
        };
        let free = match (self.locked, p.pol_round) {
            (None, _) => true,
            (Some((value, _)), None) => value == p.value,
            (Some((value, round)), Some(vr)) => round <= vr || value == p.value,
        };
        if self.has(Extension::E1) && self.proposed == Some(self.round) {
            self.step = Step::Prevote;
        } else if p.valid && free {
            self.prevote(Some(p.value), p.pol_round);
        } else {
            self.prevote(None, None);
        }
        true
    }

    /// L34 and L47.
    fn timers(&mut self) -> bool {
        let round = self.round;
        if self.step == Step::Prevote && self.any_quorum(Timer::Prevote, round) && self.once("L34")
        {
            self.answer
                .push(Output::ScheduleTimeout(Timer::Prevote, round));
            return true;
        }
        if self.any_quorum(Timer::Precommit, round) && self.once("L47") {
            self.answer
                .push(Output::ScheduleTimeout(Timer::Precommit, round));
            return true;
        }
        false
    }

    /// The latest round that more than a third of the validators voted in.
    fn l55(&mut self) -> bool {
        let Some(round) = self.reached() else {
            return false;
        };
        self.answer.push(Output::NewRound(round));
        self.start_round(round);
        true
    }

    fn reached(&self) -> Option<u32> {
        let latest = *self.max_rounds.values().max()?;
        let mut later = (self.round + 1..=latest).rev();
        later.find(|&round| 3 * self.senders(round).len() > self.n)
    }

    fn senders(&self, round: u32) -> BTreeSet<usize> {
        if self.has(Extension::E7) {
            let beyond = self.max_rounds.iter().filter(|(_, r)| **r >= round);
            return beyond.map(|(sender, _)| *sender).collect();
        }
        let votes = self.votes.iter().filter(|v| v.round == round);
        votes.map(|v| v.sender).collect()
    }
}
