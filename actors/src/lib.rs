//! **Room: actors.** Thin shells that carry messages and effects between the brains of
//! `lockstep-protocol`: one file (or folder) per actor, its messages with it.
//!
//! Here live sockets, the disk, timers, threads. No rule of consensus or ledger is decided here: a
//! shell that grows past two hundred lines has its brain in the wrong place. This room knows
//! `lockstep-protocol` and nothing of `lockstep-devnet` or the command line.
//!
//! | Actor | Owns | Brain |
//! |---|---|---|
//! | `peer_gateway` | the listener for other nodes | – |
//! | [`rpc_gateway`] | the listener for people | – |
//! | [`proposer`] | proposals | `consensus::proposals` |
//! | [`vote_collector`] | votes | `consensus::tally` |
//! | [`round_driver`] | height, round, step, locks, timers, the key | `consensus::driver` |
//! | [`committer`] | the ledger | `ledger` |
//! | [`state_store`] | LMDB | – |
//! | [`mempool`] | transactions that wait | `mempool` |
//! | [`peer_broadcaster`] | the way out | – |
//! | [`block_sync`] | catching up | `consensus::catch_up` |
//! | [`runtime::Supervisor`] | who lives | – |
//!
//! Both gateways serve by one machine, `http`. [`node`] wires all of them: one actor system per node.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod block_sync;
pub mod clock;
pub mod committer;
mod delivery;
mod http;
mod kill_points;
pub mod limits;
pub mod mempool;
pub mod metrics;
pub mod node;
pub mod peer_broadcaster;
mod peer_gateway;
pub mod proposer;
pub mod round_driver;
pub mod rpc_gateway;
pub mod runtime;
pub mod state_store;
pub mod view;
pub mod vote_collector;

/// Declares messages with their answers, in the words of actix.
macro_rules! message {
    ($($message:ty => $answer:ty),* $(,)?) => {$(
        impl actix::Message for $message {
            type Result = $answer;
        }
    )*};
}
pub(crate) use message;
