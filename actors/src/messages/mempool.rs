//! What the Mempool is told and asked.
use super::WhenFull::{Falls, ToldAgain};
use super::proposer::BuildBlock;
use lockstep_protocol::mempool::{Entry, Fate, Refusal, Source, Submission};
use lockstep_protocol::transaction::Transaction;
use lockstep_protocol::types::{Address, Hash};
use std::sync::Arc;

/// What became of one submitted transaction.
pub type Verdict = Result<Submission, Refusal>;

/// Keep these for a block. Answers, once all are checked, what became of each, in their order.
#[derive(Debug)]
pub struct SubmitTransactions(pub Vec<Arc<Transaction>>, pub Source);

/// It is this node's turn: what waits for a block of this height and round?
#[derive(Clone, Copy, Debug)]
pub struct FillBlock(pub BuildBlock);

/// The ledger will never let these into a block, each for the reason with this code.
#[derive(Debug)]
pub struct TransactionsRefused(pub Vec<(Hash, &'static str)>);

/// What waits behind this sender and nonce, at most so many.
#[derive(Clone, Copy, Debug)]
pub struct GetWaiting {
    /// The last one of the page before; `None`: from the start.
    pub after: Option<(Address, u64)>,
    /// Transactions on the page.
    pub limit: usize,
}

/// What is known of the transaction with this id?
#[derive(Clone, Copy, Debug)]
pub struct GetTransactionStatus(pub Hash);

/// Which nonce continues what this sender has waiting, if `next` is the one that the ledger expects?
#[derive(Clone, Copy, Debug)]
pub struct GetNextNonce {
    /// Whose.
    pub sender: Address,
    /// The nonce of the committed account.
    pub next: u64,
}

/// A page of what waits.
#[derive(Debug)]
pub struct Waiting {
    /// Each with whether a block could carry it now.
    pub page: Vec<(Entry, bool)>,
    /// How many wait in all.
    pub transactions: usize,
    /// Their canonical bytes.
    pub bytes: usize,
}

/// What is known of a transaction here.
#[derive(Clone, Debug)]
pub enum TransactionStatus {
    /// It waits; `true`: a block could carry it now.
    Waiting(Entry, bool),
    /// It waits no more.
    Over(Fate),
}

/// What is here under each of these leaves, in their order? Asked for a block that names them.
#[derive(Debug)]
pub struct GetHeld(pub Vec<Hash>);

/// Pass on again what this node took from people: to this peer, or to all, something may have been
/// lost on its way.
#[derive(Clone, Copy, Debug)]
pub struct PassOnAgain(pub Option<Address>);

told! {
    FillBlock => Falls,
    TransactionsRefused => Falls,
    // The link asks for it again after its next failure, and this node proposes them itself.
    PassOnAgain => ToldAgain,
}
asked! {
    SubmitTransactions => Vec<Verdict>,
    GetWaiting => Waiting,
    GetTransactionStatus => Option<TransactionStatus>,
    GetNextNonce => u64,
    GetHeld => Vec<Option<Arc<Transaction>>>,
}
