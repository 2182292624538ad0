//! Who tells an actor what, and how often: the arrows of the drawing in ARCHITECTURE.md, counted.
use serde::Serialize;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The sender of a port that was not made for an actor.
pub(in crate::runtime) const OUTSIDE: &str = "outside";

/// One type of message from one sender to one actor. There are as many as the wiring has ports.
#[derive(Debug)]
pub(in crate::runtime) struct Edge {
    pub(super) from: String,
    pub(super) message: String,
    told: AtomicU64,
    refused: AtomicU64,
}

impl Edge {
    pub(super) fn new(from: &str, message: String) -> Edge {
        Edge {
            from: from.to_owned(),
            message,
            told: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    /// A message was left in the mailbox, or was not.
    pub(in crate::runtime) fn count(&self, is_taken: bool) {
        let counter = if is_taken { &self.told } else { &self.refused };
        counter.fetch_add(1, Relaxed);
    }

    pub(super) fn row(&self, to: &str) -> EdgeRow {
        EdgeRow {
            from: self.from.clone(),
            to: to.to_owned(),
            message: self.message.clone(),
            told: self.told.load(Relaxed),
            refused: self.refused.load(Relaxed),
        }
    }
}

/// [`Edge`] at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EdgeRow {
    /// Who tells: an actor, or `outside`.
    pub from: String,
    /// Whom.
    pub to: String,
    /// The message's type name.
    pub message: String,
    /// How many were left in the mailbox.
    pub told: u64,
    /// How many were not, because it was full or the actor had stopped.
    pub refused: u64,
}
