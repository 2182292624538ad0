//! **Room: actors.** Thin shells that carry messages and effects between the brains of
//! `lockstep-protocol`.
//!
//! Here live sockets, the disk, timers, threads. No rule of consensus or ledger is decided here: a
//! shell that decides something has its brain in the wrong place. This room knows
//! `lockstep-protocol` and nothing of `lockstep-devnet` or the command line.
//!
//! | Actor, a folder each | Owns | Brain |
//! |---|---|---|
//! | `peer_gateway` | the listener for other nodes | – |
//! | `rpc_gateway` | the listener for people | – |
//! | `proposer` | proposals | `consensus::proposals` |
//! | `vote_collector` | votes | `consensus::tally` |
//! | `round_driver` | height, round, step, locks, timers, the key | `consensus::driver` |
//! | `committer` | the ledger, evidence that waits | `consensus::committer` |
//! | [`state_store`] | LMDB | – |
//! | `mempool` | transactions that wait | `mempool` |
//! | `peer_broadcaster` | the way out | – |
//! | `block_sync` | catching up | `consensus::catch_up` |
//! | [`runtime::Supervisor`] | who lives | – |
//!
//! The folder of an actor: `mod.rs` says what it owns, what it tells (`Ports`), what it is made from
//! (`Seed`); `handlers.rs` what each message does; `carry.rs`, where there is one, how it carries out
//! what its brain says.
//!
//! Actors know messages and ports, never each other: `messages/` has one file for each receiver.
//! Both gateways serve by one machine, `http`.
//! [`node`] wires them, one actor system per node. They stand on [`runtime`], show themselves in a
//! [`view`], and keep to [`limits`]; [`peers`] says who other nodes are.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod block_sync;
mod clock;
mod committer;
#[cfg(test)]
mod fixture;
mod http;
mod kill_points;
pub mod limits;
mod mempool;
mod messages;
mod metrics;
pub mod node;
mod peer_broadcaster;
mod peer_gateway;
pub mod peers;
mod proposer;
mod round_driver;
pub mod rpc_gateway;
pub mod runtime;
mod shell;
pub mod state_store;
pub mod view;
mod vote_collector;
