//! L36, L44, L61: what is precommitted, and L47: how long to wait for a decision.
use super::script::*;
use crate::consensus::facts::Verdict::{Invalid, Untimely};
use crate::consensus::round_machine::{Input, Output, Rules, Step};

#[test]
fn l36_a_polka_in_step_prevote_locks_and_precommits() {
    let mut node = Node::started(0);
    node.hears(fresh(0, A));
    node.answers(polka(0, A), "precommit 0 a");
    assert_eq!(node.stands(), (0, Step::Precommit));
    node.holds("a 0", "a 0");
    node.ignores(polka(0, A));
}

/// What goes to disk with the vote is the lock itself, block and polka.
#[test]
fn l36_a_precommit_carries_its_lock() {
    let mut node = Node::started(0);
    node.hears(fresh(0, A));
    let out = node.0.step(polka(0, A));
    let [Output::CastVote(vote)] = out.as_slice() else {
        panic!("{out:?}")
    };
    let value = vote.lock.as_ref().unwrap();
    assert_eq!(Some(value), node.0.valid());
    assert_eq!(Some(value.block.id()), vote.block_id);
}

#[test]
fn l36_a_polka_in_step_propose_waits_for_the_own_prevote() {
    let mut node = Node::started(0);
    node.ignores(polka(0, A));
    node.answers(fresh(0, A), "prevote 0 a; precommit 0 a");
}

#[test]
fn l36_a_polka_waits_for_its_proposal() {
    let mut node = Node::started(0);
    node.hears(fresh(0, B));
    node.ignores(polka(0, A));
    node.answers(fresh(0, A), "precommit 0 a");
}

#[test]
fn l36_a_nil_prevote_does_not_hinder_the_lock() {
    let mut node = Node::started(0);
    node.hears(propose_timeout(0));
    node.hears(fresh(0, A));
    node.answers(polka(0, A), "precommit 0 a");
}

/// Else the lock of the others would stay hidden from this node.
#[test]
fn l36_a_polka_in_step_precommit_sets_the_valid_value_alone() {
    let mut node = Node::started(0);
    node.hears(fresh(0, A));
    node.hears(prevote_timeout(0));
    node.answers(polka(0, A), "");
    node.holds("none", "a 0");
}

#[test]
fn l36_a_later_polka_overwrites_the_lock() {
    let mut node = Node::locked_on_a();
    node.hears(propose_timeout(1));
    node.hears(fresh(1, B));
    node.answers(polka(1, B), "precommit 1 b");
    node.holds("b 1", "b 1");
}

#[test]
fn l36_a_polka_of_another_round_locks_nothing() {
    let mut node = Node::started(0);
    node.hears(fresh(0, A));
    node.hears(fresh(1, A));
    node.ignores(polka(1, A));
    node.hears(reached(2));
    node.hears(polka(0, A));
    node.holds_lock("none");
}

#[test]
fn l36_an_invalid_value_is_never_locked() {
    let mut node = Node::started(0);
    node.hears(proposal(0, C, None, Invalid));
    node.ignores(polka(0, C));
}

/// The clock has its say in L22 only.
#[test]
fn l36_an_untimely_value_with_a_polka_is_locked() {
    let mut node = Node::started(0);
    node.hears(proposal(0, A, None, Untimely));
    node.answers(polka(0, A), "precommit 0 a");
}

/// E9: prevotes with another valid round answer another proposal.
#[test]
fn l36_prevotes_with_another_valid_round_make_no_polka() {
    let mut node = Node::locked_on_a();
    node.answers(again(1, A, 0), "prevote 1 a since 0");
    node.ignores(polka(1, A));
    node.answers(polka_of(1, A, Some(0)), "precommit 1 a");
}

#[test]
fn l44_a_nil_polka_in_step_prevote_precommits_nil() {
    let mut node = Node::with_rules(0, Rules::Paper);
    node.ignores(nil_polka(0));
    node.answers(fresh(0, A), "prevote 0 a; precommit 0 nil");
    node.ignores(nil_polka(0));
}

#[test]
fn l44_a_nil_polka_of_another_round_precommits_nothing() {
    let mut node = Node::locked_on_a();
    node.hears(fresh(1, A));
    node.ignores(nil_polka(0));
    node.ignores(nil_polka(2));
}

#[test]
fn l44_a_nil_polka_keeps_the_lock() {
    let mut node = Node::locked_on_a();
    node.hears(propose_timeout(1));
    node.hears(nil_polka(1));
    node.holds("a 0", "a 0");
}

#[test]
fn l47_a_quorum_of_precommits_starts_the_timer_once_in_any_step() {
    let steps: [&[Input]; 3] = [
        &[],
        &[propose_timeout(0)],
        &[propose_timeout(0), prevote_timeout(0)],
    ];
    for inputs in steps {
        let mut node = Node::started(0);
        for input in inputs {
            node.hears(input.clone());
        }
        node.answers(any_precommits(0), "timer precommit 0");
        node.ignores(any_precommits(0));
    }
}

#[test]
fn l47_precommits_of_another_round_start_no_timer() {
    let mut node = Node::locked_on_a();
    node.ignores(any_precommits(0));
    node.ignores(any_precommits(2));
}

#[test]
fn l61_without_a_polka_nil_is_precommitted() {
    let mut node = Node::started(0);
    node.hears(fresh(0, A));
    node.answers(prevote_timeout(0), "precommit 0 nil");
    assert_eq!(node.stands(), (0, Step::Precommit));
}

#[test]
fn l61_a_prevote_timeout_of_another_round_or_step_changes_nothing() {
    let mut node = Node::locked_on_a();
    node.ignores(prevote_timeout(1));
    node.hears(fresh(1, A));
    node.ignores(prevote_timeout(0));
    node.ignores(prevote_timeout(2));
    node.hears(polka(1, A));
    node.ignores(prevote_timeout(1));
}
