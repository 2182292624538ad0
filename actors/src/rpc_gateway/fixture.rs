//! Nouns for tests of this room.
use lockstep_protocol::ledger::{Receipt, Status};
use lockstep_protocol::nouns::block::Header;
use lockstep_protocol::types::{Address, ChainId, Hash, Height, Timestamp};

pub(super) fn header(height: Height) -> Header {
    Header {
        chain_id: ChainId(7),
        height,
        time: Timestamp(1_999),
        proposer: Address([1; 20]),
        previous_block: Hash([2; 32]),
        last_commit_hash: Hash([3; 32]),
        transactions_root: Hash([4; 32]),
        evidence_root: Hash([5; 32]),
        state_root: Hash([6; 32]),
        receipts_root: Hash([8; 32]),
        validators_hash: Hash([7; 32]),
        next_validators_hash: Hash([9; 32]),
    }
}

pub(super) fn receipt(transaction: Hash) -> Receipt {
    let status = Status::Success;
    Receipt {
        transaction,
        status,
        fee: 3,
        bytes: 3,
        events: Vec::new(),
    }
}
