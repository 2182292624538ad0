//! Who has how much of the bytes that bodies of one kind may hold together: taken as they come, and
//! taken away from whoever holds most for longest, so that no client keeps others out by holding.
//!
//! A short body takes none: its connection's own share has room for it.
use super::answer_places::Asker;
use super::places::Merit;
use crate::limits::{BODY_FREE_BYTES, BODY_ROOM_PATIENCE};
use parking_lot::Mutex;
use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::time::Instant;

/// The bodies of one kind.
#[derive(Clone)]
pub(crate) struct Bodies {
    table: Arc<Mutex<Table>>,
    freed: Arc<Notify>,
}

/// One body's part, given back when dropped.
pub(crate) struct BodyPlace {
    all: Bodies,
    ticket: u64,
    pushed_out: Arc<Notify>,
}

/// Others have its part, or nobody gave up theirs in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoRoom;

impl Bodies {
    /// So many bytes together.
    pub(crate) fn new(bytes_max: usize) -> Bodies {
        Bodies {
            table: Arc::new(Mutex::new(Table {
                bytes_max,
                holders: BTreeMap::new(),
                next: 0,
            })),
            freed: Arc::default(),
        }
    }

    pub(super) fn open(&self, asker: &Asker) -> BodyPlace {
        let pushed_out = Arc::<Notify>::default();
        let mut table = self.table.lock();
        let ticket = table.next;
        table.next += 1;
        let holder = Holder {
            from: asker.from,
            merit: asker.merit,
            since: Instant::now(),
            bytes: 0,
            state: State::Coming,
            pushed_out: pushed_out.clone(),
        };
        table.holders.insert(ticket, holder);
        BodyPlace {
            all: self.clone(),
            ticket,
            pushed_out,
        }
    }
}

impl BodyPlace {
    /// Holds so many bytes from now on, once there is room for them.
    pub(super) async fn hold(&self, bytes: usize) -> Result<(), NoRoom> {
        let until = Instant::now() + BODY_ROOM_PATIENCE;
        loop {
            // Before looking: from now on no room is missed.
            let freed = self.all.freed.notified();
            let held = self
                .all
                .table
                .lock()
                .hold(self.ticket, bytes, Instant::now());
            match held {
                Ok(true) => return Ok(()),
                // Somebody is leaving, or soon over.
                Ok(false) => tokio::time::timeout_at(until, freed)
                    .await
                    .map_err(|_| NoRoom)?,
                Err(no_room) => return Err(no_room),
            }
        }
    }

    /// All of it has come: it is soon over, and nobody can take it away.
    pub(super) fn is_whole(&self) {
        if let Some(holder) = self.all.table.lock().holders.get_mut(&self.ticket) {
            holder.state = State::Whole;
        }
    }

    /// Somebody else has its part.
    pub(super) async fn pushed_out(&self) {
        self.pushed_out.notified().await;
    }
}

impl Drop for BodyPlace {
    fn drop(&mut self) {
        self.all.table.lock().holders.remove(&self.ticket);
        self.all.freed.notify_waiters();
    }
}

struct Table {
    bytes_max: usize,
    holders: BTreeMap<u64, Holder>,
    next: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Coming,
    Whole,
    /// It has been told to go.
    Leaving,
}

struct Holder {
    from: IpAddr,
    merit: Merit,
    since: Instant,
    bytes: usize,
    state: State,
    pushed_out: Arc<Notify>,
}

impl Table {
    /// Whether it holds so many bytes now; false if it will when those have gone that were told so.
    fn hold(&mut self, ticket: u64, bytes: usize, now: Instant) -> Result<bool, NoRoom> {
        let counted = bytes.saturating_sub(BODY_FREE_BYTES);
        let Some(asks) = self
            .holders
            .get(&ticket)
            .filter(|it| it.state != State::Leaving)
        else {
            return Err(NoRoom);
        };
        let (from, merit) = (asks.from, asks.merit);
        let others = self.holders.iter().filter(|(other, _)| **other != ticket);
        let (mut staying, mut leaving) = (0_usize, 0_usize);
        for (_, other) in others {
            match other.state {
                State::Leaving => leaving = leaving.saturating_add(other.bytes),
                State::Coming | State::Whole => staying = staying.saturating_add(other.bytes),
            }
        }
        while staying.saturating_add(counted) > self.bytes_max {
            let own = self.of(from).saturating_sub(self.bytes(ticket)) + counted;
            let Some(goes) = self.goes(ticket, (from, merit, own, counted), now) else {
                return Ok(false);
            };
            staying = staying.saturating_sub(self.bytes(goes));
            leaving = leaving.saturating_add(self.bytes(goes));
            if let Some(holder) = self.holders.get_mut(&goes) {
                holder.state = State::Leaving;
                holder.pushed_out.notify_one();
            }
        }
        let is_free = staying.saturating_add(leaving).saturating_add(counted) <= self.bytes_max;
        if let Some(asks) = self.holders.get_mut(&ticket).filter(|_| is_free) {
            asks.bytes = counted;
        }
        Ok(is_free)
    }

    fn bytes(&self, ticket: u64) -> usize {
        self.holders.get(&ticket).map_or(0, |holder| holder.bytes)
    }

    fn of(&self, from: IpAddr) -> usize {
        let of = self.holders.values().filter(|holder| holder.from == from);
        of.fold(0, |sum, holder| sum.saturating_add(holder.bytes))
    }

    /// Who goes for this one: of those that have shown least, from the address that holds most, whoever
    /// has held most for longest. Nobody goes for an address that holds as much itself, or for a body
    /// of the same address that has held more.
    fn goes(
        &self,
        ticket: u64,
        (from, merit, own, counted): (IpAddr, Merit, usize, usize),
        now: Instant,
    ) -> Option<u64> {
        let held = |holder: &Holder| {
            let age = now.duration_since(holder.since).as_millis();
            (holder.bytes as u128).saturating_mul(age.saturating_add(1))
        };
        let asks = self.holders.get(&ticket)?;
        let age = now.duration_since(asks.since).as_millis().saturating_add(1);
        let asks = (counted as u128).saturating_mul(age);
        let mut of = BTreeMap::<IpAddr, usize>::new();
        for holder in self.holders.values() {
            *of.entry(holder.from).or_default() += holder.bytes;
        }
        let of = |from: IpAddr| of.get(&from).copied().unwrap_or_default();
        let candidates = self.holders.iter().filter(|(other, holder)| {
            let may_go = match holder.merit.cmp(&merit) {
                Ordering::Less => true,
                Ordering::Equal if holder.from == from => held(holder) > asks,
                Ordering::Equal => of(holder.from) > own,
                Ordering::Greater => false,
            };
            **other != ticket && holder.state == State::Coming && holder.bytes > 0 && may_go
        });
        let rank =
            |(_, holder): &(&u64, &Holder)| (Reverse(holder.merit), of(holder.from), held(holder));
        candidates.max_by_key(rank).map(|(other, _)| *other)
    }
}

#[cfg(test)]
mod tests;
