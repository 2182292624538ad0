//! The links of a devnet as its user has them: each fault, on a devnet with or without proxies from its
//! start.
use super::{Devnet, DevnetError, Inner};
use crate::links::{Fault, Links, Traffic};

/// The links between the nodes of a devnet. The first fault puts proxies between them, unless
/// [`Builder::faulty_links`](crate::Builder::faulty_links) has; [`heal`](DevnetLinks::heal) takes those
/// out again.
#[derive(Clone, Copy)]
pub struct DevnetLinks<'a> {
    inner: &'a Inner,
}

type Done = Result<(), DevnetError>;

impl Devnet {
    /// The links between the nodes, which can be made faulty.
    pub fn links(&self) -> DevnetLinks<'_> {
        DevnetLinks { inner: &self.inner }
    }
}

impl DevnetLinks<'_> {
    /// Nodes of different groups do not hear each other; a node that is named in none is alone.
    /// Connections between them end at once.
    pub fn partition(&self, groups: &[&[usize]]) -> Done {
        let groups = groups.iter().map(|group| group.to_vec());
        self.inner.partition(groups.collect())
    }

    /// Every link works again: no fault of any kind is left.
    pub fn heal(&self) -> Done {
        self.inner.heal()
    }

    /// The links that are slow or lossy.
    pub fn faults(&self) -> Vec<Fault> {
        self.inner.shown_faults().1
    }

    /// Cuts one direction: `to` hears nothing of `from` any more.
    pub fn cut(&self, from: usize, to: usize) -> Done {
        self.between(from, to, |links| links.cut(from, to))
    }

    /// Connections to `node` are reset as they are opened. It still reaches the others.
    pub fn refuse(&self, node: usize) -> Done {
        self.between(node, node, |links| links.refuse(node))
    }

    /// Connections to `node` are accepted and never answered. It still reaches the others.
    pub fn blackhole(&self, node: usize) -> Done {
        self.between(node, node, |links| links.blackhole(node))
    }

    /// `node` hears the others, and answers them at one byte per second.
    pub fn one_byte_per_second(&self, node: usize) -> Done {
        self.between(node, node, |links| links.one_byte_per_second(node))
    }

    /// Every request of `from` to `to` takes so many milliseconds longer.
    pub fn delay(&self, from: usize, to: usize, ms: u64) -> Done {
        self.between(from, to, |links| links.delay(from, to, ms))
    }

    /// A request of `from` to `to` is lost with probability `p`: its connection closes before it is
    /// forwarded.
    pub fn drop_rate(&self, from: usize, to: usize, p: f64) -> Done {
        self.rate(p, from, to, |links| links.drop_rate(from, to, p))
    }

    /// A request of `from` to `to` loses its answer with probability `p`: `to` has handled it, and gets
    /// it again.
    pub fn duplicate_rate(&self, from: usize, to: usize, p: f64) -> Done {
        self.rate(p, from, to, |links| links.duplicate_rate(from, to, p))
    }

    /// A request of `from` to `to` arrives twice with probability `p`: once as its sender repeats it,
    /// and up to 250 ms later, behind newer ones.
    pub fn reorder_rate(&self, from: usize, to: usize, p: f64) -> Done {
        self.rate(p, from, to, |links| links.reorder_rate(from, to, p))
    }

    /// Requests of `from` to `to` with this path, such as `/consensus/proposal`, are answered 202 and go
    /// nowhere: as if `to` had taken them and lost them at once.
    pub fn swallow(&self, from: usize, to: usize, path: &str) -> Done {
        self.between(from, to, |links| links.swallow(from, to, path))
    }

    /// What has become of the requests of `from` to `to` with this path, as far as a proxy has seen
    /// them.
    pub fn traffic(&self, from: usize, to: usize, path: &str) -> Result<Traffic, DevnetError> {
        self.inner.runs(from)?;
        self.inner.runs(to)?;
        let seen = self.inner.seen_links(|links| links.traffic(from, to, path));
        Ok(seen.unwrap_or_default())
    }

    fn rate(&self, p: f64, from: usize, to: usize, change: impl FnOnce(&Links)) -> Done {
        if !(0.0..=1.0).contains(&p) {
            return Err(DevnetError::NoRate(p));
        }
        self.between(from, to, change)
    }

    fn between(&self, from: usize, to: usize, change: impl FnOnce(&Links)) -> Done {
        self.inner.runs(from)?;
        self.inner.runs(to)?;
        self.inner.with_links(change)
    }
}
