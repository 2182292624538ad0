//! Compact proposals on their way to whole ones: admitted as those are, then filled, then kept.
//! What is missing is asked of their proposer, once. If that brings nothing, E5 asks for the whole
//! proposal, as if nothing had come: to whom a faulty proposer names transactions that nobody
//! holds, it has said nothing.
use super::kept::is_well_formed;
use super::{Output, Proposals};
use crate::consensus::tally::Admission;
use crate::limits::{PARTIAL_PROPOSALS_MAX, PROPOSALS_PER_ROUND_MAX};
use crate::nouns::block::SealedBlock;
use crate::nouns::compact::Assembly;
use crate::nouns::proposal::{Proposal, ProposedBlock};
use crate::nouns::transaction::Transaction;
use crate::types::{BlockId, Height, Timestamp};
use std::sync::Arc;

impl Proposals {
    /// As [`Proposals::screen`], of a proposal that comes by its leaves: one that waits for its rest
    /// already, or finds no place to, is not read. To read it costs a look-up for each leaf, and its
    /// whole may still come.
    pub(super) fn screen_compact(
        &mut self,
        now: Timestamp,
        proposal: &Proposal,
        out: &mut Vec<Output>,
    ) {
        if let Some(known) = self.refuse_known(proposal) {
            return out.push(Output::Admission(known));
        }
        self.screen(now, proposal, out);
        let passes = !out.iter().any(|o| matches!(o, Output::Admission(_)));
        if passes && self.place_for(proposal).is_none() {
            out.extend(self.asked_again(proposal));
            out.push(Output::Admission(Admission::TooEarly));
        }
    }

    /// Cheapest check first, as for a whole one; then what is missing is asked for.
    pub(super) fn compact(
        &mut self,
        assembly: Assembly,
        now: Timestamp,
        out: &mut Vec<Output>,
    ) -> Admission {
        let proposal = assembly.proposal();
        let block = (proposal.block_id, assembly.block_height());
        let polka = assembly.polka().map(|polka| &**polka);
        if !is_well_formed(proposal, block, polka) || assembly.is_oversize() {
            return Admission::Malformed;
        }
        if let Some(refusal) = self.refuse(now, proposal, out) {
            return refusal;
        }
        if let Some(refusal) = self.refuse_polka(now, proposal, assembly.polka()) {
            return refusal;
        }
        match self.whole(&assembly) {
            Some(message) => self.admit(Arc::new(message), out),
            None => self.wait_for_rest(assembly, out),
        }
    }

    /// A value that is proposed again is known from an earlier round.
    fn whole(&self, assembly: &Assembly) -> Option<ProposedBlock> {
        if assembly.missing() == 0 {
            return assembly.seal();
        }
        let id = assembly.proposal().block_id;
        let mut kept = self.rounds.values().flatten();
        let known = kept.find(|kept| kept.message.block.id() == id)?;
        Some(assembly.with_block(known.message.block.clone()))
    }

    fn wait_for_rest(&mut self, assembly: Assembly, out: &mut Vec<Output>) -> Admission {
        let proposal = assembly.proposal();
        if proposal.height == self.height && proposal.round > self.round.next() {
            // As with a whole one: the tally notes that its sender is there.
            out.push(Output::Prevote(proposal.clone()));
            self.far.insert(proposal.proposer, proposal.round);
            return Admission::TooEarly;
        }
        if let Some(known) = self.refuse_known(proposal) {
            return known;
        }
        let Some(place) = self.place_for(proposal) else {
            out.extend(self.asked_again(proposal));
            return Admission::TooEarly;
        };
        if place < self.partial.len() {
            self.partial.remove(place);
        }
        out.push(Output::Fetch(proposal.proposer, assembly.question()));
        self.partial.push(assembly);
        Admission::Incomplete
    }

    /// Whether this one, or as many others as there may be of its round, wait already.
    fn refuse_known(&self, proposal: &Proposal) -> Option<Admission> {
        let place = |p: &Proposal| (p.height, p.round);
        let same_round = self.partial.iter().map(Assembly::proposal);
        let mut same_round = same_round.filter(|p| place(p) == place(proposal));
        if same_round.clone().any(|p| is_same_value(p, proposal)) {
            return Some(Admission::Duplicate);
        }
        let second = same_round.nth(PROPOSALS_PER_ROUND_MAX.saturating_sub(1));
        second.map(|_| Admission::Equivocation)
    }

    /// Where it waits: behind the others, or instead of one. Only what is further from the round
    /// under way gives way: else whoever proposes next would push out what is being decided.
    fn place_for(&self, proposal: &Proposal) -> Option<usize> {
        if self.partial.len() < PARTIAL_PROPOSALS_MAX {
            return Some(self.partial.len());
        }
        let waiting = self.partial.iter().map(Assembly::proposal).enumerate();
        let (place, furthest) = waiting.max_by_key(|(_, p)| self.distance(p))?;
        (self.distance(proposal) < self.distance(furthest)).then_some(place)
    }

    /// From the round under way: it, those to come, those of the next height, those that are over.
    fn distance(&self, proposal: &Proposal) -> (u8, u32) {
        let (round, current) = (proposal.round.0, self.round.0);
        if proposal.height > self.height {
            (1, round)
        } else if round >= current {
            (0, round.saturating_sub(current))
        } else {
            (2, current.saturating_sub(round))
        }
    }

    /// One of the next height that is not kept is asked for when this node gets there (E5).
    fn asked_again(&self, proposal: &Proposal) -> Option<Output> {
        let is_next = proposal.height > self.height;
        is_next.then_some(Output::Refused(proposal.proposer, proposal.height))
    }

    /// What comes fills whatever it fits, and is forgotten otherwise.
    pub(super) fn fetched(
        &mut self,
        id: BlockId,
        transactions: &[Arc<Transaction>],
        out: &mut Vec<Output>,
    ) {
        let mut complete = Vec::new();
        self.partial.retain_mut(|partial| {
            if partial.proposal().block_id != id {
                return true;
            }
            partial.fill(transactions.iter().cloned());
            complete.extend(partial.seal());
            partial.missing() > 0
        });
        for message in complete {
            // The whole of it may have come meanwhile, or its round may be over.
            if self.refuse_before_signature(&message.proposal).is_none() {
                self.admit(Arc::new(message), out);
            }
        }
    }

    /// The whole of this one has come.
    pub(super) fn forget_partial(&mut self, proposal: &Proposal) {
        self.partial
            .retain(|partial| !is_same_value(partial.proposal(), proposal));
    }

    /// The block with this id, for whoever lacks transactions of it.
    pub fn proposed(&self, height: Height, id: &BlockId) -> Option<Arc<SealedBlock>> {
        let kept = self.rounds.values().flatten().map(|kept| &kept.message);
        let mut known = kept.chain(&self.early);
        let known = known.find(|m| m.proposal.height == height && m.proposal.block_id == *id)?;
        Some(known.block.clone())
    }
}

fn is_same_value(a: &Proposal, b: &Proposal) -> bool {
    let value = |p: &Proposal| (p.height, p.round, p.block_id, p.valid_round);
    value(a) == value(b)
}
