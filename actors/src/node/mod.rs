//! One node: one actor system on one thread. [`Node::start`] opens what can fail to open, wires
//! the actors and hands back a [`NodeHandle`].
use crate::clock::Clock;
use crate::committer::head_view;
use crate::http::streams::Farewell;
use crate::live::Live;
use crate::metrics::Metrics;
use crate::peers::{Handshake, Peer};
use crate::rpc_gateway::{Controls, Events, Hosts, Origins, Proxies};
use crate::runtime::{Actors, Policy};
use crate::speaker::Speaker;
use crate::state_store::{Durability, KeyUse, Store, StoreError};
use crate::view::{HeadView, NodeView};
use lockstep_protocol::application::Applications;
use lockstep_protocol::consensus::driver::{Halt, Pacing, Signing};
use lockstep_protocol::consensus::timeouts::Timeouts;
use lockstep_protocol::consensus::trusted::{OtherThanTrusted, TrustedBlock};
use lockstep_protocol::crypto::{self, KeyError, Scheme, SelfTestFailed, Signer};
use lockstep_protocol::ledger::{
    ChainRules, GenesisError, Ledger, Retention, RulesError, StateChanges,
};
use lockstep_protocol::nouns::genesis::Genesis;
use lockstep_protocol::proofs::light_client::Checkpoint;
use lockstep_protocol::types::{Address, ChainId, DEVNET_CHAIN_ID, Hash, Height};
use lockstep_protocol::wire::{PROTOCOL_VERSION, Wire};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

mod arm;
pub mod devnet_keys;
mod handle;
mod thread;
mod wiring;

pub use crate::clock::{SharedClock, TimeRefused};
pub use crate::committer::OnCommit;
pub use arm::{ArmConfig, Armed, arm};
pub use handle::{NodeHandle, SubmitError};

