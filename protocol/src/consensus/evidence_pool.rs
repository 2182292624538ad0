//! Evidence that waits for a block: verified, each offence once, the oldest first. Part of the
//! brain of the Committer, which also holds the ledger.
//!
//! Whoever has seen an offence puts its proof into the next block that it builds. Usually that is
//! enough: most see it, and the next block carries it. What the next block has not carried is told
//! to the other validators, and again every few heights for as long as it waits: so the proof
//! reaches a block although only nodes hold it that are too late for each of their turns. What
//! waits is on disk, survives a fall of the actor and of the node, and is then told anew. Heights,
//! and no clock, set the pace: on a chain that stands still nobody could include it anyway.
//!
//! What others tell is looked at in the order of what it costs ([`EvidencePool::receive`]). It takes
//! a free place and never that of another: who accuses itself of ever older offences would have each
//! of them written.
//!
//! Bounds: a validator has at most [`EVIDENCE_PENDING_PER_VALIDATOR_MAX`] offences waiting; all
//! together [`EVIDENCE_PENDING_MAX`]. For what this node has seen itself the newest of the same
//! validator gives way if it is newer still, or else the newest of whoever has most.
use super::tally::Admission;
use crate::budget::{Budgets, Rate};
use crate::codec;
use crate::ledger::{Ledger, ReadError};
use crate::limits::{
    EVIDENCE_AGE_MAX, EVIDENCE_BYTES_MAX, EVIDENCE_PENDING_MAX, EVIDENCE_PENDING_PER_VALIDATOR_MAX,
    EVIDENCE_PER_BLOCK_MAX, EVIDENCE_PER_BLOCK_PER_VALIDATOR_MAX, EVIDENCE_TELL_EVERY_HEIGHTS,
    EVIDENCE_TOLD_BURST_MAX, EVIDENCE_TOLD_PER_HEIGHT,
};
use crate::nouns::evidence::{Evidence, EvidenceError, Offence};
use crate::nouns::sign_bytes::SignContext;
use crate::types::{Address, Height};
use crate::validators::set::ValidatorSet;
use std::collections::{BTreeMap, BTreeSet};

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
    /// It is too old, there is no room for it, or blocks have carried enough of its validator.
    Dropped,
    /// It proves nothing.
    Refused(EvidenceError),
    /// Of a height that this node has not come to. Only of what others tell.
    TooEarly,
    /// It accuses nobody in the set. Only of what others tell.
    UnknownValidator,
    /// So much about this validator has been taken of late that this must wait. Only of what others
    /// tell.
    OverBudget,
}

impl Added {
    /// How whoever told it is answered.
    pub fn admission(&self) -> Admission {
        match self {
            Added::New { .. } => Admission::Counted,
            Added::Known => Admission::Duplicate,
            Added::Dropped => Admission::Unneeded,
            Added::Refused(EvidenceError::Signature) => Admission::BadSignature,
            Added::Refused(EvidenceError::NoContradiction | EvidenceError::Malformed) => {
                Admission::Malformed
            }
            Added::TooEarly => Admission::TooEarly,
            Added::UnknownValidator => Admission::UnknownValidator,
            Added::OverBudget => Admission::OverBudget,
        }
    }
}

#[derive(Clone, Debug)]
struct Waiting {
    evidence: Evidence,
    /// The head when the others were told last, or when one of them told it here.
    told: Option<Height>,
}

/// The evidence of one node that no block has carried yet.
#[derive(Clone, Debug)]
pub struct EvidencePool {
    waiting: BTreeMap<Offence, Waiting>,
    /// What others have told about each accused, by heights.
    told: Budgets,
}

/// About one validator as much as blocks carry, and so counted by heights: where the chain stands
/// still, nobody could include more.
const TOLD: Rate = Rate {
    burst: EVIDENCE_TOLD_BURST_MAX,
    per_thousand: 1_000 * EVIDENCE_TOLD_PER_HEIGHT,
};

impl Default for EvidencePool {
    fn default() -> EvidencePool {
        let waiting = BTreeMap::new();
        let told = Budgets::new(TOLD);
        EvidencePool { waiting, told }
    }
}

impl EvidencePool {
    /// Takes evidence, from this node's brains or from its disk. Verified here, whoever found it.
    pub fn add(&mut self, evidence: Evidence, ledger: &mut Ledger) -> Result<Added, ReadError> {
        let offence = evidence.offence();
        if self.is_known(&offence, ledger)? {
            return Ok(Added::Known);
        }
        let is_large = codec::encode(&evidence).len() > EVIDENCE_BYTES_MAX;
        let is_named = ledger.accusations_left(&offence.validator)? == 0;
        if is_large || is_named || is_expired(&offence, ledger.head().height) {
            return Ok(Added::Dropped);
        }
        Ok(self.verified(evidence, None, ledger))
    }

    /// Takes evidence that another node has told. Cheapest first: is the offence known, too old or
    /// of a height to come, is the accused a validator, would the offence be kept at all; then the
    /// two signatures, within a budget of the accused. Only what verifies uses that up, so nobody
    /// spends it for another.
    pub fn receive(&mut self, evidence: Evidence, ledger: &mut Ledger) -> Result<Added, ReadError> {
        let offence = evidence.offence();
        let head = ledger.head().height;
        if self.is_known(&offence, ledger)? {
            return Ok(Added::Known);
        }
        if offence.height > head.next() {
            return Ok(Added::TooEarly);
        }
        let accused = offence.validator;
        match ledger.validators().at(offence.height) {
            Some(set) if set.index_of(&accused).is_none() => return Ok(Added::UnknownValidator),
            Some(_) if !is_expired(&offence, head) && self.has_room(&accused) => {}
            _ => return Ok(Added::Dropped),
        }
        if ledger.accusations_left(&accused)? == 0 {
            return Ok(Added::Dropped);
        }
        if !self.told.allows(&accused, head.0) {
            return Ok(Added::OverBudget);
        }
        let added = self.verified(evidence, Some(head), ledger);
        if !matches!(added, Added::Refused(_)) {
            self.told.spend(accused, head.0);
        }
        Ok(added)
    }

