//! The validators of a height, sorted bytewise by address, `proposer(h, r)`, and the two thresholds of
//! the paper in exact integers: more than two thirds, more than one third.
//!
//! Power is that of *distinct validators*, never a count of messages, and the denominator is the
//! whole set: it never shrinks with who happens to be alive.
use crate::crypto::{KeyError, Scheme, SignatureError, VerifyingKey};
use crate::limits::VALIDATORS_MAX;
use crate::types::{Address, Hash, Height, Round};
use borsh::{BorshDeserialize, BorshSerialize};
use std::sync::Arc;

/// Voting power of one validator, or of several together.
pub type Power = u64;

/// A quorum Q: `3·power > 2·total`. Any two of them share a correct validator.
pub fn is_quorum(power: Power, total: Power) -> bool {
    planted!(LowQuorum => return is_skip_set(power, total));
    planted!(LooseQuorum => return !is_skip_set(total.saturating_sub(power), total));
    u128::from(power).saturating_mul(3) > u128::from(total).saturating_mul(2)
}

/// The smallest power that is a quorum of this total.
pub fn least_quorum(total: Power) -> Power {
    let two_thirds = u128::from(total).saturating_mul(2).div_euclid(3);
    // Below the total, which is a power.
    Power::try_from(two_thirds.saturating_add(1)).unwrap_or(Power::MAX)
}

/// A skip set S: `3·power > total`. It holds at least one correct validator.
pub fn is_skip_set(power: Power, total: Power) -> bool {
    planted!(LowSkipSet => return power > 0);
    u128::from(power).saturating_mul(3) > u128::from(total)
}

/// Position of a validator in the sorted set.
pub type ValidatorIndex = usize;

/// A validator as genesis and blocks name it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Validator {
    /// Derived from the public key.
    pub address: Address,
    /// Exact length of the chain's scheme.
    #[borsh(deserialize_with = "crate::codec::read_bytes")]
    pub public_key: Vec<u8>,
    /// Voting power, at least 1.
    pub power: Power,
}

/// Why a validator set was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValidatorSetError {
    /// No validators, or more than the protocol carries.
    #[error("a validator set has 1 to {VALIDATORS_MAX} validators, not {0}")]
    Size(usize),
    /// A validator without power could never matter.
    #[error("validator {0} has no voting power")]
    NoPower(Address),
    /// The same key twice.
    #[error("validator {0} stands in the set twice")]
    Duplicate(Address),
    /// The sum of the powers does not fit into 64 bits.
    #[error("the total voting power does not fit into 64 bits")]
    TotalPower,
    /// A public key was refused by the scheme.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// The validators of one height with their keys prepared for verification.
///
/// Invariant: sorted by address, no duplicates, every power ≥ 1, the total fits.
#[derive(Clone, Debug)]
pub struct ValidatorSet {
    validators: Vec<Validator>,
    keys: Vec<Arc<dyn VerifyingKey>>,
    total: Power,
    hash: Hash,
}

/// Whose turn it is among `count` validators in order of address: `(h + r) mod n`.
pub fn turn(count: usize, height: Height, round: Round) -> ValidatorIndex {
    // u128: the sum of a u64 and a u32 always fits, and a set is never empty.
    let count = u128::try_from(count).unwrap_or(1).max(1);
    let turn = u128::from(height.0).saturating_add(u128::from(round.0));
    let index = turn.checked_rem(count);
    index.and_then(|i| usize::try_from(i).ok()).unwrap_or(0)
}

impl ValidatorSet {
    /// Builds the set from public keys and powers, in any order.
    pub fn new(
        scheme: &dyn Scheme,
        members: impl IntoIterator<Item = (Vec<u8>, Power)>,
    ) -> Result<ValidatorSet, ValidatorSetError> {
        ValidatorSet::like(None, scheme, members)
    }

