//! What the outside holds of a running node.
use super::Access;
use crate::limits::ASK_PATIENCE;
use crate::live::Live;
use crate::messages::mempool::{GetNextNonce, SubmitResult, SubmitTransactions};
use crate::messages::peer_broadcaster::ConnectPeers;
use crate::messages::round_driver::{ChangePace, Tick};
use crate::metrics::Metrics;
use crate::peers::Peer;
use crate::rpc_gateway::{Hosts, Origins, Proxies};
use crate::runtime::{Actors, AskError, EndReason, Port};
use crate::shell::Deliver;
use crate::state_store::Store;
use crate::view::NodeView;
use actix::ArbiterHandle;
use futures_util::future::Either;
use lockstep_protocol::consensus::driver::{Pacing, TickOutcome};
use lockstep_protocol::ledger::{Account, HistoryError};
use lockstep_protocol::mempool::{MempoolRefusal, Source, Submission};
use lockstep_protocol::nouns::transaction::Transaction;
use lockstep_protocol::types::{Address, Hash, Height};
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::MissedTickBehavior;

/// Why a transaction was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// It may not wait for a block.
    #[error("the transaction was refused: {0}")]
    Refused(#[from] MempoolRefusal),
    /// The node did not answer.
    #[error(transparent)]
    Ask(#[from] AskError),
}

/// How a node is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Whoever listens is told, the actors stop one after the other, and the store says that it was
    /// closed.
    InOrder,
    /// None of that.
    Abruptly,
}

/// A running node. Dropped, it stops the node and waits for its thread.
pub struct NodeHandle {
    pub(super) address: Address,
    pub(super) peer_listens: SocketAddr,
    pub(super) public_listens: Option<SocketAddr>,
    pub(super) genesis_hash: Hash,
    pub(super) view: Arc<NodeView>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) access: Access,
    pub(super) pacing: Live<Pacing>,
    pub(super) store: Option<Store>,
    pub(super) remote: Remote,
    pub(super) stop: Option<oneshot::Sender<Stop>>,
    pub(super) thread: Option<JoinHandle<EndReason>>,
}

/// The ports that the outside uses; made on the node's thread.
pub(super) struct Remote {
    /// The node's own.
    pub(super) thread: ArbiterHandle,
    pub(super) actors: Actors,
    pub(super) tick: Port<Tick>,
    pub(super) pace: Port<ChangePace>,
    pub(super) next_nonce: Port<GetNextNonce>,
    pub(super) submit: Port<SubmitTransactions>,
    pub(super) connect: Port<ConnectPeers>,
    #[cfg(feature = "inject-panics")]
    pub(super) children: crate::runtime::Children,
}

impl NodeHandle {
    /// The validator that this node runs.
    pub fn address(&self) -> Address {
        self.address
    }

    /// Where it listens to other nodes.
    pub fn peer_listens(&self) -> SocketAddr {
        self.peer_listens
    }

    /// Where it listens to people, if it does.
    pub fn public_listens(&self) -> Option<SocketAddr> {
        self.public_listens
    }

    /// The chain.
    pub fn genesis_hash(&self) -> Hash {
        self.genesis_hash
    }

    /// As a peer of other nodes.
    pub fn peer(&self) -> Peer {
        Peer::at(self.address, self.peer_listens)
    }

    /// What the node shows of itself.
    pub fn view(&self) -> &Arc<NodeView> {
        &self.view
    }

    /// The node's metrics.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// The actors' counters.
    pub fn actors(&self) -> &Actors {
        &self.remote.actors
    }

    /// Committed data.
    pub fn store(&self) -> &Store {
        // Taken only by `stop`, which consumes the handle.
        self.store.as_ref().expect("a running node has a store")
    }

    /// These are the peers from now on: who is new or elsewhere is linked, who is gone is dropped, and
    /// the others keep their links. Whom a start waits for are those that the node began with.
    pub fn connect(&self, peers: Vec<Peer>) {
        self.remote.connect.deliver(ConnectPeers(peers));
    }

    /// From the next request on these pages may ask, by these names; the word of these proxies counts.
    /// Connections stay.
    pub fn allow(&self, origins: Origins, hosts: Hosts, proxies: Proxies) {
        self.access.origins.set(origins);
        self.access.hosts.set(hosts);
        self.access.proxies.set(proxies);
    }

