//! valid(v), as far as it needs no execution: header, previous commit, sizes. Deterministic: the
//! local clock has no part in it.
use super::head::Head;
use super::offences::{self, EvidenceRefusal};
use super::precommits;
use super::refusal::TransactionError;
use super::rules::ChainRules;
use super::state::ReadError;
use crate::limits::{
    BLOCK_EVIDENCE_BYTES_MAX, BLOCK_TRANSACTION_BYTES_MAX, EVIDENCE_PER_BLOCK_MAX,
};
use crate::nouns::block::{Block, Header};
use crate::nouns::commit::{CertificateError, CommitCertificate};
use crate::nouns::evidence::Offence;
use crate::types::{Address, ChainId, Hash, Height, Mismatch, demand};
use crate::validators::schedule::ValidatorSchedule;

/// Why a block is not valid on this head. All variants but [`Fatal`](InvalidBlock::Fatal) speak of
/// the block, and every correct node on the same head says the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBlock {
    /// Another chain.
    #[error("the block belongs to chain {}, not to {}", .0.actual, .0.expected)]
    ChainId(Mismatch<ChainId>),
    /// Not the height after the head. It may be valid once the head has moved.
    #[error("the block has height {}, the next one is {}", .0.actual, .0.expected)]
    Height(Mismatch<Height>),
    /// Not a child of the head.
    #[error("the block's parent is {}, not {}", .0.actual, .0.expected)]
    Parent(Mismatch<Hash>),
    /// Not later than the parent.
    #[error("the block's time is not later than its parent's")]
    Time,
    /// Built by someone who is no validator.
    #[error("the block's builder {0} is no validator")]
    Proposer(Address),
    /// Made for another validator set than that of its height. Its certificate is of that other set,
    /// and so proves nothing.
    #[error("the block names another validator set")]
    ValidatorSet,
    /// Names another set for the next height than its parent's state does.
    #[error("the block names another validator set for the next height")]
    NextValidatorSet,
    /// From height 2 on a block carries the commit of its parent.
    #[error("the block lacks the commit certificate of its parent")]
    LastCommitMissing,
    /// The first block has no parent that anyone has committed.
    #[error("the first block carries a commit certificate")]
    LastCommitUnexpected,
    /// A certificate for something else than the parent.
    #[error("the block's commit certificate is not for its parent")]
    LastCommitForeign,
    /// The parent's certificate is malformed, forged, too small or larger than a quorum.
    #[error("the commit certificate of the parent: {0}")]
    LastCommit(CertificateError),
    /// More transactions than a block may carry.
    #[error("{0} bytes of transactions are more than {BLOCK_TRANSACTION_BYTES_MAX}")]
    TransactionBytes(usize),
    /// A transaction that may not stand where it stands.
    #[error("transaction {index} ({id}): {reason}")]
    Transaction {
        /// Its place in the block.
        index: usize,
        /// Its id.
        id: Hash,
        /// What is wrong with it.
        reason: TransactionError,
    },
    /// More evidence than a block may carry.
    #[error("{0} pieces of evidence are more than {EVIDENCE_PER_BLOCK_MAX}")]
    EvidenceCount(usize),
    /// Larger evidence than a block may carry.
    #[error("{0} bytes of evidence are more than {BLOCK_EVIDENCE_BYTES_MAX}")]
    EvidenceBytes(usize),
    /// Evidence that may not stand where it stands.
    #[error("evidence {index} ({offence}): {reason}")]
    Evidence {
        /// Its place in the block.
        index: usize,
        /// What it claims.
        offence: Offence,
        /// What is wrong with it.
        reason: EvidenceRefusal,
    },
    /// The header promises another state than execution gives.
    #[error("execution gives the state root {}, the header says {}", .0.actual, .0.expected)]
    StateRoot(Mismatch<Hash>),
    /// The header promises other receipts than execution gives.
    #[error("execution gives the receipts root {}, the header says {}", .0.actual, .0.expected)]
    ReceiptsRoot(Mismatch<Hash>),
    /// On commit: the certificate is for another block.
    #[error("the commit certificate names another block")]
    ForeignCertificate,
    /// Not the block's fault: this node cannot read its own state, and must stop.
    #[error(transparent)]
    Fatal(#[from] ReadError),
}

