//! Which proposals are refused: cheapest check first, the signature last.
use super::{Output, Proposals};
use crate::consensus::durable::SignStep;
use crate::consensus::tally::Admission;
use crate::limits::{PROPOSALS_PER_ROUND_MAX, ROUNDS_KEPT_MAX};
use crate::nouns::evidence::Evidence;
use crate::nouns::proposal::{Proposal, ProposedBlock};
use crate::types::{Round, Timestamp};

impl Proposals {
    /// Whether the block of this proposal is worth reading, as long as nothing but the signed part
    /// is known.
    pub(super) fn screen(&mut self, now: Timestamp, proposal: &Proposal, out: &mut Vec<Output>) {
        let malformed = proposal.valid_round.is_some_and(|vr| vr >= proposal.round);
        let refusal = if malformed {
            Some(Admission::Malformed)
        } else {
            self.refuse(now, proposal, out)
        };
        out.extend(refusal.map(Output::Admission));
    }

    /// Cheapest check first; the signature is the last.
    pub(super) fn refuse(
        &mut self,
        now: Timestamp,
        proposal: &Proposal,
        out: &mut Vec<Output>,
    ) -> Option<Admission> {
        if proposal.height < self.height {
            return Some(Admission::Stale);
        }
        let set = self.set_of(proposal.height);
        if set.index_of(&proposal.proposer).is_none() {
            // Who decides later heights is not known here: it may be a newcomer of one of them.
            let is_known = proposal.height <= self.height.next();
            return Some(if is_known {
                Admission::UnknownValidator
            } else {
                Admission::TooEarly
            });
        }
        if let Some(refusal) = self.refuse_before_signature(proposal) {
            // The same has been verified before. Said again, it is told again: whoever failed to
            // answer is asked again only then.
            if refusal == Admission::Duplicate && proposal.height > self.height {
                out.push(Output::Ahead(proposal.proposer, proposal.height));
            }
            // Not verified: a forged one makes this node ask a peer once, when it gets there.
            if refusal == Admission::TooEarly {
                out.push(Output::Refused(proposal.proposer, proposal.height));
                // Where the chain waits for this node, a proposal may be all that comes from there.
                let is_far = proposal.height > self.height.next();
                if is_far && self.refuse_signature(now, proposal).is_none() {
                    out.push(Output::Ahead(proposal.proposer, proposal.height));
                }
            }
            return Some(refusal);
        }
        let turn = self.is_turn(proposal);
        if !turn && self.accused.contains(&proposal.proposer) {
            return Some(Admission::WrongProposer);
        }
        if let Some(refusal) = self.refuse_signature(now, proposal) {
            return Some(refusal);
        }
        if !turn {
            if proposal.proposer == self.me {
                let position = (proposal.height, proposal.round, SignStep::Propose);
                out.push(Output::OwnSeen(position));
            }
            self.accused.insert(proposal.proposer);
            let evidence = Evidence::WrongProposer(proposal.clone());
            out.push(Output::Evidence(Box::new(evidence)));
            return Some(Admission::WrongProposer);
        }
        None
    }

    fn is_turn(&self, proposal: &Proposal) -> bool {
        planted!(AnyProposer => return true);
        let Proposal { height, round, .. } = *proposal;
        self.set_of(height).proposer(height, round) == proposal.proposer
    }

    fn verifies(&self, proposal: &Proposal) -> bool {
        planted!(UnverifiedProposals => return true);
        let set = self.set_of(proposal.height);
        proposal.verify(set, &self.context).is_ok()
    }

    /// The budget and the signature, which is checked once however often it comes.
    fn refuse_signature(&mut self, now: Timestamp, proposal: &Proposal) -> Option<Admission> {
        let beyond = proposal.height > self.height.next()
            || (proposal.height == self.height && proposal.round > self.round.next());
        match self.seen_before.known(proposal) {
            Some(true) => return None,
            Some(false) => return Some(Admission::BadSignature),
            None if beyond && !self.budgets.allows(&proposal.proposer, now.0) => {
                return Some(Admission::OverBudget);
            }
            None => {}
        }
        let verifies = self.verifies(proposal);
        if verifies && beyond {
            self.budgets.spend(proposal.proposer, now.0);
        }
        self.seen_before.remember(proposal, verifies);
        (!verifies).then_some(Admission::BadSignature)
    }

    pub(super) fn refuse_before_signature(&self, proposal: &Proposal) -> Option<Admission> {
        let same_round = |other: &&ProposedBlock| other.proposal.round == proposal.round;
        let value = |p: &Proposal| (p.block_id, p.valid_round);
        let (kept, newest): (Vec<&ProposedBlock>, Round) = if proposal.height == self.height {
            if proposal.round.0 < self.round.0.saturating_sub(ROUNDS_KEPT_MAX) {
                return Some(Admission::Stale);
            }
            let seen = self.far.get(&proposal.proposer);
            let beyond = proposal.round > self.round.next();
            if beyond && seen.is_some_and(|seen| *seen >= proposal.round) {
                return Some(Admission::Duplicate);
            }
            let kept = self
                .rounds
                .get(&proposal.round)
                .map_or(&[][..], Vec::as_slice);
            (
                kept.iter().map(|kept| &*kept.message).collect(),
                Round(u32::MAX),
            )
        } else if proposal.height == self.height.next() {
            let early = self.early.iter().map(|early| &**early);
            (early.filter(same_round).collect(), Round::ZERO.next())
        } else {
            return Some(Admission::TooEarly);
        };
        if proposal.round > newest {
            return Some(Admission::TooEarly);
        }
        if kept
            .iter()
            .any(|other| value(&other.proposal) == value(proposal))
        {
            return Some(Admission::Duplicate);
        }
        (kept.len() >= PROPOSALS_PER_ROUND_MAX).then_some(Admission::Equivocation)
    }
}
