//! Who has had how much, and whose turn it is. A plain value.
use crate::limits::TURN_CREDIT;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

/// A connection, and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whose {
    pub(super) from: IpAddr,
    pub(super) connection: u64,
}

/// Nanoseconds of the thread that somebody has had, counted from where it began.
type Had = u64;

/// So far before the last turn begins whoever comes anew, or comes back.
const CREDIT: Had = TURN_CREDIT.as_nanos() as Had;

#[derive(Debug, Default)]
pub(super) struct Shares {
    addresses: BTreeMap<IpAddr, Address>,
    /// Addresses with something to do.
    queue: BTreeSet<(Had, IpAddr)>,
    /// What the address with the last turn had had.
    floor: Had,
}

#[derive(Debug, Default)]
struct Address {
    had: Had,
    connections: BTreeMap<u64, Connection>,
    /// Its tasks with something to do.
    queue: BTreeSet<Place>,
    floor: Had,
    order: u64,
}

#[derive(Debug, Default)]
struct Connection {
    had: Had,
    tasks: usize,
    /// Of its tasks, those that have something to do.
    ready: BTreeMap<u64, Place>,
}

/// A task's place: behind those whose connections had had less, and those that came before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    had: Had,
    order: u64,
    connection: u64,
    task: u64,
}

impl Shares {
    /// A task of this connection begins.
    pub(super) fn enter(&mut self, whose: Whose) {
        let address = self.addresses.entry(whose.from).or_default();
        address
            .connections
            .entry(whose.connection)
            .or_default()
            .tasks += 1;
    }

    /// A task has something to do.
    pub(super) fn ready(&mut self, whose: Whose, task: u64) {
        let Some(address) = self.addresses.get_mut(&whose.from) else {
            return;
        };
        let Some(connection) = address.connections.get_mut(&whose.connection) else {
            return;
        };
        if connection.ready.contains_key(&task) {
            return;
        }
        if connection.ready.is_empty() {
            connection.had = connection.had.max(address.floor.saturating_sub(CREDIT));
        }
        let place = Place {
            had: connection.had,
            order: address.order,
            connection: whose.connection,
            task,
        };
        address.order += 1;
        connection.ready.insert(task, place);
        if address.queue.is_empty() {
            address.had = address.had.max(self.floor.saturating_sub(CREDIT));
            self.queue.insert((address.had, whose.from));
        }
        address.queue.insert(place);
    }

    /// The task whose turn it is. It has nothing to do any more.
    pub(super) fn next(&mut self) -> Option<u64> {
        let (had, from) = self.queue.pop_first()?;
        self.floor = self.floor.max(had);
        let address = self.addresses.get_mut(&from)?;
        let place = address.queue.pop_first()?;
        address.floor = address.floor.max(place.had);
        if let Some(connection) = address.connections.get_mut(&place.connection) {
            connection.ready.remove(&place.task);
        }
        if !address.queue.is_empty() {
            self.queue.insert((address.had, from));
        }
        Some(place.task)
    }

    /// It has had so much.
    pub(super) fn spend(&mut self, whose: Whose, spent: Duration) {
        let spent = u64::try_from(spent.as_nanos()).unwrap_or(Had::MAX);
        let Some(address) = self.addresses.get_mut(&whose.from) else {
            return;
        };
        let is_queued = self.queue.remove(&(address.had, whose.from));
        address.had = address.had.saturating_add(spent);
        if is_queued {
            self.queue.insert((address.had, whose.from));
        }
        if let Some(connection) = address.connections.get_mut(&whose.connection) {
            connection.had = connection.had.saturating_add(spent);
        }
    }

    /// A task is over.
    pub(super) fn leave(&mut self, whose: Whose, task: u64) {
        let Some(address) = self.addresses.get_mut(&whose.from) else {
            return;
        };
        let Some(connection) = address.connections.get_mut(&whose.connection) else {
            return;
        };
        if let Some(place) = connection.ready.remove(&task) {
            address.queue.remove(&place);
        }
        connection.tasks = connection.tasks.saturating_sub(1);
        if connection.tasks == 0 {
            address.connections.remove(&whose.connection);
        }
        if address.queue.is_empty() {
            self.queue.remove(&(address.had, whose.from));
        }
        if address.connections.is_empty() {
            self.addresses.remove(&whose.from);
        }
    }
}
