//! What waits to be passed on to one peer: transactions and evidence, each once, apart from what
//! consensus says. Evidence goes first: it is rare, and short.
use crate::limits::{EVIDENCE_OUTBOX_MAX, GOSSIP_BYTES_MAX};
use actix_web::web::Bytes;
use lockstep_protocol::types::Hash;
use lockstep_protocol::wire::{TRANSACTIONS_BATCH_MAX, TRANSACTIONS_BYTES_MAX};
use std::collections::VecDeque;

/// What a batch holds besides its transactions: envelope and count, rounded up.
const BATCH_HEAD_BYTES: usize = 64;

/// A transaction on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gossip {
    /// What blocks call it.
    pub(crate) leaf: Hash,
    /// In canonical bytes.
    pub(crate) bytes: Bytes,
}

impl AsRef<[u8]> for Gossip {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// What goes to the peer in one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Passing {
    /// One piece, with its envelope.
    Evidence(Bytes),
    /// A batch.
    Transactions(Vec<Gossip>),
}

/// Transactions and evidence, each oldest first; the oldest are given up for newer ones of their
/// kind.
#[derive(Debug, Default)]
pub(super) struct GossipQueue {
    waiting: VecDeque<Gossip>,
    bytes: usize,
    /// Of the batch that the peer has not answered yet.
    under_way: Vec<Hash>,
    /// Some transactions have been given up.
    gave_up: bool,
    evidence: VecDeque<Bytes>,
}

impl GossipQueue {
    /// Appends; returns how many had to go.
    pub(super) fn push(&mut self, transaction: Gossip) -> usize {
        self.bytes += transaction.bytes.len();
        self.waiting.push_back(transaction);
        self.shrink()
    }

    /// Appends, unless it waits already: it is told again as long as no block carries it. Returns
    /// how many had to go.
    pub(super) fn push_evidence(&mut self, evidence: Bytes) -> usize {
        if !self.evidence.contains(&evidence) {
            self.evidence.push_back(evidence);
        }
        self.shrink_evidence()
    }

    /// To the front again; returns how many of the kind had to go.
    pub(super) fn put_back(&mut self, passing: Passing) -> usize {
        match passing {
            Passing::Evidence(evidence) => {
                self.evidence.push_front(evidence);
                self.shrink_evidence()
            }
            Passing::Transactions(batch) => {
                self.under_way.clear();
                for transaction in batch.into_iter().rev() {
                    self.bytes += transaction.bytes.len();
                    self.waiting.push_front(transaction);
                }
                self.shrink()
            }
        }
    }

    /// The oldest piece of evidence, or else the oldest transactions, as many as a batch holds.
    pub(super) fn take(&mut self) -> Option<Passing> {
        let evidence = self.evidence.pop_front().map(Passing::Evidence);
        evidence.or_else(|| self.take_transactions().map(Passing::Transactions))
    }

    fn take_transactions(&mut self) -> Option<Vec<Gossip>> {
        let mut left = TRANSACTIONS_BYTES_MAX - BATCH_HEAD_BYTES;
        let mut batch = Vec::new();
        let fits = |next: &mut Gossip, left: usize, many: usize| {
            next.bytes.len() <= left && many < TRANSACTIONS_BATCH_MAX
        };
        while let Some(next) = self.waiting.pop_front_if(|it| fits(it, left, batch.len())) {
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

    fn shrink_evidence(&mut self) -> usize {
        let over = self.evidence.len().saturating_sub(EVIDENCE_OUTBOX_MAX);
        self.evidence.drain(..over).count()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn transaction(number: usize, bytes: usize) -> Gossip {
        Gossip {
            leaf: Hash([number as u8; 32]),
            bytes: Bytes::from(vec![number as u8; bytes]),
        }
    }

    fn numbers(passing: &Passing) -> Vec<u8> {
        match passing {
            Passing::Transactions(batch) => batch.iter().map(|t| t.bytes[0]).collect(),
            Passing::Evidence(evidence) => panic!("{evidence:?}"),
        }
    }

    #[test]
    fn batches_hold_the_oldest_that_fit_into_one_body() {
        let mut queue = GossipQueue::default();
        assert!(queue.take().is_none());
        let bytes = TRANSACTIONS_BYTES_MAX / 4;
        (0..5).for_each(|number| _ = queue.push(transaction(number, bytes)));
        let first = queue.take().unwrap();
        assert_eq!(numbers(&first), [0, 1, 2]);
        assert_eq!(queue.put_back(first), 0);
        assert_eq!(numbers(&queue.take().unwrap()), [0, 1, 2]);
        assert_eq!(numbers(&queue.take().unwrap()), [3, 4]);
        assert!(queue.take().is_none() && queue.bytes == 0);
    }

    #[test]
    fn the_oldest_are_given_up_when_too_many_bytes_wait() {
        let mut queue = GossipQueue::default();
        let bytes = TRANSACTIONS_BYTES_MAX / 2;
        let fit = GOSSIP_BYTES_MAX / bytes;
        (0..fit).for_each(|number| assert_eq!(queue.push(transaction(number, bytes)), 0));
        assert_eq!(queue.push(transaction(fit, bytes)), 1);
        assert_eq!(numbers(&queue.take().unwrap())[0], 1);
    }

    #[test]
    fn of_evidence_the_oldest_is_given_up_when_too_much_waits() {
        let mut queue = GossipQueue::default();
        let piece = |number: usize| Bytes::from(vec![number as u8; 10]);
        (0..EVIDENCE_OUTBOX_MAX).for_each(|n| assert_eq!(queue.push_evidence(piece(n)), 0));
        assert_eq!(queue.push_evidence(piece(EVIDENCE_OUTBOX_MAX)), 1);
        let first = queue.take().unwrap();
        assert_eq!(first, Passing::Evidence(piece(1)));
        queue.push_evidence(piece(EVIDENCE_OUTBOX_MAX + 1));
        assert_eq!(queue.put_back(first), 1, "what came since is newer");
        assert_eq!(queue.take(), Some(Passing::Evidence(piece(2))));
    }

    #[test]
    fn a_peer_lacks_what_waits_for_it_and_what_it_has_not_answered() {
        let mut queue = GossipQueue::default();
        let unheld = |queue: &GossipQueue| queue.unheld().map(|l| l.0[0]).collect::<Vec<_>>();
        let bytes = TRANSACTIONS_BYTES_MAX / 2;
        (0..3).for_each(|number| _ = queue.push(transaction(number, bytes)));
        let batch = queue.take().unwrap();
        assert_eq!((numbers(&batch).len(), unheld(&queue)), (1, vec![1, 2, 0]));
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
