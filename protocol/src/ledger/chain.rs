//! [`Ledger`]: checks, builds and commits blocks on one head.
use super::call::Calls;
use super::execute;
use super::head::{GenesisError, Head, genesis_changes};
use super::offences::{self, KnownEvidence};
use super::overlay::Overlay;
use super::precommits;
use super::refusal::{ExecuteError, TransactionError};
use super::rules::ChainRules;
use super::signatures::Signatures;
use super::state::{ReadError, StateChanges, StateReader};
use super::validators;
use super::validity::{self, InvalidBlock};
use crate::application::Applications;
use crate::limits::{EVIDENCE_PER_VALIDATOR_MAX, OVERLAYS_MAX};
use crate::nouns::block::{Block, SealedBlock};
use crate::nouns::commit::{CertificateError, CommitCertificate};
use crate::nouns::evidence::{Evidence, Offence};
use crate::nouns::genesis::Genesis;
use crate::nouns::receipt::Receipt;
use crate::nouns::transaction::Transaction;
use crate::types::{Address, BlockId, Hash, demand};
use crate::validators::schedule::ValidatorSchedule;
use crate::validators::set::ValidatorSet;
use std::collections::VecDeque;
use std::sync::Arc;

/// The brain of execution: what is valid on the head, and what it changes.
///
/// Invariant: nothing that is checked or built is visible in the state before it is committed and
/// reported durable with [`committed`](Ledger::committed).
pub struct Ledger {
    pub(super) rules: Arc<ChainRules>,
    pub(super) reader: Arc<dyn StateReader>,
    pub(super) head: Head,
    pub(super) validators: ValidatorSchedule,
    pub(super) signatures: Signatures,
    pub(super) evidence: KnownEvidence,
    pub(super) verdicts: VecDeque<(BlockId, BlockVerdict)>,
}

/// What execution gave: the overlay of a valid block.
#[derive(Clone)]
pub(super) struct Executed {
    pub(super) changes: Arc<StateChanges>,
    pub(super) receipts: Arc<Vec<Receipt>>,
    /// The set of the height two further on, if it is another than that of the next height.
    pub(super) changed_set: Option<Arc<ValidatorSet>>,
}

pub(super) type BlockVerdict = Result<Executed, InvalidBlock>;

impl Ledger {
    /// On the newest committed block, whose state `reader` reads.
    pub fn new(
        rules: Arc<ChainRules>,
        reader: Arc<dyn StateReader>,
        head: Head,
    ) -> Result<Ledger, ReadError> {
        let (height, version) = (head.height, head.state_version);
        let validators = validators::validator_schedule(&*rules.scheme, &*reader, height, version)?;
        Ok(Ledger::on(rules, reader, head, validators))
    }

    /// On a head whose validator sets are known.
    pub(crate) fn on(
        rules: Arc<ChainRules>,
        reader: Arc<dyn StateReader>,
        head: Head,
        validators: ValidatorSchedule,
    ) -> Ledger {
        Ledger {
            rules,
            reader,
            head,
            validators,
            signatures: Signatures::default(),
            evidence: KnownEvidence::new(),
            verdicts: VecDeque::new(),
        }
    }

    /// The state at version 0: the validators of the genesis document, and its accounts, which must
    /// rise by address. Of a genesis that names applications,
    /// [`ChainRules::genesis_changes`] makes it.
    pub fn genesis_changes(genesis: &Genesis) -> Result<StateChanges, GenesisError> {
        genesis_changes(genesis, &Applications::none())
    }

    /// What a block calls.
    pub fn calls_of(&self, block: &SealedBlock) -> Calls {
        Calls::of(&self.rules.applications, block.block())
    }

    /// The newest committed block.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Who decides which height, as far as the head knows.
    pub fn validators(&self) -> &ValidatorSchedule {
        &self.validators
    }

    /// valid(v): every correct node on the same head says the same. The verdict and the changes
    /// are kept, so that asking again, and committing later, costs nothing.
    pub fn check(&mut self, block: &Arc<SealedBlock>) -> Result<(), InvalidBlock> {
        self.verdict(block).map(|_| ())
    }

    /// Notes that the caller has verified the transaction with this [leaf](Transaction::leaf) by
    /// `public_key`. Its signature is not verified again when a block carries it.
    pub fn note_transaction(&mut self, leaf: &Hash, public_key: &[u8]) {
        self.signatures.note(leaf, public_key);
    }

    /// Notes that the caller has verified `evidence`. Its signatures are not verified again when a
    /// block carries it.
    pub fn note_evidence(&mut self, evidence: &Evidence) {
        self.evidence.note(evidence.hash());
    }

    /// Whether a committed block has carried a proof of this offence.
    pub fn is_committed(&self, offence: &Offence) -> Result<bool, ReadError> {
        let key = offences::offence_key(offence);
        let record = self.reader.value(&key, self.head.state_version)?;
        Ok(record.is_some())
    }

