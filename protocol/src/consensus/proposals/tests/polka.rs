//! What polkas that do not verify may cost.
use super::*;
use crate::limits::BAD_POLKAS_BURST_MAX;
#[cfg(feature = "mutants")]
use crate::mutation::{Mutation, must_be_noticed};

/// A proposal of the proposer of round `r`, validly signed, with a polka of round 1 whose last
/// signature is for something else. Each `tag` is another block.
fn with_bad_polka(desk: &Desk, r: u32, tag: u8) -> ProposedBlock {
    let value = block(H, u64::from(tag));
    let mut foreign = desk.cast.polka(&value, 1, &[0, 1, 2]);
    foreign.valid_round = Some(Round(0));
    ProposedBlock {
        polka: Some(Arc::new(foreign)),
        ..desk.cast.proposed(r, &value, Some(1))
    }
}

/// How many of so many bad ones were looked at.
fn looked_at(desk: &mut Desk, r: u32, tags: std::ops::Range<u8>) -> u64 {
    let mut looked_at = 0;
    for tag in tags {
        let message = with_bad_polka(desk, r, tag);
        match desk.admit(message) {
            (Admission::BadSignature, checks) if checks > 1 => looked_at += 1,
            (Admission::OverBudget, 1) => {}
            other => panic!("{other:?}"),
        }
    }
    looked_at
}

/// Each of them had cost 2.7 ms with a hundred validators, as often as its proposer liked.
#[test]
fn bad_polkas_of_ones_own_turn_are_looked_at_a_few_times_and_then_once_a_second() {
    let mut desk = Desk::new();
    desk.enter_round(2);
    assert_eq!(looked_at(&mut desk, 2, 1..60), BAD_POLKAS_BURST_MAX);
    for (second, tags) in [(1, 60..70), (2, 70..80)] {
        desk.now = Timestamp(1_000_000 + second * 1_000);
        assert_eq!(looked_at(&mut desk, 2, tags), 1);
    }
}

#[cfg(feature = "mutants")]
#[test]
fn that_bad_polkas_are_free_is_noticed() {
    must_be_noticed(
        Mutation::BadPolkaFree,
        bad_polkas_of_ones_own_turn_are_looked_at_a_few_times_and_then_once_a_second,
    );
}

/// It may have been anybody: what is signed names no polka.
#[test]
fn a_bad_polka_accuses_nobody_and_is_no_prevote() {
    let mut desk = Desk::new();
    desk.enter_round(2);
    let message = with_bad_polka(&desk, 2, 1);
    let out = desk.receive(message);
    assert_eq!(out, [Output::Admission(Admission::BadSignature)]);
}

#[test]
fn polkas_that_verify_cost_no_budget() {
    let mut desk = Desk::new();
    for r in 2..40 {
        desk.enter_round(r);
        let value = block(H, u64::from(r));
        let message = desk.cast.proposed(r, &value, Some(1));
        assert_eq!(desk.admit(message).0, Admission::Counted, "{r}");
    }
}

/// Others put bad polkas beside what it has signed, and use its budget up: it is heard all the same.
#[test]
fn a_spent_budget_keeps_no_proposal_of_a_round_under_way_out() {
    let mut desk = Desk::new();
    desk.enter_round(2);
    assert_eq!(looked_at(&mut desk, 2, 1..20), BAD_POLKAS_BURST_MAX);
    desk.enter_round(6);
    assert_eq!(desk.cast.turn(H, 6), desk.cast.turn(H, 2));
    let old = with_bad_polka(&desk, 2, 30);
    assert_eq!(desk.admit(old).0, Admission::OverBudget);
    let good = desk.cast.proposed(6, &block(H, 40), Some(1));
    assert_eq!(desk.admit(good.clone()).0, Admission::Counted);
    // The same with another polka is known.
    let polka = with_bad_polka(&desk, 6, 40).polka;
    let again = ProposedBlock { polka, ..good };
    assert_eq!(desk.admit(again), (Admission::Duplicate, 0));
}

/// Each of them in a later round of one's own turn, each with other signers.
#[test]
fn a_proposal_of_a_far_round_costs_no_look_at_its_polka() {
    let mut desk = Desk::new();
    let good = desk.cast.proposed(6, &block(H, 1), Some(1));
    assert_eq!(desk.admit(good.clone()), (Admission::TooEarly, 1));
    desk.enter_round(5);
    assert_eq!(desk.admit(good), (Admission::Counted, 4));
}

#[test]
fn what_does_not_even_look_like_a_polka_costs_nothing() {
    let mut desk = Desk::new();
    desk.enter_round(2);
    for tag in 1..40 {
        let value = block(H, tag);
        let polka = Some(Arc::new(desk.cast.polka(&value, 1, &[0, 1])));
        let good = desk.cast.proposed(2, &value, Some(1));
        let message = ProposedBlock { polka, ..good };
        assert_eq!(desk.admit(message), (Admission::BadSignature, 1));
    }
}
