//! The filters of clients that poll: what each was told last. A filter lives in this process for as
//! long as somebody asks for it; whoever comes later makes another one.
use crate::limits::{FILTER_UNASKED_MAX, FILTERS_MAX};
use lockstep_protocol::types::Height;
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::IpAddr;
use tokio::time::Instant;

/// What a filter tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// The ids of new blocks, from this height on.
    Blocks(Height),
    /// Nothing, ever: no transaction leaves logs.
    Logs,
}

#[derive(Clone, Copy, Debug)]
struct Filter {
    of: IpAddr,
    told: Told,
    /// Since it was made.
    was_asked: bool,
    /// Or made, if it never was.
    asked_at: Instant,
}

/// All filters of one listener.
#[derive(Debug, Default)]
pub(in crate::rpc_gateway) struct Filters(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    all: BTreeMap<u64, Filter>,
    /// Whoever guessed the id of another client's filter would take away what that is told.
    seed: RandomState,
    made: u64,
}

impl Filters {
    /// A new one, and whether another had to give way to it.
    pub(super) fn begin(&self, of: IpAddr, told: Told, now: Instant) -> (u64, bool) {
        let mut table = self.0.lock();
        let is_asked = |filter: &Filter| now.duration_since(filter.asked_at) < FILTER_UNASKED_MAX;
        table.all.retain(|_, filter| is_asked(filter));
        let least = (table.all.len() >= FILTERS_MAX).then(|| table.least());
        let gone = least.flatten().and_then(|id| table.all.remove(&id));
        let asked_at = now;
        let id = table.draw();
        let was_asked = false;
        table.all.insert(
            id,
            Filter {
                of,
                told,
                was_asked,
                asked_at,
            },
        );
        (id, gone.is_some())
    }

    /// What it tells next; `None` if there is none of this id.
    pub(super) fn ask(&self, id: u64, now: Instant) -> Option<Told> {
        let mut table = self.0.lock();
        let filter = table.all.get_mut(&id)?;
        if now.duration_since(filter.asked_at) >= FILTER_UNASKED_MAX {
            table.all.remove(&id);
            return None;
        }
        (filter.was_asked, filter.asked_at) = (true, now);
        Some(filter.told)
    }

    /// All blocks below this height were told.
    pub(super) fn told_to(&self, id: u64, next: Height) {
        if let Some(filter) = self.0.lock().all.get_mut(&id)
            && let Told::Blocks(from) = &mut filter.told
        {
            *from = next.max(*from);
        }
    }

    /// False if there is none of this id.
    pub(super) fn end(&self, id: u64) -> bool {
        self.0.lock().all.remove(&id).is_some()
    }
}

impl Table {
    /// Of the address that has most, one that was never asked before one that was: a flood makes
    /// filters and asks none. Then the one that was not asked for longest.
    fn least(&self) -> Option<u64> {
        let mut count: HashMap<IpAddr, usize> = HashMap::new();
        for filter in self.all.values() {
            *count.entry(filter.of).or_default() += 1;
        }
        let most = count.values().copied().max()?;
        let crowd = self.all.iter();
        let crowd = crowd.filter(|(_, filter)| count.get(&filter.of) == Some(&most));
        crowd
            .min_by_key(|(_, filter)| (filter.was_asked, filter.asked_at))
            .map(|(id, _)| *id)
    }

    fn draw(&mut self) -> u64 {
        loop {
            self.made = self.made.wrapping_add(1);
            let mut hasher = self.seed.build_hasher();
            hasher.write_u64(self.made);
            let id = hasher.finish();
            if !self.all.contains_key(&id) {
                return id;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;
    use std::time::Duration;

    fn address(last: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, last).into()
    }

    #[test]
    fn a_filter_lives_as_long_as_it_is_asked_for() {
        let (filters, now) = (Filters::default(), Instant::now());
        let (id, _) = filters.begin(address(1), Told::Blocks(Height(4)), now);
        let nearly = FILTER_UNASKED_MAX - Duration::from_millis(1);
        assert_eq!(filters.ask(id, now + nearly), Some(Told::Blocks(Height(4))));
        filters.told_to(id, Height(9));
        filters.told_to(id, Height(7));
        let later = now + nearly + nearly;
        assert_eq!(filters.ask(id, later), Some(Told::Blocks(Height(9))));
        assert_eq!(filters.ask(id, later + FILTER_UNASKED_MAX), None);
        assert!(!filters.end(id), "it is gone");
    }

    #[test]
    fn a_crowd_of_one_address_takes_the_places_of_its_own_filters_only() {
        let (filters, now) = (Filters::default(), Instant::now());
        let (honest, _) = filters.begin(address(1), Told::Logs, now);
        let (first, _) = filters.begin(address(2), Told::Logs, now);
        let mut gave_way = 0;
        for made in 0..2 * FILTERS_MAX {
            let at = now + Duration::from_millis(made as u64 % 1_000);
            gave_way += usize::from(filters.begin(address(2), Told::Logs, at).1);
        }
        assert_eq!(gave_way, FILTERS_MAX + 2);
        assert_eq!(filters.0.lock().all.len(), FILTERS_MAX);
        assert_eq!(filters.ask(honest, now), Some(Told::Logs));
        assert_eq!(filters.ask(first, now), None);
    }

    /// On loopback, and behind a proxy that says nothing of whom it stands for, all are one address.
    #[test]
    fn a_crowd_leaves_those_filters_of_its_own_address_that_somebody_asks() {
        let (filters, now) = (Filters::default(), Instant::now());
        let (asked, _) = filters.begin(address(1), Told::Logs, now);
        assert_eq!(filters.ask(asked, now), Some(Told::Logs));
        for made in 0..2 * FILTERS_MAX {
            let at = now + Duration::from_millis(1 + made as u64 % 1_000);
            filters.begin(address(1), Told::Logs, at);
        }
        assert_eq!(filters.ask(asked, now), Some(Told::Logs));
    }

    #[test]
    fn ids_are_not_those_that_come_next() {
        let (filters, now) = (Filters::default(), Instant::now());
        let ids: Vec<u64> = (0..3)
            .map(|_| filters.begin(address(1), Told::Logs, now).0)
            .collect();
        assert!(ids.windows(2).all(|pair| pair[0].abs_diff(pair[1]) > 1_000));
    }
}
