//! Builds a block on the head, by the same execution as a check, and checks it before it is
//! proposed. A block that all others refuse would cost the builder its vote as well: it is not kept.
use super::call::Calls;
use super::chain::{CandidateRefusal, Executed, Ledger};
use super::execute;
use super::offences;
use super::overlay::Overlay;
use super::refusal::ExecuteError;
use super::state::ReadError;
use super::validity::InvalidBlock;
use crate::application::BlockContext;
use crate::limits::{BLOCK_TRANSACTION_BYTES_MAX, EVIDENCE_PER_BLOCK_MAX};
use crate::nouns::block::{Block, Header, SealedBlock};
use crate::nouns::commit::{CertificateError, CommitCertificate, Signers, cut_to_quorum};
use crate::nouns::evidence::{Evidence, Offence};
use crate::nouns::receipt::Receipt;
use crate::nouns::transaction::Transaction;
use crate::types::{Address, Hash, Height, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a proposer brings to a block.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Who builds it.
    pub proposer: Address,
    /// The builder's clock. The block gets it, or the first later time than its parent's.
    pub now: Timestamp,
    /// Candidates, in the order in which they are tried.
    pub transactions: Vec<Transaction>,
    /// Verified evidence, the most urgent first; what cannot stand in the block is left out.
    pub evidence: Vec<Evidence>,
}

/// A block that is valid on the head, and what did not get in.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Its overlay is kept: checking it costs nothing.
    pub block: Arc<SealedBlock>,
    /// Ids of candidates that were left out, and why.
    pub rejected: Vec<(Hash, CandidateRefusal)>,
}

/// Why no block could be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrepareError {
    /// Only validators build blocks.
    #[error("{0} is no validator: it builds no blocks")]
    Proposer(Address),
    /// The parent's time is the last one.
    #[error("no time is later than the parent's")]
    Time,
    /// The head came without the certificate that the next block must carry.
    #[error("the head has no commit certificate to carry on")]
    NoCertificate,
    /// The head's certificate does not fit the validator set.
    #[error("the head's commit certificate: {0}")]
    Certificate(#[from] CertificateError),
    /// Evidence that was not verified before.
    #[error(transparent)]
    Evidence(InvalidBlock),
    /// What was built is not valid: a fault of this program. Nothing is to be proposed.
    #[error("the block that was built here does not pass the check: {0}")]
    Invalid(InvalidBlock),
    /// An application that the block calls does not do the same twice: a fault of the application.
    /// Nothing is to be proposed.
    #[error(
        "executed once more, the block that was built here gives another result ({error}): of the \
         applications that it calls, {calls}, one is not deterministic; its calls are given up here"
    )]
    NotDeterministic {
        /// Which ones, and the transactions that call them.
        calls: Box<Calls>,
        /// What differs.
        error: Box<InvalidBlock>,
    },
    /// This node cannot read its own state, or an application has panicked: it must stop.
    #[error(transparent)]
    Fatal(#[from] ReadError),
}

impl PrepareError {
    fn of_check(error: InvalidBlock, calls: Calls) -> PrepareError {
        match error {
            InvalidBlock::Fatal(error) => PrepareError::Fatal(error),
            error @ (InvalidBlock::StateRoot(_) | InvalidBlock::ReceiptsRoot(_))
                if !calls.is_empty() =>
            {
                PrepareError::NotDeterministic {
                    calls: Box::new(calls),
                    error: Box::new(error),
                }
            }
            error => PrepareError::Invalid(error),
        }
    }
}

impl Ledger {
    /// Builds a block on the head. Candidates that cannot stand in it are skipped and reported.
    pub fn prepare(&mut self, draft: Draft) -> Result<Prepared, PrepareError> {
        let (set, next_set) = (
            self.validators.current().clone(),
            self.validators.next().hash(),
        );
        if set.index_of(&draft.proposer).is_none() {
            return Err(PrepareError::Proposer(draft.proposer));
        }
        let after_parent = self.head.time.0.checked_add(1).ok_or(PrepareError::Time)?;
        let time = draft.now.max(Timestamp(after_parent));
        let proposer = draft.proposer;
        let last_commit = self.last_commit()?;
        let height = self.head.height.next();
        let place = BlockContext {
            chain_id: self.rules.context.chain_id,
            height,
            time,
            proposer,
        };
        let (filled, executed) = self.fill(place, draft)?;
        let header = Header {
            chain_id: self.rules.context.chain_id,
            height,
            time,
            proposer,
            previous_block: self.head.block_id,
            last_commit_hash: Hash::default(), // all three filled in by `build`
            transactions_root: Hash::default(),
            evidence_root: Hash::default(),
            state_root: executed.changes.root,
            receipts_root: Block::receipts_root(&executed.receipts),
            validators_hash: set.hash(),
            next_validators_hash: next_set,
        };
        let transactions = (filled.transactions, filled.leaves);
        let block = SealedBlock::build_named(header, transactions, filled.evidence, last_commit);
        let block = Arc::new(block);
        let calls = self.calls_of(&block);
        let executed = match filled.tried {
            // The same steps on the same state: only the frame is left to check.
            Tried::BlockOnly if calls.is_empty() => self.check_frame(&block).map(|()| executed),
            // Whoever checks the block does not execute what was refused, and who says that an
            // application does the same twice?
            Tried::BlockOnly | Tried::More => self.judge(&block),
        };
        let executed = executed.map_err(|error| PrepareError::of_check(error, calls))?;
        self.keep(block.id(), Ok(executed));
        Ok(Prepared {
            block,
            rejected: filled.rejected,
        })
    }

