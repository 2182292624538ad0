//! PREVOTE and PRECOMMIT.
use crate::crypto::SignatureError;
use crate::nouns::sign_bytes::SignContext;
use crate::types::{Address, BlockId, Height, Round};
use crate::validators::set::ValidatorSet;
use borsh::{BorshDeserialize, BorshSerialize};

/// The two phases of a round.
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
    serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum VoteKind {
    /// First phase: "this value is acceptable to me".
    Prevote,
    /// Second phase: "a quorum found this value acceptable, and I am locked on it".
    Precommit,
}

/// A vote without its signature.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Vote {
    /// The phase.
    pub kind: VoteKind,
    /// The height that is decided.
    pub height: Height,
    /// The round of that height.
    pub round: Round,
    /// `None` is nil.
    pub block_id: Option<BlockId>,
    /// E9: the valid round of the proposal that this prevote answers. `None` in precommits, in nil
    /// votes, and where the paper writes −1.
    pub valid_round: Option<Round>,
    /// Who votes.
    pub validator: Address,
}

impl Vote {
    /// Whether the fields go together: a precommit and a nil vote have no valid round, and a valid
    /// round lies before the round.
    pub fn is_well_formed(&self) -> bool {
        match (self.kind, self.block_id, self.valid_round) {
            (_, _, None) => true,
            (VoteKind::Prevote, Some(_), Some(valid)) => valid < self.round,
            _ => false,
        }
    }
}

/// Signature bytes. Two signatures of the same message may differ, so ids never cover them.
#[derive(Clone, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Signature(#[borsh(deserialize_with = "crate::codec::read_bytes")] pub Vec<u8>);

/// A vote and its sender's signature.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct SignedVote {
    /// What was signed.
    pub vote: Vote,
    /// Over [`SignContext::vote`].
    pub signature: Signature,
}

impl SignedVote {
    /// Checks the signature against the sender's key in `set`.
    pub fn verify(&self, set: &ValidatorSet, context: &SignContext) -> Result<(), SignatureError> {
        let index = set
            .index_of(&self.vote.validator)
            .ok_or(SignatureError::Invalid)?;
        set.verify(index, &context.vote(&self.vote), &self.signature.0)
    }
}

impl std::fmt::Debug for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signature({} bytes)", self.0.len())
    }
}
