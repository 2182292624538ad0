//! L49: a height is decided once, by any round.
use super::script::*;
use crate::consensus::facts::Verdict::{Invalid, Untimely};
use crate::consensus::round_machine::Rules;
use crate::limits::ROUNDS_KEPT_MAX;

#[test]
fn l49_precommits_of_the_current_round_decide() {
    let mut node = Node::started(0);
    node.hears(fresh(0, A));
    node.hears(polka(0, A));
    node.answers(commit(0, A), "decide 0 a");
}

#[test]
fn l49_precommits_of_a_past_round_decide_after_skips() {
    let mut node = Node::started(0);
    node.hears(fresh(0, A));
    node.hears(reached(3));
    node.answers(commit(0, A), "decide 0 a");
}

#[test]
fn l49_precommits_of_a_future_round_decide() {
    let mut node = Node::started(0);
    node.ignores(fresh(2, A));
    node.answers(commit(2, A), "decide 2 a");
}

#[test]
fn l49_a_lock_on_another_value_does_not_hinder_the_decision() {
    let mut node = Node::locked_on_a();
    node.hears(fresh(1, B));
    node.answers(commit(1, B), "decide 1 b");
}

#[test]
fn l49_a_decision_waits_for_its_block() {
    for rules in [Rules::Extended, Rules::Paper] {
        let mut node = Node::with_rules(0, rules);
        node.ignores(commit(0, A));
        node.hears(fresh(0, B));
        node.answers(fresh(0, A), "decide 0 a");
    }
}

#[test]
fn l49_the_block_may_come_from_a_proposal_of_any_round() {
    let mut node = Node::started(0);
    node.hears(reached(1));
    node.hears(commit(0, A));
    node.answers(fresh(1, A), "decide 0 a");
}

#[test]
fn l49_the_valid_block_can_be_decided_however_late() {
    let mut node = Node::locked_on_a();
    node.hears(reached(ROUNDS_KEPT_MAX * 3));
    node.answers(commit(0, A), "decide 0 a");
}

#[test]
fn l49_by_the_paper_the_proposal_is_of_the_precommits_round() {
    let mut node = Node::with_rules(0, Rules::Paper);
    node.hears(reached(1));
    node.hears(commit(0, A));
    node.answers(fresh(1, A), "prevote 1 a");
    node.answers(commit(1, A), "decide 1 a");
}

#[test]
fn l49_after_the_decision_nothing_happens_any_more() {
    let mut node = Node::started(1);
    node.hears(fresh(0, A));
    node.answers(commit(0, A), "decide 0 a");
    for input in [
        commit(0, A),
        commit(1, B),
        fresh(1, B),
        built(0, A),
        reached(2),
        nil_polka(0),
        any_precommits(0),
        propose_timeout(0),
        precommit_timeout(0),
        resend_timeout(0),
    ] {
        node.ignores(input);
    }
}

/// More than f validators are faulty, or this node executes differently: it must not vote on.
#[test]
fn l49_a_decision_on_an_invalid_block_is_told_and_stops_the_machine() {
    let mut node = Node::started(0);
    node.hears(proposal(0, C, None, Invalid));
    node.answers(commit(0, C), "halt 0 c");
    node.ignores(reached(1));
    node.ignores(fresh(1, A));
}

/// The clock has its say in L22 only.
#[test]
fn l49_an_untimely_block_is_decided() {
    let mut node = Node::started(0);
    node.hears(proposal(0, A, None, Untimely));
    node.answers(commit(0, A), "decide 0 a");
}
