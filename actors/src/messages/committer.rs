//! What the Committer is told and asked.
use super::WhenFull::Falls;
use super::proposer::BuildBlock;
use lockstep_protocol::block::SealedBlock;
use lockstep_protocol::commit::{CommitCertificate, PolkaCertificate};
use lockstep_protocol::consensus::tally::Admission;
use lockstep_protocol::evidence::Evidence;
use lockstep_protocol::ledger::CommitBatch;
use lockstep_protocol::transaction::Transaction;
use lockstep_protocol::types::{Address, Hash, Timestamp};
use lockstep_protocol::wire::DecidedBlock;
use std::sync::Arc;

/// Is this block valid on the head?
#[derive(Debug)]
pub struct ExecuteBlock(pub Arc<SealedBlock>);

/// Build a block on the head.
#[derive(Debug)]
pub struct PrepareBlock {
    /// For which height and round.
    pub build: BuildBlock,
    /// This validator.
    pub proposer: Address,
    /// The wall clock.
    pub now: Timestamp,
    /// In this order, those that can be included.
    pub transactions: Vec<Transaction>,
}

/// A height is decided.
#[derive(Debug)]
pub struct CommitDecision {
    /// The decided block.
    pub block: Arc<SealedBlock>,
    /// Its proof.
    pub certificate: Arc<CommitCertificate>,
}

/// Blocks from this peer, their certificates verified.
#[derive(Debug)]
pub struct SyncedBlocks(pub Address, pub Vec<DecidedBlock>);

/// A validator broke the rules, says the brain of the VoteCollector or of the Proposer.
#[derive(Debug)]
pub struct EvidenceFound(pub Box<Evidence>);

/// Another node says that a validator broke the rules. Answers what became of it.
#[derive(Debug)]
pub struct EvidenceTold(pub Box<Evidence>);

/// Q of prevotes for one value, verified. Kept in case that a fork comes to light.
#[derive(Debug)]
pub struct PolkaSeen(pub Arc<PolkaCertificate>);

/// The transactions with these leaves have been verified, each by this key: no second look when a
/// block carries them.
#[derive(Debug)]
pub struct NoteTransactions(pub Vec<(Hash, Arc<[u8]>)>);

/// The store has written these blocks, in order of height.
#[derive(Debug)]
pub struct BlocksStored(pub Vec<Arc<CommitBatch>>);

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
