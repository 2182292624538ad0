//! **Room: devnet.** Many actor systems in one process: several real nodes, each with its own key,
//! LMDB directory and port, that commit one chain together over real HTTP.
//!
//! ```
//! let devnet = lockstep_devnet::Devnet::builder().validators(4).manual(true).boot()?;
//! for _ in 0..6 {
//!     devnet.tick()?;
//! }
//! assert_eq!(devnet.heights(), [6, 6, 6, 6].map(Some));
//! devnet.shutdown();
//! # Ok::<(), lockstep_devnet::DevnetError>(())
//! ```
//!
//! Nothing here decides anything about consensus: a node of a devnet is the node, only its assembly
//! differs. This room knows `lockstep-actors` and `lockstep-protocol`, not the command line.
#![warn(clippy::wildcard_imports)]

mod accounts;
mod builder;
mod chain;
mod devnet;
pub mod limits;
mod links;
mod lone_ledger;
pub mod simulation;

pub use accounts::{FundedAccount, crowd_address, funded_accounts, load_accounts};
pub use builder::{Builder, CommitEvent, DEVNET_GENESIS_TIME};
pub use chain::ChainError;
pub use devnet::{Devnet, DevnetError, NodeTick, Ticker};
pub use links::{Fault, Links, Traffic};
pub use lockstep_actors::state_store::Durability;
pub use lone_ledger::LoneLedger;