    /// Does this every so often on the node's own thread: not while that is stuck, and not after its end.
    pub fn beat(&self, every: Duration, what: impl Fn() + Send + 'static) {
        let beat = async move {
            let mut beats = tokio::time::interval(every.max(Duration::from_millis(1)));
            beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                beats.tick().await;
                what();
            }
        };
        // It says whether the thread still lives, and whoever asks knows by other means.
        let _ = self.remote.thread.spawn(beat);
    }

    /// Produce the block of `height` now (manual pacing): the answer comes when this node has begun
    /// it, not when the block is there. The question is sent by the call.
    pub fn tick(&self, height: Height) -> impl FnOnce() -> Result<TickOutcome, AskError> + use<> {
        let answer = self.remote.tick.ask(Tick(height));
        move || wait(answer)
    }

    /// When heights begin from now on, this node's falls included. The question is sent by the call.
    pub fn change_pace(&self, pacing: Pacing) -> impl FnOnce() -> Result<(), AskError> + use<> {
        self.pacing.set(pacing);
        let answer = self.remote.pace.ask(ChangePace);
        move || wait(answer)
    }

    /// When heights begin.
    pub fn pacing(&self) -> Pacing {
        *self.pacing.get()
    }

    /// An account after the newest block that this node shows.
    pub fn account(&self, address: &Address) -> Result<Account, HistoryError> {
        let height = self.view.head().height;
        self.store().account_after(height, address)
    }

    /// Which nonce continues what this sender has waiting here, if `next` is the one that the ledger
    /// expects.
    pub fn next_nonce(&self, sender: Address, next: u64) -> Result<u64, AskError> {
        wait(self.remote.next_nonce.ask(GetNextNonce { sender, next }))
    }

    /// Gives the node a transaction for a block.
    pub fn submit(&self, transaction: Arc<Transaction>) -> Result<Submission, SubmitError> {
        let submit = SubmitTransactions(vec![transaction], Source::People);
        let verdict: Option<SubmitResult> = wait(self.remote.submit.ask(submit))?.pop();
        Ok(verdict.unwrap_or(Err(MempoolRefusal::Busy))?)
    }

    /// Makes the actor of this name panic. False if there is none.
    #[cfg(feature = "inject-panics")]
    pub fn inject_panic(&self, actor: &str) -> bool {
        self.remote.children.inject_panic(actor)
    }

    /// The handle by which tests make actors panic.
    #[cfg(feature = "inject-panics")]
    pub fn children(&self) -> &crate::runtime::Children {
        &self.remote.children
    }

    /// Why the node has ended by itself, once it has.
    pub fn ended(&self) -> Option<EndReason> {
        let gone = self.thread.as_ref().is_none_or(JoinHandle::is_finished);
        let died = || gone.then_some(EndReason::SupervisorDied);
        self.view.ended().or_else(died)
    }

    /// Whether the node has ended by itself.
    pub fn has_ended(&self) -> bool {
        self.ended().is_some()
    }

    /// Stops the node: actors in reverse start order, then its thread. Returns why it ended; its
    /// data directory is free afterwards.
    pub fn stop(mut self) -> EndReason {
        self.ask_to_stop();
        self.join()
    }

    /// Kills the node as if it were a process: no farewell to whoever is connected, no message handled
    /// that waits, no last write, no sync; its sockets close. What it had made durable stays, and its
    /// directory is free afterwards. One that has ended by itself says why.
    pub fn kill(mut self) -> EndReason {
        self.order(Stop::Abruptly);
        self.join()
    }

    /// Asks the node to stop without waiting for it: several nodes stop in parallel.
    pub fn ask_to_stop(&mut self) {
        self.order(Stop::InOrder);
    }

    fn order(&mut self, how: Stop) {
        if let Some(stop) = self.stop.take() {
            // An error says that it has ended already.
            let _ = stop.send(how);
        }
    }

    fn join(&mut self) -> EndReason {
        self.store = None;
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(reason)) => reason,
            Some(Err(_)) | None => EndReason::SupervisorDied,
        }
    }
}

impl Drop for NodeHandle {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.ask_to_stop();
            self.join();
        }
    }
}

/// Blocks this thread (which is no node's) until the answer is there.
fn wait<T>(answer: impl Future<Output = Result<T, AskError>>) -> Result<T, AskError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let Ok(runtime) = runtime else {
        return Err(AskError::Died);
    };
    runtime.block_on(async move {
        let late = tokio::time::sleep(ASK_PATIENCE);
        match futures_util::future::select(std::pin::pin!(answer), std::pin::pin!(late)).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => Err(AskError::Died),
        }
    })
}
