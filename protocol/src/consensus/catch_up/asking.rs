//! Who is asked for which blocks.
use super::peer::{Asked, Peer};
use super::{CatchUp, Output};
use crate::types::{Address, Height, Instant};

impl CatchUp {
    /// Gives up requests without an answer, and blocks that were proven but never committed: a
    /// Committer that fell has forgotten them.
    pub(super) fn forget_the_late(&mut self, now: Instant) {
        let grace_ms = self.config.grace_ms;
        let patience_ms = self.patience_ms();
        for peer in self.peers.values_mut() {
            if peer.is_overdue(now, patience_ms) {
                peer.in_vain(now, grace_ms);
            }
        }
        if now >= self.moved_at.plus_ms(patience_ms) {
            self.arrived.clear();
        }
        let asked = self.peers.iter().filter(|(_, peer)| !peer.is_late());
        let late: Vec<Address> = asked
            .filter(|(_, peer)| self.is_better_asked_of_another(now, peer))
            .map(|(address, _)| *address)
            .collect();
        for address in late {
            self.peers.entry(address).and_modify(Peer::late);
        }
    }

    /// Whether somebody else should be asked for what this peer is asked for: its answer is late, or
    /// all others wait for it, this peer is in doubt, and a better one is free. Without the second,
    /// liars that answer at once take the next block in turns, each time that whoever has it is busy.
    fn is_better_asked_of_another(&self, now: Instant, peer: &Peer) -> bool {
        let Some(asked) = peer.asked else {
            return false;
        };
        let other = self
            .best(now, asked.from)
            .and_then(|who| self.peers.get(&who));
        let holds_up_all = self.holds_up_all(&asked) && !peer.may_be_right();
        other.is_some_and(|other| {
            peer.is_overdue(now, self.patience_with_choice_ms())
                || holds_up_all && other.penalty < peer.penalty
        })
    }

    /// Whether the next block to commit is part of it.
    fn holds_up_all(&self, asked: &Asked) -> bool {
        planted!(LiarsHoldUpAll => return false);
        asked.from <= self.committed.next()
    }

    /// Asks for what is missing, lowest first, as long as somebody can be asked and there is room.
    pub(super) fn ask(&mut self, now: Instant, out: &mut Vec<Output>) {
        while let Some((from, gap)) = self.missing() {
            let Some(address) = self.best(now, from) else {
                return;
            };
            let Some(peer) = self.peers.get_mut(&address) else {
                return;
            };
            let blocks = gap.min(peer.range_blocks);
            self.turn = self.turn.saturating_add(1);
            peer.turn = self.turn;
            peer.asked = Some(Asked {
                at: now,
                from,
                blocks,
                is_late: false,
            });
            out.push(Output::Request(address, from, blocks));
        }
    }

    /// The lowest block that is neither here nor on its way, and how many are missing in a row.
    fn missing(&self) -> Option<(Height, u64)> {
        let arrived = self
            .arrived
            .iter()
            .map(|(first, (last, _))| (*first, *last));
        let asked = self.peers.values().filter_map(Peer::covers);
        let mut covered: Vec<(Height, Height)> = arrived.chain(asked).collect();
        covered.sort();
        let mut lowest = self.committed.next();
        let mut gap = self.config.range_blocks_max;
        for (first, last) in covered {
            if first > lowest {
                gap = gap.min(first.0.saturating_sub(lowest.0));
                break;
            }
            lowest = lowest.max(last.next());
        }
        let end = self
            .committed
            .0
            .saturating_add(self.config.window_blocks_max);
        let is_next = lowest == self.committed.next();
        let has_room = lowest.0 <= end && (is_next || self.has_room_for_an_answer());
        has_room.then_some((lowest, gap))
    }

    fn has_room_for_an_answer(&self) -> bool {
        let asked = self.peers.values().filter(|peer| peer.asked.is_some());
        let answers = asked.count().saturating_add(1);
        let waiting = self
            .arrived
            .values()
            .fold(0usize, |sum, (_, bytes)| sum.saturating_add(*bytes));
        let bytes = answers
            .saturating_mul(self.config.answer_bytes_max)
            .saturating_add(waiting);
        bytes <= self.config.window_bytes_max
    }

    /// Whom to ask for the block of this height: who has answered in vain the least, then who takes
    /// most at a time, then who was not asked for the longest.
    fn best(&self, now: Instant, height: Height) -> Option<Address> {
        let able = || {
            self.peers.iter().filter(move |(_, peer)| {
                let has_it = peer.has >= height && peer.keeps_from <= height;
                has_it && peer.may_prove(height, self.committed)
            })
        };
        let late_ms = self.patience_with_choice_ms();
        let least = able().filter(|(_, peer)| !peer.is_overdue(now, late_ms));
        let least = least
            .map(|(_, peer)| peer.penalty)
            .min()
            .unwrap_or(u32::MAX);
        let free = able().filter(|(_, peer)| peer.may_be_asked(now, least));
        let best = free.min_by_key(|(_, peer)| {
            (
                peer.penalty,
                std::cmp::Reverse(peer.range_blocks),
                peer.turn,
            )
        });
        best.map(|(address, _)| *address)
    }
}
