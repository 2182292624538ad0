//! [`ChainRules`]: what the genesis fixes for all blocks.
use crate::crypto::Scheme;
use crate::nouns::genesis::Genesis;
use crate::nouns::parameters::Parameters;
use crate::nouns::sign_bytes::SignContext;
use crate::validators::set::{ValidatorSet, ValidatorSetError};
use std::sync::Arc;

/// What is the same for all blocks of a chain.
#[derive(Clone)]
pub struct ChainRules {
    /// The chain's signature scheme.
    pub scheme: Arc<dyn Scheme>,
    /// What binds signatures to this chain.
    pub context: SignContext,
    /// What the chain has decided for itself.
    pub parameters: Parameters,
    /// Who decides the first heights; the [schedule](super::Ledger::validators) says who decides later
    /// ones.
    pub genesis_validators: Arc<ValidatorSet>,
}

impl ChainRules {
    /// The rules of the chain that `genesis` begins.
    pub fn new(
        genesis: &Genesis,
        scheme: Arc<dyn Scheme>,
    ) -> Result<ChainRules, ValidatorSetError> {
        Ok(ChainRules {
            context: genesis.sign_context(),
            parameters: genesis.parameters,
            genesis_validators: Arc::new(genesis.validator_set(&*scheme)?),
            scheme,
        })
    }
}
