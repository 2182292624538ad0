//! The running devnet.
use crate::builder::Builder;
use lockstep_actors::node::{Node, NodeConfig, NodeError, NodeHandle, SubmitError, devnet_keys};
use lockstep_actors::peer_broadcaster::Peer;
use lockstep_actors::runtime::EndReason;
use lockstep_actors::state_store::StoreError;
use lockstep_actors::view::HeadView;
use lockstep_protocol::consensus::driver::TickOutcome;
use lockstep_protocol::crypto::KeyError;
use lockstep_protocol::genesis::Genesis;
use lockstep_protocol::pending::Submission;
use lockstep_protocol::sign_bytes::SignContext;
use lockstep_protocol::transaction::Transaction;
use lockstep_protocol::types::{Address, Hash, Height};
use lockstep_protocol::wire::DecidedBlock;
use parking_lot::{Mutex, MutexGuard};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How long a tick waits for its block on every node.
const TICK_PATIENCE: Duration = Duration::from_secs(30);

/// Why a devnet did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DevnetError {
    /// Too few or too many validators.
    #[error("a devnet has 1 to 128 validators, not {0}")]
    Validators(usize),
    /// A key could not be derived.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A node did not start.
    #[error("node {index}: {error}")]
    Node {
        /// Which node.
        index: usize,
        /// Why.
        error: NodeError,
    },
    /// A port is taken.
    #[error("node {index} cannot listen on {address}: {error}; choose another --rpc-port, or 0")]
    Listen {
        /// Which node.
        index: usize,
        /// Where.
        address: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
    /// A directory cannot be made.
    #[error("cannot make the directory {dir}: {error}; choose another --home")]
    Directory {
        /// Which one.
        dir: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// No block came.
    #[error(
        "no block {height} within {patience:?} on node(s) {missing:?}; heights are {heights:?}"
    )]
    NoBlock {
        /// Which block.
        height: u64,
        /// How long it was waited for.
        patience: Duration,
        /// Nodes without it.
        missing: Vec<usize>,
        /// All heights.
        heights: Vec<Option<u64>>,
    },
    /// A transaction was not taken.
    #[error("node {index}: {error}")]
    Submit {
        /// Which node.
        index: usize,
        /// Why.
        error: SubmitError,
    },
    /// Nobody is there to ask.
    #[error("node {0} is not running")]
    Down(usize),
    /// A node could not read its store.
    #[error("node {index}: {error}")]
    Store {
        /// Which node.
        index: usize,
        /// Why.
        error: StoreError,
    },
}

impl DevnetError {
    /// 1 may be retried, 2 configuration, 3 corrupt data, 4 safety stop.
    pub fn exit_code(&self) -> u8 {
        match self {
            DevnetError::Validators(_) | DevnetError::Key(_) | DevnetError::Directory { .. } => 2,
            DevnetError::Node { error, .. } => error.exit_code(),
            DevnetError::Store { error, .. } => error.exit_code(),
            DevnetError::Listen { .. }
            | DevnetError::NoBlock { .. }
            | DevnetError::Submit { .. }
            | DevnetError::Down(_) => 1,
        }
    }
}

/// What a tick did on one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct NodeTick {
    /// Which node.
    pub node: usize,
    /// What it did.
    #[serde(flatten)]
    pub outcome: TickOutcome,
}

/// Which public seed validator `index` has. At most 128 validators: it fits.
pub(crate) fn seed_index(index: usize) -> u8 {
    u8::try_from(index).unwrap_or(u8::MAX)
}

/// Several nodes in this process. Dropped, it stops them all.
pub struct Devnet {
    inner: Arc<Inner>,
}

struct Inner {
    builder: Builder,
    genesis: Arc<Genesis>,
    home: PathBuf,
    /// Removed when the devnet goes, unless somebody named a home.
    _temporary: Option<tempfile::TempDir>,
    peers: Vec<Peer>,
    nodes: Vec<Mutex<Option<NodeHandle>>>,
}

