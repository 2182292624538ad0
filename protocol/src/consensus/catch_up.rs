//! Whom to ask for blocks that this node lacks. The brain of BlockSync.
//!
//! A peer that works on a height beyond ours has decided ours. One height ahead is normal for a
//! moment; only if that lasts is the block asked for. Every block is committed only with its
//! certificate, verified against the validator set of its height.
//!
//! Heights are claims. Whoever was asked in vain is asked after those who were not, whatever it
//! claims: else one liar with the largest claim would be asked every time.
use crate::types::{Address, Height, Instant};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A peer said, in whatever way, that it works on this height.
    Ahead(Address, Height),
    /// A block was committed here.
    Committed(Height),
    /// The answer of a peer was used up, blocks or none.
    Answered(Address),
    /// The peer did not answer, or what it answered was refused.
    Failed(Address),
    /// A timer that [`Output::WakeAt`] asked for.
    Wake,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Ask this peer for blocks from this height on.
    Request(Address, Height),
    /// Wake up in this many milliseconds.
    WakeAt(u64),
}

/// What is known of the others' heights.
#[derive(Clone, Debug)]
pub struct CatchUp {
    committed: Height,
    grace_ms: u64,
    ahead: BTreeMap<Address, Height>,
    in_vain: BTreeMap<Address, u32>,
    behind_since: Option<Instant>,
    asked: Option<Asked>,
    waking: bool,
}

/// The request under way; one at a time.
#[derive(Clone, Copy, Debug)]
struct Asked {
    peer: Address,
    at: Instant,
    from: Height,
}

/// A request that stays without an answer for this many graces is given up.
const PATIENCE_GRACES: u64 = 20;
/// … but after this many, if another peer could be asked that has failed no more often. A late
/// answer is welcome all the same.
const PATIENCE_WITH_CHOICE_GRACES: u64 = 4;

impl CatchUp {
    /// After `committed`. `grace_ms`: how long one height behind is nothing to act on.
    pub fn new(committed: Height, grace_ms: u64) -> CatchUp {
        let (ahead, in_vain) = (BTreeMap::new(), BTreeMap::new());
        let (behind_since, asked, waking) = (None, None, false);
        CatchUp {
            committed,
            grace_ms,
            ahead,
            in_vain,
            behind_since,
            asked,
            waking,
        }
    }

    /// Takes one input and says what to do. `now` is monotonic.
    pub fn step(&mut self, now: Instant, input: Input) -> Vec<Output> {
        match input {
            Input::Ahead(peer, height) => {
                let known = self.ahead.entry(peer).or_insert(height);
                *known = (*known).max(height);
            }
            Input::Committed(height) if height > self.committed => {
                self.committed = height;
                self.behind_since = None;
                let working_on = height.next();
                self.ahead.retain(|_, theirs| *theirs > working_on);
            }
            Input::Committed(_) => {}
            Input::Answered(peer) => self.answered(peer),
            Input::Failed(peer) => self.failed(peer),
            Input::Wake => self.waking = false,
        }
        self.act(now)
    }

    /// Whether this node is more than a moment behind: two heights or more.
    pub fn is_catching_up(&self) -> bool {
        let next_but_one = self.committed.next().next();
        self.ahead.values().any(|height| *height > next_but_one)
    }

    /// An answer that brought nothing is none.
    fn answered(&mut self, peer: Address) {
        match self.asked.filter(|asked| asked.peer == peer) {
            Some(asked) if self.committed < asked.from => self.failed(peer),
            Some(_) => {
                self.asked = None;
                self.in_vain.remove(&peer);
            }
            None => _ = self.in_vain.remove(&peer),
        }
    }

    /// Whoever fails is believed again only when it speaks again.
    fn failed(&mut self, peer: Address) {
        self.asked = self.asked.filter(|asked| asked.peer != peer);
        self.ahead.remove(&peer);
        let count = self.in_vain.entry(peer).or_default();
        *count = count.saturating_add(1);
    }

    fn act(&mut self, now: Instant) -> Vec<Output> {
        let working_on = self.committed.next();
        if let Some(asked) = self.asked {
            if now < asked.at.plus_ms(self.patience_ms(asked.peer)) {
                return self.wake_later();
            }
            self.failed(asked.peer);
        }
        let Some((peer, height)) = self.best(None) else {
            self.behind_since = None;
            return Vec::new();
        };
        let since = *self.behind_since.get_or_insert(now);
        let due = height > working_on.next() || now >= since.plus_ms(self.grace_ms);
        if !due {
            return self.wake_later();
        }
        let (at, from) = (now, working_on);
        self.asked = Some(Asked { peer, at, from });
        let request = Output::Request(peer, from);
        let mut out = vec![request];
        out.extend(self.wake_later());
        out
    }

    fn asked_in_vain(&self, peer: &Address) -> u32 {
        self.in_vain.get(peer).copied().unwrap_or_default()
    }

    /// Whom to ask: of those asked in vain the fewest times, the one furthest ahead.
    fn best(&self, but: Option<Address>) -> Option<(Address, Height)> {
        let working_on = self.committed.next();
        let ahead = self.ahead.iter().map(|(peer, height)| (*peer, *height));
        let candidates = ahead.filter(|(peer, height)| *height > working_on && Some(*peer) != but);
        candidates.max_by_key(|(peer, height)| (Reverse(self.asked_in_vain(peer)), *height))
    }

