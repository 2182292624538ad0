//! Where a node that has arrived may sign.
use super::super::CatchUp;
use super::super::peer::Peer;
use super::Arrival;
use super::weights::Weights;
use crate::nouns::standing::Standing;
use crate::types::{Height, Round};

impl CatchUp {
    pub(super) fn where_to_sign(&self) -> Arrival {
        planted!(RoundsNotAsked => return Arrival::free_after(self.committed));
        let committed = self.committed;
        let weights = self.weights();
        if weights.decides_alone() {
            return Arrival::free_after(committed);
        }
        let void = self.overstating();
        let members = self.heard().filter(|(who, _, stood)| {
            let counts = *stood <= committed && self.set.index_of(who).is_some();
            counts && !void.contains(who)
        });
        let members: Vec<(&Peer, Height)> = members.map(|(_, peer, stood)| (peer, stood)).collect();
        let stood = members.iter().map(|(_, stood)| *stood).max();
        let stood = stood.unwrap_or_default();
        let there = members
            .iter()
            .filter_map(|(peer, _)| peer.standing_at(stood));
        let there: Vec<Standing> = there.collect();
        let knows_all = weights.has_heard_all()
            && there.len() == members.len()
            && there.iter().all(|standing| standing.remembers);
        let floor = |height: Height| {
            if height == stood.next() {
                first_round(&there, knows_all, weights)
            } else if height == stood.next().next() && there.iter().any(|said| said.is_locked) {
                Round::ZERO.next()
            } else {
                Round::ZERO
            }
        };
        let seen = there.iter().filter_map(|said| said.seen).max();
        Arrival {
            committed,
            first_round: floor(committed.next()),
            next_round: floor(committed.next().next()),
            seen: seen.map(|round| (stood.next(), round)),
        }
    }
}

/// The first round that the key has certainly not signed in, at the height after the one at which
/// these stand.
fn first_round(there: &[Standing], knows_all: bool, weights: Weights) -> Round {
    let seen = there.iter().filter_map(|said| said.seen).max();
    let signed = there.iter().filter_map(|said| said.signed).max();
    let is_told_all = knows_all && !weights.others_decide_alone();
    let last = if is_told_all { seen } else { seen.max(signed) };
    match last {
        Some(last) => last.next().next(),
        None if knows_all => Round::ZERO,
        None => Round::ZERO.next(),
    }
}
