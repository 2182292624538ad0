//! Transactions that wait for a block: each verified once, in order of nonce for each sender, the
//! best price first. The brain of the Mempool.
//!
//! ```text
//! admission     from the first look to a place, and who gives way when it is full
//! leaving       what a block takes, and takes with it
//! entry         a waiting transaction
//! pool          all of them, their orders, and what a block could carry
//! checks        signatures under check, and who checks them, on another thread
//! journal       what became of the others
//! refusal       why one may not wait
//! block_budget  how many bytes the propose timeout carries
//! ```
//!
//! A transaction that is taken is executable as far as this node knows: signed, not used up, not
//! expired, paid for together with all that its sender has waiting. Everything that is taken is
//! listed until it has a [`Fate`]; nothing disappears without one.
//!
//! Cheapest check first; the signature last, apart from this brain ([`Checker`]), and never again:
//! the ledger is told of each one that verified ([`Ledger::note_transaction`]).
//!
//! What waits behind a gap in its sender's nonces takes no place in a block, and gives way first
//! when the mempool is full. Then go those that are not among the first
//! [`SENDER_ASSURED_MAX`](limits::SENDER_ASSURED_MAX) of their sender, then the rest; among equals
//! the lowest fee per byte, and of one sender always the last nonce, which is worth the lowest fee
//! per byte on its way: an earlier one never goes before a later one, and a dear one shields none.
//!
//! What one block can do to the others' transactions, whoever has built it. A block takes nonces and
//! money only from accounts that have signed in it, so only what these have waiting becomes
//! impossible, one look-up for each; it leaves, and nobody else's does. But by then it may have kept
//! others out, at prices that are never paid: a validator can empty its own accounts in its own
//! block, and gets even those fees back. Therefore:
//! - a chain keeps others out with its first few transactions only; what lies behind them takes
//!   room that nobody's first ones ask for;
//! - what an account could not pay, once its earlier transactions have given the money away, takes
//!   no place in a block ([`Mempool::candidates`]);
//! - what the ledger refuses for good ([`Input::Refused`]) leaves by its own id, alone.
//!
//! Not here: which transactions may stand in a block. That is the ledger's, and it has the last
//! word ([`Input::Refused`]).
//!
//! [`Ledger::note_transaction`]: crate::ledger::Ledger::note_transaction
mod admission;
mod block_budget;
mod checks;
mod entry;
mod journal;
mod leaving;
pub mod limits;
mod pool;
mod refusal;

#[cfg(test)]
mod tests;

pub use block_budget::BlockBudget;
pub use checks::{Check, Checked, Checker};
pub use entry::Entry;
pub use journal::Fate;
pub use refusal::{Blame, MempoolRefusal};

use crate::ledger::{ChainRules, ReadError, StateReader};
use crate::nouns::transaction::Transaction;
use crate::types::{Address, Hash, Height};
use checks::Checks;
use journal::Journal;
use pool::Pool;
use std::sync::Arc;

/// How much room there is.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// How many may wait.
    pub transactions_max: usize,
    /// How many canonical bytes may wait.
    pub bytes_max: usize,
}

impl Default for Room {
    /// Of a node.
    fn default() -> Room {
        Room {
            transactions_max: limits::MEMPOOL_TRANSACTIONS_MAX,
            bytes_max: limits::MEMPOOL_BYTES_MAX,
        }
    }
}

/// Where a transaction came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// From a client of this node: it is passed on to every peer.
    People,
    /// From the node that took it, which tells all others as well.
    Peer,
}

/// Names a question to the mempool; the answer has the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// A transaction has its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Submission {
    /// It waits for a block.
    Pending,
    /// It waits for transactions of its sender that come before it.
    Queued,
    /// It has been waiting already, or a block carries it.
    Known,
}

/// What is known of a transaction.
#[derive(Clone, Debug)]
pub enum WaitingStatus<'a> {
    /// It waits; `true`: a block could carry it now.
    Waiting(&'a Entry, bool),
    /// It waits no more.
    Over(&'a Fate),
}

/// What the mempool is told.
#[derive(Debug)]
pub enum Input<'a> {
    /// A transaction came in; [`Output::Answer`] comes at once or after its check.
    Submitted(Arc<Transaction>, Source, Ticket),
    /// A signature was checked.
    Checked(Checked),
    /// One that waited in a mempool that has fallen: its signature has been checked there.
    Restored(Arc<Transaction>),
    /// The block of this height is durable, the state behind the reader at least as new.
    Committed(Height, &'a [Transaction]),
    /// The ledger will never let these into a block, for the reason with this code.
    Refused(&'a [(Hash, &'static str)]),
}

