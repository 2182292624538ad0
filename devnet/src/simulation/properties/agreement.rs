//! One block id for each height, over all correct nodes, for ever.
use super::{Property, Scene, Sight};
use lockstep_protocol::types::{BlockId, Height};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Agreement {
    decided: BTreeMap<Height, (BlockId, usize)>,
}

impl Property for Agreement {
    /// What it re-decides, it decides as before.
    fn judges_restored(&self) -> bool {
        true
    }

    fn see(&mut self, _: &Scene, node: usize, sight: &Sight<'_>) -> Result<(), String> {
        let Sight::Committed(decided) = sight else {
            return Ok(());
        };
        let (height, id) = (decided.block.height(), decided.block.id());
        let (first, by) = *self.decided.entry(height).or_insert((id, node));
        if first == id {
            return Ok(());
        }
        let (first, id) = (first.short(), id.short());
        Err(format!(
            "fork at height {height}: node {by} has {first}, node {node} has {id}"
        ))
    }
}
