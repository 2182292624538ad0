//! HTTP on the node's own thread: no workers, no second runtime, and it ends with the actor.
//!
//! Connections are accepted without pause, so that nobody waits in the backlog behind a flood; who
//! has a place is decided by [`Places`]. The [`House`] says what an answer costs its connection, and
//! when this side closes it.
use super::answer::{BadMessage, refuse};
use super::connection::framing::HeadRefusal;
use super::connection::{Connection, Deadlines, Overdue, Watched};
use super::places::{Merit, Places, Seat, Ticket};
use super::proxies::Proxies;
use super::roster::Roster;
use super::routes::Routes;
use crate::limits::{
    ACCEPT_BACKLOG, DEADLINES_EVERY, HEAD_BYTES_MAX, HEAD_LINES_MAX, REFUSED_LINGER,
    SEND_BUFFER_BYTES,
};
use crate::live::Live;
use crate::metrics::{ClosedLabel, ListenerLabel, Metrics};
use crate::seldom::seldom;
use actix_http::{ConnectionType, HttpService, KeepAlive, Protocol};
use actix_service::{IntoServiceFactory, Service, ServiceFactory, map_config};
use actix_web::dev::{AppConfig, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::{App, HttpResponse, web};
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

/// A pause when the process has no descriptor left for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// On what terms a gateway opens its listener.
pub(crate) struct Terms {
    /// As it is counted.
    pub(crate) label: ListenerLabel,
    /// Connections at one time.
    pub(crate) connections_max: usize,
    /// Of these, from one address that is no neighbour's.
    pub(crate) connections_per_stranger_max: usize,
    pub(crate) deadlines: Deadlines,
    pub(crate) routes: Routes,
    /// Whether connections from this address come before those of strangers.
    pub(crate) is_neighbour: Box<dyn Fn(IpAddr) -> bool>,
    /// Who says for whom they ask.
    pub(crate) proxies: Live<Proxies>,
}

/// Serves what `configure` sets up, on these terms, until dropped.
pub(crate) async fn serve(
    listener: Arc<StdListener>,
    terms: Terms,
    metrics: Arc<Metrics>,
    configure: impl FnOnce(&mut web::ServiceConfig),
) {
    let listener = match listen(&listener) {
        Ok(listener) => listener,
        Err(error) => panic!("the listening socket cannot be used: {error}"),
    };
    terms.routes.count_from_zero(terms.label, &metrics);
    let house = House::new(terms, metrics);
    run(&house, async || listener.accept().await, configure).await;
}

/// Accepts connections and serves them, until dropped. An actor that cannot even begin falls, and
/// its supervisor decides.
async fn run(
    house: &House,
    accept: impl AsyncFn() -> io::Result<(TcpStream, SocketAddr)>,
    configure: impl FnOnce(&mut web::ServiceConfig),
) {
    let keeper = house.clone();
    let app = App::new()
        .wrap_fn(move |mut request, service| {
            let began = Instant::now();
            let_go_of_the_buffer(&mut request);
            let connection = begin(&request, &keeper.terms.proxies.get());
            let keeper = keeper.clone();
            let refusal = connection.as_ref().and_then(|it| it.take_refusal());
            let answer = match refusal {
                Some(refusal) => {
                    if let Some(connection) = &connection {
                        let from = connection.client();
                        seldom!(Info, "what {from} sent is no request: {refusal:?}");
                    }
                    Err(request.into_response(refuse_head(refusal)))
                }
                None => Ok(service.call(request)),
            };
            async move {
                let mut answer = match answer {
                    Ok(answer) => answer.await?,
                    Err(refused) => refused,
                };
                keeper.answered(began, connection, &mut answer);
                Ok(answer)
            }
        })
        .configure(configure);
    let http = HttpService::build()
        .keep_alive(KeepAlive::Timeout(house.terms.deadlines.idle * 2))
        // Its own covers a connection's first head only; `Connection` covers all.
        .client_request_timeout(Duration::ZERO)
        .client_disconnect_timeout(REFUSED_LINGER)
        .on_connect_ext(|socket: &Watched, data| {
            data.insert(socket.connection.clone());
        })
        .finish(map_config(app, |()| AppConfig::default()));
    let http = match http.into_factory().new_service(()).await {
        Ok(service) => Rc::new(service),
        Err(()) => panic!("the HTTP service cannot be made"),
    };
    let accepting = async {
        loop {
            match accept().await {
                Ok((stream, from)) => house.welcome(stream, from, |socket, from| {
                    http.call((socket, Protocol::Http1, Some(from)))
                }),
                Err(error) => {
                    seldom!(Warn, "no connection can be accepted: {error}");
                    house.closed(ClosedLabel::NotAccepted);
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        () = accepting => {}
        never = house.roster.work() => match never {},
    }
}

/// What the library says of a head are parts of the buffer that it has read, in a table with room for
/// more than comes, and it keeps some hundred heads for the next requests: ten megabytes after a flood.
/// Copies in a table of their number are some hundred bytes.
fn let_go_of_the_buffer(request: &mut ServiceRequest) {
    let head = request.head_mut();
    let names = head.headers.len_keys();
    if head.headers.capacity() > 2 * names.max(4) {
        let mut fitting = HeaderMap::with_capacity(names);
        for (name, value) in std::mem::take(&mut head.headers) {
            fitting.append(name, value);
        }
        head.headers = fitting;
    }
    head.headers.retain(|_, value| {
        if let Ok(copy) = HeaderValue::from_bytes(value.as_bytes()) {
            *value = copy;
        }
        true
    });
    if let Ok(uri) = head.uri.to_string().parse() {
        head.uri = uri;
        let uri = head.uri.clone();
        request.match_info_mut().get_mut().update(&uri);
    }
}

/// Tells the connection of a request that its head is there.
fn begin(request: &ServiceRequest, proxies: &Proxies) -> Option<Rc<Connection>> {
    let connection = request.conn_data::<Rc<Connection>>()?.clone();
    let head = request.headers();
    let has_body = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING]
        .iter()
        .any(|name| head.get(name).is_some_and(|value| value != "0"));
    connection.asks_for(proxies.client(connection.turn.from(), head));
    connection.begin(has_body, Instant::now());
    Some(connection)
}

fn refuse_head(refusal: HeadRefusal) -> HttpResponse {
    match refusal {
        HeadRefusal::TooLong => refuse(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "head_too_long",
            format!(
                "the head of a request has at most {HEAD_BYTES_MAX} bytes and {HEAD_LINES_MAX} lines"
            ),
        ),
        HeadRefusal::Malformed => refuse(
            StatusCode::BAD_REQUEST,
            "bad_request",
            "this is no request of HTTP/1.1, or its body has no certain end: send one content-length, \
             or chunks",
        ),
    }
}

fn listen(listener: &StdListener) -> io::Result<TcpListener> {
    let listener = listener.try_clone()?;
    // Listening again changes only how many may wait to be accepted.
    SockRef::from(&listener).listen(ACCEPT_BACKLOG)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// The connections of one listener.
#[derive(Clone)]
struct House {
    terms: Rc<Terms>,
    metrics: Arc<Metrics>,
    places: Rc<RefCell<Places>>,
    guests: Rc<RefCell<BTreeMap<Ticket, Rc<Connection>>>>,
    roster: Roster,
}

/// Whoever has a place; however it goes, its place is free.
struct Guest {
    house: House,
    ticket: Ticket,
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.house.places.borrow_mut().leave(self.ticket);
        self.house.guests.borrow_mut().remove(&self.ticket);
        self.house.count();
    }
}

impl House {
    fn new(terms: Terms, metrics: Arc<Metrics>) -> House {
        let places = Places::new(terms.connections_max, terms.connections_per_stranger_max);
        House {
            terms: Rc::new(terms),
            metrics,
            places: Rc::new(RefCell::new(places)),
            guests: Rc::default(),
            roster: Roster::default(),
        }
    }

    /// Counts a refusal, and closes the connection behind its answer if it has sent enough bad
    /// messages or has lived long enough.
    fn answered<B>(
        &self,
        began: Instant,
        connection: Option<Rc<Connection>>,
        answer: &mut ServiceResponse<B>,
    ) {
        let status = answer.status();
        let pattern = answer.request().match_pattern();
        let route = self.terms.routes.counted(pattern.as_deref());
        let (label, lasted) = (self.terms.label, began.elapsed().as_secs_f64());
        self.metrics.request_answered(label, route, lasted);
        if status.is_client_error() || status.is_server_error() {
            self.metrics.request_refused(label, route, status.as_u16());
        }
        let Some(connection) = connection else {
            return;
        };
        let now = Instant::now();
        let asked = answer.request().head();
        let is_switched = status == StatusCode::SWITCHING_PROTOCOLS;
        // The library closes behind the answer to an upgrade, whether it is one or not.
        let is_last = asked.upgrade() || asked.connection_type() == ConnectionType::Close;
        let response = answer.response_mut();
        let is_bad = response.extensions().get::<BadMessage>().is_some();
        let is_enough = is_bad && connection.bad_message(now);
        if is_enough {
            self.closed_on(connection.client(), ClosedLabel::BadMessages);
        }
        let is_last = is_last || is_enough || connection.is_old(now);
        let head = response.head_mut();
        if is_last && !is_switched {
            head.set_connection_type(ConnectionType::Close);
        } else if !connection.stays() {
            let idle = format!("timeout={}", self.terms.deadlines.idle.as_secs());
            let name = HeaderName::from_static("keep-alive");
            if let Ok(idle) = HeaderValue::try_from(idle) {
                head.headers_mut().insert(name, idle);
            }
        }
        connection.answered(now);
    }

    fn closed(&self, why: ClosedLabel) {
        self.metrics.closed(self.terms.label, why);
    }

    /// Closes a connection from there, and says so now and then if it is the client's fault: the
    /// counters tell how often, this whose.
    fn closed_on(&self, from: IpAddr, why: ClosedLabel) {
        self.closed(why);
        let label = self.terms.label;
        match why {
            ClosedLabel::Full => seldom!(Info, "{label:?}: no place for a connection from {from}"),
            ClosedLabel::SlowHead => seldom!(Info, "{label:?}: {from} sent no request in time"),
            ClosedLabel::SlowReader => seldom!(Info, "{label:?}: {from} does not read its answers"),
            ClosedLabel::BadMessages => {
                seldom!(Info, "{label:?}: {from} sends what no honest peer sends");
            }
            ClosedLabel::Idle | ClosedLabel::Old | ClosedLabel::Broken => {}
            ClosedLabel::NotAccepted => {}
        }
    }

    fn merit(&self, from: IpAddr) -> Merit {
        if (self.terms.is_neighbour)(from) {
            Merit::Neighbour
        } else {
            Merit::Stranger
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
        let merit = self.merit(from.ip());
        let Some(ticket) = self.seat(from.ip(), merit) else {
            return self.closed_on(from.ip(), ClosedLabel::Full);
        };
        // A socket that refuses an option still works.
        let _ = stream.set_nodelay(true);
        let _ = SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER_BYTES);
        let deadlines = self.terms.deadlines;
        let turn = self.roster.open(from.ip());
        let connection = Connection::new(Instant::now(), deadlines, merit, turn.clone());
        let connection = Rc::new(connection);
        self.guests.borrow_mut().insert(ticket, connection.clone());
        self.count();
        let talk = talk(Watched::new(stream, connection.clone()), from);
        let house = self.clone();
        let guest = Guest {
            house: self.clone(),
            ticket,
        };
        turn.spawn(async move {
            let _guest = guest;
            let closed = tokio::select! {
                // A connection that breaks is the client's trouble.
                ended = talk => match ended {
                    Err(_) => Some(ClosedLabel::Broken),
                    Ok(()) => connection.is_old(Instant::now()).then_some(ClosedLabel::Old),
                },
                closed = house.watch(&connection) => Some(closed),
            };
            if let Some(why) = closed {
                house.closed_on(connection.client(), why);
            }
            connection.left();
        });
    }

    /// A place for a newcomer, perhaps that of somebody else, who is told so.
    fn seat(&self, from: IpAddr, merit: Merit) -> Option<Ticket> {
        let many = self.terms.proxies.get().trusts(from);
        let mut places = self.places.borrow_mut();
        // What a connection has shown is asked when it counts: its own turn may come much later.
        if places.may_push_out() {
            for (ticket, guest) in self.guests.borrow().iter() {
                places.judge(*ticket, guest.merit());
            }
        }
        let seat = places.enter(from, merit, many);
        drop(places);
        match seat {
            Seat::Free(ticket) => Some(ticket),
            Seat::Instead(ticket, other) => {
                if let Some(other) = self.guests.borrow_mut().remove(&other) {
                    other.pushed_out.notify_one();
                }
                Some(ticket)
            }
            Seat::None => None,
        }
    }

    fn count(&self) {
        let open = self.places.borrow().len();
        self.metrics.connections(self.terms.label, open);
    }

    /// Until this side has a reason to close the connection.
    async fn watch(&self, connection: &Connection) -> ClosedLabel {
        loop {
            tokio::select! {
                () = connection.pushed_out.notified() => return ClosedLabel::Full,
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

#[cfg(test)]
mod tests;
