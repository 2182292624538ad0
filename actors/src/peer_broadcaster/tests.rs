//! The broadcaster against peers that answer as a test says.
use super::fake_peer::{self, answer, trickle};
use super::*;
use crate::fixture::prevote;
use crate::messages::peer_broadcaster::{
    Broadcast, ConnectPeers, PullMessages, RequestBlocks, TellEvidence,
};
use crate::peers::system_resolver;
use crate::runtime::{Actors, Inbox, OnFall, Policy, Supervisor};
use crate::view::HeadView;
use actix_web::web::Bytes;
use lockstep_protocol::crypto::simulated::Simulated;
use lockstep_protocol::crypto::{Scheme, Seed as KeySeed};
use lockstep_protocol::nouns::pull::Pull;
use lockstep_protocol::nouns::vote::SignedVote;
use lockstep_protocol::types::{ChainId, Hash, Height, Round, Timestamp};
use lockstep_protocol::validators::schedule::ValidatorSchedule;
use lockstep_protocol::validators::set::ValidatorSet;
use lockstep_protocol::wire::PROTOCOL_VERSION;
use parking_lot::Mutex;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

mod dead_peer;
mod evidence_told;
mod failures;
mod handshakes;
mod pulls;
mod questions;
mod refusals;

const VERSION: u16 = PROTOCOL_VERSION;
const PEER: Address = Address([4; 20]);
/// For anything that should happen at once. Shorter than what blocks may take.
const PATIENCE: Duration = Duration::from_secs(20);

async fn until(what: &str, done: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < until, "{what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn handshake(validator: Address) -> Handshake {
    Handshake {
        protocol_version: VERSION,
        genesis_hash: Hash([1; 32]),
        verifier_fingerprint: "aa".into(),
        validator,
        height: Height(0),
        earliest_height: Height(1),
        time_ms: None,
    }
}

/// When which vote arrived where.
type Arrivals = Arc<Mutex<Vec<(Height, Instant)>>>;

/// A peer as it should be, that notes what arrives.
fn healthy(address: Address, arrivals: &Arrivals) -> Peer {
    let arrivals = Arc::clone(arrivals);
    let wire = Wire::new(Hash([1; 32]));
    let hello = serde_json::to_vec(&handshake(address)).unwrap();
    let listens = fake_peer::serve(move |request, out| {
        if request.head.starts_with("GET /handshake") {
            return out.write_all(&answer("200 OK", &hello));
        }
        let vote = wire.decode_vote(&request.body).expect("a vote");
        arrivals.lock().push((vote.vote.height, Instant::now()));
        out.write_all(&answer("202 Accepted", b""))
    });
    Peer::at(address, listens)
}

/// Takes messages like any other, and answers none of them in this way.
fn bad(
    address: Address,
    way: impl Fn(&mut std::net::TcpStream) -> std::io::Result<()> + Send + Sync + 'static,
) -> Peer {
    let hello = serde_json::to_vec(&handshake(address)).unwrap();
    let listens = fake_peer::serve(move |request, out| {
        if request.head.starts_with("GET /handshake") {
            return out.write_all(&answer("200 OK", &hello));
        }
        way(out)
    });
    Peer::at(address, listens)
}

fn black_hole(address: Address) -> Peer {
    bad(address, |_| {
        std::thread::sleep(Duration::from_secs(3600));
        Ok(())
    })
}

fn one_byte_per_second(address: Address) -> Peer {
    bad(address, |out| {
        trickle(out, &answer("202 Accepted", b""), 1_000)
    })
}

/// Where a peer with an address listens.
fn place(peer: &Peer) -> std::net::SocketAddr {
    peer.listens().expect("it has an address")
}

/// Nobody listens where it should be.
fn refused(address: Address) -> Peer {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let listens = listener.local_addr().unwrap();
    Peer::at(address, listens)
}

fn vote(height: u64) -> Broadcast {
    Broadcast::Vote(Arc::new(prevote(height, Address([1; 20]), height as u8)))
}

struct Sender {
    connect: Port<ConnectPeers>,
    broadcast: Port<Broadcast>,
    tell_evidence: Port<TellEvidence>,
    request: Port<RequestBlocks>,
    pull: Port<PullMessages>,
    peers: Arc<RwLock<Vec<Peer>>>,
    view: Arc<NodeView>,
    metrics: Arc<Metrics>,
    _spawner: crate::runtime::Spawner,
}

/// A running broadcaster without peers. Needs a running actix system.
fn sender() -> Sender {
    sender_that_resolves(system_resolver())
}

fn sender_that_resolves(resolve: Resolve) -> Sender {
    sender_of(resolve, Ports::default())
}

fn sender_that_tells(ports: Ports) -> Sender {
    sender_of(system_resolver(), ports)
}

