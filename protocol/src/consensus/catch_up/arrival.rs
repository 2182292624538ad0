//! When, and where, a node that has just started may sign.
//!
//! Its disk may be an old one, restored together with everything that could say so. Then its key has
//! signed what the disk knows nothing of. So a node asks the others, whose own signed words say how
//! far they are ([`standing`](crate::nouns::standing)), and follows until
//!
//! - it has *heard* enough of them. Let N be the power of all, Q the least quorum, and f = N − Q what
//!   faulty validators may weigh. The others heard must weigh more than f: then each quorum has one of
//!   them. They must weigh more than 2f − own as well: whoever restores an old disk is a faulty
//!   validator, and of those heard f − own may be liars, who say less than they have. The own weight
//!   counts for nothing. A validator that is a quorum alone need hear nobody. But its disk may be of
//!   a time before others were added: so it waits for the peers that it is configured with, and
//!   reaches what they claim, before it believes that. Where nobody answers, nothing helps it.
//!   One that holds more than a third is itself more than f: it hears *all* others, or an operator
//!   vouches for its disk (`lockstep arm`), and it hears those who are a quorum together with it.
//!   Whoever still waits to hear can be heard: it says what it has committed and signed, and that
//!   needs no arrival. So nodes that start together do not wait for each other in a circle.
//! - it has *waited* for all others, because more is better: for some seconds, and for nobody whose
//!   port refuses connections.
//! - it has *what they had* when they were first asked: what more than a third of the power said,
//!   what is proven by certificates, and what any one of them said that has not failed to show
//!   it. Nobody is believed for good who shows nothing: whoever answers with less than it has
//!   claimed is taken at what it has shown. Whoever lies, stays silent, or says that it has
//!   pruned what could show it, twice in a row, is not believed alone, and does not count as heard
//!   before its claim is reached. Whatever one alone claims counts for no longer than all others
//!   are waited for: those who are heard are enough without it. A liar costs some seconds of one start.
//!
//! Then it has *arrived*, once for the life of its process. Where may it sign? Let S be the highest
//! height at which one of those heard stood. What the key signed before this start,
//!
//! - it signed at heights up to S + 2. It signs at h only when h − 1 is decided; at h = S + 3 a quorum
//!   would have decided S + 2, and one of it has been heard, which had committed S + 1 before.
//! - At S + 1 it may have signed in a round r + 1 only after a quorum signed in round r, and one of
//!   that quorum has been heard, and says so. So with m the highest round in which one of those that
//!   stand at S has signed, or has seen the asker sign, it signs in m + 2 and later; in round 1 and
//!   later if they have signed and seen nothing. (It may be the proposer of round 0, alone.)
//! - At S + 2 it has signed only if S + 1 was decided: then one of those that stand at S is locked
//!   there. In round 0 alone, by the same argument one height on: a later one needs a quorum that
//!   has signed at S + 2, and so somebody who stands at S + 1. So if one says that it is locked, this
//!   node signs at S + 2 in round 1 and later.
//!
//! Is everybody heard, does everybody stand at S and remember all of it, then less need be guessed.
//! If they have signed and seen nothing, the height begins in round 0. And where the chain cannot go
//! on without this node, it counts only what they have seen it sign, so that it takes part at once:
//! it can have signed nothing that nobody has seen and that still matters. (Where the others decide
//! without it, that would gain nothing, and f − own of them may be liars, who keep to themselves what
//! they alone have seen.)
//!
//! Only a peer's own answer counts as heard. Signed messages do not: whoever has kept old ones could
//! play them back, and so hide how far their signers have got.
use super::CatchUp;
use super::Output;
use super::peer::Peer;
use crate::limits::WAITING_UNTOLD_MS;
use crate::nouns::standing::Standing;
use crate::types::{Address, Height, Instant, Round};
use crate::validators::set::{Power, least_quorum};
use weights::Weights;

mod floors;
mod overstating;
mod weights;

/// From where on a node that has arrived may sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arrival {
    /// Nothing at this height or below.
    pub committed: Height,
    /// At the height after it nothing in rounds before this one: the key may have signed there what
    /// this disk does not hold.
    pub first_round: Round,
    /// Likewise at the height after that one. Later heights are free.
    pub next_round: Round,
    /// How far others say that they have seen its key sign before it arrived. Messages up to here may
    /// be its own old ones, which its disk does not hold; later ones are of somebody else.
    pub seen: Option<(Height, Round)>,
}

