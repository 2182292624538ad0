//! Executes transactions on an overlay: the one path of checking, building and committing.
use super::ChainRules;
use super::overlay::Overlay;
use super::receipt::{Receipt, Status};
use super::signatures::{Signatures, VerifyError};
use super::state::ReadError;
use super::transfer;
use crate::crypto::{KeyError, SignatureError};
use crate::limits::TRANSACTION_BYTES_MAX;
use crate::transaction::{Action, Transaction};
use crate::types::Address;

/// Why a transaction may not stand in a block at this place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransactionError {
    /// Longer than any transaction may be.
    #[error("it has {actual} bytes, the limit is {TRANSACTION_BYTES_MAX}")]
    TooLarge {
        /// Its length in bytes.
        actual: usize,
    },
    /// The sender's transactions are executed in order, each once.
    #[error("its nonce is {actual}, the sender's next one is {expected}")]
    Nonce {
        /// What the ledger would execute.
        expected: u64,
        /// What the transaction has.
        actual: u64,
    },
    /// The last possible nonce is never used.
    #[error("the sender has no nonce left")]
    NonceExhausted,
    /// The first transaction of an account brings its public key.
    #[error("the sender has no public key on record, and the transaction brings none")]
    UnknownKey,
    /// Later transactions do not bring it again: two kilobytes saved, one form for each.
    #[error("the sender's public key is on record already: send the transaction without it")]
    KeyOnRecord,
    /// The key is not the one that the address is made of.
    #[error("the public key belongs to {actual}, not to the sender")]
    ForeignKey {
        /// The address of the given key.
        actual: Address,
    },
    /// The scheme refuses the key.
    #[error(transparent)]
    Key(KeyError),
    /// The signature does not verify.
    #[error(transparent)]
    Signature(SignatureError),
}

/// A transaction was not executed, and the overlay is as before.
pub(super) enum NotExecuted {
    Refused(TransactionError),
    Fatal(ReadError),
}

impl From<ReadError> for NotExecuted {
    fn from(error: ReadError) -> Self {
        NotExecuted::Fatal(error)
    }
}

impl From<TransactionError> for NotExecuted {
    fn from(error: TransactionError) -> Self {
        NotExecuted::Refused(error)
    }
}

/// The length of the canonical bytes, without making them.
pub(super) fn encoded_bytes(transaction: &Transaction) -> usize {
    // Counting cannot fail: nothing is written anywhere.
    borsh::object_length(transaction).unwrap_or(usize::MAX)
}

/// Checks one transaction, cheapest first, and executes it.
pub(super) fn execute(
    rules: &ChainRules,
    signatures: &mut Signatures,
    state: &mut Overlay<'_>,
    transaction: &Transaction,
) -> Result<Receipt, NotExecuted> {
    let actual = encoded_bytes(transaction);
    if actual > TRANSACTION_BYTES_MAX {
        return Err(TransactionError::TooLarge { actual }.into());
    }
    let sender = transaction.sender;
    let mut account = state.account(&sender)?;
    let (expected, actual) = (account.nonce, transaction.body.nonce);
    if expected != actual {
        return Err(TransactionError::Nonce { expected, actual }.into());
    }
    let next = expected.checked_add(1);
    account.nonce = next.ok_or(TransactionError::NonceExhausted)?;
    let new_key = check_signature(rules, signatures, state, transaction)?;
    if let Some(key) = new_key {
        state.set_public_key(sender, key);
    }
    state.set_account(sender, account);
    let status = run(state, &sender, &transaction.body.action)?;
    Ok(Receipt {
        transaction: transaction.id(),
        status,
    })
}

/// One line per transaction kind.
fn run(state: &mut Overlay<'_>, sender: &Address, action: &Action) -> Result<Status, ReadError> {
    match action {
        Action::Transfer { to, amount } => transfer::execute(state, sender, to, *amount),
    }
}

/// Finds the sender's key, in the record or in the transaction, and verifies by it. The key to put
/// on record, if it is a new one.
fn check_signature(
    rules: &ChainRules,
    signatures: &mut Signatures,
    state: &Overlay<'_>,
    transaction: &Transaction,
) -> Result<Option<Vec<u8>>, NotExecuted> {
    let recorded = state.public_key(&transaction.sender)?;
    let (key, is_new) = match (recorded, &transaction.public_key) {
        (Some(key), None) => (key, false),
        (Some(_), Some(_)) => return Err(TransactionError::KeyOnRecord.into()),
        (None, None) => return Err(TransactionError::UnknownKey.into()),
        (None, Some(key)) => {
            let actual = Address::of(rules.scheme.id(), key);
            if actual != transaction.sender {
                return Err(TransactionError::ForeignKey { actual }.into());
            }
            (key.clone(), true)
        }
    };
    signatures
        .verify(&*rules.scheme, &rules.context, transaction, &key)
        .map_err(|error| match error {
            VerifyError::Key(error) => TransactionError::Key(error),
            VerifyError::Signature(error) => TransactionError::Signature(error),
        })?;
    Ok(is_new.then_some(key))
}
