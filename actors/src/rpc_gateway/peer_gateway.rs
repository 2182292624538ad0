//! **PeerGateway** serves the other nodes: what the [`RpcGateway`](super::RpcGateway) is to people.
use super::{FOR_PEERS, Seed, for_peers};
use crate::http::connection::Deadlines;
use crate::http::house::Terms;
use crate::http::routes::Routes;
use crate::http::serve::serve;
use crate::limits::{PEER_CONNECTIONS_MAX, PEER_CONNECTIONS_PER_STRANGER_MAX, PEER_IDLE};
use crate::metrics::ListenerLabel;
use crate::peer_broadcaster::Peer;
use crate::runtime::Ctx;
use actix::prelude::*;
use actix_web::http::StatusCode;
use actix_web::web;
use parking_lot::RwLock;
use std::net::TcpListener;
use std::sync::Arc;

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
        let (seed, metrics) = (self.seed.clone(), self.seed.metrics.clone());
        let terms = terms(self.seed.peers.clone());
        let serve = serve(self.listener.clone(), terms, metrics, |config| {
            config.app_data(web::Data::new(seed));
            for_peers(config);
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
            all: FOR_PEERS.iter().map(|route| (route.0, route.1)).collect(),
            other_verb: StatusCode::NOT_FOUND,
        },
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
