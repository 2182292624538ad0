//! The applications that this build has besides what every build does.
use crate::failure::Failure;
use lockstep_protocol::application::Applications;
use lockstep_protocol::crypto;
use lockstep_protocol::ledger::{ChainRules, RulesError};
use lockstep_protocol::nouns::genesis::Genesis;
use std::path::Path;
use std::sync::OnceLock;

/// Said once, before any subcommand runs.
static KNOWN: OnceLock<Applications> = OnceLock::new();

/// Says which ones there are; whoever says so a second time changes nothing.
pub(crate) fn know(applications: Applications) {
    KNOWN.get_or_init(|| applications);
}

/// Those of this build.
pub(crate) fn known() -> Applications {
    KNOWN.get().cloned().unwrap_or_default()
}

/// The rules of the chain of a genesis file, with its applications: this build must have them.
pub(crate) fn rules(genesis: &Genesis, path: &Path) -> Result<ChainRules, Failure> {
    let rules = ChainRules::with(genesis, crypto::scheme(genesis.scheme), &known());
    let at = path.display();
    rules.map_err(|error| match error {
        RulesError::Application(error) => Failure::safety(format!("{at}: {error}")),
        RulesError::Validators(error) => Failure::usage(format!(
            "{at}: {error}; copy it from another node of the chain"
        )),
    })
}
