//! Which version of the state belongs to a height, as far back as versions are kept.
use super::state::ReadError;
use crate::types::Height;

/// A version of the state, and the first height after which the state had it. Blocks that change
/// nothing keep the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionStart {
    /// The version.
    pub version: u64,
    /// The block that has made it; 0 for genesis.
    pub height: Height,
}

/// Why the state after a block cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// It was kept for a while.
    #[error(
        "the state after height {height} is not kept any more, the earliest here is that after \
         {earliest}: ask for a later height, or a node that keeps more"
    )]
    Pruned {
        /// What was asked for.
        height: Height,
        /// The earliest that is kept.
        earliest: Height,
    },
    /// It is not there yet.
    #[error("height {height} is not committed yet, the newest is {newest}: ask again later")]
    NotCommitted {
        /// What was asked for.
        height: Height,
        /// The head.
        newest: Height,
    },
    /// This node cannot read its own state.
    #[error(transparent)]
    Fatal(#[from] ReadError),
}

impl HistoryError {
    /// One stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            HistoryError::Pruned { .. } => "pruned",
            HistoryError::NotCommitted { .. } => "not_committed",
            HistoryError::Fatal(_) => "fatal",
        }
    }
}

/// The version of the state after the block of `height`. `kept` are the readable versions, rising;
/// `newest` is the height of the head.
pub fn version_after(
    kept: &[VersionStart],
    newest: Height,
    height: Height,
) -> Result<u64, HistoryError> {
    if height > newest {
        return Err(HistoryError::NotCommitted { height, newest });
    }
    let first = kept
        .first()
        .ok_or_else(|| ReadError::Corrupt("it knows no version of the state".into()))?;
    let begun = kept.iter().take_while(|start| start.height <= height);
    let earliest = first.height;
    let version = begun.last().map(|start| start.version);
    version.ok_or(HistoryError::Pruned { height, earliest })
}
