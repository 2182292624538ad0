//! **[`RpcGateway`]** owns the public listener: what people ask, and the transactions that they hand
//! in. It asks the actors that own the rest; most is read from the store and the node's view.
//!
//! A node can do without it: after too many falls it stays closed. What nodes tell each other comes
//! in elsewhere ([`peer_gateway`](crate::peer_gateway)), with places of its own. Admission is the
//! business of [`http`](crate::http).
//!
//! What programs call is JSON-RPC ([`json_rpc`]), at `POST /` and over a WebSocket that stays
//! ([`web_socket`]); what happens is told from one ring of events ([`events`]), there and as
//! server-sent events. What may be asked over plain HTTP is one table ([`open_api`]), from which the
//! OpenAPI document is made.
//!
//! The listening socket lives outside of the actor: after a panic the next incarnation serves the
//! same port, and connections wait in the backlog meanwhile.
use crate::http::answer;
use crate::http::connection::Deadlines;
use crate::http::routes::Routes;
use crate::http::serve::{Terms, serve};
use crate::http::streams::Streams;
use crate::limits::{PUBLIC_CONNECTIONS_MAX, PUBLIC_CONNECTIONS_PER_ADDRESS_MAX, PUBLIC_IDLE};
use crate::metrics::ListenerLabel;
use crate::runtime::Ctx;
use actix::prelude::*;
use actix_service::Service;
use actix_web::http::{Method, StatusCode};
use actix_web::web;
use std::net::TcpListener;
use std::sync::Arc;

mod applications;
mod blocks;
mod browsers;
mod clock_report;
mod devnet;
mod events;
mod evidence_page;
#[cfg(test)]
mod fixture;
mod health;
mod history;
mod json;
mod json_rpc;
mod light;
mod open_api;
mod page;
mod parameters;
mod records;
mod schemas;
mod seed;
mod server_sent_events;
mod status;
#[cfg(test)]
mod tests;
mod timeline;
mod transactions;
mod validators;
mod web_socket;

pub use crate::http::proxies::{Proxies, ProxiesError};
pub use browsers::{Hosts, HostsError, Origins, OriginsError};
pub(crate) use devnet::Devnet;
pub use devnet::{Blame, Controls, Done, NotDone, Order, TimeChange, Wires};
pub(crate) use events::Events;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use json_rpc::{request_given, request_split};
pub(crate) use seed::{Ports, Seed, Settings, Shares};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use web_socket::frames_given;

/// The actor that serves people.
pub(crate) struct RpcGateway {
    seed: Seed,
    listener: Arc<TcpListener>,
}

impl RpcGateway {
    /// Serves `listener`, bound before the node began, from [`Actor::started`] on.
    pub(crate) fn new(seed: Seed, listener: Arc<TcpListener>) -> RpcGateway {
        RpcGateway { seed, listener }
    }
}

impl Actor for RpcGateway {
    type Context = Ctx<Self>;

    fn started(&mut self, ctx: &mut Ctx<Self>) {
        let seed = self.seed.clone();
        let metrics = self.seed.metrics.clone();
        let farewell = self.seed.farewell.clone();
        let serve = serve(self.listener.clone(), terms(&seed), metrics, |config| {
            config.app_data(web::Data::new(seed));
            config.app_data(Streams::new(farewell));
            routes(config);
        });
        ctx.spawn(serve.into_actor(self));
        let seed = self.seed.clone();
        let taken_down = async move {
            loop {
                if let Err(error) = seed.events.take_down(&seed.view, &seed.store) {
                    log::error!("an event could not be told: {error}");
                }
                seed.view.changed.notified().await;
            }
        };
        ctx.spawn(taken_down.into_actor(self));
    }
}

impl Supervised for RpcGateway {
    fn restarting(&mut self, _: &mut Ctx<Self>) {
        *self = RpcGateway::new(self.seed.clone(), self.listener.clone());
    }
}

fn terms(seed: &Seed) -> Terms {
    let routes = open_api::ROUTES.iter();
    Terms {
        label: ListenerLabel::People,
        connections_max: PUBLIC_CONNECTIONS_MAX,
        connections_per_stranger_max: PUBLIC_CONNECTIONS_PER_ADDRESS_MAX,
        deadlines: Deadlines::new(PUBLIC_IDLE),
        routes: Routes {
            all: routes.map(|route| (route.path, route.also)).collect(),
            other_verb: StatusCode::METHOD_NOT_ALLOWED,
            who_asks: &[421],
        },
        is_neighbour: Box::new(|_| false),
        proxies: seed.proxies.clone(),
    }
}

/// What people ask, at the public listener: [`open_api::ROUTES`], each in one line.
fn routes(config: &mut web::ServiceConfig) {
    config
        .app_data(web::QueryConfig::default().error_handler(answer::bad_query))
        .app_data(web::PathConfig::default().error_handler(answer::bad_path));
    for route in open_api::first_of_each_path() {
        let verb = route.verb();
        let allowed = route.allowed();
        let other = move |request| answer::no_such_method(request, allowed);
        let mut resource = web::resource(route.path);
        if route.path == "/" {
            // Before the page, which is asked for with the same verb.
            resource = resource.route(web_socket::at_root());
        }
        for same in open_api::ROUTES
            .iter()
            .filter(|same| same.path == route.path)
        {
            resource = resource.route((same.handler)());
        }
        resource = resource.default_service(web::to(other));
        if route.is_for_pages() || route.is_order() {
            let preflight = move |seed: web::Data<Seed>, request| async move {
                match seed.pages_of(route) {
                    Some(pages) => browsers::preflight(&pages, request, verb).await,
                    None => browsers::foreign_page(),
                }
            };
            resource = resource.route(web::method(Method::OPTIONS).to(preflight));
        }
        config.service(resource.wrap_fn(move |request, service| {
            let origin = answer::origin(request.headers()).cloned();
            let seed = request.app_data::<web::Data<Seed>>().cloned();
            let refused = seed
                .as_ref()
                .and_then(|seed| browsers::refusal(seed, route, &request));
            let answer = match refused {
                Some(refused) => Err(request.into_response(refused)),
                None => Ok(service.call(request)),
            };
            async move {
                let mut answer = match answer {
                    Ok(answer) => answer.await?,
                    Err(refused) => refused,
                };
                if let Some(pages) = seed.and_then(|seed| seed.pages_of(route)) {
                    pages.mark(origin.as_ref(), answer.headers_mut());
                }
                Ok(answer)
            }
        }));
    }
    config.default_service(web::to(answer::no_such_route));
}
