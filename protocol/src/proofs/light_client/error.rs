//! Why a light client does not take what it is shown.
use crate::ledger::ProofError;
use crate::nouns::commit::CertificateError;
use crate::types::{BlockId, ChainId, Hash, Height, Mismatch, Timestamp};
use crate::validators::set::ValidatorSetError;

/// What was shown does not follow from what is trusted. Each is a lie or a fault of whoever showed
/// it, but [`TooFarAhead`](Self::TooFarAhead) and [`NotAhead`](Self::NotAhead).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LightError {
    /// The header shown for the checkpoint has another id.
    #[error("the block shown for the checkpoint {} has the id {}", .0.expected, .0.actual)]
    NotTheCheckpoint(Mismatch<BlockId>),
    /// A header of a chain with another number.
    #[error("a header of chain {} was shown, of chain {} one was asked for", .0.actual, .0.expected)]
    OtherChain(Mismatch<ChainId>),
    /// The first block of a chain with another genesis.
    #[error("block 1 stands on genesis {}, not on {}", .0.actual, .0.expected)]
    OtherGenesis(Mismatch<Hash>),
    /// A header, certificate or proof of another height than the one that was asked for.
    #[error("something of height {} was shown, of height {} it was asked for", .0.actual, .0.expected)]
    OtherHeight(Mismatch<Height>),
    /// The asked height lies not after the trusted one.
    #[error("height {asked} lies not after the trusted height {trusted}: ask for a later one")]
    NotAhead {
        /// The trusted height.
        trusted: Height,
        /// The height that was asked for.
        asked: Height,
    },
    /// A certificate for another block.
    #[error("the certificate is one of block {}, the header that of block {}", .0.actual, .0.expected)]
    CertificateOfOther(Mismatch<BlockId>),
    /// Later than the owner's clock allows for.
    #[error("the header's time {actual} lies in the future of this clock's {now}")]
    Future {
        /// The owner's clock.
        now: Timestamp,
        /// The header's time.
        actual: Timestamp,
    },
    /// Not later than the trusted header.
    #[error("the header's time {actual} is not after the trusted header's {trusted}")]
    TimeGoesBack {
        /// The trusted header's time.
        trusted: Timestamp,
        /// The header's time.
        actual: Timestamp,
    },
    /// The header right after the trusted one has another parent.
    #[error("the header's parent is {}, the trusted block before it is {}", .0.actual, .0.expected)]
    OtherParent(Mismatch<BlockId>),
    /// The header right after the trusted one has another set than that one names.
    #[error(
        "the header's validators {} are not those that the block before it names: {}",
        .0.actual, .0.expected
    )]
    OtherValidators(Mismatch<Hash>),
    /// The shown set is not the one that the header names.
    #[error("the validators shown have the hash {}, the header names {}", .0.actual, .0.expected)]
    ValidatorsHash(Mismatch<Hash>),
    /// The shown set is none.
    #[error(transparent)]
    Validators(#[from] ValidatorSetError),
    /// The certificate is none.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// Too few of the trusted validators signed to take a header that is not the next one.
    #[error(
        "of the trusted validators, {power} of {total} power signed it, no third: take a header in between first"
    )]
    TooFarAhead {
        /// The power of the trusted validators who signed.
        power: u64,
        /// The power of the trusted set.
        total: u64,
    },
    /// The proof is none.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

impl LightError {
    /// One stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            LightError::NotTheCheckpoint { .. } => "not_the_checkpoint",
            LightError::OtherChain { .. } => "other_chain",
            LightError::OtherGenesis { .. } => "other_genesis",
            LightError::OtherHeight { .. } => "other_height",
            LightError::NotAhead { .. } => "not_ahead",
            LightError::CertificateOfOther { .. } => "certificate_of_other",
            LightError::Future { .. } => "future",
            LightError::TimeGoesBack { .. } => "time_goes_back",
            LightError::OtherParent { .. } => "other_parent",
            LightError::OtherValidators { .. } => "other_validators",
            LightError::ValidatorsHash { .. } => "validators_hash",
            LightError::Validators(_) => "validators",
            LightError::Certificate(CertificateError::NoQuorum { .. }) => "no_quorum",
            LightError::Certificate(CertificateError::Signature { .. }) => "signature",
            LightError::Certificate(_) => "certificate",
            LightError::TooFarAhead { .. } => "too_far_ahead",
            LightError::Proof(_) => "proof",
        }
    }
}