    fn is_known(&self, offence: &Offence, ledger: &Ledger) -> Result<bool, ReadError> {
        Ok(self.waiting.contains_key(offence) || ledger.is_committed(offence)?)
    }

    /// Checks both signatures, whoever found it.
    fn verified(&mut self, evidence: Evidence, told: Option<Height>, ledger: &mut Ledger) -> Added {
        let offence = evidence.offence();
        // A height whose set is no longer known is as good as expired.
        let Some(set) = ledger.validators().at(offence.height) else {
            return Added::Dropped;
        };
        if let Err(error) = check(&evidence, set, &ledger.rules().context) {
            return Added::Refused(error);
        }
        ledger.note_evidence(&evidence);
        self.waiting.insert(offence, Waiting { evidence, told });
        let displaced = self.make_room(offence.validator);
        if displaced.contains(&offence) {
            return Added::Dropped;
        }
        Added::New { displaced }
    }

    /// What the others must be told, now that `head` is the newest block: of offences that it
    /// could have carried, those that they were not told of late. The oldest of each accused first,
    /// no more at a time than a block carries. Whoever calls this tells them.
    pub fn to_tell(&mut self, head: Height) -> Vec<Evidence> {
        planted!(EvidenceKeptToOneself => return Vec::new());
        let is_due = |told: Option<Height>| {
            let since = told.map(|told| head.0.saturating_sub(told.0));
            since.is_none_or(|heights| heights >= EVIDENCE_TELL_EVERY_HEIGHTS)
        };
        let over = self.waiting.iter().filter(|(o, _)| o.height < head);
        let due = over.filter(|(_, waiting)| is_due(waiting.told));
        let due = by_turns(due.map(|(offence, _)| offence)).into_iter();
        let mut told = Vec::new();
        for (_, offence) in due.take(EVIDENCE_PER_BLOCK_MAX) {
            if let Some(waiting) = self.waiting.get_mut(&offence) {
                waiting.told = Some(head);
                told.push(waiting.evidence.clone());
            }
        }
        told
    }

    /// The head of `ledger` has become the newest block: what it `carried`, and what no later one can
    /// carry, waits no more. Says what else than by that block and by age.
    pub fn committed(
        &mut self,
        carried: &[Evidence],
        ledger: &Ledger,
    ) -> Result<Vec<Offence>, ReadError> {
        let mut named = BTreeSet::new();
        for evidence in carried {
            self.waiting.remove(&evidence.offence());
            if ledger.accusations_left(&evidence.validator())? == 0 {
                named.insert(evidence.validator());
            }
        }
        let height = ledger.head().height;
        self.waiting
            .retain(|offence, _| !is_expired(offence, height));
        let is_hopeless = |offence: &Offence| {
            named.contains(&offence.validator) || ledger.validators().at(offence.height).is_none()
        };
        let hopeless = self
            .waiting
            .extract_if(.., |offence, _| is_hopeless(offence));
        Ok(hopeless.map(|(offence, _)| offence).collect())
    }

    /// For the block after `head`: as many offences as a block carries, of each accused the oldest.
    pub fn candidates(&self, head: Height) -> Vec<Evidence> {
        let over = self.waiting.keys().filter(|o| o.height <= head);
        let turns = by_turns(over).into_iter();
        turns
            .filter(|(turn, _)| *turn < EVIDENCE_PER_BLOCK_PER_VALIDATOR_MAX)
            .take(EVIDENCE_PER_BLOCK_MAX)
            .filter_map(|(_, offence)| self.waiting.get(&offence))
            .map(|waiting| waiting.evidence.clone())
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

    /// Whether one more offence of this validator displaces none.
    fn has_room(&self, accused: &Address) -> bool {
        let of_accused = self.of(accused).count();
        of_accused < EVIDENCE_PENDING_PER_VALIDATOR_MAX && self.waiting.len() < EVIDENCE_PENDING_MAX
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

/// The first offence of each accused, in their order, then the second of each, and so on: nobody
/// keeps the proof against another waiting by accusing itself.
fn by_turns<'a>(offences: impl Iterator<Item = &'a Offence>) -> Vec<(usize, Offence)> {
    let mut turns: BTreeMap<Address, usize> = BTreeMap::new();
    let mut ranked: Vec<(usize, Offence)> = offences
        .map(|offence| {
            let next = turns.entry(offence.validator).or_default();
            let turn = *next;
            *next = turn.saturating_add(1);
            (turn, *offence)
        })
        .collect();
    ranked.sort_unstable();
    ranked
}

fn check(
    evidence: &Evidence,
    set: &ValidatorSet,
    context: &SignContext,
) -> Result<(), EvidenceError> {
    planted!(UnverifiedEvidence => return Ok(()));
    evidence.verify(set, context)
}

/// Whether the block after `head` may no longer carry it.
fn is_expired(offence: &Offence, head: Height) -> bool {
    head.next().0.saturating_sub(offence.height.0) > EVIDENCE_AGE_MAX
}

#[cfg(test)]
mod tests;