fn sender_of(resolve: Resolve, ports: Ports) -> Sender {
    let inbox = Inbox::<PeerBroadcaster>::new(4_096);
    let (connect, broadcast) = (inbox.port(), inbox.port());
    let (request, pull) = (inbox.port(), inbox.port());
    let tell_evidence = inbox.port();
    let head = HeadView {
        height: Height(6),
        block_id: Hash([1; 32]),
        state_root: Hash([1; 32]),
        time: Timestamp(0),
    };
    let signer = |i| Simulated.signer(&KeySeed([i; 32])).unwrap();
    let members = (1..=4).map(|i| (signer(i).public_key().to_vec(), 1));
    let set = Arc::new(ValidatorSet::new(&Simulated, members).unwrap());
    let view = NodeView::new(head, ValidatorSchedule::unchanged(head.height, set));
    let view = Arc::new(view);
    let metrics = Metrics::new(Actors::default());
    let peers = Arc::<RwLock<Vec<Peer>>>::default();
    let seed = Seed {
        handshake: handshake(Address([1; 20])),
        wire: Wire::new(Hash([1; 32])),
        context: SignContext {
            chain_id: ChainId(7),
            genesis_hash: Hash([1; 32]),
        },
        arrival: Arc::default(),
        peers: peers.clone(),
        clock: Clock::start(),
        view: view.clone(),
        metrics: metrics.clone(),
        resolve,
        ports,
    };
    let mut spawner = Supervisor::start(Policy::default(), |_| ());
    spawner.spawn(&Arbiter::current(), inbox, OnFall::Restart, |_| {
        PeerBroadcaster::new(seed)
    });
    Sender {
        connect,
        broadcast,
        tell_evidence,
        request,
        pull,
        peers,
        view,
        metrics,
        _spawner: spawner,
    }
}

impl Sender {
    async fn connect(&self, peers: &[Peer], reachable: usize) {
        self.connect
            .ask(ConnectPeers(peers.to_vec()))
            .await
            .unwrap();
        let until = Instant::now() + PATIENCE;
        while self.view.peers().iter().filter(|p| p.reachable).count() < reachable {
            assert!(Instant::now() < until, "{:?}", self.view.peers());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn send(&self, height: u64) {
        self.broadcast.tell(vote(height)).unwrap();
    }
}

/// They were all linked anew, so that what waited for any of them was lost.
#[test]
fn peers_that_stay_keep_what_waits_and_only_who_is_new_or_elsewhere_is_linked() {
    System::new().block_on(async {
        let sender = sender();
        let arrivals = Arrivals::default();
        let (stays, moves) = (refused(Address([4; 20])), refused(Address([5; 20])));
        sender.connect(&[stays.clone(), moves.clone()], 0).await;
        (1..=3).for_each(|height| sender.send(height));
        let waiting = |peer: &Peer| {
            let shown = sender.view.peers();
            let shown = shown.iter().find(|shown| shown.address == peer.address);
            shown.map(|shown| shown.outbox)
        };
        until("they wait", || waiting(&stays) == Some(3)).await;
        until("they wait", || waiting(&moves) == Some(3)).await;

        let new = healthy(Address([2; 20]), &arrivals);
        let moved = refused(moves.address);
        sender
            .connect(&[stays.clone(), moved.clone(), new], 1)
            .await;
        assert_eq!((waiting(&stays), waiting(&moved)), (Some(3), Some(0)));
        let url = |peer: &Peer| format!("http://{}", place(peer));
        let shown = sender.view.peers();
        assert!(shown.iter().any(|shown| shown.url == url(&moved)));
        sender.send(4);
        until("it arrives", || arrivals.lock().len() == 1).await;
        until("it waits with the others", || waiting(&stays) == Some(4)).await;

        sender.connect(std::slice::from_ref(&moved), 0).await;
        assert_eq!(sender.view.peers().len(), 1);
        assert_eq!(*sender.peers.read(), [moved]);
    });
}

/// What waits for it is bounded, and what is given up is counted.
#[test]
fn the_outbox_of_a_dead_peer_is_bounded_and_the_others_get_everything() {
    const VOTES: u64 = OUTBOX_FRAMES_MAX as u64 + 500;
    System::new().block_on(async {
        let sender = sender();
        let arrivals = Arrivals::default();
        let alive = healthy(Address([2; 20]), &arrivals);
        let dead = refused(Address([4; 20]));
        sender.connect(&[alive, dead.clone()], 1).await;
        let arrived = || arrivals.lock().len() as u64;
        for height in 1..=VOTES {
            sender.send(height);
            // At the pace of the one that is alive: its outbox is bounded as well.
            until("votes arrive", || arrived() + 64 >= height).await;
        }
        until("the last votes arrive", || arrived() >= VOTES).await;
        assert_eq!(sender.metrics.frames_dropped.get(), 500);
        let is_dead = |peer: &PeerView| peer.address == dead.address;
        let shown = || {
            let peers = sender.view.peers();
            peers.iter().find(|p| is_dead(p)).unwrap().outbox
        };
        until("it is shown", || shown() >= OUTBOX_FRAMES_MAX).await;
        assert_eq!(shown(), OUTBOX_FRAMES_MAX);
    });
}
