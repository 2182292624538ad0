//! What a devnet is made from.
use crate::accounts::{CROWD_BALANCE, crowd_address, funded_accounts, load_accounts};
use crate::devnet::{Devnet, DevnetError};
use lockstep_actors::node::{OnCommit, devnet_keys};
use lockstep_actors::runtime::Policy;
use lockstep_actors::state_store::Durability;
use lockstep_protocol::consensus::driver::Pacing;
use lockstep_protocol::consensus::timeouts::Timeouts;
use lockstep_protocol::crypto::SchemeId;
use lockstep_protocol::ledger::Retention;
use lockstep_protocol::limits::VALIDATORS_MAX;
use lockstep_protocol::nouns::decided::DecidedBlock;
use lockstep_protocol::nouns::genesis::{Genesis, GenesisAccount, GenesisValidator};
use lockstep_protocol::nouns::parameters::Parameters;
use lockstep_protocol::types::{
    Address, BlockId, ChainId, DEVNET_CHAIN_ID, Hash, Height, Round, Timestamp,
};
use std::path::PathBuf;
use std::sync::Arc;

/// Genesis of every devnet: 2026-01-01T00:00:00Z. Constant, so that equal devnets have equal
/// genesis hashes.
pub const DEVNET_GENESIS_TIME: Timestamp = Timestamp(1_767_225_600_000);

/// A node has committed a block.
#[derive(Clone, Debug)]
pub struct CommitEvent {
    /// Which node of the devnet.
    pub node: usize,
    /// The block's height.
    pub height: Height,
    /// The round that decided it.
    pub round: Round,
    /// Who built it.
    pub proposer: Address,
    /// The block.
    pub block_id: BlockId,
    /// The state after it.
    pub state_root: Hash,
    /// How many transactions it carries.
    pub transactions: usize,
    /// How many precommits this node's certificate holds.
    pub precommits: usize,
    /// From the start of the height on this node to its durable commit, in milliseconds.
    pub commit_ms: f64,
}

/// Makes a [`Devnet`].
#[derive(Clone)]
pub struct Builder {
    pub(crate) validators: usize,
    pub(crate) observers: usize,
    pub(crate) chain_id: ChainId,
    manual: bool,
    block_time_ms: u64,
    pub(crate) home: Option<PathBuf>,
    pub(crate) rpc_port: u16,
    pub(crate) scheme: SchemeId,
    pub(crate) durability: Durability,
    pub(crate) retention: Retention,
    pub(crate) last_height: Option<Height>,
    pub(crate) timeouts: Timeouts,
    pub(crate) policy: Policy,
    pub(crate) faulty_links: Option<u64>,
    pub(crate) load_accounts: u32,
    pub(crate) crowd: u64,
    pub(crate) on_commit: Option<Arc<dyn Fn(CommitEvent) + Send + Sync>>,
}

impl Default for Builder {
    fn default() -> Builder {
        Builder {
            validators: 4,
            observers: 0,
            chain_id: DEVNET_CHAIN_ID,
            manual: false,
            block_time_ms: 1_000,
            home: None,
            rpc_port: 0,
            scheme: SchemeId::Dilithium3,
            durability: Durability::Process,
            retention: Retention::All,
            last_height: None,
            timeouts: Timeouts::DEVNET,
            policy: Policy::default(),
            faulty_links: None,
            load_accounts: 0,
            crowd: 0,
            on_commit: None,
        }
    }
}

impl Builder {
    /// How many nodes more, which are no validators of the genesis: they follow, and join once the
    /// validators have added them. Their numbers come after those of the validators.
    #[must_use]
    pub fn observers(mut self, count: usize) -> Builder {
        self.observers = count;
        self
    }

    pub(crate) fn nodes(&self) -> usize {
        self.validators + self.observers
    }

    /// How many validators, from 1 (federation mode: the same code).
    #[must_use]
    pub fn validators(mut self, count: usize) -> Builder {
        self.validators = count;
        self
    }

    /// The chain's number. The public validator keys are accepted on 1337 only.
    #[must_use]
    pub fn chain_id(mut self, id: u64) -> Builder {
        self.chain_id = ChainId(id);
        self
    }

    /// Blocks only at [`Devnet::tick`], whatever the block time; `false`: by the block time again.
    #[must_use]
    pub fn manual(mut self, manual: bool) -> Builder {
        self.manual = manual;
        self
    }

    /// Blocks every so many milliseconds; 0: as fast as it goes.
    #[must_use]
    pub fn block_time_ms(mut self, ms: u64) -> Builder {
        self.block_time_ms = ms;
        self
    }

    /// When a height begins.
    pub(crate) fn pacing(&self) -> Pacing {
        if self.manual {
            Pacing::Manual
        } else {
            Pacing::Interval(self.block_time_ms)
        }
    }

