//! P23, P24, P25: the edge holds. Many connections do their worst at one of four nodes, each a
//! process of its own, one kind after the other: at every route of both listeners, and in what is no
//! matter of a route. The node's memory stays within the sum of its limits and comes back, blocks go
//! on, honest callers are answered, nobody falls, and the log stays short.
//!
//! Memory is what the process itself has allocated; what the kernel holds for a socket is part of
//! the stated share of a connection and does not show in it. `EDGE=word` runs the kinds with this
//! word in their names.
mod flood;
mod honest;
mod kinds;
mod row;

use crate::alone;
use flood::Flood;
use honest::Honest;
use kinds::{Kind, Target};
use lockstep_actors::limits::CONNECTION_BYTES_MAX;
use row::Row;
use rustix::process::{Resource, getrlimit, setrlimit};
use std::cell::RefCell;
use std::time::{Duration, Instant};
use support::process::{Network, Payer};
use support::{Connection, eventually, get, metric, page, restarts};

const MIB: f64 = 1_048_576.0;
/// Long enough that the machine is idle in between, so that a flood shows.
const SETTINGS: &[&str] = &["block_interval_ms=250"];
/// How often memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// What is no connection's: code and stacks that are touched for the first time, threads that read for
/// answers with their arenas, the chain's own growth. One to two of them a new process takes for any
/// first flood.
const SLACK_BYTES: f64 = 4.0 * MIB;
/// Transactions that wait, so that there is something to read.
const WAITING: usize = 60;
/// Memory that has come back: what is still held is what the next flood finds and uses.
const BACK_BYTES: f64 = 3.0 * MIB;

/// How much of it, and what is judged.
struct Tier {
    connections: usize,
    settle: Duration,
    during: Duration,
    /// Memory has so long to come back.
    after: Duration,
    /// Times are judged, and that memory comes back: not on a machine that is busy otherwise.
    is_strict: bool,
}

const COMMIT: Tier = Tier {
    connections: 48,
    settle: Duration::ZERO,
    during: Duration::from_millis(250),
    after: Duration::from_millis(50),
    is_strict: false,
};

const RELEASE: Tier = Tier {
    connections: 512,
    settle: Duration::from_secs(1),
    during: Duration::from_secs(8),
    after: Duration::from_secs(10),
    is_strict: true,
};

struct Edge {
    network: Network,
    peers: String,
    payer: RefCell<Payer>,
}

impl Edge {
    fn start() -> Edge {
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        setrlimit(Resource::Nofile, limit).expect("a process may take what it is granted");
        let network = Network::running(4, SETTINGS);
        network.wait_for(&[0, 1, 2, 3], 3);
        let payer = RefCell::new(network.payer(0));
        bring_the_key(&network.urls[0], &mut payer.borrow_mut());
        let peers = format!("http://{}", network.peers[0]);
        Edge {
            network,
            peers,
            payer,
        }
    }

    fn target(&self) -> Target {
        let people = self.network.urls[0].strip_prefix("http://");
        let first = page(&self.network.urls[0], "/").text();
        let build = first
            .split("/page/")
            .nth(1)
            .and_then(|rest| rest.split('/').next());
        Target {
            people: people.expect("http").parse().expect("an address"),
            peers: self.network.peers[0],
            genesis: self.network.context(0).genesis_hash,
            build: build.expect("a page").to_owned(),
        }
    }

    fn kinds(&self) -> Vec<Kind> {
        let metrics = page(&self.network.urls[0], "/metrics").text();
        let mut kinds = self.target().of_routes(&metrics);
        kinds.extend(self.target().others());
        let only = std::env::var("EDGE").unwrap_or_default();
        kinds.retain(|kind| kind.name.contains(&only));
        kinds
    }

    /// What node 0 holds.
    fn held(&self) -> f64 {
        let process = self.network.nodes[0].as_ref().expect("it runs");
        let path = format!("/proc/{}/status", process.child.0.id());
        let status = std::fs::read_to_string(path).expect("it runs");
        let line = status.lines().find_map(|l| l.strip_prefix("RssAnon:"));
        let kib = line.expect("a line").trim().trim_end_matches(" kB");
        kib.parse::<f64>().expect("KiB") * 1024.0
    }

    /// Time that node 0 has had of a processor, in hundredths of a second: both of its fields behind
    /// the name, which ends with a bracket.
    fn worked(&self) -> f64 {
        let process = self.network.nodes[0].as_ref().expect("it runs");
        let path = format!("/proc/{}/stat", process.child.0.id());
        let stat = std::fs::read_to_string(path).expect("it runs");
        let fields = stat.rsplit(')').next().expect("fields").split_whitespace();
        let ticks = fields.skip(11).take(2).map(|field| field.parse::<f64>());
        ticks.map(|ticks| ticks.expect("a number")).sum()
    }

    fn logged(&self) -> u64 {
        let process = self.network.nodes[0].as_ref().expect("it runs");
        std::fs::metadata(&process.log).expect("a log").len()
    }

