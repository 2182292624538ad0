//! What a node shows of itself: written by the actors as they go, read by HTTP handlers and by
//! whoever holds the node, from any thread, without asking an actor.
use crate::clock::watch::ClockWatch;
use crate::runtime::EndReason;
use crate::timelines::Timelines;
use lockstep_protocol::consensus::driver::{ClockWait, Halt};
use lockstep_protocol::consensus::round_machine::Step;
use lockstep_protocol::ledger::Receipt;
use lockstep_protocol::nouns::decided::DecidedBlock;
use lockstep_protocol::types::{Address, BlockId, Hash, Height, Round, Timestamp};
use lockstep_protocol::validators::schedule::ValidatorSchedule;
use parking_lot::{Condvar, Mutex};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// The newest committed block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadView {
    /// Its height; 0 is genesis.
    pub height: Height,
    /// Its id; the genesis hash at height 0.
    pub block_id: BlockId,
    /// The state root after it.
    pub state_root: Hash,
    /// Its time.
    pub time: Timestamp,
}

/// What is known of a peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PeerView {
    /// The validator that the peer runs.
    pub address: Address,
    /// Where it listens.
    pub url: String,
    /// Whether the last exchange succeeded.
    pub reachable: bool,
    /// Since when none has succeeded; in JSON, for how many milliseconds.
    #[serde(rename = "away_ms", serialize_with = "ms_since")]
    pub away: Option<Instant>,
    /// The last committed height that it told.
    pub height: Height,
    /// The lowest height whose block it keeps, as it told.
    pub earliest_height: Height,
    /// How far its clock is ahead of this node's, in milliseconds, as it last told.
    pub clock_difference_ms: Option<i64>,
    /// Frames that wait for it.
    pub outbox: usize,
    /// Why the last exchange failed, if it did.
    pub trouble: Option<String>,
    /// Why it was refused: another chain, another protocol version, a wrong verifier.
    pub refused: Option<String>,
}

fn ms_since<S: Serializer>(since: &Option<Instant>, to: S) -> Result<S::Ok, S::Error> {
    since
        .map(|since| since.elapsed().as_millis() as u64)
        .serialize(to)
}

impl PeerView {
    /// One that was never reached.
    pub(crate) fn new(address: Address, url: String) -> PeerView {
        PeerView {
            address,
            url,
            reachable: false,
            away: Some(Instant::now()),
            height: Height(0),
            earliest_height: Height(0),
            clock_difference_ms: None,
            outbox: 0,
            trouble: None,
            refused: None,
        }
    }

    /// An exchange has succeeded, or failed.
    pub(crate) fn set_reachable(&mut self, reachable: bool) {
        self.reachable = reachable;
        if reachable {
            self.trouble = None;
        }
        self.away = match reachable {
            true => None,
            false => self.away.or_else(|| Some(Instant::now())),
        };
    }
}

/// How catching up goes on: what a progress bar needs besides the head.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SyncProgress {
    /// Whether this node is more than a moment behind.
    pub catching_up: bool,
    /// The height at which it began to catch up; the head if it does not.
    pub from: Height,
    /// The height to reach: claimed by more than a third of the power, or proven by a certificate.
    pub target: Height,
    /// The lowest height that a peer keeps, if the next one is kept by none: it needs a snapshot.
    pub stranded: Option<Height>,
    /// Blocks committed per second, of late.
    pub blocks_per_second: f64,
}

/// What people must know of a node that is behind what anybody keeps.
pub(crate) fn needs_snapshot(next: Height, earliest: Height) -> String {
    format!(
        "no peer that answers keeps block {next} any more, the earliest is {earliest}: bring one back \
         that does, if it is only down; else stop this node, move its data directory away, and begin \
         with a snapshot (lockstep snapshot import)"
    )
}

/// Second decisions of heights that were old when they came to light: they stop nothing, and people
/// must know of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OldForks {
    /// How many are kept.
    pub count: usize,
    /// What the last of them was.
    pub newest: Option<String>,
}

/// The newest block with its receipts, shared: who tells of it need not read it back.
#[derive(Clone, Debug)]
pub(crate) struct NewestBlock {
    pub(crate) decided: DecidedBlock,
    pub(crate) receipts: Arc<Vec<Receipt>>,
}

#[derive(Debug)]
struct Parts {
    head: HeadView,
    /// `None` from a start or a fall of the committer to its next block.
    newest: Option<NewestBlock>,
    validators: ValidatorSchedule,
    round: Round,
    step: Option<Step>,
    sync: SyncProgress,
    halted: Option<Halt>,
    observing: Option<String>,
    observes_since: Instant,
    observed: Observed,
    clock_wait: Option<ClockWait>,
    old_forks: OldForks,
    waiting: Option<String>,
    has_arrived: bool,
    peers: BTreeMap<Address, PeerView>,
    height_began: Instant,
    head_since: Instant,
    ended: Option<EndReason>,
}

