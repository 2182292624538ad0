//! A node whose home is put back says nothing that contradicts what its key has said before, as far as
//! anybody can tell it so: if those who remember that weigh so much that it cannot have begun to sign
//! without hearing one of them. What was heard by fewer may be lost with them: then the restored node is
//! one of the faulty that the protocol bears.
use super::{Property, Scene, Sight};
use crate::simulation::message::{Payload, Statement};
use lockstep_protocol::nouns::vote::VoteKind;
use lockstep_protocol::types::{Height, Round};
use std::collections::{BTreeMap, BTreeSet};

type VoteSlot = (Height, Round, VoteKind);

#[derive(Default)]
pub(super) struct RestoredSign {
    /// What correct nodes have heard of it, and who has.
    heard: BTreeMap<VoteSlot, Vec<(Statement, BTreeSet<usize>)>>,
    committed: BTreeMap<usize, Height>,
}

/// Places that are compared, the newest: older ones are decided everywhere.
const PLACES_MAX: usize = 512;

impl Property for RestoredSign {
    fn see(&mut self, scene: &Scene, node: usize, sight: &Sight<'_>) -> Result<(), String> {
        let Some(restored) = scene.restored else {
            return Ok(());
        };
        match sight {
            Sight::Committed(decided) => {
                self.committed.insert(node, decided.block.height());
            }
            Sight::Forgot => {
                let committed = self.committed.get(&node).copied().unwrap_or_default();
                let open = self
                    .heard
                    .iter_mut()
                    .filter(|(place, _)| place.0 > committed);
                let said = open.flat_map(|(_, said)| said);
                said.for_each(|(_, by)| _ = by.remove(&node));
            }
            Sight::Heard(payload) if scene.correct[node] => {
                for said in statements(scene, restored, payload) {
                    self.hear(scene, restored, node, said)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl RestoredSign {
    fn hear(
        &mut self,
        scene: &Scene,
        restored: usize,
        node: usize,
        said: Statement,
    ) -> Result<(), String> {
        let next = self
            .committed
            .get(&node)
            .copied()
            .unwrap_or_default()
            .next();
        // Early messages are not kept.
        if said.height > next {
            return Ok(());
        }
        let place = (said.height, said.round, said.kind);
        let known = self.heard.entry(place).or_default();
        let at = known.iter().position(|(other, _)| *other == said);
        let at = at.unwrap_or_else(|| {
            known.push((said, BTreeSet::new()));
            known.len() - 1
        });
        let is_new = known[at].1.is_empty();
        known[at].1.insert(node);
        let others = known.iter().filter(|(other, _)| is_new && *other != said);
        let mut others = others.filter(|(_, by)| must_know(scene, restored, said.height, by));
        let contradicted = others.next().map(|(other, by)| (*other, by.clone()));
        if self.heard.len() > PLACES_MAX {
            self.heard.pop_first();
        }
        match contradicted {
            None => Ok(()),
            Some((first, by)) => Err(format!(
                "node {restored}, put back, says {said:?}; {by:?} had heard {first:?}"
            )),
        }
    }
}

/// Whether nobody can begin to sign without hearing one of these: it hears others with more than is
/// missing to a quorum, and whoever has a third or more hears all others.
fn must_know(scene: &Scene, restored: usize, height: Height, by: &BTreeSet<usize>) -> bool {
    let set = scene.at(height);
    let index = |node: usize| set.index_of(&scene.keys.get(node)?.address);
    let own = index(restored).map_or(0, |index| set.power(index));
    let heard = set.power_of(by.iter().filter_map(|node| index(*node)));
    let is_heavy = 3 * u128::from(own) >= u128::from(set.total());
    set.is_quorum(heard.saturating_add(own)) || (is_heavy && !by.is_empty())
}

/// What of a message is signed with this node's key.
fn statements(scene: &Scene, restored: usize, payload: &Payload) -> Vec<Statement> {
    let Some(key) = scene.keys.get(restored) else {
        return Vec::new();
    };
    let own = payload
        .votes()
        .iter()
        .filter(|vote| vote.vote.validator == key.address);
    let own = own.filter(|vote| {
        vote.verify(scene.at(vote.vote.height), &scene.context)
            .is_ok()
    });
    let own = own.map(|vote| Statement::of_vote(&vote.vote));
    let proposal = payload.proposal().filter(|proposal| {
        let set = scene.at(proposal.height);
        proposal.proposer == key.address && proposal.verify(set, &scene.context).is_ok()
    });
    let proposed = proposal.and_then(|_| payload.statement());
    own.chain(proposed).collect()
}
