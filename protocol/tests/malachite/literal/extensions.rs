//! Lockstep's extensions in the literal rules, each on its own, so that it can be left out.

use std::collections::BTreeSet;

use super::{Literal, Proposal, Step, Vote};
use crate::lockstep::ValidRounds;
use crate::neutral::{Input, Output, Timer};

/// What Lockstep adds to the paper. E4, E5, E6 and E11 need a clock or a network, which is not here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Extension {
    /// A proposal counts as its sender's prevote.
    E1,
    /// A sender's first vote for what has its quorum already is not looked at, nor is any once Q
    /// precommitted one block.
    E2,
    /// A nil polka ends the round.
    E3,
    /// Beyond the next round only the latest round of each sender is kept.
    E7,
    /// A polka of an older round makes its value the valid one.
    E8,
    /// Prevotes carry the valid round of the proposal, and only those that agree make a polka.
    E9,
    /// Two votes of an equivocator are counted.
    E10,
    /// Nil polkas that end rounds one after another end them later and later.
    E12,
    /// Precommits of one round decide a block that is known from a proposal of another.
    AnyBlock,
    /// Whoever is further on counts towards "Q have voted, whatever" (L34, L47), which only starts
    /// timers: its earlier vote may be lost for good.
    FurtherOn,
}

impl Extension {
    pub(crate) const ALL: [Self; 10] = [
        Self::E1,
        Self::E2,
        Self::E3,
        Self::E7,
        Self::E8,
        Self::E9,
        Self::E10,
        Self::E12,
        Self::AnyBlock,
        Self::FurtherOn,
    ];
}

impl Literal {
    /// The same validator with extensions.
    pub(crate) fn with(
        mut self,
        extensions: impl IntoIterator<Item = Extension>,
        valid_rounds: ValidRounds,
    ) -> Self {
        self.extensions = extensions.into_iter().collect();
        self.valid_rounds = valid_rounds;
        self
    }

    pub(super) fn has(&self, extension: Extension) -> bool {
        self.extensions.contains(&extension)
    }

    /// What the reference said comes back as an input; with extensions this node may have said
    /// something else, and hears its own messages from itself alone.
    pub(super) fn is_own_echo(&self, input: Input) -> bool {
        let own = match input {
            Input::Proposal { round, .. } => self.proposer(round) == self.me,
            Input::Prevote { validator, .. } | Input::Precommit { validator, .. } => {
                validator == self.me
            }
            _ => false,
        };
        own && !self.extensions.is_empty()
    }

    /// E1 and E7: a proposal is a vote too, and one of a far round is nothing else.
    pub(super) fn log_proposal(&mut self, proposal: Proposal) {
        if self.is_near(proposal.round) {
            self.proposals.push(proposal);
        }
        if self.has(Extension::E1) {
            self.count(Vote {
                kind: Timer::Prevote,
                round: proposal.round,
                sender: self.proposer(proposal.round),
                value: Some(proposal.value),
                valid_round: proposal.pol_round,
            });
        }
    }

    /// E8: a value that became valid meanwhile goes before the block.
    pub(super) fn built(&mut self, block: u64) {
        match self.valid {
            Some((value, round)) => self.propose(value, Some(round)),
            None => self.propose(block, None),
        }
    }

    /// E7.
    pub(super) fn is_near(&self, round: u32) -> bool {
        round <= self.round + 1 || !self.has(Extension::E7)
    }

    /// E10.
    pub(super) fn votes_per_slot(&self) -> usize {
        if self.has(Extension::E10) { 2 } else { 1 }
    }

    /// E2.
    pub(super) fn is_settled(&self, vote: &Vote) -> bool {
        if !self.has(Extension::E2) || vote.round > self.round {
            return false;
        }
        let slot = (vote.kind, vote.round, vote.sender);
        let mut votes = self.votes.iter();
        if votes.any(|v| (v.kind, v.round, v.sender) == slot) {
            return false;
        }
        let value = (vote.value, vote.valid_round);
        let settled = self.quorum(vote.kind, vote.round, |v| (v.value, v.valid_round) == value);
        let nil_precommit = vote.kind == Timer::Precommit && vote.value.is_none();
        settled && !nil_precommit || self.holds_commit()
    }

