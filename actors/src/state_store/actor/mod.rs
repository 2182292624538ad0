//! **StateStore** owns the writes to LMDB: the sign record before a message is sent, one atomic
//! transaction per run of blocks. Reads go past its mailbox, by a cloned [`Store`].
//!
//! It is the error kernel: it never restarts in place, and an error of the disk ends the node.
use super::{Store, StoreError};
use crate::messages::committer::{BlocksStored, EvidenceFound};
use crate::messages::round_driver::{DriverRecovered, SignaturePersisted};
use crate::metrics::Metrics;
use crate::runtime::{Ctx, Fatal, Port};
use crate::timelines::Timelines;
use actix::prelude::*;
use lockstep_protocol::ledger::ChainRules;
use std::sync::Arc;

mod handlers;

/// What the store tells.
#[derive(Clone)]
pub(crate) struct Ports {
    /// RoundDriver.
    pub(crate) persisted: Port<SignaturePersisted>,
    /// RoundDriver.
    pub(crate) recovered: Port<DriverRecovered>,
    /// Committer.
    pub(crate) stored: Port<BlocksStored>,
    /// Committer: evidence that is on disk.
    pub(crate) kept: Port<EvidenceFound>,
}

/// The actor.
pub(crate) struct StateStore {
    store: Store,
    rules: Arc<ChainRules>,
    metrics: Arc<Metrics>,
    timelines: Arc<Timelines>,
    fatal: Fatal,
    ports: Ports,
}

impl StateStore {
    /// Writes to `store`, which is open already: nothing here can fail to start.
    pub(crate) fn new(
        store: Store,
        rules: Arc<ChainRules>,
        metrics: Arc<Metrics>,
        timelines: Arc<Timelines>,
        fatal: Fatal,
        ports: Ports,
    ) -> StateStore {
        StateStore {
            store,
            rules,
            metrics,
            timelines,
            fatal,
            ports,
        }
    }
}

impl StateStore {
    /// What the store gave, or the end of the node.
    fn or_end<T>(&self, done: Result<T, StoreError>) -> Option<T> {
        let told = done.inspect_err(|error| self.fatal.raise(error.kind(), error.to_string()));
        told.ok()
    }
}

impl Actor for StateStore {
    type Context = Ctx<Self>;
}

impl Supervised for StateStore {}