impl Arrival {
    /// In all rounds of all heights after this one.
    pub fn free_after(committed: Height) -> Arrival {
        Arrival {
            committed,
            ..Arrival::default()
        }
    }

    /// Whether something may be signed at this height, in some round.
    pub fn covers(&self, height: Height) -> bool {
        height > self.committed
    }

    /// The first round of `height` in which something may be signed.
    pub fn first_round_of(&self, height: Height) -> Round {
        let next = self.committed.next();
        if height == next {
            self.first_round
        } else if height == next.next() {
            self.next_round
        } else {
            Round::ZERO
        }
    }

    /// Whether a message of the own key at this place may be an old one.
    pub fn may_have_signed(&self, height: Height, round: Round) -> bool {
        Some((height, round)) <= self.seen
    }

    /// Whether something may be signed there.
    pub fn allows(&self, height: Height, round: Round) -> bool {
        self.covers(height) && round >= self.first_round_of(height)
    }
}

/// For whom a node waits that does not sign yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waits {
    /// It holds more than a third of the power and hears all others; these have not answered.
    ForAll(Vec<Address>),
    /// Those heard do not weigh enough; these have not answered.
    ForMore(Vec<Address>),
}

impl CatchUp {
    /// What a peer has itself said. The first word counts: what it commits later, it commits while
    /// this node is looking on.
    pub(super) fn stands(&mut self, now: Instant, address: Address, standing: Standing) {
        self.ahead(now, address, standing.committed.next());
        self.peer(address).stands(standing);
    }

    pub(super) fn arrive(&mut self, now: Instant, out: &mut Vec<Output>) {
        if self.arrival.is_some() {
            return;
        }
        if self.has_heard(now) && self.has_reached(self.to_reach(now)) {
            let arrival = self.where_to_sign();
            self.arrival = Some(arrival);
            out.push(Output::Arrived(arrival));
        } else if !self.has_waited(now) && !std::mem::replace(&mut self.waking, true) {
            out.push(Output::WakeAt(self.config.grace_ms));
        }
    }

    /// For whom it waits, once it has waited for all: `None` while it need not tell anybody.
    pub fn waits(&self, now: Instant) -> Option<Waits> {
        if self.arrival.is_some() || self.halted || self.set.index_of(&self.config.me).is_none() {
            return None;
        }
        let (weights, missing) = (self.weights(), self.uncounted());
        let all_gone = missing.iter().all(|who| self.is_gone(who));
        let is_over = self.has_waited(now) || (all_gone && self.has_lasted(now));
        // What it has yet to reach is shown as catching up.
        let is_behind = self.committed < self.to_reach(now);
        let enough = weights.has_heard_enough(self.config.is_rearmed);
        if weights.decides_alone() || enough || is_behind || !is_over {
            return None;
        }
        Some(match weights.must_hear_all() && !self.config.is_rearmed {
            true => Waits::ForAll(missing),
            false => Waits::ForMore(missing),
        })
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
        let committed = self.committed;
        let next = self.committed.next();
        let patience_ms = self.patience_ms();
        let grace_ms = self.config.grace_ms;
        for peer in self.peers.values_mut() {
            let is_ahead = peer.stood.is_some_and(|stood| stood > committed);
            if is_ahead && peer.keeps_from > next && peer.asked.is_none() {
                peer.cannot_show(now, patience_ms, grace_ms);
            }
        }
    }

    fn has_heard(&self, now: Instant) -> bool {
        let weights = self.weights();
        let alone = weights.decides_alone();
        let is_enough = alone || weights.has_heard_enough(self.config.is_rearmed);
        let pending = if alone { self.untold() } else { self.unheard() };
        is_enough && (self.has_waited(now) || !self.waits_for_any(pending))
    }

    fn waits_for_any(&self, pending: Vec<Address>) -> bool {
        planted!(LeastAtOnce => return false);
        pending.iter().any(|who| !self.is_gone(who))
    }

