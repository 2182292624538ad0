//! What two implementations of the same rules must agree on, turn by turn.

use crate::neutral::{Output, Timer};

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
