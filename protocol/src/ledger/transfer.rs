//! `Action::Transfer`: moves an amount from the sender to another account.
use super::overlay::Overlay;
use super::refusal::TransactionError;
use super::state::ReadError;
use crate::limits::MEMO_BYTES_MAX;
use crate::nouns::receipt::{FailureCode, Status};
use crate::types::Address;

/// What can be said of a transfer without any state.
pub(super) fn check(memo: &str) -> Result<(), TransactionError> {
    if memo.len() > MEMO_BYTES_MAX {
        return Err(TransactionError::MemoTooLarge(memo.len()));
    }
    Ok(())
}

/// Moves `amount` or nothing at all; the sum of all balances stays the same.
pub(super) fn execute(
    state: &mut Overlay<'_>,
    sender: &Address,
    to: &Address,
    amount: u64,
) -> Result<Status, ReadError> {
    let failed = |code| Ok(Status::Failed { code });
    let mut from = state.account(sender)?;
    let Some(rest) = from.balance.checked_sub(amount) else {
        return failed(FailureCode::InsufficientBalance);
    };
    if sender == to {
        return Ok(Status::Success);
    }
    let mut receiver = state.account(to)?;
    let Some(sum) = receiver.balance.checked_add(amount) else {
        return failed(FailureCode::BalanceOverflow);
    };
    from.balance = rest;
    receiver.balance = sum;
    state.set_account(*sender, from);
    state.set_account(*to, receiver);
    Ok(Status::Success)
}
