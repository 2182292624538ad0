//! Transactions on their way to one peer: each once, in batches, on a connection of their own. The
//! next batch goes when the peer has checked the last one, so a slow peer sets its own pace.
use super::client::ExchangeError;
use super::link::Link;
use crate::limits::GOSSIP_BYTES_MAX;
use crate::mempool::PassOnAgain;
use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use lockstep_protocol::types::Hash;
use lockstep_protocol::wire::TRANSACTIONS_BYTES_MAX;
use std::collections::VecDeque;

/// What a batch holds besides its transactions: envelope and count, rounded up.
const BATCH_HEAD_BYTES: usize = 64;

/// A transaction on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gossip {
    /// What blocks call it.
    pub(super) leaf: Hash,
    /// In canonical bytes.
    pub(super) bytes: Bytes,
}

impl AsRef<[u8]> for Gossip {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Oldest first; the oldest are given up for newer ones.
#[derive(Debug, Default)]
pub(super) struct GossipQueue {
    waiting: VecDeque<Gossip>,
    bytes: usize,
    /// Of the batch that the peer has not answered yet.
    under_way: Vec<Hash>,
    /// Some have been given up.
    gave_up: bool,
}

impl GossipQueue {
    /// Appends; returns how many had to go.
    pub(super) fn push(&mut self, transaction: Gossip) -> usize {
        self.bytes += transaction.bytes.len();
        self.waiting.push_back(transaction);
        self.shrink()
    }

    /// To the front again; returns how many had to go.
    pub(super) fn put_back(&mut self, batch: Vec<Gossip>) -> usize {
        self.under_way.clear();
        for transaction in batch.into_iter().rev() {
            self.bytes += transaction.bytes.len();
            self.waiting.push_front(transaction);
        }
        self.shrink()
    }

    /// The oldest, as many as a batch holds.
    pub(super) fn take(&mut self) -> Option<Vec<Gossip>> {
        let mut left = TRANSACTIONS_BYTES_MAX - BATCH_HEAD_BYTES;
        let mut batch = Vec::new();
        while let Some(next) = self.waiting.pop_front_if(|next| next.bytes.len() <= left) {
            left -= next.bytes.len();
            self.bytes -= next.bytes.len();
            batch.push(next);
        }
        self.under_way = batch.iter().map(|gossip| gossip.leaf).collect();
        (!batch.is_empty()).then_some(batch)
    }

    /// The batch under way is with the peer. True if it has all that was not given up, and some
    /// was: said once.
    pub(super) fn arrived(&mut self) -> bool {
        self.under_way.clear();
        self.waiting.is_empty() && std::mem::take(&mut self.gave_up)
    }

    /// What has not reached the peer from here, by its leaf.
    pub(super) fn unheld(&self) -> impl Iterator<Item = &Hash> {
        let waiting = self.waiting.iter().map(|gossip| &gossip.leaf);
        waiting.chain(&self.under_way)
    }

    fn shrink(&mut self) -> usize {
        let mut dropped = 0;
        while self.bytes > GOSSIP_BYTES_MAX
            && let Some(oldest) = self.waiting.pop_front()
        {
            self.bytes -= oldest.bytes.len();
            self.gave_up = true;
            dropped += 1;
        }
        dropped
    }
}

impl Link {
    pub(super) async fn keep_gossiping(&self) {
        let mut back_off = self.back_off();
        loop {
            let batch = self.outbox.next_gossip().await;
            let sent = self.pass_on(batch).await;
            self.asked("gossip", sent, &mut back_off).await;
        }
    }

