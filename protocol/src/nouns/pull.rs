//! The pull of E5: what a node holds of a height, and what a peer answers that it lacks.
//!
//! A question names no sender and is not signed. Its answer is bounded, holds nothing but messages
//! that their own signers have broadcast, and costs the answerer no signature: a signed question
//! would cost a signature and a check each, could be replayed, and would protect nothing.
use crate::limits::{PROPOSALS_PER_ROUND_MAX, PULL_ROUNDS_MAX, PULL_VALUES_MAX, VALIDATORS_MAX};
use crate::nouns::commit::CommitCertificate;
use crate::nouns::proposal::{Proposal, ProposedBlock};
use crate::nouns::vote::{SignedVote, Vote, VoteKind};
use crate::types::{BlockId, Height, Round};
use crate::validators::set::{ValidatorIndex, ValidatorSet};
use borsh::{BorshDeserialize, BorshSerialize};
use std::sync::Arc;

/// The question: "this I hold of the height; what else is there?"
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Pull {
    /// The height under decision.
    pub height: Height,
    /// The asker's round.
    pub round: Round,
    /// What it holds of the rounds about its own, rising; of other rounds it holds nothing, or
    /// nothing that still matters.
    pub rounds: Vec<HeldRound>,
}

/// What a node holds of one round.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct HeldRound {
    /// Which one.
    pub round: Round,
    /// Values and valid rounds of the proposals; two if the proposer equivocates.
    pub proposals: Vec<(BlockId, Option<Round>)>,
    /// One entry for each value voted for. What does not fit is answered again, in vain.
    pub votes: Vec<HeldVotes>,
}

/// Whose votes for one value a node holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct HeldVotes {
    /// The phase.
    pub kind: VoteKind,
    /// The value; `None` is nil.
    pub block_id: Option<BlockId>,
    /// E9.
    pub valid_round: Option<Round>,
    /// One bit per validator in order of the set, whole bytes, spare bits zero.
    #[borsh(deserialize_with = "crate::codec::read_bytes")]
    pub voters: Vec<u8>,
}

/// The answer. Its messages are claims like all others: they go through the admission of messages
/// that were pushed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pulled {
    /// The newest height that the answerer has committed. If it is not below the one asked about,
    /// the votes are the precommits of that height's commit certificate.
    pub committed: Height,
    /// Proposals that the asker lacks.
    pub proposals: Vec<Arc<ProposedBlock>>,
    /// Votes that the asker lacks.
    pub votes: Vec<SignedVote>,
}

impl Pull {
    /// About this height, asked from this round, nothing held yet.
    pub fn new(height: Height, round: Round) -> Pull {
        let first = round.0.saturating_sub(1);
        let held = |round| HeldRound {
            round,
            proposals: Vec::new(),
            votes: Vec::new(),
        };
        let rounds = (first..=round.next().0).map(Round).map(held).collect();
        Pull {
            height,
            round,
            rounds,
        }
    }

    /// Whether the parts go together and fit a set of so many validators; `None`: the set of that
    /// height is not known here, so any will do.
    pub fn is_well_formed(&self, validators: Option<usize>) -> bool {
        let mut pairs = self.rounds.iter().zip(self.rounds.iter().skip(1));
        self.rounds.len() <= PULL_ROUNDS_MAX
            && pairs.all(|(a, b)| a.round < b.round)
            && self.rounds.iter().all(|held| {
                held.proposals.len() <= PROPOSALS_PER_ROUND_MAX
                    && held.votes.len() <= PULL_VALUES_MAX
                    && held.votes.iter().all(|held| match validators {
                        Some(validators) => held.fits(validators),
                        None => held.voters.len() <= VALIDATORS_MAX.div_ceil(8),
                    })
            })
    }

    /// Whether the asker holds this proposal.
    pub fn holds_proposal(&self, proposal: &Proposal) -> bool {
        let value = (proposal.block_id, proposal.valid_round);
        let held = self.of_round(proposal.round);
        held.is_some_and(|held| held.proposals.contains(&value))
    }

    /// Whether the asker holds this vote, by the validators of its height.
    pub fn holds_vote(&self, set: &ValidatorSet, vote: &Vote) -> bool {
        let Some(index) = set.index_of(&vote.validator) else {
            return false;
        };
        let value = (vote.kind, vote.block_id, vote.valid_round);
        let votes = self.of_round(vote.round).into_iter().flat_map(|h| &h.votes);
        let mut same = votes.filter(|held| (held.kind, held.block_id, held.valid_round) == value);
        same.any(|held| held.has(index))
    }

    fn of_round(&self, round: Round) -> Option<&HeldRound> {
        self.rounds.iter().find(|held| held.round == round)
    }
}

impl HeldVotes {
    /// These validators' votes, by their positions in a set of so many.
    pub fn new(
        kind: VoteKind,
        (block_id, valid_round): (Option<BlockId>, Option<Round>),
        voters: impl IntoIterator<Item = ValidatorIndex>,
        validators: usize,
    ) -> HeldVotes {
        let mut bits = vec![0u8; validators.div_ceil(8)];
        for index in voters {
            if let Some(byte) = bits.get_mut(index / 8) {
                *byte |= 1 << (index % 8);
            }
        }
        HeldVotes {
            kind,
            block_id,
            valid_round,
            voters: bits,
        }
    }

    fn has(&self, index: ValidatorIndex) -> bool {
        let byte = self.voters.get(index / 8).copied().unwrap_or(0);
        byte & (1 << (index % 8)) != 0
    }

