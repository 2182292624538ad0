//! **[`PeerGateway`]** owns the peer listener: what nodes tell each other. It asks the actors that own
//! the rest; a range of blocks is read from the store.
//!
//! People have a listener and a gateway of their own ([`rpc_gateway`](crate::rpc_gateway)), with their
//! own places for connections: they can never take the peers' places. A node cannot do without
//! this one: deaf, it would only cost the others a round per turn, so its falls count like those
//! of any actor, and too many end the node.
//!
//! [`http`](crate::http) checks what is cheap to check. Here a message is decoded and its actor
//! asked, within a share of that one's mailbox; what costs a signature is the brain's.
//!
//! The listening socket lives outside of the actor: after a panic the next incarnation serves the
//! same port, and connections wait in the backlog meanwhile.
use crate::http::answer;
use crate::http::connection::Deadlines;
use crate::http::routes::Routes;
use crate::http::serve::{Terms, serve};
use crate::limits::{PEER_CONNECTIONS_MAX, PEER_CONNECTIONS_PER_STRANGER_MAX, PEER_IDLE};
use crate::metrics::ListenerLabel;
use crate::peers::Peer;
use crate::runtime::Ctx;
use actix::prelude::*;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, Route, guard, web};
use parking_lot::RwLock;
use std::net::TcpListener;
use std::sync::Arc;

mod consensus;
mod handshake;
mod pull;
mod seed;
mod standing;
mod sync;
#[cfg(test)]
mod tests;
mod transactions;
mod transactions_of_block;

pub(crate) use seed::{Doors, Ports, Seed, Shares};

/// The actor that serves peers.
pub(crate) struct PeerGateway {
    seed: Seed,
    listener: Arc<TcpListener>,
}

impl PeerGateway {
    /// Serves `listener`, bound before the node began, from [`Actor::started`] on.
    pub(crate) fn new(seed: Seed, listener: Arc<TcpListener>) -> PeerGateway {
        PeerGateway { seed, listener }
    }
}

impl Actor for PeerGateway {
    type Context = Ctx<Self>;

    fn started(&mut self, ctx: &mut Ctx<Self>) {
        let seed = self.seed.clone();
        let metrics = self.seed.metrics.clone();
        let terms = terms(self.seed.peers.clone());
        let serve = serve(self.listener.clone(), terms, metrics, |config| {
            config.app_data(web::Data::new(seed));
            routes(config);
        });
        ctx.spawn(serve.into_actor(self));
    }
}

fn terms(peers: Arc<RwLock<Vec<Peer>>>) -> Terms {
    Terms {
        label: ListenerLabel::Peers,
        connections_max: PEER_CONNECTIONS_MAX,
        connections_per_stranger_max: PEER_CONNECTIONS_PER_STRANGER_MAX,
        deadlines: Deadlines::new(PEER_IDLE),
        routes: Routes {
            all: ROUTES.iter().map(|route| (route.0, route.1)).collect(),
            other_verb: StatusCode::NOT_FOUND,
            who_asks: &[403],
        },
        proxies: Default::default(),
        is_neighbour: Box::new(move |from| {
            let peers = peers.read();
            let mut listening = peers.iter().filter_map(Peer::listens);
            listening.any(|at| at.ip() == from)
        }),
    }
}

impl Supervised for PeerGateway {
    fn restarting(&mut self, _: &mut Ctx<Self>) {
        *self = PeerGateway::new(self.seed.clone(), self.listener.clone());
    }
}

/// What a message of a peer may be refused with.
const MESSAGE: &[u16] = &[400, 403, 408, 413, 415, 429, 503];

/// A route of the peer listener: its path, the statuses besides 200 and 202, its handler.
type PeerRoute = (&'static str, &'static [u16], fn() -> Route);

/// What nodes tell each other, each in one line.
#[rustfmt::skip]
const ROUTES: &[PeerRoute] = &[
    ("/consensus/vote", MESSAGE, || web::post().to(consensus::vote)),
    ("/consensus/proposal", MESSAGE, || web::post().to(consensus::proposal)),
    ("/consensus/evidence", MESSAGE, || web::post().to(consensus::evidence)),
    ("/consensus/compact", MESSAGE, || web::post().to(consensus::compact)),
    ("/consensus/transactions", MESSAGE, || web::post().to(transactions_of_block::transactions)),
    ("/consensus/standing", MESSAGE, || web::post().to(standing::standing)),
    ("/consensus/pull", MESSAGE, || web::post().to(pull::pull)),
    ("/transactions", MESSAGE, || web::post().to(transactions::submit)),
    ("/mempool/transactions", MESSAGE, || web::post().to(transactions::gossip)),
    ("/handshake", &[500], || web::get().to(handshake::handshake)),
    ("/sync/blocks", &[400, 503], || web::get().to(sync::sync)),
    ("/livez", &[], || web::get().to(answer::livez)),
];

/// The routes of the peer listener, and none of them for a page in a browser: no node sends an origin.
fn routes(config: &mut web::ServiceConfig) {
    let page = guard::fn_guard(|asked| answer::origin(asked.head().headers()).is_some());
    config.service(web::resource("/{any:.*}").guard(page).to(no_page));
    for (path, _, handler) in ROUTES {
        config.route(path, handler());
    }
    config.default_service(web::to(answer::no_such_route));
}

async fn no_page() -> HttpResponse {
    let sentence = "this listener is for nodes: pages in browsers ask the one of JSON-RPC";
    answer::refuse(StatusCode::FORBIDDEN, "origin", sentence)
}
