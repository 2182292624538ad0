//! Four nodes in processes of their own, a link that may fail between each two of them, and a
//! schedule of faults that a seed decides: `kill -9` of one, two and all four, partitions, links
//! that lose, repeat and reorder, and a kill within a partition.
use super::client::Random;
use super::gateway::{self, Gateway};
use super::history::{Call, History, Kill, Receipt, Told};
use super::judge::Ending;
use super::ledger::Block;
use lockstep_devnet::Links;
use lockstep_protocol::types::{Address, Hash};
use lockstep_protocol::wire::Wire;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use support::eventually;
use support::process::{Network, text};

pub(crate) const NODES: usize = 4;
/// As fast as it goes; a killed process is all that a block has to survive here. Timeouts that fit
/// faults of less than a second.
const SETTINGS: [&str; 9] = [
    "block_interval_ms=20",
    "durability=process",
    "timeout_propose_ms=300",
    "timeout_propose_delta_ms=200",
    "timeout_prevote_ms=150",
    "timeout_prevote_delta_ms=100",
    "timeout_precommit_ms=150",
    "timeout_precommit_delta_ms=100",
    "log=warn",
];
/// Calls of a batch: as many as a node takes.
const BATCH: usize = 100;

/// What was done to the nodes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    pub(crate) kills: usize,
    pub(crate) partitions: usize,
    pub(crate) lossy: usize,
}

pub(crate) struct World {
    pub(crate) network: Network,
    links: Links,
    began: Instant,
    pub(crate) kills: Vec<Kill>,
    pub(crate) faults: Faults,
}

impl World {
    pub(crate) fn new(accounts: usize, seed: u64, began: Instant) -> World {
        let network = Network::funding(accounts, 4, &SETTINGS);
        let links = Links::start(&network.peers, seed).expect("the links listen");
        let mut world = World {
            network,
            links,
            began,
            kills: Vec::new(),
            faults: Faults::default(),
        };
        (0..NODES).for_each(|node| world.start(node));
        world.network.wait_for(&[0, 1, 2, 3], 2);
        world
    }

    /// It finds the others behind their links.
    fn start(&mut self, node: usize) {
        let mut command = self.network.command(node);
        let others = (0..NODES).filter(|other| *other != node);
        let peers = others.map(|other| {
            let listens = self.links.listens(node, other).expect("a link");
            format!("{}@{listens}", self.network.addresses[other])
        });
        let peers: Vec<String> = peers.collect();
        command.arg(format!("--set=peers={}", peers.join(",")));
        self.network.start_as(node, command);
    }

    fn kill(&mut self, node: usize) {
        self.network.kill(node);
        let at = self.began.elapsed();
        self.kills.push(Kill { node, at });
        self.faults.kills += 1;
    }

    fn kill_for(&mut self, nodes: &[usize], time: Duration) {
        nodes.iter().for_each(|node| self.kill(*node));
        std::thread::sleep(time);
        for node in nodes {
            self.start(*node);
            self.network.node(*node).ready();
        }
    }

    /// One fault, from its beginning to its end.
    pub(crate) fn harm(&mut self, random: &mut Random, draw: u64) {
        let victim = random.index(NODES);
        let other = (victim + 1 + random.index(NODES - 1)) % NODES;
        let rest: Vec<usize> = (0..NODES).filter(|node| *node != victim).collect();
        let time = Duration::from_millis(150 + random.below(500));
        match draw {
            0..3 => self.kill_for(&[victim], time),
            3 => self.kill_for(&[victim, other], time),
            4..6 => self.partition(&[&rest, &[victim]], time),
            6 => {
                let two: Vec<usize> = rest.iter().copied().filter(|node| *node != other).collect();
                self.partition(&[&two, &[victim, other]], time);
            }
            7 => self.lose(time),
            8 => {
                self.links.partition(&[&rest, &[victim]]);
                self.faults.partitions += 1;
                self.kill_for(&[other], time);
                self.links.heal();
            }
            _ => self.kill_for(&[0, 1, 2, 3], time),
        }
    }

    fn partition(&mut self, groups: &[&[usize]], time: Duration) {
        self.links.partition(groups);
        self.faults.partitions += 1;
        std::thread::sleep(time);
        self.links.heal();
    }

    fn lose(&mut self, time: Duration) {
        for from in 0..NODES {
            for to in (0..NODES).filter(|to| *to != from) {
                self.links.drop_rate(from, to, 0.1);
                self.links.duplicate_rate(from, to, 0.1);
                self.links.reorder_rate(from, to, 0.1);
            }
        }
        self.faults.lossy += 1;
        std::thread::sleep(time);
        self.links.heal();
    }

    /// Waits until no node holds a transaction that a block could carry, nor is behind the others.
    pub(crate) fn drain(&self) {
        let mut gateways = self.gateways();
        let mut calm = 0;
        eventually("nothing moves any more", || {
            let mut moves = false;
            for gateway in &mut gateways {
                let pool = gateway.batch("txpool_status", &[json!([])])?;
                moves |= pool[0]["pending"] != "0x0";
            }
            let heights: Vec<_> = (0..NODES).map(|node| self.network.height(node)).collect();
            moves |= heights.iter().max() > heights.iter().min().map(|h| h.map(|h| h + 2)).as_ref();
            calm = if moves { 0 } else { calm + 1 };
            (calm >= 3).then_some(())
        });
    }

