//! Who gives way when the mempool is full.
use super::*;
use proptest::prelude::*;

pub(super) fn small(transactions_max: usize) -> Desk {
    Desk::with_room(Room {
        transactions_max,
        bytes_max: usize::MAX,
    })
}

#[test]
fn the_lowest_price_gives_way_and_nobody_to_a_lower_one() {
    let mut desk = small(2);
    desk.send(wish(1, 0).fee(2_000)).unwrap();
    desk.send(wish(2, 0).fee(3_000)).unwrap();
    for fee in [1_000, 2_000] {
        assert_eq!(refused(desk.send(wish(3, 0).fee(fee))), "mempool_full");
    }
    assert!(desk.send(wish(3, 0).fee(2_500)).is_ok());
    assert_eq!(desk.fate(wish(1, 0).fee(2_000)), Some(Fate::Evicted));
    assert_eq!(desk.candidates(), [(2, 0), (3, 0)]);
    assert!(
        desk.send(wish(1, 0).fee(9_000)).is_ok(),
        "it may come again"
    );
    assert!(desk.waits(wish(1, 0).fee(9_000)));
}

#[test]
fn an_earlier_nonce_never_goes_before_a_later_one() {
    let mut desk = small(3);
    desk.send(wish(1, 0).fee(1_000)).unwrap();
    desk.send(wish(1, 1).fee(9_000)).unwrap();
    desk.send(wish(2, 0).fee(5_000)).unwrap();
    // User 1's first is the cheapest of all, and its dear second goes before it.
    assert!(desk.send(wish(3, 0).fee(6_000)).is_ok());
    assert_eq!(desk.fate(wish(1, 1).fee(9_000)), Some(Fate::Evicted));
    assert!(desk.waits(wish(1, 0).fee(1_000)));
    assert!(desk.send(wish(4, 0).fee(7_000)).is_ok());
    assert_eq!(desk.fate(wish(1, 0).fee(1_000)), Some(Fate::Evicted));
    assert!(desk.waits(wish(2, 0).fee(5_000)));
}

#[test]
fn what_waits_behind_a_gap_gives_way_first_whatever_it_pays() {
    let mut desk = small(2);
    desk.grow(&[wish(1, 0)]);
    desk.send(wish(1, 2).fee(90_000)).unwrap();
    desk.send(wish(2, 0)).unwrap();
    assert!(desk.send(wish(3, 0)).is_ok());
    assert_eq!(desk.fate(wish(1, 2).fee(90_000)), Some(Fate::Evicted));
    assert_eq!(refused(desk.send(wish(1, 3).fee(90_000))), "mempool_full");
}

#[test]
fn bytes_are_a_limit_of_their_own() {
    let bytes = Desk::new().sign(wish(1, 0)).bytes();
    let mut desk = Desk::with_room(Room {
        transactions_max: 100,
        bytes_max: 3 * bytes - 1,
    });
    assert!(desk.send(wish(1, 0)).is_ok() && desk.send(wish(2, 0)).is_ok());
    assert_eq!(refused(desk.send(wish(3, 0))), "mempool_full");
    assert!(desk.send(wish(3, 0).fee(2 * FEE)).is_ok());
    assert_eq!(
        desk.fate(wish(2, 0)),
        Some(Fate::Evicted),
        "the newer of equals"
    );
    assert!(desk.mempool.bytes() < 3 * bytes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever comes: limits hold, sums agree with what is listed, candidates run without gaps from
    /// each sender's next nonce, and whatever was taken waits or has a fate.
    #[test]
    fn it_keeps_its_books(
        steps in prop::collection::vec((1u8..6, 0u64..6, 1u64..9, 0u8..10), 1..60),
    ) {
        let mut desk = small(6);
        let mut taken = Vec::new();
        for (user, nonce, price, what) in steps {
            if what == 0 {
                let candidates = desk.mempool.candidates(1_000);
                let candidates = candidates.iter().map(|t| Transaction::clone(t)).collect();
                let prepared = desk.prepare(candidates);
                prop_assert_eq!(&prepared.rejected, &[]);
                desk.commit(&prepared.block);
            } else {
                let wish = wish(user, nonce).fee(price * FEE);
                if desk.send(wish).is_ok() {
                    taken.push(wish);
                }
            }
            let listed = desk.mempool.list(None, 100);
            prop_assert_eq!(listed.len(), desk.mempool.len());
            prop_assert!(listed.len() <= 6);
            let bytes: usize = listed.iter().map(|(entry, _)| entry.bytes).sum();
            prop_assert_eq!(bytes, desk.mempool.bytes());
            let ready = listed.iter().filter(|(_, ready)| *ready).count();
            prop_assert_eq!(desk.candidates().len(), ready);
            prop_assert_eq!(desk.mempool.has_candidates(), ready > 0);
            for wish in &taken {
                prop_assert!(desk.waits(*wish) || desk.fate(*wish).is_some());
            }
        }
    }
}
