//! E1–E11, as far as they are the machine's.
use super::script::*;
use crate::consensus::facts::Verdict::Invalid;
use crate::consensus::round_machine::{Input, Rules, Step};
use crate::limits::ROUNDS_KEPT_MAX;
#[cfg(feature = "mutants")]
use crate::mutation::{Mutation, must_be_noticed};

#[test]
fn e1_the_own_proposal_is_the_own_prevote() {
    let mut node = Node::started(1);
    node.answers(built(0, A), "propose 0 a");
    assert_eq!(node.stands(), (0, Step::Prevote));
    node.ignores(propose_timeout(0));
    let mut by_the_paper = Node::with_rules(1, Rules::Paper);
    by_the_paper.answers(built(0, A), "propose 0 a; prevote 0 a");
}

#[test]
fn e1_a_block_that_is_built_after_the_nil_prevote_is_dropped() {
    let mut node = Node::started(1);
    node.answers(propose_timeout(0), "prevote 0 nil");
    node.ignores(built(0, A));
}

/// A proposer that repeats a value after very many rounds must not prevote nil beside it: the two
/// contradict each other. The polka that it repeats is as old as its valid value, and the machine
/// forgot old polkas.
#[test]
fn e1_a_value_that_has_been_valid_for_long_is_proposed_and_not_contradicted() {
    let mut node = Node::locked_on_a();
    // Validator 0 proposes in rounds 3, 7, 11 and so on.
    let late = ROUNDS_KEPT_MAX + 3;
    node.answers(
        reached(late),
        &format!("enter {late}; timer resend {late}; propose {late} a since 0"),
    );
    assert_eq!(node.stands(), (late, Step::Prevote));
    node.ignores(propose_timeout(late));
    let next = late + 1;
    node.answers(
        nil_polka(late),
        &format!("precommit {late} nil; enter {next}; timer resend {next}; timer propose {next}"),
    );
}

/// The other side of the same story: proposal and polka come before the round begins.
#[test]
fn l28_the_old_polka_of_an_early_proposal_is_kept_however_old_it_is() {
    let mut node = Node::started(0);
    let late = ROUNDS_KEPT_MAX + 2;
    node.hears(reached(late - 1));
    node.hears(polka(0, A));
    node.hears(again(late, A, 0));
    let answer = node.hears(precommit_timeout(late - 1));
    assert!(
        answer.ends_with(&format!("; prevote {late} a since 0")),
        "{answer}"
    );
}

#[test]
fn e3_a_nil_polka_ends_the_round_after_the_nil_votes_that_are_missing() {
    let next = "enter 1; timer resend 1; timer propose 1";
    let in_step: [(&[Input], &str); 3] = [
        (&[], "prevote 0 nil; precommit 0 nil; "),
        (&[fresh(0, A)], "precommit 0 nil; "),
        (&[fresh(0, A), prevote_timeout(0)], ""),
    ];
    for (inputs, votes) in in_step {
        let mut node = Node::started(0);
        for input in inputs {
            node.hears(input.clone());
        }
        node.answers(nil_polka(0), &format!("{votes}{next}"));
        assert_eq!(node.stands(), (1, Step::Propose));
    }
}

#[test]
fn e3_a_nil_polka_of_a_later_round_acts_when_that_round_begins() {
    let mut node = Node::started(0);
    node.ignores(nil_polka(1));
    node.answers(
        precommit_timeout(0),
        "enter 1; timer resend 1; timer propose 1; prevote 1 nil; precommit 1 nil; \
         enter 2; timer resend 2; timer propose 2",
    );
}

/// A tally that tells everything again after a restart, or a vote of a validator with most of the
/// power, shows the nil polka of a later round before it shows that this round was reached. The
/// proposer of that round proposed in it and left it with a nil prevote: a double signature (E1).
#[test]
fn e3_a_round_that_is_known_to_end_in_nil_is_not_proposed_in() {
    let mut node = Node::locked_on_a();
    // Validator 0 proposes in round 3.
    node.ignores(nil_polka(3));
    node.answers(
        reached(3),
        "enter 3; timer resend 3; timer propose 3; prevote 3 nil; precommit 3 nil; \
         enter 4; timer resend 4; timer propose 4",
    );
}

#[test]
fn e3_nil_precommits_alone_end_no_round() {
    let mut node = Node::started(0);
    node.answers(any_precommits(0), "timer precommit 0");
    assert_eq!(node.stands(), (0, Step::Propose));
}

#[cfg(feature = "mutants")]
#[test]
fn e3_on_precommits_is_noticed() {
    must_be_noticed(
        Mutation::PrecommitsEndRound,
        e3_nil_precommits_alone_end_no_round,
    );
}

#[test]
fn e3_is_no_rule_of_the_paper() {
    let mut node = Node::with_rules(0, Rules::Paper);
    node.ignores(nil_polka(0));
}

#[test]
fn e4_for_a_silent_proposer_the_timeout_comes_at_once() {
    let mut node = Node::started(0);
    node.answers(silent(0), "prevote 0 nil");
    node.ignores(silent(0));
}

