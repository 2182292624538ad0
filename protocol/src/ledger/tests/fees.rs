//! What a place in a block costs, who gets it, and how long an offer stands.
use super::*;
use crate::limits::{EXPIRY_HEIGHTS_MAX, MEMO_BYTES_MAX};
use crate::types::Mismatch;

const PRICE: u64 = 2;

fn world() -> World {
    World::with(PRICE, &[(1, 1_000_000), (2, 0)])
}

fn body(to: Address) -> TransactionBody {
    TransactionBody {
        nonce: 0,
        fee: 10_000,
        expires_at: EXPIRES_AT,
        action: Action::Transfer {
            to,
            amount: 1,
            memo: String::new(),
        },
    }
}

/// Why both a block and a mempool refuse a transaction. Nobody has paid for it.
fn refusal(world: &World, node: &mut Node, transaction: &Transaction) -> TransactionError {
    let before = node.state.values();
    let prepared = node.prepare(world, vec![transaction.clone()]);
    assert_eq!(prepared.block.block().transactions, []);
    let CandidateRefusal::Refused(reason) = prepared.rejected[0].1.clone() else {
        panic!("{:?}", prepared.rejected)
    };
    let admission = node.admit(world, transaction);
    assert_eq!(admission, Err(reason.clone().into()));
    let block = changed(&prepared.block, |block| {
        block.transactions.push(transaction.clone())
    });
    let verdict = node.ledger.check(&block).unwrap_err();
    assert!(
        matches!(verdict, InvalidBlock::Transaction { index: 0, reason: why, .. }
        if why == reason)
    );
    node.commit(world, &prepared.block);
    assert_eq!(node.state.values(), before);
    reason
}

#[test]
fn the_fee_goes_to_the_builder_and_stands_in_the_receipt() {
    let world = world();
    let user = User::new(1);
    let to = User::new(2).address;
    let mut node = world.node();
    let transaction = user.sign_body(&world, body(to));
    assert_eq!(node.admit(&world, &transaction), Ok(()));
    let batch = node.grow(&world, vec![transaction.clone()]);
    let receipt = Receipt {
        transaction: transaction.id(),
        status: Status::Success,
        fee: 10_000,
        bytes: crate::codec::encode(&transaction).len() as u32,
        events: Vec::new(),
    };
    assert_eq!(*batch.receipts, [receipt]);
    let builder = node.account(&world.proposer()).unwrap();
    assert_eq!((builder.balance, builder.nonce), (10_000, 0));
    assert_eq!(node.balance(&user), 1_000_000 - 10_000 - 1);
}

#[test]
fn a_failing_transaction_pays_and_changes_nothing_else() {
    let world = world();
    let user = User::new(1);
    let to = User::new(2).address;
    let mut node = world.node();
    let all = Action::Transfer {
        to,
        amount: 1_000_000, // as much as there is before the fee
        memo: String::new(),
    };
    let transaction = user.sign_body(
        &world,
        TransactionBody {
            action: all,
            ..body(to)
        },
    );
    let batch = node.grow(&world, vec![transaction]);
    let code = FailureCode::InsufficientBalance;
    assert_eq!(batch.receipts[0].status, Status::Failed { code });
    assert_eq!(batch.receipts[0].fee, 10_000);
    let expected = Account {
        balance: 990_000,
        nonce: 1,
    };
    assert_eq!(node.account(&user.address), Some(expected));
    assert_eq!(node.account(&to).unwrap().balance, 0);
    assert_eq!(node.account(&world.proposer()).unwrap().balance, 10_000);
}

#[test]
fn the_least_fee_is_enough_and_one_less_is_not() {
    let world = world();
    let user = User::new(1);
    let to = User::new(2).address;
    let mut node = world.node();
    let least = body(to).for_least_fee(&*user.signer, &world.rules.parameters);
    let bytes = user.sign_body(&world, least.clone()).bytes();
    assert_eq!(least.fee, PRICE * bytes as u64);
    let mut less = least.clone();
    less.fee -= 1;
    let refused = refusal(&world, &mut node, &user.sign_body(&world, less));
    let fee = least.fee - 1;
    let least_fee = least.fee;
    assert_eq!(
        refused,
        TransactionError::Underpriced {
            fee,
            least: least_fee,
            bytes
        }
    );
    node.grow(&world, vec![user.sign_body(&world, least)]);
}

#[test]
fn who_cannot_pay_for_the_place_does_not_get_it() {
    let world = world();
    let poor = User::new(2);
    let to = User::new(1).address;
    let mut node = world.node();
    let refused = refusal(&world, &mut node, &poor.sign_body(&world, body(to)));
    let (fee, balance) = (10_000, 0);
    assert_eq!(refused, TransactionError::Unfunded { fee, balance });
    assert_eq!(refused.code(), "unfunded");
}

