//! HTTP on the node's own thread: no workers, no second runtime, and it ends with the actor.
//!
//! Connections are accepted without pause, so that nobody waits in the backlog behind a flood; who
//! has a place is decided by [`Places`].
use super::FOR_PEERS;
use super::Seed;
use super::answer::BadMessage;
use super::connection::{Connection, Deadlines, Overdue};
use super::open_api::ROUTES;
use super::places::{Places, Seat, Standing, Ticket};
use super::stream::Watched;
use super::streams::Streams;
use crate::limits::{
    ACCEPT_BACKLOG, DEADLINES_EVERY, PEER_CONNECTIONS_MAX, PEER_CONNECTIONS_PER_STRANGER_MAX,
    PEER_IDLE, PUBLIC_CONNECTIONS_MAX, PUBLIC_CONNECTIONS_PER_ADDRESS_MAX, PUBLIC_IDLE,
    SEND_BUFFER_BYTES,
};
use crate::metrics::{ClosedLabel, ListenerLabel, Metrics};
use crate::peers::Peer;
use actix_http::{ConnectionType, HttpService, KeepAlive, Protocol};
use actix_service::{IntoServiceFactory, Service, ServiceFactory, map_config};
use actix_web::dev::{AppConfig, ServiceRequest};
use actix_web::http::{StatusCode, header};
use actix_web::{App, web};
use parking_lot::RwLock;
use socket2::SockRef;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener as StdListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

