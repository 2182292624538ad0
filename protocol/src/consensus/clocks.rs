//! How far the clocks of the validators are apart, as one node measures it.
//!
//! Safety needs no clock, and progress needs clocks only to be within [`CLOCK_DRIFT_MS`] of each
//! other: further apart, proposals are refused (L22). People are told what is measured here,
//! because only they can set a clock. Consensus acts on it in one place: a node whose clock is known
//! to be behind does not wait for it to reach the newest block.
//!
//! A peer answers with its wall clock. It looked at it some time between the question and the answer,
//! so the middle is taken, and half of the trip is the most that it may be wrong. Of the last few
//! answers the one with the shortest trip counts, until one comes that it cannot agree with: then
//! that clock was set. Differences are kept against this node's monotonic clock, so that a step of its
//! own wall clock shows at once.
//!
//! Which clock is wrong, a majority decides: the median of all clocks that are known, each weighted
//! with its validator's power, and of two medians the one that is nearer to this node's own clock. So
//! this node calls its own clock wrong only when more than half of the power that it hears says so.
use crate::limits::{
    CATCH_UP_PEERS_MAX, CLOCK_APART_MS, CLOCK_DRIFT_MS, CLOCK_SAMPLE_AGE_MAX_MS,
    CLOCK_SAMPLES_KEPT_MAX, CLOCK_TRIP_MAX_MS,
};
use crate::types::{Address, Instant, Timestamp};
use crate::validators::set::Power;
use crate::validators::set::ValidatorSet;
use std::collections::{BTreeMap, VecDeque};

/// A peer was asked for its wall clock, and has answered.
#[derive(Clone, Copy, Debug)]
pub struct Exchange {
    /// Who was asked.
    pub peer: Address,
    /// When it was asked, by this node's monotonic clock.
    pub asked: Instant,
    /// When the answer was there.
    pub answered: Instant,
    /// What it said.
    pub theirs: Timestamp,
}

/// One usable answer.
#[derive(Clone, Copy, Debug)]
struct Sample {
    taken: Instant,
    /// The peer's wall clock minus this node's monotonic clock.
    offset_ms: i64,
    trip_ms: u64,
}

impl Sample {
    fn of(exchange: &Exchange) -> Option<Sample> {
        let Exchange {
            asked,
            answered,
            theirs,
            ..
        } = exchange;
        let trip_ms = answered.0.checked_sub(asked.0)?;
        let middle = asked.plus_ms(trip_ms / 2);
        (trip_ms <= CLOCK_TRIP_MAX_MS).then(|| Sample {
            taken: *answered,
            offset_ms: difference(theirs.0, middle.0),
            trip_ms,
        })
    }

    /// Whether one clock that nobody has set can have given both answers.
    fn agrees_with(&self, other: &Sample) -> bool {
        let trips = self.trip_ms.saturating_add(other.trip_ms);
        // Clocks that are being slewed, and milliseconds that are rounded.
        let most = (trips / 2).saturating_add(CLOCK_APART_MS / 10);
        self.offset_ms.abs_diff(other.offset_ms) <= most
    }
}

/// What this node knows of the clocks of others.
#[derive(Clone, Debug, Default)]
pub struct Clocks {
    peers: BTreeMap<Address, VecDeque<Sample>>,
}

/// What the clocks show at one moment. Differences are in milliseconds, positive where the other
/// clock is ahead of this node's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Of each peer that has answered of late.
    pub peers: BTreeMap<Address, i64>,
    /// Of the weighted median of the validators' clocks, this node's own among them; 0 where nobody
    /// else is heard.
    pub median_ms: i64,
}

impl Clocks {
    /// Takes an answer. One that was long on its way, and one of too many peers, says nothing.
    pub fn heard(&mut self, exchange: &Exchange) {
        let Some(sample) = Sample::of(exchange) else {
            return;
        };
        let has_room = self.peers.len() < CATCH_UP_PEERS_MAX;
        if !has_room && !self.peers.contains_key(&exchange.peer) {
            return;
        }
        let samples = self.peers.entry(exchange.peer).or_default();
        if samples.iter().any(|kept| !kept.agrees_with(&sample)) {
            samples.clear();
        }
        if samples.len() >= CLOCK_SAMPLES_KEPT_MAX {
            samples.pop_front();
        }
        samples.push_back(sample);
    }

    /// What is known at this moment, for a node with this address among these validators.
    pub fn report(
        &self,
        (now, wall): (Instant, Timestamp),
        me: &Address,
        set: &ValidatorSet,
    ) -> Report {
        let own_ms = difference(wall.0, now.0);
        let of_peer = |(peer, samples): (&Address, &VecDeque<Sample>)| {
            let newest = samples.back()?.taken;
            let best = samples.iter().rev().min_by_key(|sample| sample.trip_ms)?;
            let is_fresh = newest.plus_ms(CLOCK_SAMPLE_AGE_MAX_MS) >= now && peer != me;
            is_fresh.then(|| (*peer, best.offset_ms.saturating_sub(own_ms)))
        };
        let peers: BTreeMap<Address, i64> = self.peers.iter().filter_map(of_peer).collect();
        let own = (*me, 0);
        let all = peers.iter().map(|(who, ms)| (*who, *ms)).chain([own]);
        let weighted = all.map(|(who, ms)| (ms, power(set, &who)));
        let median_ms = median(weighted.collect());
        Report { peers, median_ms }
    }
}

impl Report {
    /// Whose clocks are so far from this node's that people should know.
    pub fn apart(&self) -> impl Iterator<Item = (&Address, i64)> {
        let peers = self.peers.iter().map(|(peer, ms)| (peer, *ms));
        peers.filter(|(_, ms)| ms.unsigned_abs() > CLOCK_APART_MS)
    }

    /// Whether this node's own clock is so wrong that its blocks, or those of others, are refused.
    pub fn own_is_off(&self) -> bool {
        self.median_ms.unsigned_abs() > CLOCK_DRIFT_MS
    }

    /// This node's wall clock, or the others' where those are known to be ahead of it.
    pub fn furthest(&self, wall: Timestamp) -> Timestamp {
        let ahead = u64::try_from(self.median_ms).unwrap_or_default();
        wall.plus_ms(if ahead > CLOCK_APART_MS { ahead } else { 0 })
    }
}

fn power(set: &ValidatorSet, who: &Address) -> Power {
    let index = set.index_of(who);
    index.map_or(0, |index| set.power(index))
}

/// `a − b`; numbers that no clock shows are taken for the furthest that can be said.
fn difference(a: u64, b: u64) -> i64 {
    let difference = i128::from(a).saturating_sub(i128::from(b));
    let furthest = i128::from(i64::MAX / 4);
    let clamped = difference.clamp(furthest.saturating_neg(), furthest);
    i64::try_from(clamped).unwrap_or_default()
}

/// The weighted median that is nearest to 0.
fn median(mut weighted: Vec<(i64, Power)>) -> i64 {
    weighted.sort_unstable();
    let total: u128 = weighted.iter().map(|(_, power)| u128::from(*power)).sum();
    let mut below: u128 = 0;
    let (mut lower, mut upper) = (None, None);
    for (ms, power) in weighted {
        below = below.saturating_add(u128::from(power));
        let twice = below.saturating_mul(2);
        if lower.is_none() && twice >= total {
            lower = Some(ms);
        }
        if upper.is_none() && twice > total {
            upper = Some(ms);
        }
    }
    let (lower, upper) = (lower.unwrap_or_default(), upper.unwrap_or_default());
    0.clamp(lower.min(upper), upper.max(lower))
}

#[cfg(test)]
mod tests;