    fn patience_ms(&self, peer: Address) -> u64 {
        let others = self.best(Some(peer));
        let choice = others
            .is_some_and(|(other, _)| self.asked_in_vain(&other) <= self.asked_in_vain(&peer));
        self.grace_ms.saturating_mul(if choice {
            PATIENCE_WITH_CHOICE_GRACES
        } else {
            PATIENCE_GRACES
        })
    }

    fn wake_later(&mut self) -> Vec<Output> {
        if std::mem::replace(&mut self.waking, true) {
            return Vec::new();
        }
        vec![Output::WakeAt(self.grace_ms)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Address = Address([1; 20]);
    const B: Address = Address([2; 20]);

    fn behind() -> CatchUp {
        CatchUp::new(Height(10), 100)
    }

    #[test]
    fn one_height_ahead_is_asked_for_only_after_the_grace() {
        let mut sync = behind();
        assert_eq!(sync.step(Instant(0), Input::Ahead(A, Height(11))), []);
        assert_eq!(
            sync.step(Instant(0), Input::Ahead(A, Height(12))),
            [Output::WakeAt(100)]
        );
        let asked = sync.step(Instant(100), Input::Wake);
        assert_eq!(asked, [Output::Request(A, Height(11)), Output::WakeAt(100)]);
        assert!(!sync.is_catching_up());
    }

    #[test]
    fn two_heights_ahead_are_asked_for_at_once_and_one_peer_at_a_time() {
        let mut sync = behind();
        let asked = sync.step(Instant(0), Input::Ahead(A, Height(20)));
        assert_eq!(asked, [Output::Request(A, Height(11)), Output::WakeAt(100)]);
        assert!(sync.is_catching_up());
        assert_eq!(sync.step(Instant(1), Input::Ahead(B, Height(30))), []);
        sync.step(Instant(2), Input::Committed(Height(11)));
        let next = sync.step(Instant(3), Input::Answered(A));
        assert_eq!(next, [Output::Request(B, Height(12))]);
    }

    #[test]
    fn a_peer_that_fails_or_stalls_is_replaced() {
        let mut sync = behind();
        sync.step(Instant(0), Input::Ahead(A, Height(20)));
        sync.step(Instant(0), Input::Ahead(B, Height(15)));
        let next = sync.step(Instant(1), Input::Failed(A));
        assert_eq!(next, [Output::Request(B, Height(11))]);
        sync.step(Instant(2), Input::Ahead(A, Height(21)));
        assert_eq!(sync.step(Instant(100), Input::Wake), [Output::WakeAt(100)]);
        let next = sync.step(Instant(2_001), Input::Wake);
        assert!(next.contains(&Output::Request(A, Height(11))), "{next:?}");
    }

    #[test]
    fn a_liar_with_the_largest_claim_is_not_asked_every_time() {
        let mut sync = behind();
        for _ in 0..3 {
            sync.step(Instant(0), Input::Ahead(B, Height(1_000_000)));
            sync.step(Instant(0), Input::Failed(B));
        }
        sync.step(Instant(0), Input::Ahead(B, Height(1_000_000)));
        sync.step(Instant(1), Input::Answered(B));
        sync.step(Instant(1), Input::Ahead(B, Height(1_000_000)));
        sync.step(Instant(1), Input::Failed(B));
        let asked = sync.step(Instant(2), Input::Ahead(A, Height(20)));
        assert!(asked.contains(&Output::Request(A, Height(11))), "{asked:?}");
        sync.step(Instant(3), Input::Ahead(B, Height(1_000_000)));
        sync.step(Instant(4), Input::Committed(Height(12)));
        let next = sync.step(Instant(4), Input::Answered(A));
        assert_eq!(next, [Output::Request(A, Height(13))]);
    }

    #[test]
    fn a_silent_peer_is_left_sooner_when_another_could_be_asked() {
        let mut sync = behind();
        let asked = sync.step(Instant(0), Input::Ahead(B, Height(20)));
        assert!(asked.contains(&Output::Request(B, Height(11))), "{asked:?}");
        sync.step(Instant(399), Input::Ahead(A, Height(15)));
        let next = sync.step(Instant(400), Input::Wake);
        assert!(next.contains(&Output::Request(A, Height(11))), "{next:?}");
        // B has failed once more than A: now A has all the patience.
        sync.step(Instant(900), Input::Ahead(B, Height(20)));
        assert_eq!(
            sync.step(Instant(2_399), Input::Wake),
            [Output::WakeAt(100)]
        );
        let next = sync.step(Instant(2_400), Input::Wake);
        assert!(next.contains(&Output::Request(B, Height(11))), "{next:?}");
    }

    #[test]
    fn having_caught_up_ends_the_asking() {
        let mut sync = behind();
        sync.step(Instant(0), Input::Ahead(A, Height(12)));
        assert_eq!(sync.step(Instant(5), Input::Committed(Height(11))), []);
        assert_eq!(sync.step(Instant(100), Input::Wake), []);
        assert!(!sync.is_catching_up());
    }
}
