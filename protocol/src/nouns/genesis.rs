//! Where a chain begins: its number, its scheme, its first validators, accounts and applications.
use crate::crypto::{Scheme, SchemeId};
use crate::nouns::parameters::Parameters;
use crate::nouns::sign_bytes::SignContext;
use crate::types::{Address, ChainId, Hash, Timestamp};
use crate::validators::set::Power;
use crate::validators::set::{Validator, ValidatorSet, ValidatorSetError};
use borsh::{BorshDeserialize, BorshSerialize};

/// A validator of the first height.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct GenesisValidator {
    /// Exact length of the chain's scheme.
    #[borsh(deserialize_with = "crate::codec::read_bytes")]
    pub public_key: Vec<u8>,
    /// Voting power, at least 1.
    pub power: Power,
}

/// An account that exists from the start.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct GenesisAccount {
    /// Who owns it.
    pub address: Address,
    /// In the chain's smallest unit.
    pub balance: u64,
}

/// An application that the chain runs from the start.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct GenesisApplication {
    /// As calls name it: 1 to 32 of `a-z 0-9 -`, a letter first.
    #[borsh(deserialize_with = "crate::codec::read_text")]
    pub name: String,
    /// Which one every node must have.
    pub version: u32,
    /// What its state begins with, as the application reads it.
    #[borsh(deserialize_with = "crate::codec::read_bytes")]
    pub state: Vec<u8>,
}

/// The document that all nodes of a chain share; its hash is part of every signature.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Genesis {
    /// The chain's number.
    pub chain_id: ChainId,
    /// The chain's signature scheme.
    pub scheme: SchemeId,
    /// The time of height 0.
    pub time: Timestamp,
    /// What the chain decides for itself.
    pub parameters: Parameters,
    /// In any order; the set sorts them.
    pub validators: Vec<GenesisValidator>,
    /// Rising by address, each once.
    pub accounts: Vec<GenesisAccount>,
    /// Rising by name, each once.
    pub applications: Vec<GenesisApplication>,
}

impl Genesis {
    /// Hash of the canonical bytes.
    pub fn hash(&self) -> Hash {
        Hash::of(&[b"lockstep/genesis/v1", &crate::codec::encode(self)])
    }

    /// What binds signatures to this chain.
    pub fn sign_context(&self) -> SignContext {
        SignContext {
            chain_id: self.chain_id,
            genesis_hash: self.hash(),
        }
    }

    /// The validators of the first height as every set lists them: by address. Keys are not
    /// checked.
    pub fn sorted_validators(&self) -> Vec<Validator> {
        let validator = |v: &GenesisValidator| Validator {
            address: Address::of(self.scheme, &v.public_key),
            public_key: v.public_key.clone(),
            power: v.power,
        };
        let mut sorted: Vec<Validator> = self.validators.iter().map(validator).collect();
        sorted.sort_by_key(|validator| validator.address);
        sorted
    }

    /// The validator set of the first height.
    pub fn validator_set(&self, scheme: &dyn Scheme) -> Result<ValidatorSet, ValidatorSetError> {
        let members = self
            .validators
            .iter()
            .map(|v| (v.public_key.clone(), v.power));
        ValidatorSet::new(scheme, members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consensus::testkit::Cast;
    use crate::crypto::simulated::Simulated;
    use std::collections::BTreeSet;

    fn genesis() -> Genesis {
        let cast = Cast::with_powers(&[1, 1, 1, 97]);
        let member = |v: &crate::validators::set::Validator| GenesisValidator {
            public_key: v.public_key.clone(),
            power: v.power,
        };
        Genesis {
            chain_id: ChainId(7),
            scheme: SchemeId::MlDsa65,
            time: Timestamp(1),
            parameters: Parameters::default(),
            validators: cast.set.iter().map(member).collect(),
            accounts: vec![GenesisAccount {
                address: Address([1; 20]),
                balance: 5,
            }],
            applications: vec![GenesisApplication {
                name: "token".into(),
                version: 1,
                state: vec![7],
            }],
        }
    }

    #[test]
    fn every_field_changes_the_hash() {
        type Change = fn(&mut Genesis);
        let changes: [Change; 13] = [
            |_| {},
            |g| g.chain_id.0 = 8,
            |g| g.scheme = SchemeId::Dilithium3,
            |g| g.time.0 = 2,
            |g| g.parameters.fee_per_byte = 2,
            |g| g.validators[0].power = 2,
            |g| g.validators.reverse(),
            |g| g.accounts[0].balance = 6,
            |g| g.accounts.clear(),
            |g| g.applications[0].name.push('s'),
            |g| g.applications[0].version = 2,
            |g| g.applications[0].state.clear(),
            |g| g.applications.clear(),
        ];
        let changed = changes.map(|change| {
            let mut genesis = genesis();
            change(&mut genesis);
            genesis.hash()
        });
        assert_eq!(changed.into_iter().collect::<BTreeSet<_>>().len(), 13);
    }

    #[test]
    fn signatures_are_bound_to_its_number_and_its_hash() {
        let context = genesis().sign_context();
        assert_eq!(context.chain_id, ChainId(7));
        assert_eq!(context.genesis_hash, genesis().hash());
    }

    #[test]
    fn its_validators_become_the_set_in_whatever_order_they_stand() {
        let cast = Cast::with_powers(&[1, 1, 1, 97]);
        let mut backwards = genesis();
        backwards.validators.reverse();
        for genesis in [genesis(), backwards] {
            let set = genesis.validator_set(&Simulated).unwrap();
            assert_eq!(set.hash(), cast.set.hash());
        }
    }

    #[test]
    fn nobody_to_validate_is_refused() {
        let mut empty = genesis();
        empty.validators.clear();
        let refused = empty.validator_set(&Simulated).unwrap_err();
        assert_eq!(refused, ValidatorSetError::Size(0));
    }
}
