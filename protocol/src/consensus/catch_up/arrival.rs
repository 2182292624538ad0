//! When a node that has just started may sign.
//!
//! Its disk may be an old one, restored together with everything that could say so. Then its key has
//! signed what the disk knows nothing of: at heights that the others have decided since, and at
//! most at the height after those. So a node follows until
//!
//! - it has *heard*: others have told it how far they are who are a quorum together with it.
//!   (Without them it could decide nothing anyhow. A validator that is a quorum alone need hear
//!   nobody.) Whoever still waits to hear can be heard: it says what it has committed, and that
//!   needs no signature. So nodes that start together do not wait for each other in a circle.
//! - it has *what they had* when they were first asked: what more than a third of the power said,
//!   what is proven by certificates, and what any one of them said that has not failed to show
//!   it. Nobody is believed for good who shows nothing: whoever answers with less than it has
//!   claimed is taken at what it has shown, and whoever lies, stays silent, or says that it has
//!   pruned what could show it, twice in a row, is not counted alone. A liar costs some seconds of
//!   one start.
//!
//! Then it has *arrived*, once for the life of its process: what its key signed before the start it
//! signed at heights that are decided here, or at the one under decision.
//!
//! Only a peer's own answer counts as heard. Signed messages do not: whoever has kept old ones could
//! play them back, and so hide how far their signers have got.
//!
//! What it cannot see: where the chain still stands at the height after the one that the key has
//! last seen committed, old disk and others agree on how far they are. What the key has signed at
//! that height is known to whoever received it, and shows when they tell it.
use super::CatchUp;
use super::Output;
use super::peer::Peer;
use crate::types::{Address, Height, Instant, Round};

/// From where on a node that has arrived may sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Nothing at this height or below.
    pub committed: Height,
    /// At the height after it nothing in rounds before this one: the key may have signed there what
    /// this disk does not hold. Later heights are free.
    pub first_round: Round,
}

impl Arrival {
    /// Whether something may be signed at this height, in some round.
    pub fn covers(&self, height: Height) -> bool {
        height > self.committed
    }

    /// The first round of `height` in which something may be signed.
    pub fn first_round_of(&self, height: Height) -> Round {
        if height == self.committed.next() {
            self.first_round
        } else {
            Round::ZERO
        }
    }

    /// Whether something may be signed there.
    pub fn allows(&self, height: Height, round: Round) -> bool {
        self.covers(height) && round >= self.first_round_of(height)
    }
}

impl CatchUp {
    /// What a peer has itself said. The first word counts: what it commits later, it commits while
    /// this node is looking on.
    pub(super) fn stands(&mut self, address: Address, committed: Height) {
        self.ahead(address, committed.next());
        self.peer(address).stands(committed);
    }

    pub(super) fn arrive(&mut self, out: &mut Vec<Output>) {
        if self.arrival.is_some() || !self.has_heard() || self.committed < self.to_reach() {
            return;
        }
        let (committed, first_round) = (self.committed, Round::ZERO);
        let arrival = Arrival {
            committed,
            first_round,
        };
        self.arrival = Some(arrival);
        out.push(Output::Arrived(arrival));
    }

    /// Others who have said how far they are.
    fn heard(&self) -> impl Iterator<Item = (Address, &Peer, Height)> {
        let others = self.peers.iter().filter(|(who, _)| **who != self.config.me);
        others.filter_map(|(who, peer)| Some((*who, peer, peer.stood?)))
    }

    /// Whoever has pruned the next block is asked for nothing, and so fails to show nothing.
    pub(super) fn doubt_the_pruned(&mut self, now: Instant) {
        if self.arrival.is_some() {
            return;
        }
        let (committed, next) = (self.committed, self.committed.next());
        let (patience_ms, grace_ms) = (self.patience_ms(), self.config.grace_ms);
        for peer in self.peers.values_mut() {
            let is_ahead = peer.stood.is_some_and(|stood| stood > committed);
            if is_ahead && peer.keeps_from > next && peer.asked.is_none() {
                peer.cannot_show(now, patience_ms, grace_ms);
            }
        }
    }

    fn has_heard(&self) -> bool {
        let heard = self.heard().map(|(who, ..)| who);
        let members = heard.chain([self.config.me]);
        let members = members.filter_map(|who| self.set.index_of(&who));
        self.set.is_quorum(self.set.power_of(members))
    }

    fn to_reach(&self) -> Height {
        let said = self.heard().map(|(who, _, stood)| (who, stood));
        let believed = self.believed(said).unwrap_or_default();
        let alone = self.heard().filter(|(_, peer, _)| peer.may_be_right());
        let alone = alone.filter(|(who, ..)| self.set.index_of(who).is_some());
        let alone = alone.map(|(_, _, stood)| stood).max().unwrap_or_default();
        believed.max(alone).max(self.proven)
    }
}
