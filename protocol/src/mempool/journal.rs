//! What became of transactions that wait no more: the newest ones, each with its last word.
use crate::recent::Recent;
use crate::types::{Hash, Height};

/// The end of a transaction's wait.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "fate", rename_all = "snake_case")]
pub enum Fate {
    /// A block carries it; its receipt says whether it did what it should.
    Committed {
        /// The block's height.
        height: Height,
    },
    /// No block carried it in time.
    Expired {
        /// The last height at which one could have.
        expires_at: Height,
    },
    /// Its sender sent another one with the same nonce and a higher fee.
    Replaced {
        /// The other one.
        by: Hash,
    },
    /// There was no room, and others paid more per byte.
    Evicted,
    /// It became impossible.
    Dropped {
        /// Why, as a stable word.
        code: &'static str,
    },
}

/// The fates of one node. The newest word counts: what was evicted may come again and be committed.
pub(super) type Journal = Recent<Hash, Fate>;