impl Devnet {
    /// Four validators, manual or timed; see [`Builder`].
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn boot(builder: Builder) -> Result<Devnet, DevnetError> {
        let genesis = Arc::new(builder.genesis()?);
        let (home, temporary) = home(&builder)?;
        let mut listeners = Vec::new();
        let mut peers = Vec::new();
        for index in 0..builder.validators {
            let port = match builder.rpc_port {
                0 => 0,
                first => first.saturating_add(u16::from(seed_index(index))),
            };
            let listener = listen(index, SocketAddr::from(([127, 0, 0, 1], port)))?;
            let listens = listener.local_addr().map_err(|error| DevnetError::Listen {
                index,
                address: SocketAddr::from(([127, 0, 0, 1], port)),
                error,
            })?;
            let signer = devnet_keys::signer(builder.scheme, seed_index(index))?;
            peers.push(Peer {
                address: Address::of(builder.scheme, signer.public_key()),
                listens,
            });
            listeners.push(listener);
        }
        let nodes = (0..builder.validators).map(|_| Mutex::new(None)).collect();
        let inner = Arc::new(Inner {
            builder,
            genesis,
            home,
            _temporary: temporary,
            peers,
            nodes,
        });
        let devnet = Devnet { inner };
        devnet.start_all(listeners)?;
        Ok(devnet)
    }

    /// Starts every node on its own thread, all at once.
    fn start_all(&self, listeners: Vec<TcpListener>) -> Result<(), DevnetError> {
        let inner = &self.inner;
        let started: Vec<Result<NodeHandle, DevnetError>> = std::thread::scope(|scope| {
            let starts = listeners
                .into_iter()
                .enumerate()
                .map(|(index, listener)| scope.spawn(move || Inner::start(inner, index, listener)));
            let starts: Vec<_> = starts.collect();
            starts
                .into_iter()
                .enumerate()
                .map(|(index, start)| start.join().unwrap_or(Err(DevnetError::Down(index))))
                .collect()
        });
        for (index, handle) in started.into_iter().enumerate() {
            *inner.nodes[index].lock() = Some(handle?);
        }
        Ok(())
    }

    /// Produce a block now, on every running node in parallel; waits until all of them have it.
    pub fn tick(&self) -> Result<Vec<NodeTick>, DevnetError> {
        self.inner.tick()
    }

    /// The committed height of each node; `None` for one that is down.
    pub fn heights(&self) -> Vec<Option<u64>> {
        self.inner.heights()
    }

    /// The state root of each node; `None` for one that is down.
    pub fn state_roots(&self) -> Vec<Option<Hash>> {
        self.inner.each(|node| node.view().head().state_root)
    }

    /// The id of each node's newest block; `None` for one that is down.
    pub fn head_ids(&self) -> Vec<Option<Hash>> {
        self.inner.each(|node| node.view().head().block_id)
    }

    /// Block `height` as node `index` stores it.
    pub fn block(&self, index: usize, height: u64) -> Result<Option<DecidedBlock>, DevnetError> {
        let store = self.inner.node(index)?.store().clone();
        let blocks = store.decided(Height(height), 1, usize::MAX);
        let blocks = blocks.map_err(|error| DevnetError::Store { index, error })?;
        Ok(blocks.into_iter().next())
    }

    /// Where each node stands; `None` for one that is down.
    pub fn heads(&self) -> Vec<Option<HeadView>> {
        self.inner.each(|node| node.view().head())
    }

    /// Makes blocks from another thread.
    pub fn ticker(&self) -> Ticker {
        Ticker {
            inner: Arc::downgrade(&self.inner),
        }
    }

    /// Waits until every running node has committed `height`.
    pub fn wait_for(&self, height: u64, patience: Duration) -> Result<(), DevnetError> {
        self.inner.wait_for(height, patience)
    }

    /// Gives node `index` a transaction; it tells the others.
    pub fn submit(
        &self,
        index: usize,
        transaction: Transaction,
    ) -> Result<Submission, DevnetError> {
        let answer = self.inner.node(index)?.submit(Arc::new(transaction));
        answer.map_err(|error| DevnetError::Submit { index, error })
    }

