//! Records: whose they are, how long they stay, how they are proved.
use super::*;
use crate::limits::{RECORD_KEY_BYTES_MAX, RECORD_VALUE_BYTES_MAX};

fn put(key: &[u8], value: &[u8]) -> Action {
    Action::Put {
        key: key.to_vec(),
        value: value.to_vec(),
    }
}

fn delete(key: &[u8]) -> Action {
    Action::Delete { key: key.to_vec() }
}

fn read(node: &Node, owner: &User, key: &[u8]) -> Option<(Vec<u8>, u64)> {
    let found = record(&*node.state, &owner.address, key).unwrap();
    found.map(|record| (record.value, record.height.0))
}

/// The next actions of one user, in one block.
fn act(node: &mut Node, world: &World, user: &mut User, actions: Vec<Action>) -> Vec<Status> {
    let mut transactions = Vec::new();
    for action in actions {
        transactions.push(user.act(world, user.nonce, action));
        user.nonce += 1;
    }
    let batch = node.grow(world, transactions);
    batch
        .receipts
        .iter()
        .map(|receipt| receipt.status)
        .collect()
}

#[test]
fn a_record_is_its_owners_says_since_when_it_stands_and_goes_when_it_is_deleted() {
    let world = World::new();
    let mut node = World::new().node();
    let (mut one, mut two) = (User::new(1), User::new(2));
    let success = vec![Status::Success];
    assert_eq!(
        act(&mut node, &world, &mut one, vec![put(b"deed", b"first")]),
        success
    );
    assert_eq!(
        act(&mut node, &world, &mut two, vec![put(b"deed", b"other")]),
        success
    );
    assert_eq!(
        act(&mut node, &world, &mut two, vec![put(b"deed", b"")]),
        success
    );
    assert_eq!(read(&node, &one, b"deed"), Some((b"first".to_vec(), 1)));
    assert_eq!(read(&node, &two, b"deed"), Some((vec![], 3)));
    assert_eq!(read(&node, &one, b"dee"), None);
    assert_eq!(
        act(&mut node, &world, &mut one, vec![delete(b"deed")]),
        success
    );
    assert_eq!(read(&node, &one, b"deed"), None);
    assert_eq!(read(&node, &two, b"deed"), Some((vec![], 3)));
    let code = FailureCode::NoSuchRecord;
    let again = act(&mut node, &world, &mut one, vec![delete(b"deed")]);
    assert_eq!(again, [Status::Failed { code }]);
    act(&mut node, &world, &mut one, vec![put(b"deed", b"second")]);
    assert_eq!(read(&node, &one, b"deed"), Some((b"second".to_vec(), 6)));
}

#[test]
fn transactions_of_one_block_see_each_others_records() {
    let world = World::new();
    let mut node = World::new().node();
    let mut user = User::new(1);
    let actions = vec![
        put(b"a", b"1"),
        delete(b"a"),
        delete(b"a"),
        put(b"b", b"1"),
        delete(b"b"),
        put(b"b", b"2"),
    ];
    let statuses = act(&mut node, &world, &mut user, actions);
    let code = FailureCode::NoSuchRecord;
    let mut expected = vec![Status::Success; 6];
    expected[2] = Status::Failed { code };
    assert_eq!(statuses, expected);
    assert_eq!(read(&node, &user, b"a"), None);
    assert_eq!(read(&node, &user, b"b"), Some((b"2".to_vec(), 1)));
}

#[test]
fn a_state_root_proves_that_a_record_is_there_and_that_it_is_not() {
    let world = World::new();
    let mut node = World::new().node();
    let mut user = User::new(1);
    let stranger = User::new(2).address;
    act(
        &mut node,
        &world,
        &mut user,
        vec![put(b"deed", b"x"), put(b"other", b"y")],
    );
    let with = node.ledger.head().state_root;
    let owner = user.address;
    let proof = prove_record(&*node.state, &owner, b"deed").unwrap();
    let bytes = crate::codec::encode(&proof);
    let proof: RecordProof = crate::codec::decode("proof", &bytes, 65_536).unwrap();
    let value = b"x".to_vec();
    let height = Height(1);
    let record = Record { value, height };
    assert_eq!(proof.verify(&with, &owner, b"deed"), Ok(Some(&record)));
    assert_eq!(proof.verify(&with, &owner, b"other"), Err(ProofError));
    assert_eq!(proof.verify(&with, &stranger, b"deed"), Err(ProofError));
    for change in [
        |proof: &mut RecordProof| proof.record = None,
        |proof: &mut RecordProof| proof.record.as_mut().unwrap().value[0] ^= 1,
        |proof: &mut RecordProof| proof.record.as_mut().unwrap().height = Height(2),
    ] {
        let mut lie = proof.clone();
        change(&mut lie);
        assert_eq!(lie.verify(&with, &owner, b"deed"), Err(ProofError));
    }
    let nothing = prove_record(&*node.state, &stranger, b"deed").unwrap();
    assert_eq!(nothing.verify(&with, &stranger, b"deed"), Ok(None));
    assert_eq!(nothing.verify(&with, &owner, b"deed"), Err(ProofError));

    act(&mut node, &world, &mut user, vec![delete(b"deed")]);
    let without = node.ledger.head().state_root;
    assert_eq!(proof.verify(&without, &owner, b"deed"), Err(ProofError));
    let gone = prove_record(&*node.state, &owner, b"deed").unwrap();
    assert_eq!(gone.verify(&without, &owner, b"deed"), Ok(None));
    assert_eq!(gone.verify(&with, &owner, b"deed"), Err(ProofError));
}

