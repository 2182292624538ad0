//! HTTP on the node's own thread: no workers, no second runtime, and it ends with the actor.
//!
//! Connections are accepted without pause, so that nobody waits in the backlog behind a flood; who
//! has a place is decided by [`Places`].
use super::Seed;
use super::answer::BadMessage;
use super::connection::{Connection, Overdue};
use super::places::{Places, Seat, Standing, Ticket};
use super::stream::Watched;
use super::streams::Streams;
use crate::limits::{
    ACCEPT_BACKLOG, CONNECTION_LIFETIME, DEADLINES_EVERY, PEER_CONNECTIONS_MAX,
    PEER_CONNECTIONS_PER_STRANGER_MAX, PEER_IDLE, PUBLIC_CONNECTIONS_MAX,
    PUBLIC_CONNECTIONS_PER_ADDRESS_MAX, PUBLIC_IDLE, RPC_WAIT_MAX,
};
use crate::metrics::{ClosedLabel, ListenerLabel, Metrics};
use actix_http::{ConnectionType, HttpService, KeepAlive, Protocol};
use actix_service::{IntoServiceFactory, Service, ServiceFactory, map_config};
use actix_web::dev::{AppConfig, ServiceRequest};
use actix_web::http::header;
use actix_web::{App, web};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, TcpListener as StdListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

/// A pause when the process has no descriptor left for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long a client may go on sending after it has been refused: cut off at once, it would not
/// read the refusal.
const LINGER: Duration = Duration::from_secs(1);

/// Whom a listener serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    Peers,
    People,
}

impl Audience {
    fn places(self) -> Places {
        match self {
            Audience::Peers => Places::new(PEER_CONNECTIONS_MAX, PEER_CONNECTIONS_PER_STRANGER_MAX),
            Audience::People => {
                Places::new(PUBLIC_CONNECTIONS_MAX, PUBLIC_CONNECTIONS_PER_ADDRESS_MAX)
            }
        }
    }

    fn idle_after(self) -> Duration {
        match self {
            Audience::Peers => PEER_IDLE,
            Audience::People => PUBLIC_IDLE,
        }
    }

    pub(super) fn label(self) -> ListenerLabel {
        match self {
            Audience::Peers => ListenerLabel::Peers,
            Audience::People => ListenerLabel::People,
        }
    }
}

