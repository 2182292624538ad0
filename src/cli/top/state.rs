//! What the view knows: of each node what it last answered and since when it is away, and the newest
//! blocks. A plain value: answers are put in with the time at which they came, and pictures are
//! drawn from it. Nothing here grows with the age of the view.
use super::shapes::{Devnet, Set, Status, Timeline};
use crate::limits::{TOP_BLOCKS_MAX, TOP_NODES_MAX, TOP_TIMELINES_MAX};
use std::collections::{BTreeMap, VecDeque};

/// Milliseconds since the view began.
pub(crate) type Moment = u64;

/// Heights are whole numbers: over a shorter time a rate would jump.
const RATE_MS: u64 = 3_000;
/// Samples of heights, two a second.
const SAMPLES_MAX: usize = 24;
/// What is said was asked for at most so long before: a request that takes longer has failed.
const ANSWER_MAX_MS: u64 = 1_000;
/// Heights by which the node that leads may be behind another.
const APART_MAX: u64 = 2;
/// State roots of each node that are compared.
const ROOTS_MAX: usize = 8;

/// Why a node gives no answer that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    Unreachable(String),
    Slow(String),
    Nonsense(String),
}

impl Trouble {
    pub(crate) fn words(&self) -> &str {
        match self {
            Trouble::Unreachable(why) | Trouble::Slow(why) | Trouble::Nonsense(why) => why,
        }
    }
}

/// A node that is asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Node {
    pub(crate) url: String,
    pub(crate) status: Option<Status>,
    pub(crate) seen_at: Option<Moment>,
    pub(crate) away_since: Option<Moment>,
    pub(crate) trouble: Option<Trouble>,
    pub(crate) timelines: BTreeMap<u64, Timeline>,
    pub(crate) is_foreign: bool,
    /// It is a node that another URL leads to.
    pub(crate) is_double: bool,
    failures: u32,
    roots: VecDeque<(u64, String)>,
    samples: VecDeque<(Moment, u64)>,
}

/// A block as the strip shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) proposer: Option<String>,
    pub(crate) round: u64,
    pub(crate) took_us: Option<i64>,
    decided_at_us: i64,
}

/// What came of the last order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) words: String,
    pub(crate) is_good: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    pub(crate) nodes: Vec<Node>,
    pub(crate) set: Option<Set>,
    pub(crate) devnet: Option<Devnet>,
    pub(crate) is_devnet: Option<bool>,
    pub(crate) interval_ms: Option<u64>,
    pub(crate) blocks: BTreeMap<u64, Block>,
    pub(crate) selected: usize,
    pub(crate) shows_help: bool,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) log: Vec<String>,
    genesis: Option<String>,
}

impl Node {
    pub(crate) fn at(url: &str) -> Node {
        let url = url.to_owned();
        Node {
            url,
            ..Node::default()
        }
    }

    pub(crate) fn is_away(&self) -> bool {
        self.away_since.is_some()
    }

    /// It answers, and for this chain.
    pub(crate) fn is_here(&self) -> bool {
        self.status.is_some() && !self.is_away() && !self.is_foreign && !self.is_double
    }

    /// What it says, while it is here.
    pub(crate) fn here(&self) -> Option<&Status> {
        self.status.as_ref().filter(|_| self.is_here())
    }

    pub(crate) fn height(&self) -> u64 {
        self.status.as_ref().map_or(0, |status| status.height)
    }

    fn answered(&mut self, status: Status, now: Moment) {
        if status.height < self.height() {
            self.samples.clear();
        }
        push(&mut self.samples, (now, status.height), SAMPLES_MAX);
        let root = (status.height, status.state_root.clone());
        if self.roots.back() != Some(&root) {
            push(&mut self.roots, root, ROOTS_MAX);
        }
        self.status = Some(status);
        self.seen_at = Some(now);
        (self.away_since, self.trouble, self.failures) = (None, None, 0);
    }

