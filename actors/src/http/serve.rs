//! HTTP on the node's own thread: no workers, no second runtime, and it ends with the actor.
//!
//! Connections are accepted without pause, so that nobody waits in the backlog behind a flood; who
//! has a place is decided by [`Places`](super::places::Places).
use super::connection::Connection;
use super::house::{House, Terms};
use super::stream::Watched;
use crate::limits::{ACCEPT_BACKLOG, REFUSED_LINGER};
use crate::metrics::{ClosedLabel, Metrics};
use actix_http::{HttpService, KeepAlive, Protocol};
use actix_service::{IntoServiceFactory, Service, ServiceFactory, map_config};
use actix_web::dev::{AppConfig, ServiceRequest};
use actix_web::http::header;
use actix_web::{App, web};
use socket2::SockRef;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

/// A pause when the process has no descriptor left for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

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
        .wrap_fn(move |request, service| {
            let connection = begin(&request);
            let keeper = keeper.clone();
            let answer = service.call(request);
            async move {
                let mut answer = answer.await?;
                keeper.answered(connection, &mut answer);
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
    loop {
        match accept().await {
            Ok((stream, from)) => house.welcome(stream, from, |socket, from| {
                http.call((socket, Protocol::Http1, Some(from)))
            }),
            Err(error) => {
                log::warn!("no connection can be accepted: {error}");
                house.closed(ClosedLabel::NotAccepted);
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

fn listen(listener: &StdListener) -> io::Result<TcpListener> {
    let listener = listener.try_clone()?;
    // Listening again changes only how many may wait to be accepted.
    SockRef::from(&listener).listen(ACCEPT_BACKLOG)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

#[cfg(test)]
mod tests;
