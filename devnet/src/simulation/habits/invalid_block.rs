//! Proposes blocks with one thing wrong, sealed and signed as they should be.
use super::{Habit, Stage, alter, rebuild};
use crate::simulation::message::Payload;
use lockstep_protocol::limits::{BLOCK_TRANSACTION_BYTES_MAX, EXPIRY_HEIGHTS_MAX};
use lockstep_protocol::nouns::block::SealedBlock;
use lockstep_protocol::nouns::transaction::{Action, Transaction, TransactionBody};
use lockstep_protocol::nouns::vote::Signature;
use lockstep_protocol::types::{Address, Hash, Height, Timestamp};

pub(super) struct InvalidBlock;

/// An oversize block costs its hash: few of a thousand.
const OVERSIZE_PERMILLE: u64 = 20;

impl Habit for InvalidBlock {
    fn say(&mut self, stage: &mut Stage<'_>, to: Option<usize>, payload: Payload) {
        let Payload::Proposal(message) = &payload else {
            return stage.pass(to, payload);
        };
        let block = match stage.random.chance(OVERSIZE_PERMILLE) {
            true => oversize(&message.block),
            false => with_one_thing_wrong(stage, &message.block),
        };
        let proposal = stage.propose(message, block);
        stage.pass(to, proposal);
    }
}

fn with_one_thing_wrong(stage: &mut Stage<'_>, block: &SealedBlock) -> SealedBlock {
    let wrong = Hash::of(&[b"wrong"]);
    match stage.random.below(13) {
        0 => alter(block, |header| header.state_root = wrong),
        1 => alter(block, |header| header.previous_block = wrong),
        12 => alter(block, |header| header.receipts_root = wrong),
        2 => alter(block, |header| header.time = Timestamp(1)),
        3 => alter(block, |header| header.time = header.time.plus_ms(3_600_000)),
        4 => alter(block, |header| header.validators_hash = wrong),
        5 => alter(block, |header| header.height = header.height.next()),
        6 => alter(block, |header| header.proposer = Address::default()),
        7 => rebuild(block, |_, transactions, _| {
            transactions.push(transaction(vec![1; 8], None))
        }),
        8 => rebuild(block, |_, transactions, _| {
            if let Some(transaction) = transactions.last_mut() {
                transaction.signature = Signature(vec![2; 8]);
            }
        }),
        9 => rebuild(block, |_, _, last_commit| *last_commit = None),
        // Its members signed for another round.
        10 => rebuild(block, |_, _, last_commit| {
            if let Some(commit) = last_commit {
                commit.round = commit.round.next();
            }
        }),
        _ => rebuild(block, |_, _, last_commit| {
            if let Some(commit) = last_commit {
                commit.block_id = wrong;
            }
        }),
    }
}

/// One byte more of transactions than a block may carry.
fn oversize(block: &SealedBlock) -> SealedBlock {
    let padding = vec![0; BLOCK_TRANSACTION_BYTES_MAX];
    rebuild(block, |_, transactions, _| {
        transactions.push(transaction(vec![1; 8], Some(padding)))
    })
}

fn transaction(signature: Vec<u8>, public_key: Option<Vec<u8>>) -> Transaction {
    let action = Action::Transfer {
        to: Address::default(),
        amount: 1,
        memo: String::new(),
    };
    Transaction {
        sender: Address::default(),
        body: TransactionBody {
            nonce: 0,
            fee: u64::MAX,
            expires_at: Height(EXPIRY_HEIGHTS_MAX),
            action,
        },
        public_key,
        signature: Signature(signature),
    }
}
