//! What a devnet tells of each commit of each node.
use crate::builder::Builder;
use lockstep_actors::node::{OnCommit, SharedClock};
use lockstep_protocol::nouns::decided::DecidedBlock;
use lockstep_protocol::types::{Address, BlockId, Hash, Height, Round};
use std::sync::Arc;

/// A node has committed a block.
#[derive(Clone, Debug)]
pub struct CommitEvent {
    /// Which node of the devnet.
    pub node: usize,
    /// How often its disk was put back before: after that other blocks may have the same heights.
    pub reverts: u64,
    /// The block's height.
    pub height: Height,
    /// The round that decided it.
    pub round: Round,
    /// Who built it.
    pub proposer: Address,
    /// The block.
    pub block_id: BlockId,
    /// The state after it.
    pub state_root: Hash,
    /// How many transactions it carries.
    pub transactions: usize,
    /// How many precommits this node's certificate holds.
    pub precommits: usize,
    /// From the start of the height on this node to its durable commit, in milliseconds.
    pub commit_ms: f64,
}

impl Builder {
    pub(crate) fn commit_hook(
        &self,
        node: usize,
        reverts: u64,
        clock: Arc<SharedClock>,
    ) -> Option<OnCommit> {
        let call = self.on_commit.clone();
        Some(Arc::new(move |decided: &DecidedBlock, seconds: f64| {
            let header = decided.block.header();
            clock.passed(header.time);
            let Some(call) = &call else { return };
            let certificate = &decided.certificate;
            call(CommitEvent {
                node,
                reverts,
                height: header.height,
                round: certificate.round,
                proposer: header.proposer,
                block_id: decided.block.id(),
                state_root: header.state_root,
                transactions: decided.block.block().transactions.len(),
                precommits: certificate.signers.count(),
                commit_ms: seconds * 1e3,
            });
        }))
    }
}
