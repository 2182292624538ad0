//! What must be on disk before what is sent, and what comes back after a crash.
//!
//! The order *sign, persist, send* is decided by the brains: a [`Persist`] goes out, and only when
//! it is reported durable does the message that it holds.
use crate::nouns::block::SealedBlock;
use crate::nouns::commit::PolkaCertificate;
use crate::nouns::proposal::Proposal;
pub use crate::nouns::proposal::SignedMessage;
use crate::nouns::vote::{SignedVote, VoteKind};
use crate::types::{BlockId, Height, Round};
use borsh::{BorshDeserialize, BorshSerialize};
use std::sync::Arc;

/// The three things a validator signs in a round, in their order.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub enum SignStep {
    /// PROPOSAL.
    Propose,
    /// PREVOTE.
    Prevote,
    /// PRECOMMIT.
    Precommit,
}

/// Where a signature stands. A validator's own positions strictly increase.
pub type Position = (Height, Round, SignStep);

impl SignedMessage {
    /// Where this signature stands.
    pub fn position(&self) -> Position {
        match self {
            SignedMessage::Proposal(p) => (p.height, p.round, SignStep::Propose),
            SignedMessage::Vote(v) => v.position(),
        }
    }
}

impl SignedVote {
    /// Where this signature stands.
    pub fn position(&self) -> Position {
        let step = match self.vote.kind {
            VoteKind::Prevote => SignStep::Prevote,
            VoteKind::Precommit => SignStep::Precommit,
        };
        (self.vote.height, self.vote.round, step)
    }
}

/// The lock of L36: value, round, and the polka that justified it. At this moment `valid` equals
/// `locked`, so one record restores both.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct LockRecord {
    /// The height that is decided.
    pub height: Height,
    /// The round of the lock.
    pub round: Round,
    /// The locked value.
    pub block_id: BlockId,
    /// The quorum of prevotes.
    pub polka: PolkaCertificate,
}

/// One atomic write that must be durable before `signed` is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Persist {
    /// The sign record: the newest message of its step.
    pub signed: SignedMessage,
    /// A new lock, with a precommit for a value.
    pub lock: Option<LockRecord>,
    /// The block that the message names: with a proposal, and with a precommit for a value.
    pub block: Option<Arc<SealedBlock>>,
}

/// What a validator finds after a restart: the newest message of each step, the newest lock, and
/// the blocks that these name. Records of decided heights may still be among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// The last own PROPOSAL.
    pub proposal: Option<Proposal>,
    /// The last own PREVOTE.
    pub prevote: Option<SignedVote>,
    /// The last own PRECOMMIT.
    pub precommit: Option<SignedVote>,
    /// The last lock.
    pub lock: Option<LockRecord>,
    /// Blocks of the undecided height, as far as they were persisted.
    pub blocks: Vec<Arc<SealedBlock>>,
}

impl Recovery {
    /// The highest position that was ever signed.
    pub fn position(&self) -> Option<Position> {
        let proposal = self.proposal.clone().map(SignedMessage::Proposal);
        let votes = [self.prevote.clone(), self.precommit.clone()];
        let votes = votes.into_iter().flatten().map(SignedMessage::Vote);
        proposal
            .into_iter()
            .chain(votes)
            .map(|message| message.position())
            .max()
    }
}