    /// Stops node `index`; the others go on. `None` if it was down.
    pub fn kill(&self, index: usize) -> Option<EndReason> {
        let handle = self.inner.nodes.get(index)?.lock().take()?;
        Some(handle.stop())
    }

    /// Starts node `index` again on its data directory and its port.
    pub fn restart(&self, index: usize) -> Result<(), DevnetError> {
        let peer = self
            .inner
            .peers
            .get(index)
            .ok_or(DevnetError::Down(index))?;
        let listener = listen(index, peer.listens)?;
        let handle = Inner::start(&self.inner, index, listener)?;
        *self.inner.nodes[index].lock() = Some(handle);
        Ok(())
    }

    /// Makes an actor of node `index` panic. False if there is no such node or actor.
    #[cfg(feature = "inject-panics")]
    pub fn inject_panic(&self, index: usize, actor: &str) -> bool {
        self.inner
            .node(index)
            .is_ok_and(|node| node.inject_panic(actor))
    }

    /// Stops all nodes in parallel and frees their directories.
    pub fn shutdown(self) {
        drop(self);
    }

    /// The validator of each node, in order of the nodes.
    pub fn validators(&self) -> Vec<Address> {
        self.inner.peers.iter().map(|peer| peer.address).collect()
    }

    /// Where each node listens.
    pub fn urls(&self) -> Vec<String> {
        self.inner
            .peers
            .iter()
            .map(|peer| format!("http://{}", peer.listens))
            .collect()
    }

    /// The data directory of each node.
    pub fn data_dirs(&self) -> Vec<PathBuf> {
        (0..self.inner.nodes.len())
            .map(|index| self.inner.data_dir(index))
            .collect()
    }

    /// The genesis that all nodes share.
    pub fn genesis(&self) -> &Genesis {
        &self.inner.genesis
    }

    /// What binds signatures to this devnet's chain.
    pub fn sign_context(&self) -> SignContext {
        self.inner.genesis.sign_context()
    }

    /// Nodes that ended by themselves.
    pub fn ended(&self) -> Vec<usize> {
        let ended = |index: &usize| {
            self.inner.nodes[*index]
                .lock()
                .as_ref()
                .is_some_and(NodeHandle::has_ended)
        };
        (0..self.inner.nodes.len()).filter(ended).collect()
    }
}

/// Makes blocks of a devnet as long as that lives.
#[derive(Clone)]
pub struct Ticker {
    inner: Weak<Inner>,
}

impl Ticker {
    /// As [`Devnet::tick`]; after the devnet's end it makes nothing.
    pub fn tick(&self) -> Result<Vec<NodeTick>, DevnetError> {
        self.inner
            .upgrade()
            .map_or(Ok(Vec::new()), |inner| inner.tick())
    }
}

impl Drop for Devnet {
    fn drop(&mut self) {
        let mut handles: Vec<NodeHandle> = self
            .inner
            .nodes
            .iter()
            .filter_map(|node| node.lock().take())
            .collect();
        // All at once, then wait for each.
        handles.iter_mut().for_each(NodeHandle::ask_to_stop);
        drop(handles);
    }
}

impl Inner {
    fn start(
        inner: &Arc<Inner>,
        index: usize,
        listener: TcpListener,
    ) -> Result<NodeHandle, DevnetError> {
        let builder = &inner.builder;
        let signer = devnet_keys::signer(builder.scheme, seed_index(index))?;
        let all: Weak<Inner> = Arc::downgrade(inner);
        let tick_all = Arc::new(move || {
            let inner = all.upgrade().ok_or("the devnet is shutting down")?;
            let ticks = inner.tick().map_err(|error| error.to_string())?;
            let height = inner.heights().into_iter().flatten().min();
            Ok(serde_json::json!({ "height": height, "nodes": ticks }))
        });
        let config = NodeConfig {
            genesis: inner.genesis.clone(),
            signer,
            data_dir: inner.data_dir(index),
            key_guard: None,
            rearm: false,
            durability: builder.durability,
            listener: Arc::new(listener),
            peers: inner.peers_of(index),
            timeouts: builder.timeouts,
            pacing: builder.pacing,
            last_height: builder.last_height,
            on_commit: builder.commit_hook(index),
            tick_all: Some(tick_all),
            policy: builder.policy,
        };
        Node::start(config).map_err(|error| DevnetError::Node { index, error })
    }

