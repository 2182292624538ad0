//! What a block gets to carry.
use super::*;

#[test]
fn the_best_price_goes_first_and_nonces_stay_in_order() {
    let mut desk = Desk::new();
    desk.send(wish(1, 0).fee(1_000)).unwrap();
    desk.send(wish(1, 1).fee(9_000)).unwrap();
    desk.send(wish(2, 0).fee(2_000)).unwrap();
    desk.send(wish(3, 0).fee(2_000)).unwrap();
    // Equal prices go by arrival; a dear one waits for the cheap one before it.
    assert_eq!(desk.candidates(), [(2, 0), (3, 0), (1, 0), (1, 1)]);
}

#[test]
fn what_stands_behind_a_gap_takes_nobodys_place() {
    let mut desk = Desk::new();
    desk.grow(&[wish(1, 0)]);
    for nonce in [4, 3] {
        assert_eq!(desk.send(wish(1, nonce)), Ok(Submission::Queued));
    }
    assert!(!desk.mempool.has_candidates() && desk.candidates().is_empty());
    assert_eq!(desk.mempool.next_nonce(&address(1), 1), 1);
    assert_eq!(desk.send(wish(1, 1)), Ok(Submission::Pending));
    assert_eq!(desk.candidates(), [(1, 1)]);
    assert_eq!(desk.send(wish(1, 2)), Ok(Submission::Pending));
    assert_eq!(desk.candidates(), [(1, 1), (1, 2), (1, 3), (1, 4)]);
    assert_eq!(desk.mempool.next_nonce(&address(1), 1), 5);
}

#[test]
fn a_block_is_filled_up_to_its_bytes_and_a_long_one_keeps_no_short_one_out() {
    let mut desk = Desk::new();
    desk.grow(&[wish(2, 0)]);
    // With its key the first one is longer than the second.
    desk.send(wish(1, 0).fee(BALANCE)).unwrap();
    desk.send(wish(2, 1)).unwrap();
    let (long, short) = (desk.sign(wish(1, 0)).bytes(), desk.sign(wish(2, 1)).bytes());
    assert!(short < long);
    let count = |bytes| desk.mempool.candidates(bytes).len();
    assert_eq!((count(short - 1), count(short)), (0, 1));
    assert_eq!((count(short + long - 1), count(short + long)), (1, 2));
}

#[test]
fn what_the_mempool_offers_stands_in_the_block() {
    let mut desk = Desk::new();
    for nonce in 0..20 {
        for user in 1..=9 {
            desk.send(wish(user, nonce).fee(FEE + u64::from(user) * nonce))
                .unwrap();
        }
    }
    let candidates = desk.mempool.candidates(usize::MAX);
    let candidates = candidates.iter().map(|t| Transaction::clone(t)).collect();
    let prepared = desk.prepare(candidates);
    assert_eq!(prepared.rejected, []);
    assert_eq!(prepared.block.block().transactions.len(), 180);
    desk.commit(&prepared.block);
    assert!(desk.mempool.is_empty() && desk.mempool.bytes() == 0);
}
