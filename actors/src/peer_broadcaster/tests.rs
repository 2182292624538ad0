//! P12: a dead peer delays nobody, and a slow answer delays no vote.
use super::fake_peer::{self, answer, trickle};
use super::*;
use crate::runtime::{Actors, Inbox, Options, Policy, Supervisor};
use crate::view::HeadView;
use lockstep_protocol::crypto::simulated::Simulated;
use lockstep_protocol::crypto::{Scheme, Seed as KeySeed};
use lockstep_protocol::types::{Hash, Round, Timestamp};
use lockstep_protocol::validator_schedule::ValidatorSchedule;
use lockstep_protocol::validator_set::ValidatorSet;
use lockstep_protocol::vote::{Signature, Vote, VoteKind};
use lockstep_protocol::wire::PROTOCOL_VERSION;
use parking_lot::Mutex;
use std::io::Write;
use std::net::TcpListener;
use std::time::{Duration, Instant};

mod questions;

const VERSION: u16 = PROTOCOL_VERSION;

fn handshake(validator: Address) -> Handshake {
    Handshake {
        protocol_version: VERSION,
        genesis_hash: Hash([1; 32]),
        verifier_fingerprint: "aa".into(),
        validator,
        height: Height(0),
    }
}

/// When which vote arrived where.
type Arrivals = Arc<Mutex<Vec<(Height, Instant)>>>;

