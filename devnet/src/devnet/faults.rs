//! Faults of links in a devnet that was booted without any. The proxies of [`Links`] cost each message
//! another way through the kernel, so they are put in with the first fault, and taken out when all is
//! healed: the nodes are told other addresses of their peers, as an operator may tell them.
use super::{Devnet, DevnetError, Inner};
use crate::links::{Fault, Links};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The chance of links that were put in later. Equal orders lose equal shares.
const SEED: u64 = 1;
/// How long it may take a node to hear where its peers are now.
const RELINK_PATIENCE: Duration = Duration::from_secs(2);
/// … and how often it is looked at.
const RELINK_LOOK: Duration = Duration::from_millis(1);

/// What is so at the moment.
#[derive(Default)]
pub(super) struct Faults {
    /// Those that were put in.
    links: Option<Arc<Links>>,
    /// Who hears whom.
    groups: Option<Vec<Vec<usize>>>,
}

impl Faults {
    pub(super) fn links(&self) -> Option<Arc<Links>> {
        self.links.clone()
    }
}

impl Devnet {
    /// Nodes of different groups do not hear each other; a node that is named in none is alone.
    pub fn partition(&self, groups: &[&[usize]]) -> Result<(), DevnetError> {
        self.inner
            .partition(groups.iter().map(|group| group.to_vec()).collect())
    }

    /// Every link works again: no fault of any kind is left.
    pub fn heal(&self) -> Result<(), DevnetError> {
        self.inner.heal()
    }

    /// Every request of the first to the second takes so many milliseconds longer; without a link,
    /// every request of everybody.
    pub fn delay(&self, link: Option<(usize, usize)>, ms: u64) -> Result<(), DevnetError> {
        self.inner
            .on_links(link, |links, from, to| links.delay(from, to, ms))
    }

    /// Of a thousand requests of the first to the second so many are lost; without a link, of
    /// everybody's.
    pub fn lose(&self, link: Option<(usize, usize)>, per_thousand: u64) -> Result<(), DevnetError> {
        self.inner
            .on_links(link, |links, from, to| links.lose(from, to, per_thousand))
    }
}

impl Inner {
    pub(super) fn partition(&self, groups: Vec<Vec<usize>>) -> Result<(), DevnetError> {
        groups
            .iter()
            .flatten()
            .try_for_each(|node| self.demand(*node))?;
        self.with_links(|links| {
            let groups: Vec<&[usize]> = groups.iter().map(Vec::as_slice).collect();
            links.partition(&groups);
        })?;
        self.faults.lock().groups = Some(groups);
        Ok(())
    }

    pub(super) fn on_links(
        &self,
        link: Option<(usize, usize)>,
        change: impl Fn(&Links, usize, usize),
    ) -> Result<(), DevnetError> {
        let all = 0..self.nodes.len();
        let pairs: Vec<(usize, usize)> = match link {
            Some((from, to)) => {
                self.demand(from)?;
                self.demand(to)?;
                vec![(from, to)]
            }
            None => all
                .clone()
                .flat_map(|from| all.clone().map(move |to| (from, to)))
                .collect(),
        };
        self.with_links(|links| {
            pairs
                .iter()
                .for_each(|(from, to)| change(links, *from, *to))
        })
    }

    fn demand(&self, node: usize) -> Result<(), DevnetError> {
        self.runs(node).map(|_| ())
    }

    pub(super) fn heal(&self) -> Result<(), DevnetError> {
        let going = self.orders.lock();
        if *going {
            return Err(DevnetError::Going);
        }
        self.faults.lock().groups = None;
        if let Some(links) = &self.links {
            links.heal();
        }
        let put_in = self.faults.lock().links();
        if let Some(links) = put_in {
            // What is on its way still arrives.
            links.heal();
            self.relink(None);
            self.faults.lock().links = None;
        }
        Ok(())
    }

    /// What the links show, if proxies stand between the nodes.
    pub(super) fn seen_links<T>(&self, look: impl FnOnce(&Links) -> T) -> Option<T> {
        let put_in = self.faults.lock().links();
        self.links.as_ref().or(put_in.as_deref()).map(look)
    }

    /// Changes the links; puts them in first where there are none. They are as they are to be before
    /// any node uses them.
    pub(super) fn with_links(&self, change: impl FnOnce(&Links)) -> Result<(), DevnetError> {
        let going = self.orders.lock();
        if *going {
            return Err(DevnetError::Going);
        }
        let put_in = self.faults.lock().links();
        if let Some(links) = self.links.as_ref().or(put_in.as_deref()) {
            change(links);
            return Ok(());
        }
        let nodes: Vec<SocketAddr> = self.peers.iter().map(|peer| peer.1).collect();
        let links = Arc::new(Links::start(&nodes, SEED).map_err(DevnetError::Links)?);
        change(&links);
        self.faults.lock().links = Some(links.clone());
        self.relink(Some(&links));
        Ok(())
    }

    /// Tells all nodes that run where their peers are, and waits until they have heard it.
    fn relink(&self, links: Option<&Links>) {
        let mut awaited = Vec::new();
        for (index, node) in self.nodes.iter().enumerate() {
            let node = node.lock();
            let Some(node) = node.as_ref().filter(|node| !node.has_ended()) else {
                continue;
            };
            let peers = self.peers_through(index, links);
            let urls: Vec<String> = peers.iter().map(|peer| peer.url()).collect();
            node.connect(peers);
            awaited.push((node.view().clone(), urls));
        }
        let until = Instant::now() + RELINK_PATIENCE;
        while Instant::now() < until {
            awaited.retain(|(view, urls)| {
                let linked = view.peers();
                !urls
                    .iter()
                    .all(|url| linked.iter().any(|peer| peer.url == *url))
            });
            if awaited.is_empty() {
                return;
            }
            std::thread::sleep(RELINK_LOOK);
        }
    }

    /// Who hears whom, and which links are slow or lossy.
    pub(super) fn shown_faults(&self) -> (Option<Vec<Vec<usize>>>, Vec<Fault>) {
        let faults = self.faults.lock();
        let links = self.links.as_ref().or(faults.links.as_deref());
        (
            faults.groups.clone(),
            links.map(Links::faults).unwrap_or_default(),
        )
    }
}
