//! Who has a place among the long answers that are made or on their way. A plain value decides;
//! handlers ask it, and an answer keeps its place until its last piece has gone.
//!
//! No reader keeps others out, however slowly it reads. Where all places are taken, a newcomer has
//! that of a stranger if it is a peer itself, that of an address with more than one place more than
//! its own, or that of whoever has taken no piece for so long as this kind of answer allows, or has
//! had [`ANSWER_TURN`]. An answer that is being made is never given up: that would not end its work.
use super::answer::{Refused, refuse};
use super::connection::Connection;
use super::places::Merit;
use crate::limits::ANSWER_TURN;
use crate::metrics::{Metrics, RefusalLabel};
use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use parking_lot::Mutex;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Whoever waits for a place looks this often whether somebody has become slow.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The places for one kind of answer.
#[derive(Clone)]
pub(crate) struct AnswerPlaces {
    table: Arc<Mutex<Table>>,
    left: Arc<Notify>,
}

impl AnswerPlaces {
    /// At most `max` answers at one time; whoever takes no piece for `piece_patience` gives way.
    pub(crate) fn new(max: usize, piece_patience: Duration) -> AnswerPlaces {
        AnswerPlaces {
            table: Arc::new(Mutex::new(Table::new(max, piece_patience))),
            left: Arc::default(),
        }
    }

    /// A place at once, or none.
    pub(crate) fn enter(&self, asker: &Asker) -> Option<AnswerPlace> {
        self.enter_as(asker, None)
    }

    fn enter_as(&self, asker: &Asker, waiter: Option<u64>) -> Option<AnswerPlace> {
        let ticket = self.table.lock().enter(asker, waiter, Instant::now())?;
        let places = self.clone();
        Some(AnswerPlace { places, ticket })
    }

    /// A place in this time, or a refusal that is counted and begins with `why`.
    pub(crate) async fn demand(
        &self,
        request: &HttpRequest,
        patience: Duration,
        metrics: &Metrics,
        why: &str,
    ) -> Result<AnswerPlace, Refused> {
        let place = self.wait(&Asker::of(request), patience).await;
        place.ok_or_else(|| {
            metrics.refusal(RefusalLabel::Busy);
            let sentence = format!("{why}; try again in a moment");
            refuse(StatusCode::SERVICE_UNAVAILABLE, "busy", sentence).into()
        })
    }

    /// A place in this time, or none.
    pub(crate) async fn wait(&self, asker: &Asker, patience: Duration) -> Option<AnswerPlace> {
        if let Some(place) = self.enter(asker) {
            return Some(place);
        }
        let until = Instant::now() + patience;
        let waiter = Waiter(self.clone(), self.table.lock().line_up(asker));
        loop {
            // Before looking: from now on no place is missed.
            let left = self.left.notified();
            let now = Instant::now();
            match self.enter_as(asker, Some(waiter.1)) {
                None if now < until => {
                    // Whether somebody has left or become slow, it looks.
                    let _ = tokio::time::timeout_at(until.min(now + LOOK_AGAIN), left).await;
                }
                place => return place,
            }
        }
    }
}

/// Whoever waits, until it has a place or gives up.
struct Waiter(AnswerPlaces, u64);

impl Drop for Waiter {
    fn drop(&mut self) {
        self.0.table.lock().waiting.remove(&self.1);
        // Perhaps it is somebody else's turn now.
        self.0.left.notify_waiters();
    }
}

/// Who wants an answer.
#[derive(Clone, Debug)]
pub(crate) struct Asker {
    pub(super) from: IpAddr,
    pub(super) merit: Merit,
    pub(super) pushed_out: Arc<Notify>,
}

impl Asker {
    pub(crate) fn of(request: &HttpRequest) -> Asker {
        let connection = request.conn_data::<Rc<Connection>>();
        let merit = connection.map_or(Merit::Stranger, |c| c.merit());
        let from = connection.map(|connection| connection.client());
        Asker {
            from: from.unwrap_or(Ipv4Addr::UNSPECIFIED.into()),
            // A peer asks on other connections than those that it proves itself on; a stranger's
            // that stays is a stranger's.
            merit: match merit {
                Merit::Stranger | Merit::Stays => Merit::Stranger,
                Merit::Neighbour | Merit::Proven => Merit::Neighbour,
            },
            pushed_out: connection.map_or_else(Arc::default, |c| c.pushed_out.clone()),
        }
    }
}

