//! Runs: what is executed before the blocks below it are written is what comes out one by one.
use super::*;
use crate::limits::COMMIT_RUN_BLOCKS_MAX;
use crate::nouns::decided::DecidedBlock;

/// As many blocks as a run may have: transfers on each other, new keys, an empty block, failures.
fn chain(world: &World) -> (Node, Vec<Arc<CommitBatch>>) {
    let mut node = world.node();
    let mut a = User::new(1);
    let mut b = User::new(3);
    let batches = (0..COMMIT_RUN_BLOCKS_MAX as u64).map(|n| {
        let transactions = match n % 4 {
            0 => vec![a.pay(world, b.address, 7), a.pay(world, b.address, 9_999)],
            1 => vec![b.pay(world, a.address, 3), a.pay(world, b.address, n)],
            2 => vec![b.pay(world, Address([n as u8; 20]), 1)],
            _ => Vec::new(),
        };
        node.grow(world, transactions)
    });
    let batches = batches.collect();
    (node, batches)
}

fn decided(batches: &[Arc<CommitBatch>]) -> Vec<DecidedBlock> {
    let decided = |batch: &Arc<CommitBatch>| DecidedBlock {
        block: batch.block.clone(),
        certificate: batch.certificate.clone(),
    };
    batches.iter().map(decided).collect()
}

#[test]
fn a_run_gives_what_its_blocks_give_one_by_one_and_leaves_no_trace_before_it_is_written() {
    let world = World::new();
    let (one_by_one, expected) = chain(&world);
    let mut node = world.node();
    let size = node.state.size();
    let head = node.ledger.head().clone();
    let run = node.ledger.commit_run(&decided(&expected)).unwrap();
    assert_eq!(run, expected);
    assert_eq!((node.state.size(), node.ledger.head()), (size, &head));
    for batch in &run {
        node.state.apply(&batch.changes);
    }
    // The oldest of the versions that the ledger may still stand on is readable.
    let first = &run[0];
    assert!(node.ledger.check(&first.block).is_ok());
    run.iter().for_each(|batch| node.ledger.committed(batch));
    assert_eq!(node.ledger.head(), one_by_one.ledger.head());
    assert_eq!(node.state.values(), one_by_one.state.values());
    let next = User::new(2).sign(&world, 0, User::new(1).address, 1);
    let (mut a, mut b) = (node, one_by_one);
    assert_eq!(
        a.grow(&world, vec![next.clone()]),
        b.grow(&world, vec![next])
    );
}

/// The store writes a whole run while the ledger stands before it.
#[test]
fn the_state_before_a_run_stays_readable_while_the_longest_run_is_written() {
    let world = World::new();
    let mut user = User::new(1);
    let mut node = world.node();
    let mut transfer = |node: &mut Node| {
        let payment = user.pay(&world, User::new(2).address, 1);
        node.grow(&world, vec![payment])
    };
    let runs: Vec<_> = (0..3 * COMMIT_RUN_BLOCKS_MAX)
        .map(|_| transfer(&mut node))
        .collect();
    let mut node = world.node();
    for run in runs.chunks(COMMIT_RUN_BLOCKS_MAX) {
        let batches = node.ledger.commit_run(&decided(run)).unwrap();
        assert_eq!(batches, run);
        batches.iter().for_each(|b| node.state.apply(&b.changes));
        // Nothing of it is kept from before.
        let (rules, state) = (world.rules.clone(), node.state.clone());
        let mut fresh = Ledger::new(rules, state, node.ledger.head().clone()).unwrap();
        let again = fresh.commit_run(&decided(run)).unwrap();
        assert_eq!(again, run);
        batches.iter().for_each(|b| node.ledger.committed(b));
    }
}

#[test]
fn a_run_ends_before_a_block_that_is_invalid_and_the_error_comes_when_it_is_the_first() {
    let world = World::new();
    let (_, good) = chain(&world);
    let mut wrong = decided(&good);
    let root = |header: &mut Header| header.state_root = Hash([7; 32]);
    wrong[3].block = changed_header(&good[3].block, root);
    wrong[3].certificate = world.certificate(&wrong[3].block, 0);
    let mut node = world.node();
    let run = node.ledger.commit_run(&wrong).unwrap();
    assert_eq!(run, good[..3]);
    for batch in &run {
        node.state.apply(&batch.changes);
        node.ledger.committed(batch);
    }
    let error = node.ledger.commit_run(&wrong[3..]).unwrap_err();
    assert!(matches!(error, InvalidBlock::StateRoot { .. }), "{error}");
    assert_eq!(node.ledger.commit_run(&[]), Ok(Vec::new()));
}

#[test]
fn a_run_with_a_gap_ends_at_it() {
    let world = World::new();
    let (_, good) = chain(&world);
    let mut gap = decided(&good);
    gap.remove(2);
    let run = world.node().ledger.commit_run(&gap).unwrap();
    assert_eq!(run, good[..2]);
}

#[test]
fn no_signature_is_verified_twice_because_of_a_run() {
    let world = World::new();
    let (_, good) = chain(&world);
    let mut node = world.node();
    let run = decided(&good);
    node.ledger.commit_run(&run).unwrap();
    let verified = node.ledger.signatures_verified();
    assert!(verified > 0);
    node.ledger.commit_run(&run).unwrap();
    assert_eq!(node.ledger.signatures_verified(), verified);
}
