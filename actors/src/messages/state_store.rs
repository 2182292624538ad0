//! What the StateStore is told.
use super::WhenFull::{Dropped, Falls};
use lockstep_protocol::consensus::committer::forks::KnownFork;
use lockstep_protocol::consensus::driver::Halt;
use lockstep_protocol::consensus::durable::Persist;
use lockstep_protocol::ledger::CommitBatch;
use lockstep_protocol::nouns::evidence::{Evidence, Offence};
use std::sync::Arc;

/// Write this before its message is sent, then tell [`SignaturePersisted`](super::round_driver::SignaturePersisted).
#[derive(Debug)]
pub(crate) struct PersistSignature(pub(crate) Box<Persist>);

/// Write blocks that follow each other, and all that follows from them, in one transaction; then
/// tell [`BlocksStored`](super::committer::BlocksStored).
#[derive(Debug)]
pub(crate) struct CommitBlocks(pub(crate) Vec<Arc<CommitBatch>>);

/// This node stopped voting for a reason that [outlives](Halt::outlives_restart) a restart.
#[derive(Clone, Debug)]
pub(crate) struct RememberHalt(pub(crate) Halt);

/// Where did I stop, asks this incarnation? Answered by [`DriverRecovered`](super::round_driver::DriverRecovered).
#[derive(Debug)]
pub(crate) struct RecoverDriver(pub u64);

/// Keep this until a block carries it; it survives the node.
#[derive(Debug)]
pub(crate) struct PersistEvidence {
    /// Verified.
    pub(crate) keep: Option<Box<Evidence>>,
    /// What had to give way for it, or waits no more.
    pub(crate) forget: Vec<Offence>,
}

/// Keep the proof that a height was decided twice, and whether that stops this node.
#[derive(Debug)]
pub(crate) struct PersistFork(pub(crate) Arc<KnownFork>);

told! {
    PersistSignature => Falls,
    CommitBlocks => Falls,
    RememberHalt => Falls,
    RecoverDriver => Falls,
    PersistFork => Falls,
    // Validators that misbehave choose how often it comes. Where signatures wait for the disk
    // already, it is not written: it waits in memory, and the other nodes are told all the same.
    // What is forgotten only there is forgotten again after a start.
    PersistEvidence => Dropped("the disk is behind: what waits as evidence is not written"),
}