    fn weights(&self) -> Weights {
        let set = &self.set;
        let me = self.config.me;
        let total = set.total();
        let void = self.overstating();
        let reached = self.heard().filter(|(.., stood)| self.has_reached(*stood));
        let reached = reached.filter(|(who, ..)| !void.contains(who));
        let reached = reached.filter_map(|(who, ..)| set.index_of(&who));
        Weights {
            total,
            own: set.index_of(&me).map_or(0, |index| set.power(index)),
            faulty: self.faulty(),
            heard: set.power_of(reached),
        }
    }

    /// f: what faulty validators may weigh.
    fn faulty(&self) -> Power {
        let total = self.set.total();
        total.saturating_sub(least_quorum(total))
    }

    /// Other validators that have said nothing yet.
    fn unheard(&self) -> Vec<Address> {
        self.others_but(|peer| peer.stood.is_some())
    }

    /// Configured peers from whom nothing has come.
    fn untold(&self) -> Vec<Address> {
        let has_spoken = |who: &Address| {
            let peer = self.peers.get(who);
            peer.is_some_and(|peer| peer.first_word.is_some())
        };
        let expected = self.expected.iter().copied();
        expected.filter(|who| !has_spoken(who)).collect()
    }

    /// … or what this node has not reached.
    fn uncounted(&self) -> Vec<Address> {
        let committed = self.committed;
        self.others_but(|peer| peer.stood.is_some_and(|stood| stood <= committed))
    }

    fn others_but(&self, is_out: impl Fn(&Peer) -> bool) -> Vec<Address> {
        let others = self.set.iter().map(|validator| validator.address);
        let others = others.filter(|who| *who != self.config.me);
        let is_out = |who: &Address| self.peers.get(who).is_some_and(&is_out);
        others.filter(|who| !is_out(who)).collect()
    }

    fn is_gone(&self, who: &Address) -> bool {
        self.peers.get(who).is_some_and(|peer| peer.is_gone)
    }

    fn has_waited(&self, now: Instant) -> bool {
        let wait_ms = self.config.arrival_wait_ms;
        self.began_at.is_some_and(|at| now >= at.plus_ms(wait_ms))
    }

    /// Long enough to be told: others that start at the same time refuse connections at first.
    fn has_lasted(&self, now: Instant) -> bool {
        let began = self.began_at;
        began.is_some_and(|at| now >= at.plus_ms(WAITING_UNTOLD_MS))
    }

    fn has_reached(&self, height: Height) -> bool {
        planted!(ClaimsNotReached => return true);
        self.committed >= height
    }

    fn to_reach(&self, now: Instant) -> Height {
        let said = self.heard().map(|(who, _, stood)| (who, stood));
        let believed = self.believed(said).unwrap_or_default();
        let alone = self.heard().filter(|(_, peer, _)| peer.may_be_right());
        let alone = alone.filter(|(_, peer, _)| self.is_fresh(now, peer));
        let alone = alone.filter(|(who, ..)| self.set.index_of(who).is_some());
        let alone = alone.map(|(_, _, stood)| stood).max().unwrap_or_default();
        let shown = believed.max(alone).max(self.proven);
        match self.weights().decides_alone() {
            true => shown.max(self.claimed_by_expected(now)),
            false => shown,
        }
    }

    /// Whether it has said how far it is so lately that it counts alone.
    fn is_fresh(&self, now: Instant, peer: &Peer) -> bool {
        planted!(ClaimsLastForEver => return true);
        let wait_ms = self.config.arrival_wait_ms;
        let said = peer.first_word;
        said.is_some_and(|(at, _)| now < at.plus_ms(wait_ms))
    }

    /// What configured peers claimed at first, validators or not: for as long as they may be right,
    /// or blocks come.
    fn claimed_by_expected(&self, now: Instant) -> Height {
        planted!(AloneAtOnce => return Height::default());
        let wait_ms = self.config.arrival_wait_ms;
        let blocks_come = now < self.moved_at.plus_ms(wait_ms);
        let expected = self.expected.iter().filter_map(|who| self.peers.get(who));
        let may_count =
            |peer: &&Peer| peer.may_be_right() && (blocks_come || self.is_fresh(now, peer));
        let claimed = expected.filter(may_count);
        let claimed = claimed.filter_map(|peer| Some(peer.first_word?.1));
        claimed.max().unwrap_or_default()
    }
}
