//! What correct nodes commit is what the rules make of it: a ledger apart, which is no node's, executes
//! every block of the chain once, and comes to the state root and the receipts root of its header. That
//! all nodes agree does not show it, for all may be wrong in the same way.
use super::{Property, Scene, Sight};
use lockstep_protocol::ledger::{ChainRules, Head, Ledger, MemoryState, StateChanges};
use std::sync::Arc;

/// Where the chain begins.
pub(crate) struct Origin {
    pub(crate) rules: Arc<ChainRules>,
    pub(crate) head: Head,
    pub(crate) changes: StateChanges,
}

#[derive(Default)]
pub(super) struct Execution {
    apart: Option<Apart>,
}

struct Apart {
    ledger: Ledger,
    state: Arc<MemoryState>,
}

impl Apart {
    fn begin(origin: &Origin) -> Result<Apart, String> {
        let state = Arc::new(MemoryState::new(&origin.changes));
        let ledger = Ledger::new(origin.rules.clone(), state.clone(), origin.head.clone());
        let ledger = ledger.map_err(|error| error.to_string())?;
        Ok(Apart { ledger, state })
    }
}

impl Property for Execution {
    fn see(&mut self, scene: &Scene, node: usize, sight: &Sight<'_>) -> Result<(), String> {
        let Sight::Committed(decided) = sight else {
            return Ok(());
        };
        if scene.may_fork() {
            return Ok(());
        }
        let apart = match &mut self.apart {
            Some(apart) => apart,
            none => none.insert(Apart::begin(&scene.origin)?),
        };
        let header = decided.block.header();
        // Another node has brought it already; or this one stands on another chain, which others judge.
        if header.previous_block != apart.ledger.head().block_id {
            return Ok(());
        }
        let batch = apart
            .ledger
            .commit(&decided.block, decided.certificate.clone());
        let batch = batch
            .map_err(|error| format!("node {node} commits block {}: {error}", header.height))?;
        apart.state.apply(&batch.changes);
        apart.ledger.committed(&batch);
        Ok(())
    }
}
