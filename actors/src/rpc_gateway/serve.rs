//! HTTP on the node's own thread: no workers, no second runtime, and it ends with the actor.
use super::Seed;
use crate::limits::{CONNECTION_LIFETIME, CONNECTIONS_MAX};
use actix_http::{HttpService, KeepAlive};
use actix_service::{Service, ServiceFactory, map_config};
use actix_web::dev::AppConfig;
use actix_web::{App, web};
use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Longer than the clients' idle time, so that a client is never cut off as it sends.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long the head of a request may take.
const HEAD_DEADLINE: Duration = Duration::from_secs(5);
/// A pause when the process has no descriptor left for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves `routes` until dropped. Each listener has connection places of its own.
pub(super) async fn serve(
    seed: Seed,
    listener: Arc<StdListener>,
    routes: fn(&mut web::ServiceConfig),
) {
    let listener = match listen(&listener) {
        Ok(listener) => listener,
        Err(error) => panic!("the listening socket cannot be used: {error}"),
    };
    let app = App::new().app_data(web::Data::new(seed)).configure(routes);
    let http = HttpService::build()
        .keep_alive(KeepAlive::Timeout(KEEP_ALIVE))
        .client_request_timeout(HEAD_DEADLINE)
        .tcp_nodelay(true)
        .finish(map_config(app, |()| AppConfig::default()))
        .tcp();
    let service = match http.new_service(()).await {
        Ok(service) => service,
        Err(()) => panic!("the HTTP service cannot be made"),
    };
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let connection = service.call(stream);
                actix_rt::spawn(async move {
                    // A connection that breaks, or lives too long, is the client's trouble.
                    let _ = tokio::time::timeout(CONNECTION_LIFETIME, connection).await;
                    drop(place);
                });
            }
            Err(error) => {
                log::warn!("no connection can be accepted: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn listen(listener: &StdListener) -> std::io::Result<TcpListener> {
    let listener = listener.try_clone()?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}
