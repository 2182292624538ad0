//! What the Committer is told and asked.
use super::WhenFull::Falls;
use super::proposer::BuildBlock;
use lockstep_protocol::consensus::tally::Admission;
use lockstep_protocol::ledger::CommitBatch;
use lockstep_protocol::nouns::block::SealedBlock;
use lockstep_protocol::nouns::commit::{CommitCertificate, PolkaCertificate};
use lockstep_protocol::nouns::decided::DecidedBlock;
use lockstep_protocol::nouns::evidence::Evidence;
use lockstep_protocol::nouns::transaction::Transaction;
use lockstep_protocol::types::{Address, Hash, Timestamp};
use std::sync::Arc;

/// Is this block valid on the head?
#[derive(Debug)]
pub(crate) struct ExecuteBlock(pub(crate) Arc<SealedBlock>);

/// Build a block on the head.
#[derive(Debug)]
pub(crate) struct PrepareBlock {
    /// For which height and round.
    pub(crate) build: BuildBlock,
    pub(crate) now: Timestamp,
    /// In this order, those that can be included.
    pub(crate) transactions: Vec<Transaction>,
}

/// A height is decided.
#[derive(Debug)]
pub(crate) struct CommitDecision {
    /// The decided block.
    pub(crate) block: Arc<SealedBlock>,
    /// Its proof.
    pub(crate) certificate: Arc<CommitCertificate>,
}

/// Blocks from this peer, their certificates verified.
#[derive(Debug)]
pub(crate) struct SyncedBlocks(pub(crate) Address, pub(crate) Vec<DecidedBlock>);

/// A validator broke the rules, says the brain of the VoteCollector or of the Proposer; or StateStore, of
/// what it has written: who has fallen before that was written has not read it.
#[derive(Debug)]
pub(crate) struct EvidenceFound(pub(crate) Box<Evidence>);

/// Another node says that a validator broke the rules. Answers what became of it.
#[derive(Debug)]
pub(crate) struct EvidenceTold(pub(crate) Box<Evidence>);

/// Q of prevotes for one value, verified. Kept in case that a fork comes to light.
#[derive(Debug)]
pub(crate) struct PolkaSeen(pub(crate) Arc<PolkaCertificate>);

/// The transactions with these leaves have been verified, each by this key: no second look when a
/// block carries them.
#[derive(Debug)]
pub(crate) struct NoteTransactions(pub(crate) Vec<(Hash, Arc<[u8]>)>);

/// The store has written these blocks, in order of height.
#[derive(Debug)]
pub(crate) struct BlocksStored(pub(crate) Vec<Arc<CommitBatch>>);

told! {
    ExecuteBlock => Falls,
    PrepareBlock => Falls,
    CommitDecision => Falls,
    SyncedBlocks => Falls,
    EvidenceFound => Falls,
    PolkaSeen => Falls,
    NoteTransactions => Falls,
    BlocksStored => Falls,
}
asked! {
    EvidenceTold => Admission,
}
