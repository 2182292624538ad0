//! **PeerGateway** serves the other nodes: what the [`RpcGateway`](super::RpcGateway) is to people.
use super::serve::{self, Audience};
use super::{Seed, for_peers};
use crate::runtime::Ctx;
use actix::prelude::*;
use std::net::TcpListener;
use std::sync::Arc;

/// The actor that serves peers.
pub struct PeerGateway {
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
        let serve = serve::serve(
            self.seed.clone(),
            self.listener.clone(),
            Audience::Peers,
            for_peers,
        );
        ctx.spawn(serve.into_actor(self));
    }
}

impl Supervised for PeerGateway {
    fn restarting(&mut self, _: &mut Ctx<Self>) {
        *self = PeerGateway::new(self.seed.clone(), self.listener.clone());
    }
}
