//! Counting: a ballot enters, thresholds are looked at, facts are told once.
use super::{Ballot, Ballots, Form, Output, RoundVotes, Tally, Told};
use crate::consensus::facts::Fact;
use crate::consensus::round_machine::Rules;
use crate::limits::VALUES_PER_VOTER_MAX;
use crate::nouns::commit::{self, CommitCertificate, PolkaCertificate, Signers};
use crate::nouns::evidence::Evidence;
use crate::nouns::proposal::{Proposal, SignedMessage};
use crate::nouns::vote::{Signature, VoteKind};
use crate::types::{Address, BlockId, Instant, Round};
use crate::validators::set::Power;
use crate::validators::set::{Validator, ValidatorIndex, ValidatorSet};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Tally {
    pub(super) fn count(
        &mut self,
        index: ValidatorIndex,
        kind: VoteKind,
        round: Round,
        ballot: Ballot,
        now: Instant,
        out: &mut Vec<Output>,
    ) {
        if let Some(validator) = self.set.get(index) {
            let place = (self.height, round, kind);
            self.silence.heard(validator.address, place, now);
        }
        let seen = self.max_round.entry(index).or_insert(round);
        *seen = (*seen).max(round);
        // E7: beyond the next round only the fact that somebody is there is kept.
        let near = round <= self.round.unwrap_or_default().next();
        if near || self.rules == Rules::Paper {
            self.add(index, kind, round, ballot, out);
            self.tell_round(kind, round, out);
        }
        self.tell_left(out);
        self.tell_reached(out);
        self.tell_silence(out);
    }

    fn add(
        &mut self,
        index: ValidatorIndex,
        kind: VoteKind,
        round: Round,
        ballot: Ballot,
        out: &mut Vec<Output>,
    ) {
        let ballots = self
            .rounds
            .entry(round)
            .or_default()
            .of_mut(kind)
            .0
            .entry(index)
            .or_default();
        let value = (ballot.block_id, ballot.valid_round);
        let known = ballots.iter().any(|b| (b.block_id, b.valid_round) == value);
        if known || ballots.len() >= values_max() {
            return;
        }
        ballots.push(ballot);
        if let [first, second] = ballots.clone().as_slice()
            && let Some(evidence) = self.evidence(index, kind, round, first, second)
        {
            if evidence.validator() == self.me {
                out.push(Output::OwnEquivocation(self.height));
            }
            out.push(Output::Evidence(Box::new(evidence)));
        }
    }

    fn evidence(
        &self,
        index: ValidatorIndex,
        kind: VoteKind,
        round: Round,
        first: &Ballot,
        second: &Ballot,
    ) -> Option<Evidence> {
        planted!(EvidenceDropped => return None);
        let said = |ballot: &Ballot| {
            Some(match ballot.form {
                Form::Vote => SignedMessage::Vote(self.signed_vote(index, kind, round, ballot)?),
                Form::Proposal => SignedMessage::Proposal(Proposal {
                    height: self.height,
                    round,
                    block_id: ballot.block_id?,
                    valid_round: ballot.valid_round,
                    proposer: self.set.get(index)?.address,
                    signature: ballot.signature.clone(),
                }),
            })
        };
        Some(Evidence::of(said(first)?, said(second)?))
    }

    pub(super) fn tell_all(&mut self, out: &mut Vec<Output>) {
        let rounds: Vec<Round> = self.rounds.keys().copied().collect();
        for round in rounds {
            self.tell_round(VoteKind::Prevote, round, out);
            self.tell_round(VoteKind::Precommit, round, out);
        }
        self.tell_left(out);
        self.tell_reached(out);
        self.tell_silence(out);
    }

    fn tell_round(&mut self, kind: VoteKind, round: Round, out: &mut Vec<Output>) {
        let Some(votes) = self.rounds.get(&round) else {
            return;
        };
        let ballots = votes.of(kind);
        let mut facts = Vec::new();
        for value in ballots.values() {
            let key = Told::Value(kind, round, value.0, value.1);
            if !self.told.contains(&key) && self.has_quorum(votes, kind, value) {
                facts.extend(
                    self.value_fact(kind, round, value, ballots)
                        .map(|f| (key, f)),
                );
            }
        }
        for (key, fact) in facts {
            self.told.insert(key);
            self.decided |= matches!(fact, Fact::Commit(_));
            out.push(Output::Fact(self.height, fact));
        }
        self.tell_any(kind, round, out);
    }

    fn has_quorum(&self, votes: &RoundVotes, kind: VoteKind, value: Value) -> bool {
        planted!(DecideOnAny => if kind == VoteKind::Precommit {
            let all = votes.precommits.0.keys().copied();
            return self.set.is_quorum(self.set.power_of(all));
        });
        self.set
            .is_quorum(votes.of(kind).power_for(&self.set, value))
    }

    /// L34 and L47. Whoever is further on counts as well: after a restart it repeats only its
    /// newest votes, and others would wait for the earlier ones for ever. The facts only start
    /// timeouts, and those may fire at any time without hurting safety.
    fn tell_any(&mut self, kind: VoteKind, round: Round, out: &mut Vec<Output>) {
        let any = Told::Any(kind, round);
        if self.told.contains(&any) {
            return;
        }
        let ballots = self.rounds.get(&round).map(|votes| votes.of(kind));
        let voters = ballots.into_iter().flat_map(|ballots| ballots.0.keys());
        let mut counted: BTreeSet<ValidatorIndex> = voters.copied().collect();
        if self.rules == Rules::Extended {
            counted.extend(self.further_on(kind, round));
        }
        if self.set.is_quorum(self.set.power_of(counted)) {
            self.told.insert(any);
            let fact = match kind {
                VoteKind::Prevote => Fact::PrevotesAny(round),
                VoteKind::Precommit => Fact::PrecommitsAny(round),
            };
            out.push(Output::Fact(self.height, fact));
        }
    }

    /// Who has left this phase, unless enough have to bring this node after them by another rule:
    /// S in later rounds by L55, Q precommits by L47.
    fn further_on(&self, kind: VoteKind, round: Round) -> Vec<ValidatorIndex> {
        planted!(NobodyFurtherOn => return Vec::new());
        let later = self.max_round.iter().filter(|(_, seen)| **seen > round);
        let mut found: Vec<ValidatorIndex> = later.map(|(index, _)| *index).collect();
        if self
            .set
            .is_skip_set(self.set.power_of(found.iter().copied()))
        {
            found.clear();
        }
        let precommits_told = self.told.contains(&Told::Any(VoteKind::Precommit, round));
        if kind == VoteKind::Prevote && !precommits_told {
            let votes = self.rounds.get(&round).into_iter();
            found.extend(votes.flat_map(|votes| votes.precommits.0.keys()));
        }
        found
    }

    /// Whether Q have left the current round or one of its phases, which any message may show.
    pub(super) fn tell_left(&mut self, out: &mut Vec<Output>) {
        let Some(round) = self.round else { return };
        if self.rules == Rules::Extended {
            self.tell_any(VoteKind::Precommit, round, out);
            self.tell_any(VoteKind::Prevote, round, out);
            self.tell_nobody_left(VoteKind::Precommit, round, out);
            self.tell_nobody_left(VoteKind::Prevote, round, out);
        }
    }

    /// E11: whether more votes of this phase can come from anybody. They can from whoever has sent
    /// none, has not left the phase, and has not been silent for long. That this node has sent its
    /// own vote is part of it. A round in which somebody has seen a polka is waited for all the same:
    /// a proposal, or a vote that others have overtaken, may be what is missing.
    fn tell_nobody_left(&mut self, kind: VoteKind, round: Round, out: &mut Vec<Output>) {
        let told = Told::NobodyLeft(kind, round);
        if self.told.contains(&told) || !self.told.contains(&Told::Any(kind, round)) {
            return;
        }
        if self.has_polka(round) {
            return;
        }
        let may_come = |(index, validator): (ValidatorIndex, &Validator)| {
            let has_left = self.has_left(index, kind, round);
            !has_left && !self.silence.suspects(&self.set, &validator.address)
        };
        if !self.set.iter().enumerate().any(may_come) {
            self.told.insert(told);
            let fact = Fact::NobodyLeft(kind, round);
            out.push(Output::Fact(self.height, fact));
        }
    }

    /// Whether a value has its quorum in this round, here or where somebody has precommitted it.
    fn has_polka(&self, round: Round) -> bool {
        planted!(PolkaNotWaitedFor => return false);
        let is_of_value =
            |told: &Told| matches!(told, Told::Value(_, r, Some(_), _) if *r == round);
        let votes = self.rounds.get(&round);
        let precommitted = votes
            .into_iter()
            .flat_map(|votes| votes.precommits.values());
        let mut precommitted = precommitted.filter_map(|(block_id, _)| block_id);
        self.told.iter().any(is_of_value) || precommitted.next().is_some()
    }

    /// Whether this validator has sent a vote of the phase, or a message of a later one.
    fn has_left(&self, index: ValidatorIndex, kind: VoteKind, round: Round) -> bool {
        let is_later = self.max_round.get(&index).is_some_and(|seen| *seen > round);
        let sent = |kind| {
            let votes = self.rounds.get(&round);
            votes.is_some_and(|votes| votes.of(kind).0.contains_key(&index))
        };
        is_later || sent(kind) || sent(VoteKind::Precommit)
    }

    fn value_fact(
        &self,
        kind: VoteKind,
        round: Round,
        (block_id, valid_round): Value,
        ballots: &Ballots,
    ) -> Option<Fact> {
        let members = ballots.members((block_id, valid_round));
        let taken = commit::cut_to_quorum(&self.set, members)?;
        let signers = Signers::collect(&self.set, taken.iter().copied());
        let height = self.height;
        match (kind, block_id) {
            (VoteKind::Prevote, None) => Some(Fact::NilPolka(round)),
            // Q precommits for nil decide nothing; L47 has them among "any".
            (VoteKind::Precommit, None) => None,
            (VoteKind::Precommit, Some(block_id)) => {
                let certificate = CommitCertificate {
                    height,
                    round,
                    block_id,
                    signers,
                };
                Some(Fact::Commit(Arc::new(certificate)))
            }
            (VoteKind::Prevote, Some(block_id)) => {
                let proposer = ballots.proposal_by((Some(block_id), valid_round));
                let by_proposal = proposer
                    .filter(|index| taken.iter().any(|(member, _)| member == index))
                    .and_then(|index| u16::try_from(index).ok());
                let polka = PolkaCertificate {
                    height,
                    round,
                    block_id,
                    valid_round,
                    signers,
                    by_proposal,
                };
                Some(Fact::Polka(Arc::new(polka)))
            }
        }
    }

    /// L55: the largest later round that S have reached. A sender counts once, whatever it sent.
    fn tell_reached(&mut self, out: &mut Vec<Output>) {
        let reached = match self.rules {
            Rules::Extended => self.reached_by_skip_set(),
            Rules::Paper => self.round_of_skip_set(),
        };
        let Some(reached) = reached.filter(|r| self.round.is_none_or(|current| *r > current))
        else {
            return;
        };
        if self.told.insert(Told::Reached(reached)) {
            out.push(Output::Fact(self.height, Fact::Reached(reached)));
        }
    }

    /// E7: whoever is in a later round has been in this one, so it counts for both.
    fn reached_by_skip_set(&self) -> Option<Round> {
        let mut rounds: Vec<(Round, Power)> = self
            .max_round
            .iter()
            .map(|(index, round)| (*round, self.set.power(*index)))
            .collect();
        rounds.sort_by_key(|(round, _)| std::cmp::Reverse(*round));
        let mut power: Power = 0;
        rounds.into_iter().find_map(|(round, p)| {
            power = power.saturating_add(p);
            self.set.is_skip_set(power).then_some(round)
        })
    }

    /// The paper: S have sent votes of exactly this round.
    fn round_of_skip_set(&self) -> Option<Round> {
        self.rounds.iter().rev().find_map(|(round, votes)| {
            let prevoters = votes.prevotes.0.keys();
            let voters: BTreeSet<_> = prevoters
                .chain(votes.precommits.0.keys())
                .copied()
                .collect();
            self.set
                .is_skip_set(self.set.power_of(voters))
                .then_some(*round)
        })
    }

    /// E11: whether the proposer has left this round, and nobody has seen a proposal in it. It will
    /// make none any more: its key may have signed there what it does not know.
    fn has_passed(&self, proposer: &Address, round: Round) -> bool {
        planted!(WaitsForNobody => return false);
        let index = self.set.index_of(proposer);
        let seen = index.and_then(|index| self.max_round.get(&index));
        let is_later = seen.is_some_and(|seen| *seen > round);
        let prevotes = self.rounds.get(&round).map(|votes| &votes.prevotes);
        let mut values = prevotes.into_iter().flat_map(|ballots| ballots.values());
        self.rules == Rules::Extended && is_later && values.all(|(block_id, _)| block_id.is_none())
    }

    /// E4, looked at whenever a round begins and whenever somebody is heard.
    pub(super) fn tell_silence(&mut self, out: &mut Vec<Output>) {
        let Some(round) = self.round else { return };
        if self.told.contains(&Told::Silent(round)) {
            return;
        }
        let proposer = self.set.proposer(self.height, round);
        if self.silence.suspects(&self.set, &proposer) || self.has_passed(&proposer, round) {
            self.told.insert(Told::Silent(round));
            out.push(Output::Fact(self.height, Fact::ProposerSilent(round)));
        }
    }
}

