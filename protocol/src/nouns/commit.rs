//! Certificates: a quorum of votes for one value, as a bitmap and signatures over equal bytes.
use crate::crypto::SignatureError;
use crate::nouns::sign_bytes::SignContext;
use crate::nouns::vote::{Signature, SignedVote, Vote, VoteKind};
use crate::types::{BlockId, Hash, Height, Round};
use crate::validators::set::{ValidatorIndex, ValidatorSet};
use borsh::{BorshDeserialize, BorshSerialize};

/// Members of a certificate in order of their position in the validator set.
///
/// Canonical: the bitmap has exactly one bit per validator (whole bytes, spare bits zero), and as
/// many signatures follow as bits are set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Signers {
    #[borsh(deserialize_with = "crate::codec::read_bytes")]
    bitmap: Vec<u8>,
    signatures: Vec<Signature>,
}

/// Why a certificate was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The bitmap's length or spare bits do not fit the set, or the count of signatures differs.
    #[error("the signer bitmap does not fit the validator set")]
    Shape,
    /// The members hold no more than two thirds of the power.
    #[error("the signers hold {power} of {total} power: no quorum")]
    NoQuorum {
        /// The power of the members.
        power: u64,
        /// The power of the whole set.
        total: u64,
    },
    /// A member's signature does not verify.
    #[error("the signature of validator {index} was refused: {reason}")]
    Signature {
        /// The member's position in the set.
        index: ValidatorIndex,
        /// What the verifier said.
        reason: SignatureError,
    },
    /// Whose signatures it should hold is not known: its height is too far from the head.
    #[error("the validators of height {0} are not known")]
    UnknownHeight(Height),
    /// It could lose its last member and would still be a quorum.
    #[error("more signers than a quorum needs")]
    NotMinimal,
}

impl Signers {
    /// Collects members, given in rising order of position.
    pub fn collect<'a>(
        set: &ValidatorSet,
        members: impl IntoIterator<Item = (ValidatorIndex, &'a Signature)>,
    ) -> Signers {
        let mut signers = Signers {
            bitmap: vec![0; set.len().div_ceil(8)],
            signatures: Vec::new(),
        };
        for (index, signature) in members {
            if let Some(byte) = signers.bitmap.get_mut(index / 8) {
                *byte |= 1 << (index % 8);
                signers.signatures.push(signature.clone());
            }
        }
        signers
    }

    /// The members with their signatures, in rising order; an error if the shape does not fit.
    pub fn members(
        &self,
        set: &ValidatorSet,
    ) -> Result<Vec<(ValidatorIndex, &Signature)>, CertificateError> {
        self.members_of(set.len())
    }

    /// The same, of a set of so many validators.
    pub fn members_of(
        &self,
        validators: usize,
    ) -> Result<Vec<(ValidatorIndex, &Signature)>, CertificateError> {
        if self.bitmap.len() != validators.div_ceil(8) {
            return Err(CertificateError::Shape);
        }
        let bit = |i: usize| {
            self.bitmap
                .get(i / 8)
                .is_some_and(|byte| byte & (1 << (i % 8)) != 0)
        };
        let spare = validators..self.bitmap.len().saturating_mul(8);
        let indices: Vec<usize> = (0..validators).filter(|i| bit(*i)).collect();
        if spare.into_iter().any(bit) || indices.len() != self.signatures.len() {
            return Err(CertificateError::Shape);
        }
        Ok(indices.into_iter().zip(&self.signatures).collect())
    }

    /// How many members there are.
    pub fn count(&self) -> usize {
        self.signatures.len()
    }
}

/// More than two thirds of the power precommitted one block: the proof of its decision.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct CommitCertificate {
    /// The decided height.
    pub height: Height,
    /// The round whose precommits these are.
    pub round: Round,
    /// The decided block.
    pub block_id: BlockId,
    /// Who precommitted.
    pub signers: Signers,
}

impl CommitCertificate {
    /// Hash of the canonical bytes.
    pub fn hash(&self) -> Hash {
        Hash::of(&[b"lockstep/commit/v1", &crate::codec::encode(self)])
    }

    /// The vote that every member signed (the validator's address is left empty: it is not signed).
    pub fn vote(&self) -> Vote {
        Vote {
            kind: VoteKind::Precommit,
            height: self.height,
            round: self.round,
            block_id: Some(self.block_id),
            valid_round: None,
            validator: Default::default(),
        }
    }

    /// Checks shape, quorum and every signature.
    pub fn verify(
        &self,
        set: &ValidatorSet,
        context: &SignContext,
    ) -> Result<(), CertificateError> {
        self.verify_unless(set, context, |_, _| false)
    }

    /// Like [`verify`](Self::verify), but does not verify again what `known` has already seen
    /// verified: the signature of this validator under exactly this vote.
    pub fn verify_unless(
        &self,
        set: &ValidatorSet,
        context: &SignContext,
        known: impl Fn(ValidatorIndex, &Signature) -> bool,
    ) -> Result<(), CertificateError> {
        let members = self.signers.members(set)?;
        demand_quorum(set, members.iter().map(|(index, _)| *index))?;
        let bytes = context.vote(&self.vote());
        members
            .into_iter()
            .filter(|(i, s)| !known(*i, s))
            .try_for_each(|(index, signature)| {
                set.verify(index, &bytes, &signature.0)
                    .map_err(|reason| CertificateError::Signature { index, reason })
            })
    }