#[test]
fn keys_and_values_have_limits_and_the_largest_fit_into_a_transaction() {
    let world = World::new();
    let mut node = World::new().node();
    let user = User::new(1);
    let long = vec![7; RECORD_KEY_BYTES_MAX + 1];
    let large = vec![7; RECORD_VALUE_BYTES_MAX + 1];
    let key = |actual| TransactionError::RecordKey(actual);
    let actual = large.len();
    for (action, expected) in [
        (put(b"", b"x"), key(0)),
        (put(&long, b"x"), key(long.len())),
        (delete(b""), key(0)),
        (delete(&long), key(long.len())),
        (put(b"k", &large), TransactionError::ValueTooLarge(actual)),
    ] {
        let transaction = user.act(&world, 0, action);
        assert_eq!(
            node.admit(&world, &transaction),
            Err(expected.clone().into())
        );
        let prepared = node.prepare(&world, vec![transaction]);
        assert_eq!(prepared.rejected[0].1, CandidateRefusal::Refused(expected));
    }
    let scheme = crate::crypto::scheme(SCHEME);
    let signer = scheme.signer(&Seed([1; 32])).unwrap();
    let largest = TransactionBody {
        nonce: 0,
        fee: u64::MAX,
        expires_at: EXPIRES_AT,
        action: put(&long[1..], &large[1..]),
    };
    let largest = Transaction::sign(&*signer, &world.rules.context, largest).unwrap();
    assert!(largest.bytes() <= crate::limits::TRANSACTION_BYTES_MAX);
    let largest = user.act(&world, 0, put(&long[1..], &large[1..]));
    node.grow(&world, vec![largest]);
    assert_eq!(
        read(&node, &user, &long[1..]),
        Some((large[1..].to_vec(), 1))
    );
}

/// A deletion leaves nothing behind: neither in the tree, whose root is again that of a chain that
/// has never had the record, nor, after a while, in the store.
#[test]
fn what_is_put_and_deleted_for_ever_takes_no_room() {
    let world = World::new();
    let mut user = User::new(1);
    let mut node = world.node();
    let mut sizes = Vec::new();
    for round in 0..3 * STATE_VERSIONS_KEPT {
        let key = round.to_be_bytes();
        act(&mut node, &world, &mut user, vec![put(&key, b"x")]);
        act(&mut node, &world, &mut user, vec![delete(&key)]);
        sizes.push(node.state.size());
    }
    let settled = &sizes[STATE_VERSIONS_KEPT as usize + 2..];
    let (least, most) = (settled.iter().min(), settled.iter().max());
    assert!(most.unwrap() - least.unwrap() < 40, "{settled:?}");
    let values = node.state.values();
    let writes = values.into_iter().map(|(key, value)| (key, Some(value)));
    let empty = MemoryState::default();
    let anew = super::super::tree::update(&empty, None, writes.collect()).unwrap();
    assert_eq!(anew.root, node.ledger.head().state_root);
}

#[test]
fn records_that_a_block_changes_are_named() {
    let world = World::new();
    let mut node = World::new().node();
    let user = User::new(1);
    let block = world
        .node()
        .prepare(&world, vec![user.act(&world, 0, put(b"k", b"v"))]);
    let changed = node.ledger.explain(&block.block).unwrap().changed;
    let expected = ChangedKey::Record(user.address, b"k".to_vec());
    assert_eq!(changed.last(), Some(&expected));
    assert_eq!(
        expected.to_string(),
        format!("record/{}/0x6b", user.address)
    );
}
