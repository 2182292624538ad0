//! What the PeerBroadcaster is told.
use super::WhenFull::{Dropped, Falls};
use crate::peers::Peer;
use lockstep_protocol::mempool::Entry;
use lockstep_protocol::nouns::compact::TransactionsWanted;
use lockstep_protocol::nouns::evidence::Evidence;
use lockstep_protocol::nouns::proposal::ProposedBlock;
use lockstep_protocol::nouns::pull::Pull;
use lockstep_protocol::nouns::vote::SignedVote;
use lockstep_protocol::types::{Address, Height};
use std::sync::Arc;

/// Send this to every peer.
#[derive(Clone, Debug)]
pub(crate) enum Broadcast {
    /// This node's proposal, told for the first time: `POST /consensus/compact`, with what a peer
    /// is not believed to hold; if that is not shorter, as the next.
    NewProposal(Arc<ProposedBlock>),
    /// `POST /consensus/proposal`.
    Proposal(Arc<ProposedBlock>),
    /// `POST /consensus/vote`.
    Vote(Arc<SignedVote>),
}

/// Pass these on to this peer, or to every one, in batches and apart from what consensus says.
#[derive(Clone, Debug)]
pub(crate) struct GossipTransactions(pub(crate) Vec<Entry>, pub(crate) Option<Address>);

/// No block has carried these yet: every peer must know. Apart from what consensus says.
#[derive(Clone, Debug)]
pub(crate) struct TellEvidence(pub(crate) Vec<Evidence>);

/// Ask this peer for blocks; answered by [`BlocksArrived`](super::block_sync::BlocksArrived).
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestBlocks {
    /// The validator whose node is asked.
    pub(crate) peer: Address,
    /// The first height.
    pub(crate) from: Height,
    /// How many at the most.
    pub(crate) limit: u64,
}

/// Ask this peer for the messages that are lacking here; they arrive as if it had pushed them, and
/// then [`PullEnded`](super::round_driver::PullEnded).
#[derive(Debug)]
pub(crate) struct PullMessages {
    /// The validator whose node is asked.
    pub(crate) peer: Address,
    /// What is held here.
    pub(crate) pull: Pull,
}

/// Ask this peer for transactions of its proposal; answered by [`TransactionsFetched`](super::proposer::TransactionsFetched).
#[derive(Debug)]
pub(crate) struct FetchTransactions {
    /// The validator whose node is asked.
    pub(crate) peer: Address,
    /// Which ones.
    pub(crate) missing: TransactionsWanted,
}

/// These are the peers from now on. Told once all ports are known.
#[derive(Clone, Debug)]
pub(crate) struct ConnectPeers(pub(crate) Vec<Peer>);

told! {
    Broadcast => Falls,
    GossipTransactions => Falls,
    TellEvidence => Falls,
    RequestBlocks => Falls,
    PullMessages => Falls,
    FetchTransactions => Falls,
    // The outside tells it, when the node starts and hardly anything waits.
    ConnectPeers => Dropped("the peers were not taken, because too many messages wait"),
}
