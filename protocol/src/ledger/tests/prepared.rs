//! What a prepared block looks like.
use super::*;
use crate::limits::{BLOCK_TRANSACTION_BYTES_MAX, TRANSACTION_BYTES_MAX};
#[cfg(feature = "mutants")]
use crate::mutation::{Mutation, plant};

#[test]
fn a_prepared_block_is_valid_elsewhere() {
    let world = World::new();
    let mut builder = world.node();
    let mut node = world.node();
    let mut user = User::new(1);
    for amount in 1..6 {
        let transaction = user.pay(&world, User::new(2).address, amount);
        let block = builder.prepare(&world, vec![transaction]).block;
        assert_eq!(node.ledger.check(&block), Ok(()));
        builder.commit(&world, &block);
        node.commit(&world, &block);
    }
    assert_eq!(builder.ledger.head(), node.ledger.head());
}

#[test]
fn its_time_is_the_builders_clock_or_just_after_the_parent() {
    let world = World::new();
    let mut node = World::new().node();
    for (now, expected) in [(0, 1_001), (1_000, 1_001), (1_001, 1_001), (9_999, 9_999)] {
        let draft = Draft {
            proposer: world.proposer(),
            now: Timestamp(now),
            transactions: vec![],
            evidence: vec![],
        };
        let block = node.ledger.prepare(draft).unwrap().block;
        assert_eq!(block.header().time, Timestamp(expected));
    }
}

#[test]
fn it_carries_exactly_a_quorum_of_what_the_head_has() {
    let world = World::new();
    let mut node = world.node();
    let first = node.prepare(&world, vec![]).block;
    let full = Arc::new(world.full_certificate(&first));
    let batch = node.ledger.commit(&first, full).unwrap();
    node.ledger.committed(&batch);
    let second = node.prepare(&world, vec![]).block;
    let carried = second.block().last_commit.as_ref().unwrap();
    assert_eq!(carried.signers.count(), 3);
    assert_eq!(carried.is_minimal(&world.rules.genesis_validators), Ok(()));
    let mut other = world.node();
    other.commit(&world, &first);
    assert_eq!(other.ledger.check(&second), Ok(()));
}

#[test]
fn candidates_that_do_not_fit_wait_for_the_next_block() {
    let world = World::new();
    let mut node = World::new().node();
    // Every candidate but the last is refused for its nonce; the size of what is in counts only.
    let user = User::new(1);
    let mut large = user.sign(&world, 0, User::new(2).address, 1);
    large.signature.0 = vec![0; TRANSACTION_BYTES_MAX - 300];
    let count = BLOCK_TRANSACTION_BYTES_MAX / (TRANSACTION_BYTES_MAX - 300) + 10;
    let mut candidates = vec![large; count];
    candidates.push(user.sign(&world, 0, User::new(2).address, 1));
    let prepared = node.prepare(&world, candidates);
    assert_eq!(prepared.block.block().transactions.len(), 1);
    assert_eq!(prepared.rejected.len(), count);
}

/// Signatures of 8 bytes make it take many transactions to fill a block.
#[test]
fn a_full_block_stays_within_its_bytes_and_is_valid() {
    let world = World::new();
    let (mut node, mut other) = (world.node(), world.node());
    let mut user = User::new(1);
    let to = User::new(2).address;
    let mut candidates = Vec::new();
    let mut bytes = 0;
    while bytes <= BLOCK_TRANSACTION_BYTES_MAX {
        candidates.push(user.pay(&world, to, 0));
        bytes += crate::codec::encode(candidates.last().unwrap()).len();
    }
    let last = candidates.last().unwrap().id();
    let prepared = node.prepare(&world, candidates);
    assert_eq!(prepared.rejected, [(last, CandidateRefusal::BlockFull)]);
    assert!(prepared.rejected[0].1.may_succeed_later());
    assert_eq!(other.ledger.check(&prepared.block), Ok(()));
}