/// Everything that a node is made from.
pub struct NodeConfig {
    /// The chain.
    pub genesis: Arc<Genesis>,
    /// The applications that this build has: of them the genesis names those that the chain runs.
    pub applications: Applications,
    /// This validator's key.
    pub signer: Arc<dyn Signer>,
    /// Where LMDB lives; made if absent.
    pub data_dir: PathBuf,
    /// How large it may become, which is address space and no disk:
    /// [`DEFAULT_MAP_BYTES`](crate::state_store::DEFAULT_MAP_BYTES).
    pub map_bytes: usize,
    /// The record beside the key ([`key_guard_file`](crate::state_store::key_guard_file)): what keeps two
    /// nodes from signing with it, and an old data directory from signing at all. `None`: nothing
    /// does (a devnet, whose keys are public).
    pub key_guard: Option<PathBuf>,
    /// The block that the operator trusts: no other is committed at its height.
    pub trusted: Option<Checkpoint>,
    /// The operator vouches for a data directory that would not be signed from otherwise.
    pub rearm: bool,
    /// How long it waits, at its start, to hear how far all others are, before those are enough that
    /// it must hear.
    pub arrival_wait_ms: u64,
    /// What a commit survives.
    pub durability: Durability,
    /// Which blocks are kept.
    pub retention: Retention,
    /// Whether it is kept which transactions an account has a part in.
    pub history: bool,
    /// For other nodes; bound already, so that its address is known before any node runs.
    pub peer_listener: Arc<TcpListener>,
    /// For people; `None`: the node answers nobody but its peers.
    pub public_listener: Option<Arc<TcpListener>>,
    /// The other validators' nodes.
    pub peers: Vec<Peer>,
    /// How long each step waits.
    pub timeouts: Timeouts,
    /// When a height begins.
    pub pacing: Pacing,
    /// No height after this one begins.
    pub last_height: Option<Height>,
    /// Called with each committed block, on the node's thread.
    pub on_commit: Option<OnCommit>,
    /// Whose pages in browsers may ask.
    pub origins: Origins,
    /// The proxies whose word on the address of a client counts.
    pub trusted_proxies: Proxies,
    /// By which names people may ask, besides `localhost` and addresses, where only this machine
    /// reaches the public listener.
    pub hosts: Hosts,
    /// Carries out what is asked at `/devnet`; only a node of a devnet has it.
    pub controls: Option<Arc<dyn Controls>>,
    /// Whether people are shown the page.
    pub serves_page: bool,
    /// How often actors may fall.
    pub policy: Policy,
}

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// This build verifies signatures wrongly.
    #[error(transparent)]
    SelfTest(#[from] SelfTestFailed),
    /// The genesis names an impossible validator set, or an application that this build lacks.
    #[error("genesis: {0}")]
    Rules(#[from] RulesError),
    /// The genesis names an impossible ledger.
    #[error("genesis: {0}")]
    Genesis(#[from] GenesisError),
    /// The key is of another scheme than the chain.
    #[error("the key is for {0}, but the genesis names {1}: use a key made for {1}")]
    OtherScheme(crypto::SchemeId, crypto::SchemeId),
    /// A public devnet key on a real chain.
    #[error(
        "{address} is a public devnet key: anyone can sign with it, so it may only be used on \
         chain id {DEVNET_CHAIN_ID}, not {chain_id}; make a key of your own"
    )]
    PublicKey {
        /// Whose key.
        address: Address,
        /// On which chain.
        chain_id: ChainId,
    },
    /// A key could not be derived.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The chain in the data directory has another block than the trusted one.
    #[error(transparent)]
    OtherThanTrusted(#[from] OtherThanTrusted),
    /// The store refused.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The listening socket or the thread failed.
    #[error("the node could not begin: {0}")]
    Io(#[from] std::io::Error),
}

impl NodeError {
    /// 1 may be retried, 2 configuration, 3 corrupt data, 4 safety stop.
    pub fn exit_code(&self) -> u8 {
        match self {
            NodeError::Store(error) => error.exit_code(),
            NodeError::Io(_) => 1,
            NodeError::SelfTest(_)
            | NodeError::Rules(RulesError::Application(_))
            | NodeError::PublicKey { .. }
            | NodeError::OtherThanTrusted(_) => 4,
            _ => 2,
        }
    }
}

/// A node that can be started.
pub struct Node;

impl Node {
    /// Checks and opens everything, then starts the node's thread. Returns when its actors are
    /// wired and its port answers.
    pub fn start(config: NodeConfig) -> Result<NodeHandle, NodeError> {
        let parts = Parts::open(config)?;
        thread::start(parts)
    }
}

/// What has been checked and opened: from here on nothing can fail but the machine.
struct Parts {
    config: NodeConfig,
    me: Address,
    rules: Arc<ChainRules>,
    ledger: Ledger,
    store: Store,
    signing: Signing,
    handshake: Handshake,
    wire: Wire,
    clock: Clock,
    view: Arc<NodeView>,
    events: Arc<Events>,
    farewell: Farewell,
    access: Access,
    genesis_root: Hash,
    actors: Actors,
    metrics: Arc<Metrics>,
    /// As it is now; `config` has the one of the start.
    pacing: Live<Pacing>,
    peer_listens: SocketAddr,
    public_listens: Option<SocketAddr>,
}

impl Parts {
    fn open(mut config: NodeConfig) -> Result<Parts, NodeError> {
        let fingerprint = crypto::self_test()?;
        let genesis = &config.genesis;
        let actors = Actors::default();
        let metrics = Metrics::of_chain(actors.clone(), genesis.scheme);
        let scheme = crypto::scheme(genesis.scheme);
        let me = identity(genesis, &*config.signer)?;
        let _speaker = Speaker::new(me);
        crypto::prove_signer(&*scheme, &*config.signer)?;
        let (rules, changes) = begin(genesis, metrics.timed_scheme(scheme), &config.applications)?;
        let rules = Arc::new(rules);
        let genesis_hash = rules.context.genesis_hash;
        let dir = &config.data_dir;
        let durability = config.durability;
        let map_bytes = config.map_bytes;
        let store = Store::open(dir, durability, map_bytes, genesis, me, &changes)?;
        compare(&store, TrustedBlock::new(config.trusted))?;
        store.retain(config.retention);
        let key_use = key_use(&config, &store)?;
        store.keep_history(config.history)?;
        config.rearm |= store.take_vouch(Clock::start().wall())?;
        let ledger = store.ledger(rules.clone())?;
        let head = head(&store, genesis_hash)?;
        config.signer = metrics.timed_signer(config.signer);
        let handshake = Handshake {
            protocol_version: PROTOCOL_VERSION,
            genesis_hash,
            verifier_fingerprint: fingerprint.to_string(),
            validator: me,
            height: head.height,
            earliest_height: store.earliest()?,
            time_ms: None,
        };
        let view = Arc::new(NodeView::new(head, ledger.validators().clone()));
        let salt = Clock::salt() / 1_000;
        let events = Arc::new(Events::new(salt, head.height, genesis.parameters));
        let (peer_listens, public_listens) = listens(&config)?;
        show_halt(&store, &view)?;
        let signing = signing(key_use, head.height, &view);
        show_height(&metrics, head.height.next());
        Ok(Parts {
            me,
            rules,
            ledger,
            store,
            signing,
            handshake,
            wire: Wire::new(genesis_hash),
            clock: Clock::start().with(config.controls.as_ref().map(|it| it.clock())),
            view,
            events,
            farewell: Farewell::default(),
            access: Access::of(&config),
            pacing: Live::new(config.pacing),
            config,
            genesis_root: changes.root,
            actors,
            metrics,
            peer_listens,
            public_listens,
        })
    }
}

fn key_use(config: &NodeConfig, store: &Store) -> Result<KeyUse, StoreError> {
    match &config.key_guard {
        Some(record) => store.guard_key(record, config.rearm),
        None => store.unguarded(),
    }
}

/// What a chain begins with: the one judge of a genesis.
fn begin(
    genesis: &Genesis,
    scheme: Arc<dyn Scheme>,
    applications: &Applications,
) -> Result<(ChainRules, StateChanges), NodeError> {
    let rules = ChainRules::with(genesis, scheme, applications)?;
    let changes = rules.genesis_changes(genesis)?;
    Ok((rules, changes))
}

/// Whether a node with this key, of a build that has these applications, could begin this chain; for
/// whoever makes a genesis and keys.
pub fn judge(
    genesis: &Genesis,
    signer: &dyn Signer,
    applications: &Applications,
) -> Result<(), NodeError> {
    identity(genesis, signer)?;
    begin(genesis, crypto::scheme(genesis.scheme), applications).map(|_| ())
}

/// Who may ask: an operator may change it while the node runs.
#[derive(Clone)]
struct Access {
    origins: Live<Origins>,
    proxies: Live<Proxies>,
    hosts: Live<Hosts>,
}

impl Access {
    fn of(config: &NodeConfig) -> Access {
        Access {
            origins: Live::new(config.origins.clone()),
            proxies: Live::new(config.trusted_proxies.clone()),
            hosts: Live::new(config.hosts.clone()),
        }
    }
}

/// A chain that has got as far as the trusted block has that block, or is another one.
fn compare(store: &Store, trusted: TrustedBlock) -> Result<(), NodeError> {
    let Some(height) = trusted.height() else {
        return Ok(());
    };
    match store.certificate(height)? {
        Some(stored) => trusted.allows(height, stored.block_id)?,
        None if store.head()?.height >= height => log::warn!(
            "block {height} is not kept here any more, so it is not compared with the trusted one"
        ),
        None => {}
    }
    Ok(())
}

fn show_height(metrics: &Metrics, undecided: Height) {
    let undecided = i64::try_from(undecided.0).unwrap_or(i64::MAX);
    metrics.height.set(undecided);
}

/// Where this node listens to its peers, and to people.
fn listens(config: &NodeConfig) -> std::io::Result<(SocketAddr, Option<SocketAddr>)> {
    let people = config.public_listener.as_deref();
    let people = people.map(TcpListener::local_addr).transpose()?;
    Ok((config.peer_listener.local_addr()?, people))
}

/// A node that has stopped for good says so again at every start.
fn show_halt(store: &Store, view: &NodeView) -> Result<(), StoreError> {
    if let Some(height) = store.halt()? {
        let halt = Halt::InvalidDecision(height);
        log::error!("{halt}; it only serves reads");
        view.set_halted(halt);
    }
    Ok(())
}

/// What the driver is told, and what the node shows of it.
fn signing(key_use: KeyUse, head: Height, view: &NodeView) -> Signing {
    match key_use {
        KeyUse::Observes(reason) => {
            log::warn!("this node observes: {reason}");
            view.set_observing(Some(reason));
            Signing::Never
        }
        KeyUse::Signs(from) => {
            if from > head.next() {
                let reason = format!(
                    "re-armed: it signs from height {from} on; if the chain cannot get there \
                     without it, stop it and run lockstep arm again: then it signs from the height \
                     before, perhaps one that its key has begun to sign elsewhere, which anybody can \
                     prove (a third time changes nothing)"
                );
                log::warn!("this node observes: {reason}");
                view.set_observing(Some(reason));
            }
            Signing::From(from)
        }
    }
}

/// The validator that the key makes this node, if that is allowed on this chain.
fn identity(genesis: &Genesis, signer: &dyn Signer) -> Result<Address, NodeError> {
    if signer.scheme() != genesis.scheme {
        return Err(NodeError::OtherScheme(signer.scheme(), genesis.scheme));
    }
    let me = Address::of(genesis.scheme, signer.public_key());
    if genesis.chain_id != DEVNET_CHAIN_ID && devnet_keys::is_public(&me)? {
        return Err(NodeError::PublicKey {
            address: me,
            chain_id: genesis.chain_id,
        });
    }
    Ok(me)
}

fn head(store: &Store, genesis_hash: Hash) -> Result<HeadView, StoreError> {
    let head = store.head()?;
    let newest = store.decided(head.height, 1, usize::MAX)?;
    Ok(newest.first().map_or(
        HeadView {
            height: Height(0),
            block_id: genesis_hash,
            state_root: head.state_root,
            time: head.time,
        },
        |decided| head_view(&decided.block),
    ))
}
