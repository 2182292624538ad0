//! Evidence of a correct node verifies, and accuses nobody who followed the rules.
use super::{Property, Scene, Sight};

pub(super) struct JustEvidence;

impl Property for JustEvidence {
    fn name(&self) -> &'static str {
        "just evidence"
    }

    fn see(&mut self, scene: &Scene, sight: &Sight<'_>) -> Result<(), String> {
        let Sight::Accused { by, evidence } = sight else {
            return Ok(());
        };
        if let Err(error) = evidence.verify(scene.at(evidence.offence().height), &scene.context) {
            return Err(format!("node {by}: {error}: {evidence:?}"));
        }
        let accused = scene.node_of(&evidence.validator());
        if accused.is_some_and(|node| scene.correct[node]) {
            return Err(format!("node {by} accuses a correct node: {evidence:?}"));
        }
        Ok(())
    }
}