    /// Of the newest block that node 1 has.
    fn newest(&self) -> (u64, u64) {
        let block = get(&self.network.urls[1], "/blocks/latest").json();
        let field = |name: &str| block["header"][name].as_u64().expect("a number");
        (field("height"), field("time"))
    }

    /// With a gap in front, so that no block takes them; each goes to the others, and a node that
    /// has been started anew has none.
    fn fill_mempool(&self) {
        let mut payer = self.payer.borrow_mut();
        payer.go_on_from(2);
        let mut connection = Connection::open(&self.network.urls[0]);
        (0..WAITING).for_each(|_| hand_in(&mut connection, &mut payer));
    }

    fn watch(&self, tier: &Tier, kind: Option<&Kind>) -> Row {
        if kind.is_some_and(|kind| kind.name.contains("pool")) {
            self.fill_mempool();
        }
        let before = self.held();
        let logged = self.logged();
        let worked = self.worked();
        let begun = Instant::now();
        let flood = kind.map(|kind| Flood::begin(&kind.worst, tier.connections));
        let mut most = self.look(tier.settle, before);
        let honest = Honest::begin(&self.network.urls[0], &self.peers);
        let first = self.newest();
        most = self.look(tier.during, most);
        let last = self.newest();
        let heard = honest.end();
        let (logged, worked) = (self.logged() - logged, self.worked() - worked);
        let took = begun.elapsed();
        let opened = flood.as_ref().map_or(0, Flood::opened);
        let turned_away = flood.as_ref().map_or(0, Flood::turned_away);
        assert_eq!(turned_away, 0, "a flood that holds nothing shows nothing");
        drop(flood);
        let after = self.come_back(tier.after, before);
        let places = kind.map_or(0, |kind| tier.connections.min(kind.port.connections_max()));
        let budget = kind.map_or(0, |kind| kind.budget_bytes);
        Row {
            name: kind.map_or("nothing", |kind| &kind.name).to_owned(),
            port: kind.map_or("", |kind| kind.port.name()),
            opened,
            interval_ms: (last.1 - first.1) as f64 / (last.0 - first.0).max(1) as f64,
            heard,
            before,
            most,
            after,
            worked,
            logged: logged as f64,
            took,
            allowed: (places * CONNECTION_BYTES_MAX + budget) as f64 + SLACK_BYTES,
            places,
        }
    }

    /// What it holds when that has come back, or in the end.
    fn come_back(&self, time: Duration, before: f64) -> f64 {
        let begun = Instant::now();
        while self.held() > before + BACK_BYTES && begun.elapsed() < time {
            std::thread::sleep(LOOK_EVERY);
        }
        self.held()
    }

    /// A new process, if the old one holds so much that the next flood would not show.
    fn renew(&mut self, at_first: f64) {
        if self.held() > at_first + BACK_BYTES {
            self.network.kill(0);
            self.network.start(0);
            let height = self.newest().0;
            self.network.wait_for(&[0], height);
        }
    }

    /// The most that it holds in this time.
    fn look(&self, time: Duration, mut most: f64) -> f64 {
        let begun = Instant::now();
        while begun.elapsed() < time {
            std::thread::sleep(LOOK_EVERY);
            most = most.max(self.held());
        }
        most
    }
}

/// Only an account's first transaction brings its key, in a block.
fn bring_the_key(url: &str, payer: &mut Payer) {
    hand_in(&mut Connection::open(url), payer);
    eventually("it is in a block", || {
        let account = get(url, &format!("/accounts/{}", payer.address())).json();
        (account["nonce"] == 1).then_some(())
    });
}

fn hand_in(connection: &mut Connection, payer: &mut Payer) {
    let answer = connection.request("POST", "/transactions", &payer.next_transfer());
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, 202, "{}", answer.text());
}

fn the_edge_holds(tier: &Tier) {
    let mut edge = Edge::start();
    println!("{}", Row::HEAD);
    let calm = edge.watch(tier, None);
    calm.print();
    let mut faults = Vec::new();
    let at_first = calm.before;
    for kind in edge.kinds() {
        let row = edge.watch(tier, Some(&kind));
        row.print();
        faults.extend(row.faults(&calm, tier));
        assert_eq!(restarts(&edge.network.urls[0]), 0, "{}", row.name);
        edge.renew(at_first);
    }
    for label in ["People", "Peers"] {
        let open = metric(&edge.network.urls[0], "connections", label);
        println!("{label}: {open} connections are left");
    }
    let height = edge.newest().0;
    edge.network.wait_for(&[0, 1, 2, 3], height + 3);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_route_and_every_flood_keeps_to_its_share() {
    let _alone = alone();
    the_edge_holds(&COMMIT);
}

#[test]
#[ignore = "the release tier: a quarter of an hour, on a quiet machine"]
fn five_hundred_connections_of_each_kind_are_noise() {
    let _alone = alone();
    the_edge_holds(&RELEASE);
}
