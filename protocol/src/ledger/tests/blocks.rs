//! Every reason for which a block is not valid.
use super::*;
use crate::limits::{BLOCK_TRANSACTION_BYTES_MAX, TRANSACTION_BYTES_MAX};
use crate::nouns::commit::CertificateError;
use crate::types::Mismatch;

/// A node at height 1, and a valid block of height 2 that a neighbour built.
fn second_block() -> (World, Node, Arc<SealedBlock>) {
    let world = World::new();
    let (mut node, mut builder) = (world.node(), world.node());
    let first = builder.grow(&world, vec![payment(&world)]);
    node.commit(&world, &first.block);
    let second = User::new(1).sign(&world, 1, User::new(2).address, 20);
    let block = builder.prepare(&world, vec![second]).block;
    (world, node, block)
}

/// The only transaction of the first block.
fn payment(world: &World) -> Transaction {
    User::new(1).sign(world, 0, User::new(2).address, 10)
}

fn verdict_on_header(change: impl FnOnce(&mut Header)) -> InvalidBlock {
    let (_, mut node, block) = second_block();
    node.ledger
        .check(&changed_header(&block, change))
        .unwrap_err()
}

fn verdict_on_body(change: impl FnOnce(&World, &mut Block)) -> InvalidBlock {
    let (world, mut node, block) = second_block();
    let block = changed(&block, |block| change(&world, block));
    node.ledger.check(&block).unwrap_err()
}

#[test]
fn the_untouched_block_is_valid() {
    let (_, mut node, block) = second_block();
    assert_eq!(node.ledger.check(&block), Ok(()));
}

#[test]
fn another_chain_id_is_refused() {
    let verdict = verdict_on_header(|header| header.chain_id = ChainId(8));
    let (expected, actual) = (ChainId(7), ChainId(8));
    assert_eq!(
        verdict,
        InvalidBlock::ChainId(Mismatch { expected, actual })
    );
}

#[test]
fn a_height_that_is_not_the_next_is_refused_but_not_for_good() {
    let world = World::new();
    let (mut node, mut ahead) = (world.node(), world.node());
    let first = ahead.grow(&world, vec![]).block.clone();
    let second = ahead.prepare(&world, vec![]).block;
    let (expected, actual) = (Height(1), Height(2));
    let refused = InvalidBlock::Height(Mismatch { expected, actual });
    assert_eq!(node.ledger.check(&second), Err(refused));
    node.commit(&world, &first);
    assert_eq!(node.ledger.check(&second), Ok(()));
    assert!(matches!(
        node.ledger.check(&first),
        Err(InvalidBlock::Height { .. })
    ));
}

#[test]
fn a_foreign_parent_is_refused() {
    let verdict = verdict_on_header(|header| header.previous_block = Hash([9; 32]));
    assert!(
        matches!(verdict, InvalidBlock::Parent(Mismatch { actual, .. }) if actual == Hash([9; 32]))
    );
}

#[test]
fn a_time_that_is_not_later_than_the_parents_is_refused() {
    let (_, mut node, block) = second_block();
    let parent = node.ledger.head().time;
    assert_eq!(block.header().time, parent.plus_ms(1));
    for time in [Timestamp(0), parent] {
        let early = changed_header(&block, |header| header.time = time);
        assert_eq!(node.ledger.check(&early), Err(InvalidBlock::Time));
    }
    let late = changed_header(&block, |header| header.time = Timestamp(u64::MAX));
    assert_eq!(
        node.ledger.check(&late),
        Ok(()),
        "the local clock is no part of valid(v)"
    );
}

#[test]
fn a_builder_who_is_no_validator_is_refused() {
    let stranger = User::new(1).address;
    let verdict = verdict_on_header(|header| header.proposer = stranger);
    assert_eq!(verdict, InvalidBlock::Proposer(stranger));
}

#[test]
fn another_validator_set_is_refused() {
    let verdict = verdict_on_header(|header| header.validators_hash = Hash([9; 32]));
    assert_eq!(verdict, InvalidBlock::ValidatorSet);
}

