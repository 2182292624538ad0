//! Which decided blocks wait, and which come out next.
use super::*;
use crate::consensus::testkit::{Cast, block};
use crate::nouns::block::Block;
use crate::nouns::commit::Signers;
use crate::nouns::transaction::{Action, Transaction, TransactionBody};
use crate::nouns::vote::Signature;
use crate::types::Round;
use proptest::prelude::*;

fn decided(height: u64) -> DecidedBlock {
    let block = block(Height(height), height);
    let certificate = Arc::new(CommitCertificate {
        height: Height(height),
        round: Round::ZERO,
        block_id: block.id(),
        signers: Signers::default(),
    });
    DecidedBlock { block, certificate }
}

/// A block whose transactions have so many bytes.
fn sized(height: u64, bytes: usize) -> DecidedBlock {
    let mut decided = decided(height);
    let mut block = decided.block.block().clone();
    block.transactions.push(Transaction {
        sender: Address::default(),
        public_key: None,
        body: TransactionBody {
            nonce: 0,
            fee: 0,
            expires_at: Height(0),
            action: Action::Transfer {
                to: Address::default(),
                amount: 0,
                memo: String::new(),
            },
        },
        signature: Signature(vec![0; bytes]),
    });
    block.header.transactions_root = Block::transactions_root(&block.transactions);
    decided.block = Arc::new(SealedBlock::new(block).unwrap());
    decided
}

/// From a peer, of a height whose set is not known.
fn offer(queue: &mut CommitQueue, decided: DecidedBlock) {
    let validators = Cast::of(1).schedule(Height(1));
    queue.offer(decided, Some(Address::default()), &validators);
}

/// Begins the next run: its heights.
fn take(queue: &mut CommitQueue) -> Vec<u64> {
    let run = queue.next_run();
    let heights: Vec<u64> = run.iter().map(|d| d.block.height().0).collect();
    if let Some(last) = heights.last() {
        queue.begin(Height(*last));
    }
    heights
}

#[test]
fn blocks_in_a_row_come_out_together_one_run_at_a_time() {
    let mut queue = CommitQueue::new(Height(4), 10);
    for height in [8, 5, 6, 5, 4] {
        offer(&mut queue, decided(height));
    }
    assert_eq!((take(&mut queue), take(&mut queue)), (vec![5, 6], vec![]));
    offer(&mut queue, decided(6));
    offer(&mut queue, decided(7));
    assert_eq!(queue.waiting.len(), 2);
    queue.written(Height(5));
    assert!(take(&mut queue).is_empty(), "6 is under way still");
    queue.written(Height(6));
    assert_eq!(take(&mut queue), [7, 8]);
    assert!(queue.waiting.is_empty());
}

/// Whoever certified the first of them falsely may have certified those behind it as well; each
/// alone would cost its own patience until the true one is asked for.
#[test]
fn with_a_block_that_proves_nothing_go_those_behind_it() {
    let mut queue = CommitQueue::new(Height(0), 10);
    for height in [1, 2, 3, 5] {
        offer(&mut queue, decided(height));
    }
    queue.discard(Height(2));
    assert_eq!((queue.waiting.len(), take(&mut queue)), (1, vec![1]));
    queue.written(Height(1));
    let right = decided(2);
    offer(&mut queue, right.clone());
    assert_eq!(queue.next_run(), [right]);
}

/// By the set that is known to decide this height, or by another.
fn by(cast: &Cast, height: u64, tag: u64) -> DecidedBlock {
    let block = crate::consensus::testkit::block_by(cast.set.hash(), Height(height), tag);
    let everybody: Vec<_> = (0..cast.set.len()).collect();
    let certificate = Arc::new(cast.commit(&block, 0, &everybody));
    DecidedBlock { block, certificate }
}

fn certified_stays_and_claims_go() {
    let (right, old) = (Cast::of(4), Cast::of(1));
    let validators = right.schedule(Height(5));
    let (liar, peer) = (Some(Address([1; 20])), Some(Address([2; 20])));
    let (ours, false_one) = (by(&right, 5, 1), by(&old, 5, 2));
    for from in [None, peer] {
        let mut queue = CommitQueue::new(Height(4), 10);
        assert_eq!(queue.offer(false_one.clone(), liar, &validators), None);
        assert_eq!(queue.offer(by(&old, 6, 2), liar, &validators), None);
        assert_eq!(queue.certified(Height(5), &validators), None, "a claim");
        assert_eq!(queue.offer(ours.clone(), from, &validators), liar);
        let run = queue.next_run();
        assert_eq!(
            run,
            std::slice::from_ref(&ours),
            "what lay behind went, too"
        );
        assert_eq!(queue.sender(Height(5)), from);
        assert_eq!(queue.offer(false_one.clone(), liar, &validators), None);
        assert_eq!(queue.offer(by(&right, 5, 3), peer, &validators), None);
        assert_eq!(queue.next_run(), std::slice::from_ref(&ours));
        let certificate = queue.certified(Height(5), &validators);
        assert_eq!(certificate, Some(ours.certificate.clone()));
    }
}

