//! Precommits that this node has verified already: members of a certificate that cost nothing.
use super::limits::NOTED_PRECOMMITS_MAX;
use crate::nouns::commit::{CertificateError, CommitCertificate};
use crate::nouns::sign_bytes::SignContext;
use crate::nouns::vote::{Signature, SignedVote, VoteKind};
use crate::types::{BlockId, Height, Round};
use crate::validators::schedule::ValidatorSchedule;
use crate::validators::set::{ValidatorIndex, ValidatorSet};
use std::collections::BTreeMap;

/// Bounded: when full, those of the lowest height and round go first.
#[derive(Default)]
pub(super) struct Precommits {
    verified: BTreeMap<(Height, Round, BlockId, ValidatorIndex), Signature>,
}

impl Precommits {
    /// Remembers a vote that the caller has verified. Prevotes and nil are of no use here.
    pub(super) fn note(&mut self, set: &ValidatorSet, signed: &SignedVote) {
        let vote = &signed.vote;
        let (VoteKind::Precommit, Some(block_id)) = (vote.kind, vote.block_id) else {
            return;
        };
        let Some(index) = set.index_of(&vote.validator) else {
            return;
        };
        let key = (vote.height, vote.round, block_id, index);
        self.verified.insert(key, signed.signature.clone());
        if self.verified.len() > NOTED_PRECOMMITS_MAX {
            self.verified.pop_first();
        }
    }

    /// Keeps what can still stand in a `last_commit` on this head: votes for its block, and those
    /// of later heights.
    pub(super) fn keep(&mut self, height: Height, block_id: BlockId) {
        self.verified
            .retain(|(h, _, id, _), _| *h > height || (*h == height && *id == block_id));
    }

    /// Checks a certificate for quorum and signatures, but verifies no signature twice: neither one
    /// that was noted nor one that stands in `trusted`, this node's own certificate.
    pub(super) fn verify(
        &self,
        validators: &ValidatorSchedule,
        context: &SignContext,
        trusted: Option<&CommitCertificate>,
        certificate: &CommitCertificate,
    ) -> Result<(), CertificateError> {
        let (height, round, id) = (certificate.height, certificate.round, certificate.block_id);
        let unknown = CertificateError::UnknownHeight(height);
        let set = validators.at(height).ok_or(unknown)?;
        let trusted = trusted
            .filter(|t| (t.height, t.round, t.block_id) == (height, round, id))
            .map(|t| t.signers.members(set))
            .transpose()?
            .unwrap_or_default();
        certificate.verify_unless(set, context, |index, signature| {
            trusted.contains(&(index, signature))
                || self.verified.get(&(height, round, id, index)) == Some(signature)
        })
    }
}
