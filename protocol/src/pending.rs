//! Transactions that wait for a block: bounded, each once, in order of arrival.
//!
//! The ledger decides what may go into a block; this only keeps what a node was given.
use crate::limits::{BLOCK_TRANSACTION_BYTES_MAX, PENDING_BYTES_MAX, PENDING_TRANSACTIONS_MAX};
use crate::transaction::Transaction;
use crate::types::{Address, Hash};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Submission {
    /// It waits for a block.
    Pending,
    /// It has been waiting already.
    Known,
    /// As many transactions wait as may.
    Full,
}

/// The waiting transactions of one node.
#[derive(Clone, Debug, Default)]
pub struct PendingTransactions {
    next: u64,
    by_arrival: BTreeMap<u64, (Hash, Arc<Transaction>)>,
    ids: BTreeSet<Hash>,
    bytes: usize,
}

impl PendingTransactions {
    /// Keeps a transaction, unless it is known or there is no room.
    pub fn submit(&mut self, transaction: Arc<Transaction>) -> Submission {
        let id = transaction.id();
        if self.ids.contains(&id) {
            return Submission::Known;
        }
        let bytes = self.bytes.saturating_add(transaction.bytes());
        if self.ids.len() >= PENDING_TRANSACTIONS_MAX || bytes > PENDING_BYTES_MAX {
            return Submission::Full;
        }
        self.bytes = bytes;
        self.ids.insert(id);
        self.by_arrival.insert(self.next, (id, transaction));
        self.next = self.next.saturating_add(1);
        Submission::Pending
    }

    /// Candidates for one block: in order of arrival, those whose nonces follow each other from the
    /// next one of their sender, as many as a block's limit of bytes may hold. Transactions behind
    /// a gap wait without taking anybody's place.
    pub fn candidates(&self, next_nonce: impl Fn(&Address) -> u64) -> Vec<Transaction> {
        let mut nonces: BTreeMap<Address, u64> = BTreeMap::new();
        let mut bytes = 0usize;
        let mut candidates = Vec::new();
        for (_, transaction) in self.by_arrival.values() {
            let sender = transaction.sender;
            let next = nonces.entry(sender).or_insert_with(|| next_nonce(&sender));
            if transaction.body.nonce != *next {
                continue;
            }
            bytes = bytes.saturating_add(transaction.bytes());
            if bytes > BLOCK_TRANSACTION_BYTES_MAX {
                break;
            }
            *next = next.saturating_add(1);
            candidates.push(Transaction::clone(transaction));
        }
        candidates
    }

    /// Whether any transaction could be executed now.
    pub fn has_candidates(&self, next_nonce: impl Fn(&Address) -> u64) -> bool {
        let mut waiting = self.by_arrival.values().map(|(_, transaction)| transaction);
        waiting.any(|transaction| transaction.body.nonce == next_nonce(&transaction.sender))
    }

    /// Forgets transactions that were committed or can never be.
    pub fn remove(&mut self, ids: impl IntoIterator<Item = Hash>) {
        let gone: BTreeSet<Hash> = ids.into_iter().filter(|id| self.ids.remove(id)).collect();
        if !gone.is_empty() {
            let bytes = &mut self.bytes;
            self.by_arrival.retain(|_, (id, transaction)| {
                let is_gone = gone.contains(id);
                if is_gone {
                    *bytes = bytes.saturating_sub(transaction.bytes());
                }
                !is_gone
            });
        }
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transaction::{Action, TransactionBody};
    use crate::types::Height;
    use crate::vote::Signature;

    fn transaction(nonce: u64, memo_signature: usize) -> Arc<Transaction> {
        let action = Action::Transfer {
            to: Address([7; 20]),
            amount: 1,
            memo: String::new(),
        };
        let signature = Signature(vec![0; memo_signature]);
        let (sender, public_key) = (Address([1; 20]), None);
        Arc::new(Transaction {
            sender,
            body: TransactionBody {
                nonce,
                fee: 0,
                expires_at: Height(9),
                action,
            },
            public_key,
            signature,
        })
    }

    #[test]
    fn each_transaction_waits_once_whatever_its_signature() {
        let mut pending = PendingTransactions::default();
        assert_eq!(pending.submit(transaction(0, 10)), Submission::Pending);
        assert_eq!(pending.submit(transaction(0, 11)), Submission::Known);
        pending.remove([transaction(0, 12).id()]);
        assert!(pending.is_empty());
        assert_eq!(pending.submit(transaction(0, 10)), Submission::Pending);
    }

    #[test]
    fn candidates_come_in_order_of_arrival_and_stop_at_the_byte_limit() {
        let mut pending = PendingTransactions::default();
        let count = BLOCK_TRANSACTION_BYTES_MAX / 3_000 + 50;
        for nonce in 0..count as u64 {
            pending.submit(transaction(nonce, 3_000));
        }
        let candidates = pending.candidates(|_| 0);
        assert!(candidates.len() < count && candidates.len() > count - 100);
        assert!(
            candidates
                .iter()
                .enumerate()
                .all(|(i, t)| t.body.nonce == i as u64)
        );
    }

    #[test]
    fn what_stands_behind_a_gap_takes_nobodys_place() {
        let mut pending = PendingTransactions::default();
        for nonce in [3, 4, 1] {
            pending.submit(transaction(nonce, 0));
        }
        assert!(!pending.has_candidates(|_| 0) && pending.candidates(|_| 0).is_empty());
        let nonces = |first| -> Vec<u64> {
            let candidates = pending.candidates(|_| first);
            candidates.iter().map(|t| t.body.nonce).collect()
        };
        assert_eq!(nonces(1), [1]);
        assert_eq!(nonces(3), [3, 4]);
        assert!(pending.has_candidates(|_| 4));
    }

    #[test]
    fn no_more_wait_than_the_limit_allows() {
        let mut pending = PendingTransactions::default();
        for nonce in 0..PENDING_TRANSACTIONS_MAX as u64 {
            assert_eq!(pending.submit(transaction(nonce, 0)), Submission::Pending);
        }
        assert_eq!(pending.submit(transaction(u64::MAX, 0)), Submission::Full);
        assert_eq!(pending.len(), PENDING_TRANSACTIONS_MAX);
    }

    #[test]
    fn large_ones_are_counted_by_their_bytes() {
        let mut pending = PendingTransactions::default();
        let (first, bytes) = (transaction(0, 12_000), transaction(0, 12_000).bytes());
        let room = PENDING_BYTES_MAX / bytes;
        assert!(room < PENDING_TRANSACTIONS_MAX);
        for nonce in 0..room as u64 {
            let submitted = pending.submit(transaction(nonce, 12_000));
            assert_eq!(submitted, Submission::Pending);
        }
        let one_more = transaction(u64::MAX, 12_000);
        assert_eq!(pending.submit(one_more.clone()), Submission::Full);
        pending.remove([first.id()]);
        assert_eq!(pending.submit(one_more), Submission::Pending);
    }
}
