//! Proof that a validator broke the rules: signatures that no correct validator makes.
//!
//! One **offence** is who, where and what: by E1 a proposal is its sender's prevote, so two
//! proposals, two prevotes, or a proposal and another prevote of one round are one offence. It can
//! be proved in many ways (other signatures, a third value), and is kept once, under its
//! [`Offence`]. The pair of a proof has one order, so that one pair has one hash.
//!
//! What a whole fork proves is in [`fork`]; what is kept for that, in [`polka_book`].
use crate::nouns::proposal::{Proposal, SignedMessage};
use crate::nouns::sign_bytes::SignContext;
use crate::nouns::vote::{SignedVote, VoteKind};
use crate::types::{Address, BlockId, Hash, Height, Round};
use crate::validators::set::ValidatorSet;
use borsh::{BorshDeserialize, BorshSerialize};

pub mod fork;
pub mod polka_book;

/// A provable misbehaviour. Silence is none; neither are two signatures over the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub enum Evidence {
    /// Two votes of one kind, height and round for different values (nil is one, and the first),
    /// or with different valid rounds. The lower value first.
    ConflictingVotes(SignedVote, SignedVote),
    /// Two proposals of one height and round. The lower value first.
    ConflictingProposals(Proposal, Proposal),
    /// A proposal counts as its sender's prevote (E1); this sender prevoted something else.
    ProposalAgainstPrevote(Proposal, SignedVote),
    /// A proposal by a validator whose turn it was not.
    WrongProposer(Proposal),
}

/// What was done.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    serde::Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum OffenceKind {
    /// Two prevotes in one round; a proposal is one.
    DoublePrevote,
    /// Two precommits in one round.
    DoublePrecommit,
    /// A proposal in somebody else's round.
    WrongProposer,
}

/// Who broke which rule where: what evidence is kept under, once. The order is that of a block.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    serde::Serialize,
)]
pub struct Offence {
    /// The height.
    pub height: Height,
    /// The accused.
    pub validator: Address,
    /// The round.
    pub round: Round,
    /// What was done.
    pub kind: OffenceKind,
}

/// Why evidence was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// The two messages are of different places, kinds or senders, or say the same.
    #[error("the messages do not contradict each other")]
    NoContradiction,
    /// A message whose fields do not go together, or a pair in the wrong order: there would be two
    /// spellings of one proof.
    #[error("the messages are malformed or not in their order")]
    Malformed,
    /// A signature does not verify.
    #[error("a signature does not verify")]
    Signature,
}

impl OffenceKind {
    /// All of them.
    pub const ALL: [OffenceKind; 3] = [
        OffenceKind::DoublePrevote,
        OffenceKind::DoublePrecommit,
        OffenceKind::WrongProposer,
    ];

    /// One stable word for metrics and JSON.
    pub fn code(self) -> &'static str {
        match self {
            OffenceKind::DoublePrevote => "double_prevote",
            OffenceKind::DoublePrecommit => "double_precommit",
            OffenceKind::WrongProposer => "wrong_proposer",
        }
    }
}

impl std::fmt::Display for Offence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Offence {
            height,
            validator,
            round,
            kind,
        } = self;
        let what = kind.code();
        write!(f, "{what} of {validator} at height {height} round {round}")
    }
}

impl Evidence {
    /// Of two votes that contradict each other, in either order.
    pub fn of_votes(a: SignedVote, b: SignedVote) -> Evidence {
        let value = |signed: &SignedVote| (signed.vote.block_id, signed.vote.valid_round);
        let (a, b) = if value(&a) <= value(&b) {
            (a, b)
        } else {
            (b, a)
        };
        Evidence::ConflictingVotes(a, b)
    }

    /// Of two proposals that contradict each other, in either order.
    pub fn of_proposals(a: Proposal, b: Proposal) -> Evidence {
        let value = |p: &Proposal| (p.block_id, p.valid_round);
        let (a, b) = if value(&a) <= value(&b) {
            (a, b)
        } else {
            (b, a)
        };
        Evidence::ConflictingProposals(a, b)
    }

