//! What several actors are told at once.
use super::WhenFull::Falls;
use lockstep_protocol::types::{Height, Round};
use lockstep_protocol::validator_schedule::ValidatorSchedule;
use lockstep_protocol::wire::DecidedBlock;

/// A block is durable and final. Told to all.
#[derive(Clone, Debug)]
pub struct BlockCommitted(pub DecidedBlock, pub ValidatorSchedule);

/// The round machine entered a round. Told to VoteCollector and Proposer.
#[derive(Clone, Copy, Debug)]
pub struct RoundEntered(pub Height, pub Round);

/// E6: send again what you hold of this round. Told to VoteCollector and Proposer.
#[derive(Clone, Copy, Debug)]
pub struct ResendRound(pub Height, pub Round);

told! {
    BlockCommitted => Falls,
    RoundEntered => Falls,
    ResendRound => Falls,
}
