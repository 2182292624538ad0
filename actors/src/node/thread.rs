//! The thread of a node: builds the actor system, waits for the end, takes it down in order.
use super::handle::{Remote, Stop};
use super::{NodeError, NodeHandle, Parts, wiring};
use crate::limits::POOL_IDLE_MAX;
use crate::runtime::EndReason;
use crate::speaker::Speaker;
use crate::state_store::Durability;
use actix::prelude::*;
use lockstep_protocol::types::Address;
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
    let runtime = runtime_of(address).event_interval(TASKS_PER_LOOK).build()?;
    // A synced write takes up to milliseconds: on its own thread it holds up nobody. Without the
    // sync it takes microseconds, less than the way to another thread and back.
    let store_runtime = match parts.config.durability {
        Durability::Power => Some(runtime_of(address).build()?),
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

/// A runtime whose pool of threads speaks for this node.
fn runtime_of(me: Address) -> Builder {
    let mut builder = Builder::new_current_thread();
    builder
        .enable_all()
        .thread_keep_alive(POOL_IDLE_MAX)
        .on_thread_start(move || Speaker::for_good(me));
    builder
}

/// A thread of its own that speaks for this node.
fn arbiter_of(me: Address, runtime: Runtime) -> Arbiter {
    let arbiter = Arbiter::with_tokio_rt(|| runtime);
    // An error says that it has ended, and it has only just begun.
    let _ = arbiter.spawn_fn(move || Speaker::for_good(me));
    arbiter
}

fn run(
    runtime: Runtime,
    store_runtime: Option<Runtime>,
    parts: Parts,
    ready: &mpsc::Sender<Remote>,
    stop: oneshot::Receiver<Stop>,
) -> EndReason {
    let me = parts.me;
    let _speaker = Speaker::new(me);
    let runner = System::with_tokio_rt(|| runtime);
    let store_thread = store_runtime.map(|runtime| arbiter_of(me, runtime));
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
        let ended = async {
            // What else ends it, the supervisor has said.
            end_rx.await.unwrap_or_else(|_| {
                log::error!("the node stops: {}", EndReason::SupervisorDied);
                EndReason::SupervisorDied
            })
        };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speaker::of_this_thread;

    /// The store's, and those that hash, seal and read for the node.
    #[test]
    fn all_threads_of_a_node_speak_for_it() {
        let me = Address([7; 20]);
        let runtime = runtime_of(me).build().expect("a runtime");
        let runner = System::with_tokio_rt(|| runtime);
        runner.block_on(async {
            let pool = tokio::task::spawn_blocking(of_this_thread).await;
            assert_eq!(pool.expect("it ends"), Some(me));
            let store = arbiter_of(me, runtime_of(me).build().expect("a runtime"));
            let (tell, told) = oneshot::channel();
            store.spawn_fn(move || _ = tell.send(of_this_thread()));
            assert_eq!(told.await.expect("it answers"), Some(me));
            store.stop();
        });
    }
}
