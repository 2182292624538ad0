//! Every committed block names the set that decides it and the one that decides the next height, as
//! the blocks before it have decided: two heights after more than two thirds of the power agreed.
use super::{Property, Scene, Sight};

pub(super) struct ValidatorSets;

impl Property for ValidatorSets {
    fn see(&mut self, scene: &Scene, node: usize, sight: &Sight<'_>) -> Result<(), String> {
        let Sight::Committed(decided) = sight else {
            return Ok(());
        };
        let header = decided.block.header();
        let now = scene.at(header.height);
        let next = scene.at(header.height.next());
        let problem = if header.validators_hash != now.hash() {
            "made for another set than that of its height"
        } else if header.next_validators_hash != next.hash() {
            "names another set for the next height"
        } else if now.index_of(&header.proposer).is_none() {
            "built by no validator of its height"
        } else {
            return Ok(());
        };
        Err(format!("node {node}, height {}: {problem}", header.height))
    }
}
