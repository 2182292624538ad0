//! Arming a node that is stopped: its operator vouches for its data directory.
use super::{NodeError, begin, identity};
use crate::clock::Clock;
use crate::state_store::{Durability, KeyUse, Store};
use lockstep_protocol::application::Applications;
use lockstep_protocol::crypto::{self, Signer};
use lockstep_protocol::nouns::genesis::Genesis;
use lockstep_protocol::types::Height;
use std::path::PathBuf;

/// Whose directory it is.
pub struct ArmConfig<'a> {
    /// The chain.
    pub genesis: &'a Genesis,
    /// The applications that this build has.
    pub applications: &'a Applications,
    /// The validator's key.
    pub signer: &'a dyn Signer,
    /// Where LMDB lives.
    pub data_dir: PathBuf,
    /// As [`NodeConfig::map_bytes`](super::NodeConfig::map_bytes).
    pub map_bytes: usize,
    /// The record of what the key has signed.
    pub key_guard: PathBuf,
    /// What a write survives.
    pub durability: Durability,
}

/// What comes of arming.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Armed {
    /// Whether it will sign, and from which height on.
    pub key_use: KeyUse,
    /// The newest block that is there.
    pub head: Height,
}

/// Has the next start sign from this directory, if nothing forbids it, and not wait there for the word
/// of everybody. Answers from which height on, or why it will only observe. It counts for ten
/// minutes. Armed again before it was started, nothing changes but the time.
pub fn arm(config: &ArmConfig<'_>) -> Result<Armed, NodeError> {
    crypto::self_test()?;
    let genesis = config.genesis;
    let me = identity(genesis, config.signer)?;
    let (_, changes) = begin(genesis, crypto::scheme(genesis.scheme), config.applications)?;
    let store = Store::open(
        &config.data_dir,
        config.durability,
        config.map_bytes,
        genesis,
        me,
        &changes,
    )?;
    let key_use = store.guard_key(&config.key_guard, true)?;
    if matches!(key_use, KeyUse::Signs(_)) {
        store.vouch(Clock::start().wall())?;
    }
    let head = store.head()?.height;
    Ok(Armed { key_use, head })
}
