//! What two implementations of the same rules must agree on, turn by turn.

use crate::generator::VALIDATORS;
use crate::literal::Literal;
use crate::neutral::{Output, Timer};
use crate::scenario::Scenario;

/// The literal rules and the reference agree turn by turn, in outputs, their order, lock and valid
/// value. Hence [`canonical`] is all that has to be allowed for in the plain algorithm.
#[test]
fn the_literal_rules_and_the_reference_agree() {
    for seed in 0..3000 {
        let scenario = Scenario::of_seed(seed);
        let mut literal = Literal::new(VALIDATORS, scenario.me, scenario.height);
        let mut node = scenario.reference();
        for (turn, &input) in scenario.inputs.iter().enumerate() {
            let ours = literal.apply(input);
            let theirs = canonical(&node.apply(input));
            let so_far = &scenario.inputs[..=turn];
            assert_eq!(ours, theirs, "seed {seed}, turn {turn}: {so_far:?}");
            let held = (node.locked(), node.valid());
            assert_eq!(literal.held(), held, "seed {seed}, turn {turn}: {so_far:?}");
        }
    }
}

/// The part of an answer that the rules determine.
///
/// The reference tries its rules before its own vote is counted, and again after. In between it
/// may start a prevote timer (L34) for a round in which the own vote then completes the polka, so
/// that the same turn precommits and the timer can do nothing any more. Such timers are dropped,
/// and so is all that follows a decision.
pub(crate) fn canonical(answer: &[Output]) -> Vec<Output> {
    let precommits = |round: u32| {
        let of_round =
            |output: &Output| matches!(output, Output::Precommit { round: at, .. } if *at == round);
        answer.iter().any(of_round)
    };
    let decides = |output: &Output| matches!(output, Output::Decide { .. });
    let end = answer
        .iter()
        .position(decides)
        .map_or(answer.len(), |at| at + 1);
    let determined = |output: &Output| match *output {
        Output::ScheduleTimeout(Timer::Prevote, round) => !precommits(round),
        _ => true,
    };
    answer[..end].iter().copied().filter(determined).collect()
}
