//! What a sender's transactions are worth to the pool, and that no chain of them keeps the others out
//! for less than it pays.
use super::room::small;
use super::*;
#[cfg(feature = "mutants")]
use crate::mutation::{Mutation, must_be_noticed};

/// Forty senders with 255 cheap ones and a dear last one each had filled the ten thousand places,
/// and somebody who paid eighteen times their average heard `mempool_full`.
#[test]
fn a_dear_last_one_shields_no_cheap_ones() {
    let mut desk = small(8);
    for user in [1, 2] {
        for nonce in 0..3 {
            desk.send(wish(user, nonce).fee(700)).unwrap();
        }
        desk.send(wish(user, 3).fee(90_000)).unwrap();
    }
    assert!(desk.send(wish(3, 0).fee(3_900)).is_ok());
    assert_eq!(desk.fate(wish(2, 3).fee(90_000)), Some(Fate::Evicted));
    // The way there must be paid as well: a dear one behind cheap ones is no better than they are.
    let again = desk.send(wish(2, 3).fee(90_000));
    assert_eq!(refused(again), "mempool_full");
    for nonce in 0..3 {
        desk.send(wish(2, nonce).fee(5_000)).unwrap();
    }
    desk.send(wish(2, 3).fee(90_000)).unwrap();
    assert_eq!(desk.fate(wish(1, 3).fee(90_000)), Some(Fate::Evicted));
    assert!(desk.waits(wish(3, 0).fee(3_900)));
}

#[cfg(feature = "mutants")]
#[test]
fn a_tail_that_shields_is_noticed() {
    must_be_noticed(Mutation::TailShields, a_dear_last_one_shields_no_cheap_ones);
}

/// The price of a chain is told anew when one of its transactions is replaced, executed or gone.
#[test]
fn a_chain_is_worth_what_waits_of_it() {
    let mut desk = small(4);
    for (nonce, fee) in [(0, 1_000), (1, 4_000), (2, 9_000)] {
        desk.send(wish(1, nonce).fee(fee)).unwrap();
    }
    desk.send(wish(2, 0).fee(3_000)).unwrap();
    // The cheap first one is executed: the next cheapest decides.
    desk.grow(&[wish(1, 0).fee(1_000)]);
    desk.send(wish(3, 0).fee(3_500)).unwrap();
    desk.send(wish(4, 0).fee(3_600)).unwrap();
    assert_eq!(desk.fate(wish(2, 0).fee(3_000)), Some(Fate::Evicted));
    assert!(desk.waits(wish(1, 2).fee(9_000)));
    // A replacement raises it above the others.
    desk.send(wish(1, 1).fee(8_000)).unwrap();
    desk.send(wish(5, 0).fee(7_000)).unwrap();
    assert_eq!(desk.fate(wish(3, 0).fee(3_500)), Some(Fate::Evicted));
    desk.send(wish(6, 0).fee(7_500)).unwrap();
    assert_eq!(desk.fate(wish(4, 0).fee(3_600)), Some(Fate::Evicted));
    assert!(desk.waits(wish(1, 1).fee(8_000)) && desk.waits(wish(1, 2).fee(9_000)));
}

/// A validator fills the pool from accounts of its own, at any price, and empties them in its own
/// block: it pays nothing but three small fees, to itself.
#[test]
fn who_empties_his_accounts_has_kept_out_no_more_than_the_first_few_of_each() {
    let mut desk = small(30);
    for user in 4..=9 {
        for nonce in 0..4 {
            desk.send(wish(user, nonce)).unwrap();
        }
    }
    let mut taken = 0;
    for nonce in 0..20 {
        for user in 1..=3 {
            taken += usize::from(desk.send(wish(user, nonce).fee(40_000)).is_ok());
        }
    }
    let others = |desk: &Desk| {
        let places = (4..=9).flat_map(|user| (0..4).map(move |nonce| wish(user, nonce)));
        places.filter(|wish| desk.waits(*wish)).count()
    };
    let assured = 3 * limits::SENDER_ASSURED_MAX;
    assert_eq!((desk.mempool.len(), others(&desk)), (30, 30 - assured));
    assert!(taken >= assured);
    let drains = [1, 2, 3].map(|user| wish(user, 0).amount(BALANCE - FEE));
    desk.grow(&drains);
    assert_eq!(desk.mempool.len(), others(&desk));
    assert_eq!(others(&desk), 30 - assured, "nobody else has left");
}