/// Whatever is asked for and is no route, as it is counted.
const NO_ROUTE: &str = "none";
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

    /// What is served, and the statuses besides 200 that may come of it.
    fn routes(self) -> Vec<(&'static str, &'static [u16])> {
        match self {
            Audience::Peers => FOR_PEERS.iter().map(|route| (route.0, route.1)).collect(),
            Audience::People => ROUTES
                .iter()
                .map(|route| (route.path, route.also))
                .collect(),
        }
    }

    /// The route as it is counted: whatever somebody makes up is one.
    fn counted(self, pattern: Option<&str>) -> &'static str {
        let mut routes = self.routes().into_iter().map(|(path, _)| path);
        routes
            .find(|path| Some(*path) == pattern)
            .unwrap_or(NO_ROUTE)
    }

    /// Every refusal that is foreseen is counted from the first look at the metrics on.
    fn count_from_zero(self, metrics: &Metrics) {
        let common = match self {
            Audience::Peers => StatusCode::NOT_FOUND,
            Audience::People => StatusCode::METHOD_NOT_ALLOWED,
        };
        let show =
            |route, status| drop(metrics.requests_refused_series(self.label(), route, status));
        show(NO_ROUTE, StatusCode::NOT_FOUND.as_u16());
        for (route, statuses) in self.routes() {
            show(route, common.as_u16());
            let refusals = statuses.iter().filter(|status| **status >= 400);
            refusals.for_each(|status| show(route, *status));
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
    audience.count_from_zero(&seed.metrics);
    let house = House::new(
        seed.peers.clone(),
        seed.metrics.clone(),
        audience,
        Deadlines::new(audience.idle_after()),
    );
    let configure = move |config: &mut web::ServiceConfig| {
        config.app_data(web::Data::new(seed));
        config.app_data(Streams::new());
        routes(config);
    };
    house
        .serve(async || listener.accept().await, configure)
        .await;
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
    peers: Arc<RwLock<Vec<Peer>>>,
    metrics: Arc<Metrics>,
    audience: Audience,
    deadlines: Deadlines,
    places: Rc<RefCell<Places>>,
    guests: Rc<RefCell<BTreeMap<Ticket, Rc<Connection>>>>,
}

impl House {
    fn new(
        peers: Arc<RwLock<Vec<Peer>>>,
        metrics: Arc<Metrics>,
        audience: Audience,
        deadlines: Deadlines,
    ) -> House {
        House {
            peers,
            metrics,
            audience,
            deadlines,
            places: Rc::new(RefCell::new(audience.places())),
            guests: Rc::default(),
        }
    }

    /// Accepts connections and serves `routes` on them, until dropped. An actor that cannot even
    /// begin falls, and its supervisor decides.
    async fn serve(
        &self,
        accept: impl AsyncFn() -> io::Result<(TcpStream, SocketAddr)>,
        configure: impl FnOnce(&mut web::ServiceConfig),
    ) {
        let (audience, metrics) = (self.audience, self.metrics.clone());
        let label = audience.label();
        let app = App::new()
            .wrap_fn(move |request, service| {
                let connection = begin(&request);
                let answer = service.call(request);
                let metrics = metrics.clone();
                async move {
                    let mut answer = answer.await?;
                    if answer.status().is_client_error() || answer.status().is_server_error() {
                        let pattern = answer.request().match_pattern();
                        let route = audience.counted(pattern.as_deref());
                        metrics.request_refused(label, route, answer.status().as_u16());
                    }
                    let Some(connection) = connection else {
                        return Ok(answer);
                    };
                    let now = Instant::now();
                    let response = answer.response_mut();
                    let is_bad = response.extensions().get::<BadMessage>().is_some();
                    let is_enough = is_bad && connection.bad_message(now);
                    if is_enough {
                        metrics.closed(label, ClosedLabel::BadMessages);
                    }
                    if is_enough || connection.is_old(now) {
                        let head = response.head_mut();
                        head.set_connection_type(ConnectionType::Close);
                    }
                    connection.answered(now);
                    Ok(answer)
                }
            })
            .configure(configure);
        let http = HttpService::build()
            .keep_alive(KeepAlive::Timeout(self.deadlines.idle * 2))
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
            match accept().await {
                Ok((stream, from)) => self.welcome(stream, from, |socket, from| {
                    http.call((socket, Protocol::Http1, Some(from)))
                }),
                Err(error) => {
                    log::warn!("no connection can be accepted: {error}");
                    self.metrics.closed(label, ClosedLabel::NotAccepted);
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn standing(&self, from: IpAddr) -> Standing {
        let peers = self.peers.read();
        let is_peer = peers
            .iter()
            .filter_map(Peer::listens)
            .any(|at| at.ip() == from);
        if is_peer && self.audience == Audience::Peers {
            Standing::Neighbour
        } else {
            Standing::Stranger
        }
    }

    /// Gives a newcomer its place, or closes it.
    fn welcome<F, E>(
        &self,
        stream: TcpStream,
        from: SocketAddr,
        talk: impl FnOnce(Watched, SocketAddr) -> F,
    ) where
        F: Future<Output = Result<(), E>> + 'static,
    {
        let label = self.audience.label();
        let standing = self.standing(from.ip());
        let seat = self.places.borrow_mut().enter(from.ip(), standing);
        let ticket = match seat {
            Seat::Free(ticket) => ticket,
            Seat::Instead(ticket, other) => {
                if let Some(other) = self.guests.borrow_mut().remove(&other) {
                    other.pushed_out.notify_one();
                }
                ticket
            }
            Seat::None => return self.metrics.closed(label, ClosedLabel::Full),
        };
        // A socket that refuses an option still works.
        let _ = stream.set_nodelay(true);
        let _ = SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER_BYTES);
        let connection = Rc::new(Connection::new(Instant::now(), self.deadlines, standing));
        self.guests.borrow_mut().insert(ticket, connection.clone());
        self.count();
        let talk = talk(Watched::new(stream, connection.clone()), from);
        let house = self.clone();
        actix_rt::spawn(async move {
            let closed = tokio::select! {
                // A connection that breaks is the client's trouble.
                ended = talk => match ended {
                    Err(_) => Some(ClosedLabel::Broken),
                    Ok(()) => connection.is_old(Instant::now()).then_some(ClosedLabel::Old),
                },
                closed = house.watch(ticket, &connection) => Some(closed),
            };
            if let Some(why) = closed {
                house.metrics.closed(label, why);
            }
            house.places.borrow_mut().leave(ticket);
            house.guests.borrow_mut().remove(&ticket);
            house.count();
        });
    }

    fn count(&self) {
        let open = self.places.borrow().len();
        self.metrics.connections(self.audience.label(), open);
    }

    /// Until this side has a reason to close the connection.
    async fn watch(&self, ticket: Ticket, connection: &Connection) -> ClosedLabel {
        loop {
            tokio::select! {
                () = connection.pushed_out.notified() => return ClosedLabel::Full,
                () = connection.risen.notified() => {
                    self.places.borrow_mut().rise(ticket, connection.standing());
                }
                () = tokio::time::sleep(DEADLINES_EVERY) => {}
            }
            match connection.overdue(Instant::now()) {
                Some(Overdue::Idle) => return ClosedLabel::Idle,
                Some(Overdue::Head) => return ClosedLabel::SlowHead,
                Some(Overdue::Reader) => return ClosedLabel::SlowReader,
                Some(Overdue::Old) => return ClosedLabel::Old,
                None => {}
            }
        }
    }
}

fn listen(listener: &StdListener) -> io::Result<TcpListener> {
    let listener = listener.try_clone()?;
    // Listening again changes only how many may wait to be accepted.
    SockRef::from(&listener).listen(ACCEPT_BACKLOG)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

#[cfg(test)]
mod tests;