    /// Keeps the data directories here; otherwise they are temporary.
    #[must_use]
    pub fn home(mut self, dir: impl Into<PathBuf>) -> Builder {
        self.home = Some(dir.into());
        self
    }

    /// Node i answers people on this port + i; 0: ports assigned by the operating system. Where
    /// nodes listen to each other the system always chooses.
    #[must_use]
    pub fn rpc_port(mut self, port: u16) -> Builder {
        self.rpc_port = port;
        self
    }

    /// The signature scheme.
    #[must_use]
    pub fn scheme(mut self, scheme: SchemeId) -> Builder {
        self.scheme = scheme;
        self
    }

    /// What a commit survives.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Builder {
        self.durability = durability;
        self
    }

    /// Which blocks each node keeps.
    #[must_use]
    pub fn retention(mut self, retention: Retention) -> Builder {
        self.retention = retention;
        self
    }

    /// No height after this one begins.
    #[must_use]
    pub fn last_height(mut self, height: u64) -> Builder {
        self.last_height = Some(Height(height));
        self
    }

    /// How long each step waits.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Builder {
        self.timeouts = timeouts;
        self
    }

    /// How often actors may fall.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Builder {
        self.policy = policy;
        self
    }

    /// Puts a proxy between every two nodes, so that links can be made faulty while nodes run:
    /// [`Devnet::partition`] and its neighbours. Chance comes from `seed`.
    #[must_use]
    pub fn faulty_links(mut self, seed: u64) -> Builder {
        self.faulty_links = Some(seed);
        self
    }

    /// Funds as many [`load_accounts`] besides the accounts with names.
    #[must_use]
    pub fn load_accounts(mut self, count: u32) -> Builder {
        self.load_accounts = count;
        self
    }

    /// Funds as many [`crowd_address`]es besides: a state of any size, without keys.
    #[must_use]
    pub fn crowd(mut self, count: u64) -> Builder {
        self.crowd = count;
        self
    }

    /// Called with each commit of each node, on that node's thread.
    #[must_use]
    pub fn on_commit(mut self, call: impl Fn(CommitEvent) + Send + Sync + 'static) -> Builder {
        self.on_commit = Some(Arc::new(call));
        self
    }

    /// Starts all nodes; returns when they know each other.
    pub fn boot(self) -> Result<Devnet, DevnetError> {
        Devnet::boot(self)
    }

    /// The genesis that all nodes share.
    pub fn genesis(&self) -> Result<Genesis, DevnetError> {
        if self.validators == 0 || self.nodes() > VALIDATORS_MAX {
            return Err(DevnetError::Validators(self.nodes()));
        }
        let mut validators = Vec::new();
        for index in 0..self.validators {
            let signer = devnet_keys::signer(self.scheme, crate::devnet::seed_index(index))?;
            let public_key = signer.public_key().to_vec();
            validators.push(GenesisValidator {
                public_key,
                power: 1,
            });
        }
        let load = load_accounts(self.scheme, self.load_accounts)?;
        let crowd = (0..self.crowd).map(|number| GenesisAccount {
            address: crowd_address(number),
            balance: CROWD_BALANCE,
        });
        let mut accounts: Vec<GenesisAccount> = funded_accounts(self.scheme)?
            .into_iter()
            .chain(load)
            .map(|account| GenesisAccount {
                address: account.address,
                balance: account.balance,
            })
            .chain(crowd)
            .collect();
        accounts.sort_by_key(|account| account.address);
        let chain_id = self.chain_id;
        let scheme = self.scheme;
        let time = DEVNET_GENESIS_TIME;
        Ok(Genesis {
            chain_id,
            scheme,
            time,
            parameters: Parameters::default(),
            validators,
            accounts,
        })
    }

    pub(crate) fn commit_hook(&self, node: usize) -> Option<OnCommit> {
        let call = self.on_commit.clone()?;
        Some(Arc::new(move |decided: &DecidedBlock, seconds: f64| {
            let header = decided.block.header();
            let certificate = &decided.certificate;
            call(CommitEvent {
                node,
                height: header.height,
                round: certificate.round,
                proposer: header.proposer,
                block_id: decided.block.id(),
                state_root: header.state_root,
                transactions: decided.block.block().transactions.len(),
                precommits: certificate.signers.count(),
                commit_ms: seconds * 1e3,
            });
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_time_outlives_manual_pacing() {
        let builder = Builder::default().block_time_ms(50).manual(true);
        assert_eq!(builder.pacing(), Pacing::Manual);
        assert_eq!(builder.manual(false).pacing(), Pacing::Interval(50));
    }

    #[test]
    fn manual_pacing_outlives_a_block_time() {
        let builder = Builder::default().manual(true).block_time_ms(50);
        assert_eq!(builder.pacing(), Pacing::Manual);
    }
}
