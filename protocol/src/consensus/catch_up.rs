//! Whom to ask for which blocks that this node lacks. The brain of BlockSync.
//!
//! Several peers are asked at once for ranges that do not overlap. A peer that works on a height
//! beyond ours has decided ours. One height ahead is normal for a moment, and so is whatever a single
//! liar claims; only if that lasts is the block asked for. Every block is committed only with its certificate ([`Proven`]).
//!
//! Heights are claims, and a claim decides nothing but whom to ask for what:
//!
//! - How far there is to go ([`CatchUp::target`]), and with it whether there is haste, says whoever
//!   holds more than a third of the power, or a certificate that was verified here. One liar moves
//!   neither. What must be reached before this node signs, a certificate says for good only by the
//!   set that is known to decide its height; blocks further on count as long as they wait to be
//!   committed. Those that the Committer discards for their set are forgotten, and count as a lie.
//! - Whoever answers in vain (late, not at all, with less than it was asked for) is asked after the
//!   others and for less; whoever answers with what proves nothing, much later. Nobody is given up
//!   for good: when only such peers are left, they are asked.
//! - Whoever says that it has pruned a block is not asked for it, and its empty answer is no fault.
//!   If nobody else has the next one, this node is [stranded](CatchUp::stranded).
//! - When this node may sign after its start is decided here too, because it is a matter of how far
//!   the others are: see [`arrival`].
//! - The lowest block that is missing is always asked for first, and of another peer when its answer
//!   is late. So nobody can hold up the rest for longer than one patience.
//!
//! Bounded: at most one request per validator, and a window of blocks and bytes that have been asked
//! for or wait to be committed.
use crate::limits::CATCH_UP_PEERS_MAX;
use crate::nouns::standing::Standing;
use crate::types::{Address, Height, Instant};
use crate::validators::schedule::ValidatorSchedule;
use crate::validators::set::ValidatorSet;
use std::collections::BTreeMap;
use std::sync::Arc;

mod answer;
pub mod arrival;
mod asking;
mod peer;
#[cfg(test)]
mod tests;

pub use answer::Proven;
pub use arrival::{Arrival, Waits};
use peer::Peer;

/// What does not change while a node runs.
#[derive(Clone, Copy, Debug)]
pub struct CatchUpConfig {
    /// This node's validator. Whoever else has its key says nothing of how far the others are.
    pub me: Address,
    /// How long one height behind, or a claim that nothing supports, is nothing to act on; all other
    /// patience is counted in it.
    pub grace_ms: u64,
    /// The most blocks that one request asks for.
    pub range_blocks_max: u64,
    /// The most bytes that one answer may hold.
    pub answer_bytes_max: usize,
    /// An honest answer with fewer blocks than it was asked for, and than its sender claims to
    /// have, holds at least this many bytes.
    pub answer_bytes_full: usize,
    /// How far beyond the committed height blocks are asked for.
    pub window_blocks_max: u64,
    /// The most bytes that may be on their way or wait to be committed. The next block to commit
    /// is asked for whatever waits.
    pub window_bytes_max: usize,
    /// After its start a node waits so long to hear all others; then those that it must hear are
    /// enough.
    pub arrival_wait_ms: u64,
    /// The operator vouches for a validator with more than a third of the power: it need not hear
    /// all others.
    pub is_rearmed: bool,
}

/// What a peer answered, once its bytes have been checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The first proven block; what was asked for if there is none.
    pub first: Height,
    /// How many blocks in a row are proven.
    pub blocks: u64,
    /// How many of them by the sets that are known to decide their heights.
    pub judged: u64,
    /// The bytes of the answer.
    pub bytes: usize,
    /// Whether something came that proves nothing.
    pub flawed: bool,
    /// From here on a validator set decides that this node will know only once it has committed
    /// the blocks before: neither proof nor lie.
    pub unknown_from: Option<Height>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A peer said, in whatever way, that it works on this height.
    Ahead(Address, Height),
    /// Asked by this node, a peer said and signed how far it is.
    Stands(Address, Standing),
    /// The peer's port refuses connections: its process is not there, and nobody waits for it.
    Gone(Address),
    /// A peer said that this is the lowest height whose block it keeps.
    Keeps(Address, Height),
    /// A block was committed here; who decides what from now on.
    Committed(ValidatorSchedule),
    /// A peer answered; its proven blocks are on their way to be committed.
    Answered(Address, Answer),
    /// The peer did not answer, or had no time.
    Failed(Address),
    /// The blocks from this height on that wait to be committed are forgotten: whom the chain has
    /// not named has certified the first of them. This peer has sent it.
    Discarded(Height, Address),
    /// A timer that [`Output::WakeAt`] asked for.
    Wake,
    /// A certified block is invalid here: nothing can follow it, so nothing is asked for any more.
    Halted,
    /// The RoundDriver begins, or has restarted: it must be told whether this node has arrived.
    Retell,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Ask this peer for at most so many blocks from this height on.
    Request(Address, Height, u64),
    /// Wake up in this many milliseconds.
    WakeAt(u64),
    /// This peer has sent what proves nothing. Counted, for people.
    Lied(Address),
    /// Tell the RoundDriver, and remember it for as long as the process lives: from where on it may
    /// sign ([`arrival`]).
    Arrived(Arrival),
}

