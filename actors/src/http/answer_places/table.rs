//! Who has which place, who waits, and who gives way. A plain value.
use super::Asker;
use crate::http::places::Merit;
use crate::limits::ANSWER_TURN;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

#[derive(Debug)]
pub(super) struct Table {
    /// By their tickets: later ones have larger numbers.
    pub(super) holders: BTreeMap<u64, Holder>,
    /// By tickets of the same kind.
    pub(super) waiting: BTreeMap<u64, Waiting>,
    /// The last place that an address was given, for as long as it has one or waits.
    pub(super) given: BTreeMap<IpAddr, u64>,
    max: usize,
    pub(super) piece_patience: Duration,
    next: u64,
}

#[derive(Debug)]
pub(super) struct Waiting {
    from: IpAddr,
    merit: Merit,
    woken: Arc<Notify>,
}

#[derive(Debug)]
pub(super) struct Holder {
    who: Asker,
    /// When the first piece went and when the last; `None` while the answer is being made.
    sent: Option<(Instant, Instant)>,
}

impl Table {
    pub(super) fn new(max: usize, piece_patience: Duration) -> Table {
        Table {
            holders: BTreeMap::new(),
            waiting: BTreeMap::new(),
            given: BTreeMap::new(),
            max,
            piece_patience,
            next: 0,
        }
    }

    pub(super) fn line_up(&mut self, asker: &Asker, woken: Arc<Notify>) -> u64 {
        let ticket = self.next;
        self.next += 1;
        let Asker { from, merit, .. } = *asker;
        self.waiting.insert(ticket, Waiting { from, merit, woken });
        ticket
    }

    pub(super) fn gave_up(&mut self, waiter: u64) {
        self.waiting.remove(&waiter);
        self.wake_next();
    }

    /// A peer comes first, then whose address has fewer places, then whose was given one longer ago,
    /// then who has waited for longer. By waiting alone an address with a crowd in line would have each
    /// place that it loses again.
    fn rank(&self, from: IpAddr, merit: Merit, ticket: u64) -> impl Ord + use<> {
        let given = self.given.get(&from).copied();
        (Reverse(merit), self.of(from), given, ticket)
    }

    /// Whether nobody who waits comes first.
    fn is_next(&self, asker: &Asker, waiter: Option<u64>) -> bool {
        let own = self.rank(asker.from, asker.merit, waiter.unwrap_or(u64::MAX));
        let mut waiting = self.waiting.iter();
        waiting.all(|(ticket, it)| own <= self.rank(it.from, it.merit, *ticket))
    }

    /// Only who is next looks: a crowd in line costs nothing by waiting.
    fn wake_next(&self) {
        let rank = |(ticket, it): &(&u64, &Waiting)| self.rank(it.from, it.merit, **ticket);
        if let Some((_, next)) = self.waiting.iter().min_by_key(rank) {
            next.woken.notify_one();
        }
    }

    pub(super) fn enter(
        &mut self,
        asker: &Asker,
        waiter: Option<u64>,
        now: Instant,
    ) -> Option<u64> {
        if !self.is_next(asker, waiter) {
            return None;
        }
        if self.holders.len() >= self.max {
            let leaves = self.least(asker, now)?;
            if let Some(holder) = self.holders.remove(&leaves) {
                holder.who.pushed_out.notify_one();
            }
        }
        let ticket = self.next;
        self.next += 1;
        let who = asker.clone();
        let sent = None;
        self.holders.insert(ticket, Holder { who, sent });
        let held = self.holders.values().map(|holder| holder.who.from);
        let remembered: BTreeSet<IpAddr> = held
            .chain(self.waiting.values().map(|it| it.from))
            .collect();
        self.given.retain(|from, _| remembered.contains(from));
        self.given.insert(asker.from, ticket);
        self.wake_next();
        Some(ticket)
    }

    pub(super) fn moved(&mut self, ticket: u64, now: Instant) {
        let Some(holder) = self.holders.get_mut(&ticket) else {
            return;
        };
        let is_first = holder.sent.is_none();
        let first = holder.sent.map_or(now, |(first, _)| first);
        holder.sent = Some((first, now));
        if is_first {
            // From now on it may become slow.
            self.wake_next();
        }
    }

    /// Whoever was pushed out has no place any more.
    pub(super) fn leave(&mut self, ticket: u64) {
        if self.holders.remove(&ticket).is_some() {
            self.wake_next();
        }
    }

    fn of(&self, from: IpAddr) -> usize {
        let holders = self.holders.values();
        holders.filter(|holder| holder.who.from == from).count()
    }

    /// When this one may go for this asker because it is slow; `None` while its answer is being made.
    fn slow_at(&self, holder: &Holder, asker: &Asker) -> Option<Instant> {
        let (first, last) = holder.sent?;
        // Sooner for an address that has none.
        let patience = match self.of(asker.from) {
            0 => self.piece_patience * 2 / 5,
            _ => self.piece_patience,
        };
        Some((last + patience).min(first + ANSWER_TURN))
    }

    /// When this waiter should look again by itself; `None` if others come first, or nobody can become
    /// slow: it is woken then.
    pub(super) fn due(&self, asker: &Asker, waiter: u64) -> Option<Instant> {
        let equals = self.holders.values();
        let equals = equals.filter(|holder| holder.who.merit <= asker.merit);
        let due = equals
            .filter_map(|holder| self.slow_at(holder, asker))
            .min();
        due.filter(|_| self.is_next(asker, Some(waiter)))
    }

    /// Of those that may go for this asker: who has shown least, then who has read nothing for the
    /// longest.
    fn least(&self, asker: &Asker, now: Instant) -> Option<u64> {
        let own = self.of(asker.from);
        let candidates = self.holders.iter().filter_map(|(ticket, holder)| {
            let (_, last) = holder.sent?;
            let is_slow = self.slow_at(holder, asker)? <= now;
            let who = &holder.who;
            let may_go = match who.merit.cmp(&asker.merit) {
                std::cmp::Ordering::Less => true,
                std::cmp::Ordering::Equal => is_slow || self.of(who.from) > own + 1,
                std::cmp::Ordering::Greater => false,
            };
            may_go.then_some((who.merit, last, *ticket))
        });
        candidates.min().map(|(_, _, ticket)| ticket)
    }
}