    fn fits(&self, validators: usize) -> bool {
        let bits = self.voters.len().saturating_mul(8);
        self.voters.len() == validators.div_ceil(8)
            && (validators..bits).all(|spare| !self.has(spare))
    }
}

impl Pulled {
    /// The answer about a height that is decided: the precommits that decided it, by the validators
    /// of that height. Whoever lacks the block, too, fetches it as any decided block.
    pub fn decided(
        committed: Height,
        certificate: &CommitCertificate,
        set: &ValidatorSet,
    ) -> Pulled {
        let members = certificate.signers.members(set).unwrap_or_default();
        let votes = members.into_iter().filter_map(|(index, signature)| {
            let vote = Vote {
                validator: set.get(index)?.address,
                ..certificate.vote()
            };
            let signature = signature.clone();
            Some(SignedVote { vote, signature })
        });
        Pulled {
            committed,
            proposals: Vec::new(),
            votes: votes.collect(),
        }
    }

    /// What of this is looked at by a node that asked about `height`, of so many validators: the
    /// messages of that height, and votes of both phases of two rounds. A liar may write what it
    /// likes into an answer, and each vote costs a signature check.
    #[must_use]
    pub fn about(mut self, height: Height, validators: usize) -> Pulled {
        self.proposals
            .retain(|proposed| proposed.proposal.height == height);
        self.votes.retain(|vote| vote.vote.height == height);
        self.votes.truncate(validators.saturating_mul(4));
        self
    }

    /// How many messages it brings.
    pub fn len(&self) -> usize {
        self.proposals.len().saturating_add(self.votes.len())
    }

    /// Whether it brings none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consensus::testkit::{Cast, H, block};

    #[test]
    fn a_question_covers_the_round_and_its_two_neighbours() {
        let rounds = |pull: Pull| pull.rounds.iter().map(|h| h.round.0).collect::<Vec<_>>();
        assert_eq!(rounds(Pull::new(H, Round(0))), [0, 1]);
        assert_eq!(rounds(Pull::new(H, Round(7))), [6, 7, 8]);
        let last = u32::MAX;
        assert_eq!(rounds(Pull::new(H, Round(last))), [last - 1, last]);
    }

    #[test]
    fn a_vote_is_held_only_with_its_value_its_kind_and_its_round() {
        let cast = Cast::of(9);
        let v = Some(block(H, 1).id());
        let mut pull = Pull::new(H, Round(1));
        let held = HeldVotes::new(VoteKind::Prevote, (v, None), [0, 8], 9);
        pull.rounds[1].votes.push(held);
        assert!(pull.is_well_formed(Some(9)));
        let holds = |vote: SignedVote| pull.holds_vote(&cast.set, &vote.vote);
        assert!(holds(cast.prevote(0, 1, v)) && holds(cast.prevote(8, 1, v)));
        assert!(!holds(cast.prevote(1, 1, v)));
        assert!(!holds(cast.prevote(0, 0, v)));
        assert!(!holds(cast.prevote(0, 1, None)));
        assert!(!holds(cast.precommit(0, 1, v)));
    }

    #[test]
    fn the_answer_about_a_decided_height_is_its_certificate_as_votes() {
        let cast = Cast::of(4);
        let v = block(H, 1);
        let pulled = Pulled::decided(H, &cast.commit(&v, 2, &[0, 2, 3]), &cast.set);
        let expected: Vec<_> = [0, 2, 3].map(|i| cast.precommit(i, 2, Some(v.id()))).into();
        assert_eq!((pulled.committed, pulled.votes), (H, expected));
    }

    #[test]
    fn bitmaps_of_another_length_or_with_spare_bits_are_malformed() {
        let mut pull = Pull::new(H, Round(1));
        let held = HeldVotes::new(VoteKind::Prevote, (None, None), [0, 3], 4);
        pull.rounds[0].votes.push(held);
        assert!(pull.is_well_formed(Some(4)));
        assert!(!pull.is_well_formed(Some(9)), "too short for nine");
        assert!(!pull.is_well_formed(Some(3)), "a bit of nobody");
        pull.rounds[0].votes[0].voters.push(0);
        assert!(!pull.is_well_formed(Some(4)), "too long for four");
        assert!(pull.is_well_formed(None), "whose height nobody here knows");
        pull.rounds[0].votes[0].voters = vec![0; VALIDATORS_MAX.div_ceil(8) + 1];
        assert!(!pull.is_well_formed(None), "of no set at all");
    }

    #[test]
    fn more_rounds_or_values_than_a_question_has_and_rounds_out_of_order_are_malformed() {
        let mut pull = Pull::new(H, Round(1));
        pull.rounds.reverse();
        assert!(!pull.is_well_formed(Some(4)));
        let mut pull = Pull::new(H, Round(5));
        pull.rounds[0].round = Round(0);
        assert!(pull.is_well_formed(Some(4)));
        pull.rounds.push(pull.rounds[2].clone());
        assert!(!pull.is_well_formed(Some(4)));
        let mut pull = Pull::new(H, Round(0));
        let held = HeldVotes::new(VoteKind::Prevote, (None, None), [], 4);
        pull.rounds[0].votes = vec![held; PULL_VALUES_MAX + 1];
        assert!(!pull.is_well_formed(Some(4)));
        let mut pull = Pull::new(H, Round(0));
        pull.rounds[0].proposals = vec![(BlockId::default(), None); PROPOSALS_PER_ROUND_MAX + 1];
        assert!(!pull.is_well_formed(Some(4)));
    }
}
