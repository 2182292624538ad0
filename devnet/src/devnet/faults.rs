//! Faults of the links between the nodes; the page of the module `links` says what each does to a
//! request. All of these need [`Builder::faulty_links`](crate::Builder::faulty_links) and panic
//! without it, as they do for a node that there is not.
use super::Devnet;
use crate::links::{Links, Traffic};

impl Devnet {
    fn links(&self) -> &Links {
        let links = self.inner.links.as_ref();
        links.expect("boot the devnet with Builder::faulty_links to make its links faulty")
    }

    /// These nodes and those cannot reach each other; one that is named in neither is alone.
    /// Connections between them end at once.
    pub fn partition(&self, these: &[usize], those: &[usize]) {
        self.partition_into(&[these, those]);
    }

    /// The same with any number of groups.
    pub fn partition_into(&self, groups: &[&[usize]]) {
        self.links().partition(groups);
    }

    /// Every link works again: no fault of any kind is left.
    pub fn heal(&self) {
        self.links().heal();
    }

    /// Cuts one direction: node `to` hears nothing of `from` any more.
    pub fn cut(&self, from: usize, to: usize) {
        self.links().cut(from, to);
    }

    /// Connections to `node` are reset as they are opened. It still reaches the others.
    pub fn refuse(&self, node: usize) {
        self.links().refuse(node);
    }

    /// Connections to `node` are accepted and never answered. It still reaches the others.
    pub fn blackhole(&self, node: usize) {
        self.links().blackhole(node);
    }

    /// `node` hears the others, and answers them at one byte per second.
    pub fn one_byte_per_second(&self, node: usize) {
        self.links().one_byte_per_second(node);
    }

    /// Every request of `from` to `to` takes so many milliseconds longer.
    pub fn delay(&self, from: usize, to: usize, ms: u64) {
        self.links().delay(from, to, ms);
    }

    /// A request of `from` to `to` is lost with probability `p`, in 0 to 1: its connection closes
    /// before it is forwarded.
    pub fn drop_rate(&self, from: usize, to: usize, p: f64) {
        self.links().drop_rate(from, to, p);
    }

    /// A request of `from` to `to` loses its answer with probability `p`, in 0 to 1: `to` has
    /// handled it, and gets it again.
    pub fn duplicate_rate(&self, from: usize, to: usize, p: f64) {
        self.links().duplicate_rate(from, to, p);
    }

    /// A request of `from` to `to` arrives twice with probability `p`, in 0 to 1: once as its
    /// sender repeats it, and up to 250 ms later, behind newer ones.
    pub fn reorder_rate(&self, from: usize, to: usize, p: f64) {
        self.links().reorder_rate(from, to, p);
    }

    /// Requests of `from` to `to` with this path, such as `/consensus/proposal`, are answered 202
    /// and go nowhere: as if `to` had taken them and lost them at once.
    pub fn swallow(&self, from: usize, to: usize, path: &str) {
        self.links().swallow(from, to, path);
    }

    /// What has become of the requests of `from` to `to` with this path since the boot.
    pub fn traffic(&self, from: usize, to: usize, path: &str) -> Traffic {
        self.links().traffic(from, to, path)
    }
}
