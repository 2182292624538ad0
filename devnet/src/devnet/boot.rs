//! How a devnet begins: directories, sockets, then all nodes at once.
use super::controls::NodeControls;
use super::lives::Life;
use super::{Devnet, DevnetError, Inner, seed_index};
use crate::builder::Builder;
use crate::links::Links;
use lockstep_actors::node::{Node, NodeConfig, NodeHandle, devnet_keys};
use lockstep_actors::peers::Peer;
use lockstep_actors::private;
use lockstep_actors::rpc_gateway::{Hosts, Origins};
use lockstep_protocol::types::Address;
use parking_lot::Mutex;
use std::fs::Permissions;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// Whoever has not said within a second how far it is cannot be reached: all nodes share one machine.
const ARRIVAL_WAIT_MS: u64 = 1_000;

/// A node's sockets, bound before any node runs.
#[derive(Clone)]
pub(super) struct Listeners {
    peer: Arc<TcpListener>,
    public: Arc<TcpListener>,
}

/// A node's sockets as long as it has them: one that is down does not seem to listen.
#[derive(Default)]
pub(super) struct Sockets {
    peer: Weak<TcpListener>,
    public: Weak<TcpListener>,
}

impl Sockets {
    /// Keeps them open.
    pub(super) fn hold(&self) -> Option<Listeners> {
        let (peer, public) = (self.peer.upgrade()?, self.public.upgrade()?);
        Some(Listeners { peer, public })
    }
}

impl Listeners {
    /// The sockets of a node that has run before. Whoever connects to anywhere meanwhile may be
    /// given one of its ports for a moment; nothing can hold them for it, or the dead node would
    /// seem to listen.
    pub(super) fn bind_again(
        index: usize,
        peer: SocketAddr,
        public: SocketAddr,
    ) -> Result<Listeners, DevnetError> {
        Ok(Listeners {
            peer: Arc::new(listen_again(index, peer)?),
            public: Arc::new(listen_again(index, public)?),
        })
    }
}

/// How long a restart waits for a port that somebody else has.
const PORT_PATIENCE: Duration = Duration::from_secs(5);
/// … and how often it looks.
const PORT_EVERY: Duration = Duration::from_millis(10);

fn listen_again(index: usize, address: SocketAddr) -> Result<TcpListener, DevnetError> {
    let began = Instant::now();
    loop {
        match listen(index, address) {
            Err(DevnetError::Listen { error, .. })
                if error.kind() == ErrorKind::AddrInUse && began.elapsed() < PORT_PATIENCE =>
            {
                std::thread::sleep(PORT_EVERY);
            }
            bound => return Ok(bound?.0),
        }
    }
}

impl Devnet {
    pub(crate) fn boot(builder: Builder) -> Result<Devnet, DevnetError> {
        let genesis = Arc::new(builder.genesis()?);
        let (home, temporary) = home(&builder)?;
        let (mut for_people, mut public) = (Vec::new(), Vec::new());
        for index in 0..builder.nodes() {
            let port = match builder.rpc_port {
                0 => 0,
                first => first.saturating_add(u16::from(seed_index(index))),
            };
            let (listener, listens) = listen(index, SocketAddr::from(([127, 0, 0, 1], port)))?;
            for_people.push(listener);
            public.push(listens);
        }
        // Any port, but none that was asked for: those are taken by now.
        let (mut listeners, mut peers) = (Vec::new(), Vec::new());
        for (index, for_people) in for_people.into_iter().enumerate() {
            let (for_peers, listens) = listen(index, SocketAddr::from(([127, 0, 0, 1], 0)))?;
            let signer = devnet_keys::signer(builder.scheme, seed_index(index))?;
            let address = Address::of(builder.scheme, signer.public_key());
            peers.push((address, listens));
            listeners.push(Listeners {
                peer: Arc::new(for_peers),
                public: Arc::new(for_people),
            });
        }
        let links = builder
            .faulty_links
            .map(|seed| {
                let nodes: Vec<SocketAddr> = peers.iter().map(|peer| peer.1).collect();
                Links::start(&nodes, seed)
            })
            .transpose()
            .map_err(DevnetError::Links)?;
        let nodes = (0..builder.nodes()).map(|_| Mutex::new(None)).collect();
        let inner = Arc::new(Inner {
            orders: Mutex::default(),
            clock: Arc::default(),
            pacing: Mutex::new(builder.begins()),
            lives: Mutex::new(vec![Life::begun(); builder.nodes()]),
            faults: Mutex::default(),
            accounts: builder.accounts.funded(builder.scheme)?,
            spending: Mutex::default(),
            sockets: Mutex::new((0..builder.nodes()).map(|_| Sockets::default()).collect()),
            turns: Mutex::default(),
            builder,
            genesis,
            home,
            _temporary: temporary,
            peers,
            public,
            links,
            nodes,
        });
        let devnet = Devnet { inner };
        devnet.start_all(listeners)?;
        // A chain that was kept may be ahead of the machine's clock: somebody has set its own forward.
        let newest = devnet.inner.newest_block_time().unwrap_or_default();
        devnet.inner.clock.reach(newest);
        devnet.inner.wait_for_arrival();
        Ok(devnet)
    }

