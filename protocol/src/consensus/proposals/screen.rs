//! What signature checks have found before, so that nothing costs them twice: proposals whose block
//! has yet to come, and forgeries that come again.
use crate::codec;
use crate::limits::{REFUSALS_KEPT_MAX, SCREENED_KEPT_MAX};
use crate::nouns::proposal::Proposal;
use crate::types::Hash;
use borsh::BorshSerialize;
use std::collections::VecDeque;

/// The newest verdicts; older ones are forgotten.
#[derive(Clone, Debug, Default)]
pub(super) struct Screen {
    verified: VecDeque<Proposal>,
    refused: VecDeque<Hash>,
}

impl Screen {
    /// Whether this very proposal, signature included, has verified.
    pub(super) fn known(&self, proposal: &Proposal) -> Option<bool> {
        if self.verified.contains(proposal) {
            return Some(true);
        }
        self.has_refused(proposal).then_some(false)
    }

    pub(super) fn remember(&mut self, proposal: &Proposal, verifies: bool) {
        if verifies {
            keep(&mut self.verified, proposal.clone(), SCREENED_KEPT_MAX);
        } else {
            self.refuse(proposal);
        }
    }

    /// Whether these bytes have failed their check. They cover the signatures.
    pub(super) fn has_refused<T: BorshSerialize>(&self, signed: &T) -> bool {
        !self.refused.is_empty() && self.refused.contains(&fingerprint(signed))
    }

    pub(super) fn refuse<T: BorshSerialize>(&mut self, signed: &T) {
        keep(&mut self.refused, fingerprint(signed), REFUSALS_KEPT_MAX);
    }
}

fn fingerprint<T: BorshSerialize>(signed: &T) -> Hash {
    Hash::of(&[&codec::encode(signed)])
}

fn keep<T>(queue: &mut VecDeque<T>, newest: T, max: usize) {
    if queue.len() >= max {
        queue.pop_front();
    }
    queue.push_back(newest);
}
