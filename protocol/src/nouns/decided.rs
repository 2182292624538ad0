//! A block that is decided, with the proof of it.
use super::block::SealedBlock;
use super::commit::CommitCertificate;
use std::sync::Arc;

/// A committed block with its certificate: the answer to block sync.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecidedBlock {
    /// The block.
    pub block: Arc<SealedBlock>,
    /// The proof of its decision.
    pub certificate: Arc<CommitCertificate>,
}
