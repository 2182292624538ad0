//! `Action::Delete`: removes a record of the sender.
use super::overlay::Overlay;
use super::record::{check_key, record_key};
use super::refusal::TransactionError;
use super::state::ReadError;
use crate::nouns::receipt::{FailureCode, Status};
use crate::types::Address;

/// What can be said of a delete without any state.
pub(super) fn check(key: &[u8]) -> Result<(), TransactionError> {
    check_key(key)
}

/// Removes the record. Deleting what is not there fails: whoever does it is wrong about something.
pub(super) fn execute(
    state: &mut Overlay<'_>,
    sender: &Address,
    key: &[u8],
) -> Result<Status, ReadError> {
    let key = record_key(sender, key);
    if state.record(&key)?.is_none() {
        let code = FailureCode::NoSuchRecord;
        return Ok(Status::Failed { code });
    }
    state.remove_record(key);
    Ok(Status::Success)
}