    pub(crate) fn gateways(&self) -> Vec<Gateway> {
        self.network
            .urls
            .iter()
            .map(|url| Gateway::to(url))
            .collect()
    }

    /// Asks each node that took a transaction what has become of it.
    pub(crate) fn audit(&self, history: &mut History) {
        let from = self.began.elapsed();
        for (gateway, mut connection) in self.gateways().into_iter().enumerate() {
            let taken = history.calls.iter().filter(|call| call.gateway == gateway);
            let mut ids: Vec<Hash> = taken
                .filter_map(|call| match call.told {
                    Told::Accepted(id) => Some(id),
                    _ => None,
                })
                .collect();
            ids.sort_unstable();
            ids.dedup();
            let mut put_down = |method, told| {
                let now = self.began.elapsed();
                history.calls.push(Call {
                    client: usize::MAX,
                    gateway,
                    began: now,
                    ended: now,
                    method,
                    told,
                });
            };
            let head = connection.batch("eth_blockNumber", &[json!([])]);
            let head = head.and_then(|head| gateway::quantity(&head[0]));
            put_down("eth_blockNumber", Told::Head(head.expect("a height")));
            for ids in ids.chunks(BATCH) {
                let params: Vec<Value> = ids.iter().map(|id| json!([id])).collect();
                let found = connection.batch("lockstep_getTransaction", &params);
                for found in found.expect("it runs") {
                    let told = gateway::status(&found).expect("a status");
                    put_down("lockstep_getTransaction", told);
                }
            }
        }
        history.audit = (from, self.began.elapsed() + Duration::from_nanos(1));
    }

    /// What the nodes have, up to the lowest of their heads.
    pub(crate) fn ending(&self, wire: &Wire, genesis_hash: Hash) -> Ending {
        let heights = (0..NODES).map(|node| self.network.height(node).expect("it runs"));
        let lowest = heights.min().expect("nodes");
        let mut ids = Vec::new();
        let mut chain = Vec::new();
        for node in 0..NODES {
            let blocks = self.chain(node, wire, lowest);
            ids.push(blocks.iter().map(|block| block.id).collect());
            if node == 0 {
                chain = blocks;
            }
        }
        let carried = chain.iter().flat_map(|block: &Block| &block.transactions);
        let carried: Vec<Hash> = carried.map(|entry| entry.id).collect();
        let mut gateways = self.gateways();
        let receipts = gateways
            .iter_mut()
            .map(|gateway| receipts(gateway, &carried));
        Ending {
            genesis: self.genesis(),
            genesis_hash,
            receipts: receipts.collect(),
            chain,
            ids,
        }
    }

    fn genesis(&self) -> BTreeMap<Address, u64> {
        let path = self.network.home(0).join("genesis.json");
        let document = std::fs::read_to_string(text(&path)).expect("a genesis");
        let document: Value = serde_json::from_str(&document).expect("JSON");
        let accounts = document["accounts"].as_array().expect("a list").iter();
        let account = |account: &Value| {
            let address = account["address"].as_str()?.parse().ok()?;
            Some((address, account["balance"].as_u64()?))
        };
        accounts
            .map(|found| account(found).expect("an account"))
            .collect()
    }

    /// As the node's peers pull it: whole blocks in canonical bytes.
    fn chain(&self, node: usize, wire: &Wire, until: u64) -> Vec<Block> {
        let url = format!("http://{}", self.network.peers[node]);
        let mut chain: Vec<Block> = Vec::new();
        while (chain.len() as u64) < until {
            let from = chain.len() as u64 + 1;
            let path = format!(
                "/sync/blocks?from={from}&limit={}",
                (until + 1 - from).min(50)
            );
            let answer = support::get(&url, &path);
            assert_eq!(answer.status, 200, "{}", answer.text());
            let blocks = wire.decode_blocks(&answer.body).expect("blocks");
            assert!(!blocks.is_empty(), "node {node} has no block {from}");
            chain.extend(blocks.iter().map(|decided| {
                let header = decided.block.header();
                Block {
                    height: header.height.0,
                    id: decided.block.id(),
                    parent: header.previous_block,
                    builder: header.proposer,
                    state_root: header.state_root,
                    transactions: decided
                        .block
                        .block()
                        .transactions
                        .iter()
                        .map(Into::into)
                        .collect(),
                }
            }));
        }
        chain
    }
}

fn receipts(gateway: &mut Gateway, ids: &[Hash]) -> BTreeMap<Hash, Receipt> {
    let mut all = BTreeMap::new();
    for ids in ids.chunks(BATCH) {
        let params: Vec<Value> = ids.iter().map(|id| json!([id])).collect();
        let found = gateway
            .batch("lockstep_getReceipt", &params)
            .expect("it runs");
        for found in found.iter().filter(|found| !found.is_null()) {
            if let Some(Told::Committed(receipt)) = gateway::receipt(found) {
                all.insert(receipt.id, receipt);
            }
        }
    }
    all
}