    /// Q precommitted one block, known or not.
    fn holds_commit(&self) -> bool {
        let precommits = self.votes.iter().filter(|v| v.kind == Timer::Precommit);
        precommits
            .filter(|v| v.value.is_some())
            .any(|vote| self.quorum(Timer::Precommit, vote.round, |v| v.value == vote.value))
    }

    /// Nobody can lock a value in this round: leave it, after the own nil votes.
    pub(super) fn e3(&mut self) -> bool {
        let nil = self.quorum(Timer::Prevote, self.round, |v| v.value.is_none());
        if !self.has(Extension::E3) || !nil || self.pauses == Some(self.round) {
            return false;
        }
        if self.step == Step::Propose {
            self.prevote(None, None);
            self.precommit(None);
        }
        if self.e12() {
            return true;
        }
        self.answer.push(Output::NewRound(self.round + 1));
        self.start_round(self.round + 1);
        true
    }

    /// E12: of four validators one may be faulty, so the third round in a row pauses. No scenario has
    /// the timer that ends it; others or L65 do.
    fn e12(&mut self) -> bool {
        let newest = self.newest_polka();
        if newest > self.counts_since {
            (self.nil_rounds, self.counts_since) = (0, newest);
        }
        self.nil_rounds += 1;
        let pauses = self.has(Extension::E12) && self.nil_rounds > 2;
        if pauses {
            self.pauses = Some(self.round);
        }
        pauses
    }

    /// The newest round with a polka on any value, be it known or not.
    fn newest_polka(&self) -> Option<u32> {
        let prevotes = self.votes.iter().filter(|v| v.kind == Timer::Prevote);
        let with_polka =
            prevotes.filter(|v| v.value.is_some_and(|value| self.polka(v.round, value)));
        with_polka.map(|v| v.round).max()
    }

    /// E3 and E1: in a round that is known to end in nil a proposal would contradict the own nil
    /// prevote.
    pub(super) fn ends_in_nil(&self, round: u32) -> bool {
        let nil = self.quorum(Timer::Prevote, round, |v| v.value.is_none());
        self.has(Extension::E3) && nil
    }

    /// Q have voted in this round, whatever; once true it stays true.
    pub(super) fn any_quorum(&self, kind: Timer, round: u32) -> bool {
        let told = self.any_told.contains(&(kind == Timer::Precommit, round));
        told || self.counts_any_quorum(kind, round)
    }

    /// Looks at a round as a vote of it comes, and at the current round as any vote comes.
    pub(super) fn note_any(&mut self, kind: Timer, round: u32) {
        if self.counts_any_quorum(kind, round) {
            self.any_told.insert((kind == Timer::Precommit, round));
        }
    }

    fn counts_any_quorum(&self, kind: Timer, round: u32) -> bool {
        let in_round = |kind| {
            let votes = self
                .votes
                .iter()
                .filter(move |v| v.kind == kind && v.round == round);
            votes.map(|v| v.sender)
        };
        let mut senders: BTreeSet<usize> = in_round(kind).collect();
        if self.has(Extension::FurtherOn) {
            let later = self.max_rounds.iter().filter(|(_, r)| **r > round);
            let later: Vec<usize> = later.map(|(sender, _)| *sender).collect();
            // More than a third of them let L55 skip this round instead.
            if 3 * later.len() <= self.n {
                senders.extend(later);
            }
            if kind == Timer::Prevote && !self.any_told.contains(&(true, round)) {
                senders.extend(in_round(Timer::Precommit));
            }
        }
        3 * senders.len() > 2 * self.n
    }

    /// The newest polka of an older round, if it is newer than the valid value.
    pub(super) fn e8(&mut self) -> bool {
        if !self.has(Extension::E8) {
            return false;
        }
        let oldest = self.valid.map_or(0, |(_, round)| round + 1);
        let known = self.proposals.iter().filter(|p| p.valid);
        let candidates = known.flat_map(|p| (oldest..self.round).map(|round| (p.value, round)));
        let found = candidates
            .filter(|&(value, round)| self.polka(round, value))
            .max_by_key(|&(_, round)| round);
        if found.is_some() {
            self.valid = found;
        }
        found.is_some()
    }
}
