//! Why a snapshot is refused.
use super::format::FORMAT_VERSION;
use crate::codec::CodecError;
use crate::ledger::ReadError;
use crate::nouns::commit::CertificateError;
use crate::proofs::light_client::Checkpoint;
use crate::types::{Hash, Height};
use crate::validators::set::ValidatorSetError;

/// Why a snapshot is refused, in one line that names the next step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// It does not begin as one.
    #[error("it is no snapshot: name a file that lockstep snapshot export has made")]
    NoSnapshot,
    /// Made by another release.
    #[error("it has format {0}, this release reads {FORMAT_VERSION}: use the release that made it")]
    Version(u16),
    /// Of another chain.
    #[error(
        "it belongs to the chain with genesis {found}, this node to {expected}: name a snapshot of \
         this chain, or the other genesis"
    )]
    OtherChain {
        /// Hash of the genesis that is known here.
        expected: Hash,
        /// Hash in the file.
        found: Hash,
    },
    /// The block that is trusted is another one.
    #[error(
        "its block {height} is {found}, and the one that you trust is {expected}: do not use it, \
         and find out who made it"
    )]
    NotTheTrusted {
        /// Of both.
        height: Height,
        /// What the owner trusts.
        expected: Hash,
        /// What the file has.
        found: Hash,
    },
    /// The block that is trusted is not in it.
    #[error(
        "nothing in it ties it to {trusted}: name a trusted block of height {head} instead, \
         which is its own"
    )]
    TrustedHeight {
        /// What the owner trusts.
        trusted: Checkpoint,
        /// The height of the file.
        head: Height,
    },
    /// A record is longer than any can be, or shorter than it says.
    #[error("{0}; get it again, from another node if need be")]
    Shape(&'static str),
    /// Bytes that are no record.
    #[error("{0}; get it again, from another node if need be")]
    Codec(#[from] CodecError),
    /// Something in it does not belong to what comes before it.
    #[error("height {0}: {1}; do not use it, and get one from another node")]
    Unproven(Height, &'static str),
    /// A certificate proves nothing.
    #[error("height {0}: {1}; do not use it, and get one from another node")]
    Certificate(Height, CertificateError),
    /// A set that cannot be one.
    #[error("height {0}: {1}; do not use it, and get one from another node")]
    Validators(Height, ValidatorSetError),
    /// The state is another one than the header names.
    #[error(
        "its state has the root {found}, and block {height} names {expected}; do not use it, and \
         get one from another node"
    )]
    StateRoot {
        /// Of the snapshot.
        height: Height,
        /// What the certified header says.
        expected: Hash,
        /// What the leaves give.
        found: Hash,
    },
    /// The tree cannot be built.
    #[error(transparent)]
    Tree(#[from] ReadError),
}

impl SnapshotError {
    /// 2 usage, 3 corrupt or forged, 4 another chain.
    pub fn exit_code(&self) -> u8 {
        match self {
            SnapshotError::Version(_) | SnapshotError::TrustedHeight { .. } => 2,
            SnapshotError::OtherChain { .. } | SnapshotError::NotTheTrusted { .. } => 4,
            _ => 3,
        }
    }
}
