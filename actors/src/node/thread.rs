//! The thread of a node: builds the actor system, waits for the end, takes it down in order.
use super::handle::{Remote, Stop};
use super::{NodeError, NodeHandle, Parts, wiring};
use crate::runtime::EndReason;
use crate::speaker::Speaker;
use crate::state_store::Durability;
use actix::prelude::*;
use std::sync::mpsc;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

/// The runtime looks for what has come at its sockets after so many tasks, of which each may be a
/// slice of what clients want.
const TASKS_PER_LOOK: u32 = 8;

/// Starts the thread and waits until the actors are wired.
pub(super) fn start(parts: Parts) -> Result<NodeHandle, NodeError> {
    let (ready_tx, ready_rx) = mpsc::channel();
    let (stop_tx, stop_rx) = oneshot::channel();
    let address = parts.me;
    let genesis_hash = parts.rules.context.genesis_hash;
    let (peer_listens, public_listens) = (parts.peer_listens, parts.public_listens);
    let (view, metrics) = (parts.view.clone(), parts.metrics.clone());
    let (access, pacing) = (parts.access.clone(), parts.pacing.clone());
    let store = Some(parts.store.clone());
    let runtime = Builder::new_current_thread()
        .enable_all()
        .event_interval(TASKS_PER_LOOK)
        .build()?;
    // A synced write takes up to milliseconds: on its own thread it holds up nobody. Without the
    // sync it takes microseconds, less than the way to another thread and back.
    let store_runtime = match parts.config.durability {
        Durability::Power => Some(Builder::new_current_thread().enable_all().build()?),
        Durability::Process => None,
    };
    let thread = std::thread::Builder::new()
        .name(format!("node-{}", address.short()))
        .spawn(move || run(runtime, store_runtime, parts, &ready_tx, stop_rx))?;
    let Ok(remote) = ready_rx.recv() else {
        // The sender went without a word: building the system panicked.
        return Err(NodeError::Io(std::io::Error::other(
            "its thread died while it began",
        )));
    };
    Ok(NodeHandle {
        address,
        peer_listens,
        public_listens,
        genesis_hash,
        view,
        metrics,
        access,
        pacing,
        store,
        remote,
        stop: Some(stop_tx),
        thread: Some(thread),
    })
}

fn run(
    runtime: Runtime,
    store_runtime: Option<Runtime>,
    parts: Parts,
    ready: &mpsc::Sender<Remote>,
    stop: oneshot::Receiver<Stop>,
) -> EndReason {
    let _speaker = Speaker::new(parts.me);
    let runner = System::with_tokio_rt(|| runtime);
    let store_thread = store_runtime.map(|runtime| Arbiter::with_tokio_rt(|| runtime));
    let view = parts.view.clone();
    let (shown, store) = (parts.view.clone(), parts.store.clone());
    let farewell = parts.farewell.clone();
    let (end_tx, end_rx) = oneshot::channel();
    let reason = runner.block_on(async move {
        let store_on = store_thread
            .as_ref()
            .map_or_else(Arbiter::current, Arbiter::handle);
        let (children, remote) = wiring::wire(parts, &store_on, end_tx);
        // An error says that the starter has gone; then `stop` is closed as well.
        let _ = ready.send(remote);
        // An error says that the starter has gone.
        let asked = async {
            if stop.await == Ok(Stop::Abruptly) {
                return EndReason::Killed;
            }
            farewell.say().await;
            EndReason::asked(shown.copy().halted)
        };
        let ended = async { end_rx.await.unwrap_or(EndReason::SupervisorDied) };
        let reason = tokio::select! {
            reason = asked => reason,
            reason = ended => reason,
        };
        if reason == EndReason::Killed {
            // As of a process that is killed: nobody is told, and nothing is brought to its end.
            children.cut();
            store.cut();
        } else {
            children.stop().await;
        }
        (reason, store_thread)
    });
    let (reason, store_thread) = reason;
    if reason.is_failure() {
        log::error!("the node ends: {reason}");
    }
    // Tasks, pools and ports go with the runner; the store's thread is joined, or its environment
    // would still be open when the directory is used again.
    drop(runner);
    if let Some(arbiter) = store_thread {
        arbiter.stop();
        // An error says that it has panicked, and then it has ended too.
        let _ = arbiter.join();
    }
    view.set_ended(reason.clone());
    reason
}
