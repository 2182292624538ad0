//! The accounts of a devnet by name. Their keys are public, so they sign on its chain only.
use crate::failure::Failure;
use lockstep_devnet::{FundedAccount, funded_accounts};
use lockstep_protocol::crypto::SchemeId;
use lockstep_protocol::types::{ChainId, DEVNET_CHAIN_ID};

/// What a devnet's genesis funds.
pub(crate) const DEVNET_NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];

/// Whether an account of every devnet is called so; no key file is.
pub(crate) fn is_devnet_name(name: &str) -> bool {
    DEVNET_NAMES.contains(&name)
}

/// The account on the chain of a devnet. On any other one its key would be anybody's.
pub(crate) fn account(
    name: &str,
    scheme: SchemeId,
    chain_id: ChainId,
) -> Result<FundedAccount, Failure> {
    if chain_id != DEVNET_CHAIN_ID {
        return Err(Failure::usage(format!(
            "the key of {name} is public, so it is of use on a devnet only (chain \
             {DEVNET_CHAIN_ID}), not on chain {chain_id}: make a key with lockstep keys new NAME --scheme \
             {scheme}"
        )));
    }
    let accounts = funded_accounts(scheme);
    let accounts = accounts.map_err(|error| Failure::safety(error.to_string()))?;
    let found = accounts.into_iter().find(|account| account.name == name);
    found.ok_or_else(|| {
        Failure::usage(format!(
            "a devnet has no account {name}: use one of {}",
            DEVNET_NAMES.join(", ")
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_that_a_devnet_funds() {
        let funded = funded_accounts(SchemeId::MlDsa65).expect("accounts");
        let funded: Vec<&str> = funded.iter().map(|account| &*account.name).collect();
        assert_eq!(funded, DEVNET_NAMES);
    }

    #[test]
    fn a_public_key_signs_on_no_other_chain() {
        assert!(account("alice", SchemeId::MlDsa65, DEVNET_CHAIN_ID).is_ok());
        for chain in [0, 1, 1336, 1338] {
            let refused = account("alice", SchemeId::MlDsa65, ChainId(chain));
            let refused = refused.err().expect("refused");
            assert_eq!(refused.exit_code, 2);
            assert!(refused.message.contains("public"), "{}", refused.message);
        }
    }
}
