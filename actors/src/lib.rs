//! **Room: actors.** Thin shells that carry messages and effects between the brains of
//! `lockstep-protocol`: one file (or folder) per actor, its messages with it.
//!
//! Here live sockets, the disk, timers, threads. No rule of consensus or ledger is decided here: a
//! shell that grows past two hundred lines has its brain in the wrong place. This room knows
//! `lockstep-protocol` and nothing of `lockstep-devnet` or the command line.
//!
//! | Actor | Owns | Brain |
//! |---|---|---|
//! | [`rpc_gateway`] | the two listeners and admission | – |
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
//! [`node`] wires them: one actor system per node.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod block_sync;
pub mod clock;
pub mod committer;
#[cfg(test)]
mod fixture;
mod kill_points;
pub mod limits;
pub mod mempool;
pub mod messages;
pub mod metrics;
pub mod node;
pub mod peer_broadcaster;
pub mod peers;
pub mod proposer;
pub mod round_driver;
pub mod rpc_gateway;
pub mod runtime;
mod shell;
pub mod state_store;
pub mod view;
pub mod vote_collector;
