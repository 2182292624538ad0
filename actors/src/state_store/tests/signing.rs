//! The sign record, locks and proposed blocks across a restart.
use super::*;
use lockstep_protocol::consensus::durable::{LockRecord, Persist, Recovery, SignedMessage};
use lockstep_protocol::nouns::commit::PolkaCertificate;
use lockstep_protocol::nouns::proposal::Proposal;

/// A block of height 1 that pays `amount`; without one it is empty.
fn block(world: &World, amount: Option<u64>) -> Arc<SealedBlock> {
    let transactions = amount.map(|amount| world.pay(1, 0, 2, amount));
    let (mut ledger, _) = world.memory_ledger();
    world
        .next(&mut ledger, transactions.into_iter().collect())
        .block
        .clone()
}

fn proposal(world: &World, round: u32, block: &Arc<SealedBlock>) -> Persist {
    let mut proposal = Proposal {
        height: block.height(),
        round: Round(round),
        block_id: block.id(),
        valid_round: None,
        proposer: address(101),
        signature: Signature(Vec::new()),
    };
    let bytes = proposal.sign_bytes(&world.rules.context);
    proposal.signature = Signature(signer(101).sign(&bytes).unwrap());
    Persist {
        signed: SignedMessage::Proposal(proposal),
        lock: None,
        block: Some(block.clone()),
    }
}

fn vote(world: &World, kind: VoteKind, round: u32, block: &Arc<SealedBlock>) -> Persist {
    let lock = (kind == VoteKind::Precommit).then(|| LockRecord {
        height: block.height(),
        round: Round(round),
        block_id: block.id(),
        polka: PolkaCertificate {
            height: block.height(),
            round: Round(round),
            block_id: block.id(),
            valid_round: None,
            signers: world.certificate(block).signers.clone(),
            by_proposal: None,
        },
    });
    Persist {
        signed: SignedMessage::Vote(world.vote(kind, 101, 1, round, block)),
        block: lock.is_some().then(|| block.clone()),
        lock,
    }
}

fn as_vote(record: &Persist) -> Option<SignedVote> {
    match &record.signed {
        SignedMessage::Vote(vote) => Some(vote.clone()),
        SignedMessage::Proposal(_) => None,
    }
}

#[test]
fn recovery_returns_the_newest_of_each_step_the_lock_and_the_blocks() {
    let (world, dir, store) = opened();
    let a = block(&world, None);
    let b = block(&world, Some(5));
    let turn = [
        proposal(&world, 0, &a),
        vote(&world, VoteKind::Prevote, 0, &a),
        vote(&world, VoteKind::Precommit, 0, &a),
    ];
    store.persist(&turn).unwrap();
    let later = [
        vote(&world, VoteKind::Prevote, 1, &b),
        vote(&world, VoteKind::Precommit, 1, &b),
    ];
    store.persist(&later[..1]).unwrap();
    store.persist(&later[1..]).unwrap();
    drop(store);
    let recovery = world
        .open(dir.path(), address(101))
        .unwrap()
        .recovery()
        .unwrap();
    let SignedMessage::Proposal(proposed) = &turn[0].signed else {
        panic!("the first is a proposal");
    };
    let mut blocks = vec![a, b];
    blocks.sort_by_key(|block| block.id());
    let expected = Recovery {
        proposal: Some(proposed.clone()),
        prevote: as_vote(&later[0]),
        precommit: as_vote(&later[1]),
        lock: later[1].lock.clone(),
        blocks,
    };
    assert_eq!(recovery, expected);
    assert_eq!(recovery.position(), Some(later[1].signed.position()));
}

#[test]
fn an_older_record_that_comes_late_does_not_replace_a_newer_one() {
    let (world, _dir, store) = opened();
    let block = block(&world, None);
    let newer = vote(&world, VoteKind::Precommit, 3, &block);
    let older = vote(&world, VoteKind::Precommit, 2, &block);
    store.persist(&[newer.clone(), older]).unwrap();
    store.persist(std::slice::from_ref(&newer)).unwrap();
    let recovery = store.recovery().unwrap();
    assert_eq!(
        (recovery.precommit, recovery.lock),
        (as_vote(&newer), newer.lock.clone())
    );
}

#[test]
fn committing_a_height_forgets_its_proposed_blocks_and_keeps_the_sign_record() {
    let (world, _dir, store) = opened();
    let mut ledger = world.ledger(&store);
    let a = block(&world, None);
    let b = block(&world, Some(5));
    store
        .persist(&[
            proposal(&world, 0, &a),
            vote(&world, VoteKind::Precommit, 0, &b),
        ])
        .unwrap();
    assert_eq!(store.recovery().unwrap().blocks.len(), 2);
    world.grow(&store, &mut ledger, vec![]);
    let recovery = store.recovery().unwrap();
    assert_eq!(recovery.blocks, []);
    assert!(recovery.proposal.is_some() && recovery.precommit.is_some());
}

#[test]
fn a_record_with_a_broken_seal_is_corrupt_and_never_signed_over() {
    let (world, dir, store) = opened();
    let block = block(&world, None);
    let record = vote(&world, VoteKind::Prevote, 0, &block);
    store.persist(std::slice::from_ref(&record)).unwrap();
    drop(store);
    let path = dir.path().join("data.mdb");
    let mut bytes = std::fs::read(&path).unwrap();
    let signature = &as_vote(&record).unwrap().signature.0;
    let windows = bytes.windows(8).enumerate();
    let found = windows.filter(|(_, window)| *window == &signature[..]);
    let places: Vec<usize> = found.map(|(at, _)| at).collect();
    assert!(!places.is_empty());
    places.iter().for_each(|at| bytes[*at] ^= 1);
    std::fs::write(&path, bytes).unwrap();
    let Err(error) = world.open(dir.path(), address(101)) else {
        panic!("it opened");
    };
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
}
