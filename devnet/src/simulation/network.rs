//! The wires: seeded delay, loss, duplicates, one-way cuts and partitions.
use super::random::Random;

/// How wires behave, in microseconds and thousandths.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Links {
    /// The shortest way.
    pub(crate) delay_min_us: u64,
    /// The longest way; messages overtake each other in between.
    pub(crate) delay_max_us: u64,
    /// How many of a thousand messages are lost.
    pub(crate) loss_permille: u64,
    /// How many of a thousand arrive twice.
    pub(crate) duplicates_permille: u64,
}

impl Links {
    /// When no faults are left.
    pub(crate) const CALM: Links = Links {
        delay_min_us: 500,
        delay_max_us: 5_000,
        loss_permille: 0,
        duplicates_permille: 0,
    };
}

/// All wires.
pub(crate) struct Network {
    pub(crate) links: Links,
    /// Nodes of different groups do not hear each other.
    pub(crate) groups: Vec<u8>,
    cuts: Vec<bool>,
    nodes: usize,
    random: Random,
}

impl Network {
    pub(crate) fn new(nodes: usize, links: Links, random: Random) -> Network {
        Network {
            links,
            groups: vec![0; nodes],
            cuts: vec![false; nodes * nodes],
            nodes,
            random,
        }
    }

    /// Cuts or mends the way from one node to another, not the way back.
    pub(crate) fn cut(&mut self, from: usize, to: usize, is_cut: bool) {
        self.cuts[from * self.nodes + to] = is_cut;
    }

    /// No faults any more.
    pub(crate) fn calm(&mut self) {
        self.links = Links::CALM;
        self.groups.fill(0);
        self.cuts.fill(false);
    }

    /// After how many microseconds a message arrives: never, once, or twice.
    pub(crate) fn arrivals(&mut self, from: usize, to: usize) -> [Option<u64>; 2] {
        let unreachable = self.groups[from] != self.groups[to] || self.cuts[from * self.nodes + to];
        let links = self.links;
        if unreachable || (links.loss_permille > 0 && self.random.chance(links.loss_permille)) {
            return [None, None];
        }
        let mut delay = || self.random.between(links.delay_min_us, links.delay_max_us);
        let first = Some(delay());
        let second = delay();
        let twice = links.duplicates_permille > 0 && self.random.chance(links.duplicates_permille);
        [first, twice.then_some(second)]
    }
}
