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
        let ticket = self.table.lock().enter(asker, Instant::now())?;
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
        let until = Instant::now() + patience;
        loop {
            // Before looking: from now on no place is missed.
            let left = self.left.notified();
            let now = Instant::now();
            match self.enter(asker) {
                None if now < until => {
                    // Whether somebody has left or become slow, it looks.
                    let _ = tokio::time::timeout_at(until.min(now + LOOK_AGAIN), left).await;
                }
                place => return place,
            }
        }
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
            self.places.left.notify_one();
        }
    }
}

#[derive(Debug)]
struct Table {
    /// By their tickets: later ones have larger numbers.
    holders: BTreeMap<u64, Holder>,
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
            max,
            piece_patience,
            next: 0,
        }
    }

    fn enter(&mut self, asker: &Asker, now: Instant) -> Option<u64> {
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
            let is_slow = now.duration_since(last) >= self.piece_patience
                || now.duration_since(first) >= ANSWER_TURN;
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
mod tests {
    use super::Merit::{Neighbour, Stranger};
    use super::*;
    use crate::limits::ANSWER_PIECE_PATIENCE;

    const MOMENT: Duration = Duration::from_millis(1);

    fn asker(last: u8, merit: Merit) -> Asker {
        Asker {
            from: IpAddr::from([10, 0, 0, last]),
            merit,
            pushed_out: Arc::default(),
        }
    }

    fn was_pushed_out(asker: &Asker) -> bool {
        use futures_util::FutureExt;
        asker.pushed_out.notified().now_or_never().is_some()
    }

    /// Two places, taken by these, whose answers are on their way since `now`.
    fn taken_by(askers: [&Asker; 2], now: Instant) -> Table {
        let mut table = Table::new(2, ANSWER_PIECE_PATIENCE);
        for asker in askers {
            let ticket = table.enter(asker, now).expect("a place");
            table.moved(ticket, now);
        }
        table
    }

    #[test]
    fn whoever_takes_pieces_keeps_its_place_for_a_turn() {
        let now = Instant::now();
        let (one, two, late) = (asker(1, Stranger), asker(2, Stranger), asker(3, Stranger));
        let mut table = taken_by([&one, &two], now);
        let mut later = now;
        while later + MOMENT < now + ANSWER_TURN {
            assert_eq!(table.enter(&late, later), None);
            later += ANSWER_PIECE_PATIENCE / 2;
            (0..2).for_each(|ticket| table.moved(ticket, later));
        }
        assert!(table.enter(&late, now + ANSWER_TURN).is_some());
        assert!(was_pushed_out(&one) && !was_pushed_out(&two));
    }

    #[test]
    fn whoever_takes_no_piece_loses_its_place_to_who_asks_and_not_before() {
        let now = Instant::now();
        let (slow, fine, late) = (asker(1, Stranger), asker(2, Stranger), asker(3, Stranger));
        let mut table = taken_by([&slow, &fine], now);
        table.moved(1, now + ANSWER_PIECE_PATIENCE / 2);
        let then = now + ANSWER_PIECE_PATIENCE;
        assert_eq!(table.enter(&late, then - MOMENT), None);
        assert!(!was_pushed_out(&slow));
        assert!(table.enter(&late, then).is_some());
        assert!(was_pushed_out(&slow) && !was_pushed_out(&fine));
        // The newcomer's answer is being made.
        assert_eq!(table.enter(&slow, then), None);
    }

    #[test]
    fn no_address_keeps_two_places_while_another_has_none() {
        let now = Instant::now();
        let (greedy, other, third) = (asker(1, Stranger), asker(2, Stranger), asker(3, Stranger));
        let mut table = taken_by([&greedy, &greedy], now);
        let ticket = table.enter(&other, now).expect("a place");
        table.moved(ticket, now);
        assert!(was_pushed_out(&greedy));
        assert_eq!(table.enter(&greedy, now), None, "one is enough");
        assert_eq!(table.enter(&third, now), None, "nobody has two");
    }

    #[test]
    fn a_peer_comes_before_a_stranger_and_no_stranger_pushes_a_peer_out() {
        let now = Instant::now();
        let (peer, stranger) = (asker(1, Neighbour), asker(2, Stranger));
        let mut table = taken_by([&stranger, &peer], now);
        let ticket = table.enter(&peer, now).expect("the stranger's place");
        table.moved(ticket, now);
        assert!(was_pushed_out(&stranger));
        let ever = now + Duration::from_secs(3_600);
        assert_eq!(table.enter(&stranger, ever), None);
        assert!(table.enter(&peer, ever).is_some());
    }

    #[test]
    fn whoever_waits_has_the_place_that_is_left_or_that_of_who_became_slow() {
        actix_rt::System::new().block_on(async {
            tokio::time::pause();
            let places = AnswerPlaces::new(1, ANSWER_PIECE_PATIENCE);
            let (one, two) = (asker(1, Stranger), asker(2, Stranger));
            let held = places.enter(&one).expect("a place");
            assert!(places.wait(&two, ANSWER_TURN).await.is_none(), "it is made");
            held.moved();
            let (began, patience) = (Instant::now(), 2 * ANSWER_PIECE_PATIENCE);
            let place = places.wait(&two, patience).await.expect("the slow one's");
            assert!(began.elapsed() < patience && was_pushed_out(&one));
            drop(held);
            let leave = async { drop(place) };
            let (next, ()) = futures_util::future::join(places.wait(&one, patience), leave).await;
            assert!(next.is_some());
        });
    }
}
