//! E5 inside a height: when to ask a peer for what this node lacks, and whom. Part of the brain of
//! the RoundDriver; what is asked and answered is [`crate::nouns::pull`].
//!
//! Votes and proposals are pushed once. A push may be lost: its receiver falls, restarts, or still
//! works on an earlier height and keeps nothing of this one. Without a pull the loss costs a
//! timeout, and E6 repairs it only after three of them.
//!
//! A node asks
//! - when it has stood in one step for longer than its patience: first the proposer, if the
//!   proposal is what it waits for, then one peer after the other;
//! - at once when it knows that it has missed something: it has just started, it did not decide
//!   the height before itself, it has skipped a round, or it has refused a message as too early
//!   that has now become current. Even then not twice within one patience, or a node that fetches
//!   a thousand blocks would ask a thousand times.
//!
//! It does not ask between two heights, however long that lasts: an idle chain is silent.
//!
//! The patience follows what a question and its answer take here, because asking a peer that is
//! merely slow brings nothing sooner. It is learned from questions, not from steps: a step that
//! was slow *because* a message was lost must not teach patience.
use super::round_machine::Step;
use crate::types::{Address, Height, Instant, Round};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A wait is at least this many times what a question and its answer took lately.
const ROUND_TRIPS: u64 = 2;
/// The weight of the newest round trip is one in this many.
const SMOOTHING: u64 = 4;

/// Where this node stands in a height that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandsAt {
    /// The height.
    pub height: Height,
    /// Its round.
    pub round: Round,
    /// The step.
    pub step: Step,
    /// Who proposes in this round.
    pub proposer: Address,
    /// Whether this node came to the height without having decided the one before it.
    pub joined: bool,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Here this node stands now; `None` between two heights.
    Stands(Option<StandsAt>),
    /// A message of this sender and height was refused because it came too early.
    Refused(Address, Height),
    /// A peer has answered, and its messages are on their way to the brains.
    Answered(Address),
    /// A peer did not answer, or not with an answer.
    Failed(Address),
    /// A timer that [`Output::WakeAt`] asked for.
    Wake,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Ask this peer what it has of this height beyond what is held here, in this round.
    Ask(Address, Height, Round),
    /// Wake up in this many milliseconds.
    WakeAt(u64),
}

/// Whom this node has asked, and when it asks next.
#[derive(Clone, Debug)]
pub struct Puller {
    patience_ms: u64,
    most_ms: u64,
    /// Who is asked next, first to last.
    peers: VecDeque<Address>,
    place: Option<StandsAt>,
    height: Height,
    /// Questions from this place.
    asks: usize,
    due: Instant,
    last_ask: Option<Instant>,
    /// Questions under way: at most one to each peer.
    asked: BTreeMap<Address, Instant>,
    /// Per peer the furthest height of a message that was refused as too early.
    refused: BTreeMap<Address, Height>,
    round_trip_ms: u64,
    wakes_at: Option<Instant>,
}

impl Puller {
    /// Asks these peers. `patience_ms`: how long a step may last before the first question, if
    /// answers do not take longer; `most_ms`: the longest wait between two questions.
    pub fn new(peers: impl IntoIterator<Item = Address>, patience_ms: u64, most_ms: u64) -> Puller {
        Puller {
            patience_ms,
            most_ms,
            peers: peers.into_iter().collect(),
            place: None,
            height: Height(0),
            asks: 0,
            due: Instant(0),
            last_ask: None,
            asked: BTreeMap::new(),
            refused: BTreeMap::new(),
            round_trip_ms: 0,
            wakes_at: None,
        }
    }

    /// From now on these peers are asked, the known ones in the order that they have.
    pub fn set_peers(&mut self, peers: impl IntoIterator<Item = Address>) {
        let mut new: BTreeSet<Address> = peers.into_iter().collect();
        self.peers.retain(|peer| new.remove(peer));
        self.peers.extend(new);
        self.asked.retain(|peer, _| self.peers.contains(peer));
        self.refused.retain(|peer, _| self.peers.contains(peer));
    }

