//! What the Proposer is told and asked.
use super::WhenFull::{Falls, ToldAgain};
use lockstep_protocol::consensus::tally::Admission;
use lockstep_protocol::nouns::block::SealedBlock;
use lockstep_protocol::nouns::compact::Assembly;
use lockstep_protocol::nouns::proposal::{Proposal, ProposedBlock};
use lockstep_protocol::nouns::pull::Pull;
use lockstep_protocol::nouns::transaction::Transaction;
use lockstep_protocol::types::{Address, BlockId, Height, Round};
use std::sync::Arc;

/// A proposal came in over HTTP. Answers what became of it.
#[derive(Debug)]
pub(crate) struct ProposalReceived(pub(crate) Arc<ProposedBlock>);

/// The same by its leaves, filled with what waits in the mempool. Answers what became of it.
#[derive(Debug)]
pub(crate) struct CompactReceived(pub(crate) Box<Assembly>);

/// What a peer answered to [`FetchTransactions`](super::peer_broadcaster::FetchTransactions): nothing, if it did not.
#[derive(Debug)]
pub(crate) struct TransactionsFetched {
    /// The block that they were asked for.
    pub(crate) block_id: BlockId,
    /// In its order.
    pub(crate) transactions: Vec<Arc<Transaction>>,
}

/// Which block was proposed under this id? A peer lacks transactions of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GetProposedBlock(pub(crate) Height, pub(crate) BlockId);

/// The signed part of a proposal has come: is its block worth reading? Answers why not.
#[derive(Debug)]
pub(crate) struct ScreenProposal {
    /// The signed part.
    pub(crate) head: Proposal,
    /// Whether its block comes by its leaves.
    pub(crate) is_compact: bool,
}

/// This node's proposal, durable and on its way.
#[derive(Debug)]
pub(crate) struct OwnProposal(pub(crate) Arc<ProposedBlock>);

/// It is this node's turn: build a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BuildBlock {
    /// The height under decision.
    pub(crate) height: Height,
    /// Its round.
    pub(crate) round: Round,
}

/// What waits in the Mempool for a block of this node.
#[derive(Debug)]
pub(crate) struct BlockFilled {
    /// What was asked for.
    pub(crate) build: BuildBlock,
    /// In order of preference.
    pub(crate) transactions: Vec<Transaction>,
}

/// The block that [`PrepareBlock`](super::committer::PrepareBlock) asked for.
#[derive(Debug)]
pub(crate) struct BlockPrepared {
    /// What was asked for.
    pub(crate) build: BuildBlock,
    /// The block, executed on an overlay.
    pub(crate) block: Arc<SealedBlock>,
}

/// The ledger executed a block: `true` if it is valid.
#[derive(Debug)]
pub(crate) struct BlockExecuted(pub(crate) BlockId, pub bool);

/// The ledger was rebuilt and has forgotten what it was asked.
#[derive(Debug)]
pub(crate) struct LedgerRebuilt;

/// The round machine has forgotten the proposals of this height.
#[derive(Debug)]
pub(crate) struct RetellProposals;

/// Ask this peer for what this node lacks (E5). The question goes by way of the actors that hold
/// the messages, and each writes down what it has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BeginPull {
    /// Who is asked.
    pub(crate) peer: Address,
    /// The height under decision.
    pub(crate) height: Height,
    /// Its round.
    pub(crate) round: Round,
}

/// Which proposals does a peer lack?
#[derive(Debug)]
pub(crate) struct GetProposals(pub(crate) Arc<Pull>);

told! {
    // The whole proposal is pulled instead (E5).
    TransactionsFetched => ToldAgain,
    OwnProposal => Falls,
    BuildBlock => Falls,
    BlockFilled => Falls,
    BlockPrepared => Falls,
    BlockExecuted => Falls,
    LedgerRebuilt => Falls,
    RetellProposals => Falls,
    BeginPull => Falls,
}
asked! {
    ProposalReceived => Admission,
    CompactReceived => Admission,
    ScreenProposal => Option<Admission>,
    GetProposedBlock => Option<Arc<SealedBlock>>,
    GetProposals => Vec<Arc<ProposedBlock>>,
}
