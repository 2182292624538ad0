//! Facts may come twice, late, or in any order.
use super::script::*;
use crate::consensus::facts::Verdict::{Invalid, Untimely, Valid};
use crate::consensus::round_machine::{Input, Step};
use proptest::prelude::*;

/// Each of these makes the validator do something.
fn conversation() -> Vec<Input> {
    vec![
        any_precommits(0),
        any_prevotes(0),
        fresh(0, A),
        polka(0, A),
        reached(1),
        silent(1),
        again(1, A, 0),
        polka_of(1, A, Some(0)),
        nil_polka(1),
        silent(2),
        polka(2, B),
        fresh(2, B),
        reached(3),
        commit(0, A),
    ]
}

#[test]
fn what_is_told_twice_changes_nothing() {
    let (mut once, mut twice) = (Node::started(2), Node::started(2));
    for input in conversation() {
        let said = once.hears(input.clone());
        twice.answers(input.clone(), &said);
        twice.ignores(input);
    }
}

#[test]
fn what_is_told_again_at_the_end_changes_nothing() {
    let mut node = Node::started(2);
    let mut told = conversation();
    told.pop();
    for input in &told {
        node.hears(input.clone());
    }
    for input in told {
        node.ignores(input);
    }
}

/// The verdict of a block is told once it has been executed again.
#[test]
fn a_proposal_that_is_told_again_has_its_newest_verdict() {
    let mut node = Node::started(0);
    node.hears(proposal(1, A, None, Untimely));
    node.hears(proposal(1, A, None, Valid));
    assert!(node.hears(reached(1)).ends_with("prevote 1 a"));
    node.hears(proposal(2, A, None, Invalid));
    node.hears(proposal(2, A, None, Valid));
    assert!(node.hears(reached(2)).ends_with("prevote 2 a"));
}

/// All that belongs to round 0, and early messages of round 1.
fn of_one_round() -> Vec<Input> {
    vec![
        fresh(0, A),
        polka(0, A),
        any_prevotes(0),
        any_precommits(0),
        fresh(1, B),
        polka(1, B),
        any_precommits(1),
        silent(1),
    ]
}

/// Facts of two rounds and the skip beyond them.
fn of_three_rounds() -> Vec<Input> {
    vec![
        reached(2),
        fresh(0, A),
        polka(0, A),
        any_prevotes(0),
        fresh(1, B),
        polka(1, B),
        any_precommits(1),
        any_precommits(2),
    ]
}

/// The same with a decision, and a rival.
fn of_a_decision() -> Vec<Input> {
    vec![
        commit(1, B),
        fresh(0, A),
        again(1, B, 0),
        polka(0, A),
        any_prevotes(0),
        reached(2),
        fresh(2, A),
        nil_polka(2),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn within_a_round_facts_in_any_order_lead_to_the_same_state(
        told in Just(of_one_round()).prop_shuffle(),
    ) {
        let mut node = Node::started(0);
        for input in told {
            node.hears(input);
        }
        prop_assert_eq!(node.stands(), (0, Step::Precommit));
        node.holds("a 0", "a 0");
        node.answers(
            precommit_timeout(0),
            "enter 1; timer resend 1; timer propose 1; prevote 1 nil; precommit 1 b; timer precommit 1",
        );
    }

    /// Only the lock depends on when: a polka locks those who hear of it in its round.
    #[test]
    fn across_rounds_facts_in_any_order_lead_to_the_same_round_and_valid_value(
        told in Just(of_three_rounds()).prop_shuffle(),
    ) {
        let mut node = Node::started(0);
        for input in told {
            node.hears(input);
        }
        prop_assert_eq!(node.stands(), (2, Step::Propose));
        let (locked, valid) = node.held();
        prop_assert_eq!(valid, "b 1");
        prop_assert!(["none", "a 0"].contains(&locked.as_str()), "{}", locked);
    }

    #[test]
    fn facts_in_any_order_lead_to_the_same_decision_once(
        told in Just(of_a_decision()).prop_shuffle(),
    ) {
        let mut node = Node::started(0);
        let said: Vec<String> = told.into_iter().map(|input| node.hears(input)).collect();
        let said = said.join("; ");
        prop_assert_eq!(said.matches("decide 1 b").count(), 1, "{}", said);
        prop_assert_eq!(said.matches("decide").count(), 1, "{}", said);
    }
}
