//! The polka that a proposal brings for its valid round: verified once, and never without a budget. To
//! refuse one of a large set costs as much as two thirds of its signatures.
//!
//! What a proposer signs names the valid round and not the polka, so that a certificate of other
//! signers proves the same. Therefore a polka that does not verify is no proof against anybody:
//! whoever has read a proposal can put another one beside it. It is counted, and costs its proposer
//! budget. (A valid round that is not before its own is signed by its proposer; it is refused
//! unlooked at, because to prove it would cost more than it does.)
//!
//! For the same reason the budget must not silence anybody: others could use it up. So of a round
//! under way, and of the next, one polka is looked at whatever has been before. A proposer sends
//! the good one to everybody at once, before anybody else can have read what it signs; and once
//! that is kept, the same proposal with another polka is a duplicate.
use super::Proposals;
use crate::budget::{Budgets, Rate};
use crate::consensus::tally::Admission;
use crate::nouns::commit::{CertificateError, PolkaCertificate};
use crate::nouns::proposal::Proposal;
use crate::types::{Address, Round, Timestamp};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What polkas that did not verify have cost.
#[derive(Clone, Debug)]
pub(super) struct BadPolkas {
    budgets: Budgets,
    /// Rounds of this height from the one under way on, of which one did not verify.
    rounds: BTreeSet<Round>,
}

impl Default for BadPolkas {
    fn default() -> BadPolkas {
        BadPolkas {
            budgets: Budgets::new(Rate::BAD_POLKAS),
            rounds: BTreeSet::new(),
        }
    }
}

impl BadPolkas {
    fn allows(&self, proposer: &Address, now: Timestamp) -> bool {
        planted!(BadPolkaFree => return true);
        self.budgets.allows(proposer, now.0)
    }

    pub(super) fn enter_height(&mut self, stays: impl Fn(&Address) -> bool) {
        self.budgets.retain(stays);
        self.rounds.clear();
    }

    pub(super) fn enter_round(&mut self, round: Round) {
        self.rounds.retain(|seen| *seen >= round);
    }
}

impl Proposals {
    /// The budget, and then the polka's signatures. One that verifies costs nothing.
    pub(super) fn refuse_polka(
        &mut self,
        now: Timestamp,
        proposal: &Proposal,
        polka: Option<&Arc<PolkaCertificate>>,
    ) -> Option<Admission> {
        planted!(NoPolkaInL28 => return None);
        let polka = polka?;
        let is_now = proposal.height == self.height;
        let is_beyond = is_now && proposal.round > self.round.next();
        // One that is beyond is noted and not kept: its polka comes again with it.
        if is_beyond {
            return None;
        }
        let kept = self.rounds.values().flatten();
        let mut known = kept.filter_map(|kept| kept.message.polka.as_ref());
        if known.any(|known| known == polka) {
            return None;
        }
        if self.seen_before.has_refused(&**polka) {
            return Some(Admission::BadSignature);
        }
        let is_near = is_now && proposal.round >= self.round;
        let is_first = is_near && !self.bad_polkas.rounds.contains(&proposal.round);
        if !is_first && !self.bad_polkas.allows(&proposal.proposer, now) {
            return Some(Admission::OverBudget);
        }
        let set = self.set_of(polka.height);
        let error = polka.verify(set, &self.context).err()?;
        self.seen_before.refuse(&**polka);
        // What does not even look like one costs no signature.
        if matches!(error, CertificateError::Signature { .. }) {
            self.bad_polkas.budgets.spend(proposal.proposer, now.0);
            if is_near {
                self.bad_polkas.rounds.insert(proposal.round);
            }
        }
        Some(Admission::BadSignature)
    }
}
