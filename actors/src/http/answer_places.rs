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
use crate::metrics::{Metrics, RefusalLabel};
use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use parking_lot::Mutex;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use table::Table;
use tokio::sync::Notify;
use tokio::time::Instant;

mod table;
#[cfg(test)]
mod tests;

/// The places for one kind of answer.
#[derive(Clone)]
pub(crate) struct AnswerPlaces(Arc<Mutex<Table>>);

impl AnswerPlaces {
    /// At most `max` answers at one time; whoever takes no piece for `piece_patience` gives way.
    pub(crate) fn new(max: usize, piece_patience: Duration) -> AnswerPlaces {
        AnswerPlaces(Arc::new(Mutex::new(Table::new(max, piece_patience))))
    }

    /// A place at once, or none.
    pub(crate) fn enter(&self, asker: &Asker) -> Option<AnswerPlace> {
        let ticket = self.0.lock().enter(asker, None, Instant::now())?;
        Some(self.place(ticket))
    }

    fn place(&self, ticket: u64) -> AnswerPlace {
        let places = self.clone();
        AnswerPlace { places, ticket }
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
        let woken = Arc::<Notify>::default();
        let ticket = self.0.lock().line_up(asker, woken.clone());
        let waiter = Waiter(self.clone(), ticket);
        loop {
            let now = Instant::now();
            let again = {
                let mut table = self.0.lock();
                if let Some(ticket) = table.enter(asker, Some(waiter.1), now) {
                    return Some(self.place(ticket));
                }
                // Whoever is not the next is woken when it is.
                table.due(asker, waiter.1).unwrap_or(until)
            };
            if now >= until {
                return None;
            }
            // Whether it is woken, or somebody has become slow, it looks.
            let _ = tokio::time::timeout_at(until.min(again), woken.notified()).await;
        }
    }
}

/// Whoever waits, until it has a place or gives up.
struct Waiter(AnswerPlaces, u64);

impl Drop for Waiter {
    fn drop(&mut self) {
        self.0.0.lock().gave_up(self.1);
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
    /// From where it asks, or for whom.
    pub(crate) fn address(&self) -> IpAddr {
        self.from
    }

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
        self.places.0.lock().moved(self.ticket, Instant::now());
    }
}

impl Drop for AnswerPlace {
    fn drop(&mut self) {
        self.places.0.lock().leave(self.ticket);
    }
}
