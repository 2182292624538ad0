//! What consensus says to one peer: first in, first out, with an order by height beside it. A full
//! outbox of a dead peer is asked with each message, so nothing here looks at every frame.
use super::Frame;
use lockstep_protocol::types::Height;
use std::collections::{BTreeMap, BTreeSet};

/// Its place in the order of sending: what comes back to the front goes below zero.
type Turn = i64;

#[derive(Debug, Default)]
pub(super) struct Frames {
    by_turn: BTreeMap<Turn, Frame>,
    by_height: BTreeSet<(Option<Height>, Turn)>,
    bytes: usize,
}

impl Frames {
    pub(super) fn len(&self) -> usize {
        self.by_turn.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The next one to send.
    pub(super) fn pop(&mut self) -> Option<Frame> {
        let (turn, _) = self.by_turn.first_key_value()?;
        self.remove(*turn)
    }

    /// Appends a frame, unless the same one waits already.
    pub(super) fn push(&mut self, frame: Frame) {
        let same = (frame.height, Turn::MIN)..=(frame.height, Turn::MAX);
        let mut same = self.by_height.range(same);
        let known = |(_, turn): &_| self.by_turn.get(turn).is_some_and(|f| f.body == frame.body);
        if !same.any(known) {
            let last = self.by_turn.last_key_value();
            self.insert(last.map_or(0, |(turn, _)| turn + 1), frame);
        }
    }

    /// Puts one back that has been taken.
    pub(super) fn push_front(&mut self, frame: Frame) {
        let first = self.by_turn.first_key_value();
        self.insert(first.map_or(0, |(turn, _)| turn - 1), frame);
    }

    /// Gives up what matters least: stale heights before newer ones, of a height the oldest.
    pub(super) fn drop_one(&mut self) -> bool {
        let stalest = self.by_height.first().map(|(_, turn)| *turn);
        stalest.and_then(|turn| self.remove(turn)).is_some()
    }

    /// Gives up what is of a height below this one.
    pub(super) fn forget_below(&mut self, height: Height) {
        let stale = (Some(Height(0)), Turn::MIN)..(Some(height), Turn::MIN);
        let stale: Vec<Turn> = self.by_height.range(stale).map(|(_, turn)| *turn).collect();
        for turn in stale {
            self.remove(turn);
        }
    }

    fn insert(&mut self, turn: Turn, frame: Frame) {
        self.bytes += frame.body.len();
        self.by_height.insert((frame.height, turn));
        self.by_turn.insert(turn, frame);
    }

    fn remove(&mut self, turn: Turn) -> Option<Frame> {
        let frame = self.by_turn.remove(&turn)?;
        self.by_height.remove(&(frame.height, turn));
        self.bytes -= frame.body.len();
        Some(frame)
    }

    #[cfg(test)]
    pub(super) fn iter(&self) -> impl Iterator<Item = &Frame> {
        self.by_turn.values()
    }
}
