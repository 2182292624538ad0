//! The two halves of Tendermint's safety: a precommit has its polka, and whoever has precommitted
//! `v` in round r prevotes another value later only with a polka of round ≥ r (L22, L28, L36).
//!
//! Faulty validators are taken to have prevoted everything.
use super::{Property, Scene, Sight};
use crate::simulation::message::Statement;
use lockstep_protocol::limits::COMMIT_RUN_BLOCKS_MAX;
use lockstep_protocol::nouns::vote::VoteKind;
use lockstep_protocol::types::{BlockId, Height, Round};
use std::collections::{BTreeMap, BTreeSet};

/// Blocks that may become durable together.
const RUN: u64 = COMMIT_RUN_BLOCKS_MAX as u64;

#[derive(Default)]
pub(super) struct LockRule {
    locks: BTreeMap<usize, (Height, Round, BlockId)>,
    prevoters: BTreeMap<(Height, Round, BlockId), BTreeSet<usize>>,
    committed: BTreeMap<usize, Height>,
}

impl Property for LockRule {
    fn see(&mut self, scene: &Scene, node: usize, sight: &Sight<'_>) -> Result<(), String> {
        match sight {
            Sight::Committed(decided) => {
                self.committed.insert(node, decided.block.height());
                self.forget(scene);
                Ok(())
            }
            Sight::Said { statement, .. } => self.said(scene, node, statement),
            _ => Ok(()),
        }
    }
}

impl LockRule {
    fn said(&mut self, scene: &Scene, node: usize, said: &Statement) -> Result<(), String> {
        let Some(id) = said.block_id else {
            return Ok(());
        };
        match said.kind {
            VoteKind::Precommit => {
                if !self.has_polka(scene, said.height, said.round, id) {
                    return Err(format!("node {node} precommits without a polka: {said:?}"));
                }
                let lock = (said.height, said.round, id);
                let held = self.locks.entry(node).or_insert(lock);
                *held = (*held).max(lock);
                Ok(())
            }
            VoteKind::Prevote => {
                let place = (said.height, said.round, id);
                self.prevoters.entry(place).or_default().insert(node);
                self.prevote(scene, node, said, id)
            }
        }
    }

    fn prevote(
        &self,
        scene: &Scene,
        node: usize,
        said: &Statement,
        id: BlockId,
    ) -> Result<(), String> {
        if let Some(vr) = said.valid_round
            && !self.has_polka(scene, said.height, vr, id)
        {
            return Err(format!("node {node}: no such polka as in {said:?}"));
        }
        let Some((height, round, locked)) = self.locks.get(&node) else {
            return Ok(());
        };
        let bound = *height == said.height && *round < said.round && *locked != id;
        if bound && said.valid_round.is_none_or(|vr| vr < *round) {
            let locked = locked.short();
            return Err(format!(
                "node {node}, locked on {locked} in round {round}: {said:?}"
            ));
        }
        Ok(())
    }

    fn has_polka(&self, scene: &Scene, height: Height, round: Round, id: BlockId) -> bool {
        let correct = self.prevoters.get(&(height, round, id));
        let faulty = (0..scene.correct.len()).filter(|node| !scene.correct[*node]);
        let members: BTreeSet<usize> = correct
            .into_iter()
            .flatten()
            .copied()
            .chain(faulty)
            .collect();
        scene.is_quorum(height, members)
    }

    /// What all correct nodes have committed is past, but for the newest run of blocks: it may be
    /// durable before its node has heard so, and has stopped voting on the first of them.
    fn forget(&mut self, scene: &Scene) {
        let correct = (0..scene.correct.len()).filter(|node| scene.correct[*node]);
        let heights = correct.map(|node| self.committed.get(&node).copied().unwrap_or_default());
        let lowest = heights.min().unwrap_or_default();
        while let Some(entry) = self.prevoters.first_entry()
            && entry.key().0.0 + RUN <= lowest.0
        {
            entry.remove();
        }
    }
}
