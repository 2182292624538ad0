//! **Faulty links**: between every two nodes of a devnet stands a TCP proxy, one for each direction,
//! that treats what one node sends to the other as a test says.
//!
//! ```text
//! node i ──POST──> proxy i→j ──POST──> node j
//!        <──202──            <──202──
//! ```
//!
//! A link i→j carries the requests of i and their answers. Node i knows only the proxy's address,
//! and only what passes it exists for j. The nodes, their clients and their servers are the real
//! ones; nothing in them knows of this.
//!
//! | Fault | What happens to a request of i to j |
//! |---|---|
//! | cut ([`Links::cut`], [`Links::partition`], [`Links::refuse`]) | connections are reset, open ones at once and new ones as they come |
//! | black hole | connections are accepted and never answered |
//! | one byte per second | j handles it, and its answer arrives a byte a second |
//! | delay | it waits before it is forwarded |
//! | drop | the connection closes before it is forwarded: lost, and sent again |
//! | duplicate | j handles it, and the connection closes before its answer: sent again |
//! | reorder | the connection closes, and a copy reaches j later, behind newer ones |
//! | swallowed | it is answered 202 and goes nowhere, those of other paths do |
//!
//! TCP loses nothing within a connection, so loss here is what a peer sees when connections break.
//! Chance comes from one seeded stream per link: equal seeds decide alike about the n-th request of
//! a link. Not promised: that two runs have the same n-th request.
mod http;
mod proxy;
mod rule;

use crate::simulation::random::Random;
use parking_lot::Mutex;
use rule::{Rule, Way};
use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{oneshot, watch};

/// A link that is slow or lossy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    /// Whose requests.
    pub from: usize,
    /// To whom.
    pub to: usize,
    /// How much longer each takes.
    pub delay_ms: u64,
    /// Of a thousand, so many are lost.
    pub drop_per_thousand: u64,
}

/// Requests of one path on one link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Forwarded, and answered by the other node.
    pub answered: usize,
    /// Swallowed by the link.
    pub swallowed: usize,
}

/// By path: a node asks few of its peers.
type Traffics = Arc<Mutex<BTreeMap<String, Traffic>>>;

/// One direction between two nodes.
struct Link {
    listens: SocketAddr,
    rule: watch::Sender<Rule>,
    traffic: Traffics,
}