    /// Of two messages of one round that contradict each other, in either order.
    pub fn of(a: SignedMessage, b: SignedMessage) -> Evidence {
        use SignedMessage as Said;
        match (a, b) {
            (Said::Vote(a), Said::Vote(b)) => Evidence::of_votes(a, b),
            (Said::Proposal(a), Said::Proposal(b)) => Evidence::of_proposals(a, b),
            (Said::Proposal(a), Said::Vote(b)) | (Said::Vote(b), Said::Proposal(a)) => {
                Evidence::ProposalAgainstPrevote(a, b)
            }
        }
    }

    /// Who did what and where.
    pub fn offence(&self) -> Offence {
        let (height, validator, round, kind) = match self {
            Evidence::ConflictingVotes(SignedVote { vote, .. }, _) => {
                let kind = match vote.kind {
                    VoteKind::Prevote => OffenceKind::DoublePrevote,
                    VoteKind::Precommit => OffenceKind::DoublePrecommit,
                };
                (vote.height, vote.validator, vote.round, kind)
            }
            Evidence::ConflictingProposals(p, _) | Evidence::ProposalAgainstPrevote(p, _) => {
                (p.height, p.proposer, p.round, OffenceKind::DoublePrevote)
            }
            Evidence::WrongProposer(p) => {
                (p.height, p.proposer, p.round, OffenceKind::WrongProposer)
            }
        };
        Offence {
            height,
            validator,
            round,
            kind,
        }
    }

    /// Who is accused.
    pub fn validator(&self) -> Address {
        self.offence().validator
    }

    /// Where it happened.
    pub fn height(&self) -> Height {
        self.offence().height
    }

    /// The values that were signed, in the order of the proof; `None` is nil.
    pub fn values(&self) -> Vec<Option<BlockId>> {
        match self {
            Evidence::ConflictingVotes(a, b) => vec![a.vote.block_id, b.vote.block_id],
            Evidence::ConflictingProposals(a, b) => vec![Some(a.block_id), Some(b.block_id)],
            Evidence::ProposalAgainstPrevote(a, b) => vec![Some(a.block_id), b.vote.block_id],
            Evidence::WrongProposer(a) => vec![Some(a.block_id)],
        }
    }

    /// Hash of the canonical bytes, signatures included.
    pub fn hash(&self) -> Hash {
        Hash::of(&[b"lockstep/evidence/v1", &crate::codec::encode(self)])
    }

    /// Checks that the messages contradict each other and that both were signed by a validator of
    /// `set`, the set of that height. Nothing acts on evidence before this.
    pub fn verify(&self, set: &ValidatorSet, context: &SignContext) -> Result<(), EvidenceError> {
        self.check_shape(set)?;
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

    /// All of [`verify`](Self::verify) that needs no signature check.
    fn check_shape(&self, set: &ValidatorSet) -> Result<(), EvidenceError> {
        if !self.contradicts(set) {
            return Err(EvidenceError::NoContradiction);
        }
        let proposed = |p: &Proposal| p.valid_round.is_none_or(|valid| valid < p.round);
        let voted = |signed: &SignedVote| signed.vote.is_well_formed();
        let is_well_formed = match self {
            Evidence::ConflictingVotes(a, b) => {
                let order =
                    (a.vote.block_id, a.vote.valid_round) < (b.vote.block_id, b.vote.valid_round);
                voted(a) && voted(b) && order
            }
            Evidence::ConflictingProposals(a, b) => {
                let order = (a.block_id, a.valid_round) < (b.block_id, b.valid_round);
                proposed(a) && proposed(b) && order
            }
            Evidence::ProposalAgainstPrevote(a, b) => proposed(a) && voted(b),
            Evidence::WrongProposer(a) => proposed(a),
        };
        is_well_formed.then_some(()).ok_or(EvidenceError::Malformed)
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
fn signed_value(vote: &crate::nouns::vote::Vote) -> (Option<BlockId>, Option<Round>) {
    match vote.kind {
        VoteKind::Prevote => (vote.block_id, vote.valid_round),
        VoteKind::Precommit => (vote.block_id, None),
    }
}

#[cfg(test)]
mod tests;
