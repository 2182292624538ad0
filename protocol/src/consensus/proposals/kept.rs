//! What others propose, and what became of it: admitted cheapest check first, executed, and told to the
//! round machine with its verdict; once more when somebody has forgotten it.
use super::{Output, Proposals};
use crate::consensus::facts::{CheckedProposal, Fact, Verdict};
use crate::consensus::tally::Admission;
use crate::limits::CLOCK_DRIFT_MS;
use crate::nouns::commit::PolkaCertificate;
use crate::nouns::proposal::{Proposal, ProposedBlock};
use crate::types::{BlockId, Height, Timestamp};
use std::sync::Arc;

/// One of the height under decision, with its verdict once the ledger has executed it.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) message: Arc<ProposedBlock>,
    verdict: Option<Verdict>,
}

impl Proposals {
    /// Cheapest check first; the signatures are the last.
    pub(super) fn received(
        &mut self,
        message: Arc<ProposedBlock>,
        now: Timestamp,
        out: &mut Vec<Output>,
    ) -> Admission {
        let block = (message.block.id(), message.block.height());
        if !is_well_formed(&message.proposal, block, message.polka.as_deref()) {
            return Admission::Malformed;
        }
        if let Some(refusal) = self.refuse(now, &message.proposal, out) {
            return refusal;
        }
        if let Some(refusal) = self.refuse_polka(now, &message.proposal, message.polka.as_ref()) {
            return refusal;
        }
        self.admit(message, out)
    }

    pub(super) fn admit(
        &mut self,
        message: Arc<ProposedBlock>,
        out: &mut Vec<Output>,
    ) -> Admission {
        out.push(Output::Prevote(message.proposal.clone()));
        if message.proposal.height > self.height {
            let proposal = &message.proposal;
            out.push(Output::Ahead(proposal.proposer, proposal.height));
            self.forget_partial(&message.proposal);
            self.early.push(message);
            return Admission::Counted;
        }
        if message.proposal.round > self.round.next() {
            // The tally notes that its sender is there; the block comes again (E6).
            self.far
                .insert(message.proposal.proposer, message.proposal.round);
            return Admission::TooEarly;
        }
        self.keep(message, None, out);
        Admission::Counted
    }

    pub(super) fn own(&mut self, message: Arc<ProposedBlock>, out: &mut Vec<Output>) {
        let proposal = &message.proposal;
        let kept = self.rounds.get(&proposal.round);
        let known = kept.is_some_and(|kept| kept.iter().any(|k| k.message.proposal == *proposal));
        if proposal.height == self.height && proposal.proposer == self.me && !known {
            out.push(Output::Prevote(proposal.clone()));
            self.keep(message, Some(Verdict::Valid), out);
        }
    }

    pub(super) fn keep(
        &mut self,
        message: Arc<ProposedBlock>,
        verdict: Option<Verdict>,
        out: &mut Vec<Output>,
    ) {
        self.forget_partial(&message.proposal);
        if let Some(polka) = &message.polka {
            out.push(Output::Fact(self.height, Fact::Polka(polka.clone())));
        }
        if verdict.is_none() {
            out.push(Output::Execute(message.block.clone()));
        }
        let round = message.proposal.round;
        self.rounds
            .entry(round)
            .or_default()
            .push(Kept { message, verdict });
    }

    pub(super) fn executed(
        &mut self,
        now: Timestamp,
        id: BlockId,
        valid: bool,
        out: &mut Vec<Output>,
    ) {
        let height = self.height;
        for kept in self.rounds.values_mut().flatten() {
            if kept.message.block.id() != id || kept.verdict.is_some() {
                continue;
            }
            let timely = kept.message.block.header().time <= now.plus_ms(CLOCK_DRIFT_MS);
            let if_valid = if timely {
                Verdict::Valid
            } else {
                Verdict::Untimely
            };
            kept.verdict = Some(judge(valid, if_valid));
            out.extend(
                kept.checked()
                    .map(|checked| Output::Checked(height, checked)),
            );
        }
    }

    pub(super) fn ask_again(&self, out: &mut Vec<Output>) {
        let unchecked = self
            .rounds
            .values()
            .flatten()
            .filter(|kept| kept.verdict.is_none());
        out.extend(unchecked.map(|kept| Output::Execute(kept.message.block.clone())));
        self.fill_again(out);
    }

    pub(super) fn retell(&self, out: &mut Vec<Output>) {
        for kept in self.rounds.values().flatten() {
            let polka = kept.message.polka.clone().map(Fact::Polka);
            out.extend(polka.map(|fact| Output::Fact(self.height, fact)));
            out.extend(
                kept.checked()
                    .map(|checked| Output::Checked(self.height, checked)),
            );
        }
    }
}

impl Kept {
    fn checked(&self) -> Option<CheckedProposal> {
        let proposal = &self.message.proposal;
        Some(CheckedProposal {
            round: proposal.round,
            valid_round: proposal.valid_round,
            block: self.message.block.clone(),
            verdict: self.verdict?,
        })
    }
}

/// Whether block, valid round and polka belong to the proposal.
pub(super) fn is_well_formed(
    proposal: &Proposal,
    (block_id, height): (BlockId, Height),
    polka: Option<&PolkaCertificate>,
) -> bool {
    let block = block_id == proposal.block_id && height == proposal.height;
    let polka = match (proposal.valid_round, polka) {
        (None, None) => true,
        (Some(valid_round), Some(polka)) => {
            let PolkaCertificate {
                height,
                round,
                block_id,
                ..
            } = polka;
            valid_round < proposal.round
                && (*height, *round, *block_id) == (proposal.height, valid_round, proposal.block_id)
        }
        _ => false,
    };
    block && polka
}

fn judge(valid: bool, if_valid: Verdict) -> Verdict {
    planted!(EveryBlockValid => return if_valid);
    if valid { if_valid } else { Verdict::Invalid }
}
