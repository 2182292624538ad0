//! Checks signatures apart from the mempool: the shell runs it on a thread of its own.
use super::refusal::MempoolRefusal;
use crate::ledger::{ChainRules, Signatures};
use crate::nouns::transaction::Transaction;
use crate::types::{Address, Hash};
use std::sync::Arc;

/// A signature to check: the answer goes back with its `leaf`.
#[derive(Clone, Debug)]
pub struct Check {
    /// What is checked, signature and key included.
    pub leaf: Hash,
    /// The transaction.
    pub transaction: Arc<Transaction>,
    /// The sender's key.
    pub public_key: Arc<[u8]>,
}

/// What a check gave.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Whose transaction.
    pub sender: Address,
    /// What was checked.
    pub leaf: Hash,
    /// Why it was not accepted.
    pub verdict: Result<(), MempoolRefusal>,
}

/// Checks signatures with keys that stay prepared; one that is known to verify costs a hash.
pub struct Checker {
    rules: Arc<ChainRules>,
    signatures: Signatures,
}

impl Checker {
    /// Knows nothing yet.
    pub fn new(rules: Arc<ChainRules>) -> Checker {
        let signatures = Signatures::default();
        Checker { rules, signatures }
    }

    /// Checks one signature.
    pub fn check(&mut self, check: &Check) -> Checked {
        let Check {
            leaf,
            transaction,
            public_key,
        } = check;
        let (scheme, context) = (&*self.rules.scheme, &self.rules.context);
        let verdict = self
            .signatures
            .verify(scheme, context, (leaf, transaction), public_key);
        Checked {
            sender: transaction.sender,
            leaf: *leaf,
            verdict: verdict.map_err(MempoolRefusal::from),
        }
    }

    /// How many signatures have really been verified.
    pub fn verified(&self) -> u64 {
        self.signatures.verified()
    }
}
