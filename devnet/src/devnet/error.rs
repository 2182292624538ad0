//! Why a devnet did not do what it was asked.
use crate::limits::{ACCOUNTS_MAX, SNAPSHOTS_MAX};
use lockstep_actors::limits::NAMED_MAX;
use lockstep_actors::node::{NodeError, SubmitError, TimeRefused};
use lockstep_actors::runtime::{AskError, EndReason};
use lockstep_actors::state_store::StoreError;
use lockstep_protocol::crypto::{KeyError, SigningFailed};
use lockstep_protocol::ledger::{FailureCode, HistoryError};
use lockstep_protocol::proofs::light_client::LightError;
use lockstep_protocol::types::{AddressError, Hash, Timestamp};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Why a devnet did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DevnetError {
    /// Too few or too many validators.
    #[error("a devnet has 1 to 128 validators, not {0}")]
    Validators(usize),
    /// Too few or too many accounts.
    #[error("a devnet funds 1 to {ACCOUNTS_MAX} accounts, not {0}")]
    Accounts(usize),
    /// A genesis whose validators have other keys.
    #[error(
        "the genesis has other validators than a devnet of {0}: give it those that \
         Builder::genesis answers, or boot another number of them"
    )]
    ForeignGenesis(usize),
    /// A key could not be derived.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The node of this index did not start.
    #[error("node {0}: {1}")]
    Node(usize, NodeError),
    /// A port is taken.
    #[error(
        "node {index} cannot listen on {address}: {error}; name another port, or 0, with Builder::rpc_port"
    )]
    Listen {
        /// Which node.
        index: usize,
        /// Where.
        address: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
    /// The links between the nodes cannot be made.
    #[error("no links between the nodes: {0}; allow more open files (ulimit -n), and boot again")]
    Links(std::io::Error),
    /// A directory cannot be made.
    #[error("cannot make the directory {dir}: {error}; name another one with Builder::home")]
    Directory {
        /// Which one.
        dir: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// No block came.
    #[error(
        "no block {height} within {patience:?} on {}: {}",
        stand(missing, heights),
        next(heights)
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
    /// There is no node of this index.
    #[error("there is no node {0}")]
    NoNode(usize),
    /// The node of this index need not be started.
    #[error("node {0} is running")]
    Running(usize),
    /// The node has no actor of this name.
    #[error("there is no actor {0:?}: GET /actors lists them")]
    NoActor(String),
    /// Only a build for tests does it.
    #[error("no actor of this build panics on request: build with the feature inject-panics")]
    NoPanics,
    /// All nodes are going.
    #[error("the devnet is shutting down")]
    Going,
    /// No account has this name.
    #[error("no account is called {0:?}: name {1}")]
    NoAccount(String, String),
    /// This is neither a name nor an address.
    #[error("{0:?} is no account's name, and no address: {1}")]
    NoReceiver(String, AddressError),
    /// The node of this index could not read an account.
    #[error("node {0}: {1}")]
    Account(usize, HistoryError),
    /// No block holds a transaction yet.
    #[error("no block holds {id} after {patience:?}: {}", made(*is_manual))]
    NotIncluded {
        /// Which transaction.
        id: Hash,
        /// How long it was waited for.
        patience: Duration,
        /// Blocks come by hand only.
        is_manual: bool,
    },
    /// A transaction stands in a block and did not do what it says.
    #[error("{id} stands in block {height} and changed nothing: {code}")]
    Failed {
        /// Which transaction.
        id: Hash,
        /// In which block.
        height: u64,
        /// Why.
        code: FailureCode,
    },
    /// There is no such snapshot.
    #[error("there is no snapshot {0}: it was never taken, or a revert has let go of it")]
    NoSnapshot(u64),
    /// No more snapshots are kept.
    #[error(
        "{SNAPSHOTS_MAX} snapshots are kept: revert to one of them, which lets go of those after it"
    )]
    TooManySnapshots,
    /// The disks of all nodes could not be copied.
    #[error("cannot copy the disks of all nodes below {}: {_1}; make room there", _0.display())]
    Snapshot(PathBuf, std::io::Error),
    /// The clock was not set.
    #[error(transparent)]
    Time(#[from] TimeRefused),
    /// A time for the next block that is over.
    #[error("the newest block has time {} or a later one: name one beyond it", _0.0)]
    NotLater(Timestamp),
    /// No share of requests.
    #[error("a rate lies from 0 to 1, and {0} does not")]
    NoRate(f64),
    /// A transaction could not be signed.
    #[error(transparent)]
    Signing(#[from] SigningFailed),
    /// The node of this index did not answer.
    #[error("node {0}: {1}")]
    Ask(usize, AskError),
    /// Nobody is there to ask.
    #[error("node {0} is not running: restart it, or ask another one")]
    Down(usize),
    /// The node of this index could not read its store.
    #[error("node {0}: {1}")]
    Store(usize, StoreError),
    /// The chain runs no application of this name.
    #[error("the chain has no application {0:?}: name one of Builder::application")]
    NoApplication(String),
    /// An application does not answer a question.
    #[error("the application {0} does not answer: {1}")]
    Query(String, String),
    /// The node of this index has no such block.
    #[error("node {0} has no block {1}: ask for one that it has committed")]
    NoLightBlock(usize, u64),
    /// What the node of this index shows does not follow from what is trusted.
    #[error("node {0} shows what does not follow: {1}")]
    Light(usize, LightError),
}

/// Who lacks a block, and where they stand: in words, however many they are.
fn stand(missing: &[usize], heights: &[Option<u64>]) -> String {
    let named = missing.iter().take(NAMED_MAX).map(usize::to_string);
    let mut named = named.collect::<Vec<_>>().join(", ");
    if let Some(more @ 1..) = missing.len().checked_sub(NAMED_MAX) {
        named += &format!(" and {more} more");
    }
    let reached = missing.iter().filter_map(|node| *heights.get(*node)?);
    let at = match (reached.clone().min(), reached.max()) {
        (Some(lowest), Some(highest)) if lowest == highest => format!("at height {lowest}"),
        (Some(lowest), Some(highest)) => format!("at heights {lowest} to {highest}"),
        _ => "down".into(),
    };
    let down = heights.iter().filter(|height| height.is_none()).count();
    let (all, lack) = (heights.len(), missing.len());
    let of_all = format!("{lack} of {all} nodes ({named}: {at})");
    match down {
        0 => of_all,
        1 => format!("{of_all}; one is down"),
        _ => format!("{of_all}; {down} are down"),
    }
}

/// What helps where a block does not come.
fn next(heights: &[Option<u64>]) -> &'static str {
    match heights.iter().any(Option::is_none) {
        true => "restart those that are down",
        false => "wait longer, or read in the log what these nodes wait for",
    }
}

