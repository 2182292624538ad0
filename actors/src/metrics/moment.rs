//! What is so at the moment of a scrape, and is looked up for it.
use super::Metrics;
use super::labels::Member;
use crate::view::{NodeView, PeerView};
use lockstep_protocol::types::Address;
use lockstep_protocol::validators::set::ValidatorSet;
use std::collections::BTreeSet;

/// What a scrape has found.
pub(crate) struct Moment<'a> {
    pub(crate) me: Address,
    pub(crate) view: &'a NodeView,
    /// Whether `/readyz` would say so.
    pub(crate) ready: bool,
    /// Bytes of the disk that are taken, and all, as far as they are known.
    pub(crate) disk: Option<[u64; 2]>,
    /// The same of the database's map.
    pub(crate) map: Option<[u64; 2]>,
}

fn of_validator(address: &Address) -> Member {
    [("validator", address.to_string())]
}

fn figure<T: TryInto<i64>>(number: T) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

impl Metrics {
    /// Shows it from here on.
    pub(crate) fn show(&self, moment: &Moment<'_>) {
        let view = moment.view.copy();
        let set = moment.view.validators().current().clone();
        let peers = moment.view.peers();
        let age = moment.view.head_since().elapsed().as_secs_f64();
        self.last_block_age.set(age);
        self.observing.set(i64::from(view.observing.is_some()));
        self.halted.set(i64::from(view.halted.is_some()));
        self.catching_up.set(i64::from(view.catching_up));
        self.ready.set(i64::from(moment.ready));
        self.peers.set(figure(peers.len()));
        let reachable = peers.iter().filter(|peer| peer.reachable);
        self.peers_reachable.set(figure(reachable.count()));
        self.show_validators(&set, moment.me, &peers);
        self.show_clocks(&peers);
        if let Some([taken, whole]) = moment.disk {
            self.disk_free_bytes
                .set(figure(whole.saturating_sub(taken)));
            self.disk_bytes.set(figure(whole));
        }
        if let Some([taken, whole]) = moment.map {
            self.database_bytes.set(figure(taken));
            self.database_map_bytes.set(figure(whole));
        }
    }

    fn show_validators(&self, set: &ValidatorSet, me: Address, peers: &[PeerView]) {
        let reachable = peers.iter().filter(|peer| peer.reachable);
        let here: BTreeSet<Address> = reachable.map(|peer| peer.address).chain([me]).collect();
        let here = set
            .iter()
            .filter(|validator| here.contains(&validator.address));
        let power: u64 = here.map(|validator| validator.power).sum();
        self.power_reachable
            .set(power as f64 / set.total().max(1) as f64);
        // Who has left the set is shown no more.
        let mut members = self.members.lock();
        self.validator_power.clear();
        for validator in set.iter() {
            let label = of_validator(&validator.address);
            drop(self.votes_missed.get_or_create(&label));
            members.insert(validator.address);
            let power = figure(validator.power);
            self.validator_power.get_or_create(&label).set(power);
        }
    }

    fn show_clocks(&self, peers: &[PeerView]) {
        self.clock_of_peer.clear();
        for peer in peers {
            if let Some(ms) = peer.clock_difference_ms {
                let label = [("peer", peer.address.to_string())];
                self.clock_of_peer
                    .get_or_create(&label)
                    .set(ms as f64 / 1e3);
            }
        }
    }

    /// A height was decided here by votes, and none came from these of its validators.
    pub(crate) fn votes_missed(&self, silent: &[Address], set: &ValidatorSet) {
        let mut members = self.members.lock();
        let left = members.extract_if(.., |member| set.index_of(member).is_none());
        for left in left.collect::<Vec<_>>() {
            self.votes_missed.remove(&of_validator(&left));
        }
        for address in silent.iter().filter(|it| set.index_of(it).is_some()) {
            members.insert(*address);
            self.votes_missed
                .get_or_create(&of_validator(address))
                .inc();
        }
    }
}