    fn data_dir(&self, index: usize) -> PathBuf {
        self.home.join(format!("node{index}"))
    }

    /// Known before any node runs, because the listeners are bound before.
    fn peers_of(&self, index: usize) -> Vec<Peer> {
        let others = self
            .peers
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != index);
        others.map(|(_, peer)| *peer).collect()
    }

    fn node(
        &self,
        index: usize,
    ) -> Result<parking_lot::MappedMutexGuard<'_, NodeHandle>, DevnetError> {
        let slot = self.nodes.get(index).ok_or(DevnetError::Down(index))?;
        MutexGuard::try_map(slot.lock(), |node| node.as_mut().filter(|n| !n.has_ended()))
            .map_err(|_| DevnetError::Down(index))
    }

    /// A node that has ended by itself is down like one that was killed.
    fn each<T>(&self, look: impl Fn(&NodeHandle) -> T) -> Vec<Option<T>> {
        let running = |node: &NodeHandle| (!node.has_ended()).then(|| look(node));
        self.nodes
            .iter()
            .map(|node| node.lock().as_ref().and_then(running))
            .collect()
    }

    fn heights(&self) -> Vec<Option<u64>> {
        self.each(|node| node.view().head().height.0)
    }

    fn tick(&self) -> Result<Vec<NodeTick>, DevnetError> {
        let next = self
            .heights()
            .into_iter()
            .flatten()
            .max()
            .unwrap_or(0)
            .saturating_add(1);
        let answers = self.each(|node| node.tick(Height(next)));
        let mut ticks = Vec::new();
        for (node, answer) in answers.into_iter().enumerate() {
            let Some(answer) = answer else { continue };
            let outcome = answer().map_err(|_| DevnetError::Down(node))?;
            ticks.push(NodeTick { node, outcome });
        }
        let stopped = |tick: &NodeTick| tick.outcome == TickOutcome::Stopped;
        if !ticks.iter().all(stopped) {
            self.wait_for(next, TICK_PATIENCE)?;
        }
        Ok(ticks)
    }

    fn wait_for(&self, height: u64, patience: Duration) -> Result<(), DevnetError> {
        let views = self.each(|node| node.view().clone());
        let until = std::time::Instant::now() + patience;
        let has_not = |view: &Arc<lockstep_actors::view::NodeView>| {
            let left = until.saturating_duration_since(std::time::Instant::now());
            !view.wait_for(Height(height), left)
        };
        let missing: Vec<usize> = views
            .iter()
            .enumerate()
            .filter_map(|(index, view)| view.as_ref().filter(|v| has_not(v)).map(|_| index))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(DevnetError::NoBlock {
            height,
            patience,
            missing,
            heights: self.heights(),
        })
    }
}

fn home(builder: &Builder) -> Result<(PathBuf, Option<tempfile::TempDir>), DevnetError> {
    match &builder.home {
        Some(home) => {
            make_dir(home)?;
            Ok((home.clone(), None))
        }
        None => {
            let made = tempfile::Builder::new()
                .prefix("lockstep-devnet-")
                .tempdir();
            let dir = std::env::temp_dir();
            let temporary = made.map_err(|error| DevnetError::Directory { dir, error })?;
            Ok((temporary.path().to_owned(), Some(temporary)))
        }
    }
}

fn make_dir(dir: &Path) -> Result<(), DevnetError> {
    std::fs::create_dir_all(dir).map_err(|error| DevnetError::Directory {
        dir: dir.to_owned(),
        error,
    })
}

fn listen(index: usize, address: SocketAddr) -> Result<TcpListener, DevnetError> {
    TcpListener::bind(address).map_err(|error| DevnetError::Listen {
        index,
        address,
        error,
    })
}
