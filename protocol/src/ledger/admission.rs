//! Whether a transaction may wait for a block at all: signed, and not for another time.
use super::account::{account, public_key};
use super::chain::Ledger;
use super::execute::{after_fee, check_form};
use super::limits::NONCES_AHEAD_MAX;
use super::refusal::{ExecuteError, TransactionError};
use super::signatures::VerifyError;
use super::state::ReadError;
use crate::nouns::transaction::Transaction;
use crate::types::Address;

/// Why a transaction may not wait.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdmitError {
    /// It is its sender's trouble.
    #[error(transparent)]
    Refused(TransactionError),
    /// The committed state cannot be read.
    #[error(transparent)]
    Fatal(ReadError),
}

impl From<ExecuteError> for AdmitError {
    fn from(error: ExecuteError) -> AdmitError {
        match error {
            ExecuteError::Refused(error) => AdmitError::Refused(error),
            ExecuteError::Fatal(error) => AdmitError::Fatal(error),
        }
    }
}

impl Ledger {
    /// Checks size, fee and expiry for the next block, nonce (not used up, at most
    /// [`NONCES_AHEAD_MAX`] ahead), funds and signature against the committed state. The signature is not verified again when a block carries it.
    pub fn admit(&mut self, transaction: &Transaction) -> Result<(), AdmitError> {
        self.check_admission(transaction).map_err(AdmitError::from)
    }

    fn check_admission(&mut self, transaction: &Transaction) -> Result<(), ExecuteError> {
        check_form(&self.rules, self.head.height.next(), transaction)?;
        let known = account(&*self.reader, &transaction.sender)?.unwrap_or_default();
        let (expected, actual) = (known.nonce, transaction.body.nonce);
        if actual < expected || actual > expected.saturating_add(NONCES_AHEAD_MAX) {
            return Err(TransactionError::Nonce { expected, actual }.into());
        }
        after_fee(known.balance, transaction.body.fee)?;
        let key = self.key_of(transaction)?;
        let (rules, leaf) = (self.rules.clone(), transaction.leaf());
        self.signatures
            .verify(&*rules.scheme, &rules.context, (&leaf, transaction), &key)
            .map_err(|error| match error {
                VerifyError::Key(error) => TransactionError::Key(error),
                VerifyError::Signature(error) => TransactionError::Signature(error),
            })?;
        Ok(())
    }

    /// From the record, from the transaction, or from an earlier one of the same sender that waits.
    fn key_of(&self, transaction: &Transaction) -> Result<Vec<u8>, ExecuteError> {
        let sender = &transaction.sender;
        let recorded = public_key(&*self.reader, sender)?;
        match (recorded, &transaction.public_key) {
            (Some(key), None) => Ok(key),
            (Some(_), Some(_)) => Err(TransactionError::KeyOnRecord.into()),
            (None, Some(key)) => {
                let actual = Address::of(self.rules.scheme.id(), key);
                if actual == *sender {
                    Ok(key.clone())
                } else {
                    Err(TransactionError::ForeignKey { actual }.into())
                }
            }
            (None, None) => {
                let waiting = self.signatures.key_of(sender);
                Ok(waiting.ok_or(TransactionError::UnknownKey)?)
            }
        }
    }
}