#[cfg(feature = "mutants")]
#[test]
fn that_chains_crowd_out_is_noticed() {
    must_be_noticed(
        Mutation::ChainsCrowdOut,
        who_empties_his_accounts_has_kept_out_no_more_than_the_first_few_of_each,
    );
}

#[test]
fn a_long_transaction_uses_up_what_its_sender_is_assured_of() {
    let mut desk = small(3);
    let long = |desk: &Desk, nonce| {
        let mut body = desk.sign(wish(1, nonce).fee(90_000)).body;
        body.action = Action::Put {
            key: vec![1],
            value: vec![7; 4_096],
        };
        Transaction::sign(&*signer(1), &desk.rules.context, body).unwrap()
    };
    for nonce in 0..3 {
        let transaction = long(&desk, nonce);
        desk.give(&transaction).unwrap();
    }
    assert!(desk.send(wish(2, 0)).is_err(), "all are within the bytes");
    let mut desk = small(4);
    for nonce in 0..4 {
        let transaction = long(&desk, nonce);
        desk.give(&transaction).unwrap();
    }
    assert!(desk.send(wish(2, 0)).is_ok(), "the fourth is beyond them");
    assert_eq!(desk.mempool.len(), 4);
}

/// Two accounts that give all away with their first transaction and pay well for twenty more that
/// nobody can execute then: the block was theirs, and all but empty.
#[test]
fn what_cannot_be_paid_any_more_takes_nobodys_place_in_a_block() {
    let mut desk = Desk::new();
    for user in [1, 2] {
        let drain = BALANCE - 20_000;
        desk.send(wish(user, 0).fee(20_000).amount(drain)).unwrap();
        for nonce in 1..=20 {
            desk.send(wish(user, nonce).fee(15_000)).unwrap();
        }
    }
    for nonce in 0..3 {
        desk.send(wish(3, nonce)).unwrap();
    }
    assert_eq!(desk.candidates(), [(1, 0), (2, 0), (3, 0), (3, 1), (3, 2)]);
    let candidates = desk.mempool.candidates(usize::MAX);
    let candidates = candidates.iter().map(|t| Transaction::clone(t)).collect();
    let prepared = desk.prepare(candidates);
    assert_eq!(prepared.rejected, []);
    desk.commit(&prepared.block);
    assert!(desk.mempool.is_empty(), "the rest has left with its reason");
    let code = "overdrawn";
    let behind = desk.fate(wish(1, 7).fee(15_000));
    assert_eq!(behind, Some(Fate::Dropped { code }));
}

#[cfg(feature = "mutants")]
#[test]
fn that_the_drained_take_places_is_noticed() {
    must_be_noticed(
        Mutation::DrainedTakePlaces,
        what_cannot_be_paid_any_more_takes_nobodys_place_in_a_block,
    );
}

/// Somebody who gives more than he has keeps it: the transaction fails, those behind it do not.
#[test]
fn whoever_gives_more_than_he_has_is_offered_with_all_behind() {
    let mut desk = Desk::new();
    desk.send(wish(1, 0).amount(2 * BALANCE)).unwrap();
    desk.send(wish(1, 1).amount(BALANCE - 3 * FEE)).unwrap();
    desk.send(wish(1, 2)).unwrap();
    desk.send(wish(1, 3)).unwrap();
    assert_eq!(desk.candidates(), [(1, 0), (1, 1), (1, 2)]);
}
