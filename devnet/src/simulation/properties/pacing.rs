//! While all clocks are behind the chain nobody accepts a block, and rounds end as fast as everybody
//! agrees to nothing. They are paced: a correct node does not enter more of them in a second than one for
//! each validator, those in which the pause grows, and two for each time that a proposer is waited for.
use super::{Property, Scene, Sight};
use lockstep_protocol::types::Height;
use std::collections::{BTreeMap, VecDeque};

#[derive(Default)]
pub(super) struct Pacing {
    /// When each node has entered rounds of the height it is at, within the last second.
    entered: BTreeMap<usize, (Height, VecDeque<u64>)>,
}

const SECOND_MS: u64 = 1_000;
/// Pauses of 0, 10, 20, 40, 80, 160 and 320 ms.
const GROWING: usize = 8;

impl Property for Pacing {
    fn see(&mut self, scene: &Scene, node: usize, sight: &Sight<'_>) -> Result<(), String> {
        let Sight::Entered {
            height,
            at_ms,
            proposed_for_ms,
            are_behind,
        } = sight
        else {
            return Ok(());
        };
        let (known, times) = self.entered.entry(node).or_default();
        if known != height || !are_behind {
            times.clear();
            *known = *height;
        }
        times.push_back(*at_ms);
        while times
            .front()
            .is_some_and(|first| first + SECOND_MS < *at_ms)
        {
            times.pop_front();
        }
        let waited_for = SECOND_MS.div_ceil((*proposed_for_ms).max(1)) as usize;
        let most = scene.at(*height).len() + GROWING + 2 * waited_for;
        if times.len() <= most {
            return Ok(());
        }
        let rounds = times.len();
        Err(format!(
            "node {node} enters {rounds} rounds of height {height} in a second, more than {most}"
        ))
    }
}
