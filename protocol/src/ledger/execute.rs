//! Executes transactions on an overlay: the one path of checking, building and committing.
use super::overlay::Overlay;
use super::refusal::{ExecuteError, TransactionError};
use super::rules::ChainRules;
use super::signatures::Signatures;
use super::state::ReadError;
use super::{call, declare_ready, delete, put, transfer, update_validator};
use crate::application::{BlockContext, Call};
use crate::limits::{EXPIRY_HEIGHTS_MAX, TRANSACTION_BYTES_MAX};
use crate::nouns::block::Header;
use crate::nouns::receipt::{Event, Receipt, Status};
use crate::nouns::transaction::{Action, Transaction};
use crate::types::{Address, Hash, Height};

/// The block that transactions stand in, as far as they depend on it.
pub(super) fn place_of(header: &Header) -> BlockContext {
    BlockContext {
        chain_id: header.chain_id,
        height: header.height,
        time: header.time,
        proposer: header.proposer,
    }
}

/// How a transaction that is in order ended.
pub(super) struct Outcome {
    pub(super) status: Status,
    pub(super) events: Vec<Event>,
}

impl From<Status> for Outcome {
    fn from(status: Status) -> Outcome {
        let events = Vec::new();
        Outcome { status, events }
    }
}

/// Checks one transaction, named by its leaf, cheapest first, and executes it.
pub(super) fn execute(
    rules: &ChainRules,
    signatures: &mut Signatures,
    state: &mut Overlay<'_>,
    place: BlockContext,
    (leaf, transaction): (&Hash, &Transaction),
) -> Result<Receipt, ExecuteError> {
    let bytes = check_form(rules, place.height, transaction)?;
    let sender = transaction.sender;
    let body = &transaction.body;
    let mut account = state.account(&sender)?;
    let (expected, actual) = (account.nonce, body.nonce);
    if expected != actual {
        return Err(TransactionError::Nonce { expected, actual }.into());
    }
    let next = expected.checked_add(1);
    account.nonce = next.ok_or(TransactionError::NonceExhausted)?;
    account.balance = after_fee(account.balance, body.fee)?;
    let new_key = check_signature(rules, signatures, state, (leaf, transaction))?;
    if let Some(key) = new_key {
        state.set_public_key(sender, key);
    }
    state.set_account(sender, account);
    credit(state, place.proposer, body.fee)?;
    let id = transaction.id();
    let Outcome { status, events } = run(rules, state, place, (&id, &sender), &body.action)?;
    Ok(Receipt {
        transaction: id,
        status,
        fee: body.fee,
        bytes: u32::try_from(bytes).unwrap_or(u32::MAX), // at most TRANSACTION_BYTES_MAX
        events,
    })
}

/// What can be said of a transaction in a block of `height` without any state. Its bytes.
pub(crate) fn check_form(
    rules: &ChainRules,
    height: Height,
    transaction: &Transaction,
) -> Result<usize, TransactionError> {
    let body = &transaction.body;
    let bytes = transaction.bytes();
    if bytes > TRANSACTION_BYTES_MAX {
        return Err(TransactionError::TooLarge(bytes));
    }
    check_action(rules, &body.action)?;
    let fee = body.fee;
    let least = rules.parameters.least_fee(bytes);
    if fee < least {
        return Err(TransactionError::Underpriced { fee, least, bytes });
    }
    let expires_at = body.expires_at;
    if expires_at < height {
        return Err(TransactionError::Expired { expires_at, height });
    }
    let latest = Height(height.0.saturating_add(EXPIRY_HEIGHTS_MAX));
    if expires_at > latest {
        return Err(TransactionError::ExpiryTooFar { expires_at, latest });
    }
    Ok(bytes)
}

/// One line per transaction kind.
fn check_action(rules: &ChainRules, action: &Action) -> Result<(), TransactionError> {
    match action {
        Action::Transfer { memo, .. } => transfer::check(memo),
        Action::Put { key, value } => put::check(key, value),
        Action::Delete { key } => delete::check(key),
        Action::UpdateValidator { .. } | Action::DeclareReady => Ok(()),
        Action::Call { application, data } => call::check(&rules.applications, application, data),
    }
}

/// One line per transaction kind.
fn run(
    rules: &ChainRules,
    state: &mut Overlay<'_>,
    place: BlockContext,
    (id, sender): (&Hash, &Address),
    action: &Action,
) -> Result<Outcome, ReadError> {
    let (scheme, height) = (&*rules.scheme, place.height);
    let status = match action {
        Action::Transfer { to, amount, .. } => transfer::execute(state, sender, to, *amount)?,
        Action::Put { key, value } => put::execute(state, height, sender, key, value),
        Action::Delete { key } => delete::execute(state, sender, key)?,
        Action::UpdateValidator { public_key, power } => {
            let wish = (&**public_key, *power);
            update_validator::execute(scheme, state, height, sender, wish)?
        }
        Action::DeclareReady => declare_ready::execute(scheme, state, height, sender)?,
        Action::Call { application, data } => {
            let call = Call {
                sender: *sender,
                data,
                transaction: *id,
            };
            return call::execute(&rules.applications, state, place, application, &call);
        }
    };
    Ok(status.into())
}

/// What a balance is after the fee.
pub(super) fn after_fee(balance: u64, fee: u64) -> Result<u64, TransactionError> {
    let rest = balance.checked_sub(fee);
    rest.ok_or(TransactionError::Unfunded { fee, balance })
}

/// Gives the fee to the block's builder, who may be the sender.
fn credit(state: &mut Overlay<'_>, builder: Address, fee: u64) -> Result<(), ReadError> {
    if fee == 0 {
        return Ok(());
    }
    let mut account = state.account(&builder)?;
    // All balances together fit into 64 bits: genesis says so, and no transaction makes money.
    let sum = account.balance.checked_add(fee);
    account.balance = sum.ok_or_else(|| {
        ReadError::Corrupt(format!("with {fee} more, {builder} holds more than all"))
    })?;
    state.set_account(builder, account);
    Ok(())
}

/// Finds the sender's key, in the record or in the transaction, and verifies by it. The key to put
/// on record, if it is a new one.
fn check_signature(
    rules: &ChainRules,
    signatures: &mut Signatures,
    state: &Overlay<'_>,
    (leaf, transaction): (&Hash, &Transaction),
) -> Result<Option<Vec<u8>>, ExecuteError> {
    let recorded = state.public_key(&transaction.sender)?;
    let (key, is_new) = match (recorded, &transaction.public_key) {
        (Some(key), None) => (key, false),
        (Some(_), Some(_)) => return Err(TransactionError::KeyOnRecord.into()),
        (None, None) => return Err(TransactionError::UnknownKey.into()),
        (None, Some(key)) => {
            let actual = Address::of(rules.scheme.id(), key);
            if actual != transaction.sender {
                return Err(TransactionError::ForeignKey(actual).into());
            }
            (key.clone(), true)
        }
    };
    let scheme = &*rules.scheme;
    let context = &rules.context;
    signatures.verify(scheme, context, (leaf, transaction), &key)?;
    Ok(is_new.then_some(key))
}
