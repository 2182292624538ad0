//! The one judge of a home: `start` begins with what it lets pass, and `init` and `testnet` leave
//! nothing that it refuses.
use super::key::KeyFile;
use super::{Config, genesis, key_guard, peers};
use crate::applications;
use crate::failure::Failure;
use lockstep_actors::node;
use lockstep_protocol::nouns::genesis::Genesis;
use lockstep_protocol::types::Address;
use std::path::Path;
use std::sync::Arc;

/// What stands in a home, read and judged.
pub(crate) struct Judged {
    pub(crate) genesis: Arc<Genesis>,
    /// Locked for as long as it is held.
    pub(crate) key: KeyFile,
    pub(crate) me: Address,
}

/// Reads and judges genesis, key and peers. Whether the chain can begin is judged by the node as
/// it starts.
pub(crate) fn judge(config: &Config) -> Result<Judged, Failure> {
    let genesis = Arc::new(genesis::read(&config.genesis)?);
    let key = KeyFile::open(&config.key, genesis.scheme)?;
    key_guard::demand_one(&config.key, &config.key_guard)?;
    let me = Address::of(genesis.scheme, key.signer.public_key());
    peers::judge(&config.peers, &genesis, me, config.follow)?;
    Ok(Judged { genesis, key, me })
}

/// Judges a home that was just made, by all that a node of it would judge by: what the environment
/// of this process sets is not its own.
pub(super) fn judge_new(home: &Path) -> Result<(), Failure> {
    let judged = judge(&Config::of_home(home)?)?;
    let begun = node::judge(&judged.genesis, &*judged.key.signer, &applications::known());
    begun.map_err(|error| Failure {
        message: error.to_string(),
        exit_code: error.exit_code(),
    })
}
