//! What several actors are told at once.
use super::WhenFull::Falls;
use lockstep_protocol::nouns::decided::DecidedBlock;
use lockstep_protocol::types::{Height, Round};
use lockstep_protocol::validators::schedule::ValidatorSchedule;

/// A block is durable and final. Told to all.
#[derive(Clone, Debug)]
pub(crate) struct BlockCommitted(pub(crate) DecidedBlock, pub(crate) ValidatorSchedule);

/// The round machine entered a round. Told to VoteCollector and Proposer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RoundEntered(pub(crate) Height, pub(crate) Round);

/// E6: send again what you hold of this round. Told to VoteCollector and Proposer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResendRound(pub(crate) Height, pub(crate) Round);

told! {
    BlockCommitted => Falls,
    RoundEntered => Falls,
    ResendRound => Falls,
}
