//! What is known of one peer that may be asked for blocks.
use super::{Answer, CatchUpConfig};
use crate::nouns::standing::Standing;
use crate::types::{Height, Instant, Round};

/// A peer and how it has answered so far.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    /// It claims to have committed this height.
    pub(super) has: Height,
    /// What it said of that when it was first asked, or has shown since if that is less.
    pub(super) stood: Option<Height>,
    /// All that it said then, and of what it has seen since, the furthest.
    said: Option<Standing>,
    /// When it said for the first time how far it is, and what it said.
    pub(super) first_word: Option<(Instant, Height)>,
    /// The furthest that it has named, also since: a height, and a round of the next one.
    pub(super) named: Option<(Height, Round)>,
    /// Its port refuses connections.
    pub(super) is_gone: bool,
    /// It says that it keeps no block below this height.
    pub(super) keeps_from: Height,
    /// The request under way; one at a time.
    pub(super) asked: Option<Asked>,
    /// How often it has answered in vain, halved by each answer that was worth it.
    pub(super) penalty: u32,
    /// How much it is asked for at once: halved by an answer in vain, doubled by a whole one. So a
    /// peer that trickles is left with a trickle.
    pub(super) range_blocks: u64,
    /// When it was last asked, counted in requests.
    pub(super) turn: u64,
    /// Not before this, unless nobody better is there and it has not lied …
    retry_at: Instant,
    /// … and not before this in any case.
    again_at: Instant,
    /// Since its last answer that was worth it.
    has_lied: bool,
    /// Since when it has said that it is further on, and cannot be asked to show it.
    unshown_since: Option<Instant>,
    /// What it answered from here on could not be judged yet.
    unknown_from: Option<Height>,
}

/// A request under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) at: Instant,
    pub(super) from: Height,
    pub(super) blocks: u64,
    /// Its range is asked of somebody else.
    pub(super) is_late: bool,
}

/// What a lie weighs, compared with an answer in vain.
const LIE: u32 = 4;
/// 2^8 graces: half a minute at a grace of 100 ms. Then everyone is tried again.
const PENALTY_MAX: u32 = 8;
/// Whoever has answered in vain so often is not believed alone.
const DOUBTS: u32 = 2;
/// When nobody better is there: soon, but never in a tight loop.
const SPACING_MAX: u32 = 2;

impl Peer {
    pub(super) fn new(range_blocks_max: u64) -> Peer {
        Peer {
            has: Height::default(),
            stood: None,
            said: None,
            first_word: None,
            named: None,
            is_gone: false,
            keeps_from: Height::default(),
            asked: None,
            penalty: 0,
            range_blocks: range_blocks_max.max(1),
            turn: 0,
            retry_at: Instant::default(),
            again_at: Instant::default(),
            has_lied: false,
            unshown_since: None,
            unknown_from: None,
        }
    }

    /// The first word counts: what it commits and signs later, it does while this node is looking
    /// on. Only messages of the asker may have been under way still. Whoever says less than it has
    /// said before has forgotten, or lies: the lesser word counts, as if it were the first, but never
    /// more than it has shown.
    pub(super) fn stands(&mut self, standing: Standing) {
        self.is_gone = false;
        let round = standing.signed.max(standing.seen).unwrap_or_default();
        let named = Some((standing.committed, round));
        match &mut self.said {
            Some(said) if said.committed < standing.committed => {
                self.named = self.named.max(named);
            }
            Some(said) if said.committed == standing.committed => {
                said.seen = said.seen.max(standing.seen);
                said.remembers &= standing.remembers;
                self.named = self.named.max(named);
            }
            said => {
                *said = Some(standing);
                self.named = named;
                let shown = self.stood.unwrap_or(standing.committed);
                self.stood = Some(shown.min(standing.committed));
            }
        }
    }

    /// What it said of the rounds after this height, if that is where it stood.
    pub(super) fn standing_at(&self, committed: Height) -> Option<Standing> {
        let stood = self.stood.filter(|stood| *stood == committed)?;
        self.said.filter(|said| said.committed == stood)
    }

    /// Whether what it said counts although nobody else has said as much.
    pub(super) fn may_be_right(&self) -> bool {
        !self.has_lied && self.penalty < DOUBTS
    }

    /// It says that it is further on, and that it has pruned what could show it. After each
    /// patience that counts as an answer in vain: nobody is believed alone for good.
    pub(super) fn cannot_show(&mut self, now: Instant, patience_ms: u64, grace_ms: u64) {
        let since = *self.unshown_since.get_or_insert(now);
        if now >= since.plus_ms(patience_ms) {
            self.unshown_since = Some(now);
            self.punish(now, grace_ms, 1);
        }
    }

    pub(super) fn has_shown(&mut self, last: Height) {
        self.stood = self.stood.map(|stood| stood.min(last));
    }

