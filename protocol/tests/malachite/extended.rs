//! Lockstep under [`Rules::Extended`], as nodes run it: every difference to the reference comes
//! from an extension. The literal rules with the same extensions answer the same, turn by turn, and
//! without any one of them they do not.

use lockstep_protocol::consensus::round_machine::Rules;

use crate::compare::canonical;
use crate::generator::VALIDATORS;
use crate::literal::Literal;
use crate::literal::extensions::Extension;
use crate::lockstep::{Lockstep, valid_rounds};
use crate::neutral::{Held, Input, Output};
use crate::scenario::Scenario;

const SEEDS: u64 = 6000;

fn literal(scenario: &Scenario, extensions: impl IntoIterator<Item = Extension>) -> Literal {
    Literal::new(VALIDATORS, scenario.me, scenario.height).with(extensions, valid_rounds(scenario))
}

/// The first turn in which Lockstep and the literal rules differ.
fn difference(scenario: &Scenario, mut literal: Literal) -> Option<String> {
    let mut ours = Lockstep::new(scenario, Rules::Extended);
    for (turn, &input) in scenario.inputs.iter().enumerate() {
        let answer = canonical(&ours.apply(input));
        if ours.halted() {
            return None;
        }
        let expected = canonical(&literal.apply(input));
        if answer != expected || ours.held() != literal.held() {
            let seed = scenario.seed;
            let so_far = &scenario.inputs[..=turn];
            let held = (ours.held(), literal.held());
            return Some(format!(
                "seed {seed}, me {}: {answer:?} for {expected:?}, {held:?} after {so_far:?}",
                scenario.me
            ));
        }
    }
    None
}

/// Of every seed, equivocating or not.
#[test]
fn lockstep_is_the_paper_and_its_extensions() {
    for seed in 0..SEEDS {
        let scenario = Scenario::of_seed(seed);
        let differs = difference(&scenario, literal(&scenario, Extension::ALL));
        assert_eq!(differs, None);
    }
}

/// Else a rule could be missing on both sides, or never act in any scenario.
#[test]
fn without_any_one_extension_the_rules_are_not_lockstep() {
    for missing in Extension::ALL {
        let others = || Extension::ALL.into_iter().filter(|one| *one != missing);
        let differs = |scenario: &Scenario| {
            let literal = literal(scenario, others());
            difference(scenario, literal).is_some()
        };
        let seeds = (0..400).filter(|&seed| differs(&Scenario::of_seed(seed)));
        let seeds = seeds.count();
        println!("without {missing:?} {seeds} of 400 seeds differ");
        assert!(seeds > 0, "{missing:?}");
    }
}

/// What has become of the same inputs in two nodes.
#[derive(Debug, Default)]
struct Outcomes {
    same_answers: u64,
    same_decision: u64,
    only_lockstep: u64,
    only_reference: u64,
    neither: u64,
    halted: u64,
    forked: u64,
}

/// Where Lockstep leaves the reference's path, safety does not depend on it.
#[test]
fn lockstep_and_the_reference_never_decide_two_values_and_keep_their_locks() {
    let mut outcomes = Outcomes::default();
    for seed in 0..SEEDS {
        compare_decisions(&Scenario::of_seed(seed), &mut outcomes);
    }
    println!("{outcomes:?}");
    assert!(outcomes.same_decision * 10 > SEEDS, "{outcomes:?}");
    assert!(outcomes.forked * 100 < SEEDS, "{outcomes:?}");
}

fn compare_decisions(scenario: &Scenario, outcomes: &mut Outcomes) {
    let mut node = Lockstep::new(scenario, Rules::Extended);
    let mut answers = Vec::new();
    for &input in &scenario.inputs {
        let locked = node.held().0;
        let answer = node.apply(input);
        check_lock_rule(scenario, locked, &answer);
        answers.push(answer);
    }
    outcomes.same_answers += u64::from(answers == scenario.answers);
    let ours = decision(&answers);
    let theirs = decision(&scenario.answers);
    *match (ours, theirs) {
        _ if node.halted() => &mut outcomes.halted,
        (Some(ours), Some(theirs)) if ours.1 == theirs.1 => &mut outcomes.same_decision,
        (Some(ours), Some(theirs)) => {
            // No rule helps where Q precommit one value and Q another.
            assert_quorum(scenario, &answers, ours);
            assert_quorum(scenario, &scenario.answers, theirs);
            &mut outcomes.forked
        }
        (Some(_), None) => &mut outcomes.only_lockstep,
        (None, Some(_)) => &mut outcomes.only_reference,
        (None, None) => &mut outcomes.neither,
    } += 1;
}

/// Round and value.
fn decision(answers: &[Vec<Output>]) -> Option<(u32, u64)> {
    answers.iter().flatten().find_map(|output| match *output {
        Output::Decide { round, value } => Some((round, value)),
        _ => None,
    })
}

/// Others whose precommits are among the inputs, and the node itself, are more than two thirds.
fn assert_quorum(scenario: &Scenario, answers: &[Vec<Output>], (round, value): (u32, u64)) {
    let value = Some(value);
    let others = (0..VALIDATORS).filter(|&validator| {
        let precommit = Input::Precommit {
            validator,
            round,
            value,
        };
        validator != scenario.me && scenario.inputs.contains(&precommit)
    });
    let own = Output::Precommit { round, value };
    let own = answers
        .iter()
        .flatten()
        .filter(|said| **said == own)
        .count();
    let power = others.count() + own;
    assert!(3 * power > 2 * VALIDATORS, "seed {}", scenario.seed);
}

/// A locked validator prevotes another value only if that is proposed with the round of a polka
/// that is no older than the lock, and Q prevotes of that round are among the messages.
fn check_lock_rule(scenario: &Scenario, mut locked: Held, answer: &[Output]) {
    for output in answer {
        match *output {
            Output::Precommit {
                round,
                value: Some(value),
            } => locked = Some((value, round)),
            Output::Prevote {
                round,
                value: Some(value),
            } => assert_free(scenario, locked, round, value),
            _ => {}
        }
    }
}

fn assert_free(scenario: &Scenario, locked: Held, round: u32, value: u64) {
    let Some((lock, since)) = locked.filter(|(lock, _)| *lock != value) else {
        return;
    };
    let frees = |input: &Input| match *input {
        Input::Proposal {
            round: at,
            value: proposed,
            pol_round: Some(polka),
            ..
        } => {
            (at, proposed) == (round, value)
                && polka >= since
                && supporters(scenario, polka, value) >= 2
        }
        _ => false,
    };
    let seed = scenario.seed;
    let free = scenario.inputs.iter().any(frees);
    assert!(
        free,
        "seed {seed}: {value} in {round} against {lock} of {since}"
    );
}

/// Others who prevote or propose a value; this node itself may be the third.
fn supporters(scenario: &Scenario, round: u32, value: u64) -> usize {
    let votes = (0..VALIDATORS).filter(|&validator| {
        let prevote = Input::Prevote {
            validator,
            round,
            value: Some(value),
        };
        validator != scenario.me && scenario.inputs.contains(&prevote)
    });
    let proposes = |input: &Input| matches!(*input, Input::Proposal { round: at, value: proposed, .. } if (at, proposed) == (round, value));
    votes.count() + usize::from(scenario.inputs.iter().any(proposes))
}