/// A request that stays without an answer for this many graces is given up.
const PATIENCE_GRACES: u64 = 20;
/// … but after this many, if another peer could be asked. A late answer is welcome all the same.
const PATIENCE_WITH_CHOICE_GRACES: u64 = 4;

/// What is known of the others' heights, and what is on its way.
#[derive(Clone, Debug)]
pub struct CatchUp {
    config: CatchUpConfig,
    set: Arc<ValidatorSet>,
    committed: Height,
    proven: Height,
    peers: BTreeMap<Address, Peer>,
    /// Proven and not committed yet: first height → last height and bytes.
    arrived: BTreeMap<Height, (Height, usize)>,
    behind_since: Option<Instant>,
    moved_at: Instant,
    turn: u64,
    waking: bool,
    halted: bool,
    arrival: Option<Arrival>,
    /// Peers that it knows from its configuration, whoever decides now.
    expected: Vec<Address>,
    /// When it was first asked to do anything: the wait for others begins.
    began_at: Option<Instant>,
}

impl CatchUp {
    /// After the head of `validators`.
    pub fn new(config: CatchUpConfig, validators: &ValidatorSchedule) -> CatchUp {
        let committed = validators.head();
        CatchUp {
            config,
            set: validators.current().clone(),
            committed,
            proven: committed,
            peers: BTreeMap::new(),
            arrived: BTreeMap::new(),
            behind_since: None,
            moved_at: Instant::default(),
            turn: 0,
            waking: false,
            halted: false,
            arrival: None,
            expected: Vec::new(),
            began_at: None,
        }
    }

    /// The same of a node that has arrived earlier in its life.
    #[must_use]
    pub fn having_arrived(mut self, at: Option<Arrival>) -> CatchUp {
        self.arrival = at;
        self
    }

    /// The same of a node that knows these peers from its configuration. A disk that says that its
    /// key decides alone may be an old one, so they are heard first.
    #[must_use]
    pub fn expecting(mut self, peers: impl IntoIterator<Item = Address>) -> CatchUp {
        let peers = peers.into_iter().take(CATCH_UP_PEERS_MAX);
        self.expected = peers.filter(|who| *who != self.config.me).collect();
        self
    }

    /// Takes one input and says what to do. `now` is monotonic.
    pub fn step(&mut self, now: Instant, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        self.began_at.get_or_insert(now);
        match input {
            Input::Ahead(peer, height) => self.ahead(now, peer, height),
            Input::Stands(peer, standing) => self.stands(now, peer, standing),
            Input::Gone(peer) => self.peer(peer).is_gone = true,
            Input::Keeps(peer, height) => self.peer(peer).keeps_from = height,
            Input::Committed(validators) => self.committed(now, &validators),
            Input::Answered(peer, answer) => self.answered(now, peer, answer, &mut out),
            Input::Failed(peer) => {
                let grace_ms = self.config.grace_ms;
                self.peers
                    .entry(peer)
                    .and_modify(|peer| peer.in_vain(now, grace_ms));
            }
            Input::Discarded(height, from) => self.discarded(now, height, from, &mut out),
            Input::Wake => self.waking = false,
            Input::Halted => self.halted = true,
            Input::Retell => out.extend(self.arrival.map(Output::Arrived)),
        }
        if !self.halted {
            self.act(now, &mut out);
            self.arrive(now, &mut out);
        }
        out
    }

    /// The height to reach: what more than a third of the power claims to have committed (so a
    /// correct node has), or what a verified certificate proves, or blocks that wait to be committed
    /// claim with one. Never below the committed height.
    pub fn target(&self) -> Height {
        let claims = self.peers.iter().map(|(who, peer)| (*who, peer.has));
        let believed = self.believed(claims).unwrap_or_default();
        let arrived = self.arrived.values().map(|(last, _)| *last).max();
        let proven = self.proven.max(arrived.unwrap_or_default());
        believed.max(proven).max(self.committed)
    }

    /// The highest of these heights that validators with more than a third of the power have, each
    /// named once: one of them is correct.
    fn believed(&self, claims: impl Iterator<Item = (Address, Height)>) -> Option<Height> {
        let weigh = |(who, has)| Some((has, self.set.power(self.set.index_of(&who)?)));
        let mut claims: Vec<(Height, u64)> = claims.filter_map(weigh).collect();
        claims.sort_by_key(|claim| std::cmp::Reverse(*claim));
        let mut power = 0u64;
        claims.into_iter().find_map(|(has, more)| {
            power = power.saturating_add(more);
            self.set.is_skip_set(power).then_some(has)
        })
    }

    /// Whether this node is more than a moment behind: two heights or more.
    pub fn is_catching_up(&self) -> bool {
        !self.halted && self.target() > self.committed.next()
    }