    /// Starts every node on its own thread, all at once.
    fn start_all(&self, listeners: Vec<Listeners>) -> Result<(), DevnetError> {
        let inner = &self.inner;
        let started: Vec<Result<NodeHandle, DevnetError>> = std::thread::scope(|scope| {
            let starts = listeners
                .into_iter()
                .enumerate()
                .map(|(index, bound)| scope.spawn(move || Inner::start(inner, index, bound)));
            let starts: Vec<_> = starts.collect();
            starts
                .into_iter()
                .enumerate()
                .map(|(index, start)| start.join().unwrap_or(Err(DevnetError::Down(index))))
                .collect()
        });
        for (index, handle) in started.into_iter().enumerate() {
            *inner.nodes[index].lock() = Some(handle?);
        }
        Ok(())
    }
}

impl Inner {
    pub(super) fn start(
        inner: &Arc<Inner>,
        index: usize,
        bound: Listeners,
    ) -> Result<NodeHandle, DevnetError> {
        let builder = &inner.builder;
        let signer = devnet_keys::signer(builder.scheme, seed_index(index))?;
        let controls = Arc::new(NodeControls::of(inner, index));
        inner.sockets.lock()[index] = Sockets {
            peer: Arc::downgrade(&bound.peer),
            public: Arc::downgrade(&bound.public),
        };
        let config = NodeConfig {
            genesis: inner.genesis.clone(),
            applications: builder.known(),
            signer,
            data_dir: inner.data_dir(index),
            map_bytes: builder.map_of_a_node_bytes(),
            key_guard: None,
            trusted: None,
            rearm: false,
            arrival_wait_ms: ARRIVAL_WAIT_MS,
            durability: builder.durability,
            retention: builder.retention,
            history: true,
            peer_listener: bound.peer,
            public_listener: Some(bound.public),
            peers: inner.peers_of(index),
            timeouts: builder.timeouts,
            pacing: *inner.pacing.lock(),
            last_height: builder.last_height,
            on_commit: builder.commit_hook(index, inner.reverts(), inner.clock.clone()),
            origins: Origins::Everybody,
            trusted_proxies: Default::default(),
            hosts: Hosts::default(),
            controls: Some(controls),
            serves_page: true,
            policy: builder.policy,
        };
        Node::start(config).map_err(|error| DevnetError::Node(index, error))
    }

    /// Known before any node runs, because the listeners are bound before. With faulty links a
    /// node finds a proxy where it looks for a peer.
    fn peers_of(&self, index: usize) -> Vec<Peer> {
        let put_in = self.faults.lock().links();
        self.peers_through(index, self.links.as_ref().or(put_in.as_deref()))
    }

    /// The peers of node `index`, behind these links or where they are.
    pub(super) fn peers_through(&self, index: usize, links: Option<&Links>) -> Vec<Peer> {
        let others = self.peers.iter().enumerate();
        let others = others.filter(|(other, _)| *other != index);
        let link = |other| links?.listens(index, other);
        let seen = others
            .map(|(other, (address, listens))| Peer::at(*address, link(other).unwrap_or(*listens)));
        seen.collect()
    }
}

fn home(builder: &Builder) -> Result<(PathBuf, Option<tempfile::TempDir>), DevnetError> {
    match &builder.home {
        Some(home) => {
            make_dir(home)?;
            Ok((home.clone(), None))
        }
        None => {
            let made = tempfile::Builder::new()
                .prefix("lockstep-devnet-")
                .permissions(Permissions::from_mode(0o700))
                .tempdir();
            let dir = std::env::temp_dir();
            let temporary = made.map_err(|error| DevnetError::Directory { dir, error })?;
            Ok((temporary.path().to_owned(), Some(temporary)))
        }
    }
}

fn make_dir(dir: &Path) -> Result<(), DevnetError> {
    private::make_dir(dir).map_err(|error| DevnetError::Directory {
        dir: dir.to_owned(),
        error,
    })
}

/// Binds `address`; says which port it became.
fn listen(index: usize, address: SocketAddr) -> Result<(TcpListener, SocketAddr), DevnetError> {
    let bound = TcpListener::bind(address).and_then(|listener| {
        let listens = listener.local_addr()?;
        Ok((listener, listens))
    });
    bound.map_err(|error| DevnetError::Listen {
        index,
        address,
        error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A connection of another test had been given the port of a node that was down.
    #[test]
    fn a_node_gets_its_port_back_as_soon_as_it_is_free() {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let (holder, listens) = listen(0, loopback).expect("a port");
        let freed = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(200));
            drop(holder);
        });
        let again = listen_again(0, listens).expect("it waits for the port");
        assert_eq!(again.local_addr().expect("an address"), listens);
        freed.join().expect("it lets go");
    }

    #[test]
    fn a_port_that_cannot_be_bound_for_another_reason_is_told_at_once() {
        let elsewhere = SocketAddr::from(([192, 0, 2, 1], 9));
        let began = Instant::now();
        let refused = listen_again(3, elsewhere).expect_err("it is nobody's address here");
        assert!(matches!(refused, DevnetError::Listen { index: 3, .. }));
        assert!(began.elapsed() < PORT_PATIENCE);
    }
}
