//! A restarted validator goes on where its record ends.
use super::script::*;
use crate::consensus::facts::Verdict::Valid;
use crate::consensus::round_machine::{Resume, Step};
use crate::types::Round;

fn resume(round: u32, step: Step) -> Resume {
    let round = Round(round);
    let (lock, proposal) = (None, None);
    Resume {
        round,
        step,
        lock,
        proposal,
    }
}

#[test]
fn a_restart_takes_up_round_and_step_and_signs_nothing() {
    for step in [Step::Propose, Step::Prevote, Step::Precommit] {
        let (node, said) = Node::resumed(0, resume(4, step));
        assert_eq!(said, "enter 4; timer resend 4");
        assert_eq!(node.stands(), (4, step));
        node.holds("none", "none");
    }
}

#[test]
fn a_restart_keeps_the_lock() {
    let lock = Some(lock(A, 0));
    let proposal = None;
    let round = Round(1);
    let step = Step::Prevote;
    let (mut node, _) = Node::resumed(
        0,
        Resume {
            round,
            step,
            lock,
            proposal,
        },
    );
    node.holds("a 0", "a 0");
    node.hears(reached(2));
    node.answers(fresh(2, B), "prevote 2 nil");
}

#[test]
fn a_restarted_proposer_proposes_its_lock_with_its_polka() {
    let lock = Some(lock(A, 0));
    let proposal = None;
    let round = Round(0);
    let step = Step::Precommit;
    let (mut node, _) = Node::resumed(
        2,
        Resume {
            round,
            step,
            lock,
            proposal,
        },
    );
    node.answers(
        precommit_timeout(0),
        "enter 1; timer resend 1; propose 1 a since 0",
    );
}

#[test]
fn what_was_prevoted_before_a_restart_is_not_prevoted_again() {
    let (mut node, _) = Node::resumed(0, resume(1, Step::Prevote));
    node.ignores(fresh(1, A));
    node.ignores(propose_timeout(1));
    node.answers(polka(1, A), "precommit 1 a");
}

#[test]
fn what_was_precommitted_before_a_restart_is_not_precommitted_again() {
    let lock = Some(lock(A, 1));
    let proposal = None;
    let round = Round(1);
    let step = Step::Precommit;
    let (mut node, _) = Node::resumed(
        0,
        Resume {
            round,
            step,
            lock,
            proposal,
        },
    );
    node.ignores(fresh(1, A));
    node.ignores(polka(1, A));
    node.ignores(prevote_timeout(1));
    node.answers(nil_polka(1), "enter 2; timer resend 2; timer propose 2");
    node.holds("a 1", "a 1");
}

/// The own proposal was the own prevote (E1): it still makes the polka of its value a lock.
#[test]
fn a_restart_remembers_the_own_proposal() {
    let lock = None;
    let proposal = Some(checked(0, A, None, Valid));
    let round = Round(0);
    let step = Step::Prevote;
    let (mut node, said) = Node::resumed(
        1,
        Resume {
            round,
            step,
            lock,
            proposal,
        },
    );
    assert_eq!(said, "enter 0; timer resend 0");
    node.answers(polka(0, A), "precommit 0 a");
    node.answers(commit(0, A), "decide 0 a");
}

#[test]
fn a_restarted_proposer_does_not_build_again() {
    let proposal = Some(checked(0, A, None, Valid));
    let round = Round(0);
    let step = Step::Prevote;
    let lock = None;
    let (mut node, _) = Node::resumed(
        1,
        Resume {
            round,
            step,
            lock,
            proposal,
        },
    );
    node.ignores(built(0, B));
}

/// The block lies on its own disk: it needs nobody to send it again.
#[test]
fn a_restarted_validator_can_decide_the_block_that_it_is_locked_on() {
    let lock = Some(lock(A, 0));
    let proposal = None;
    let round = Round(0);
    let step = Step::Precommit;
    let (mut node, _) = Node::resumed(
        0,
        Resume {
            round,
            step,
            lock,
            proposal,
        },
    );
    node.answers(commit(0, A), "decide 0 a");
}
