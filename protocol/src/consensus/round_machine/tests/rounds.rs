//! L55 and L65: how a round ends without a decision. And the order among enabled rules.
use super::script::*;
use crate::consensus::round_machine::{Input, Rules, Step};

#[test]
fn l55_a_node_skips_to_the_round_that_others_have_reached() {
    let mut node = Node::started(0);
    node.answers(reached(2), "enter 2; timer resend 2; timer propose 2");
    assert_eq!(node.stands(), (2, Step::Propose));
}

#[test]
fn l55_a_round_that_is_not_later_pulls_nobody() {
    let mut node = Node::started(0);
    node.ignores(reached(0));
    node.hears(reached(2));
    node.ignores(reached(2));
    node.ignores(reached(1));
}

#[test]
fn l55_a_skip_keeps_lock_and_valid_value() {
    let mut node = Node::locked_on_a();
    node.hears(reached(6));
    node.holds("a 0", "a 0");
}

#[test]
fn l55_what_has_come_for_the_new_round_acts_at_once() {
    let mut node = Node::started(0);
    node.hears(fresh(2, A));
    node.hears(any_precommits(2));
    node.answers(
        reached(2),
        "enter 2; timer resend 2; timer propose 2; prevote 2 a; timer precommit 2",
    );
}

#[test]
fn l65_a_precommit_timeout_begins_the_next_round_in_any_step() {
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
        node.answers(
            precommit_timeout(0),
            "enter 1; timer resend 1; timer propose 1",
        );
        assert_eq!(node.stands(), (1, Step::Propose));
    }
}

#[test]
fn l65_a_precommit_timeout_of_another_round_changes_nothing() {
    let mut node = Node::locked_on_a();
    node.ignores(precommit_timeout(0));
    node.ignores(precommit_timeout(2));
}

#[test]
fn the_decision_comes_before_every_other_rule() {
    let mut node = Node::started(0);
    for input in [
        polka(0, A),
        any_prevotes(0),
        any_precommits(0),
        commit(0, A),
    ] {
        node.hears(input);
    }
    node.answers(fresh(0, A), "decide 0 a");
}

/// Both need f + 1 faulty validators at least; but a replay must take one path.
#[test]
fn a_polka_comes_before_a_nil_polka() {
    let mut node = Node::with_rules(0, Rules::Paper);
    node.hears(nil_polka(0));
    node.hears(polka(0, A));
    node.answers(fresh(0, A), "prevote 0 a; precommit 0 a");
}

#[test]
fn a_polka_or_a_nil_polka_comes_before_the_prevote_timer() {
    for rules in [Rules::Extended, Rules::Paper] {
        let mut node = Node::with_rules(0, rules);
        node.hears(any_prevotes(0));
        node.hears(polka(0, A));
        node.answers(fresh(0, A), "prevote 0 a; precommit 0 a");
    }
    let mut node = Node::with_rules(0, Rules::Paper);
    node.hears(any_prevotes(0));
    node.hears(nil_polka(0));
    node.answers(propose_timeout(0), "prevote 0 nil; precommit 0 nil");
}

#[test]
fn a_value_with_an_old_polka_comes_before_a_new_value() {
    let mut node = Node::started(0);
    node.hears(polka(0, B));
    node.hears(fresh(1, A));
    node.hears(again(1, B, 0));
    node.answers(
        reached(1),
        "enter 1; timer resend 1; timer propose 1; prevote 1 b since 0",
    );
}

#[test]
fn a_proposal_that_is_there_comes_before_the_suspicion_of_its_sender() {
    let mut node = Node::started(0);
    node.hears(silent(1));
    node.hears(fresh(1, A));
    node.answers(
        reached(1),
        "enter 1; timer resend 1; timer propose 1; prevote 1 a",
    );
}

#[test]
fn the_timers_of_a_round_come_before_leaving_it() {
    let mut node = Node::started(0);
    node.hears(any_prevotes(1));
    node.hears(any_precommits(1));
    node.hears(fresh(1, A));
    node.answers(
        reached(1),
        "enter 1; timer resend 1; timer propose 1; prevote 1 a; timer prevote 1; timer precommit 1",
    );
}