    /// How many more offences of this validator blocks will carry.
    pub fn accusations_left(&self, validator: &Address) -> Result<u64, ReadError> {
        let key = offences::offences_key(validator);
        let summary = self.reader.value(&key, self.head.state_version)?;
        Ok(EVIDENCE_PER_VALIDATOR_MAX.saturating_sub(offences::accusations(summary)?))
    }

    /// The rules of the chain.
    pub fn rules(&self) -> &ChainRules {
        &self.rules
    }

    /// Checks a commit certificate of any height whose validators are known: shape, quorum and the
    /// signatures that this node has not verified before.
    pub fn verify_certificate(
        &self,
        certificate: &CommitCertificate,
    ) -> Result<(), CertificateError> {
        let trusted = self.head.certificate.as_deref();
        let validators = &self.validators;
        let context = &self.rules.context;
        precommits::verify(validators, context, trusted, certificate)
    }

    /// How many transaction signatures have really been verified since the start.
    pub fn signatures_verified(&self) -> u64 {
        self.signatures.verified()
    }

    pub(super) fn verdict(&mut self, block: &Arc<SealedBlock>) -> BlockVerdict {
        let id = block.id();
        if let Some((_, verdict)) = self.verdicts.iter().find(|(known, _)| *known == id) {
            return verdict.clone();
        }
        let verdict = self.judge(block);
        if verdict
            .as_ref()
            .err()
            .is_none_or(InvalidBlock::is_final_on_this_head)
        {
            self.keep(id, verdict.clone());
        }
        verdict
    }

    pub(super) fn keep(&mut self, id: BlockId, verdict: BlockVerdict) {
        while self.verdicts.len() >= OVERLAYS_MAX {
            self.verdicts.pop_front();
        }
        self.verdicts.push_back((id, verdict));
    }

    /// All of a block but what takes execution.
    pub(super) fn check_frame(&self, block: &SealedBlock) -> Result<(), InvalidBlock> {
        let (head, validators) = (&self.head, &self.validators);
        validity::check_frame(&self.rules, head, validators, block.block())
    }

    pub(super) fn judge(&mut self, block: &SealedBlock) -> BlockVerdict {
        self.check_frame(block)?;
        let executed = self.execute(block)?;
        let header = block.header();
        let state_root = executed.changes.root;
        let receipts_root = Block::receipts_root(&executed.receipts);
        demand(header.state_root, state_root, InvalidBlock::StateRoot)?;
        demand(
            header.receipts_root,
            receipts_root,
            InvalidBlock::ReceiptsRoot,
        )?;
        Ok(executed)
    }

    fn execute(&mut self, sealed: &SealedBlock) -> Result<Executed, InvalidBlock> {
        let block = sealed.block();
        let place = execute::place_of(&block.header);
        let transactions = &block.transactions;
        let mut state = Overlay::new(&*self.reader, self.head.state_version, &self.validators);
        let known = &mut self.evidence;
        let sets = (&self.validators, &self.rules.context);
        offences::execute(sets, known, &mut state, place.height, &block.evidence)?;
        let mut receipts = Vec::with_capacity(transactions.len());
        for (index, (leaf, transaction)) in sealed.leaves().iter().zip(transactions).enumerate() {
            let rules = &self.rules;
            let signatures = &mut self.signatures;
            let named = (leaf, transaction);
            let receipt = execute::execute(rules, signatures, &mut state, place, named);
            receipts.push(receipt.map_err(|error| refuse(index, transaction, error))?);
        }
        let (changes, changed_set) = state.into_changes(self.head.state_root)?;
        Ok(Executed {
            changes: Arc::new(changes),
            receipts: Arc::new(receipts),
            changed_set,
        })
    }
}

fn refuse(index: usize, transaction: &Transaction, error: ExecuteError) -> InvalidBlock {
    match error {
        ExecuteError::Fatal(error) => InvalidBlock::Fatal(error),
        ExecuteError::Refused(reason) => InvalidBlock::Transaction {
            index,
            id: transaction.id(),
            reason,
        },
    }
}

/// Why a candidate does not stand in a prepared block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CandidateRefusal {
    /// It may stand in the next block.
    #[error("the block is full")]
    BlockFull,
    /// The ledger refuses it on this head.
    #[error(transparent)]
    Refused(TransactionError),
}

impl CandidateRefusal {
    /// Whether it is worth keeping: another block, or transactions before it, may make it fit.
    pub fn may_succeed_later(&self) -> bool {
        match self {
            CandidateRefusal::BlockFull => true,
            CandidateRefusal::Refused(TransactionError::Nonce { expected, actual }) => {
                actual > expected
            }
            CandidateRefusal::Refused(_) => false,
        }
    }
}