    /// Takes one input and says what to do. `now` is monotonic.
    pub fn step(&mut self, now: Instant, input: Input) -> Vec<Output> {
        match input {
            Input::Stands(place) if place == self.place => {}
            Input::Stands(None) => self.place = None,
            Input::Stands(Some(place)) => self.enter(now, place),
            Input::Refused(sender, height) if self.peers.contains(&sender) => {
                let known = self.refused.entry(sender).or_insert(height);
                *known = (*known).max(height);
            }
            Input::Refused(..) => {}
            Input::Answered(peer) => self.answered(now, peer),
            Input::Failed(peer) => _ = self.asked.remove(&peer),
            Input::Wake => _ = self.wakes_at.take_if(|at| *at <= now),
        }
        self.act(now)
    }

    fn enter(&mut self, now: Instant, place: StandsAt) {
        let new_height = place.height != self.height;
        let skipped = self.place.is_some_and(|before| {
            before.height == place.height && place.round > before.round.next()
        });
        self.refused.retain(|_, height| *height >= place.height);
        let missed = skipped || (new_height && (place.joined || !self.refused.is_empty()));
        (self.place, self.height, self.asks) = (Some(place), place.height, 0);
        self.due = if missed {
            let soonest = self.last_ask.map(|at| at.plus_ms(self.patience_ms));
            soonest.map_or(now, |soonest| soonest.max(now))
        } else {
            now.plus_ms(self.wait_ms())
        };
    }

    fn answered(&mut self, now: Instant, peer: Address) {
        let Some(at) = self.asked.remove(&peer) else {
            return;
        };
        let took_ms = now.0.saturating_sub(at.0);
        let older = self
            .round_trip_ms
            .saturating_mul(SMOOTHING.saturating_sub(1));
        let sum = older.saturating_add(took_ms);
        self.round_trip_ms = sum.checked_div(SMOOTHING).unwrap_or(took_ms);
    }

    /// How long to wait before the next question: doubled whenever all peers have been asked.
    fn wait_ms(&self) -> u64 {
        let often = self.asks.checked_div(self.peers.len()).unwrap_or(0);
        let doubled = 1u64.checked_shl(u32::try_from(often).unwrap_or(u32::MAX));
        self.patience_ms
            .max(self.round_trip_ms.saturating_mul(ROUND_TRIPS))
            .saturating_mul(doubled.unwrap_or(u64::MAX))
            .min(self.most_ms.max(self.patience_ms))
    }

    fn act(&mut self, now: Instant) -> Vec<Output> {
        let mut out = Vec::new();
        let Some(place) = self.place.filter(|_| !self.peers.is_empty()) else {
            return out;
        };
        if now >= self.due {
            let longest = self.most_ms;
            self.asked.retain(|_, at| now < at.plus_ms(longest));
            if let Some(peer) = self.choose(&place) {
                self.asked.insert(peer, now);
                self.last_ask = Some(now);
                self.asks = self.asks.saturating_add(1);
                out.push(Output::Ask(peer, place.height, place.round));
            }
            self.due = now.plus_ms(self.wait_ms());
        }
        if self.wakes_at.is_none_or(|at| at > self.due) {
            self.wakes_at = Some(self.due);
            out.push(Output::WakeAt(self.due.0.saturating_sub(now.0)));
        }
        out
    }

    /// The one whose message is known to be missing, then everybody in turn; nobody who has yet to
    /// answer.
    fn choose(&mut self, place: &StandsAt) -> Option<Address> {
        let refused = self.refused.pop_first().map(|(sender, _)| sender);
        let awaited = (place.step == Step::Propose && self.asks == 0).then_some(place.proposer);
        let free = |peer: &Address| !self.asked.contains_key(peer);
        let mut order = refused.into_iter().chain(awaited).chain(self.peers.clone());
        let chosen = order.find(|peer| self.peers.contains(peer) && free(peer))?;
        self.peers.retain(|peer| *peer != chosen);
        self.peers.push_back(chosen);
        Some(chosen)
    }
}

#[cfg(test)]
mod tests;
