//! The brain of execution: which block is valid, and what it changes. Pure: it reads committed
//! state through [`StateReader`] and returns [`StateChanges`]; someone else writes them.
//!
//! ```text
//! rules     what the genesis fixes                 chain       Ledger: check, verdicts
//! validity  header and previous commit             prepare     builds a block
//! execute   one transaction                        overlay     uncommitted writes
//! transfer, put, delete, call  one file for each kind  tree        the Merkle tree (jmt)
//! account, record, application  stored, proved     offences    evidence in blocks and in the state
//! validators  which set decides which height       succession  the sets that a block sees, and leaves
//! consent   the validators' votes for a change of the set
//! signatures, precommits: verified once            state, memory, head: nouns
//! explain   what a block changes, for people       commit      what is written for decided blocks
//! refusal   why a transaction may not be here      history     which state was whose
//! rebuild   the tree from its leaves               retention   which blocks are kept
//! ```
//!
//! Rules: a transaction that nobody could have meant to be here (signature, key, nonce, size, fee,
//! expiry, funds for the fee) makes its block invalid, and nobody pays for it. One that is in order
//! but cannot do what it says stays, with a failed receipt, uses up its nonce and pays its fee: that
//! goes to the block's builder. All arithmetic is checked; the sum of all balances never changes. A
//! block without transactions and evidence changes neither root nor version of the state.
//!
//! A verdict is kept under the block id. That is sound because the id names every byte of the body:
//! transactions with their signatures
//! ([`Transaction::leaf`](crate::nouns::transaction::Transaction::leaf)), and the commit certificate
//! as carried.
//!
//! To add a transaction kind: the recipe in `docs/recipes.md`.
mod account;
mod application;
mod call;
mod chain;
mod commit;
mod consent;
mod declare_ready;
mod delete;
mod execute;
mod explain;
mod head;
mod history;
pub mod limits;
mod memory;
mod offences;
mod overlay;
mod precommits;
mod prepare;
mod put;
mod rebuild;
mod record;
mod refusal;
mod retention;
mod rules;
mod signatures;
mod state;
mod succession;
mod transfer;
mod tree;
mod update_validator;
mod validators;
mod validity;

#[cfg(test)]
mod tests;

pub use crate::nouns::receipt::{Event, FailureCode, Receipt, Status};
pub use account::{
    Account, AccountProof, ProofError, account, account_at, account_key, prove_account,
    prove_account_at, public_key, public_key_key,
};
pub use application::{
    ApplicationProof, application_key, application_state, application_state_at, prove_application,
    prove_application_at, query_application,
};
pub use call::Calls;
pub use chain::{CandidateRefusal, Ledger};
pub use consent::validator_votes_key;
pub use declare_ready::readiness_key;
pub(crate) use execute::check_form;
pub use explain::{ChangedKey, Explanation};
pub use head::{CommitBatch, GenesisError, Head};
pub use history::{HistoryError, VersionStart, version_after};
pub use limits::STATE_VERSIONS_KEPT;
pub use memory::MemoryState;
pub use offences::{
    EvidenceRefusal, OffenceRecord, OffenceSummary, offence, offence_key, offences, offences_key,
};
pub use prepare::{Draft, PrepareError, Prepared};
pub use rebuild::{Leaf, Rebuild, tree_nodes};
pub use record::{
    Record, RecordProof, prove_record, prove_record_at, record, record_at, record_key,
};
pub use refusal::TransactionError;
pub use retention::{Retention, TooFewBlocks};
pub use rules::{ChainRules, RulesError};
pub(crate) use signatures::Signatures;
pub use state::{DecisionReader, KeyHash, ReadError, StateChanges, StateReader};
pub use validators::{
    ValidatorSetRecord, newest_validator_set_key, validator_schedule, validator_set_key,
    validator_set_of,
};
pub use validity::InvalidBlock;
