//! Proof that a validator broke the rules: two signatures that no correct validator makes.
use crate::proposal::Proposal;
use crate::sign_bytes::SignContext;
use crate::types::{Address, BlockId, Hash, Height, Round};
use crate::validator_set::ValidatorSet;
use crate::vote::{SignedVote, Vote, VoteKind};
use borsh::{BorshDeserialize, BorshSerialize};

/// A provable misbehaviour. Silence is none; neither are two signatures over the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub enum Evidence {
    /// Two votes of one kind, height and round for different values (nil is one), or with
    /// different valid rounds.
    ConflictingVotes(SignedVote, SignedVote),
    /// Two proposals of one height and round.
    ConflictingProposals(Proposal, Proposal),
    /// A proposal counts as its sender's prevote (E1); this sender prevoted something else.
    ProposalAgainstPrevote(Proposal, SignedVote),
    /// A proposal by a validator whose turn it was not.
    WrongProposer(Proposal),
}

/// Why evidence was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// The two messages are of different places, kinds or senders, or say the same.
    #[error("the messages do not contradict each other")]
    NoContradiction,
    /// A signature does not verify.
    #[error("a signature does not verify")]
    Signature,
}

impl Evidence {
    /// Who is accused.
    pub fn validator(&self) -> Address {
        match self {
            Evidence::ConflictingVotes(vote, _) => vote.vote.validator,
            Evidence::ConflictingProposals(proposal, _)
            | Evidence::ProposalAgainstPrevote(proposal, _)
            | Evidence::WrongProposer(proposal) => proposal.proposer,
        }
    }

    /// Where it happened.
    pub fn height(&self) -> Height {
        match self {
            Evidence::ConflictingVotes(vote, _) => vote.vote.height,
            Evidence::ConflictingProposals(proposal, _)
            | Evidence::ProposalAgainstPrevote(proposal, _)
            | Evidence::WrongProposer(proposal) => proposal.height,
        }
    }

    /// Hash of the canonical bytes.
    pub fn hash(&self) -> Hash {
        Hash::of(&[b"lockstep/evidence/v1", &crate::codec::encode(self)])
    }

    /// Checks that the messages contradict each other and that both were signed by a validator of
    /// `set`, the set of that height. Nothing acts on evidence before this.
    pub fn verify(&self, set: &ValidatorSet, context: &SignContext) -> Result<(), EvidenceError> {
        if !self.contradicts(set) {
            return Err(EvidenceError::NoContradiction);
        }
        let verified = match self {
            Evidence::ConflictingVotes(a, b) => {
                a.verify(set, context).and_then(|()| b.verify(set, context))
            }
            Evidence::ConflictingProposals(a, b) => {
                a.verify(set, context).and_then(|()| b.verify(set, context))
            }
            Evidence::ProposalAgainstPrevote(proposal, vote) => proposal
                .verify(set, context)
                .and_then(|()| vote.verify(set, context)),
            Evidence::WrongProposer(proposal) => proposal.verify(set, context),
        };
        verified.map_err(|_| EvidenceError::Signature)
    }

    fn contradicts(&self, set: &ValidatorSet) -> bool {
        match self {
            Evidence::ConflictingVotes(a, b) => {
                let (a, b) = (&a.vote, &b.vote);
                (a.validator, a.kind, a.height, a.round) == (b.validator, b.kind, b.height, b.round)
                    && signed_value(a) != signed_value(b)
            }
            Evidence::ConflictingProposals(a, b) => {
                (a.proposer, a.height, a.round) == (b.proposer, b.height, b.round)
                    && (a.block_id, a.valid_round) != (b.block_id, b.valid_round)
            }
            Evidence::ProposalAgainstPrevote(a, vote) => {
                let b = &vote.vote;
                b.kind == VoteKind::Prevote
                    && (a.proposer, a.height, a.round) == (b.validator, b.height, b.round)
                    && (Some(a.block_id), a.valid_round) != signed_value(b)
            }
            Evidence::WrongProposer(a) => set.proposer(a.height, a.round) != a.proposer,
        }
    }
}

/// What the signature of a vote says beyond its place. A precommit's covers no valid round: anybody
/// could write another one into a copy.
fn signed_value(vote: &Vote) -> (Option<BlockId>, Option<Round>) {
    match vote.kind {
        VoteKind::Prevote => (vote.block_id, vote.valid_round),
        VoteKind::Precommit => (vote.block_id, None),
    }
}

#[cfg(test)]
mod tests;
