//! E5: what this node holds of the votes, for its own question, and what it answers to another's.
use super::{RoundVotes, Tally, Told};
use crate::limits::{PULL_VALUES_MAX, PULL_VOTES_MAX};
use crate::nouns::pull::{HeldVotes, Pull};
use crate::nouns::vote::{SignedVote, VoteKind};
use crate::types::Round;

impl Tally {
    /// Writes into this node's question which votes it holds.
    pub fn hold(&self, pull: &mut Pull) {
        if pull.height != self.height {
            return;
        }
        for held in &mut pull.rounds {
            let votes = self.rounds.get(&held.round);
            let all = votes.into_iter().flat_map(|votes| self.held(votes));
            held.votes = all.take(PULL_VALUES_MAX).collect();
        }
    }

    fn held<'a>(&'a self, votes: &'a RoundVotes) -> impl Iterator<Item = HeldVotes> + 'a {
        let kinds = [VoteKind::Prevote, VoteKind::Precommit];
        kinds.into_iter().flat_map(move |kind| {
            let ballots = votes.of(kind);
            ballots.values().into_iter().map(move |value| {
                let voters = ballots.members(value).map(|(index, _)| index);
                HeldVotes::new(kind, value, voters, self.set.len())
            })
        })
    }

    /// The votes that the asker lacks: those that decide the height; those of this node's round
    /// and of the one before it, which brought it there, so that the asker comes here; and those
    /// of the asker's round and the one before it. At most [`PULL_VOTES_MAX`], in this order.
    ///
    /// A prevote that was said by a proposal (E1) goes with that proposal.
    pub fn answer(&self, pull: &Pull) -> Vec<SignedVote> {
        if pull.height != self.height {
            return Vec::new();
        }
        let current = self.round.unwrap_or_default();
        let mut rounds: Vec<Round> = self.told.iter().filter_map(Told::decides).collect();
        for about in [current, pull.round] {
            let before = Round(about.0.saturating_sub(1));
            for round in [about, before, about.next()] {
                if !rounds.contains(&round) {
                    rounds.push(round);
                }
            }
        }
        let kept = rounds
            .iter()
            .filter_map(|r| Some((*r, self.rounds.get(r)?)));
        let votes = kept.flat_map(|(round, votes)| self.votes_of(round, votes));
        let lacking = votes.filter(|vote| !pull.holds_vote(&self.set, &vote.vote));
        lacking.take(PULL_VOTES_MAX).collect()
    }
}

impl Told {
    /// The round of a commit certificate.
    fn decides(&self) -> Option<Round> {
        match self {
            Told::Value(VoteKind::Precommit, round, Some(_), _) => Some(*round),
            _ => None,
        }
    }
}
