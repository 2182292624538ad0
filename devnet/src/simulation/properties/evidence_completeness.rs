//! P3: what two correct nodes have proof of, a block carries once the faults are over; and no block
//! ever carries evidence against somebody who followed the rules, or the same offence twice.
use super::{Figures, Property, Scene, Sight};
use lockstep_protocol::evidence::Offence;
use lockstep_protocol::types::Height;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub(super) struct EvidenceCompleteness {
    accusers: BTreeMap<Offence, BTreeSet<usize>>,
    carried: BTreeMap<Offence, Height>,
    newest: Height,
    due: u64,
    committed: u64,
}

/// Heights after which an offence is due: each of the two has built blocks of round 0 since.
const GRACE: u64 = 10;

impl Property for EvidenceCompleteness {
    fn name(&self) -> &'static str {
        "evidence completeness"
    }

    fn see(&mut self, scene: &Scene, sight: &Sight<'_>) -> Result<(), String> {
        match sight {
            Sight::Accused { by, evidence } => {
                let accusers = self.accusers.entry(evidence.offence()).or_default();
                accusers.insert(*by);
                Ok(())
            }
            Sight::Committed { decided, .. } => {
                let (height, block) = (decided.block.height(), decided.block.block());
                if height <= self.newest {
                    return Ok(());
                }
                self.newest = height;
                let mut carried = block.evidence.iter();
                carried.try_for_each(|evidence| {
                    let verified = evidence.verify(&scene.set, &scene.context);
                    verified.map_err(|error| format!("block {height}: {error}: {evidence:?}"))?;
                    self.carry(scene, height, evidence.offence())
                })
            }
            Sight::Ended { .. } => {
                self.count();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn figures(&self) -> Figures {
        Figures {
            offences_due: self.due,
            offences_committed: self.committed,
            ..Figures::default()
        }
    }
}

impl EvidenceCompleteness {
    fn carry(&mut self, scene: &Scene, height: Height, offence: Offence) -> Result<(), String> {
        let accused = scene.set.index_of(&offence.validator);
        if accused.is_none_or(|node| scene.correct[node]) {
            return Err(format!("block {height} accuses a correct node: {offence}"));
        }
        match self.carried.insert(offence, height) {
            Some(first) => Err(format!("blocks {first} and {height} carry {offence}")),
            None => Ok(()),
        }
    }

    fn count(&mut self) {
        let is_over = |offence: &Offence| offence.height.0 + GRACE <= self.newest.0;
        for (offence, accusers) in &self.accusers {
            if accusers.len() >= 2 && is_over(offence) {
                self.due += 1;
                self.committed += u64::from(self.carried.contains_key(offence));
            }
        }
    }
}
