//! The votes of one height: admitted cheapest check first, verified, counted, and turned into
//! [`Fact`]s. The brain of the VoteCollector.
//!
//! Power is counted per distinct validator. An equivocator is counted for each of its (at most
//! two) values (E10), and the pair goes out as evidence. A PROPOSAL counts as its sender's prevote
//! (E1). A vote that can change nothing any more (its value already has its quorum) is taken
//! without a signature check (E2): it is neither counted nor relayed. (Unless its sender may be
//! gone: then it is checked, as a sign of life.)
use super::durable::{Position, SignStep, SignedMessage};
use super::facts::Fact;
use super::round_machine::Rules;
use crate::budget::{Budgets, Rate};
use crate::limits::ROUNDS_KEPT_MAX;
use crate::nouns::evidence::Evidence;
use crate::nouns::proposal::Proposal;
use crate::nouns::sign_bytes::SignContext;
use crate::nouns::vote::{Signature, SignedVote, Vote, VoteKind};
use crate::types::{Address, BlockId, Height, Instant, Round};
use crate::validators::schedule::ValidatorSchedule;
use crate::validators::set::{Validator, ValidatorIndex, ValidatorSet};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

mod admission;
mod checks;
mod count;
mod pulled;
mod seen;
mod silence;
#[cfg(test)]
mod tests;

pub use admission::Admission;
use silence::Silence;

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
    /// The round machine has forgotten the facts, and stands in this round: tell them again. It may
    /// have been put back, and what lies between is told once more.
    Retell(Height, Round),
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
    /// A verified message under this node's key has come in, at this position. Tell the RoundDriver.
    OwnSeen(Position),
    /// Two verified messages under this node's key contradict each other at this height. Likewise.
    OwnEquivocation(Height),
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
    NobodyLeft(VoteKind, Round),
}

/// The votes of the height under decision, and the few of the next one that came early.
#[derive(Clone, Debug)]
pub struct Tally {
    rules: Rules,
    context: SignContext,
    me: Address,
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
    /// Verified messages of the next height, rounds 0 and 1.
    early: Vec<SignedMessage>,
    /// Per validator the furthest height that a verified message of it named.
    furthest: BTreeMap<Address, Height>,
    budgets: Budgets,
    asked: seen::Asked,
}

impl Tally {
    /// Votes for the height under decision, nothing counted yet, at the node of `me`.
    /// `silent_after_ms`: E4's T_silent.
    pub fn new(
        context: SignContext,
        me: Address,
        validators: &ValidatorSchedule,
        silent_after_ms: u64,
    ) -> Tally {
        let height = validators.height();
        let set = validators.current().clone();
        Tally {
            rules: Rules::Extended,
            context,
            me,
            height,
            set,
            next_set: validators.next().clone(),
            round: None,
            rounds: BTreeMap::new(),
            max_round: BTreeMap::new(),
            told: BTreeSet::new(),
            decided: false,
            silence: Silence::new(silent_after_ms),
            early: Vec::new(),
            furthest: BTreeMap::new(),
            budgets: Budgets::new(Rate::USELESS),
            asked: seen::Asked::default(),
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
                let validator = vote.vote.validator;
                let position = vote.position();
                let admission = self.vote_of_another(vote, now, &mut out);
                if admission == Admission::Counted {
                    self.tell_own(validator, position, &mut out);
                }
                out.push(Output::Admission(admission));
            }
            Input::OwnVote(vote) => _ = self.vote(vote, false, now, &mut out),
            Input::Proposal(proposal) => {
                let position = (proposal.height, proposal.round, SignStep::Propose);
                self.tell_own(proposal.proposer, position, &mut out);
                self.proposal(proposal, now, &mut out);
            }
            Input::Retell(height, round) => self.retell(height, round, &mut out),
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
        self.next_set = validators.next().clone();
        self.take_set(validators);
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
        self.asked.enter_height();
        self.told.clear();
        self.decided = false;
        for message in std::mem::take(&mut self.early) {
            match message {
                // Verified when they came, by the set of this height.
                SignedMessage::Vote(vote) => _ = self.vote(vote, false, now, out),
                SignedMessage::Proposal(proposal) => self.proposal(proposal, now, out),
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

    /// Whether this node has signed its own message, the RoundDriver knows: it owns the key.
    fn tell_own(&self, signer: Address, position: Position, out: &mut Vec<Output>) {
        if signer == self.me {
            out.push(Output::OwnSeen(position));
        }
    }

    /// From where the machine stands: a tally that stays further on would never say how far on it
    /// is, because what was told once is old and what comes after that round never comes.
    fn retell(&mut self, height: Height, round: Round, out: &mut Vec<Output>) {
        if height == self.height {
            self.put_back(round);
        }
        self.told.clear();
        self.tell_all(out);
    }

    fn put_back(&mut self, round: Round) {
        planted!(TallyStaysAhead => return);
        self.round = Some(round);
    }

    fn take_set(&mut self, validators: &ValidatorSchedule) {
        planted!(OldSetCounts => return);
        self.set = validators.current().clone();
    }

    fn proposal(&mut self, proposal: Proposal, now: Instant, out: &mut Vec<Output>) {
        if proposal.height == self.height.next() {
            let early = SignedMessage::Proposal(proposal);
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
            | Told::NobodyLeft(_, round)
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
