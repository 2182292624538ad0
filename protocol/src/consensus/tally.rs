//! The votes of one height: admitted cheapest check first, verified, counted, and turned into
//! [`Fact`]s. The brain of the VoteCollector.
//!
//! Power is counted per distinct validator. An equivocator is counted for each of its (at most
//! two) values (E10), and the pair goes out as evidence. A PROPOSAL counts as its sender's prevote
//! (E1). A vote that can change nothing any more (its value already has its quorum) is taken
//! without a signature check (E2): it is neither counted nor relayed. (Unless its sender may be
//! gone: then it is checked, as a sign of life.)
use super::budget::{Budgets, Rate};
use super::facts::Fact;
use super::round_machine::Rules;
use crate::commit::{self, CommitCertificate, PolkaCertificate, Signers};
use crate::evidence::Evidence;
use crate::limits::{ROUNDS_KEPT_MAX, VALUES_PER_VOTER_MAX};
use crate::mutation::{Mutation, planted};
use crate::proposal::Proposal;
use crate::quorum::Power;
use crate::sign_bytes::SignContext;
use crate::types::{Address, BlockId, Height, Instant, Round};
use crate::validator_schedule::ValidatorSchedule;
use crate::validator_set::{Validator, ValidatorIndex, ValidatorSet};
use crate::vote::{Signature, SignedVote, Vote, VoteKind};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

mod count;
mod pulled;
mod silence;
#[cfg(test)]
mod tests;

use silence::Silence;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Admission {
    /// Verified and counted.
    Counted,
    /// Taken, but it can change nothing any more; it may be that nobody looked at its signature.
    Unneeded,
    /// The same message has been counted before.
    Duplicate,
    /// Of a height or round that is over.
    Stale,
    /// Further ahead than this node keeps messages for.
    TooEarly,
    /// A compact proposal that names transactions which this node does not hold: it asks for them.
    Incomplete,
    /// The sender is no validator of that height.
    UnknownValidator,
    /// Its fields do not go together.
    Malformed,
    /// The sender has already been caught with two values.
    Equivocation,
    /// It was not this validator's turn to propose.
    WrongProposer,
    /// The signature does not verify.
    BadSignature,
    /// Not looked at: its sender has said too much that was of no use; it may say it again later.
    OverBudget,
}

impl Admission {
    /// Whether an honest peer may have sent it. (The others too, if it passes on what a faulty
    /// validator has told it.)
    pub fn is_honest(self) -> bool {
        matches!(
            self,
            Admission::Counted
                | Admission::Unneeded
                | Admission::Duplicate
                | Admission::Stale
                | Admission::TooEarly
                | Admission::Incomplete
        )
    }
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// The height under decision is that of this schedule; votes of older ones are forgotten.
    EnterHeight(ValidatorSchedule),
    /// The round machine entered a round.
    EnterRound(Height, Round),
    /// A vote of another validator, unverified.
    Vote(SignedVote),
    /// A vote of this node, durable and on its way.
    OwnVote(SignedVote),
    /// A proposal whose signature has been verified: its sender's prevote (E1).
    Proposal(Proposal),
    /// The round machine has forgotten the facts: tell them again.
    Retell,
    /// E6: say which votes to send again for this round.
    Resend(Height, Round),
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Tell the round machine.
    Fact(Height, Fact),
    /// Somebody works on a height beyond the one that this node can take part in.
    Ahead(Address, Height),
    /// A provable misbehaviour.
    Evidence(Box<Evidence>),
    /// Send these votes to everybody again.
    Relay(Vec<SignedVote>),
    /// What became of the vote of this input.
    Admission(Admission),
    /// A vote of this sender and height came too early to be kept. Tell the round machine: once it
    /// gets there it must ask for it (E5).
    Refused(Address, Height),
}

/// How a validator expressed a vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Vote,
    Proposal,
}

#[derive(Clone, Debug)]
struct Ballot {
    block_id: Option<BlockId>,
    valid_round: Option<Round>,
    signature: Signature,
    form: Form,
}

