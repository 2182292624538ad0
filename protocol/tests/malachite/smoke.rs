//! The reference follows the paper: one test per rule that a comparison leans on.

use crate::neutral::Timer::{Precommit, Prevote, Propose};
use crate::neutral::{Input, Output};
use crate::reference::Reference;
use crate::script::{A, B, INVALID, again, fresh, precommits, prevotes, started};

#[test]
fn a_round_without_trouble_decides() {
    let mut node = Reference::new(&[1; 4], 0, 1);
    assert_eq!(
        node.apply(Input::StartHeight),
        [Output::ScheduleTimeout(Propose, 0)]
    );
    assert_eq!(
        node.apply(fresh(0, A)),
        [Output::Prevote {
            round: 0,
            value: Some(A)
        }]
    );
    assert_eq!(prevotes(&mut node, &[1], 0, Some(A)), []);
    let locked = prevotes(&mut node, &[2], 0, Some(A));
    assert_eq!(
        locked,
        [Output::Precommit {
            round: 0,
            value: Some(A)
        }]
    );
    assert_eq!((node.locked(), node.valid()), (Some((A, 0)), Some((A, 0))));
    let decided = precommits(&mut node, &[1, 2], 0, Some(A));
    assert_eq!(decided, [Output::Decide { round: 0, value: A }]);
    assert_eq!(
        precommits(&mut node, &[3], 0, Some(A)),
        [],
        "it decides once"
    );
}

#[test]
fn a_proposer_asks_for_a_block_and_prevotes_its_own_proposal() {
    let mut node = Reference::new(&[1; 4], 1, 1);
    let asked = [Output::ScheduleTimeout(Propose, 0), Output::GetValue(0)];
    assert_eq!(node.apply(Input::StartHeight), asked);
    let proposed = [
        Output::Propose {
            round: 0,
            value: A,
            pol_round: None,
        },
        Output::Prevote {
            round: 0,
            value: Some(A),
        },
    ];
    assert_eq!(
        node.apply(Input::BuiltValue { round: 0, value: A }),
        proposed
    );
    assert_eq!(
        node.apply(Input::BuiltValue { round: 0, value: B }),
        [],
        "it proposes once"
    );
}

#[test]
fn timeouts_end_a_round_of_nil() {
    let mut node = started(0);
    let silent = node.apply(Input::TimeoutPropose(0));
    assert_eq!(
        silent,
        [Output::Prevote {
            round: 0,
            value: None
        }]
    );
    let nil = prevotes(&mut node, &[1, 2], 0, None);
    assert_eq!(
        nil,
        [Output::Precommit {
            round: 0,
            value: None
        }]
    );
    let any = precommits(&mut node, &[1, 2], 0, None);
    assert_eq!(any, [Output::ScheduleTimeout(Precommit, 0)]);
    let next = [Output::NewRound(1), Output::ScheduleTimeout(Propose, 1)];
    assert_eq!(node.apply(Input::TimeoutPrecommit(0)), next);
    assert_eq!(
        node.apply(Input::TimeoutPrecommit(0)),
        [],
        "a timeout of an old round is nothing"
    );
}

#[test]
fn mixed_prevotes_start_the_prevote_timer_once() {
    let mut node = started(0);
    node.apply(fresh(0, A));
    let mixed = prevotes(&mut node, &[1, 2], 0, None);
    assert_eq!(mixed, [Output::ScheduleTimeout(Prevote, 0)]);
    assert_eq!(prevotes(&mut node, &[3], 0, Some(B)), []);
    let given_up = node.apply(Input::TimeoutPrevote(0));
    assert_eq!(
        given_up,
        [Output::Precommit {
            round: 0,
            value: None
        }]
    );
}

/// Locks `A` in round 0 and enters round 1 by the precommit timeout.
fn locked_on_a_in_round_one() -> Reference {
    let mut node = started(0);
    node.apply(fresh(0, A));
    prevotes(&mut node, &[1, 2], 0, Some(A));
    precommits(&mut node, &[1, 2], 0, None);
    node.apply(Input::TimeoutPrecommit(0));
    assert_eq!((node.round(), node.locked()), (Some(1), Some((A, 0))));
    node
}

#[test]
fn a_lock_refuses_another_fresh_value_and_takes_its_own() {
    let mut node = locked_on_a_in_round_one();
    assert_eq!(
        node.apply(fresh(1, B)),
        [Output::Prevote {
            round: 1,
            value: None
        }]
    );
    let mut node = locked_on_a_in_round_one();
    assert_eq!(
        node.apply(fresh(1, A)),
        [Output::Prevote {
            round: 1,
            value: Some(A)
        }]
    );
}

