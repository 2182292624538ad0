//! What a devnet is made from.
use crate::accounts::{Accounts, CROWD_BALANCE, crowd_address, load_accounts};
use crate::commit_event::CommitEvent;
use crate::devnet::{Devnet, DevnetError};
use crate::limits;
use lockstep_actors::node::devnet_keys;
use lockstep_actors::runtime::Policy;
use lockstep_actors::state_store::Durability;
use lockstep_protocol::application::{Application, Applications};
use lockstep_protocol::consensus::driver::Pacing;
use lockstep_protocol::consensus::timeouts::Timeouts;
use lockstep_protocol::crypto::SchemeId;
use lockstep_protocol::ledger::Retention;
use lockstep_protocol::limits::VALIDATORS_MAX;
use lockstep_protocol::nouns::genesis::{
    Genesis, GenesisAccount, GenesisApplication, GenesisValidator,
};
use lockstep_protocol::nouns::parameters::Parameters;
use lockstep_protocol::types::{ChainId, DEVNET_CHAIN_ID, Height, Timestamp};
use std::path::PathBuf;
use std::sync::Arc;

/// Genesis of every devnet: 2026-01-01T00:00:00Z. Constant, so that equal devnets have equal
/// genesis hashes.
pub const DEVNET_GENESIS_TIME: Timestamp = Timestamp(1_767_225_600_000);

/// Makes a [`Devnet`].
#[derive(Clone)]
pub struct Builder {
    pub(crate) validators: usize,
    pub(crate) observers: usize,
    pub(crate) chain_id: ChainId,
    manual: bool,
    timed: Pacing,
    pub(crate) home: Option<PathBuf>,
    pub(crate) rpc_port: u16,
    pub(crate) scheme: SchemeId,
    pub(crate) durability: Durability,
    pub(crate) retention: Retention,
    pub(crate) map_bytes: Option<usize>,
    pub(crate) last_height: Option<Height>,
    pub(crate) timeouts: Timeouts,
    pub(crate) policy: Policy,
    pub(crate) faulty_links: Option<u64>,
    pub(crate) accounts: Accounts,
    pub(crate) parameters: Parameters,
    pub(crate) load_accounts: u32,
    pub(crate) crowd: u64,
    begins_with: Option<Arc<Genesis>>,
    applications: Vec<(Arc<dyn Application>, Vec<u8>)>,
    knows: Applications,
    pub(crate) on_commit: Option<Arc<dyn Fn(CommitEvent) + Send + Sync>>,
}

impl Default for Builder {
    fn default() -> Builder {
        Builder {
            validators: 4,
            observers: 0,
            chain_id: DEVNET_CHAIN_ID,
            manual: false,
            timed: Pacing::Interval(1_000),
            home: None,
            rpc_port: 0,
            scheme: SchemeId::Dilithium3,
            durability: Durability::Process,
            retention: Retention::All,
            map_bytes: None,
            last_height: None,
            timeouts: Timeouts::DEVNET,
            policy: Policy::default(),
            faulty_links: None,
            accounts: Accounts::default(),
            parameters: Parameters::default(),
            load_accounts: 0,
            crowd: 0,
            begins_with: None,
            applications: Vec::new(),
            knows: Applications::none(),
            on_commit: None,
        }
    }
}

