use super::*;
use crate::limits::{USELESS_BURST_MAX, VALUES_PER_VOTER_MAX};

const FLOOD: u32 = 100_000;

/// E7: beyond the next round only the largest round of a validator is kept.
#[test]
fn a_hundred_thousand_far_rounds_of_one_validator_leave_one_number() {
    let mut desk = Desk::of(4);
    for r in 2..2 + FLOOD {
        // Slowly enough for its budget.
        desk.now = desk.now.plus_ms(4);
        let vote = desk.cast.prevote(3, r, id(1));
        assert_eq!(desk.count(vote), []);
    }
    assert_eq!(desk.size(), 1);
    // Still live: one more validator makes the skip, to what both have reached.
    let told = desk.count_all(&[1], 9, Cast::prevote, None);
    // Of the proposer of round 0 this says that it has left it (E11).
    let left = Fact::ProposerSilent(Round(0));
    assert_eq!(told, [Fact::Reached(Round(9)), left]);
}

#[test]
fn a_far_round_that_was_passed_costs_no_check() {
    let mut desk = Desk::of(4);
    desk.count_all(&[3], 1_000, Cast::prevote, id(1));
    desk.checks.checks();
    for r in 2..1_000 {
        assert_eq!(
            desk.admit(desk.cast.prevote(3, r, id(1))),
            Admission::Duplicate
        );
    }
    assert_eq!(desk.checks.checks(), 0);
}

/// Fault 17: each further than the last, so each would cost a check.
#[test]
fn rising_rounds_and_heights_cost_no_more_checks_than_their_sender_may() {
    let mut desk = Desk::of(4);
    let admit = |desk: &mut Desk, vote| {
        desk.checks.checks();
        (desk.admit(vote), desk.checks.checks())
    };
    let (mut checked, mut refused) = (0, 0);
    for n in 0..10_000 {
        let round = desk.cast.prevote(3, 2 + n, id(1));
        let height = Height(NEXT.0 + 1 + u64::from(n));
        let height = desk.cast.vote(3, prevote(height, 0, id(1), None));
        for vote in [round, height] {
            match admit(&mut desk, vote) {
                (Admission::Counted | Admission::TooEarly, 1) => checked += 1,
                (Admission::OverBudget, 0) => refused += 1,
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(
        (checked, refused),
        (USELESS_BURST_MAX, 20_000 - USELESS_BURST_MAX)
    );
    // What is of use is taken as ever, of the sender and of the others.
    let vote = desk.cast.prevote(3, 0, id(1));
    assert_eq!(admit(&mut desk, vote), (Admission::Counted, 1));
    let vote = desk.cast.prevote(2, 9, id(1));
    assert_eq!(admit(&mut desk, vote), (Admission::Counted, 1));
    desk.now = desk.now.plus_ms(1_000);
    let vote = desk.cast.prevote(3, 1_000_000, id(1));
    assert_eq!(admit(&mut desk, vote), (Admission::Counted, 1));
}

#[test]
fn a_vote_of_the_largest_round_is_no_trouble() {
    let mut desk = Desk::of(4);
    desk.count_all(&[3], u32::MAX, Cast::prevote, id(1));
    let told = desk.count_all(&[2], u32::MAX, Cast::precommit, None);
    assert_eq!(told, [Fact::Reached(Round(u32::MAX))]);
    desk.enter_round(u32::MAX);
    let told = desk.count_all(&[1, 2, 3], u32::MAX, Cast::precommit, id(1));
    assert!(matches!(told[0], Fact::Commit(_)));
}

#[test]
fn a_hundred_thousand_duplicates_and_forgeries_keep_nothing_more() {
    let mut desk = Desk::of(4);
    let vote = desk.cast.prevote(1, 0, id(1));
    let forgery = forged(desk.cast.prevote(2, 0, id(1)));
    desk.count(vote.clone());
    let size = desk.size();
    for _ in 0..FLOOD / 2 {
        assert_eq!(desk.admit(vote.clone()), Admission::Duplicate);
        assert_eq!(desk.admit(forgery.clone()), Admission::BadSignature);
    }
    assert_eq!(desk.size(), size);
}

#[test]
fn one_validator_fills_a_few_places_of_a_height_and_no_more() {
    let mut desk = Desk::of(4);
    for (r, tag) in (0..4).flat_map(|r| (0..50).map(move |tag| (r, tag))) {
        for height in [H, NEXT] {
            desk.admit(desk.cast.vote(1, prevote(height, r, id(tag), None)));
            desk.admit(desk.cast.vote(1, precommit(height, r, id(tag))));
        }
    }
    // Here and at the next height: rounds 0 and 1, two kinds, two values. One number beyond them.
    let places = 2 * 2 * VALUES_PER_VOTER_MAX;
    assert_eq!(desk.tally.early.len(), places);
    let rounds = desk.tally.rounds.len();
    assert_eq!(desk.size() - rounds, places + places + 1);
}

#[test]
fn rounds_long_over_are_forgotten_with_all_that_was_told_of_them() {
    let mut desk = Desk::of(4);
    let mut sizes = Vec::new();
    for r in 0..1_000 {
        desk.enter_round(r);
        desk.count_all(&[0, 1, 2], r, Cast::prevote, None);
        desk.count_all(&[0, 1, 2], r, Cast::precommit, None);
        sizes.push(desk.size());
    }
    let full = sizes[2 * ROUNDS_KEPT_MAX as usize];
    assert_eq!(sizes.last(), Some(&full));
}
