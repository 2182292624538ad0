//! What BlockSync is told.
use super::WhenFull::{Falls, ToldAgain};
use actix_web::web::Bytes;
use lockstep_protocol::nouns::standing::Standing;
use lockstep_protocol::types::{Address, Height};

/// A peer works on this height.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PeerAhead(pub(crate) Address, pub(crate) Height);

/// Asked by this node, a peer said and signed how far it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PeerStands(pub(crate) Address, pub(crate) Standing);

/// A peer's port refuses connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PeerGone(pub(crate) Address);

/// A peer keeps no block below this height.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PeerKeeps(pub(crate) Address, pub(crate) Height);

/// What a peer answered to [`RequestBlocks`](super::peer_broadcaster::RequestBlocks); `None` if it did not, or had no time.
#[derive(Debug)]
pub(crate) struct BlocksArrived {
    /// Who was asked.
    pub(crate) peer: Address,
    /// From which height on.
    pub(crate) from: Height,
    /// The bytes, not decoded yet.
    pub(crate) answer: Option<Bytes>,
}

/// Blocks from this height on, sent by this peer, prove nothing: whom the chain has not named has
/// certified them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlocksDiscarded(pub(crate) Height, pub(crate) Address);

/// A certified block is invalid here: no block after it is of any use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StopSync;

/// The RoundDriver begins, or has restarted: it must be told whether this node has arrived.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetellArrival;

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