/// A peer as it should be, that notes what arrives.
fn healthy(address: Address, arrivals: &Arrivals) -> Peer {
    let (arrivals, wire) = (Arc::clone(arrivals), Wire::new(Hash([1; 32])));
    let hello = serde_json::to_vec(&handshake(address)).unwrap();
    let listens = fake_peer::serve(move |request, out| {
        if request.head.starts_with("GET /handshake") {
            return out.write_all(&answer("200 OK", &hello));
        }
        let vote = wire.decode_vote(&request.body).expect("a vote");
        arrivals.lock().push((vote.vote.height, Instant::now()));
        out.write_all(&answer("202 Accepted", b""))
    });
    Peer { address, listens }
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
    Peer { address, listens }
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

/// Nobody listens where it should be.
fn refused(address: Address) -> Peer {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let listens = listener.local_addr().unwrap();
    Peer { address, listens }
}

fn vote(height: u64) -> Broadcast {
    let vote = Vote {
        kind: VoteKind::Prevote,
        height: Height(height),
        round: Round(0),
        block_id: None,
        valid_round: None,
        validator: Address([1; 20]),
    };
    let signature = Signature(vec![height as u8; 3_309]);
    Broadcast::Vote(Arc::new(SignedVote { vote, signature }))
}

struct Sender {
    connect: Port<ConnectPeers>,
    broadcast: Port<Broadcast>,
    request: Port<RequestBlocks>,
    pull: Port<PullMessages>,
    view: Arc<NodeView>,
    metrics: Arc<Metrics>,
    _spawner: crate::runtime::Spawner,
}

/// A running broadcaster without peers. Needs a running actix system.
fn sender() -> Sender {
    let inbox = Inbox::<PeerBroadcaster>::new(4_096);
    let (connect, broadcast) = (inbox.port(), inbox.port());
    let (request, pull) = (inbox.port(), inbox.port());
    let head = HeadView {
        height: Height(0),
        block_id: Hash([1; 32]),
        state_root: Hash([1; 32]),
        time: Timestamp(0),
    };
    let signer = Simulated.signer(&KeySeed([1; 32])).unwrap();
    let members = [(signer.public_key().to_vec(), 1)];
    let set = Arc::new(ValidatorSet::new(&Simulated, members).unwrap());
    let view = NodeView::new(head, ValidatorSchedule::unchanged(Height(0), set));
    let view = Arc::new(view);
    let metrics = Metrics::new(Actors::default());
    let seed = Seed {
        handshake: handshake(Address([1; 20])),
        wire: Wire::new(Hash([1; 32])),
        peers: Arc::default(),
        view: view.clone(),
        metrics: metrics.clone(),
        ports: Ports {
            blocks: Port::detached(),
            ahead: Port::detached(),
            pulled_vote: Port::detached(),
            pulled_proposal: Port::detached(),
            pull_ended: Port::detached(),
        },
    };
    let mut spawner = Supervisor::start(Policy::default(), |_| ());
    spawner.spawn(&Arbiter::current(), inbox, Options::default(), |_| {
        PeerBroadcaster::new(seed)
    });
    Sender {
        connect,
        broadcast,
        request,
        pull,
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
        let until = Instant::now() + Duration::from_secs(20);
        while self.view.peers().iter().filter(|p| p.reachable).count() < reachable {
            assert!(Instant::now() < until, "{:?}", self.view.peers());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn send(&self, height: u64) {
        self.broadcast.tell(vote(height)).unwrap();
    }
}

fn quantile(delays: &mut [Duration], q: f64) -> Duration {
    delays.sort();
    delays[((delays.len() - 1) as f64 * q) as usize]
}

/// Windows without and with the bad peer take turns, so that a busy machine slows both.
fn compare(kind: &str, bad: Peer, bad_is_reachable: bool) {
    const WINDOWS: u64 = 12;
    const VOTES: u64 = 50;
    System::new().block_on(async {
        let sender = sender();
        let arrivals = Arrivals::default();
        let two = [2, 3].map(|n| healthy(Address([n; 20]), &arrivals));
        let three = [two[0], two[1], bad];
        let mut delays = [Vec::new(), Vec::new()];
        let mut height = 0;
        for window in 0..WINDOWS {
            let with_bad = window % 2 == 1;
            let peers = if with_bad { &three[..] } else { &two };
            let reachable = 2 + usize::from(with_bad && bad_is_reachable);
            sender.connect(peers, reachable).await;
            let (first, mut sent) = (height + 1, Vec::new());
            for _ in 0..VOTES {
                height += 1;
                sent.push(Instant::now());
                sender.send(height);
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            let until = Instant::now() + Duration::from_secs(20);
            while arrivals.lock().len() < 2 * height as usize {
                assert!(Instant::now() < until, "{kind}: votes are missing");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let arrived = arrivals.lock().clone().into_iter();
            let of_window = arrived.filter(|(at, _)| at.0 >= first);
            let of_window = of_window.map(|(at, when)| when - sent[(at.0 - first) as usize]);
            delays[usize::from(with_bad)].extend(of_window);
        }
        let [without, with] = &mut delays;
        let p = |delays: &mut [Duration], q| quantile(delays, q).as_secs_f64() * 1e6;
        let (m0, m1) = (p(without, 0.5), p(with, 0.5));
        let (t0, t1) = (p(without, 0.99), p(with, 0.99));
        println!(
            "{kind}: to the others p50 {m0:.0} → {m1:.0} µs (× {:.2}), p99 {t0:.0} → {t1:.0} µs \
             (× {:.2}), {} votes each",
            m1 / m0,
            t1 / t0,
            with.len()
        );
        assert!(
            m1 <= 1.5 * m0,
            "{kind}: the median went from {m0} to {m1} µs"
        );
    });
}

#[test]
fn a_peer_that_refuses_connections_delays_nobody() {
    compare("refused", refused(Address([4; 20])), false);
}

#[test]
fn a_black_hole_delays_nobody() {
    compare("black hole", black_hole(Address([4; 20])), true);
}

#[test]
fn a_peer_that_answers_a_byte_per_second_delays_nobody() {
    let peer = one_byte_per_second(Address([4; 20]));
    compare("one byte per second", peer, true);
}

/// What waits for it is bounded, and what is given up is counted.
#[test]
fn the_outbox_of_a_dead_peer_is_bounded_and_the_others_get_everything() {
    const VOTES: u64 = OUTBOX_FRAMES_MAX as u64 + 500;
    System::new().block_on(async {
        let (sender, arrivals) = (sender(), Arrivals::default());
        let (alive, dead) = (
            healthy(Address([2; 20]), &arrivals),
            refused(Address([4; 20])),
        );
        sender.connect(&[alive, dead], 1).await;
        let until = Instant::now() + Duration::from_secs(30);
        for height in 1..=VOTES {
            sender.send(height);
            // At the pace of the one that is alive: its outbox is bounded as well.
            while (arrivals.lock().len() as u64) + 64 < height {
                assert!(Instant::now() < until, "votes arrive");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        while (arrivals.lock().len() as u64) < VOTES {
            assert!(Instant::now() < until, "the last votes arrive");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(sender.metrics.frames_dropped.get(), 500);
        let is_dead = |peer: &PeerView| peer.address == dead.address;
        while sender
            .view
            .peers()
            .iter()
            .find(|p| is_dead(p))
            .unwrap()
            .outbox
            < OUTBOX_FRAMES_MAX
        {
            assert!(Instant::now() < until, "it is shown");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let peers = sender.view.peers();
        let shown = peers.iter().find(|p| is_dead(p)).unwrap();
        assert_eq!(shown.outbox, OUTBOX_FRAMES_MAX);
    });
}