    fn failed(&mut self, trouble: Trouble, now: Moment) {
        self.failures = self.failures.saturating_add(1);
        let is_late = matches!(trouble, Trouble::Slow(_));
        self.trouble = Some(trouble);
        // One late answer is no absence: the machine may be busy.
        if is_late && self.failures < 2 {
            return;
        }
        self.away_since.get_or_insert(now);
        self.samples.clear();
    }

    /// By how many heights it is behind another, at least: what it says is held against what the other
    /// had said before it was asked. Nodes are heard one after the other, so of a healthy chain their
    /// newest heights are apart.
    pub(crate) fn behind(&self, other: &Node) -> u64 {
        let asked_at = self.seen_at.and_then(|at| at.checked_sub(ANSWER_MAX_MS));
        let said = |asked_at| other.samples.iter().rev().find(|(at, _)| *at <= asked_at);
        let said = asked_at.and_then(said);
        said.map_or(0, |(_, height)| height.saturating_sub(self.height()))
    }

    /// Blocks a second, as its heights rise.
    pub(crate) fn block_rate(&self) -> Option<f64> {
        let ((from, low), (to, high)) = (self.samples.front()?, self.samples.back()?);
        let ms = to.saturating_sub(*from);
        let blocks = high.saturating_sub(*low) as f64;
        (ms >= RATE_MS).then(|| blocks * 1e3 / ms as f64)
    }

    /// The state that it had at a height, as far as that is kept.
    pub(crate) fn root_at(&self, height: u64) -> Option<&str> {
        let found = self.roots.iter().find(|(at, _)| *at == height);
        found.map(|(_, root)| root.as_str())
    }
}

fn push<T>(queue: &mut VecDeque<T>, value: T, max: usize) {
    queue.push_back(value);
    while queue.len() > max {
        queue.pop_front();
    }
}

impl State {
    /// A further node is asked. The place of a new one, if there is room.
    pub(crate) fn meet(&mut self, url: &str) -> Option<usize> {
        let known = self.nodes.iter().any(|node| node.url == url);
        if known || self.nodes.len() >= TOP_NODES_MAX {
            return None;
        }
        self.nodes.push(Node::at(url));
        Some(self.nodes.len() - 1)
    }

    /// A node has answered.
    pub(crate) fn status(&mut self, place: usize, status: Status, now: Moment) {
        let mut others = self.nodes.iter().enumerate();
        let nobody = !others.any(|(at, node)| at != place && node.is_here());
        if self.genesis.as_ref() != Some(&status.genesis_hash) && nobody {
            // Nobody else speaks for the chain that was: this one is shown now.
            self.genesis = Some(status.genesis_hash.clone());
            self.set = None;
            self.blocks.clear();
            self.nodes
                .iter_mut()
                .for_each(|node| node.timelines.clear());
        }
        let is_foreign = self.genesis.as_ref() != Some(&status.genesis_hash);
        let before = self.nodes.iter().take(place);
        let same = |node: &Node| {
            let told = node.here().and_then(|told| told.validator.as_ref());
            told.is_some() && told == status.validator.as_ref()
        };
        let is_double = before.into_iter().any(same);
        if let Some(node) = self.nodes.get_mut(place) {
            node.is_foreign = is_foreign;
            node.is_double = is_double && !is_foreign;
            node.answered(status, now);
        }
    }

    pub(crate) fn failed(&mut self, place: usize, trouble: Trouble, now: Moment) {
        if let Some(node) = self.nodes.get_mut(place) {
            node.failed(trouble, now);
        }
    }

    /// What a node did at a height. Blocks are taken from the one that leads.
    pub(crate) fn timeline(&mut self, place: usize, timeline: Timeline) {
        let leads = self.lead() == Some(place);
        let Some(node) = self.nodes.get_mut(place).filter(|node| !node.is_foreign) else {
            return;
        };
        if let Some(decided_at_us) = timeline.decided_at_us().filter(|_| leads) {
            let (proposer, round) = timeline.proposer();
            let took_us = timeline.took_us();
            let block = Block {
                proposer,
                round,
                took_us,
                decided_at_us,
            };
            self.blocks.insert(timeline.height, block);
            while self.blocks.len() > TOP_BLOCKS_MAX {
                self.blocks.pop_first();
            }
        }
        node.timelines.insert(timeline.height, timeline);
        while node.timelines.len() > TOP_TIMELINES_MAX {
            node.timelines.pop_first();
        }
    }

