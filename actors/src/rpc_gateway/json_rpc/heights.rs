//! Which height is meant, and whether what was asked of it is shown and kept.
use super::error::RpcError;
use super::params::At;
use crate::rpc_gateway::seed::Seed;
use crate::state_store::StoreView;
use lockstep_protocol::ledger::HistoryError;
use lockstep_protocol::types::{Hash, Height};

/// The version of the state after the block of `height`, if it is shown.
pub(super) fn version_after(
    view: &StoreView,
    height: Height,
    newest: Height,
) -> Result<u64, HistoryError> {
    if height > newest {
        return Err(HistoryError::NotCommitted { height, newest });
    }
    view.version_after(height)
}

/// The height that is meant.
pub(super) fn height(seed: &Seed, at: At) -> Height {
    match at {
        At::Height(height) => height,
        At::Latest | At::Pending | At::Block(_) => seed.head().height,
    }
}

/// Where the block of this id stands: every committed block is canonical.
pub(super) fn height_of(seed: &Seed, id: &Hash) -> Result<Option<Height>, RpcError> {
    if *id == seed.rules.context.genesis_hash {
        return Ok(Some(Height(0)));
    }
    let found = seed.store.location(id)?;
    let found = found.filter(|found| found.transaction.is_none() && seed.is_shown(found.height));
    Ok(found.map(|found| found.height))
}

/// A block that was there once is not answered as one that never was.
pub(super) fn demand_kept(seed: &Seed, asked: Height) -> Result<(), RpcError> {
    let earliest = seed.store.earliest()?;
    if asked > Height(0) && asked < earliest {
        return Err(RpcError::Pruned { asked, earliest });
    }
    Ok(())
}
