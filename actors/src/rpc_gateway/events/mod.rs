//! What has happened, in order, for whoever wants to be told: each committed block, each receipt in
//! it and each new round has a number of its own, one more than the one before.
//!
//! One ring is shared by all readers. A reader only remembers the number that it wants next, so a
//! slow one costs nothing and delays nobody: when the ring has turned past its number, it is told
//! so and dropped. The ring outlives the RpcGateway's falls, not the process. Numbers begin with the
//! microseconds of the wall clock at the node's start, so that none of an earlier life means
//! anything else now.
use crate::limits::EVENTS_MISSED_MAX;
use crate::state_store::{Store, StoreError};
use crate::view::{NewestBlock, NodeView, ViewCopy};
use happened::{BlockEvent, What};
use lockstep_protocol::nouns::decided::DecidedBlock;
use lockstep_protocol::nouns::parameters::Parameters;
use lockstep_protocol::types::Height;
use parking_lot::Mutex;
use ring::Ring;
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::watch;

mod happened;
mod ring;
#[cfg(test)]
mod tests;
mod topic;

pub(super) use ring::OutOfReach;
pub(super) use topic::{Told, Topic};

/// The events of one node.
#[derive(Debug)]
pub(crate) struct Events {
    ring: Mutex<Ring>,
    /// The number of the next event.
    next: watch::Sender<u64>,
    parameters: Parameters,
}

impl Events {
    /// Nothing has happened since `height` on a chain with these parameters; the first number is
    /// `first`.
    pub(crate) fn new(first: u64, height: Height, parameters: Parameters) -> Events {
        Events {
            ring: Mutex::new(Ring::new(first, height)),
            next: watch::Sender::new(first),
            parameters,
        }
    }

    /// Wakes whoever waits for the next event.
    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.next.subscribe()
    }

    /// The number of the next event.
    pub(super) fn next(&self) -> u64 {
        self.ring.lock().next
    }

    /// The number of the oldest event that is kept, or the next one's.
    pub(super) fn oldest(&self) -> u64 {
        self.ring.lock().oldest()
    }

    /// The blocks behind `after` that are kept, oldest first; of more than `limit` the newest.
    pub(super) fn newest_blocks(&self, after: Height, limit: usize) -> Vec<Value> {
        let mut newest = self.ring.lock().newest_blocks(after, limit);
        newest.reverse();
        newest.iter().map(|block| block.to_json()).collect()
    }

    /// What `topics` have to tell from number `from` on, and the number to ask for next time. Looks
    /// at one entry of the ring at the most: then others have a turn.
    pub(super) fn since(
        &self,
        from: u64,
        wanted: &[Topic],
    ) -> Result<(Vec<Told>, u64), OutOfReach> {
        let (first, what) = {
            let ring = self.ring.lock();
            match ring.at(from)? {
                Some(here) => here,
                None => return Ok((Vec::new(), ring.next)),
            }
        };
        let end = first + what.numbers();
        let mut told: Vec<Told> = wanted
            .iter()
            .flat_map(|topic| topic.tell(first, &what, &self.parameters))
            .collect();
        told.retain(|told| told.seq >= from);
        told.sort_by_key(|told| told.seq);
        Ok((told, end))
    }

    /// Takes down what the node shows of itself now. Blocks that were committed since the last time
    /// come one by one; of very many only the newest, and readers hear that others are missing. Only
    /// those that are not the newest any more are read back.
    pub(super) fn take_down(&self, view: &NodeView, store: &Store) -> Result<(), StoreError> {
        let ViewCopy {
            head, round, step, ..
        } = view.copy();
        let mut ring = self.ring.lock();
        let earliest = Height(head.height.0.saturating_sub(EVENTS_MISSED_MAX));
        if ring.height < earliest {
            ring.skip_to(earliest);
        }
        let told = ring.height;
        drop(ring);
        for height in (told.0 + 1..=head.height.0).map(Height) {
            let event = if let Some(NewestBlock { decided, receipts }) = view.newest(height) {
                BlockEvent::new(&decided, &receipts)
            } else {
                let certificate = store.certificate(height)?;
                let (block, receipts) = (store.block(height)?, store.receipts(height)?);
                let Some(((block, certificate), receipts)) = block.zip(certificate).zip(receipts)
                else {
                    break;
                };
                BlockEvent::new(&DecidedBlock { block, certificate }, &receipts)
            };
            let mut ring = self.ring.lock();
            ring.push(What::Block(Arc::new(event)));
            ring.height = height;
        }
        let mut ring = self.ring.lock();
        ring.enter(head.height.next(), round, step);
        let next = ring.next;
        drop(ring);
        self.next.send_if_modified(|shown| {
            let is_new = *shown != next;
            *shown = next;
            is_new
        });
        Ok(())
    }
}