    /// The lowest height that anybody keeps, if the next one is kept by nobody: whoever has committed
    /// it has pruned it since, or has not shown it when asked. Then only a snapshot helps. Some peer
    /// says so, and a liar can do no more than that: who keeps it is asked all the same.
    pub fn stranded(&self) -> Option<Height> {
        let next = self.committed.next();
        let mut ahead = self.peers.values().filter(|peer| peer.has >= next);
        let is_pruned = |peer: &&Peer| peer.keeps_from > next;
        let lowest = ahead.clone().filter(is_pruned);
        let lowest = lowest.map(|peer| peer.keeps_from).min();
        let hopeless = ahead.all(|peer| peer.keeps_from > next || peer.penalty > 0);
        lowest.filter(|_| hopeless && !self.halted)
    }

    /// Whoever says so may be asked, a validator or not: a node that was away for long knows none of
    /// today's validators, only its configured peers. But only power says how far there is to go.
    /// What a peer claims grows with whatever it says, in whatever order that arrives. It shrinks
    /// only by what the peer fails to show.
    fn ahead(&mut self, now: Instant, address: Address, working_on: Height) {
        let peer = self.peer(address);
        let has = working_on.previous();
        peer.first_word.get_or_insert((now, has));
        peer.has = peer.has.max(has);
    }

    fn peer(&mut self, address: Address) -> &mut Peer {
        if !self.peers.contains_key(&address) && self.peers.len() >= CATCH_UP_PEERS_MAX {
            self.forget_the_least();
        }
        let range_blocks_max = self.config.range_blocks_max;
        let peer = self.peers.entry(address);
        peer.or_insert_with(|| Peer::new(range_blocks_max))
    }

    /// Makes room: of those that are asked for nothing, the one that claims the least, a stranger
    /// before a validator.
    fn forget_the_least(&mut self) {
        let idle = self.peers.iter().filter(|(_, peer)| peer.asked.is_none());
        let weight = |address: &Address| self.set.index_of(address).is_some();
        let least = idle.min_by_key(|(address, peer)| (weight(address), peer.has));
        if let Some(least) = least.map(|(address, _)| *address) {
            self.peers.remove(&least);
        }
    }

    fn committed(&mut self, now: Instant, validators: &ValidatorSchedule) {
        let height = validators.head();
        if height <= self.committed {
            return;
        }
        self.set = validators.current().clone();
        (self.committed, self.moved_at) = (height, now);
        self.proven = self.proven.max(height);
        self.behind_since = None;
        self.arrived.retain(|_, (last, _)| *last > height);
    }

    fn answered(&mut self, now: Instant, from: Address, answer: Answer, out: &mut Vec<Output>) {
        let config = self.config;
        let Some(peer) = self.peers.get_mut(&from) else {
            return;
        };
        if answer.flawed {
            peer.lied(now, config.grace_ms);
            out.push(Output::Lied(from));
        } else {
            peer.answered(now, &config, answer);
        }
        if answer.blocks == 0 {
            return;
        }
        let last = |blocks: u64| Height(answer.first.0.saturating_add(blocks)).previous();
        if answer.judged > 0 {
            self.proven = self.proven.max(last(answer.judged));
        }
        let last = last(answer.blocks);
        if last > self.committed {
            if self.arrived.is_empty() {
                self.moved_at = now;
            }
            let kept = self.arrived.entry(answer.first).or_insert((last, 0));
            *kept = (kept.0.max(last), kept.1.saturating_add(answer.bytes));
        }
    }

    /// What lies behind the false block may be as false, and the Committer has forgotten it as well.
    fn discarded(&mut self, now: Instant, height: Height, from: Address, out: &mut Vec<Output>) {
        self.arrived.retain(|first, _| *first < height);
        for (last, _) in self.arrived.values_mut() {
            *last = height.previous().min(*last);
        }
        if let Some(peer) = self.peers.get_mut(&from) {
            peer.has_shown(height.previous());
            peer.lied(now, self.config.grace_ms);
            out.push(Output::Lied(from));
        }
    }

    fn act(&mut self, now: Instant, out: &mut Vec<Output>) {
        self.forget_the_late(now);
        self.doubt_the_pruned(now);
        let working_on = self.committed.next();
        let highest = self.peers.values().map(|peer| peer.has).max();
        if highest.is_none_or(|highest| highest < working_on) {
            self.behind_since = None;
            return;
        }
        let since = *self.behind_since.get_or_insert(now);
        // One claim alone is no reason for haste: a boaster would make every node ask for blocks
        // that are being decided.
        let due = self.target() > working_on || now >= since.plus_ms(self.config.grace_ms);
        if due {
            self.ask(now, out);
        }
        if !std::mem::replace(&mut self.waking, true) {
            out.push(Output::WakeAt(self.config.grace_ms));
        }
    }

    fn patience_ms(&self) -> u64 {
        self.config.grace_ms.saturating_mul(PATIENCE_GRACES)
    }

    fn patience_with_choice_ms(&self) -> u64 {
        let grace_ms = self.config.grace_ms;
        grace_ms.saturating_mul(PATIENCE_WITH_CHOICE_GRACES)
    }
}
