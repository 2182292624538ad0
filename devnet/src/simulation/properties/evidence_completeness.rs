//! P3: what a single correct node keeps proof of, a block carries a few heights after that node could
//! tell it, once the faults are over; and no block ever carries evidence against somebody who followed the rules, or
//! the same offence twice, or of one validator more than the rules allow.
//!
//! The few heights are those of blocks with a place for it. A block that accuses the same validator
//! as often as it may has none, and whoever was named as often as the chain ever names anybody is
//! named no more. A correct node whose block has a place for an accused holds fewer proofs against it
//! than a block carries. So it has not run out of budget for that accused, which comes back as fast
//! as blocks carry proofs and is spent only on what it then holds: it has taken what it was told.
//!
//! How much of what is noticed is also kept (a fall may come between) is a figure of whole batches.
//! In each world it is judged by what the nodes were told, too, not only by what they say that they
//! have noticed: where two of them have each heard both of many pairs of votes, not all pairs may be
//! lost.
use super::{Figures, Property, Scene, Sight};
use crate::simulation::message::Payload;
use crate::simulation::plan::HEIGHTS_GAINED;
use lockstep_protocol::limits::{
    EVIDENCE_PER_BLOCK_MAX, EVIDENCE_PER_BLOCK_PER_VALIDATOR_MAX, EVIDENCE_PER_VALIDATOR_MAX,
    EVIDENCE_TELL_EVERY_HEIGHTS,
};
use lockstep_protocol::nouns::evidence::{Evidence, Offence};
use lockstep_protocol::nouns::vote::{SignedVote, VoteKind};
use lockstep_protocol::types::{Address, Height, Round};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub(super) struct EvidenceCompleteness {
    accusers: BTreeMap<Offence, BTreeSet<usize>>,
    /// Who has an offence on disk.
    kept: BTreeMap<(Offence, usize), Kept>,
    carried: BTreeMap<Offence, Height>,
    /// Whom each block accuses, and how often.
    accused: BTreeMap<Height, BTreeMap<Address, usize>>,
    newest: Height,
    due: u64,
    committed: u64,
    /// What each node was told about the height that it decides.
    ears: BTreeMap<usize, Ear>,
    /// Who has heard both votes of an offence.
    witnesses: BTreeMap<Offence, BTreeSet<usize>>,
}

/// Proof that a node has on disk. It tells the others by its own heights: whoever stands still far
/// behind a chain that goes on without it tells nobody before it has caught up.
struct Kept {
    /// Its height by which it has told it.
    tells: Height,
    /// The newest height of all at that moment.
    told: Option<Height>,
}

#[derive(Default)]
struct Ear {
    committed: Height,
    votes: BTreeMap<(Address, Round, VoteKind), Vec<SignedVote>>,
}

/// Blocks with a place for it after which an offence is due: since its own height, since a node has
/// told it that has it on disk, and since the faults have stopped. It is told to all, perhaps twice,
/// and the next who builds a block has it.
const GRACE: u64 = 8;
/// Offences that two nodes have heard, of which at least one must be in a block. Single ones are lost
/// rightly: a vote that can change nothing any more is not kept (E2), and a fall forgets votes.
const HEARD_MIN: usize = 8;

