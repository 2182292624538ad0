//! E12.
use super::script::*;
use crate::consensus::facts::Fact;
use crate::consensus::round_machine::{Input, Output, Resume, RoundMachine, Rules, Step};
use crate::consensus::timeouts::{TimeoutKind, Timeouts};
use crate::limits::NIL_PAUSE_MIN_MS;
#[cfg(feature = "mutants")]
use crate::mutation::{Mutation, must_be_noticed};
use crate::nouns::vote::VoteKind;
use crate::types::Round;

fn pause_over(round: u32) -> Input {
    Input::Timeout(TimeoutKind::Pause, Round(round))
}

/// What each of so many rounds in a row waits after its nil polka; 0: nothing.
fn pauses(machine: &mut RoundMachine, rounds: u32) -> Vec<u64> {
    let first = machine.round().0;
    let pause = |round| {
        let out = machine.step(nil_polka(round));
        let ms = out.iter().find_map(|output| match output {
            Output::Schedule(TimeoutKind::Pause, at, ms) if *at == Round(round) => Some(*ms),
            _ => None,
        });
        if ms.is_some() {
            assert_eq!(machine.round(), Round(round), "it waits");
            machine.step(pause_over(round));
        }
        assert_eq!(machine.round(), Round(round + 1));
        ms.unwrap_or_default()
    };
    (first..first + rounds).map(pause).collect()
}

/// Clocks that were set back refused every block: 215 rounds a second, each written to four disks.
#[test]
fn e12_rounds_that_end_in_nil_one_after_another_wait_longer_and_longer() {
    let Node(mut machine) = Node::started(0);
    let waited = pauses(&mut machine, 9);
    let propose = |round| Timeouts::DEVNET.after_ms(TimeoutKind::Propose, Round(round));
    assert_eq!(waited, [0, 0, 10, 20, 40, 80, 160, 320, 640]);
    let further = pauses(&mut machine, 3);
    assert_eq!(further, [1_280.min(propose(9)), propose(10), propose(11)]);
}

#[cfg(feature = "mutants")]
#[test]
fn e12_that_never_waits_is_noticed() {
    must_be_noticed(
        Mutation::UnpacedRounds,
        e12_rounds_that_end_in_nil_one_after_another_wait_longer_and_longer,
    );
}

#[test]
fn e12_as_many_rounds_as_validators_may_be_faulty_and_one_more_are_left_at_once() {
    let mut node = Node::started(0);
    node.hears(nil_polka(0));
    node.hears(nil_polka(1));
    assert_eq!(node.stands(), (2, Step::Propose));
    node.answers(
        nil_polka(2),
        "prevote 2 nil; precommit 2 nil; timer pause 2",
    );
    assert_eq!(node.stands(), (2, Step::Precommit));
    node.ignores(nil_polka(2));
    // Validator 0 proposes in round 3.
    node.answers(
        pause_over(2),
        "enter 3; timer resend 3; build 3; timer propose 3",
    );
}

#[test]
fn e12_a_pause_is_overtaken_by_others_by_the_precommit_timeout_and_by_a_decision() {
    let pausing = || {
        let mut node = Node::started(0);
        (0..3).for_each(|round| _ = node.hears(nil_polka(round)));
        assert_eq!(node.stands(), (2, Step::Precommit));
        node
    };
    let mut node = pausing();
    node.hears(reached(4));
    assert_eq!(node.stands(), (4, Step::Propose));
    node.ignores(pause_over(2));
    let mut node = pausing();
    node.answers(any_precommits(2), "timer precommit 2");
    node.hears(precommit_timeout(2));
    assert_eq!(node.stands(), (3, Step::Propose));
    let mut node = pausing();
    node.hears(fresh(2, A));
    node.answers(commit(2, A), "decide 2 a");
}

/// All votes are there: one half took the proposal for timely. No timer is waited for (E11), so these
/// rounds would spin, too; and where a pause runs, that nobody is left does not end it.
#[test]
fn e12_rounds_in_which_nobody_is_left_are_paced_as_well() {
    let fails = |node: &mut Node, round: u32| {
        node.hears(propose_timeout(round));
        node.hears(any_prevotes(round));
        node.hears(nobody_left(VoteKind::Prevote, round));
        node.hears(any_precommits(round));
        node.hears(nobody_left(VoteKind::Precommit, round))
    };
    let mut node = Node::started(0);
    fails(&mut node, 0);
    fails(&mut node, 1);
    assert_eq!(node.stands(), (2, Step::Propose));
    assert_eq!(fails(&mut node, 2), "timer pause 2");
    assert_eq!(node.stands(), (2, Step::Precommit));
    let mut node = Node::started(0);
    (0..3).for_each(|round| _ = node.hears(nil_polka(round)));
    node.hears(any_precommits(2));
    node.ignores(nobody_left(VoteKind::Precommit, 2));
}

#[test]
fn e12_a_pause_that_this_machine_has_not_begun_ends_no_round() {
    let mut node = Node::started(0);
    node.ignores(pause_over(0));
    node.hears(nil_polka(0));
    node.ignores(pause_over(1));
}

/// Told again with every proposal, one old polka would undo the pace.
#[test]
fn e12_a_polka_ends_the_row_once() {
    let Node(mut machine) = Node::started(0);
    assert_eq!(pauses(&mut machine, 4), [0, 0, NIL_PAUSE_MIN_MS, 20]);
    machine.step(polka(2, A));
    assert_eq!(pauses(&mut machine, 3), [0, 0, NIL_PAUSE_MIN_MS]);
    for repeated in [polka(2, A), polka(2, B), polka(1, B)] {
        machine.step(repeated);
    }
    assert_eq!(pauses(&mut machine, 1), [20]);
}

#[test]
fn e12_a_resumed_machine_begins_a_row_of_its_own() {
    let resume = Resume {
        round: Round(7),
        step: Step::Precommit,
        lock: None,
        proposal: None,
    };
    let (Node(mut machine), _) = Node::resumed(0, resume);
    assert_eq!(pauses(&mut machine, 3), [0, 0, NIL_PAUSE_MIN_MS]);
}

#[test]
fn e12_what_made_rounds_fail_is_over_and_so_are_the_row_and_its_pause() {
    let mut node = Node::started(0);
    node.ignores(Input::RowOver);
    (0..3).for_each(|round| _ = node.hears(nil_polka(round)));
    assert_eq!(node.stands(), (2, Step::Precommit), "it pauses");
    node.hears(Input::RowOver);
    assert_eq!(node.stands(), (3, Step::Propose));
    let Node(mut machine) = node;
    assert_eq!(pauses(&mut machine, 3), [0, 0, NIL_PAUSE_MIN_MS]);
}

#[test]
fn e12_is_no_rule_of_the_paper() {
    let mut node = Node::with_rules(0, Rules::Paper);
    for round in 0..5 {
        node.hears(Input::Fact(Fact::NilPolka(Round(round))));
        node.hears(reached(round + 1));
        assert_eq!(node.stands().0, round + 1);
    }
}