#[test]
fn a_later_polka_overcomes_the_lock_even_if_its_prevotes_come_last() {
    let mut node = locked_on_a_in_round_one();
    node.apply(Input::TimeoutPropose(1));
    precommits(&mut node, &[1, 2, 3], 1, None);
    node.apply(Input::TimeoutPrecommit(1));
    assert_eq!(
        node.apply(again(2, B, 1)),
        [],
        "L28 waits for the old polka"
    );
    assert_eq!(prevotes(&mut node, &[1, 2], 1, Some(B)), []);
    let accepted = prevotes(&mut node, &[3], 1, Some(B));
    assert_eq!(
        accepted,
        [Output::Prevote {
            round: 2,
            value: Some(B)
        }]
    );
    assert_eq!(node.locked(), Some((A, 0)), "only L36 moves a lock");
}

#[test]
fn an_earlier_polka_does_not_overcome_the_lock() {
    let mut node = started(0);
    prevotes(&mut node, &[1, 2, 3], 0, Some(B));
    prevotes(&mut node, &[1, 2], 1, Some(A));
    node.apply(fresh(1, A));
    assert_eq!(node.locked(), Some((A, 1)));
    precommits(&mut node, &[1, 2], 2, None);
    assert_eq!(
        node.apply(again(2, B, 0)),
        [Output::Prevote {
            round: 2,
            value: None
        }]
    );
}

#[test]
fn a_polka_after_the_precommit_still_sets_the_valid_value() {
    let mut node = started(0);
    node.apply(Input::TimeoutPropose(0));
    prevotes(&mut node, &[1, 2], 0, Some(A));
    let given_up = node.apply(Input::TimeoutPrevote(0));
    assert_eq!(
        given_up,
        [Output::Precommit {
            round: 0,
            value: None
        }]
    );
    prevotes(&mut node, &[3], 0, Some(A));
    assert_eq!(node.apply(fresh(0, A)), []);
    assert_eq!((node.locked(), node.valid()), (None, Some((A, 0))));
}

#[test]
fn a_proposer_repeats_the_valid_value_without_a_timer() {
    let mut node = started(2);
    node.apply(fresh(0, A));
    prevotes(&mut node, &[1, 3], 0, Some(A));
    precommits(&mut node, &[1, 3], 0, None);
    let proposed = [
        Output::NewRound(1),
        Output::Propose {
            round: 1,
            value: A,
            pol_round: Some(0),
        },
        Output::Prevote {
            round: 1,
            value: Some(A),
        },
    ];
    assert_eq!(node.apply(Input::TimeoutPrecommit(0)), proposed);
}

#[test]
fn an_invalid_value_is_refused_and_never_locked() {
    let mut node = started(0);
    assert_eq!(
        node.apply(fresh(0, INVALID)),
        [Output::Prevote {
            round: 0,
            value: None
        }]
    );
    let polka = prevotes(&mut node, &[1, 2, 3], 0, Some(INVALID));
    assert_eq!(polka, [Output::ScheduleTimeout(Prevote, 0)]);
    let quorum = precommits(&mut node, &[1, 2, 3], 0, Some(INVALID));
    assert_eq!(quorum, [Output::ScheduleTimeout(Precommit, 0)]);
}

#[test]
fn two_of_four_senders_in_a_later_round_pull_the_node_there() {
    let mut node = started(0);
    prevotes(&mut node, &[1], 2, None);
    assert_eq!(
        precommits(&mut node, &[1], 2, None),
        [],
        "one sender counts once"
    );
    let skipped = [Output::NewRound(2), Output::ScheduleTimeout(Propose, 2)];
    assert_eq!(precommits(&mut node, &[2], 2, Some(A)), skipped);
}

#[test]
fn an_old_round_can_still_decide() {
    let mut node = started(0);
    precommits(&mut node, &[1, 2], 0, Some(A));
    prevotes(&mut node, &[1, 2], 3, None);
    assert_eq!(node.round(), Some(3));
    assert_eq!(precommits(&mut node, &[3], 0, Some(A)), []);
    assert_eq!(
        node.apply(fresh(0, A)),
        [Output::Decide { round: 0, value: A }]
    );

    let mut node = started(0);
    node.apply(fresh(0, A));
    precommits(&mut node, &[1, 2], 0, Some(A));
    prevotes(&mut node, &[1, 2], 3, None);
    let decided = precommits(&mut node, &[3], 0, Some(A));
    assert_eq!(decided, [Output::Decide { round: 0, value: A }]);
}
