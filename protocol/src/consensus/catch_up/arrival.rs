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
//!   vouches for its disk (`--rearm`), and it hears those who are a quorum together with it.
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
use crate::limits::{ROUNDS_BELIEVED_AHEAD, WAITING_UNTOLD_MS};
use crate::mutation::{Mutation, planted};
use crate::nouns::standing::Standing;
use crate::types::{Address, Height, Instant, Round};
use crate::validators::quorum::{Power, least_quorum};
use std::cmp::Ordering;

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

/// The powers that the rule weighs.
#[derive(Clone, Copy, Debug)]
struct Weights {
    total: Power,
    own: Power,
    /// What faulty validators may weigh: all but a least quorum.
    faulty: Power,
    /// Others whose claims this node has reached.
    heard: Power,
}

impl Weights {
    fn decides_alone(self) -> bool {
        self.own >= least_quorum(self.total)
    }

    /// Whether it is itself more than the chain bears.
    fn must_hear_all(self) -> bool {
        let thrice = u128::from(self.own).saturating_mul(3);
        thrice > u128::from(self.total) && !planted(Mutation::OwnWeightCounts)
    }

    fn has_heard_all(self) -> bool {
        self.heard.saturating_add(self.own) >= self.total
    }

    /// `is_rearmed`: an operator vouches for a validator that would have to hear all others. Then it
    /// hears those without whom it could decide nothing.
    fn has_heard_enough(self, is_rearmed: bool) -> bool {
        let vouched = self.must_hear_all() && is_rearmed;
        if vouched || planted(Mutation::OwnWeightCounts) {
            return self.heard.saturating_add(self.own) >= least_quorum(self.total);
        }
        if planted(Mutation::OneWordIsEnough) {
            return self.heard > 0;
        }
        if self.must_hear_all() {
            return self.has_heard_all();
        }
        let liars = self.faulty.saturating_sub(self.own);
        self.heard > self.faulty.saturating_add(liars)
    }

    /// Whether the others are a quorum.
    fn others_decide_alone(self) -> bool {
        self.own <= self.faulty
    }
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
        let (committed, next) = (self.committed, self.committed.next());
        let (patience_ms, grace_ms) = (self.patience_ms(), self.config.grace_ms);
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
        let pending = if alone { self.untold() } else { self.unheard() };
        let is_pending = pending.iter().any(|who| !self.is_gone(who));
        let goes_on = !is_pending || self.has_waited(now) || planted(Mutation::LeastAtOnce);
        let is_enough = alone || weights.has_heard_enough(self.config.is_rearmed);
        is_enough && goes_on
    }

    fn weights(&self) -> Weights {
        let (set, me) = (&self.set, self.config.me);
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

    /// Whoever names rounds far beyond those that others have named: nobody there can show that, and
    /// a validator that believed one of them would begin in a round that no one else ever reaches. It
    /// is as good as unheard until the others get there too; a correct one has brought them after it
    /// by then (E5).
    fn overstating(&self) -> Vec<Address> {
        let Some(believed) = self.furthest_believed() else {
            return Vec::new();
        };
        if planted(Mutation::EveryRoundBelieved) {
            return Vec::new();
        }
        let is_void = |peer: &Peer, stood: Height| {
            let said = peer.standing_at(stood);
            let round = said.and_then(|said| said.signed.max(said.seen));
            round.is_some_and(|round| is_beyond((stood, round), believed))
        };
        let void = self
            .heard()
            .filter(|(_, peer, stood)| is_void(peer, *stood));
        void.map(|(who, ..)| who).collect()
    }

    /// The furthest height, and round of the next one, that others with more than f have named: one
    /// of them is correct. Where all that are heard weigh less (a third and more needs no others to be
    /// more than f), it is the least that any of them has named. Whoever has gone on to a later height
    /// bears out all rounds of the earlier ones: they are decided, so nobody waits there.
    fn furthest_believed(&self) -> Option<(Height, Round)> {
        let faulty = self.faulty();
        let named = self.heard().filter_map(|(who, peer, _)| {
            let index = self.set.index_of(&who)?;
            Some((peer.named?, self.set.power(index)))
        });
        let mut named: Vec<((Height, Round), Power)> = named.collect();
        named.sort_by_key(|named| std::cmp::Reverse(*named));
        let least = named.last().map(|(named, _)| *named);
        let mut power: Power = 0;
        let believed = named.into_iter().find_map(|(named, more)| {
            power = power.saturating_add(more);
            (power > faulty).then_some(named)
        });
        believed.or(least)
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
        self.committed >= height || planted(Mutation::ClaimsNotReached)
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
        let wait_ms = self.config.arrival_wait_ms;
        let said = peer.first_word;
        said.is_some_and(|(at, _)| now < at.plus_ms(wait_ms))
            || planted(Mutation::ClaimsLastForEver)
    }

    /// What configured peers claimed at first, validators or not: for as long as they may be right,
    /// or blocks come.
    fn claimed_by_expected(&self, now: Instant) -> Height {
        let wait_ms = self.config.arrival_wait_ms;
        let blocks_come = now < self.moved_at.plus_ms(wait_ms);
        let expected = self.expected.iter().filter_map(|who| self.peers.get(who));
        let may_count =
            |peer: &&Peer| peer.may_be_right() && (blocks_come || self.is_fresh(now, peer));
        let claimed = expected.filter(may_count);
        let claimed = claimed.filter_map(|peer| Some(peer.first_word?.1));
        let claimed = claimed.filter(|_| !planted(Mutation::AloneAtOnce));
        claimed.max().unwrap_or_default()
    }

    fn where_to_sign(&self) -> Arrival {
        let committed = self.committed;
        let weights = self.weights();
        if weights.decides_alone() || planted(Mutation::RoundsNotAsked) {
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

/// Whether nobody alone is believed so far on. Whoever has a newer block than the others can know of a
/// few rounds after it that they have no part in.
fn is_beyond((stood, round): (Height, Round), (height, named): (Height, Round)) -> bool {
    let from = match stood.cmp(&height) {
        Ordering::Less => return false,
        Ordering::Equal => named,
        Ordering::Greater => Round::ZERO,
    };
    round.0 > from.0.saturating_add(ROUNDS_BELIEVED_AHEAD)
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