#[test]
fn a_transaction_stands_in_a_block_of_its_last_height_and_in_none_after_it() {
    let world = world();
    let user = User::new(1);
    let to = User::new(2).address;
    let mut node = world.node();
    node.grow(&world, vec![]);
    let until = |expires_at| TransactionBody {
        expires_at,
        ..body(to)
    };
    let refused = refusal(&world, &mut node, &user.sign_body(&world, until(Height(1))));
    let (expires_at, height) = (Height(1), Height(2));
    assert_eq!(refused, TransactionError::Expired { expires_at, height });
    let never = refusal(&world, &mut node, &user.sign_body(&world, until(Height(0))));
    assert_eq!(never.code(), "expired");
    let next = node.ledger.head().height.next();
    node.grow(&world, vec![user.sign_body(&world, until(next))]);
}

#[test]
fn no_transaction_stays_valid_for_longer_than_anybody_must_remember() {
    let world = world();
    let user = User::new(1);
    let to = User::new(2).address;
    let mut node = world.node();
    let until = |expires_at| TransactionBody {
        expires_at,
        ..body(to)
    };
    let latest = Height(1 + EXPIRY_HEIGHTS_MAX);
    let refused = refusal(
        &world,
        &mut node,
        &user.sign_body(&world, until(latest.next())),
    );
    let expires_at = latest.next();
    assert_eq!(
        refused,
        TransactionError::ExpiryTooFar { expires_at, latest }
    );
    node.grow(&world, vec![user.sign_body(&world, until(latest))]);
}

#[test]
fn a_memo_has_a_limit() {
    let world = world();
    let user = User::new(1);
    let to = User::new(2).address;
    let mut node = world.node();
    let with = |bytes: usize| {
        let memo = "m".repeat(bytes);
        let action = Action::Transfer {
            to,
            amount: 1,
            memo,
        };
        TransactionBody { action, ..body(to) }
    };
    let long = user.sign_body(&world, with(MEMO_BYTES_MAX + 1));
    let actual = MEMO_BYTES_MAX + 1;
    let refused = refusal(&world, &mut node, &long);
    assert_eq!(refused, TransactionError::MemoTooLarge(actual));
    node.grow(&world, vec![user.sign_body(&world, with(MEMO_BYTES_MAX))]);
}

#[test]
fn a_builder_that_sends_pays_itself() {
    let mut world = world();
    let builder = User::new(101);
    world.genesis.accounts = vec![GenesisAccount {
        address: builder.address,
        balance: 10_001,
    }];
    world.rules = Arc::new(ChainRules::new(&world.genesis, Arc::new(Simulated)).unwrap());
    assert_eq!(world.proposer(), builder.address);
    let mut node = world.node();
    let to = User::new(2).address;
    let batch = node.grow(&world, vec![builder.sign_body(&world, body(to))]);
    assert_eq!(batch.receipts[0].status, Status::Success);
    assert_eq!(node.balance(&builder), 10_000);
}

#[test]
fn other_receipts_than_execution_gives_make_a_block_invalid() {
    let world = world();
    let user = User::new(1);
    let to = User::new(2).address;
    let (mut builder, mut node) = (world.node(), world.node());
    let transaction = user.sign_body(&world, body(to));
    let block = builder.prepare(&world, vec![transaction]).block;
    let actual = block.header().receipts_root;
    let expected = Hash([9; 32]);
    let wrong = changed_header(&block, |header| header.receipts_root = expected);
    let verdict = InvalidBlock::ReceiptsRoot(Mismatch { expected, actual });
    assert_eq!(node.ledger.check(&wrong), Err(verdict));
    assert_eq!(node.ledger.check(&block), Ok(()));
}

#[test]
fn every_part_of_a_receipt_changes_its_leaf() {
    let receipt = Receipt {
        transaction: Hash([1; 32]),
        status: Status::Success,
        fee: 5,
        bytes: 6,
        events: Vec::new(),
    };
    let failed = |code| Status::Failed { code };
    type Change<'a> = &'a dyn Fn(&mut Receipt);
    let changes: [Change<'_>; 6] = [
        &|_| {},
        &|r| r.transaction = Hash([2; 32]),
        &|r| r.status = failed(FailureCode::InsufficientBalance),
        &|r| r.status = failed(FailureCode::BalanceOverflow),
        &|r| r.fee = 6,
        &|r| r.bytes = 5,
    ];
    let leaves: std::collections::BTreeSet<Hash> = changes
        .iter()
        .map(|change| {
            let mut receipt = receipt.clone();
            change(&mut receipt);
            receipt.leaf()
        })
        .collect();
    assert_eq!(leaves.len(), 6);
}

#[test]
fn a_receipt_reads_as_words_for_programs_and_a_sentence_for_people() {
    let code = FailureCode::InsufficientBalance;
    let receipt = Receipt {
        transaction: Hash::default(),
        status: Status::Failed { code },
        fee: 5,
        bytes: 6,
        events: Vec::new(),
    };
    let json = serde_json::to_value(&receipt).unwrap();
    assert_eq!(json["status"], "failed");
    assert_eq!(json["code"], "insufficient_balance");
    assert_eq!(json["sentence"], code.to_string());
    assert_eq!(
        (&json["fee"], &json["bytes"]),
        (&"5".into(), &6.into()),
        "amounts are digits as text"
    );
    let status = Status::Success;
    let json = serde_json::to_value(Receipt { status, ..receipt }).unwrap();
    assert_eq!(json["status"], "success");
    assert!(json.get("code").is_none());
}