/// E10.
pub(super) fn values_max() -> usize {
    planted!(FirstVoteWins => return 1);
    VALUES_PER_VOTER_MAX
}

type Value = (Option<BlockId>, Option<Round>);

impl Ballots {
    /// The distinct values voted for.
    pub(super) fn values(&self) -> Vec<Value> {
        let all = self
            .0
            .values()
            .flatten()
            .map(|b| (b.block_id, b.valid_round));
        all.collect::<BTreeSet<_>>().into_iter().collect()
    }

    pub(super) fn members(
        &self,
        value: Value,
    ) -> impl Iterator<Item = (ValidatorIndex, &Signature)> {
        self.0.iter().filter_map(move |(index, ballots)| {
            let ballot = ballots.iter().find(|ballot| ballot.is_for(value))?;
            Some((*index, &ballot.signature))
        })
    }

    fn power_for(&self, set: &ValidatorSet, value: Value) -> Power {
        set.power_of(self.members(value).map(|(index, _)| index))
    }

    fn proposal_by(&self, value: Value) -> Option<ValidatorIndex> {
        let says = |b: &Ballot| b.form == Form::Proposal && (b.block_id, b.valid_round) == value;
        self.0
            .iter()
            .find(|(_, ballots)| ballots.iter().any(says))
            .map(|(index, _)| *index)
    }
}

impl Ballot {
    /// E9: only with the same valid round.
    fn is_for(&self, value: Value) -> bool {
        planted!(AnyValidRound => return self.block_id == value.0);
        (self.block_id, self.valid_round) == value
    }
}
