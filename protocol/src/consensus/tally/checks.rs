//! Which votes are taken: cheapest check first, the signature last.
use super::admission::Admission;
use super::{Ballot, Form, Output, Tally, Told, count};
use crate::consensus::round_machine::Rules;
use crate::limits::{ROUNDS_KEPT_MAX, VALUES_PER_VOTER_MAX};
use crate::nouns::proposal::SignedMessage;
use crate::nouns::vote::{SignedVote, Vote};
use crate::types::{Instant, Round};
use crate::validators::set::ValidatorIndex;

impl Tally {
    pub(super) fn vote_of_another(
        &mut self,
        signed: SignedVote,
        now: Instant,
        out: &mut Vec<Output>,
    ) -> Admission {
        planted!(UnverifiedVotes => return self.vote(signed, false, now, out));
        self.vote(signed, true, now, out)
    }

    /// Cheapest check first; the signature is the last.
    pub(super) fn vote(
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
        match self.refuse_before_signature(index, vote) {
            Some(useless @ (Admission::Stale | Admission::Unneeded)) => {
                if vote.height == self.height {
                    self.asked.note(index, vote.round);
                }
                return self.note_sign_of_life(useless, index, &signed, verify, now);
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
    fn note_sign_of_life(
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
        let same_slot = |early: &&SignedMessage| match early {
            SignedMessage::Vote(v) => {
                (v.vote.validator, v.vote.kind, v.vote.round)
                    == (vote.validator, vote.kind, vote.round)
            }
            SignedMessage::Proposal(_) => false,
        };
        if self
            .early
            .iter()
            .any(|early| matches!(early, SignedMessage::Vote(v) if v.vote == *vote))
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
        self.early.push(SignedMessage::Vote(signed));
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

    pub(super) fn ahead(&mut self, vote: &Vote, now: Instant, out: &mut Vec<Output>) {
        let place = (vote.height, vote.round, vote.kind);
        self.silence.heard(vote.validator, place, now);
        let known = self.furthest.entry(vote.validator).or_insert(vote.height);
        *known = (*known).max(vote.height);
        out.push(Output::Ahead(vote.validator, vote.height));
    }
}