#[test]
fn a_block_by_the_right_set_displaces_a_claim_and_never_the_other_way_round() {
    certified_stays_and_claims_go();
}

#[cfg(feature = "mutants")]
#[test]
fn that_a_foreign_block_displaces_a_decision_is_noticed() {
    let bug = crate::mutation::Mutation::ForeignBlockDisplaces;
    crate::mutation::must_be_noticed(bug, certified_stays_and_claims_go);
}

/// The driver has decided by the set that it knows, whatever set its block names.
#[test]
fn this_node_s_own_decision_is_displaced_by_nothing() {
    let (right, old) = (Cast::of(4), Cast::of(1));
    let validators = right.schedule(Height(5));
    let mut queue = CommitQueue::new(Height(4), 10);
    let ours = by(&old, 5, 1);
    queue.offer(ours.clone(), None, &validators);
    queue.offer(by(&right, 5, 2), Some(Address::default()), &validators);
    assert_eq!(queue.next_run(), [ours]);
}

#[test]
fn a_run_that_is_not_begun_waits_and_may_be_begun_in_part() {
    let mut queue = CommitQueue::new(Height(0), 10);
    (1..=4).for_each(|height| offer(&mut queue, decided(height)));
    assert_eq!((queue.next_run().len(), queue.waiting.len()), (4, 4));
    queue.begin(Height(2));
    assert_eq!((queue.waiting.len(), queue.next_run()), (2, Vec::new()));
    queue.written(Height(2));
    assert_eq!(take(&mut queue), [3, 4]);
}

#[test]
fn a_run_is_bounded_in_blocks_and_bytes_but_never_empty_because_of_them() {
    let mut queue = CommitQueue::new(Height(0), 100);
    (1..=40).for_each(|height| offer(&mut queue, decided(height)));
    assert_eq!(take(&mut queue).len(), COMMIT_RUN_BLOCKS_MAX);
    let mut queue = CommitQueue::new(Height(0), 100);
    let half = COMMIT_RUN_BYTES_MAX / 2;
    for (height, bytes) in [
        (1, half),
        (2, half - 2_048),
        (3, half),
        (4, 2 * half + 1),
        (5, 1),
    ] {
        offer(&mut queue, sized(height, bytes));
    }
    for run in [vec![1, 2], vec![3], vec![4], vec![5]] {
        assert_eq!(take(&mut queue), run);
        queue.written(Height(run[run.len() - 1]));
    }
}

#[test]
fn a_full_queue_keeps_what_is_next() {
    let mut queue = CommitQueue::new(Height(0), 3);
    for height in [9, 8, 7, 6, 1] {
        offer(&mut queue, decided(height));
    }
    assert_eq!(queue.waiting.len(), 3);
    assert_eq!(take(&mut queue), [1]);
}

#[test]
fn what_an_earlier_incarnation_has_written_is_skipped() {
    let mut queue = CommitQueue::new(Height(0), 10);
    (1..=4).for_each(|height| offer(&mut queue, decided(height)));
    queue.written(Height(3));
    assert_eq!(take(&mut queue), [4]);
}

#[test]
fn after_a_halt_nothing_moves() {
    let mut queue = CommitQueue::new(Height(0), 10);
    offer(&mut queue, decided(1));
    assert_eq!(take(&mut queue), [1]);
    queue.halt();
    offer(&mut queue, decided(2));
    queue.written(Height(1));
    assert_eq!((take(&mut queue), queue.waiting.len()), (Vec::new(), 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the order of arrival, the blocks come out as 1, 2, 3, … without a gap.
    #[test]
    fn the_order_of_arrival_does_not_matter(
        heights in proptest::collection::vec(1u64..20, 0..60),
    ) {
        let mut queue = CommitQueue::new(Height(0), 64);
        let mut out = Vec::new();
        for height in &heights {
            offer(&mut queue, decided(*height));
            loop {
                // At most a run at a time: more may be next.
                let run = take(&mut queue);
                let Some(last) = run.last() else { break };
                queue.written(Height(*last));
                out.extend(run);
            }
        }
        let unbroken = (1..).take_while(|height| heights.contains(height));
        prop_assert_eq!(out, unbroken.collect::<Vec<u64>>());
    }
}