/// How often this node had no voice and then had one, and how long it had none the last time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Since the start.
    pub times: u64,
    /// Milliseconds.
    pub last_ms: u64,
}

/// A copy of everything but the peers.
#[derive(Clone, Debug)]
pub struct ViewCopy {
    /// The newest committed block.
    pub head: HeadView,
    /// The round under way at the next height.
    pub round: Round,
    /// The step; `None` between two heights.
    pub step: Option<Step>,
    /// Whether this node is more than a moment behind.
    pub catching_up: bool,
    /// Why this node has stopped voting, if it has.
    pub halted: Option<String>,
    /// Why this node follows without a voice, if it does, and the next step.
    pub observing: Option<String>,
    /// What is over of that. Whoever looks each second misses what lasts less.
    pub observed: Observed,
    /// What this node waits for, if its clock lies too far behind the newest block.
    pub clock_wait: Option<ClockWait>,
}

/// One node's view of itself.
#[derive(Debug)]
pub struct NodeView {
    parts: Mutex<Parts>,
    moved: Condvar,
    /// What is known of the clocks of others.
    pub(crate) clocks: ClockWatch,
    /// What happened when.
    pub(crate) timelines: Arc<Timelines>,
    /// Head, round or step are others than before.
    pub(crate) changed: Notify,
}

impl NodeView {
    /// At `head`, after which these validators decide; nothing else known.
    pub fn new(head: HeadView, validators: ValidatorSchedule) -> NodeView {
        let parts = Parts {
            head,
            newest: None,
            validators,
            round: Round::ZERO,
            step: None,
            sync: SyncProgress {
                from: head.height,
                target: head.height,
                ..SyncProgress::default()
            },
            halted: None,
            observing: None,
            observes_since: Instant::now(),
            observed: Observed::default(),
            clock_wait: None,
            old_forks: OldForks::default(),
            waiting: None,
            has_arrived: false,
            peers: BTreeMap::new(),
            height_began: Instant::now(),
            head_since: Instant::now(),
            ended: None,
        };
        NodeView {
            parts: Mutex::new(parts),
            moved: Condvar::new(),
            clocks: ClockWatch::default(),
            timelines: Arc::default(),
            changed: Notify::new(),
        }
    }

    /// The newest committed block.
    pub fn head(&self) -> HeadView {
        self.parts.lock().head
    }

    /// Who decides which height after the newest committed block.
    pub fn validators(&self) -> ValidatorSchedule {
        self.parts.lock().validators.clone()
    }

    /// Everything but the peers.
    pub fn copy(&self) -> ViewCopy {
        let parts = self.parts.lock();
        ViewCopy {
            head: parts.head,
            round: parts.round,
            step: parts.step,
            catching_up: parts.sync.catching_up,
            halted: parts.halted.as_ref().map(Halt::to_string),
            observing: parts.observing.clone().or_else(|| parts.waiting.clone()),
            observed: parts.observed,
            clock_wait: parts.clock_wait,
        }
    }

    /// How catching up goes on.
    pub fn sync_progress(&self) -> SyncProgress {
        self.parts.lock().sync
    }

    /// All peers, by address.
    pub fn peers(&self) -> Vec<PeerView> {
        self.parts.lock().peers.values().cloned().collect()
    }

    /// Blocks the calling thread until `height` is committed. False if that did not happen in
    /// `patience` or the node ended before.
    pub fn wait_for(&self, height: Height, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        let mut parts = self.parts.lock();
        while parts.head.height < height && parts.ended.is_none() {
            if self.moved.wait_until(&mut parts, until).timed_out() {
                break;
            }
        }
        parts.head.height >= height
    }

    /// The block of `height` with its receipts, if it is the newest.
    pub(crate) fn newest(&self, height: Height) -> Option<NewestBlock> {
        let newest = self.parts.lock().newest.clone();
        newest.filter(|newest| newest.decided.block.height() == height)
    }

    /// Said before the head moves to it: then nobody is told yet.
    pub(crate) fn set_newest(&self, newest: Option<NewestBlock>) {
        self.parts.lock().newest = newest;
    }

    pub(crate) fn set_head(&self, head: HeadView, validators: ValidatorSchedule) {
        let mut parts = self.parts.lock();
        (parts.head, parts.validators) = (head, validators);
        parts.head_since = Instant::now();
        drop(parts);
        self.moved.notify_all();
        self.changed.notify_one();
    }

    /// The round under way.
    pub(crate) fn round(&self) -> Round {
        self.parts.lock().round
    }

    pub(crate) fn set_round(&self, round: Round, step: Option<Step>) {
        let mut parts = self.parts.lock();
        if (parts.round, parts.step) == (round, step) {
            return;
        }
        (parts.round, parts.step) = (round, step);
        drop(parts);
        self.changed.notify_one();
    }

    /// Round 0 of a height has begun here.
    pub(crate) fn begin_height(&self) {
        self.parts.lock().height_began = Instant::now();
    }

    /// Since when the height under decision has been under way here.
    pub(crate) fn height_began(&self) -> Instant {
        self.parts.lock().height_began
    }