impl Property for EvidenceCompleteness {
    fn see(&mut self, scene: &Scene, node: usize, sight: &Sight<'_>) -> Result<(), String> {
        match sight {
            Sight::Accused(evidence) => {
                let accusers = self.accusers.entry(evidence.offence()).or_default();
                accusers.insert(node);
                Ok(())
            }
            Sight::Kept(evidence) => {
                let offence = evidence.offence();
                let head = self.ears.get(&node).map_or(Height(0), |ear| ear.committed);
                let again = Height(head.0 + EVIDENCE_TELL_EVERY_HEIGHTS);
                let tells = again.max(offence.height.next());
                let told = None;
                let kept = self.kept.entry((offence, node));
                kept.or_insert(Kept { tells, told });
                Ok(())
            }
            Sight::Heard(payload) => {
                self.hear(scene, node, payload);
                Ok(())
            }
            Sight::Committed(decided) => {
                let (height, block) = (decided.block.height(), decided.block.block());
                let committed = height;
                let votes = BTreeMap::new();
                self.ears.insert(node, Ear { committed, votes });
                let is_newest = height > self.newest;
                self.newest = self.newest.max(height);
                for ((_, by), kept) in &mut self.kept {
                    if *by == node && height >= kept.tells {
                        kept.told.get_or_insert(self.newest);
                    }
                }
                if !is_newest {
                    return Ok(());
                }
                self.accused.entry(height).or_default();
                let mut carried = block.evidence.iter();
                carried.try_for_each(|evidence| {
                    let verified =
                        evidence.verify(scene.at(evidence.offence().height), &scene.context);
                    verified.map_err(|error| format!("block {height}: {error}: {evidence:?}"))?;
                    self.carry(scene, height, evidence.offence())
                })
            }
            Sight::Ended { wanted, .. } => {
                self.count();
                self.judge_kept(Height(wanted.0.saturating_sub(HEIGHTS_GAINED)))?;
                self.judge_heard()
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
        let accused = scene.node_of(&offence.validator);
        if accused.is_none_or(|node| scene.correct[node]) {
            return Err(format!("block {height} accuses a correct node: {offence}"));
        }
        let here = self.accused.entry(height).or_default();
        let times = here.entry(offence.validator).or_default();
        *times += 1;
        if *times > EVIDENCE_PER_BLOCK_PER_VALIDATOR_MAX {
            return Err(format!(
                "block {height} carries {offence} and too many like it"
            ));
        }
        if self.times_named(&offence.validator) > EVIDENCE_PER_VALIDATOR_MAX {
            return Err(format!("block {height} carries {offence}: that is enough"));
        }
        match self.carried.insert(offence, height) {
            Some(first) => Err(format!("blocks {first} and {height} carry {offence}")),
            None => Ok(()),
        }
    }

    fn hear(&mut self, scene: &Scene, node: usize, payload: &Payload) {
        let votes = payload.votes().iter();
        let ear = self.ears.entry(node).or_default();
        let next = ear.committed.next();
        for signed in votes.filter(|signed| signed.vote.height == next) {
            let vote = &signed.vote;
            let accused = scene.node_of(&vote.validator);
            if accused.is_none_or(|accused| scene.correct[accused]) {
                continue;
            }
            let said = ear.votes.entry((vote.validator, vote.round, vote.kind));
            let said = said.or_default();
            let value = |signed: &SignedVote| (signed.vote.block_id, signed.vote.valid_round);
            let is_new = said.iter().all(|known| value(known) != value(signed));
            if said.len() < 2 && is_new && signed.verify(scene.at(next), &scene.context).is_ok() {
                said.push(signed.clone());
                if let [a, b] = &said[..] {
                    let evidence = Evidence::of_votes(a.clone(), b.clone());
                    let witnesses = self.witnesses.entry(evidence.offence()).or_default();
                    witnesses.insert(node);
                }
            }
        }
    }

    /// `calm`: the newest height when the faults stopped.
    fn judge_kept(&self, calm: Height) -> Result<(), String> {
        for ((offence, by), kept) in &self.kept {
            let Some(since) = kept.told else {
                continue;
            };
            let is_due = self.is_due(offence, since.max(calm));
            if is_due && !self.carried.contains_key(offence) {
                let newest = self.newest;
                return Err(format!(
                    "node {by} has told proof by height {since}, and no block up to {newest} \
                     carries it: {offence}"
                ));
            }
        }
        Ok(())
    }

    fn judge_heard(&self) -> Result<(), String> {
        let heard = self.witnesses.iter();
        let heard = heard.filter(|(offence, by)| by.len() >= 2 && self.is_over(offence));
        let heard: Vec<&Offence> = heard.map(|(offence, _)| offence).collect();
        let is_lost = |offence: &&&Offence| !self.carried.contains_key(**offence);
        let lost = heard.iter().filter(is_lost).count();
        if heard.len() >= HEARD_MIN && lost == heard.len() {
            return Err(format!(
                "no block carries any of {lost} offences heard by two"
            ));
        }
        Ok(())
    }

    fn is_over(&self, offence: &Offence) -> bool {
        self.carried.contains_key(offence) || self.is_due(offence, offence.height)
    }

    /// Whether enough blocks since this height had a place for it, and some may still come.
    fn is_due(&self, offence: &Offence, since: Height) -> bool {
        let accused = &offence.validator;
        let has_place = |block: &BTreeMap<Address, usize>| {
            let times = block.get(accused).copied().unwrap_or(0);
            let is_full = block.values().sum::<usize>() >= EVIDENCE_PER_BLOCK_MAX;
            times < EVIDENCE_PER_BLOCK_PER_VALIDATOR_MAX && !is_full
        };
        let since = since.max(offence.height);
        let later = self.accused.range(since.next()..);
        let with_place = later.filter(|(_, block)| has_place(block)).count() as u64;
        with_place >= GRACE && self.times_named(accused) < EVIDENCE_PER_VALIDATOR_MAX
    }

    fn times_named(&self, accused: &Address) -> u64 {
        let blocks = self.accused.values();
        let times = blocks.filter_map(|block| block.get(accused).copied());
        times.sum::<usize>() as u64
    }

    fn count(&mut self) {
        for (offence, accusers) in &self.accusers {
            if accusers.len() >= 2 && self.is_over(offence) {
                self.due += 1;
                self.committed += u64::from(self.carried.contains_key(offence));
            }
        }
    }
}