/// Ballots of one round and kind.
#[derive(Clone, Debug, Default)]
struct Ballots(BTreeMap<ValidatorIndex, Vec<Ballot>>);

#[derive(Clone, Debug, Default)]
struct RoundVotes {
    prevotes: Ballots,
    precommits: Ballots,
}

/// What has been told, so that each fact is told once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    Value(VoteKind, Round, Option<BlockId>, Option<Round>),
    Any(VoteKind, Round),
    Reached(Round),
    Silent(Round),
}

/// The votes of the height under decision, and the few of the next one that came early.
#[derive(Clone, Debug)]
pub struct Tally {
    rules: Rules,
    context: SignContext,
    height: Height,
    set: Arc<ValidatorSet>,
    /// Of the next height: whose messages may come early.
    next_set: Arc<ValidatorSet>,
    round: Option<Round>,
    rounds: BTreeMap<Round, RoundVotes>,
    max_round: BTreeMap<ValidatorIndex, Round>,
    told: BTreeSet<Told>,
    decided: bool,
    silence: Silence,
    early: Vec<Early>,
    /// Per validator the furthest height that a verified message of it named.
    furthest: BTreeMap<Address, Height>,
    budgets: Budgets,
}

/// A verified message of the next height, rounds 0 and 1.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Early {
    Vote(SignedVote),
    Proposal(Proposal),
}

impl Tally {
    /// Votes for the height under decision, nothing counted yet. `silent_after_ms`: E4's T_silent.
    pub fn new(
        context: SignContext,
        validators: &ValidatorSchedule,
        silent_after_ms: u64,
    ) -> Tally {
        let (height, set) = (validators.height(), validators.current().clone());
        let silence = Silence::new(silent_after_ms);
        let (round, rounds, max_round) = (None, BTreeMap::new(), BTreeMap::new());
        let (told, decided, early) = (BTreeSet::new(), false, Vec::new());
        let furthest = BTreeMap::new();
        Tally {
            rules: Rules::Extended,
            context,
            height,
            set,
            next_set: validators.next().clone(),
            round,
            rounds,
            max_round,
            told,
            decided,
            silence,
            early,
            furthest,
            budgets: Budgets::new(Rate::USELESS),
        }
    }

    /// The same height under other rules.
    #[must_use]
    pub fn with_rules(mut self, rules: Rules) -> Tally {
        self.rules = rules;
        self
    }

    /// Takes one input and says what follows. `now` is monotonic.
    pub fn step(&mut self, now: Instant, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        match input {
            Input::EnterHeight(validators) => self.enter_height(&validators, now, &mut out),
            Input::EnterRound(height, round) => self.enter_round(height, round, &mut out),
            Input::Vote(vote) => {
                let admission = self.vote(vote, true, now, &mut out);
                out.push(Output::Admission(admission));
            }
            Input::OwnVote(vote) => _ = self.vote(vote, false, now, &mut out),
            Input::Proposal(proposal) => self.proposal(proposal, now, &mut out),
            Input::Retell => {
                self.told.clear();
                self.tell_all(&mut out);
            }
            Input::Resend(height, round) => self.relay(height, round, &mut out),
        }
        out
    }

    /// The height under decision.
    pub fn height(&self) -> Height {
        self.height
    }

    /// Validators whose vote of the current round and this kind is still missing.
    pub fn missing(&self, kind: VoteKind) -> Vec<Address> {
        let votes = self.rounds.get(&self.round.unwrap_or_default());
        let ballots = votes.map(|votes| votes.of(kind));
        let voted = |i: &ValidatorIndex| ballots.is_some_and(|b| b.0.contains_key(i));
        let absent = (0..self.set.len()).filter(|index| !voted(index));
        absent
            .filter_map(|index| self.set.get(index).map(|v| v.address))
            .collect()
    }

