//! `Action::Put`: writes a record of the sender, or writes over it.
use super::overlay::Overlay;
use super::record::{Record, check_key, record_key};
use super::refusal::TransactionError;
use crate::codec;
use crate::limits::RECORD_VALUE_BYTES_MAX;
use crate::nouns::receipt::Status;
use crate::types::{Address, Height};

/// What can be said of a put without any state.
pub(super) fn check(key: &[u8], value: &[u8]) -> Result<(), TransactionError> {
    if value.len() > RECORD_VALUE_BYTES_MAX {
        return Err(TransactionError::ValueTooLarge(value.len()));
    }
    check_key(key)
}

/// Writes `value`; `height` is that of the block. It cannot fail: the namespace is the sender's.
pub(super) fn execute(
    state: &mut Overlay<'_>,
    height: Height,
    sender: &Address,
    key: &[u8],
    value: &[u8],
) -> Status {
    let record = Record {
        value: value.to_vec(),
        height,
    };
    state.set_record(record_key(sender, key), codec::encode(&record));
    Status::Success
}