/// Links between nodes, of a devnet or of processes. Dropped, they are gone. A node that there is
/// not panics.
pub struct Links {
    nodes: usize,
    /// Link i→j at `i * nodes + j`; `None` where i is j.
    links: Vec<Option<Link>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Links {
    /// A proxy for each ordered pair of nodes, all on one thread.
    pub fn start(nodes: &[SocketAddr], seed: u64) -> io::Result<Links> {
        let mut chance = Random::new(seed);
        let (mut links, mut proxies) = (Vec::new(), Vec::new());
        for from in 0..nodes.len() {
            for (to, target) in nodes.iter().enumerate() {
                let chance = chance.fork();
                if from == to {
                    links.push(None);
                    continue;
                }
                let listener = TcpListener::bind(("127.0.0.1", 0))?;
                let listens = listener.local_addr()?;
                let (rule, rules) = watch::channel(Rule::default());
                let traffic = Traffics::default();
                let shared = proxy::Shared::new(*target, rules, chance, Arc::clone(&traffic));
                proxies.push((listener, shared));
                links.push(Some(Link {
                    listens,
                    rule,
                    traffic,
                }));
            }
        }
        let (stop, stopped) = oneshot::channel();
        let thread = proxy::start(proxies, stopped)?;
        Ok(Links {
            nodes: nodes.len(),
            links,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where node `from` finds node `to`.
    pub fn listens(&self, from: usize, to: usize) -> Option<SocketAddr> {
        self.link(from, to).map(|link| link.listens)
    }

    fn link(&self, from: usize, to: usize) -> Option<&Link> {
        let inside = from < self.nodes && to < self.nodes;
        assert!(inside, "no link {from}→{to} among {} nodes", self.nodes);
        self.links[from * self.nodes + to].as_ref()
    }

    fn change(&self, from: usize, to: usize, change: impl FnOnce(&mut Rule)) {
        if let Some(link) = self.link(from, to) {
            link.rule.send_modify(change);
        }
    }

    fn change_all(&self, change: impl Fn(usize, usize, &mut Rule)) {
        for from in 0..self.nodes {
            for to in 0..self.nodes {
                self.change(from, to, |rule| change(from, to, rule));
            }
        }
    }

    /// Nodes of different groups cannot reach each other; a node that is named in none is alone.
    /// Connections between them end at once.
    pub fn partition(&self, groups: &[&[usize]]) {
        let group = |node| groups.iter().position(|group| group.contains(&node));
        self.change_all(|from, to, rule| {
            let together = group(from).is_some() && group(from) == group(to);
            rule.way = if together { Way::Open } else { Way::Cut };
        });
    }

    /// Every link works again: no fault of any kind is left.
    pub fn heal(&self) {
        self.change_all(|_, _, rule| *rule = Rule::default());
    }

    /// Cuts one direction: `to` hears nothing of `from` any more.
    pub fn cut(&self, from: usize, to: usize) {
        self.change(from, to, |rule| rule.way = Way::Cut);
    }

    /// Connections to `node` are reset as they are opened. It still reaches the others.
    pub fn refuse(&self, node: usize) {
        self.towards(node, Way::Cut);
    }

    /// Connections to `node` are accepted and never answered. It still reaches the others.
    pub fn blackhole(&self, node: usize) {
        self.towards(node, Way::Silent);
    }

    /// `node` hears the others, and answers them at one byte per second.
    pub fn one_byte_per_second(&self, node: usize) {
        self.towards(node, Way::Trickle);
    }

    fn towards(&self, node: usize, way: Way) {
        self.change_all(|_, to, rule| {
            if to == node {
                rule.way = way;
            }
        });
    }

    /// Every request of `from` to `to` takes so many milliseconds longer.
    pub fn delay(&self, from: usize, to: usize, ms: u64) {
        self.change(from, to, |rule| rule.delay = Duration::from_millis(ms));
    }

    /// A request of `from` to `to` is lost with probability `p`, in 0 to 1: its connection closes
    /// before it is forwarded.
    pub fn drop_rate(&self, from: usize, to: usize, p: f64) {
        let permille = rule::permille(p);
        self.change(from, to, |rule| rule.drop_permille = permille);
    }

    /// Of a thousand requests of `from` to `to` so many are lost.
    pub(crate) fn lose(&self, from: usize, to: usize, per_thousand: u64) {
        self.change(from, to, |rule| {
            rule.drop_permille = per_thousand.min(1_000)
        });
    }

    /// The links that are slow or lossy.
    pub fn faults(&self) -> Vec<Fault> {
        let all = (0..self.nodes).flat_map(|from| (0..self.nodes).map(move |to| (from, to)));
        let faulty = all.filter_map(|(from, to)| {
            let rule = self.link(from, to)?.rule.borrow();
            let delay_ms = u64::try_from(rule.delay.as_millis()).unwrap_or(u64::MAX);
            let fault = Fault {
                from,
                to,
                delay_ms,
                drop_per_thousand: rule.drop_permille,
            };
            (fault.delay_ms > 0 || fault.drop_per_thousand > 0).then_some(fault)
        });
        faulty.collect()
    }

    /// A request of `from` to `to` loses its answer with probability `p`, in 0 to 1: `to` has
    /// handled it, and gets it again.
    pub fn duplicate_rate(&self, from: usize, to: usize, p: f64) {
        let permille = rule::permille(p);
        self.change(from, to, |rule| rule.duplicate_permille = permille);
    }

    /// A request of `from` to `to` arrives twice with probability `p`, in 0 to 1: once as its
    /// sender repeats it, and up to 250 ms later, behind newer ones.
    pub fn reorder_rate(&self, from: usize, to: usize, p: f64) {
        let permille = rule::permille(p);
        self.change(from, to, |rule| rule.reorder_permille = permille);
    }

    /// Requests of `from` to `to` with this path, such as `/consensus/proposal`, are answered 202
    /// and go nowhere: as if `to` had taken them and lost them at once.
    pub fn swallow(&self, from: usize, to: usize, path: &str) {
        self.change(from, to, |rule| rule.swallowed.push(path.to_owned()));
    }

    /// What has become of the requests of `from` to `to` with this path.
    pub fn traffic(&self, from: usize, to: usize, path: &str) -> Traffic {
        let link = self.link(from, to);
        link.and_then(|link| link.traffic.lock().get(path).copied())
            .unwrap_or_default()
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        // An error says that the thread has ended already.
        let _ = self.stop.take().map(|stop| stop.send(()));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