    fn enter_height(
        &mut self,
        validators: &ValidatorSchedule,
        now: Instant,
        out: &mut Vec<Output>,
    ) {
        if validators.height() <= self.height {
            return;
        }
        self.height = validators.height();
        let before = self.set.clone();
        if !planted(Mutation::OldSetCounts) {
            self.set = validators.current().clone();
        }
        self.next_set = validators.next().clone();
        // What is known of whoever has left is of no use, and all of them would add up.
        let (set, next) = (&self.set, &self.next_set);
        let stays = |who: &Address| set.index_of(who).or_else(|| next.index_of(who)).is_some();
        self.silence.retain(stays);
        self.furthest.retain(|who, _| stays(who));
        self.budgets.retain(stays);
        let is_new = |validator: &&Validator| before.index_of(&validator.address).is_none();
        for newcomer in set.iter().filter(is_new) {
            self.silence.begins(newcomer.address, now);
        }
        self.round = None;
        self.rounds.clear();
        self.max_round.clear();
        self.told.clear();
        self.decided = false;
        for message in std::mem::take(&mut self.early) {
            match message {
                // Verified when they came, by the set of this height.
                Early::Vote(vote) => _ = self.vote(vote, false, now, out),
                Early::Proposal(proposal) => self.proposal(proposal, now, out),
            }
        }
    }

    fn enter_round(&mut self, height: Height, round: Round, out: &mut Vec<Output>) {
        if height != self.height || self.round.is_some_and(|current| round < current) {
            return;
        }
        self.round = Some(round);
        let oldest = Round(round.0.saturating_sub(ROUNDS_KEPT_MAX));
        self.rounds.retain(|r, _| *r >= oldest);
        // Votes of those rounds are refused as stale, so nothing of them can be told again.
        self.told.retain(|told| told.round() >= oldest);
        self.tell_left(out);
        self.tell_silence(out);
    }

    /// Cheapest check first; the signature is the last.
    fn vote(
        &mut self,
        signed: SignedVote,
        verify: bool,
        now: Instant,
        out: &mut Vec<Output>,
    ) -> Admission {
        let vote = &signed.vote;
        if !vote.is_well_formed() {
            return Admission::Malformed;
        }
        if vote.height > self.height {
            if self.next_set.index_of(&vote.validator).is_none() {
                // Who decides later heights is not known here: it may be a newcomer of one of them.
                let is_known = vote.height == self.height.next();
                return if is_known {
                    Admission::UnknownValidator
                } else {
                    Admission::TooEarly
                };
            }
            return self.early_vote(signed, now, out);
        }
        let Some(index) = self.set.index_of(&vote.validator) else {
            // Whoever has just left may have decided the height before.
            let is_over = vote.height < self.height;
            return if is_over {
                Admission::Stale
            } else {
                Admission::UnknownValidator
            };
        };
        let verify = verify && !planted(Mutation::UnverifiedVotes);
        match self.refuse_before_signature(index, vote) {
            Some(useless @ (Admission::Stale | Admission::Unneeded)) => {
                return self.listen(useless, index, &signed, verify, now);
            }
            Some(refusal) => return refusal,
            None => {}
        }
        // E7 keeps nothing of it but a number.
        let is_far = vote.round > self.round.unwrap_or_default().next();
        if verify && is_far && !self.budgets.allows(&vote.validator, now.0) {
            return Admission::OverBudget;
        }
        if verify && !self.verifies(index, &signed) {
            return Admission::BadSignature;
        }
        if verify && is_far {
            self.budgets.spend(vote.validator, now.0);
        }
        let ballot = Ballot {
            block_id: vote.block_id,
            valid_round: vote.valid_round,
            signature: signed.signature.clone(),
            form: Form::Vote,
        };
        self.count(index, vote.kind, vote.round, ballot, now, out);
        Admission::Counted
    }