#[test]
fn a_wrong_state_root_is_refused_with_both_roots() {
    let verdict = verdict_on_header(|header| header.state_root = Hash([9; 32]));
    assert!(matches!(
        verdict,
        InvalidBlock::StateRoot(Mismatch { expected, actual })
            if expected == Hash([9; 32]) && actual != expected
    ));
}

#[test]
fn from_height_two_on_the_parents_commit_must_be_there() {
    let verdict = verdict_on_body(|_, block| block.last_commit = None);
    assert_eq!(verdict, InvalidBlock::LastCommitMissing);
}

#[test]
fn the_first_block_carries_no_commit() {
    let world = World::new();
    let mut node = World::new().node();
    let block = node.prepare(&world, vec![]).block;
    let certificate = (*world.certificate(&block, 0)).clone();
    let with = changed(&block, |block| block.last_commit = Some(certificate));
    let expected = Err(InvalidBlock::LastCommitUnexpected);
    assert_eq!(node.ledger.check(&with), expected);
}

#[test]
fn a_commit_for_something_else_than_the_parent_is_refused() {
    for change in [
        |c: &mut CommitCertificate| c.block_id = Hash([9; 32]),
        |c: &mut CommitCertificate| c.height = Height(2),
    ] {
        let verdict = verdict_on_body(|_, block| change(block.last_commit.as_mut().unwrap()));
        assert_eq!(verdict, InvalidBlock::LastCommitForeign);
    }
}

#[test]
fn a_commit_with_more_than_a_quorum_is_refused() {
    let (world, mut node, block) = second_block();
    let first = world.node().prepare(&world, vec![payment(&world)]);
    let full = world.full_certificate(&first.block);
    let large = changed(&block, |block| block.last_commit = Some(full));
    let refused = InvalidBlock::LastCommit(CertificateError::NotMinimal);
    assert_eq!(node.ledger.check(&large), Err(refused));
}

#[test]
fn a_commit_without_a_quorum_or_of_another_round_is_refused() {
    let too_few = verdict_on_body(|world, block| {
        let set = &world.rules.genesis_validators;
        let certificate = block.last_commit.as_mut().unwrap();
        let members = certificate.signers.members(set).unwrap();
        let two = members.into_iter().take(2);
        certificate.signers = crate::nouns::commit::Signers::collect(set, two);
    });
    assert!(matches!(
        too_few,
        InvalidBlock::LastCommit(CertificateError::NoQuorum { power: 2, total: 4 })
    ));
    // The node holds the same signatures, but for round 0: they must not count as known here.
    let other_round =
        verdict_on_body(|_, block| block.last_commit.as_mut().unwrap().round = Round(1));
    assert!(matches!(
        other_round,
        InvalidBlock::LastCommit(CertificateError::Signature { .. })
    ));
}

#[test]
fn a_commit_of_other_members_than_ours_is_verified_and_counts() {
    let (world, mut node, block) = second_block();
    let certificate = node.ledger.head().certificate.clone().unwrap();
    let set = &world.rules.genesis_validators;
    let first = world.node().prepare(&world, vec![payment(&world)]);
    let full = world.full_certificate(&first.block);
    let last_three = full.signers.members(set).unwrap().split_off(1);
    let other = CommitCertificate {
        signers: crate::nouns::commit::Signers::collect(set, last_three),
        ..(*certificate).clone()
    };
    assert_ne!(other, *certificate);
    let with_other = changed(&block, |block| block.last_commit = Some(other));
    assert_eq!(node.ledger.check(&with_other), Ok(()));
}

#[test]
fn a_block_with_a_bad_transaction_is_refused_and_the_transaction_named() {
    let verdict = verdict_on_body(|_, block| block.transactions[0].signature.0[0] ^= 1);
    assert!(matches!(
        verdict,
        InvalidBlock::Transaction {
            index: 0,
            reason: TransactionError::Signature(_),
            ..
        }
    ));
}