    /// The same, but prepares no key again that `known` has: sets of neighbouring heights share
    /// nearly all of them.
    pub fn like(
        known: Option<&ValidatorSet>,
        scheme: &dyn Scheme,
        members: impl IntoIterator<Item = (Vec<u8>, Power)>,
    ) -> Result<ValidatorSet, ValidatorSetError> {
        let mut prepared = Vec::new();
        for (public_key, power) in members {
            let shared = known.and_then(|known| known.key_of(&public_key));
            let key = shared.map_or_else(|| scheme.prepare(&public_key), Ok)?;
            let address = Address::of(scheme.id(), &public_key);
            if power == 0 {
                return Err(ValidatorSetError::NoPower(address));
            }
            prepared.push((
                Validator {
                    address,
                    public_key,
                    power,
                },
                key,
            ));
        }
        if prepared.is_empty() || prepared.len() > VALIDATORS_MAX {
            return Err(ValidatorSetError::Size(prepared.len()));
        }
        prepared.sort_by_key(|(validator, _)| validator.address);
        let (validators, keys): (Vec<_>, Vec<_>) = prepared.into_iter().unzip();
        if let Some(twice) = first_duplicate(&validators) {
            return Err(ValidatorSetError::Duplicate(twice));
        }
        let total = validators
            .iter()
            .try_fold(0, |sum: Power, v| sum.checked_add(v.power))
            .ok_or(ValidatorSetError::TotalPower)?;
        let hash = hash_of(&validators);
        Ok(ValidatorSet {
            validators,
            keys,
            total,
            hash,
        })
    }

    /// Who proposes in round `r` of height `h`: `V[(h + r) mod |V|]`. Within any |V| rounds in a
    /// row everybody has a turn.
    pub fn proposer(&self, height: Height, round: Round) -> Address {
        let index = turn(self.validators.len(), height, round);
        self.validators
            .get(index)
            .map(|v| v.address)
            .unwrap_or_default()
    }

    /// The position of `address`, if it is a validator of this set.
    pub fn index_of(&self, address: &Address) -> Option<ValidatorIndex> {
        self.validators
            .binary_search_by_key(address, |v| v.address)
            .ok()
    }

    /// The validator at `index`.
    pub fn get(&self, index: ValidatorIndex) -> Option<&Validator> {
        self.validators.get(index)
    }

    /// The voting power at `index`; 0 outside of the set.
    pub fn power(&self, index: ValidatorIndex) -> Power {
        self.validators.get(index).map_or(0, |v| v.power)
    }

    fn key_of(&self, public_key: &[u8]) -> Option<Arc<dyn VerifyingKey>> {
        let mut keys = self.keys.iter();
        keys.find(|key| key.public_key() == public_key).cloned()
    }

    /// Checks the signature of the validator at `index`.
    pub fn verify(
        &self,
        index: ValidatorIndex,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        self.keys
            .get(index)
            .ok_or(SignatureError::Invalid)?
            .verify(message, signature)
    }

    /// The validators in order of address.
    pub fn iter(&self) -> impl Iterator<Item = &Validator> {
        self.validators.iter()
    }

    /// How many validators there are; at least one.
    #[allow(clippy::len_without_is_empty)] // a set is never empty
    pub fn len(&self) -> usize {
        self.validators.len()
    }

    /// The sum of all powers.
    pub fn total(&self) -> Power {
        self.total
    }

    /// [`hash_of`] its validators; stands in every header.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// Whether `power` is a quorum of this set.
    pub fn is_quorum(&self, power: Power) -> bool {
        is_quorum(power, self.total)
    }

    /// Whether `power` is a skip set of this set.
    pub fn is_skip_set(&self, power: Power) -> bool {
        is_skip_set(power, self.total)
    }

    /// The power of distinct validators, given by their positions.
    pub fn power_of(&self, members: impl IntoIterator<Item = ValidatorIndex>) -> Power {
        members
            .into_iter()
            .fold(0, |sum: Power, i| sum.saturating_add(self.power(i)))
    }
}

/// SHA-256 over the canonical list of a set's validators, which are in order of address.
pub fn hash_of(validators: &[Validator]) -> Hash {
    let list = crate::codec::encode(&validators);
    Hash::of(&[b"lockstep/validators/v1", &list])
}

fn first_duplicate(sorted: &[Validator]) -> Option<Address> {
    let mut pairs = sorted.iter().zip(sorted.iter().skip(1));
    pairs
        .find(|(a, b)| a.address == b.address)
        .map(|(a, _)| a.address)
}

#[cfg(test)]
mod tests;