/// What the mempool wants done.
#[derive(Debug)]
pub enum Output {
    /// Check this signature.
    Check(Check),
    /// What became of a submitted transaction.
    Answer(Ticket, Result<Submission, MempoolRefusal>),
    /// A transaction waits from now on: the ledger need not verify it again by this key, and what
    /// came from people is passed on.
    Admitted(Entry, Arc<[u8]>, Source),
}

/// The waiting transactions of one node.
pub struct Mempool {
    rules: Arc<ChainRules>,
    room: Room,
    /// Of the next block.
    height: Height,
    pool: Pool,
    checks: Checks,
    journal: Journal,
}

impl Mempool {
    /// Empty, on the head of height `committed`.
    pub fn new(rules: Arc<ChainRules>, room: Room, committed: Height) -> Mempool {
        Mempool {
            rules,
            room,
            height: committed.next(),
            pool: Pool::default(),
            checks: Checks::new(),
            journal: Journal::new(limits::JOURNAL_MAX),
        }
    }

    /// Takes what it is told; `state` reads the newest committed state.
    pub fn step(
        &mut self,
        state: &dyn StateReader,
        input: Input<'_>,
    ) -> Result<Vec<Output>, ReadError> {
        match input {
            Input::Submitted(transaction, source, ticket) => {
                let output = self.submit(state, transaction, source, ticket)?;
                Ok(output.into_iter().collect())
            }
            Input::Checked(checked) => self.checked(state, checked),
            Input::Restored(transaction) => {
                self.restored(state, transaction)?;
                Ok(Vec::new())
            }
            Input::Committed(height, transactions) => {
                self.committed(state, height, transactions)?;
                Ok(Vec::new())
            }
            Input::Refused(transactions) => {
                for (id, code) in transactions {
                    self.drop_waiting(id, Fate::Dropped { code });
                }
                Ok(Vec::new())
            }
        }
    }

    /// For the next block: at most so many canonical bytes.
    pub fn candidates(&self, bytes_max: usize) -> Vec<Arc<Transaction>> {
        self.pool.candidates(bytes_max)
    }

    /// What is here under each of these [leaves](Transaction::leaf), for a block that names it. What
    /// is still being checked is among it: a leaf says which bytes it means, and the ledger checks
    /// whatever nobody has checked before.
    pub fn held(&self, leaves: &[Hash]) -> Vec<Option<Arc<Transaction>>> {
        let held = |leaf| {
            let waiting = self.pool.by_leaf(leaf);
            waiting.or_else(|| self.checks.by_leaf(leaf))
        };
        let held = leaves.iter().map(held);
        held.map(|entry| Some(entry?.transaction.clone())).collect()
    }

    /// The height whose block they wait for.
    pub fn height(&self) -> Height {
        self.height
    }

    /// Whether a block could carry anything now.
    pub fn has_candidates(&self) -> bool {
        self.pool.has_candidates()
    }

    /// What is known of a transaction; `None`: it never waited here, or that is long ago.
    pub fn status(&self, id: &Hash) -> Option<WaitingStatus<'_>> {
        let Some(entry) = self.pool.by_id(id) else {
            return self.journal.get(id).map(WaitingStatus::Over);
        };
        Some(WaitingStatus::Waiting(entry, self.is_ready(entry)))
    }

    /// A page of what waits, by sender and nonce, behind `after`; each with whether a block could
    /// carry it now.
    pub fn list(&self, after: Option<(Address, u64)>, limit: usize) -> Vec<(&Entry, bool)> {
        let page = self.pool.listed(after);
        let page = page.take(limit.min(limits::LIST_PAGE_MAX));
        page.map(|entry| (entry, self.is_ready(entry))).collect()
    }

    /// How many of them a block could carry now.
    pub fn ready(&self) -> usize {
        self.pool.ready()
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.pool.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.pool.len() == 0
    }

    /// The canonical bytes of all that wait.
    pub fn bytes(&self) -> usize {
        self.pool.bytes()
    }

    /// How many signatures are being checked.
    pub fn under_check(&self) -> usize {
        self.checks.len()
    }

    /// The nonce that continues what `sender` has waiting, from `next` on if nothing waits.
    pub fn next_nonce(&self, sender: &Address, next: u64) -> u64 {
        let Some(sender) = self.pool.sender(sender) else {
            return next;
        };
        let last = sender.ready().last();
        last.map_or(next.max(sender.next), |entry| {
            entry.nonce().saturating_add(1)
        })
    }

    fn is_ready(&self, entry: &Entry) -> bool {
        let sender = self.pool.sender(&entry.sender());
        sender.is_some_and(|sender| sender.reaches(entry.nonce()))
    }
}
