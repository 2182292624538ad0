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
//! Whoever tests a program against a chain needs this crate alone: every type that a signature of
//! [`Devnet`] or [`Builder`] names stands here too.
//!
//! ```
//! use lockstep_devnet::{Devnet, DevnetError};
//!
//! # fn main() -> Result<(), DevnetError> {
//! let devnet = Devnet::builder().block_time_ms(50).boot()?;
//! let paid = devnet.transfer("alice", "bob", 5).send()?.wait()?;
//! devnet.node(3).kill()?;
//! devnet.transfer("bob", "carol", 3).send()?.wait()?;
//! devnet.node(3).restart()?;
//! assert_eq!(devnet.receipt(paid.id)?, Some(paid));
//! # Ok(())
//! # }
//! ```
//!
//! A chain runs [applications](Application) of one's own: [`Builder::application`], [`Devnet::call`],
//! [`Devnet::query`], [`DevnetNode::proved_state`]; `examples/token` is a whole one.
//!
//! `devnet/examples/` has more. Nothing here decides anything about consensus: a node of a devnet is the node, only its assembly
//! differs. This room knows `lockstep-actors` and `lockstep-protocol`, not the command line.
#![warn(clippy::wildcard_imports)]

mod accounts;
mod builder;
mod chain;
mod commit_event;
mod devnet;
pub mod limits;
mod links;
mod lone_ledger;
pub mod simulation;

pub use accounts::{Accounts, FundedAccount, crowd_address, funded_accounts, load_accounts};
pub use builder::{Builder, DEVNET_GENESIS_TIME};
pub use chain::ChainError;
pub use commit_event::CommitEvent;
pub use devnet::{
    Devnet, DevnetError, DevnetLinks, DevnetNode, Included, NodeTick, Sent, Ticker, Unsent,
};
pub use links::{Fault, Links, Traffic};
pub use lone_ledger::LoneLedger;

// Whatever the signatures above name.
pub use lockstep_actors::node::{NodeError, SubmitError, TimeRefused};
#[cfg(feature = "inject-panics")]
pub use lockstep_actors::runtime::Strike;
pub use lockstep_actors::runtime::{Actors, AskError, EndReason, Policy};
pub use lockstep_actors::state_store::{Durability, StoreError};
pub use lockstep_actors::view::HeadView;
pub use lockstep_protocol::application::{
    AppState, AppView, Application, ApplicationError, Applications, BlockContext, Call, Failed,
    QueryRefused, Refused, Stopped,
};
pub use lockstep_protocol::consensus::driver::{Pacing, TickOutcome};
pub use lockstep_protocol::consensus::timeouts::Timeouts;
pub use lockstep_protocol::crypto::{KeyError, SchemeId, Signer, SigningFailed};
pub use lockstep_protocol::ledger::{HistoryError, ReadError, Retention};
pub use lockstep_protocol::mempool::Submission;
pub use lockstep_protocol::nouns::decided::DecidedBlock;
pub use lockstep_protocol::nouns::genesis::{
    Genesis, GenesisAccount, GenesisApplication, GenesisValidator,
};
pub use lockstep_protocol::nouns::parameters::Parameters;
pub use lockstep_protocol::nouns::receipt::{Event, FailureCode, Receipt, Status};
pub use lockstep_protocol::nouns::sign_bytes::SignContext;
pub use lockstep_protocol::nouns::transaction::{Action, Transaction, TransactionBody};
pub use lockstep_protocol::proofs::light_client::{
    Checkpoint, LightBlock, LightClient, LightError,
};
pub use lockstep_protocol::types::{
    Address, AddressError, BlockId, ChainId, Hash, Height, Round, Timestamp,
};