    pub(crate) fn devnet(&mut self, devnet: Option<Devnet>) {
        self.is_devnet = Some(devnet.is_some());
        if let Some(devnet) = &devnet {
            self.interval_ms = devnet.pace_ms;
        }
        self.devnet = devnet;
    }

    /// The node that figures of the chain are taken from: the first, unless it is behind.
    pub(crate) fn lead(&self) -> Option<usize> {
        let mut best: Option<usize> = None;
        for (place, node) in self.nodes.iter().enumerate() {
            let ahead = |best: usize| self.nodes[best].behind(node) > APART_MAX;
            if node.is_here() && best.is_none_or(ahead) {
                best = Some(place);
            }
        }
        best
    }

    pub(crate) fn lead_node(&self) -> Option<&Node> {
        self.lead().and_then(|place| self.nodes.get(place))
    }

    /// The node of a validator.
    pub(crate) fn node_of(&self, address: &str) -> Option<&Node> {
        let validates = |node: &&Node| {
            let told = node.status.as_ref();
            let told = told.and_then(|status| status.validator.as_deref());
            told == Some(address) && !node.is_double
        };
        let url = || self.devnet_node(address).map(|known| known.url.as_str());
        let at = |url: &str| self.nodes.iter().find(|node| node.url == url);
        self.nodes.iter().find(validates).or_else(|| at(url()?))
    }

    pub(crate) fn devnet_node(&self, address: &str) -> Option<&super::shapes::DevnetNode> {
        let mut nodes = self.devnet.iter().flat_map(|devnet| &devnet.nodes);
        nodes.find(|node| node.validator == address)
    }

    /// What people call a validator.
    pub(crate) fn name_of(&self, address: &str) -> String {
        match self.devnet_node(address) {
            Some(node) => format!("node {}", node.index),
            None => short(address),
        }
    }

    /// Milliseconds since the newest block, by the clock of the node that knows of the newest one:
    /// another may be late to say so. Of the time since a node has answered `unheard_max` counts.
    pub(crate) fn block_age_ms(&self, now: Moment, unheard_max: u64) -> Option<u64> {
        let age = |node: &Node| {
            let status = node.here().filter(|status| status.height > 0)?;
            let then = status.time.saturating_sub(status.latest_block_time);
            let unheard = now.saturating_sub(node.seen_at?).min(unheard_max);
            Some(then.saturating_add(unheard))
        };
        self.nodes.iter().filter_map(age).min()
    }

    /// Milliseconds between neighbours, oldest first.
    pub(crate) fn intervals_ms(&self, count: usize) -> Vec<u64> {
        let heights = self.blocks.keys().rev().take(count);
        let between = heights.filter_map(|height| self.interval_ms(*height));
        let mut between: Vec<u64> = between.collect();
        between.reverse();
        between
    }

    /// Milliseconds from the block before to this one, if both are known.
    pub(crate) fn interval_ms(&self, height: u64) -> Option<u64> {
        let decided_at_us = |height: u64| Some(self.blocks.get(&height)?.decided_at_us);
        let us = decided_at_us(height)?.saturating_sub(decided_at_us(height.checked_sub(1)?)?);
        Some(u64::try_from(us / 1_000).unwrap_or(0))
    }

    /// What stands so far up among the times from a proposal to its decision; 0.5 is the middle.
    pub(crate) fn commit_us(&self, part: f64) -> Option<i64> {
        let mut took: Vec<i64> = self.blocks.values().filter_map(|it| it.took_us).collect();
        took.sort_unstable();
        let place = (part * took.len() as f64) as usize;
        took.get(place.min(took.len().saturating_sub(1))).copied()
    }
}

/// The beginning of a hash or an address.
pub(crate) fn short(hex: &str) -> String {
    const DIGITS: usize = 10;
    match hex.chars().count() > DIGITS + 1 {
        true => hex.chars().take(DIGITS).chain(['…']).collect(),
        false => hex.to_owned(),
    }
}