/// Serves `routes` until dropped.
pub(super) async fn serve(
    seed: Seed,
    listener: Arc<StdListener>,
    audience: Audience,
    routes: fn(&mut web::ServiceConfig),
) {
    let listener = match listen(&listener) {
        Ok(listener) => listener,
        Err(error) => panic!("the listening socket cannot be used: {error}"),
    };
    let house = House::new(seed.clone(), audience);
    let metrics = seed.metrics.clone();
    let app = App::new()
        .app_data(web::Data::new(seed))
        .app_data(Streams::new())
        .wrap_fn(move |request, service| {
            let connection = begin(&request);
            let answer = service.call(request);
            let metrics = metrics.clone();
            async move {
                let mut answer = answer.await?;
                let Some(connection) = connection else {
                    return Ok(answer);
                };
                let now = Instant::now();
                let response = answer.response_mut();
                let is_bad = response.extensions().get::<BadMessage>().is_some();
                if is_bad && connection.bad_message(now) {
                    metrics.closed(audience.label(), ClosedLabel::BadMessages);
                    let head = response.head_mut();
                    head.set_connection_type(ConnectionType::Close);
                }
                connection.answered(now);
                Ok(answer)
            }
        })
        .configure(routes);
    let http = HttpService::build()
        .keep_alive(KeepAlive::Timeout(audience.idle_after() * 2))
        // Its own covers a connection's first head only; `Connection` covers all.
        .client_request_timeout(Duration::ZERO)
        .client_disconnect_timeout(LINGER)
        .on_connect_ext(|socket: &Watched, data| {
            data.insert(socket.connection.clone());
        })
        .finish(map_config(app, |()| AppConfig::default()));
    let http = match http.into_factory().new_service(()).await {
        Ok(service) => Rc::new(service),
        Err(()) => panic!("the HTTP service cannot be made"),
    };
    loop {
        match listener.accept().await {
            Ok((stream, from)) => house.welcome(stream, from, |socket, from| {
                http.call((socket, Protocol::Http1, Some(from)))
            }),
            Err(error) => {
                log::warn!("no connection can be accepted: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Tells the connection of a request that its head is there.
fn begin(request: &ServiceRequest) -> Option<Rc<Connection>> {
    let connection = request.conn_data::<Rc<Connection>>()?.clone();
    let head = request.headers();
    let has_body = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING]
        .iter()
        .any(|name| head.get(name).is_some_and(|value| value != "0"));
    connection.begin(has_body, Instant::now());
    Some(connection)
}

/// The connections of one listener.
#[derive(Clone)]
struct House {
    seed: Seed,
    audience: Audience,
    places: Rc<RefCell<Places>>,
    guests: Rc<RefCell<BTreeMap<Ticket, Rc<Connection>>>>,
}

impl House {
    fn new(seed: Seed, audience: Audience) -> House {
        House {
            seed,
            audience,
            places: Rc::new(RefCell::new(audience.places())),
            guests: Rc::default(),
        }
    }

    fn metrics(&self) -> &Metrics {
        &self.seed.metrics
    }

    fn standing(&self, from: IpAddr) -> Standing {
        let peers = self.seed.peers.read();
        let is_peer = peers.iter().any(|peer| peer.listens.ip() == from);
        if is_peer && self.audience == Audience::Peers {
            Standing::Neighbour
        } else {
            Standing::Stranger
        }
    }

    /// Gives a newcomer its place, or closes it.
    fn welcome<F>(
        &self,
        stream: TcpStream,
        from: SocketAddr,
        talk: impl FnOnce(Watched, SocketAddr) -> F,
    ) where
        F: Future + 'static,
    {
        let label = self.audience.label();
        let seat = self
            .places
            .borrow_mut()
            .enter(from.ip(), self.standing(from.ip()));
        let ticket = match seat {
            Seat::Free(ticket) => ticket,
            Seat::Instead(ticket, other) => {
                if let Some(other) = self.guests.borrow_mut().remove(&other) {
                    other.pushed_out.notify_one();
                }
                ticket
            }
            Seat::None => return self.metrics().closed(label, ClosedLabel::Full),
        };
        // A socket that refuses the option still works.
        let _ = stream.set_nodelay(true);
        let connection = Rc::new(Connection::new(Instant::now(), self.audience.idle_after()));
        self.guests.borrow_mut().insert(ticket, connection.clone());
        self.count();
        let talk = talk(Watched::new(stream, connection.clone()), from);
        let house = self.clone();
        actix_rt::spawn(async move {
            let closed = tokio::select! {
                // A connection that breaks is the client's trouble.
                _ = talk => None,
                closed = house.watch(ticket, &connection) => Some(closed),
            };
            if let Some(why) = closed {
                house.metrics().closed(label, why);
            }
            house.places.borrow_mut().leave(ticket);
            house.guests.borrow_mut().remove(&ticket);
            house.count();
        });
    }

    fn count(&self) {
        let open = self.places.borrow().len();
        self.metrics().connections(self.audience.label(), open);
    }

    /// Until this side has a reason to close the connection.
    async fn watch(&self, ticket: Ticket, connection: &Connection) -> ClosedLabel {
        let end = Instant::now() + CONNECTION_LIFETIME;
        loop {
            tokio::select! {
                () = connection.pushed_out.notified() => return ClosedLabel::Full,
                () = connection.risen.notified() => {
                    let to = if connection.is_proven() { Standing::Proven } else { Standing::Stays };
                    self.places.borrow_mut().rise(ticket, to);
                }
                () = tokio::time::sleep(DEADLINES_EVERY) => {}
            }
            let now = Instant::now();
            match connection.overdue(now) {
                Some(Overdue::Idle) => return ClosedLabel::Idle,
                Some(Overdue::Head) => return ClosedLabel::SlowHead,
                Some(Overdue::Reader) => return ClosedLabel::SlowReader,
                None if connection.stays() => {}
                // Whoever asks is answered first: a call may wait for a block.
                None if now >= end && (connection.is_at_rest() || now >= end + RPC_WAIT_MAX) => {
                    return ClosedLabel::Old;
                }
                None => {}
            }
        }
    }
}

fn listen(listener: &StdListener) -> std::io::Result<TcpListener> {
    let listener = listener.try_clone()?;
    // Listening again changes only how many may wait to be accepted.
    socket2::SockRef::from(&listener).listen(ACCEPT_BACKLOG)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}
