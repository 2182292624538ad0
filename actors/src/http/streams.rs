//! Connections that stay: WebSockets and event streams are a class of their own among the public
//! connections. They have no lifetime, so they are few, and of one address fewer; a newcomer takes
//! the place of the oldest of whoever has most. In exchange no flood of short requests pushes them
//! out of the house.
use super::connection::Connection;
use super::places::{Merit, Places, Seat, Ticket};
use crate::limits::{STREAMS_MAX, STREAMS_PER_ADDRESS_MAX};
use actix_web::HttpRequest;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use tokio::sync::Notify;
use tokio::time::Instant;

/// All of them, of one listener.
pub(crate) struct Streams {
    places: RefCell<Places>,
    pushed_out: RefCell<BTreeMap<Ticket, Rc<Notify>>>,
}

/// A place among them, given back when dropped.
pub(crate) struct Stream {
    all: Rc<Streams>,
    ticket: Ticket,
    /// Somebody else has the place now.
    pub(crate) pushed_out: Rc<Notify>,
    pub(crate) connection: Rc<Connection>,
}

impl Streams {
    pub(crate) fn new() -> Rc<Streams> {
        let places = Places::new(STREAMS_MAX, STREAMS_PER_ADDRESS_MAX);
        Rc::new(Streams {
            places: RefCell::new(places),
            pushed_out: RefCell::default(),
        })
    }

    /// Makes the connection of a request one that stays; `None` if there is no place.
    pub(crate) fn enter(request: &HttpRequest) -> Option<Stream> {
        let all = request.app_data::<Rc<Streams>>()?.clone();
        let connection = request.conn_data::<Rc<Connection>>()?.clone();
        let from = connection.client();
        let seat = all.places.borrow_mut().enter(from, Merit::Stranger, false);
        let ticket = match seat {
            Seat::Free(ticket) => ticket,
            Seat::Instead(ticket, other) => {
                if let Some(other) = all.pushed_out.borrow_mut().remove(&other) {
                    other.notify_one();
                }
                ticket
            }
            Seat::None => return None,
        };
        let pushed_out = Rc::new(Notify::new());
        all.pushed_out
            .borrow_mut()
            .insert(ticket, pushed_out.clone());
        connection.stay();
        Some(Stream {
            all,
            ticket,
            pushed_out,
            connection,
        })
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.all.places.borrow_mut().leave(self.ticket);
        self.all.pushed_out.borrow_mut().remove(&self.ticket);
        self.connection.over(Instant::now());
    }
}