    /// Whether an answer about `height` may prove something. What could not be judged can be once
    /// the set of its height is known, two heights ahead of the committed one.
    pub(super) fn may_prove(&self, height: Height, committed: Height) -> bool {
        let unknown = self.unknown_from.is_some_and(|from| height >= from);
        !unknown || self.unknown_from <= Some(committed.next().next())
    }

    /// Whether an answer is due and has not come for so long.
    pub(super) fn is_overdue(&self, now: Instant, patience_ms: u64) -> bool {
        self.asked
            .is_some_and(|asked| now >= asked.at.plus_ms(patience_ms))
    }

    pub(super) fn is_late(&self) -> bool {
        self.asked.is_some_and(|asked| asked.is_late)
    }

    /// The heights that it is expected to bring.
    pub(super) fn covers(&self) -> Option<(Height, Height)> {
        let asked = self.asked.filter(|asked| !asked.is_late)?;
        Some((asked.from, self.last_of(&asked)))
    }

    fn last_of(&self, asked: &Asked) -> Height {
        let last = asked.from.0.saturating_add(asked.blocks.saturating_sub(1));
        Height(last).min(self.has).max(asked.from)
    }

    /// `least` is the smallest penalty among those who could be asked.
    pub(super) fn may_be_asked(&self, now: Instant, least: u32) -> bool {
        let is_best = self.penalty <= least && !self.has_lied;
        let in_time = now >= self.retry_at || is_best;
        self.asked.is_none() && in_time && now >= self.again_at
    }

    /// The request is lost: no answer, or none in time.
    pub(super) fn in_vain(&mut self, now: Instant, grace_ms: u64) {
        self.asked = None;
        self.punish(now, grace_ms, 1);
        self.range_blocks = half(self.range_blocks);
    }

    pub(super) fn lied(&mut self, now: Instant, grace_ms: u64) {
        (self.asked, self.has_lied) = (None, true);
        self.punish(now, grace_ms, LIE);
        self.range_blocks = half(self.range_blocks);
    }

    /// Another peer is asked for the same: the answer is welcome still.
    pub(super) fn late(&mut self) {
        if let Some(asked) = &mut self.asked {
            asked.is_late = true;
        }
    }

    /// Blocks or none, and no lie among them. The answer to another question than the one under way
    /// (it came late, or twice) is welcome, and ends no waiting: else each would make room for one
    /// question more.
    pub(super) fn answered(&mut self, now: Instant, config: &CatchUpConfig, answer: Answer) {
        let is_meant = |asked: &mut Asked| asked.from == answer.first;
        let Some(asked) = self.asked.take_if(is_meant) else {
            return;
        };
        self.unknown_from = answer.unknown_from;
        if answer.unknown_from.is_some() {
            // It has given what it has; that it cannot be judged yet is not its fault.
            return;
        }
        let expected = self.last_of(&asked);
        let last = answer.first.0.saturating_add(answer.blocks);
        let is_whole = last > expected.0 || answer.bytes >= config.answer_bytes_full;
        if answer.blocks == 0 && self.keeps_from > asked.from {
            return; // pruned before it was asked, and it has said so
        }
        if answer.blocks == 0 {
            // It has less than it says. It is believed again when it speaks again.
            self.has = asked.from.previous().min(self.has);
            self.has_shown(self.has);
            return self.punish(now, config.grace_ms, 1);
        }
        if !is_whole {
            self.has_shown(Height(last).previous());
            self.punish(now, config.grace_ms, 1);
            (self.again_at, self.range_blocks) = (now, answer.blocks);
            return;
        }
        self.range_blocks = self.range_blocks.saturating_mul(2);
        self.range_blocks = self.range_blocks.min(config.range_blocks_max);
        // Having given little because little was asked for makes up for nothing.
        let is_much = answer.blocks.saturating_mul(2) >= config.range_blocks_max;
        let is_all = expected == self.has || answer.bytes >= config.answer_bytes_full;
        if asked.is_late {
            // Slow, but useful: for as long as it took, the others come first.
            self.penalty = self.penalty.max(1);
            self.retry_at = now.plus_ms(now.0.saturating_sub(asked.at.0));
        } else if is_much || is_all {
            (self.penalty, self.has_lied) = (self.penalty >> 1, false);
        }
    }

    fn punish(&mut self, now: Instant, grace_ms: u64, weight: u32) {
        self.penalty = self.penalty.saturating_add(weight).min(PENALTY_MAX);
        let wait = |exponent: u32| grace_ms.saturating_mul(1u64.checked_shl(exponent).unwrap_or(1));
        self.retry_at = now.plus_ms(wait(self.penalty));
        self.again_at = now.plus_ms(wait(self.penalty.min(SPACING_MAX)));
    }
}

fn half(range_blocks: u64) -> u64 {
    (range_blocks >> 1).max(1)
}