    /// The head's certificate, cut to exactly a quorum: each block carries the shortest proof.
    fn last_commit(&self) -> Result<Option<CommitCertificate>, PrepareError> {
        let Some(full) = self.head.certificate.as_deref() else {
            let is_genesis = self.head.height == Height(0);
            return is_genesis
                .then_some(None)
                .ok_or(PrepareError::NoCertificate);
        };
        let unknown = CertificateError::UnknownHeight(full.height);
        let set = self.validators.at(full.height).ok_or(unknown)?;
        let members = full.signers.members(set)?;
        let power = set.power_of(members.iter().map(|(index, _)| *index));
        let taken = cut_to_quorum(set, members).ok_or(CertificateError::NoQuorum {
            power,
            total: set.total(),
        })?;
        Ok(Some(CommitCertificate {
            signers: Signers::collect(set, taken),
            ..full.clone()
        }))
    }

    /// The first candidates that may stand in the block of `height`, each offence once, in the
    /// order of a block. They were verified when they began to wait.
    fn choose_evidence(
        &self,
        height: Height,
        candidates: Vec<Evidence>,
    ) -> Result<Vec<Evidence>, ReadError> {
        let mut chosen = BTreeMap::new();
        for evidence in candidates {
            let offence = evidence.offence();
            let is_full = chosen.len() >= EVIDENCE_PER_BLOCK_MAX;
            let in_time = offences::accusing_set(&self.validators, height, &offence).is_ok();
            let is_new = !chosen.contains_key(&offence) && !self.is_committed(&offence)?;
            if !is_full && in_time && is_new && self.has_place(&offence, chosen.keys())? {
                chosen.insert(offence, evidence);
            }
        }
        Ok(chosen.into_values().collect())
    }

    /// Whether a block with these offences, and the chain, may accuse the same validator once more.
    fn has_place<'a>(
        &self,
        offence: &Offence,
        block: impl Iterator<Item = &'a Offence> + Clone,
    ) -> Result<bool, ReadError> {
        let accused = &offence.validator;
        let same = block.clone().filter(|o| o.validator == *accused);
        let left = self.accusations_left(accused)?;
        Ok(offences::has_place(accused, block) && (same.count() as u64) < left)
    }

    fn fill(
        &mut self,
        place: BlockContext,
        draft: Draft,
    ) -> Result<(Filled, Executed), PrepareError> {
        let height = place.height;
        let mut filled = Filled {
            evidence: self.choose_evidence(height, draft.evidence)?,
            ..Filled::default()
        };
        let mut state = Overlay::new(&*self.reader, self.head.state_version, &self.validators);
        let known = &mut self.evidence;
        let sets = (&self.validators, &self.rules.context);
        offences::execute(sets, known, &mut state, height, &filled.evidence)
            .map_err(PrepareError::Evidence)?;
        let mut receipts: Vec<Receipt> = Vec::new();
        for transaction in draft.transactions {
            let bytes = transaction.bytes().saturating_add(filled.bytes);
            if bytes > BLOCK_TRANSACTION_BYTES_MAX {
                filled.reject(&transaction, CandidateRefusal::BlockFull);
                continue;
            }
            let rules = &self.rules;
            let signatures = &mut self.signatures;
            let leaf = transaction.leaf();
            let named = (&leaf, &transaction);
            match execute::execute(rules, signatures, &mut state, place, named) {
                Ok(receipt) => {
                    receipts.push(receipt);
                    filled.bytes = bytes;
                    filled.leaves.push(leaf);
                    filled.transactions.push(transaction);
                }
                Err(ExecuteError::Refused(why)) => {
                    filled.tried = Tried::More;
                    filled.reject(&transaction, CandidateRefusal::Refused(why));
                    planted!(RefusedLeavesTrace => leave_trace(&mut state, &transaction)?);
                }
                Err(ExecuteError::Fatal(error)) => return Err(error.into()),
            }
        }
        let (changes, changed_set) = state.into_changes(self.head.state_root)?;
        let executed = Executed {
            changes: Arc::new(changes),
            receipts: Arc::new(receipts),
            changed_set,
        };
        Ok((filled, executed))
    }
}

/// What was executed on the overlay of a block.
#[derive(Default)]
enum Tried {
    /// Its transactions, one after the other.
    #[default]
    BlockOnly,
    /// Others between them, which do not stand in it.
    More,
}

#[derive(Default)]
struct Filled {
    evidence: Vec<Evidence>,
    transactions: Vec<Transaction>,
    /// Of the transactions.
    leaves: Vec<Hash>,
    bytes: usize,
    tried: Tried,
    rejected: Vec<(Hash, CandidateRefusal)>,
}

impl Filled {
    fn reject(&mut self, transaction: &Transaction, why: CandidateRefusal) {
        self.rejected.push((transaction.id(), why));
    }
}

#[cfg(feature = "mutants")]
fn leave_trace(state: &mut Overlay<'_>, of: &Transaction) -> Result<(), ReadError> {
    let mut account = state.account(&of.sender)?;
    account.nonce = account.nonce.saturating_add(1);
    state.set_account(of.sender, account);
    Ok(())
}
