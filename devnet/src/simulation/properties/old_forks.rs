//! Second decisions of old heights stop nobody (that they do not is for another property to see), but they
//! are told: whoever is shown several of them, each as the last commit of a block that is proposed to
//! it for the height under decision, tells at least one.
use super::{Property, Scene, Sight};
use crate::simulation::message::Payload;
use lockstep_protocol::nouns::commit::CommitCertificate;
use lockstep_protocol::types::{BlockId, Height};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub(super) struct OldForks {
    decided: BTreeMap<Height, BlockId>,
    committed: BTreeMap<usize, Height>,
    /// Which heights each node was shown a second decision of.
    shown: BTreeMap<usize, BTreeSet<Height>>,
    told: BTreeSet<usize>,
}

/// So many heights. A proposal that comes too late, or behind another one, is not looked at.
const SHOWN_MIN: usize = 4;

impl Property for OldForks {
    fn see(&mut self, scene: &Scene, node: usize, sight: &Sight<'_>) -> Result<(), String> {
        match sight {
            Sight::Committed(decided) => {
                let (height, id) = (decided.block.height(), decided.block.id());
                self.committed.insert(node, height);
                self.decided.entry(height).or_insert(id);
            }
            Sight::Heard(payload) => {
                if let Payload::Proposal(message) = payload
                    && let Some(commit) = &message.block.block().last_commit
                    && message.block.header().previous_block == commit.block_id
                {
                    self.hear(scene, node, message.proposal.height, commit);
                }
            }
            Sight::ForkTold => _ = self.told.insert(node),
            Sight::Ended { .. } => {
                let mut shown = self.shown.iter();
                let is_silent = |(node, heights): &(&usize, &BTreeSet<Height>)| {
                    heights.len() >= SHOWN_MIN && !self.told.contains(node)
                };
                if let Some((node, heights)) = shown.find(is_silent) {
                    let shown = heights.len();
                    return Err(format!(
                        "node {node} was shown second decisions of {shown} old heights, and tells none"
                    ));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl OldForks {
    fn hear(&mut self, scene: &Scene, node: usize, proposed: Height, commit: &CommitCertificate) {
        let committed = self.committed.get(&node).copied().unwrap_or_default();
        let height = commit.height;
        let is_second = self
            .decided
            .get(&height)
            .is_some_and(|id| *id != commit.block_id);
        let is_now = proposed == committed.next() && height < committed;
        if is_now && is_second && commit.verify(scene.at(height), &scene.context).is_ok() {
            self.shown.entry(node).or_default().insert(height);
        }
    }
}
