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
//! (`Seed`); `handlers.rs` what each message does, and how what the brain then says is carried out.
//!
//! Actors know messages and ports, never each other: `messages/` has one file for each receiver.
//! Both gateways serve by one machine, `http`.
//! [`node`] wires them, one actor system per node. They stand on [`runtime`], show themselves in a
//! [`view`], and keep to [`limits`]; [`peers`] says who other nodes are, [`private`] opens files that
//! are for this user alone.
//!
//! A chain with one validator, which decides a block alone:
//!
//! ```
//! use lockstep_actors::node::{Node, NodeConfig};
//! use lockstep_actors::state_store::{DEFAULT_MAP_BYTES, Durability};
//! use lockstep_protocol::application::Applications;
//! use lockstep_protocol::consensus::driver::Pacing;
//! use lockstep_protocol::consensus::timeouts::Timeouts;
//! use lockstep_protocol::crypto::{self, SchemeId, Seed};
//! use lockstep_protocol::nouns::genesis::{Genesis, GenesisValidator};
//! use lockstep_protocol::ledger::Retention;
//! use lockstep_protocol::types::{ChainId, Height, Timestamp};
//! use std::net::TcpListener;
//! use std::sync::Arc;
//!
//! let signer = crypto::scheme(SchemeId::MlDsa65).signer(&Seed([7; 32]))?;
//! let validator = GenesisValidator { public_key: signer.public_key().to_vec(), power: 1 };
//! let genesis = Genesis {
//!     chain_id: ChainId(7),
//!     scheme: SchemeId::MlDsa65,
//!     time: Timestamp(1_767_225_600_000),
//!     parameters: Default::default(),
//!     validators: vec![validator],
//!     accounts: Vec::new(),
//!     applications: Vec::new(),
//! };
//! let directory = tempfile::tempdir()?;
//! let node = Node::start(NodeConfig {
//!     genesis: Arc::new(genesis),
//!     applications: Applications::none(),
//!     signer,
//!     data_dir: directory.path().join("data"),
//!     map_bytes: DEFAULT_MAP_BYTES,
//!     key_guard: None,
//!     trusted: None,
//!     rearm: false,
//!     arrival_wait_ms: 1_000,
//!     durability: Durability::Process,
//!     retention: Retention::All,
//!     history: true,
//!     peer_listener: Arc::new(TcpListener::bind("127.0.0.1:0")?),
//!     public_listener: None,
//!     peers: Vec::new(),
//!     timeouts: Timeouts::DEVNET,
//!     pacing: Pacing::Interval(10),
//!     last_height: None,
//!     on_commit: None,
//!     origins: Default::default(),
//!     trusted_proxies: Default::default(),
//!     hosts: Default::default(),
//!     controls: None,
//!     serves_page: false,
//!     policy: Default::default(),
//! })?;
//! while node.view().head().height < Height(2) && !node.has_ended() {
//!     std::thread::sleep(std::time::Duration::from_millis(10));
//! }
//! assert_eq!(node.stop().exit_code(), 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used))]
// The pages of modules are for people who work here, and name what is private, too.
#![allow(rustdoc::private_intra_doc_links)]
#![warn(clippy::wildcard_imports)]

mod block_sync;
mod clock;
mod committer;
#[cfg(test)]
mod fixture;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod http;
mod kill_points;
pub mod limits;
mod live;
mod mempool;
mod messages;
mod metrics;
pub mod node;
mod peer_broadcaster;
mod peer_gateway;
pub mod peers;
pub mod private;
mod proposer;
mod round_driver;
pub mod rpc_gateway;
pub mod runtime;
mod seldom;
mod shell;
pub mod speaker;
pub mod state_store;
mod tidings;
mod timelines;
pub mod times;
pub mod view;
mod vote_collector;