/// Given back when dropped.
pub(crate) struct AnswerPlace {
    places: AnswerPlaces,
    ticket: u64,
}

impl AnswerPlace {
    /// A piece of the answer is on its way.
    pub(super) fn moved(&self) {
        let mut table = self.places.table.lock();
        table.moved(self.ticket, Instant::now());
    }
}

impl Drop for AnswerPlace {
    fn drop(&mut self) {
        // Whoever was pushed out has none any more.
        if self
            .places
            .table
            .lock()
            .holders
            .remove(&self.ticket)
            .is_some()
        {
            self.places.left.notify_waiters();
        }
    }
}

#[derive(Debug)]
struct Table {
    /// By their tickets: later ones have larger numbers.
    holders: BTreeMap<u64, Holder>,
    /// By tickets of the same kind.
    waiting: BTreeMap<u64, (IpAddr, Merit)>,
    /// The last place that an address was given, for as long as it has one or waits.
    given: BTreeMap<IpAddr, u64>,
    max: usize,
    piece_patience: Duration,
    next: u64,
}

#[derive(Debug)]
struct Holder {
    who: Asker,
    /// When the first piece went and when the last; `None` while the answer is being made.
    sent: Option<(Instant, Instant)>,
}

impl Table {
    fn new(max: usize, piece_patience: Duration) -> Table {
        Table {
            holders: BTreeMap::new(),
            waiting: BTreeMap::new(),
            given: BTreeMap::new(),
            max,
            piece_patience,
            next: 0,
        }
    }

    fn line_up(&mut self, asker: &Asker) -> u64 {
        let ticket = self.next;
        self.next += 1;
        self.waiting.insert(ticket, (asker.from, asker.merit));
        ticket
    }

    /// Whether nobody who waits comes first: a peer, then whose address has fewer places, then
    /// whose was given one longer ago, then who has waited for longer. By waiting alone an address
    /// with a crowd in line would have each place that it loses again.
    fn is_next(&self, asker: &Asker, waiter: Option<u64>) -> bool {
        let rank = |from, merit, ticket| {
            let given = self.given.get(&from);
            (Reverse(merit), self.of(from), given, ticket)
        };
        let own = rank(asker.from, asker.merit, waiter.unwrap_or(u64::MAX));
        let mut waiting = self.waiting.iter();
        waiting.all(|(ticket, (from, merit))| own <= rank(*from, *merit, *ticket))
    }

    fn enter(&mut self, asker: &Asker, waiter: Option<u64>, now: Instant) -> Option<u64> {
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
        let (holders, waiting) = (&self.holders, &self.waiting);
        self.given.retain(|from, _| {
            let holds = holders.values().any(|holder| holder.who.from == *from);
            holds || waiting.values().any(|(waits, _)| waits == from)
        });
        self.given.insert(asker.from, ticket);
        Some(ticket)
    }

    fn moved(&mut self, ticket: u64, now: Instant) {
        if let Some(holder) = self.holders.get_mut(&ticket) {
            let first = holder.sent.map_or(now, |(first, _)| first);
            holder.sent = Some((first, now));
        }
    }

    fn of(&self, from: IpAddr) -> usize {
        let holders = self.holders.values();
        holders.filter(|holder| holder.who.from == from).count()
    }

    /// Of those that may go for this asker: who has shown least, then who has read nothing for the
    /// longest.
    fn least(&self, asker: &Asker, now: Instant) -> Option<u64> {
        let own = self.of(asker.from);
        let candidates = self.holders.iter().filter_map(|(ticket, holder)| {
            let (first, last) = holder.sent?;
            // Sooner for an address that has none.
            let patience = match own {
                0 => self.piece_patience * 2 / 5,
                _ => self.piece_patience,
            };
            let is_slow =
                now.duration_since(last) >= patience || now.duration_since(first) >= ANSWER_TURN;
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

#[cfg(test)]
mod tests;