/// What helps where no block holds a transaction.
fn made(is_manual: bool) -> &'static str {
    match is_manual {
        true => "blocks come by hand here, so make one with Devnet::tick",
        false => {
            "wait longer with Sent::wait_within, or see where nodes stand with Devnet::heights"
        }
    }
}

impl DevnetError {
    /// 1 may be retried, 2 configuration, 3 corrupt data, 4 safety stop.
    pub fn exit_code(&self) -> u8 {
        match self {
            DevnetError::Validators(_)
            | DevnetError::Accounts(_)
            | DevnetError::ForeignGenesis(_)
            | DevnetError::Key(_)
            | DevnetError::Directory { .. } => 2,
            DevnetError::Node(_, error) => error.exit_code(),
            DevnetError::Store(_, error) => error.exit_code(),
            DevnetError::Ended { reason, .. } => reason.exit_code(),
            DevnetError::NoNode(_)
            | DevnetError::NoActor(_)
            | DevnetError::NoPanics
            | DevnetError::NoAccount(..)
            | DevnetError::NoReceiver(..)
            | DevnetError::NoRate(_)
            | DevnetError::NoSnapshot(_)
            | DevnetError::TooManySnapshots
            | DevnetError::Time(_)
            | DevnetError::NotLater(_)
            | DevnetError::NoApplication(_)
            | DevnetError::Query(..)
            | DevnetError::NoLightBlock(..)
            | DevnetError::Failed { .. } => 2,
            DevnetError::Light(..) => 3,
            DevnetError::Listen { .. }
            | DevnetError::Links(_)
            | DevnetError::NoBlock { .. }
            | DevnetError::NotIncluded { .. }
            | DevnetError::Snapshot(..)
            | DevnetError::Submit(..)
            | DevnetError::Running(_)
            | DevnetError::Going
            | DevnetError::Account(..)
            | DevnetError::Signing(_)
            | DevnetError::Ask(..)
            | DevnetError::Down(_) => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It was `Some(1)` a hundred times.
    #[test]
    fn who_lacks_a_block_is_said_in_words_and_once() {
        let no_block = |missing: Vec<usize>, heights: Vec<Option<u64>>| {
            let error = DevnetError::NoBlock {
                height: 2,
                patience: Duration::from_secs(30),
                missing,
                heights,
            };
            error.to_string()
        };
        let all = no_block((0..100).collect(), vec![Some(1); 100]);
        assert_eq!(
            all,
            "no block 2 within 30s on 100 of 100 nodes (0, 1, 2, 3, 4, 5, 6, 7 and 92 more: at \
             height 1): wait longer, or read in the log what these nodes wait for"
        );
        let some = no_block(vec![1, 2], vec![Some(2), Some(0), Some(1), None]);
        assert_eq!(
            some,
            "no block 2 within 30s on 2 of 4 nodes (1, 2: at heights 0 to 1); one is down: restart \
             those that are down"
        );
        assert_eq!(
            no_block(vec![0], vec![None]),
            "no block 2 within 30s on 1 of 1 nodes (0: down); one is down: restart those that are \
             down"
        );
    }
}