/// Two bodies that differ only in a signature once had the same block id, so that the verdict on
/// the bad one stuck to the good one.
#[test]
fn a_body_with_a_spoiled_signature_has_another_id() {
    let (_, mut node, block) = second_block();
    let spoiled = changed(&block, |block| block.transactions[0].signature.0[0] ^= 1);
    assert_ne!(spoiled.id(), block.id());
    assert!(node.ledger.check(&spoiled).is_err());
    assert_eq!(node.ledger.check(&block), Ok(()));
    let mut body = block.block().clone();
    body.transactions[0].public_key = Some(vec![1]);
    assert!(SealedBlock::new(body).is_err());
}

#[test]
fn more_transaction_bytes_than_a_block_carries_are_refused() {
    let verdict = verdict_on_body(|_, block| {
        let mut large = block.transactions[0].clone();
        large.signature.0 = vec![0; TRANSACTION_BYTES_MAX - 256];
        let count = BLOCK_TRANSACTION_BYTES_MAX / (TRANSACTION_BYTES_MAX - 256) + 1;
        block.transactions = vec![large; count];
    });
    assert!(matches!(verdict, InvalidBlock::TransactionBytes(actual)
        if actual > BLOCK_TRANSACTION_BYTES_MAX));
}

#[test]
fn a_certificate_of_another_block_commits_nothing() {
    let (world, mut node, block) = second_block();
    let other = changed_header(&block, |header| header.time = Timestamp(5_000));
    let refused = node.ledger.commit(&block, world.certificate(&other, 0));
    assert_eq!(refused, Err(InvalidBlock::ForeignCertificate));
}

#[test]
fn what_a_block_changes_is_named_with_its_values_before_and_after() {
    let (_, mut node, block) = second_block();
    let (one, two) = (User::new(1).address, User::new(2).address);
    let account = |balance, nonce| Account { balance, nonce };
    let mut expected = vec![
        ChangedKey::Account(one, account(990, 1), account(970, 2)),
        ChangedKey::Account(two, account(510, 0), account(530, 0)),
    ];
    expected.sort_by_key(|key| match key {
        ChangedKey::Account(address, ..) => *address,
        other => panic!("{other}"),
    });
    let wrong = changed_header(&block, |header| header.state_root = Hash([7; 32]));
    let explained = node.ledger.explain(&wrong).unwrap();
    assert_eq!(explained.changed, expected);
    let receipts: Vec<String> = explained.receipts.iter().map(|r| r.to_string()).collect();
    let id = block.block().transactions[0].id();
    let bytes = explained.receipts[0].bytes;
    assert_eq!(
        receipts,
        [format!("receipt/{id}: success, fee 0, {bytes} bytes")]
    );
    let line = ChangedKey::Account(one, account(990, 1), account(970, 2)).to_string();
    assert_eq!(
        line,
        format!("account/{one}: balance 990 → 970, nonce 1 → 2")
    );

    let world = World::new();
    let mut fresh = world.node();
    let first = world.node().prepare(&world, vec![payment(&world)]).block;
    let named = fresh.ledger.explain(&first).unwrap().changed;
    let key_bytes = User::new(1).signer.public_key().len();
    assert_eq!(named.last(), Some(&ChangedKey::PublicKey(one, key_bytes)));
    // The block is judged as before.
    assert_eq!(fresh.ledger.check(&first), Ok(()));
}

#[test]
fn a_state_that_cannot_be_read_is_fatal_and_no_verdict_on_the_block() {
    struct Broken;
    impl StateReader for Broken {
        fn node(&self, _: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
            Err(ReadError::Store("disk on fire".into()))
        }
        fn value(&self, _: &KeyHash, _: u64) -> Result<Option<Vec<u8>>, ReadError> {
            Ok(Some(vec![1, 2, 3]))
        }
        fn latest_version(&self) -> Result<Option<u64>, ReadError> {
            Ok(Some(0))
        }
    }
    let (world, mut node, block) = second_block();
    let head = node.ledger.head().clone();
    let validators = node.ledger.validators().clone();
    let mut broken = Ledger::on(world.rules.clone(), Arc::new(Broken), head, validators);
    let verdict = broken.check(&block).unwrap_err();
    assert!(matches!(
        verdict,
        InvalidBlock::Fatal(ReadError::Corrupt(_))
    ));
    assert_eq!(node.ledger.check(&block), Ok(()));
}
