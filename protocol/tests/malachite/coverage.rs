//! The generated sequences are worth comparing: a canary for the generator itself. If a change of
//! its odds makes one of the situations rare, a comparison would pass without having met it.

use std::collections::BTreeMap;

use crate::compare::canonical;
use crate::neutral::{Held, Input, Output};
use crate::reference::Reference;
use crate::scenario::Scenario;

const SEEDS: u64 = 3000;

/// Each situation must be met by at least one scenario in two hundred.
const SITUATIONS: [&str; 15] = [
    "accepts an earlier polka",
    "decides an old round",
    "decides in a later round",
    "decides in round 0",
    "equivocates",
    "forgives its lock",
    "locks again",
    "locks",
    "never decides",
    "proposes a new block",
    "proposes the valid value",
    "refuses because of its lock",
    "skips rounds",
    "starts a prevote timer beside its precommit",
    "values more than it locks",
];

#[test]
fn a_seed_means_one_sequence_and_a_replay_gives_the_same_answers() {
    for seed in 0..100 {
        let scenario = Scenario::of_seed(seed);
        assert_eq!(scenario, Scenario::of_seed(seed));
        assert!((5..=80).contains(&scenario.inputs.len()), "seed {seed}");
        let mut node = scenario.reference();
        let answers: Vec<_> = scenario
            .inputs
            .iter()
            .map(|&input| node.apply(input))
            .collect();
        assert_eq!(answers, scenario.answers, "seed {}", scenario.seed);
    }
}

#[test]
fn every_situation_is_met_often() {
    let mut met: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in 0..SEEDS {
        for situation in situations(&Scenario::of_seed(seed)) {
            *met.entry(situation).or_default() += 1;
        }
    }
    let rare = |situation: &&str| met.get(*situation).is_none_or(|count| count * 200 < SEEDS);
    let rare: Vec<_> = SITUATIONS.into_iter().filter(rare).collect();
    assert!(rare.is_empty(), "rarely met: {rare:?} in {met:?}");
}

/// The names of what happens in a scenario, each once.
fn situations(scenario: &Scenario) -> Vec<&'static str> {
    let mut node = scenario.reference();
    let mut names = Vec::new();
    for (&input, answer) in scenario.inputs.iter().zip(&scenario.answers) {
        let before = (node.round(), node.locked());
        node.apply(input);
        names.extend(answer.iter().filter_map(|&output| of_output(&node, output)));
        names.extend(of_turn(input, before, &node, answer));
    }
    let decides = |output: &Output| matches!(output, Output::Decide { .. });
    if !scenario.answers.iter().flatten().any(decides) {
        names.push("never decides");
    }
    if scenario.equivocates {
        names.push("equivocates");
    }
    names.sort_unstable();
    names.dedup();
    names
}

/// What one output shows on its own.
fn of_output(node: &Reference, output: Output) -> Option<&'static str> {
    match output {
        Output::Decide { round, .. } if node.round() > Some(round) => Some("decides an old round"),
        Output::Decide { round: 0, .. } => Some("decides in round 0"),
        Output::Decide { .. } => Some("decides in a later round"),
        Output::Propose {
            pol_round: Some(_), ..
        } => Some("proposes the valid value"),
        Output::Propose { .. } => Some("proposes a new block"),
        Output::Precommit { value: Some(_), .. } => Some("locks"),
        _ => None,
    }
}

/// What shows in the change from before the input to after it.
fn of_turn(
    input: Input,
    (round, locked): (Option<u32>, Held),
    node: &Reference,
    answer: &[Output],
) -> Vec<&'static str> {
    let mut names = Vec::new();
    let prevote = answer.iter().find_map(|output| match output {
        Output::Prevote { value, .. } => Some(*value),
        _ => None,
    });
    match (input, prevote, locked) {
        (Input::Proposal { valid: true, .. }, Some(None), Some(_)) => {
            names.push("refuses because of its lock");
        }
        (Input::TimeoutPropose(_) | Input::BuiltValue { .. }, _, _) => {}
        (_, Some(Some(value)), Some((lock, _))) if value != lock => names.push("forgives its lock"),
        _ => {}
    }
    let repeated = matches!(
        input,
        Input::Proposal {
            pol_round: Some(_),
            ..
        } | Input::Prevote { .. }
    );
    if repeated && node.round() == round && matches!(prevote, Some(Some(_))) {
        names.push("accepts an earlier polka");
    }
    if locked.is_some() && node.locked() != locked {
        names.push("locks again");
    }
    let by_vote = matches!(input, Input::Prevote { .. } | Input::Precommit { .. });
    if by_vote && node.round() > round {
        names.push("skips rounds");
    }
    if node.valid().map(|held| held.1) > node.locked().map(|held| held.1) {
        names.push("values more than it locks");
    }
    if canonical(answer) != answer {
        names.push("starts a prevote timer beside its precommit");
    }
    names
}
