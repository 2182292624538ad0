//! [`ChainRules`]: what the genesis fixes for all blocks.
use super::head::{GenesisError, genesis_changes};
use super::state::StateChanges;
use crate::application::{ApplicationError, Applications};
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
    /// Those that the genesis names.
    pub applications: Applications,
}

/// Why this build cannot follow the chain of a genesis.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// The genesis names no validator set.
    #[error(transparent)]
    Validators(#[from] ValidatorSetError),
    /// The genesis names an application that this build does not have.
    #[error(transparent)]
    Application(#[from] ApplicationError),
}

impl ChainRules {
    /// The rules of the chain that `genesis` begins, which names no applications.
    pub fn new(genesis: &Genesis, scheme: Arc<dyn Scheme>) -> Result<ChainRules, RulesError> {
        ChainRules::with(genesis, scheme, &Applications::none())
    }

    /// The same in a build that knows these applications.
    pub fn with(
        genesis: &Genesis,
        scheme: Arc<dyn Scheme>,
        applications: &Applications,
    ) -> Result<ChainRules, RulesError> {
        Ok(ChainRules {
            context: genesis.sign_context(),
            parameters: genesis.parameters,
            genesis_validators: Arc::new(genesis.validator_set(&*scheme)?),
            scheme,
            applications: applications.named_by(genesis)?,
        })
    }

    /// The state that `genesis`, which these are the rules of, begins with.
    pub fn genesis_changes(&self, genesis: &Genesis) -> Result<StateChanges, GenesisError> {
        genesis_changes(genesis, &self.applications)
    }
}
