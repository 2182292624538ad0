//! Where the chain stands, and what moves it on.
use super::account::account_key;
use super::application::application_key;
use super::memory::MemoryState;
use super::state::{ReadError, StateChanges};
use super::{tree, validators};
use crate::application::{ApplicationError, Applications};
use crate::codec;
use crate::nouns::block::SealedBlock;
use crate::nouns::commit::CommitCertificate;
use crate::nouns::genesis::Genesis;
use crate::nouns::receipt::Receipt;
use crate::types::{BlockId, Hash, Height, Timestamp};
use crate::validators::schedule::ValidatorSchedule;
use std::sync::Arc;

/// The newest committed block, as far as the next one depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its height; 0 is genesis.
    pub height: Height,
    /// Its id; the genesis hash at height 0.
    pub block_id: BlockId,
    /// Its time.
    pub time: Timestamp,
    /// The root of the state after it.
    pub state_root: Hash,
    /// The version of the state after it.
    pub state_version: u64,
    /// The proof of its decision; `None` at height 0 only.
    pub certificate: Option<Arc<CommitCertificate>>,
}

impl Head {
    /// Height 0. `changes` are those of [`Ledger::genesis_changes`](super::Ledger::genesis_changes).
    pub fn genesis(genesis: &Genesis, changes: &StateChanges) -> Head {
        Head {
            height: Height(0),
            block_id: genesis.hash(),
            time: genesis.time,
            state_root: changes.root,
            state_version: changes.version,
            certificate: None,
        }
    }
}

/// A decided block with everything that is written with it, in one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitBatch {
    /// The block.
    pub block: Arc<SealedBlock>,
    /// The proof of its decision.
    pub certificate: Arc<CommitCertificate>,
    /// What it changes in the state.
    pub changes: Arc<StateChanges>,
    /// One for each transaction, in their order.
    pub receipts: Arc<Vec<Receipt>>,
    /// Who decides which height, as the state after it knows.
    pub validators: ValidatorSchedule,
}

impl CommitBatch {
    /// Where the chain stands after this block.
    pub fn head(&self) -> Head {
        Head {
            height: self.block.height(),
            block_id: self.block.id(),
            time: self.block.header().time,
            state_root: self.changes.root,
            state_version: self.changes.version,
            certificate: Some(self.certificate.clone()),
        }
    }
}

/// Why a genesis document gives no state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// Two documents that mean the same would have different hashes.
    #[error("the genesis accounts must rise by address, each once: sort them")]
    AccountOrder,
    /// No balance could overflow later if the sum of all fits.
    #[error("the genesis balances add up to more than 64 bits: lower them")]
    Supply,
    /// This build cannot begin the state of an application.
    #[error(transparent)]
    Application(#[from] ApplicationError),
    /// The tree could not be built.
    #[error(transparent)]
    Tree(#[from] ReadError),
}

/// The state at version 0, with that of each application which the genesis names.
pub(super) fn genesis_changes(
    genesis: &Genesis,
    applications: &Applications,
) -> Result<StateChanges, GenesisError> {
    let accounts = &genesis.accounts;
    let mut pairs = accounts.iter().zip(accounts.iter().skip(1));
    if pairs.any(|(a, b)| a.address >= b.address) {
        return Err(GenesisError::AccountOrder);
    }
    let mut balances = accounts.iter().map(|account| account.balance);
    if balances.try_fold(0u64, u64::checked_add).is_none() {
        return Err(GenesisError::Supply);
    }
    let writes = accounts.iter().map(|account| {
        let value = super::Account {
            balance: account.balance,
            nonce: 0,
        };
        (account_key(&account.address), Some(codec::encode(&value)))
    });
    let validators = validators::records(Height(1), None, genesis.sorted_validators());
    let validators = validators.map(|(key, value)| (key, Some(value)));
    let begun = applications.genesis(genesis)?;
    let begun = begun.iter().flat_map(|(name, written)| {
        let values = written.iter().filter(|(_, value)| value.is_some());
        values.map(move |(key, value)| (application_key(name, key), value.clone()))
    });
    let writes = writes.chain(validators).chain(begun).collect();
    Ok(tree::update(&MemoryState::default(), None, writes)?)
}