#[test]
fn e4_a_suspicion_waits_for_its_round_and_ends_with_it() {
    let mut node = Node::started(0);
    node.ignores(silent(1));
    node.answers(
        reached(1),
        "enter 1; timer resend 1; timer propose 1; prevote 1 nil",
    );
    node.answers(reached(2), "enter 2; timer resend 2; timer propose 2");
}

#[test]
fn e4_the_own_turn_is_never_skipped() {
    let mut node = Node::started(1);
    node.ignores(silent(0));
    node.answers(built(0, A), "propose 0 a");
}

#[test]
fn e6_the_resend_timer_sends_again_and_starts_anew() {
    let mut node = Node::started(0);
    node.answers(resend_timeout(0), "resend 0; timer resend 0");
    node.answers(resend_timeout(0), "resend 0; timer resend 0");
    node.hears(reached(1));
    node.ignores(resend_timeout(0));
}

#[test]
fn e7_a_node_skips_to_the_largest_round_that_is_told() {
    let mut node = Node::started(0);
    node.hears(reached(1_000_000));
    assert_eq!(node.stands(), (1_000_000, Step::Propose));
}

#[test]
fn e8_a_polka_of_an_older_round_becomes_valid_and_never_locks() {
    let mut node = Node::started(0);
    node.hears(fresh(0, A));
    node.hears(reached(2));
    node.holds("none", "none");
    node.answers(polka(0, A), "");
    node.holds("none", "a 0");
    assert_eq!(node.stands(), (2, Step::Propose));
}

#[test]
fn e8_waits_for_the_block_and_takes_the_newest_polka() {
    let mut node = Node::locked_on_a();
    node.hears(reached(4));
    node.ignores(polka(1, B));
    node.ignores(polka(2, C));
    node.hears(fresh(1, B));
    node.holds("a 0", "b 1");
    node.hears(proposal(2, C, None, Invalid));
    node.holds("a 0", "b 1");
    node.hears(polka(3, A));
    node.holds("a 0", "a 3");
    node.ignores(polka(2, B));
}

#[test]
fn e8_a_polka_that_comes_while_the_block_is_built_is_proposed_instead() {
    let mut node = Node::started(2);
    node.hears(fresh(0, A));
    node.hears(reached(1));
    node.hears(polka(0, A));
    node.answers(built(1, B), "propose 1 a since 0");
}

#[cfg(feature = "mutants")]
#[test]
fn e8_that_never_fires_or_locks_is_noticed() {
    let test = e8_a_polka_of_an_older_round_becomes_valid_and_never_locks;
    must_be_noticed(Mutation::NoOlderPolka, test);
    must_be_noticed(Mutation::LockOnOlderPolka, test);
}

#[test]
fn e8_is_no_rule_of_the_paper() {
    let mut node = Node::with_rules(0, Rules::Paper);
    node.hears(fresh(0, A));
    node.hears(reached(1));
    node.ignores(polka(0, A));
}

#[test]
fn e9_a_prevote_carries_the_valid_round_of_its_proposal() {
    Node::locked_on_a().answers(again(1, A, 0), "prevote 1 a since 0");
    Node::locked_on_a().answers(fresh(1, A), "prevote 1 a");
    Node::locked_on_a().answers(fresh(1, B), "prevote 1 nil");
}

#[test]
fn e10_of_two_proposals_the_one_with_a_polka_is_locked() {
    for value in [A, B] {
        let mut node = Node::started(0);
        node.answers(fresh(0, A), "prevote 0 a");
        node.ignores(fresh(0, B));
        node.answers(polka(0, value), &format!("precommit 0 {value}"));
    }
}

#[test]
fn e10_a_third_proposal_of_a_round_is_not_kept() {
    let mut node = Node::started(0);
    node.hears(fresh(0, A));
    node.hears(fresh(0, B));
    node.hears(fresh(0, C));
    node.ignores(polka(0, C));
    node.ignores(commit(0, C));
}

#[test]
fn e11_timers_of_l34_and_l47_run_out_where_nobody_is_left() {
    let mut node = Node::started(0);
    node.hears(propose_timeout(0));
    node.ignores(nobody_left(crate::nouns::vote::VoteKind::Prevote, 0));
    // L34 first: that Q have voted is part of it, and is told before.
    node.answers(any_prevotes(0), "timer prevote 0; precommit 0 nil");
    node.ignores(nobody_left(crate::nouns::vote::VoteKind::Precommit, 0));
    let answer = node.hears(any_precommits(0));
    assert!(answer.starts_with("timer precommit 0; enter 1"), "{answer}");
}

#[test]
fn e11_of_another_round_changes_nothing() {
    let mut node = Node::started(0);
    node.hears(propose_timeout(0));
    node.ignores(nobody_left(crate::nouns::vote::VoteKind::Prevote, 1));
    node.answers(any_prevotes(0), "timer prevote 0");
}

#[cfg(feature = "mutants")]
#[test]
fn e11_that_never_fires_is_noticed() {
    must_be_noticed(
        Mutation::WaitsForNobody,
        e11_timers_of_l34_and_l47_run_out_where_nobody_is_left,
    );
}
