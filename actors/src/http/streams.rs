//! Connections that stay: WebSockets and event streams are a class of their own among the public
//! connections. They have no lifetime, so they are few, and of one address fewer; a newcomer takes
//! the place of the oldest of whoever has most. In exchange no flood of short requests pushes them
//! out of the house.
use super::connection::Connection;
use super::places::{Merit, Places, Seat, Ticket};
use crate::limits::{STREAM_GOODBYE, STREAMS_MAX, STREAMS_PER_ADDRESS_MAX};
use actix_web::HttpRequest;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

/// The stop of the node, for connections that stay: each hears of it, and the node waits a moment until
/// all have been told and are closed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Farewell(Arc<watch::Sender<bool>>);

/// Whoever holds it is waited for.
#[derive(Debug)]
pub(super) struct Leaving {
    _heard: watch::Receiver<bool>,
}

#[cfg(test)]
impl Leaving {
    pub(super) fn nobody() -> Leaving {
        let (_, _heard) = watch::channel(false);
        Leaving { _heard }
    }
}

impl Farewell {
    pub(crate) async fn say(&self) {
        self.0.send_replace(true);
        // Whoever does not read does not hear it.
        let _ = tokio::time::timeout(STREAM_GOODBYE, self.0.closed()).await;
    }
}

/// All of them, of one listener.
pub(crate) struct Streams {
    farewell: Farewell,
    places: RefCell<Places>,
    open: RefCell<BTreeMap<Ticket, Open>>,
}

/// Whose place it is, and how it hears that it has lost it.
struct Open {
    connection: Rc<Connection>,
    pushed_out: Rc<Notify>,
}

/// A place among them, given back when dropped.
pub(crate) struct Stream {
    all: Rc<Streams>,
    ticket: Ticket,
    /// Somebody else has the place now.
    pub(crate) pushed_out: Rc<Notify>,
    stops: watch::Receiver<bool>,
    pub(crate) connection: Rc<Connection>,
}

impl Stream {
    /// Returns when the node stops.
    pub(crate) async fn node_stops(&self) {
        // An error says that nobody is left to say it.
        let _ = self.stops.clone().wait_for(|stops| *stops).await;
    }
}

impl Streams {
    pub(crate) fn new(farewell: Farewell) -> Rc<Streams> {
        let places = Places::new(STREAMS_MAX, STREAMS_PER_ADDRESS_MAX);
        Rc::new(Streams {
            farewell,
            places: RefCell::new(places),
            open: RefCell::default(),
        })
    }

    /// Makes the connection of a request one that stays; `None` if there is no place.
    pub(crate) fn enter(request: &HttpRequest) -> Option<Stream> {
        let all = request.app_data::<Rc<Streams>>()?.clone();
        let connection = request.conn_data::<Rc<Connection>>()?.clone();
        let from = connection.client();
        let stops = all.farewell.0.subscribe();
        if *stops.borrow() {
            return None;
        }
        let seat = all.places.borrow_mut().enter(from, Merit::Stranger, false);
        let ticket = match seat {
            Seat::Free(ticket) => ticket,
            Seat::Instead(ticket, other) => {
                if let Some(other) = all.open.borrow_mut().remove(&other) {
                    // It hears of it in its own turn, and counts for no more than others until then.
                    other.connection.over(Instant::now());
                    other.pushed_out.notify_one();
                }
                ticket
            }
            Seat::None => return None,
        };
        let pushed_out = Rc::new(Notify::new());
        let opened = Open {
            connection: connection.clone(),
            pushed_out: pushed_out.clone(),
        };
        all.open.borrow_mut().insert(ticket, opened);
        let _heard = stops.clone();
        connection.stay(Leaving { _heard });
        Some(Stream {
            all,
            ticket,
            pushed_out,
            stops,
            connection,
        })
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.all.places.borrow_mut().leave(self.ticket);
        self.all.open.borrow_mut().remove(&self.ticket);
        self.connection.over(Instant::now());
    }
}