    /// Whether the certificate holds just a quorum: without its last member it would be none.
    /// A block carries only such certificates.
    pub fn is_minimal(&self, set: &ValidatorSet) -> Result<(), CertificateError> {
        let members = self.signers.members(set)?;
        let without_last = members.len().saturating_sub(1);
        let power = set.power_of(members.iter().take(without_last).map(|(index, _)| *index));
        if set.is_quorum(power) {
            Err(CertificateError::NotMinimal)
        } else {
            Ok(())
        }
    }
}

/// More than two thirds of the power prevoted one block in one round (E5, E9).
///
/// The proposer's PROPOSAL counts as its prevote (E1), so one member may have signed that instead.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct PolkaCertificate {
    /// The height of the votes.
    pub height: Height,
    /// The round of the votes.
    pub round: Round,
    /// The value with the polka.
    pub block_id: BlockId,
    /// E9: the valid round that all of these prevotes carry.
    pub valid_round: Option<Round>,
    /// Who prevoted.
    pub signers: Signers,
    /// The position of the member whose signature is that of its PROPOSAL, if one is. Canonical:
    /// it marks nobody else.
    pub by_proposal: Option<u16>,
}

impl PolkaCertificate {
    /// Checks shape, quorum and every signature.
    pub fn verify(
        &self,
        set: &ValidatorSet,
        context: &SignContext,
    ) -> Result<(), CertificateError> {
        let members = self.signers.members(set)?;
        demand_quorum(set, members.iter().map(|(index, _)| *index))?;
        let prevote = context.vote(&Vote {
            kind: VoteKind::Prevote,
            height: self.height,
            round: self.round,
            block_id: Some(self.block_id),
            valid_round: self.valid_round,
            validator: Default::default(),
        });
        let proposal = context.proposal(self.height, self.round, &self.block_id, self.valid_round);
        let by_proposal = self.proposal_signer(set)?;
        if by_proposal.is_some_and(|marked| members.iter().all(|(index, _)| *index != marked)) {
            return Err(CertificateError::Shape);
        }
        members.into_iter().try_for_each(|(index, signature)| {
            let bytes = if Some(index) == by_proposal {
                &proposal
            } else {
                &prevote
            };
            set.verify(index, bytes, &signature.0)
                .map_err(|reason| CertificateError::Signature { index, reason })
        })
    }

    /// Only `proposer(h, r)` may stand in with its proposal.
    fn proposal_signer(
        &self,
        set: &ValidatorSet,
    ) -> Result<Option<ValidatorIndex>, CertificateError> {
        let Some(index) = self.by_proposal.map(usize::from) else {
            return Ok(None);
        };
        let proposer = set.proposer(self.height, self.round);
        match set.get(index) {
            Some(validator) if validator.address == proposer => Ok(Some(index)),
            _ => Err(CertificateError::Shape),
        }
    }
}

fn demand_quorum(
    set: &ValidatorSet,
    members: impl IntoIterator<Item = ValidatorIndex>,
) -> Result<(), CertificateError> {
    planted!(CertificateOfFew => return Ok(()));
    let power = set.power_of(members);
    if set.is_quorum(power) {
        Ok(())
    } else {
        Err(CertificateError::NoQuorum {
            power,
            total: set.total(),
        })
    }
}

/// Cuts votes for one value to exactly a quorum: the first members in order of position, until
/// they are enough. `None` if they are too few. `votes` are verified and of distinct validators.
pub fn cut_to_quorum<'a>(
    set: &ValidatorSet,
    votes: impl IntoIterator<Item = (ValidatorIndex, &'a Signature)>,
) -> Option<Vec<(ValidatorIndex, &'a Signature)>> {
    let mut sorted: Vec<_> = votes.into_iter().collect();
    sorted.sort_by_key(|(index, _)| *index);
    let mut power = 0u64;
    let mut taken = Vec::new();
    for (index, signature) in sorted {
        power = power.saturating_add(set.power(index));
        taken.push((index, signature));
        if set.is_quorum(power) {
            return Some(taken);
        }
    }
    planted!(DecideOnAny => return Some(taken));
    None
}

/// The commit certificate of `votes`, which are verified precommits for one value.
pub fn certify(set: &ValidatorSet, votes: &[&SignedVote]) -> Option<CommitCertificate> {
    let first = &votes.first()?.vote;
    let members = votes.iter().filter_map(|v| {
        set.index_of(&v.vote.validator)
            .map(|index| (index, &v.signature))
    });
    let taken = cut_to_quorum(set, members)?;
    Some(CommitCertificate {
        height: first.height,
        round: first.round,
        block_id: first.block_id?,
        signers: Signers::collect(set, taken),
    })
}

#[cfg(test)]
mod tests;
