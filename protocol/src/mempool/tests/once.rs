//! One verification per node, whoever asks and however often.
use super::admission::forged;
use super::*;

#[test]
fn what_was_admitted_is_not_verified_again_by_the_block() {
    let mut desk = Desk::new();
    for user in 1..=3 {
        for nonce in 0..4 {
            desk.send(wish(user, nonce)).unwrap();
        }
    }
    let candidates = desk.mempool.candidates(usize::MAX);
    let candidates = candidates.iter().map(|t| Transaction::clone(t)).collect();
    let prepared = desk.prepare(candidates);
    assert_eq!(prepared.block.block().transactions.len(), 12);
    // As a follower: the block comes from elsewhere, and nothing of it has been executed here.
    let follower = Desk::new();
    let mut follower = Desk {
        checker: desk.checker,
        ..follower
    };
    for transaction in &prepared.block.block().transactions {
        follower.give(transaction).unwrap();
    }
    follower.ledger.check(&prepared.block).unwrap();
    follower.commit(&prepared.block);
    assert_eq!(follower.checker.verified(), 12, "once each, at admission");
    assert_eq!(follower.ledger.signatures_verified(), 0);
    assert_eq!(desk.ledger.signatures_verified(), 0);
    assert!(follower.mempool.is_empty());
}

#[test]
fn whoever_asks_for_what_is_under_check_gets_the_same_verdict() {
    let mut desk = Desk::new();
    let transaction = desk.sign(wish(1, 0));
    let outputs = desk.submit(&transaction, Source::Peer);
    assert!(desk.submit(&transaction, Source::People).is_empty());
    let answers = desk.settle(outputs);
    let pending = Ok(Submission::Pending);
    assert_eq!(
        answers,
        [(Ticket(1), pending.clone()), (Ticket(2), pending)]
    );
    assert_eq!((desk.checker.verified(), desk.admitted.len()), (1, 1));
}

#[test]
fn a_forgery_is_checked_once_and_keeps_nobody_out() {
    let mut desk = Desk::new();
    let transaction = desk.sign(wish(1, 0));
    let bad = forged(&transaction);
    // The forgery is under check while the real one comes: they have one id.
    let mut outputs = desk.submit(&bad, Source::Peer);
    outputs.extend(desk.submit(&transaction, Source::People));
    let answers = desk.settle(outputs);
    assert_eq!(refused(answers[0].1.clone()), "bad_signature");
    assert_eq!(answers[1].1, Ok(Submission::Pending));
    assert_eq!(desk.checker.verified(), 2);
    desk.grow(&[wish(1, 0)]);
    let second = forged(&desk.sign(wish(1, 1)));
    for _ in 0..3 {
        assert_eq!(refused(desk.give(&second)), "bad_signature");
    }
    assert_eq!(desk.checker.verified(), 3, "a replay costs no check");
}

#[test]
fn a_block_that_comes_during_the_check_is_not_overlooked() {
    let mut desk = Desk::new();
    let carried = desk.sign(wish(1, 0));
    let other = desk.sign(wish(1, 0).amount(2));
    let mut outputs = desk.submit(&carried, Source::People);
    outputs.extend(desk.submit(&other, Source::People));
    desk.grow(&[wish(1, 0)]);
    let answers = desk.settle(outputs);
    assert_eq!(answers[0].1, Ok(Submission::Known), "the block carries it");
    assert_eq!(refused(answers[1].1.clone()), "nonce_too_low");
    assert!(desk.mempool.is_empty());
}

#[test]
fn what_a_block_carries_is_known_and_not_refused_for_the_nonce_that_it_has_used_up_itself() {
    let mut desk = Desk::new();
    let first = desk.sign(wish(1, 0));
    desk.give(&first).unwrap();
    desk.grow(&[wish(1, 0)]);
    assert_eq!(desk.give(&first), Ok(Submission::Known));
    // Also one that came with the block only.
    desk.grow(&[wish(2, 0).until(2)]);
    assert_eq!(desk.send(wish(2, 0).until(2)), Ok(Submission::Known));
    desk.grow(&[]);
    assert_eq!(desk.send(wish(2, 0).until(2)), Ok(Submission::Known));
    assert_eq!(desk.checker.verified(), 1, "nothing is checked again");
    assert!(desk.mempool.is_empty());
}
