//! L22 and L28: what is prevoted, and L34: how long to wait for a polka.
use super::script::*;
use crate::consensus::facts::Verdict::{Invalid, Untimely, Valid};
use crate::consensus::round_machine::Step;

#[test]
fn l22_a_new_value_is_prevoted() {
    let mut node = Node::started(0);
    node.answers(fresh(0, A), "prevote 0 a");
    assert_eq!(node.stands(), (0, Step::Prevote));
}

#[test]
fn l22_a_lock_refuses_another_value_and_accepts_its_own() {
    Node::locked_on_a().answers(fresh(1, B), "prevote 1 nil");
    Node::locked_on_a().answers(fresh(1, A), "prevote 1 a");
}

#[test]
fn l22_an_invalid_value_is_answered_with_nil() {
    let mut node = Node::started(0);
    node.answers(proposal(0, C, None, Invalid), "prevote 0 nil");
}

#[test]
fn l22_an_untimely_value_is_answered_with_nil() {
    let mut node = Node::started(0);
    node.answers(proposal(0, A, None, Untimely), "prevote 0 nil");
}

#[test]
fn l22_a_proposal_of_another_round_waits_for_its_round() {
    let mut node = Node::started(0);
    node.ignores(fresh(1, A));
    node.answers(
        precommit_timeout(0),
        "enter 1; timer resend 1; timer propose 1; prevote 1 a",
    );
    node.ignores(fresh(0, B));
}

#[test]
fn l22_l28_nothing_is_prevoted_twice() {
    let mut node = Node::started(0);
    node.hears(reached(1));
    node.hears(polka(0, B));
    node.answers(fresh(1, A), "prevote 1 a");
    node.ignores(fresh(1, A));
    node.answers(fresh(1, B), "");
    node.answers(again(1, B, 0), "");
    node.hears(prevote_timeout(1));
    node.ignores(again(1, B, 0));
}

#[test]
fn l28_an_old_polka_lets_its_value_pass() {
    let mut node = Node::started(0);
    node.hears(reached(1));
    node.hears(polka(0, A));
    node.answers(again(1, A, 0), "prevote 1 a since 0");
}

#[test]
fn l28_a_polka_of_the_locks_round_or_a_later_one_overcomes_the_lock() {
    for valid_round in [0, 1] {
        let mut node = Node::locked_on_a();
        node.hears(reached(2));
        node.hears(polka(valid_round, B));
        node.answers(
            again(2, B, valid_round),
            &format!("prevote 2 b since {valid_round}"),
        );
        node.holds_lock("a 0");
    }
}

#[test]
fn l28_a_lock_that_is_newer_than_the_polka_refuses_another_value() {
    let mut node = Node::started(0);
    node.hears(reached(1));
    node.hears(fresh(1, A));
    node.hears(polka(1, A));
    node.hears(reached(2));
    node.hears(polka(0, B));
    node.answers(again(2, B, 0), "prevote 2 nil");
}

#[test]
fn l28_a_lock_that_is_newer_than_the_polka_accepts_its_own_value() {
    let mut node = Node::started(0);
    node.hears(reached(1));
    node.hears(fresh(1, A));
    node.hears(polka(1, A));
    node.hears(reached(2));
    node.hears(polka(0, A));
    node.answers(again(2, A, 0), "prevote 2 a since 0");
}

#[test]
fn l28_a_value_waits_for_its_old_polka_until_the_timeout() {
    let mut node = Node::locked_on_a();
    node.hears(reached(2));
    node.ignores(again(2, B, 1));
    node.ignores(polka(0, B));
    node.ignores(polka(1, C));
    let mut too_late = node.clone();
    node.answers(polka(1, B), "prevote 2 b since 1");
    too_late.answers(propose_timeout(2), "prevote 2 nil");
    too_late.answers(polka(1, B), "");
    assert_eq!(too_late.stands(), (2, Step::Prevote));
}

#[test]
fn l28_a_valid_round_that_does_not_lie_before_the_round_is_never_answered() {
    let mut node = Node::started(0);
    node.hears(reached(1));
    node.ignores(again(1, A, 1));
    node.ignores(again(1, A, 2));
    node.ignores(polka(2, A));
    node.ignores(polka_of(1, A, Some(2)));
}

/// Whether a block comes too early depends on a clock; what a polka has accepted must not.
#[test]
fn l28_an_untimely_value_with_a_polka_is_prevoted_and_an_invalid_one_is_not() {
    for (verdict, answer) in [
        (Valid, "prevote 1 a since 0"),
        (Untimely, "prevote 1 a since 0"),
        (Invalid, "prevote 1 nil"),
    ] {
        let mut node = Node::started(0);
        node.hears(reached(1));
        node.hears(polka(0, A));
        node.answers(proposal(1, A, Some(0), verdict), answer);
    }
}

#[test]
fn l34_a_quorum_of_prevotes_starts_the_timer_once_and_in_step_prevote_only() {
    let mut node = Node::started(0);
    node.ignores(any_prevotes(0));
    node.answers(fresh(0, A), "prevote 0 a; timer prevote 0");
    node.ignores(any_prevotes(0));
    node.answers(prevote_timeout(0), "precommit 0 nil");
    node.ignores(any_prevotes(0));
}

#[test]
fn l34_prevotes_of_another_round_start_no_timer() {
    let mut node = Node::locked_on_a();
    node.hears(propose_timeout(1));
    node.ignores(any_prevotes(0));
    node.ignores(any_prevotes(2));
}

#[test]
fn l57_without_a_proposal_nil_is_prevoted() {
    let mut node = Node::started(0);
    node.answers(propose_timeout(0), "prevote 0 nil");
    assert_eq!(node.stands(), (0, Step::Prevote));
}

#[test]
fn l57_a_propose_timeout_of_another_round_or_step_changes_nothing() {
    let mut node = Node::locked_on_a();
    node.ignores(propose_timeout(0));
    node.ignores(propose_timeout(2));
    node.hears(fresh(1, A));
    node.ignores(propose_timeout(1));
    node.hears(prevote_timeout(1));
    node.ignores(propose_timeout(1));
}