impl InvalidBlock {
    /// One stable word for metrics and peers' counters.
    pub fn code(&self) -> &'static str {
        match self {
            InvalidBlock::ChainId { .. } => "chain_id",
            InvalidBlock::Height { .. } => "height",
            InvalidBlock::Parent { .. } => "parent",
            InvalidBlock::Time => "time",
            InvalidBlock::Proposer(_) => "proposer",
            InvalidBlock::ValidatorSet => "validator_set",
            InvalidBlock::NextValidatorSet => "next_validator_set",
            InvalidBlock::LastCommitMissing => "last_commit_missing",
            InvalidBlock::LastCommitUnexpected => "last_commit_unexpected",
            InvalidBlock::LastCommitForeign => "last_commit_foreign",
            InvalidBlock::LastCommit(_) => "last_commit",
            InvalidBlock::TransactionBytes { .. } => "transaction_bytes",
            InvalidBlock::Transaction { .. } => "transaction",
            InvalidBlock::EvidenceCount { .. } => "evidence_count",
            InvalidBlock::EvidenceBytes { .. } => "evidence_bytes",
            InvalidBlock::Evidence { .. } => "evidence",
            InvalidBlock::StateRoot { .. } => "state_root",
            InvalidBlock::ReceiptsRoot { .. } => "receipts_root",
            InvalidBlock::ForeignCertificate => "foreign_certificate",
            InvalidBlock::Fatal(_) => "fatal",
        }
    }

    /// Whether the same block must get the same verdict as long as the head stays.
    pub(super) fn is_final_on_this_head(&self) -> bool {
        !matches!(self, InvalidBlock::Fatal(_) | InvalidBlock::Height { .. })
    }
}

/// Everything about `block` but its transactions, its evidence, its state root and its receipts root.
pub(super) fn check_frame(
    rules: &ChainRules,
    head: &Head,
    validators: &ValidatorSchedule,
    block: &Block,
) -> Result<(), InvalidBlock> {
    check_header(rules, head, validators, &block.header)?;
    let actual = block
        .transactions
        .iter()
        .fold(0usize, |sum, t| sum.saturating_add(t.bytes()));
    if actual > BLOCK_TRANSACTION_BYTES_MAX {
        return Err(InvalidBlock::TransactionBytes(actual));
    }
    offences::check_size(&block.evidence)?;
    check_last_commit(rules, head, validators, block)
}

fn check_header(
    rules: &ChainRules,
    head: &Head,
    validators: &ValidatorSchedule,
    header: &Header,
) -> Result<(), InvalidBlock> {
    demand(head.height.next(), header.height, InvalidBlock::Height)?;
    // Before all else: nothing that another set has certified says anything about this height.
    if header.validators_hash != validators.current().hash() {
        return Err(InvalidBlock::ValidatorSet);
    }
    let (parent, previous) = (head.block_id, header.previous_block);
    demand(
        rules.context.chain_id,
        header.chain_id,
        InvalidBlock::ChainId,
    )?;
    demand(parent, previous, InvalidBlock::Parent)?;
    if header.time <= head.time {
        return Err(InvalidBlock::Time);
    }
    if validators.current().index_of(&header.proposer).is_none() {
        return Err(InvalidBlock::Proposer(header.proposer));
    }
    if header.next_validators_hash != validators.next().hash() {
        return Err(InvalidBlock::NextValidatorSet);
    }
    Ok(())
}

/// The certificate of the parent, if there is a parent that anybody has committed.
fn demand_last_commit<'a>(
    head: &Head,
    last_commit: Option<&'a CommitCertificate>,
) -> Result<Option<&'a CommitCertificate>, InvalidBlock> {
    let certificate = match last_commit {
        None if head.height == Height(0) => return Ok(None),
        None => return Err(InvalidBlock::LastCommitMissing),
        Some(_) if head.height == Height(0) => return Err(InvalidBlock::LastCommitUnexpected),
        Some(certificate) => certificate,
    };
    if (certificate.height, certificate.block_id) != (head.height, head.block_id) {
        return Err(InvalidBlock::LastCommitForeign);
    }
    Ok(Some(certificate))
}

fn check_last_commit(
    rules: &ChainRules,
    head: &Head,
    validators: &ValidatorSchedule,
    block: &Block,
) -> Result<(), InvalidBlock> {
    planted!(UncheckedLastCommit => return Ok(()));
    let certificate = demand_last_commit(head, block.last_commit.as_ref())?;
    certificate.map_or(Ok(()), |certificate| {
        verify_last_commit(rules, head, validators, certificate).map_err(InvalidBlock::LastCommit)
    })
}

/// Of the set of the parent's height, whoever decides this one.
fn verify_last_commit(
    rules: &ChainRules,
    head: &Head,
    validators: &ValidatorSchedule,
    certificate: &CommitCertificate,
) -> Result<(), CertificateError> {
    let unknown = CertificateError::UnknownHeight(certificate.height);
    let set = validators.at(certificate.height).ok_or(unknown)?;
    certificate.is_minimal(set)?;
    let trusted = head.certificate.as_deref();
    precommits::verify(validators, &rules.context, trusted, certificate)
}
