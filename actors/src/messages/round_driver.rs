//! What the RoundDriver is told and asked.
use super::WhenFull::{Falls, ToldAgain};
use lockstep_protocol::consensus::catch_up::arrival::Arrival;
use lockstep_protocol::consensus::driver::TickOutcome;
use lockstep_protocol::consensus::durable::{Position, Recovery};
use lockstep_protocol::consensus::facts::{CheckedProposal, Fact};
use lockstep_protocol::nouns::block::SealedBlock;
use lockstep_protocol::nouns::standing::{Nonce, Question, Seen, Statement};
use lockstep_protocol::types::{Address, BlockId, Height, Round, Timestamp};
use lockstep_protocol::validators::schedule::ValidatorSchedule;
use std::sync::Arc;

/// The store's answer to [`RecoverDriver`](super::state_store::RecoverDriver): where to go on. It comes through the store's mailbox,
/// behind every write of an earlier incarnation, so nothing that was signed is missing in it.
#[derive(Debug)]
pub(crate) struct DriverRecovered {
    /// Which incarnation asked. An answer to an earlier one could replace a driver that has signed
    /// since, and its record would lack that signature.
    pub(crate) incarnation: u64,
    /// Who decides which height after the newest committed one.
    pub(crate) validators: ValidatorSchedule,
    /// The time of the newest committed block, or of the genesis.
    pub(crate) parent_time: Timestamp,
    /// What the sign record holds.
    pub(crate) recovery: Recovery,
}

/// A proposal of another validator has been checked.
#[derive(Debug)]
pub(crate) struct ProposalChecked(pub(crate) Height, pub(crate) CheckedProposal);

/// The votes hold a quorum.
#[derive(Debug)]
pub(crate) struct QuorumReached(pub(crate) Height, pub(crate) Fact);

/// The block that [`BuildBlock`](super::proposer::BuildBlock) asked for.
#[derive(Debug)]
pub(crate) struct BlockBuilt(
    pub(crate) Height,
    pub(crate) Round,
    pub(crate) Arc<SealedBlock>,
);

/// A sign record is durable: its message may be sent.
#[derive(Debug)]
pub(crate) struct SignaturePersisted(pub(crate) Position);

/// Produce the block of this height now. Answers what that did here, once this node is there.
#[derive(Debug)]
pub(crate) struct Tick(pub(crate) Height);

/// Heights begin by another pacing from now on. Answers once they do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChangePace;

/// Transactions wait for the block of this height.
#[derive(Debug)]
pub(crate) struct TransactionsWaiting(pub(crate) Height);

/// This node has what the others had when it started: from here on it may sign.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrived(pub(crate) Arrival);

/// Another actor has restarted and needs to know where this node stands.
#[derive(Debug)]
pub(crate) struct AnnounceRound;

/// A certified block of this height is invalid here: this node must not vote any more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StopVoting(pub(crate) Height);

/// A verified message under this node's key has come in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnMessageSeen(pub(crate) Position);

/// Two verified messages under this node's key contradict each other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnEquivocationSeen(pub(crate) Height);

/// The newest height, or the one under way, was decided a second time, for another block: nobody may
/// vote here any more. The sentence for people.
#[derive(Clone, Debug)]
pub(crate) struct ForkDetected(pub(crate) String);

/// A message of this sender and height came too early to be kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MessageRefused(pub(crate) Address, pub(crate) Height);

/// Sign the question to this peer how far it is. Answers `None` while this actor has no brain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SignQuestion(pub(crate) Address, pub(crate) Nonce);

/// Sign the answer to a question that has been admitted. Answers `None` between two heights.
#[derive(Debug)]
pub(crate) struct SignStanding {
    pub(crate) question: Arc<Question>,
    /// What this node has seen of its asker.
    pub(crate) seen: Seen,
    /// The newest committed block.
    pub(crate) head: (Height, BlockId),
}

/// A question to a peer is over; what it answered is on its way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PullEnded {
    /// Who was asked.
    pub(crate) peer: Address,
    /// Whether it answered.
    pub(crate) is_answered: bool,
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
    ChangePace => (),
    SignQuestion => Option<Question>,
    SignStanding => Option<Statement>,
}
