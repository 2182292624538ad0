//! Evidence of a correct node verifies, and accuses nobody who followed the rules.
use super::{Property, Scene, Sight};

pub(super) struct JustEvidence;

impl Property for JustEvidence {
    fn see(&mut self, scene: &Scene, node: usize, sight: &Sight<'_>) -> Result<(), String> {
        let Sight::Accused(evidence) = sight else {
            return Ok(());
        };
        if let Err(error) = evidence.verify(scene.at(evidence.offence().height), &scene.context) {
            return Err(format!("node {node}: {error}: {evidence:?}"));
        }
        let accused = scene.node_of(&evidence.validator());
        if accused.is_some_and(|accused| scene.correct[accused]) {
            return Err(format!("node {node} accuses a correct node: {evidence:?}"));
        }
        Ok(())
    }
}
