//! L11–L21: a round begins.
use super::script::*;
use crate::consensus::round_machine::{Input, Rules, Step};
use crate::types::Round;

#[test]
fn l11_a_proposer_without_a_valid_value_asks_for_a_block_and_sets_its_timer() {
    let mut machine = machine(1, Rules::Extended);
    let out = machine.step(Input::StartRound(Round::ZERO));
    assert_eq!(
        text(&out),
        "enter 0; timer resend 0; build 0; timer propose 0"
    );
}

#[test]
fn l11_whoever_does_not_propose_sets_a_timer() {
    let mut machine = machine(0, Rules::Extended);
    let out = machine.step(Input::StartRound(Round::ZERO));
    assert_eq!(text(&out), "enter 0; timer resend 0; timer propose 0");
}

#[test]
fn l15_a_proposer_proposes_its_valid_value_with_its_polka() {
    let mut node = Node::started(2);
    node.hears(fresh(0, A));
    node.hears(polka(0, A));
    node.answers(
        precommit_timeout(0),
        "enter 1; timer resend 1; propose 1 a since 0",
    );
    assert_eq!(node.stands(), (1, Step::Prevote));
}

/// The lock is older than what is valid: a proposal of the lock could be refused by others.
#[test]
fn l15_a_proposer_proposes_what_is_valid_rather_than_what_is_locked() {
    let mut node = Node::started(3);
    node.hears(fresh(0, A));
    node.hears(polka(0, A));
    node.hears(precommit_timeout(0));
    node.hears(propose_timeout(1));
    node.hears(prevote_timeout(1));
    node.hears(fresh(1, B));
    node.hears(polka(1, B));
    node.holds("a 0", "b 1");
    node.answers(
        precommit_timeout(1),
        "enter 2; timer resend 2; propose 2 b since 1",
    );
}

#[test]
fn l19_a_built_block_is_proposed_once() {
    let mut node = Node::started(1);
    node.answers(built(0, A), "propose 0 a");
    node.ignores(built(0, A));
    node.ignores(built(0, B));
}

#[test]
fn l19_a_block_that_nobody_asked_for_is_not_proposed() {
    let mut other = Node::started(0);
    other.ignores(built(0, A));
    let mut node = Node::started(1);
    node.ignores(built(4, A));
    node.hears(reached(1));
    node.ignores(built(0, A));
    node.ignores(built(1, A));
}

#[test]
fn a_new_round_forgets_what_happened_for_the_first_time_only_in_that_round() {
    let mut node = Node::started(0);
    for round in 0..3 {
        node.hears(propose_timeout(round));
        node.answers(any_prevotes(round), &format!("timer prevote {round}"));
        node.answers(any_precommits(round), &format!("timer precommit {round}"));
        node.hears(precommit_timeout(round));
    }
}
