//! What BlockSync is told.
use super::WhenFull::{Falls, ToldAgain};
use actix_web::web::Bytes;
use lockstep_protocol::standing::Standing;
use lockstep_protocol::types::{Address, Height};

/// A peer works on this height.
#[derive(Clone, Copy, Debug)]
pub struct PeerAhead(pub Address, pub Height);

/// Asked by this node, a peer said and signed how far it is.
#[derive(Clone, Copy, Debug)]
pub struct PeerStands(pub Address, pub Standing);

/// A peer's port refuses connections.
#[derive(Clone, Copy, Debug)]
pub struct PeerGone(pub Address);

/// A peer keeps no block below this height.
#[derive(Clone, Copy, Debug)]
pub struct PeerKeeps(pub Address, pub Height);

/// What a peer answered to [`RequestBlocks`]; `None` if it did not, or had no time.
#[derive(Debug)]
pub struct BlocksArrived {
    /// Who was asked.
    pub peer: Address,
    /// From which height on.
    pub from: Height,
    /// The bytes, not decoded yet.
    pub answer: Option<Bytes>,
}

/// Blocks from this height on, sent by this peer, prove nothing: whom the chain has not named has
/// certified them.
#[derive(Clone, Copy, Debug)]
pub struct BlocksDiscarded(pub Height, pub Address);

/// A certified block is invalid here: no block after it is of any use.
#[derive(Clone, Copy, Debug)]
pub struct StopSync;

/// The RoundDriver begins, or has restarted: it must be told whether this node has arrived.
#[derive(Clone, Copy, Debug)]
pub struct RetellArrival;

told! {
    // Validators that repeat far heights can fill the mailbox; and a peer says its height with
    // each handshake and answer.
    PeerAhead => ToldAgain,
    // The peer is asked again.
    PeerStands => ToldAgain,
    // The next attempt to connect tells it.
    PeerGone => ToldAgain,
    // The next handshake tells it.
    PeerKeeps => ToldAgain,
    // The patience of BlockSync ends, and it asks again.
    BlocksArrived => ToldAgain,
    BlocksDiscarded => Falls,
    StopSync => Falls,
    RetellArrival => Falls,
}
