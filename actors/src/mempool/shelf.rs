//! What outlives a fall of the Mempool: the transactions that it has taken, so that the next
//! incarnation takes them again. Whoever was told that a transaction waits was told the truth.
//!
//! It is no copy of the brain: it holds nothing but what senders have signed, in the order in which
//! their nonces go, and whose it was to pass them on. What has left the brain otherwise than by a
//! block may stay here for a while; taken again, it is judged again.
use lockstep_protocol::mempool::{Entry, Source};
use lockstep_protocol::nouns::transaction::Transaction;
use lockstep_protocol::types::{Address, Hash};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

/// Of a sender by nonce; several of one nonce replaced each other.
type ShelfKey = (Address, u64, Hash);

type Taken = BTreeMap<ShelfKey, (Arc<Transaction>, Source)>;

/// Shared by the incarnations of one node's Mempool.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shelf(Arc<Mutex<Taken>>);

fn key(transaction: &Transaction, id: Hash) -> ShelfKey {
    (transaction.sender, transaction.body.nonce, id)
}

impl Shelf {
    /// It waits from now on.
    pub(super) fn put(&self, entry: &Entry, source: Source) {
        let transaction = entry.transaction.clone();
        let key = key(&transaction, entry.id);
        self.0.lock().insert(key, (transaction, source));
    }

    /// A block carries these.
    pub(super) fn committed(&self, transactions: &[Transaction]) {
        let mut shelf = self.0.lock();
        for transaction in transactions {
            shelf.remove(&key(transaction, transaction.id()));
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.lock().len()
    }

    /// Forgets what does not wait any more.
    pub(super) fn retain(&self, waits: impl Fn(&Hash) -> bool) {
        self.0.lock().retain(|(.., id), _| waits(id));
    }

    /// The next ones in order, at most so many, and where they end.
    pub(super) fn page(
        &self,
        after: Option<ShelfKey>,
        limit: usize,
    ) -> (Vec<Arc<Transaction>>, Option<ShelfKey>) {
        let shelf = self.0.lock();
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let page = shelf.range((from, Bound::Unbounded)).take(limit);
        let mut transactions = Vec::new();
        let mut last = None;
        for (key, (transaction, _)) in page {
            transactions.push(transaction.clone());
            last = Some(*key);
        }
        (transactions, last)
    }

    /// Whether this node took it from people, and so tells its peers of it.
    pub(super) fn is_own(&self, transaction: &Transaction) -> bool {
        let key = key(transaction, transaction.id());
        let shelf = self.0.lock();
        shelf
            .get(&key)
            .is_some_and(|(_, source)| *source == Source::People)
    }
}