    /// A vote of no other use may still show that its sender is there.
    fn listen(
        &mut self,
        useless: Admission,
        index: ValidatorIndex,
        signed: &SignedVote,
        verify: bool,
        now: Instant,
    ) -> Admission {
        let vote = &signed.vote;
        let place = (vote.height, vote.round, vote.kind);
        if !self.silence.wants(&vote.validator, place, now) {
            return useless;
        }
        if verify && !self.verifies(index, signed) {
            return Admission::BadSignature;
        }
        self.silence.heard(vote.validator, place, now);
        useless
    }

    fn verifies(&self, index: ValidatorIndex, signed: &SignedVote) -> bool {
        let bytes = self.context.vote(&signed.vote);
        self.set.verify(index, &bytes, &signed.signature.0).is_ok()
    }

    fn refuse_before_signature(&self, index: ValidatorIndex, vote: &Vote) -> Option<Admission> {
        let current = self.round.unwrap_or_default();
        if vote.height < self.height || vote.round.0 < current.0.saturating_sub(ROUNDS_KEPT_MAX) {
            return Some(Admission::Stale);
        }
        // E7 keeps nothing but the sender's round.
        let beyond = self.rules == Rules::Extended && vote.round > current.next();
        if beyond
            && self
                .max_round
                .get(&index)
                .is_some_and(|seen| *seen >= vote.round)
        {
            return Some(Admission::Duplicate);
        }
        let ballots = self
            .rounds
            .get(&vote.round)
            .and_then(|r| r.of(vote.kind).0.get(&index));
        let ballots = ballots.map_or(&[][..], Vec::as_slice);
        let value = (vote.block_id, vote.valid_round);
        if ballots.iter().any(|b| (b.block_id, b.valid_round) == value) {
            return Some(Admission::Duplicate);
        }
        if ballots.len() >= count::values_max() {
            return Some(Admission::Equivocation);
        }
        // An equivocation is worth its check even when the value is settled. By the paper a height
        // is decided only when its proposal is there too.
        let decided = self.decided && self.rules == Rules::Extended;
        let settled = decided
            || self
                .told
                .contains(&Told::Value(vote.kind, vote.round, value.0, value.1));
        (settled && ballots.is_empty() && vote.round <= current).then_some(Admission::Unneeded)
    }

    /// A message of the next height, kept for rounds 0 and 1; anything later only tells that this
    /// node is behind, once it is verified: a forged height would send this node after nothing.
    fn early_vote(&mut self, signed: SignedVote, now: Instant, out: &mut Vec<Output>) -> Admission {
        let vote = &signed.vote;
        // Said again, it is told again: whoever failed to answer is asked again only then.
        let known = self.furthest.get(&vote.validator);
        if known.is_some_and(|height| *height >= vote.height) {
            out.push(Output::Ahead(vote.validator, vote.height));
        }
        if vote.height != self.height.next() || vote.round > Round::ZERO.next() {
            return self.far_vote(&signed, now, out);
        }
        let same_slot = |early: &&Early| match early {
            Early::Vote(v) => {
                (v.vote.validator, v.vote.kind, v.vote.round)
                    == (vote.validator, vote.kind, vote.round)
            }
            Early::Proposal(_) => false,
        };
        if self
            .early
            .iter()
            .any(|early| matches!(early, Early::Vote(v) if v.vote == *vote))
        {
            return Admission::Duplicate;
        }
        if self.early.iter().filter(same_slot).count() >= VALUES_PER_VOTER_MAX {
            return Admission::Equivocation;
        }
        if signed.verify(&self.next_set, &self.context).is_err() {
            return Admission::BadSignature;
        }
        self.ahead(&signed.vote, now, out);
        self.early.push(Early::Vote(signed));
        Admission::Counted
    }

    /// Beyond what is kept: looked at only if it says something new.
    fn far_vote(&mut self, signed: &SignedVote, now: Instant, out: &mut Vec<Output>) -> Admission {
        let vote = &signed.vote;
        let known = self.furthest.get(&vote.validator);
        if known.is_none_or(|height| *height < vote.height) {
            if !self.budgets.allows(&vote.validator, now.0) {
                return Admission::OverBudget;
            }
            if signed.verify(&self.next_set, &self.context).is_err() {
                return Admission::BadSignature;
            }
            self.budgets.spend(vote.validator, now.0);
            self.ahead(vote, now, out);
            out.push(Output::Refused(vote.validator, vote.height));
        }
        Admission::TooEarly
    }