/// Declares what can be set, each with its value.
macro_rules! setters {
    ($($(#[$what:meta])* $field:ident($given:ident: $type:ty) = $value:expr;)*) => {
        impl Builder {
            $(
                $(#[$what])*
                #[must_use]
                pub fn $field(mut self, $given: $type) -> Builder {
                    self.$field = $value;
                    self
                }
            )*
        }
    };
}

setters! {
    /// How many nodes more, which are no validators of the genesis: they follow, and join once the
    /// validators have added them. Their numbers come after those of the validators.
    observers(count: usize) = count;

    /// How many validators, from 1 (federation mode: the same code).
    validators(count: usize) = count;

    /// The chain's number. The public validator keys are accepted on 1337 only.
    chain_id(id: u64) = ChainId(id);

    /// Blocks only at [`Devnet::tick`], whatever the block time; `false`: by the block time again.
    manual(manual: bool) = manual;

    /// Which accounts have names and money.
    accounts(accounts: Accounts) = accounts;

    /// What the chain decides for itself, such as its fees.
    parameters(parameters: Parameters) = parameters;

    /// Keeps the data directories here; otherwise they are temporary.
    home(dir: impl Into<PathBuf>) = Some(dir.into());

    /// Node i answers people on this port + i; 0: ports assigned by the operating system. Where
    /// nodes listen to each other the system always chooses.
    rpc_port(port: u16) = port;

    /// The signature scheme.
    scheme(scheme: SchemeId) = scheme;

    /// What a commit survives.
    durability(durability: Durability) = durability;

    /// Which blocks each node keeps.
    retention(retention: Retention) = retention;

    /// How large each node's database may become, in address space; otherwise as
    /// [`map_bytes`](limits::map_bytes) says for so many nodes.
    map_bytes(bytes: usize) = Some(bytes);

    /// No height after this one begins.
    last_height(height: u64) = Some(Height(height));

    /// How long each step waits.
    timeouts(timeouts: Timeouts) = timeouts;

    /// How often actors may fall.
    policy(policy: Policy) = policy;

    /// Puts a proxy between every two nodes, so that links can be made faulty while nodes run:
    /// [`Devnet::links`]. Chance comes from `seed`.
    faulty_links(seed: u64) = Some(seed);

    /// Funds as many [`load_accounts`] besides the accounts with names.
    load_accounts(count: u32) = count;

    /// Funds as many [`crowd_address`]es besides: a state of any size, without keys.
    crowd(count: u64) = count;

    /// Called with each commit of each node, on that node's thread.
    on_commit(call: impl Fn(CommitEvent) + Send + Sync + 'static) = Some(Arc::new(call));
}

impl Builder {
    /// Blocks every so many milliseconds; 0: as fast as it goes.
    #[must_use]
    pub fn block_time_ms(mut self, ms: u64) -> Builder {
        self.timed = Pacing::Interval(ms);
        self
    }

    /// When heights begin, in one word: instead of [`manual`](Builder::manual) and
    /// [`block_time_ms`](Builder::block_time_ms).
    #[must_use]
    pub fn pacing(mut self, pacing: Pacing) -> Builder {
        self.manual = pacing == Pacing::Manual;
        if !self.manual {
            self.timed = pacing;
        }
        self
    }

    /// Begins with exactly this genesis. Its validators have to be the devnet's own, as in what
    /// [`genesis`](Builder::genesis) answers; accounts, time and parameters may be others.
    #[must_use]
    pub fn begin_with(mut self, genesis: Genesis) -> Builder {
        (self.scheme, self.chain_id) = (genesis.scheme, genesis.chain_id);
        self.begins_with = Some(Arc::new(genesis));
        self
    }

    /// Has the chain run `application`, whose state begins with what it makes of `document`. (Of a
    /// chain that [begins with](Self::begin_with) a genesis of its own, that genesis says which
    /// applications it runs, and from what.)
    #[must_use]
    pub fn application(
        mut self,
        application: Arc<dyn Application>,
        document: impl Into<Vec<u8>>,
    ) -> Builder {
        self.applications.push((application, document.into()));
        self
    }

    /// What a build has: the chain runs all of these that no [`application`](Self::application) names,
    /// each begun with no bytes.
    #[must_use]
    pub fn applications(mut self, known: Applications) -> Builder {
        self.knows = known;
        self
    }

    /// What its nodes can run.
    pub(crate) fn known(&self) -> Applications {
        let named = self.applications.iter().map(|(of, _)| of.clone());
        named.fold(self.knows.clone(), |known, of| known.and(of))
    }

    /// How many nodes it will have.
    pub fn nodes(&self) -> usize {
        self.validators + self.observers
    }

    /// How large each node's database may become.
    pub(crate) fn map_of_a_node_bytes(&self) -> usize {
        self.map_bytes
            .unwrap_or_else(|| limits::map_bytes(self.nodes()))
    }

    /// When a height begins.
    pub(crate) fn begins(&self) -> Pacing {
        match self.manual {
            true => Pacing::Manual,
            false => self.timed,
        }
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
        if let Some(given) = &self.begins_with {
            return match given.validators == validators {
                true => Ok(Genesis::clone(given)),
                false => Err(DevnetError::ForeignGenesis(self.validators)),
            };
        }
        if self.accounts.count == 0 || self.accounts.count > limits::ACCOUNTS_MAX {
            return Err(DevnetError::Accounts(self.accounts.count));
        }
        let load = load_accounts(self.scheme, self.load_accounts)?;
        let crowd = (0..self.crowd).map(|number| GenesisAccount {
            address: crowd_address(number),
            balance: CROWD_BALANCE,
        });
        let mut accounts: Vec<GenesisAccount> = self
            .accounts
            .funded(self.scheme)?
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
            parameters: self.parameters,
            validators,
            accounts,
            applications: self.named(),
        })
    }

    /// The applications as the genesis names them.
    fn named(&self) -> Vec<GenesisApplication> {
        let mut applications: Vec<GenesisApplication> = self
            .applications
            .iter()
            .map(|(application, document)| GenesisApplication {
                name: application.name().into(),
                version: application.version(),
                state: document.clone(),
            })
            .collect();
        for known in self.knows.iter() {
            if applications.iter().all(|named| named.name != known.name()) {
                applications.push(GenesisApplication {
                    name: known.name().into(),
                    version: known.version(),
                    state: Vec::new(),
                });
            }
        }
        applications.sort_by(|a, b| a.name.cmp(&b.name));
        applications
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_time_outlives_manual_pacing() {
        let builder = Builder::default().block_time_ms(50).manual(true);
        assert_eq!(builder.begins(), Pacing::Manual);
        assert_eq!(builder.manual(false).begins(), Pacing::Interval(50));
    }

    #[test]
    fn manual_pacing_outlives_a_block_time() {
        let builder = Builder::default().manual(true).block_time_ms(50);
        assert_eq!(builder.begins(), Pacing::Manual);
    }
}
