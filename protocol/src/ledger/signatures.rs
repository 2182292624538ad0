//! Verified once: prepared keys and signatures that are known to verify, both bounded.
use super::limits::{KNOWN_SIGNATURES_MAX, PREPARED_KEYS_MAX};
use super::refusal::TransactionError;
use crate::crypto::{KeyError, Scheme, VerifyingKey};
use crate::nouns::sign_bytes::SignContext;
use crate::nouns::transaction::Transaction;
use crate::recent::Recent;
use crate::types::{Address, Hash};
use std::sync::Arc;

/// Checks transaction signatures, each at most once. The oldest entries go first.
pub(crate) struct Signatures {
    keys: Recent<Address, Arc<dyn VerifyingKey>>,
    known: Recent<Hash>,
    verified: u64,
}

impl Default for Signatures {
    fn default() -> Signatures {
        Signatures {
            keys: Recent::new(PREPARED_KEYS_MAX),
            known: Recent::new(KNOWN_SIGNATURES_MAX),
            verified: 0,
        }
    }
}

impl Signatures {
    /// Checks the signature by `public_key`, which belongs to the sender. `leaf` is the
    /// transaction's: it names every byte of it.
    pub(crate) fn verify(
        &mut self,
        scheme: &dyn Scheme,
        context: &SignContext,
        (leaf, transaction): (&Hash, &Transaction),
        public_key: &[u8],
    ) -> Result<(), TransactionError> {
        let fact = fact(leaf, public_key);
        if self.known.get(&fact).is_some() {
            return Ok(());
        }
        let key = self.prepared(scheme, &transaction.sender, public_key)?;
        self.verified = self.verified.saturating_add(1);
        transaction.verify(&*key, context)?;
        self.known.note(fact, ());
        Ok(())
    }

    /// Takes over that the caller has verified the transaction with this leaf by `public_key`.
    pub(super) fn note(&mut self, leaf: &Hash, public_key: &[u8]) {
        self.known.note(fact(leaf, public_key), ());
    }

    /// How often a signature has really been verified.
    pub(crate) fn verified(&self) -> u64 {
        self.verified
    }

    fn prepared(
        &mut self,
        scheme: &dyn Scheme,
        address: &Address,
        public_key: &[u8],
    ) -> Result<Arc<dyn VerifyingKey>, KeyError> {
        if let Some(key) = self.keys.get(address)
            && key.public_key() == public_key
        {
            return Ok(key.clone());
        }
        let key = scheme.prepare(public_key)?;
        self.keys.note(*address, key.clone());
        Ok(key)
    }
}

/// Everything that the verdict depends on: what was signed and the signature itself, which the leaf
/// covers, and by which key.
fn fact(leaf: &Hash, public_key: &[u8]) -> Hash {
    Hash::of(&[&leaf.0, public_key])
}
