//! The running devnet.
use crate::accounts::FundedAccount;
use crate::builder::Builder;
use crate::links::Links;
use lockstep_actors::node::{NodeHandle, SharedClock};
use lockstep_actors::runtime::Actors;
use lockstep_actors::view::HeadView;
use lockstep_protocol::consensus::driver::Pacing;
use lockstep_protocol::ledger::Receipt;
use lockstep_protocol::mempool::Submission;
use lockstep_protocol::nouns::decided::DecidedBlock;
use lockstep_protocol::nouns::genesis::Genesis;
use lockstep_protocol::nouns::sign_bytes::SignContext;
use lockstep_protocol::nouns::transaction::Transaction;
use lockstep_protocol::types::{Address, Hash, Height};
use parking_lot::{MappedMutexGuard, Mutex, MutexGuard};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

mod applications;
mod boot;
mod controls;
mod error;
mod faults;
mod included;
mod lives;
mod node;
mod spending;
mod ticks;
mod time;
mod turns;
mod wait;
mod wires;

use boot::Sockets;
pub use error::DevnetError;
use faults::Faults;
pub use included::{Included, Sent};
use lives::Life;
pub use node::DevnetNode;
pub use spending::Unsent;
use ticks::TICK_PATIENCE;
pub use ticks::{NodeTick, Ticker};
use turns::Turns;
pub use wires::DevnetLinks;

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
    peers: Vec<(Address, SocketAddr)>,
    /// Where each node listens to people.
    public: Vec<SocketAddr>,
    /// What stands between the nodes, if anything does.
    links: Option<Links>,
    /// Changes of nodes and links, one after the other; true once the devnet is going.
    orders: Mutex<bool>,
    /// The wall clock of all nodes.
    clock: Arc<SharedClock>,
    /// When heights begin, as it is now.
    pacing: Mutex<Pacing>,
    /// Since when each node runs or is down.
    lives: Mutex<Vec<Life>>,
    /// Faults of links that were made while the devnet ran.
    faults: Mutex<Faults>,
    accounts: Vec<FundedAccount>,
    /// The sockets of each node, while it has them.
    sockets: Mutex<Vec<Sockets>>,
    /// Snapshots, and what became of reverts.
    turns: Mutex<Turns>,
    /// Two transactions of one account do not take the same nonce.
    spending: Mutex<()>,
    /// Before the directory, so that a node that is left goes first.
    nodes: Vec<Mutex<Option<NodeHandle>>>,
    /// Removed when the devnet goes, unless somebody named a home.
    _temporary: Option<tempfile::TempDir>,
}

impl Devnet {
    /// Four validators, manual or timed; see [`Builder`].
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Makes a block now, on every running node in parallel; waits until all of them have it.
    /// Half a minute at the most: [`Devnet::tick_within`] has another patience.
    pub fn tick(&self) -> Result<Vec<NodeTick>, DevnetError> {
        self.tick_within(TICK_PATIENCE)
    }

    /// The same, for as long as this.
    pub fn tick_within(&self, patience: Duration) -> Result<Vec<NodeTick>, DevnetError> {
        self.inner.tick_within(patience)
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
        let blocks = blocks.map_err(|error| DevnetError::Store(index, error))?;
        Ok(blocks.into_iter().next())
    }

    /// The receipts of block `height` as node `index` stores them.
    pub fn receipts(&self, index: usize, height: u64) -> Result<Option<Vec<Receipt>>, DevnetError> {
        let store = self.inner.node(index)?.store().clone();
        let receipts = store.receipts(Height(height));
        receipts.map_err(|error| DevnetError::Store(index, error))
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

    /// Waits until every running node has committed `height`. An error at once if one of them ends
    /// by itself meanwhile.
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
        answer.map_err(|error| DevnetError::Submit(index, error))
    }

    /// Makes an actor of node `index` panic. False if there is no such node or actor.
    #[cfg(feature = "inject-panics")]
    pub fn inject_panic(&self, index: usize, actor: &str) -> bool {
        self.inner
            .node(index)
            .is_ok_and(|node| node.inject_panic(actor))
    }

    /// Makes an actor of node `index` panic in the handling of its next message of the type with
    /// this name. False if there is no such node or actor.
    #[cfg(feature = "inject-panics")]
    pub fn inject_panic_at(
        &self,
        index: usize,
        actor: &str,
        message: &str,
        strike: lockstep_actors::runtime::Strike,
    ) -> bool {
        self.inner
            .node(index)
            .is_ok_and(|node| node.children().inject_panic_at(actor, message, strike))
    }

    /// Takes back what [`Devnet::inject_panic_at`] has done. False if it has struck.
    #[cfg(feature = "inject-panics")]
    pub fn take_panic_back(&self, index: usize, actor: &str) -> bool {
        self.inner
            .node(index)
            .is_ok_and(|node| node.children().take_panic_back(actor))
    }

    /// The counters of node `index`'s actors; `None` if it is down.
    pub fn actors(&self, index: usize) -> Option<Actors> {
        self.inner
            .node(index)
            .ok()
            .map(|node| node.actors().clone())
    }

    /// Stops all nodes in parallel and frees their directories.
    pub fn shutdown(self) {
        drop(self);
    }

    /// The validator of each node, in order of the nodes.
    pub fn validators(&self) -> Vec<Address> {
        self.inner.peers.iter().map(|peer| peer.0).collect()
    }

    /// Where each node answers people.
    pub fn urls(&self) -> Vec<String> {
        let public = self.inner.public.iter();
        public.map(|listens| format!("http://{listens}")).collect()
    }

    /// Where each node listens to the others.
    pub fn peer_urls(&self) -> Vec<String> {
        self.inner
            .peers
            .iter()
            .map(|(_, listens)| format!("http://{listens}"))
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
        let ended = self.inner.endings().into_iter().map(|(index, _)| index);
        ended.collect()
    }

    /// An error if a node has ended by itself: the one with the gravest reason.
    pub fn check_running(&self) -> Result<(), DevnetError> {
        self.inner.check_running(|_| true)
    }
}

impl Drop for Devnet {
    fn drop(&mut self) {
        *self.inner.orders.lock() = true;
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
    fn data_dir(&self, index: usize) -> PathBuf {
        data_dir(&self.home, index)
    }

    fn node(&self, index: usize) -> Result<MappedMutexGuard<'_, NodeHandle>, DevnetError> {
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
}

/// Where node `index` of a devnet keeps its data.
pub(crate) fn data_dir(home: &Path, index: usize) -> PathBuf {
    home.join(format!("node{index}"))
}
