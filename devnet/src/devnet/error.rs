//! Why a devnet did not do what it was asked.
use lockstep_actors::node::{NodeError, SubmitError};
use lockstep_actors::runtime::EndReason;
use lockstep_actors::state_store::StoreError;
use lockstep_protocol::crypto::KeyError;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Why a devnet did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DevnetError {
    /// Too few or too many validators.
    #[error("a devnet has 1 to 128 validators, not {0}")]
    Validators(usize),
    /// A key could not be derived.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The node of this index did not start.
    #[error("node {0}: {1}")]
    Node(usize, NodeError),
    /// A port is taken.
    #[error("node {index} cannot listen on {address}: {error}; choose another port, or 0")]
    Listen {
        /// Which node.
        index: usize,
        /// Where.
        address: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
    /// The links between the nodes cannot be made.
    #[error("no links between the nodes: {0}")]
    Links(std::io::Error),
    /// A directory cannot be made.
    #[error("cannot make the directory {dir}: {error}; choose another one")]
    Directory {
        /// Which one.
        dir: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// No block came.
    #[error(
        "no block {height} within {patience:?} on node(s) {missing:?}; heights are {heights:?}"
    )]
    NoBlock {
        /// Which block.
        height: u64,
        /// How long it was waited for.
        patience: Duration,
        /// Nodes without it.
        missing: Vec<usize>,
        /// All heights.
        heights: Vec<Option<u64>>,
    },
    /// A node ended by itself.
    #[error("node {index} has ended: {reason}")]
    Ended {
        /// Which node.
        index: usize,
        /// Why.
        reason: EndReason,
    },
    /// The node of this index did not take a transaction.
    #[error("node {0}: {1}")]
    Submit(usize, SubmitError),
    /// Nobody is there to ask.
    #[error("node {0} is not running")]
    Down(usize),
    /// The node of this index could not read its store.
    #[error("node {0}: {1}")]
    Store(usize, StoreError),
}

impl DevnetError {
    /// 1 may be retried, 2 configuration, 3 corrupt data, 4 safety stop.
    pub fn exit_code(&self) -> u8 {
        match self {
            DevnetError::Validators(_) | DevnetError::Key(_) | DevnetError::Directory { .. } => 2,
            DevnetError::Node(_, error) => error.exit_code(),
            DevnetError::Store(_, error) => error.exit_code(),
            DevnetError::Ended { reason, .. } => reason.exit_code(),
            DevnetError::Listen { .. }
            | DevnetError::Links(_)
            | DevnetError::NoBlock { .. }
            | DevnetError::Submit(..)
            | DevnetError::Down(_) => 1,
        }
    }
}
