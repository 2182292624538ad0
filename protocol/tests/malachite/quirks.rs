//! Where the reference is not Lockstep, nor always the paper. Each test pins one difference that a
//! comparison must allow for; if an update of the driver breaks one, the allowance has to go too.

use crate::compare::canonical;
use crate::neutral::Timer::{Precommit, Prevote, Propose};
use crate::neutral::{Input, Output};
use crate::reference::Reference;
use crate::script::{A, B, again, fresh, precommits, prevotes, started};

/// The rules run before the own prevote is counted: L34 sees the three votes of the others and
/// starts a timer that L36 makes pointless in the same turn.
#[test]
fn a_prevote_timer_may_start_right_before_the_precommit() {
    let mut node = started(0);
    prevotes(&mut node, &[1, 2], 0, Some(A));
    prevotes(&mut node, &[3], 0, None);
    let turn = [
        Output::Prevote {
            round: 0,
            value: Some(A),
        },
        Output::Precommit {
            round: 0,
            value: Some(A),
        },
        Output::ScheduleTimeout(Prevote, 0),
    ];
    let answer = node.apply(fresh(0, A));
    assert_eq!(answer, turn);
    assert_eq!(canonical(&answer), turn[..2]);
}

/// The same, with the decision in between: the timer then follows the decision.
#[test]
fn a_prevote_timer_may_even_follow_the_decision() {
    let mut node = started(0);
    prevotes(&mut node, &[1, 2], 0, Some(A));
    prevotes(&mut node, &[3], 0, None);
    precommits(&mut node, &[1, 2], 0, Some(A));
    let turn = [
        Output::Prevote {
            round: 0,
            value: Some(A),
        },
        Output::Precommit {
            round: 0,
            value: Some(A),
        },
        Output::Decide { round: 0, value: A },
        Output::ScheduleTimeout(Prevote, 0),
    ];
    let answer = node.apply(fresh(0, A));
    assert_eq!(answer, turn);
    assert_eq!(canonical(&answer), turn[..3]);
}

/// A quorum of nil sends nobody on: Lockstep enters the next round at once (E3).
#[test]
fn a_nil_polka_only_precommits_nil() {
    let mut node = started(0);
    prevotes(&mut node, &[1, 2, 3], 0, None);
    let turn = [
        Output::Prevote {
            round: 0,
            value: None,
        },
        Output::Precommit {
            round: 0,
            value: None,
        },
    ];
    assert_eq!(node.apply(Input::TimeoutPropose(0)), turn);
}

/// A proposal is not its sender's prevote (E1), neither for a polka nor for L55.
#[test]
fn a_proposal_is_not_a_vote() {
    let mut node = started(0);
    node.apply(fresh(0, A));
    assert_eq!(
        prevotes(&mut node, &[2], 0, Some(A)),
        [],
        "1 proposed, 0 and 2 prevoted"
    );
    node.apply(fresh(2, A));
    assert_eq!(
        prevotes(&mut node, &[1], 2, Some(A)),
        [],
        "3 proposed and 1 voted in round 2"
    );
    assert_eq!(node.round(), Some(0));
}

/// L55 counts the senders of one round: a sender in round 3 has not "reached" round 2 (E7).
#[test]
fn skipping_needs_the_senders_in_the_same_round() {
    let mut node = started(0);
    prevotes(&mut node, &[1], 2, None);
    assert_eq!(prevotes(&mut node, &[2], 3, None), []);
    assert_eq!(node.round(), Some(0));
}

/// The second vote of an equivocator counts for nothing; Lockstep tallies both (E10).
#[test]
fn the_first_vote_of_an_equivocator_wins() {
    let mut node = started(0);
    node.apply(fresh(0, A));
    prevotes(&mut node, &[1], 0, Some(B));
    prevotes(&mut node, &[1], 0, Some(A));
    let turn = prevotes(&mut node, &[2], 0, Some(A));
    assert_eq!(turn, [Output::ScheduleTimeout(Prevote, 0)]);
}

/// All proposals of a round are kept: whichever meets its quorum is locked.
#[test]
fn both_proposals_of_an_equivocating_proposer_are_usable() {
    let mut node = started(0);
    assert_eq!(
        node.apply(fresh(0, B)),
        [Output::Prevote {
            round: 0,
            value: Some(B)
        }]
    );
    assert_eq!(node.apply(fresh(0, A)), []);
    let turn = prevotes(&mut node, &[1, 2, 3], 0, Some(A));
    let locked = [
        Output::ScheduleTimeout(Prevote, 0),
        Output::Precommit {
            round: 0,
            value: Some(A),
        },
    ];
    assert_eq!(turn, locked);
}

/// Of two proposals with one value only the first is tried when the old polka comes later.
#[test]
fn a_second_proposal_of_the_same_value_is_overlooked_by_late_prevotes() {
    let mut node = started(0);
    node.apply(Input::TimeoutPropose(0));
    precommits(&mut node, &[1, 2, 3], 0, None);
    node.apply(Input::TimeoutPrecommit(0));
    prevotes(&mut node, &[1, 2], 2, None);
    assert_eq!(node.round(), Some(2));
    node.apply(again(2, A, 0));
    node.apply(again(2, A, 1));
    assert_eq!(
        prevotes(&mut node, &[1, 2, 3], 1, Some(A)),
        [],
        "L28 holds for the second"
    );
    let turn = prevotes(&mut node, &[1, 2, 3], 0, Some(A));
    let accepted = [
        Output::Prevote {
            round: 2,
            value: Some(A),
        },
        Output::ScheduleTimeout(Prevote, 2),
    ];
    assert_eq!(turn, accepted);
}

/// An older polka leaves the valid value alone (Lockstep: E8).
#[test]
fn a_polka_of_an_old_round_changes_nothing() {
    let mut node = started(0);
    node.apply(fresh(0, A));
    prevotes(&mut node, &[1, 2], 1, None);
    assert_eq!(prevotes(&mut node, &[1, 2, 3], 0, Some(A)), []);
    assert_eq!((node.round(), node.valid()), (Some(1), None));
}

/// Whoever passes a third and two thirds in one message enters a round that has its quorum: the
/// timers of L34 and L47 then start while the round is entered. Equal powers of four cannot.
#[test]
fn a_heavy_sender_brings_a_quorum_along() {
    let mut node = Reference::new(&[1, 1, 1, 97], 0, 1);
    node.apply(Input::StartHeight);
    let turn = [
        Output::NewRound(1),
        Output::ScheduleTimeout(Propose, 1),
        Output::ScheduleTimeout(Precommit, 1),
    ];
    assert_eq!(precommits(&mut node, &[3], 1, None), turn);
}