    fn ahead(&mut self, vote: &Vote, now: Instant, out: &mut Vec<Output>) {
        let place = (vote.height, vote.round, vote.kind);
        self.silence.heard(vote.validator, place, now);
        let known = self.furthest.entry(vote.validator).or_insert(vote.height);
        *known = (*known).max(vote.height);
        out.push(Output::Ahead(vote.validator, vote.height));
    }

    fn proposal(&mut self, proposal: Proposal, now: Instant, out: &mut Vec<Output>) {
        if proposal.height == self.height.next() {
            let early = Early::Proposal(proposal);
            // Two rounds, two proposals each: the sender has checked turn, round and count.
            if !self.early.contains(&early) {
                self.early.push(early);
            }
            return;
        }
        let Some(index) = self.set.index_of(&proposal.proposer) else {
            return;
        };
        if proposal.height != self.height {
            return;
        }
        let ballot = Ballot {
            block_id: Some(proposal.block_id),
            valid_round: proposal.valid_round,
            signature: proposal.signature,
            form: Form::Proposal,
        };
        self.count(index, VoteKind::Prevote, proposal.round, ballot, now, out);
    }

    /// E6: everything that this node holds of the round and of the one before it, which brought it
    /// here. So a vote that one node has is soon held by all: the gossip property that direct
    /// fan-out lacks.
    fn relay(&self, height: Height, round: Round, out: &mut Vec<Output>) {
        if height != self.height {
            return;
        }
        let before = Round(round.0.saturating_sub(1));
        let rounds = self.rounds.range(before..=round);
        let votes: Vec<SignedVote> = rounds
            .flat_map(|(r, votes)| self.votes_of(*r, votes))
            .collect();
        if !votes.is_empty() {
            out.push(Output::Relay(votes));
        }
    }

    fn votes_of<'a>(
        &'a self,
        round: Round,
        votes: &'a RoundVotes,
    ) -> impl Iterator<Item = SignedVote> + 'a {
        let kinds = [VoteKind::Prevote, VoteKind::Precommit];
        kinds.into_iter().flat_map(move |kind| {
            votes.of(kind).0.iter().flat_map(move |(index, ballots)| {
                let as_votes = ballots.iter().filter(|ballot| ballot.form == Form::Vote);
                as_votes.filter_map(move |ballot| self.signed_vote(*index, kind, round, ballot))
            })
        })
    }

    fn signed_vote(
        &self,
        index: ValidatorIndex,
        kind: VoteKind,
        round: Round,
        ballot: &Ballot,
    ) -> Option<SignedVote> {
        let validator = self.set.get(index)?.address;
        let (block_id, valid_round) = (ballot.block_id, ballot.valid_round);
        let vote = Vote {
            kind,
            height: self.height,
            round,
            block_id,
            valid_round,
            validator,
        };
        Some(SignedVote {
            vote,
            signature: ballot.signature.clone(),
        })
    }
}

impl Told {
    fn round(&self) -> Round {
        match self {
            Told::Value(_, round, _, _)
            | Told::Any(_, round)
            | Told::Reached(round)
            | Told::Silent(round) => *round,
        }
    }
}

impl RoundVotes {
    fn of(&self, kind: VoteKind) -> &Ballots {
        match kind {
            VoteKind::Prevote => &self.prevotes,
            VoteKind::Precommit => &self.precommits,
        }
    }

    fn of_mut(&mut self, kind: VoteKind) -> &mut Ballots {
        match kind {
            VoteKind::Prevote => &mut self.prevotes,
            VoteKind::Precommit => &mut self.precommits,
        }
    }
}
