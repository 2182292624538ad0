//! What the RoundDriver is told and asked.
use super::WhenFull::{Falls, ToldAgain};
use lockstep_protocol::block::SealedBlock;
use lockstep_protocol::consensus::catch_up::arrival::Arrival;
use lockstep_protocol::consensus::driver::TickOutcome;
use lockstep_protocol::consensus::durable::{Position, Recovery};
use lockstep_protocol::consensus::facts::{CheckedProposal, Fact};
use lockstep_protocol::standing::{Nonce, Question, Seen, Statement};
use lockstep_protocol::types::{Address, BlockId, Height, Round, Timestamp};
use lockstep_protocol::validator_schedule::ValidatorSchedule;
use std::sync::Arc;

/// The store's answer to [`RecoverDriver`](super::state_store::RecoverDriver): where to go on. It comes through the store's mailbox,
/// behind every write of an earlier incarnation, so nothing that was signed is missing in it.
#[derive(Debug)]
pub struct DriverRecovered {
    /// Which incarnation asked. An answer to an earlier one could replace a driver that has signed
    /// since, and its record would lack that signature.
    pub incarnation: u64,
    /// Who decides which height after the newest committed one.
    pub validators: ValidatorSchedule,
    /// The time of the newest committed block, or of the genesis.
    pub parent_time: Timestamp,
    /// What the sign record holds.
    pub recovery: Recovery,
}

/// A proposal of another validator has been checked.
#[derive(Debug)]
pub struct ProposalChecked(pub Height, pub CheckedProposal);

/// The votes hold a quorum.
#[derive(Debug)]
pub struct QuorumReached(pub Height, pub Fact);

/// The block that [`BuildBlock`](super::proposer::BuildBlock) asked for.
#[derive(Debug)]
pub struct BlockBuilt(pub Height, pub Round, pub Arc<SealedBlock>);

/// A sign record is durable: its message may be sent.
#[derive(Debug)]
pub struct SignaturePersisted(pub Position);

/// Produce the block of this height now. Answers what that did here, once this node is there.
#[derive(Debug)]
pub struct Tick(pub Height);

/// Transactions wait for a block.
#[derive(Debug)]
pub struct TransactionsWaiting;

/// This node has what the others had when it started: from here on it may sign.
#[derive(Clone, Copy, Debug)]
pub struct Arrived(pub Arrival);

/// Another actor has restarted and needs to know where this node stands.
#[derive(Debug)]
pub struct AnnounceRound;

/// A certified block of this height is invalid here: this node must not vote any more.
#[derive(Clone, Copy, Debug)]
pub struct StopVoting(pub Height);

/// A verified message under this node's key has come in.
#[derive(Clone, Copy, Debug)]
pub struct OwnMessageSeen(pub Position);

/// Two verified messages under this node's key contradict each other.
#[derive(Clone, Copy, Debug)]
pub struct OwnEquivocationSeen(pub Height);

/// The newest height, or the one under way, was decided a second time, for another block: nobody may
/// vote here any more. The sentence for people.
#[derive(Clone, Debug)]
pub struct ForkDetected(pub String);

/// A message of this sender and height came too early to be kept.
#[derive(Clone, Copy, Debug)]
pub struct MessageRefused(pub Address, pub Height);

/// Sign the question to this peer how far it is. Answers `None` while this actor has no brain.
#[derive(Clone, Copy, Debug)]
pub struct SignQuestion(pub Address, pub Nonce);

/// Sign the answer to a question that has been admitted. Answers `None` between two heights.
#[derive(Debug)]
pub struct SignStanding {
    /// The question.
    pub question: Arc<Question>,
    /// What this node has seen of its asker.
    pub seen: Seen,
    /// The newest committed block.
    pub head: (Height, BlockId),
}

/// A question to a peer is over; what it answered is on its way.
#[derive(Clone, Copy, Debug)]
pub struct PullEnded {
    /// Who was asked.
    pub peer: Address,
    /// Whether it answered.
    pub is_answered: bool,
}

told! {
    DriverRecovered => Falls,
    ProposalChecked => Falls,
    QuorumReached => Falls,
    BlockBuilt => Falls,
    SignaturePersisted => Falls,
    TransactionsWaiting => Falls,
    Arrived => Falls,
    AnnounceRound => Falls,
    StopVoting => Falls,
    OwnMessageSeen => Falls,
    OwnEquivocationSeen => Falls,
    ForkDetected => Falls,
    // A driver that is not told asks all the same, when its patience is over.
    MessageRefused => ToldAgain,
    // The brain gives a question up after a while.
    PullEnded => ToldAgain,
}
asked! {
    Tick => TickOutcome,
    SignQuestion => Option<Question>,
    SignStanding => Option<Statement>,
}
