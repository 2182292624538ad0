//! What the Mempool is told and asked.
use super::WhenFull::{Falls, ToldAgain};
use super::proposer::BuildBlock;
use lockstep_protocol::mempool::{Entry, Fate, MempoolRefusal, Source, Submission};
use lockstep_protocol::nouns::transaction::Transaction;
use lockstep_protocol::types::{Address, Hash};
use std::sync::Arc;

/// What became of one submitted transaction.
pub(crate) type SubmitResult = Result<Submission, MempoolRefusal>;

/// Keep these for a block. Answers, once all are checked, what became of each, in their order.
#[derive(Debug)]
pub(crate) struct SubmitTransactions(pub(crate) Vec<Arc<Transaction>>, pub(crate) Source);

/// It is this node's turn: what waits for a block of this height and round?
#[derive(Clone, Copy, Debug)]
pub(crate) struct FillBlock(pub(crate) BuildBlock);

/// The ledger will never let these into a block, each for the reason with this code.
#[derive(Debug)]
pub(crate) struct TransactionsRefused(pub(crate) Vec<(Hash, &'static str)>);

/// What waits behind this sender and nonce, at most so many.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GetWaiting {
    /// The last one of the page before; `None`: from the start.
    pub(crate) after: Option<(Address, u64)>,
    /// Transactions on the page.
    pub(crate) limit: usize,
}

/// How many wait?
#[derive(Clone, Copy, Debug)]
pub(crate) struct GetWaitingCount;

/// How many wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WaitingCount {
    /// In all.
    pub(crate) transactions: usize,
    /// Of these, how many a block could carry now.
    pub(crate) ready: usize,
}

/// What is known of the transaction with this id?
#[derive(Clone, Copy, Debug)]
pub(crate) struct GetTransactionStatus(pub(crate) Hash);

/// Which nonce continues what this sender has waiting, if `next` is the one that the ledger expects?
#[derive(Clone, Copy, Debug)]
pub(crate) struct GetNextNonce {
    /// Whose.
    pub(crate) sender: Address,
    /// The nonce of the committed account.
    pub(crate) next: u64,
}

/// A page of what waits.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// Each with whether a block could carry it now.
    pub(crate) page: Vec<(Entry, bool)>,
    /// How many wait in all.
    pub(crate) transactions: usize,
    /// Their canonical bytes.
    pub(crate) bytes: usize,
}

/// What is known of a transaction here.
#[derive(Clone, Debug)]
pub(crate) enum TransactionStatus {
    /// It waits; `true`: a block could carry it now.
    Waiting(Entry, bool),
    /// It waits no more.
    Over(Fate),
}

/// What is here under each of these leaves, in their order? Asked for a block that names them.
#[derive(Debug)]
pub(crate) struct GetHeld(pub(crate) Vec<Hash>);

/// Pass on again what this node took from people: to this peer, or to all, something may have been
/// lost on its way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PassOnAgain(pub(crate) Option<Address>);

/// Say again whether transactions wait: whoever was told has fallen since.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetellWaiting;

told! {
    FillBlock => Falls,
    RetellWaiting => Falls,
    TransactionsRefused => Falls,
    // The link asks for it again after its next failure, and this node proposes them itself.
    PassOnAgain => ToldAgain,
}
asked! {
    SubmitTransactions => Vec<SubmitResult>,
    GetWaiting => Waiting,
    GetWaitingCount => WaitingCount,
    GetTransactionStatus => Option<TransactionStatus>,
    GetNextNonce => u64,
    GetHeld => Vec<Option<Arc<Transaction>>>,
}
