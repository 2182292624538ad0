//! `Action::Transfer`: moves an amount from the sender to another account.
use super::overlay::Overlay;
use super::receipt::{FailureCode, Status};
use super::state::ReadError;
use crate::types::Address;

/// Moves `amount` or nothing at all; the sum of all balances stays the same.
pub(super) fn execute(
    state: &mut Overlay<'_>,
    sender: &Address,
    to: &Address,
    amount: u64,
) -> Result<Status, ReadError> {
    let mut from = state.account(sender)?;
    let Some(rest) = from.balance.checked_sub(amount) else {
        return Ok(Status::Failed {
            code: FailureCode::InsufficientBalance,
            sentence: format!("the sender holds {}, less than {amount}", from.balance),
        });
    };
    if sender == to {
        return Ok(Status::Ok);
    }
    let mut receiver = state.account(to)?;
    let Some(sum) = receiver.balance.checked_add(amount) else {
        return Ok(Status::Failed {
            code: FailureCode::BalanceOverflow,
            sentence: format!("the receiver holds {} already", receiver.balance),
        });
    };
    from.balance = rest;
    receiver.balance = sum;
    state.set_account(*sender, from);
    state.set_account(*to, receiver);
    Ok(Status::Ok)
}