/// The others would refuse such a block, and its builder would have voted for it.
#[test]
fn a_block_that_the_check_refuses_is_not_prepared() {
    let world = World::new();
    let mut node = World::new().node();
    node.grow(&world, vec![]);
    let mut head = node.ledger.head().clone();
    let certificate = CommitCertificate {
        block_id: Hash([7; 32]),
        ..(**head.certificate.as_ref().unwrap()).clone()
    };
    head.certificate = Some(Arc::new(certificate));
    let mut odd = Ledger::new(world.rules.clone(), node.state.clone(), head).unwrap();
    let refused = odd.prepare(draft(world.proposer())).unwrap_err();
    assert_eq!(
        refused,
        PrepareError::Invalid(InvalidBlock::LastCommitForeign)
    );
}

/// A candidate that is refused must leave nothing behind on the overlay that the block is built on:
/// nobody else executes it.
#[cfg(feature = "mutants")]
#[test]
fn a_refused_candidate_that_leaves_a_trace_is_noticed() {
    crate::mutation::must_be_noticed(Mutation::RefusedLeavesTrace, || {
        let world = World::new();
        let mut node = World::new().node();
        let user = User::new(1);
        let to = User::new(2).address;
        let candidates = vec![user.sign(&world, 9, to, 1), user.sign(&world, 0, to, 1)];
        let draft = Draft {
            transactions: candidates,
            ..draft(world.proposer())
        };
        let prepared = node.ledger.prepare(draft).unwrap();
        assert_eq!(prepared.block.block().transactions.len(), 1);
    });
    let planted = plant(Mutation::RefusedLeavesTrace);
    let world = World::new();
    let mut node = World::new().node();
    let refused = User::new(1).sign(&world, 9, User::new(2).address, 1);
    let draft = Draft {
        transactions: vec![refused],
        ..draft(world.proposer())
    };
    let noticed = node.ledger.prepare(draft).unwrap_err();
    assert!(
        matches!(
            noticed,
            PrepareError::Invalid(InvalidBlock::StateRoot { .. })
        ),
        "{noticed}"
    );
    drop(planted);
}

/// Executing again, where a candidate was refused, costs no signature.
#[test]
fn the_own_check_verifies_no_signature_twice() {
    let world = World::new();
    let mut node = World::new().node();
    let mut user = User::new(1);
    let to = User::new(2).address;
    let mut candidates: Vec<_> = (0..5).map(|_| user.pay(&world, to, 1)).collect();
    candidates.push(user.sign(&world, 99, to, 1));
    let prepared = node.prepare(&world, candidates);
    assert_eq!(prepared.rejected.len(), 1);
    assert_eq!(node.ledger.signatures_verified(), 5);
    assert_eq!(node.ledger.check(&prepared.block), Ok(()));
    assert_eq!(node.ledger.signatures_verified(), 5);
}

fn draft(proposer: Address) -> Draft {
    Draft {
        proposer,
        now: Timestamp(0),
        transactions: vec![],
        evidence: vec![],
    }
}

#[test]
fn a_stranger_prepares_nothing_and_neither_does_a_head_without_certificate() {
    let world = World::new();
    let mut node = World::new().node();
    let stranger = User::new(1).address;
    let refused = node.ledger.prepare(draft(stranger)).unwrap_err();
    assert_eq!(refused, PrepareError::Proposer(stranger));
    node.grow(&world, vec![]);
    let mut head = node.ledger.head().clone();
    head.certificate = None;
    let mut bare = Ledger::new(world.rules.clone(), node.state.clone(), head.clone()).unwrap();
    let refused = bare.prepare(draft(world.proposer())).unwrap_err();
    assert_eq!(refused, PrepareError::NoCertificate);
    head.time = Timestamp(u64::MAX);
    let mut last = Ledger::new(world.rules.clone(), node.state.clone(), head).unwrap();
    let refused = last.prepare(draft(world.proposer())).unwrap_err();
    assert_eq!(refused, PrepareError::Time);
}
