//! Where a chain begins: its number, its scheme, its first validators and accounts.
use crate::crypto::{Scheme, SchemeId};
use crate::quorum::Power;
use crate::sign_bytes::SignContext;
use crate::types::{Address, ChainId, Hash, Timestamp};
use crate::validator_set::{ValidatorSet, ValidatorSetError};
use borsh::{BorshDeserialize, BorshSerialize};

/// A validator of the first height.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct GenesisValidator {
    /// Exact length of the chain's scheme.
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

/// The document that all nodes of a chain share; its hash is part of every signature.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Genesis {
    /// The chain's number.
    pub chain_id: ChainId,
    /// The chain's signature scheme.
    pub scheme: SchemeId,
    /// The time of height 0.
    pub time: Timestamp,
    /// In any order; the set sorts them.
    pub validators: Vec<GenesisValidator>,
    /// Rising by address, each once.
    pub accounts: Vec<GenesisAccount>,
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

    /// The validator set of the first height.
    pub fn validator_set(&self, scheme: &dyn Scheme) -> Result<ValidatorSet, ValidatorSetError> {
        let members = self
            .validators
            .iter()
            .map(|v| (v.public_key.clone(), v.power));
        ValidatorSet::new(scheme, members)
    }
}
