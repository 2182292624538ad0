//! Evidence that waits for a block: verified, each offence once, the oldest first. Part of the
//! brain of the Committer, which also holds the ledger.
//!
//! Nobody passes evidence on: whoever has seen an offence puts its proof into the next block that
//! it builds, and within n heights everybody builds one. What waits is on disk, so it survives a
//! fall of the actor and of the node.
//!
//! Bounds: a validator has at most [`EVIDENCE_PENDING_PER_VALIDATOR_MAX`] offences waiting, its
//! oldest; all together [`EVIDENCE_PENDING_MAX`], and whoever has most gives way first.
use crate::codec;
use crate::evidence::{Evidence, EvidenceError, Offence};
use crate::ledger::{Ledger, ReadError};
use crate::limits::{
    EVIDENCE_AGE_MAX, EVIDENCE_BYTES_MAX, EVIDENCE_PENDING_MAX, EVIDENCE_PENDING_PER_VALIDATOR_MAX,
    EVIDENCE_PER_BLOCK_MAX,
};
use crate::types::{Address, Height};
use std::collections::BTreeMap;

/// What became of a piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Added {
    /// It waits from now on: write it, and forget what had to give way for it.
    New {
        /// No longer waiting.
        displaced: Vec<Offence>,
    },
    /// The offence is known: it waits already, or a block has carried it. Nothing to write.
    Known,
    /// It is too old, or there is no room for it.
    Dropped,
    /// It proves nothing.
    Refused(EvidenceError),
}

/// The evidence of one node that no block has carried yet.
#[derive(Clone, Debug, Default)]
pub struct EvidencePool {
    waiting: BTreeMap<Offence, Evidence>,
}

impl EvidencePool {
    /// Takes evidence, from this node's brains or from its disk. Verified here, whoever found it.
    pub fn add(&mut self, evidence: Evidence, ledger: &mut Ledger) -> Result<Added, ReadError> {
        let offence = evidence.offence();
        if self.waiting.contains_key(&offence) || ledger.is_committed(&offence)? {
            return Ok(Added::Known);
        }
        let is_large = codec::encode(&evidence).len() > EVIDENCE_BYTES_MAX;
        if is_large || is_expired(&offence, ledger.head().height) {
            return Ok(Added::Dropped);
        }
        // A height whose set is no longer known is as good as expired.
        let Some(set) = ledger.validators().at(offence.height) else {
            return Ok(Added::Dropped);
        };
        if let Err(error) = evidence.verify(set, &ledger.rules().context) {
            return Ok(Added::Refused(error));
        }
        ledger.note_evidence(&evidence);
        self.waiting.insert(offence, evidence);
        let displaced = self.make_room(offence.validator);
        if displaced.contains(&offence) {
            return Ok(Added::Dropped);
        }
        Ok(Added::New { displaced })
    }

    /// A block is committed: what it carried, and what is too old for the next one, waits no more.
    pub fn committed(&mut self, height: Height, carried: &[Evidence]) {
        for evidence in carried {
            self.waiting.remove(&evidence.offence());
        }
        self.waiting
            .retain(|offence, _| !is_expired(offence, height));
    }

    /// For the block after `head`: the oldest offences, as many as a block carries.
    pub fn candidates(&self, head: Height) -> Vec<Evidence> {
        let over = self.waiting.iter().filter(|(o, _)| o.height <= head);
        over.map(|(_, evidence)| evidence.clone())
            .take(EVIDENCE_PER_BLOCK_MAX)
            .collect()
    }

    /// How many offences wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn make_room(&mut self, accused: Address) -> Vec<Offence> {
        let mut displaced = Vec::new();
        if self.of(&accused).count() > EVIDENCE_PENDING_PER_VALIDATOR_MAX {
            displaced.extend(self.of(&accused).next_back().copied());
        } else if self.waiting.len() > EVIDENCE_PENDING_MAX {
            let mut counts: BTreeMap<Address, usize> = BTreeMap::new();
            for offence in self.waiting.keys() {
                let count = counts.entry(offence.validator).or_default();
                *count = count.saturating_add(1);
            }
            let most = counts.into_iter().max_by_key(|(_, count)| *count);
            displaced.extend(most.and_then(|(worst, _)| self.of(&worst).next_back().copied()));
        }
        displaced.iter().for_each(|o| _ = self.waiting.remove(o));
        displaced
    }

    fn of(&self, accused: &Address) -> impl DoubleEndedIterator<Item = &Offence> {
        self.waiting.keys().filter(move |o| o.validator == *accused)
    }
}

/// Whether the block after `head` may no longer carry it.
fn is_expired(offence: &Offence, head: Height) -> bool {
    head.next().0.saturating_sub(offence.height.0) > EVIDENCE_AGE_MAX
}

#[cfg(test)]
mod tests;