    /// A batch that the peer had no time for, or that did not reach it, goes again. One that it
    /// refuses does not: every transaction in it is in order here, and is proposed from here.
    async fn pass_on(&self, batch: Vec<Gossip>) -> Result<(), ExchangeError> {
        let body = self.seed.wire.encode_transactions(&batch);
        let way = self.way();
        let error = match way.client.post(&way.gossip, Bytes::from(body)).await {
            Ok(StatusCode::ACCEPTED) => {
                self.arrived();
                return Ok(());
            }
            Ok(busy @ (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)) => {
                ExchangeError::Status(busy)
            }
            Ok(refused) => {
                self.seed.metrics.peer_errors.inc();
                let peer = self.seed.peer.address.short();
                log::debug!("peer {peer} refused transactions: {refused}");
                self.arrived();
                return Ok(());
            }
            Err(error) => error,
        };
        let dropped = self.outbox.gossip_again(batch);
        self.seed.metrics.gossip_dropped.inc_by(dropped as u64);
        Err(error)
    }

    /// What had to be given up while the peer was away, or slow, is passed on now.
    fn arrived(&self) {
        if self.outbox.gossip_arrived() {
            let peer = self.seed.peer.address;
            // Full or closed: this node proposes them itself.
            let _ = self.seed.ports.pass_on_again.tell(PassOnAgain(Some(peer)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transaction(number: usize, bytes: usize) -> Gossip {
        Gossip {
            leaf: Hash([number as u8; 32]),
            bytes: Bytes::from(vec![number as u8; bytes]),
        }
    }

    #[test]
    fn batches_hold_the_oldest_that_fit_into_one_body() {
        let mut queue = GossipQueue::default();
        assert!(queue.take().is_none());
        let bytes = TRANSACTIONS_BYTES_MAX / 4;
        (0..5).for_each(|number| _ = queue.push(transaction(number, bytes)));
        let first = queue.take().unwrap();
        let numbers: Vec<u8> = first.iter().map(|t| t.bytes[0]).collect();
        assert_eq!(numbers, [0, 1, 2]);
        assert_eq!(queue.put_back(first), 0);
        let again = queue.take().unwrap();
        let numbers: Vec<u8> = again.iter().map(|t| t.bytes[0]).collect();
        assert_eq!(numbers, [0, 1, 2]);
        assert_eq!(queue.take().unwrap().len(), 2);
        assert!(queue.take().is_none() && queue.bytes == 0);
    }

    #[test]
    fn the_oldest_are_given_up_when_too_many_bytes_wait() {
        let mut queue = GossipQueue::default();
        let bytes = TRANSACTIONS_BYTES_MAX / 2;
        let fit = GOSSIP_BYTES_MAX / bytes;
        (0..fit).for_each(|number| assert_eq!(queue.push(transaction(number, bytes)), 0));
        assert_eq!(queue.push(transaction(fit, bytes)), 1);
        assert_eq!(queue.take().unwrap()[0].bytes[0], 1);
    }

    #[test]
    fn a_peer_lacks_what_waits_for_it_and_what_it_has_not_answered() {
        let mut queue = GossipQueue::default();
        let unheld = |queue: &GossipQueue| queue.unheld().map(|l| l.0[0]).collect::<Vec<_>>();
        let bytes = TRANSACTIONS_BYTES_MAX / 2;
        (0..3).for_each(|number| _ = queue.push(transaction(number, bytes)));
        let batch = queue.take().unwrap();
        assert_eq!((batch.len(), unheld(&queue)), (1, vec![1, 2, 0]));
        queue.put_back(batch);
        assert_eq!(unheld(&queue), [0, 1, 2]);
        queue.take().unwrap();
        assert!(!queue.arrived());
        assert_eq!(unheld(&queue), [1, 2]);
    }

    #[test]
    fn what_was_given_up_is_asked_for_once_and_when_all_else_has_arrived() {
        let mut queue = GossipQueue::default();
        let fit = GOSSIP_BYTES_MAX / (TRANSACTIONS_BYTES_MAX / 2);
        (0..=fit)
            .for_each(|number| _ = queue.push(transaction(number, TRANSACTIONS_BYTES_MAX / 2)));
        let mut asked = Vec::new();
        while queue.take().is_some() {
            asked.push(queue.arrived());
        }
        assert_eq!(asked.iter().filter(|asked| **asked).count(), 1);
        assert_eq!(asked.last(), Some(&true));
    }
}
