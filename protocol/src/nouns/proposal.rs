//! PROPOSAL, alone (as evidence and as the sender's prevote, E1), with its block, and as one of the
//! two kinds of messages that a validator signs in a round.
use crate::crypto::SignatureError;
use crate::nouns::block::SealedBlock;
use crate::nouns::commit::PolkaCertificate;
use crate::nouns::sign_bytes::SignContext;
use crate::nouns::vote::{Signature, SignedVote};
use crate::types::{Address, BlockId, Height, Round};
use crate::validators::set::ValidatorSet;
use borsh::{BorshDeserialize, BorshSerialize};
use std::sync::Arc;

/// A signed PROPOSAL(h, r, id, vr), without the block.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Proposal {
    /// The height that is decided.
    pub height: Height,
    /// The round of that height.
    pub round: Round,
    /// What is proposed.
    pub block_id: BlockId,
    /// The round of the polka that makes this value valid; `None` (−1 in the paper) for a new one.
    pub valid_round: Option<Round>,
    /// Who proposes; a correct one is `proposer(h, r)`.
    pub proposer: Address,
    /// Over [`SignContext::proposal`].
    pub signature: Signature,
}

impl Proposal {
    /// The bytes that the signature covers.
    pub fn sign_bytes(&self, context: &SignContext) -> Vec<u8> {
        context.proposal(self.height, self.round, &self.block_id, self.valid_round)
    }

    /// Checks the signature against the sender's key in `set`.
    pub fn verify(&self, set: &ValidatorSet, context: &SignContext) -> Result<(), SignatureError> {
        let index = set
            .index_of(&self.proposer)
            .ok_or(SignatureError::Invalid)?;
        set.verify(index, &self.sign_bytes(context), &self.signature.0)
    }
}

/// A message with a validator's signature.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum SignedMessage {
    /// A PROPOSAL.
    Proposal(Proposal),
    /// A PREVOTE or PRECOMMIT.
    Vote(SignedVote),
}

/// A proposal as it travels: with the block, and with the polka that a valid round refers to (E5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposedBlock {
    /// The signed part.
    pub proposal: Proposal,
    /// The block; its id is the proposal's.
    pub block: Arc<SealedBlock>,
    /// Present exactly when the proposal has a valid round.
    pub polka: Option<Arc<PolkaCertificate>>,
}