    /// Since when the newest block is that, or since this node started.
    pub(crate) fn head_since(&self) -> Instant {
        self.parts.lock().head_since
    }

    pub(crate) fn set_sync_progress(&self, progress: SyncProgress) {
        self.parts.lock().sync = progress;
    }

    /// This node has stopped voting for good. Several reasons may come, in any order: the gravest
    /// is shown, of equal ones the first.
    pub(crate) fn set_halted(&self, reason: Halt) {
        let halted = &mut self.parts.lock().halted;
        if halted.as_ref().is_none_or(|shown| reason.outweighs(shown)) {
            *halted = Some(reason);
        }
    }

    /// Second decisions of old heights.
    pub fn old_forks(&self) -> OldForks {
        self.parts.lock().old_forks.clone()
    }

    pub(crate) fn set_old_forks(&self, old_forks: OldForks) {
        self.parts.lock().old_forks = old_forks;
    }

    pub(crate) fn set_observing(&self, reason: Option<String>) {
        let mut parts = self.parts.lock();
        match (&parts.observing, &reason) {
            (None, Some(_)) => parts.observes_since = Instant::now(),
            (Some(_), None) => {
                let lasted = parts.observes_since.elapsed().as_millis();
                parts.observed.times += 1;
                parts.observed.last_ms = u64::try_from(lasted).unwrap_or(u64::MAX);
            }
            _ => {}
        }
        parts.observing = reason;
    }

    pub(crate) fn set_clock_wait(&self, wait: Option<ClockWait>) {
        self.parts.lock().clock_wait = wait;
    }

    /// Whether this node has heard enough of the others to sign, or will not sign anyhow.
    pub fn has_arrived(&self) -> bool {
        let parts = self.parts.lock();
        parts.has_arrived || parts.halted.is_some() || parts.ended.is_some()
    }

    /// Whether this validator has just started, and neither votes nor only follows: it does not sign
    /// before it has heard how far the others are, and has what they have.
    pub fn is_arriving(&self, me: &Address) -> bool {
        let parts = self.parts.lock();
        let is_validator = parts.validators.current().index_of(me).is_some();
        let signs_never = parts.observing.is_some() || parts.halted.is_some();
        is_validator && !signs_never && !parts.has_arrived && parts.ended.is_none()
    }

    pub(crate) fn set_arrived(&self) {
        self.parts.lock().has_arrived = true;
    }

    /// Why this node, which may sign, does not do so yet; true if that is news.
    pub(crate) fn set_waiting(&self, reason: Option<String>) -> bool {
        let waiting = &mut self.parts.lock().waiting;
        let is_news = *waiting != reason;
        *waiting = reason;
        is_news
    }

    pub(crate) fn set_peers(&self, peers: impl IntoIterator<Item = PeerView>) {
        self.parts.lock().peers = peers.into_iter().map(|peer| (peer.address, peer)).collect();
    }

    pub(crate) fn update_peer(&self, address: &Address, update: impl FnOnce(&mut PeerView)) {
        if let Some(peer) = self.parts.lock().peers.get_mut(address) {
            update(peer);
        }
    }

    /// Why the node has ended, once it has.
    pub fn ended(&self) -> Option<EndReason> {
        self.parts.lock().ended.clone()
    }

    pub(crate) fn set_ended(&self, reason: EndReason) {
        self.parts.lock().ended = Some(reason);
        self.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{World, head_before_all};

    /// A certified block that does not fit may show both at once: a fork, and a block that is
    /// invalid here. Whichever is told last, it is the fork that people must hear of.
    #[test]
    fn the_gravest_reason_to_stop_is_shown_whatever_the_order() {
        let reasons = [
            Halt::SignedElsewhere(Height(5)),
            Halt::InvalidDecision(Height(4)),
            Halt::Forked("height 3 was decided twice".into()),
            Halt::Forked("height 4 was decided twice".into()),
            Halt::InvalidDecision(Height(9)),
        ];
        let head = head_before_all();
        let set = World::new(7).rules.genesis_validators.clone();
        let validators = ValidatorSchedule::unchanged(head.height, set);
        let shown = |told: &[&Halt]| {
            let view = NodeView::new(head, validators.clone());
            told.iter()
                .for_each(|halt| view.set_halted((*halt).clone()));
            view.copy().halted
        };
        let [elsewhere, invalid, fork, later_fork, later_invalid] = &reasons;
        let text = |halt: &Halt| Some(halt.to_string());
        assert_eq!(shown(&[]), None);
        for told in [[invalid, fork], [fork, invalid]] {
            assert_eq!(shown(&told), text(fork));
        }
        for told in [[elsewhere, invalid], [invalid, elsewhere]] {
            assert_eq!(shown(&told), text(invalid));
        }
        assert_eq!(shown(&[fork, later_fork]), text(fork));
        assert_eq!(shown(&[invalid, later_invalid]), text(invalid));
        assert_eq!(shown(&[elsewhere]), text(elsewhere));
    }
}
