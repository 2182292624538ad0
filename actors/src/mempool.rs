//! **Mempool** owns the transactions that wait for a block. Its brain is
//! [`mempool::Mempool`](lockstep_protocol::mempool::Mempool).
//!
//! Signatures are checked on another thread, in batches, one batch at a time: what users send never
//! holds up a vote on the node's own thread. Whoever submits waits for the verdict. The ledger hears
//! of each signature that verified, and does not verify it again in a block.
//!
//! After a fall, the checking thread's among them, it takes again all that it had taken (the
//! [`Shelf`]); what was under check is answered with [`Refusal::Busy`].
use crate::clock::Clock;
use crate::committer::{BlockCommitted, NoteTransactions, PrepareBlock};
use crate::delivery::Deliver;
use crate::limits::{CHECK_BATCH_MAX, GOSSIP_BYTES_MAX, RESTORED_AT_ONCE_MAX, SHELF_SPARE_MAX};
use crate::metrics::Metrics;
use crate::peer_broadcaster::GossipTransactions;
use crate::proposer::BuildBlock;
use crate::round_driver::{AnnounceRound, TransactionsWaiting};
use crate::runtime::{Ctx, Fatal, FatalKind, Port};
use crate::state_store::Store;
use actix::prelude::*;
use lockstep_protocol::ledger::{ChainRules, ReadError};
use lockstep_protocol::mempool::{
    BlockBudget, Check, Checked, Checker, Entry, Fate, Input, Mempool as Brain, Output, Refusal,
    Room, Source, Status, Submission, Ticket,
};
use lockstep_protocol::transaction::Transaction;
use lockstep_protocol::types::{Address, Hash, Height};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

mod shelf;

pub use shelf::Shelf;

/// What became of one submitted transaction.
pub type Verdict = Result<Submission, Refusal>;

/// Keep these for a block. Answers, once all are checked, what became of each, in their order.
#[derive(Debug)]
pub struct SubmitTransactions(pub Vec<Arc<Transaction>>, pub Source);

/// It is this node's turn: have a block built of what waits.
#[derive(Debug)]
pub struct FillBlock {
    /// For which height and round.
    pub build: BuildBlock,
    /// This validator.
    pub proposer: Address,
}

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

crate::message! {
    PassOnAgain => (),
    GetHeld => Vec<Option<Arc<Transaction>>>,
    SubmitTransactions => Vec<Verdict>, FillBlock => (), TransactionsRefused => (),
    GetWaiting => Waiting, GetTransactionStatus => Option<TransactionStatus>,
    GetNextNonce => u64,
}

/// What it tells.
#[derive(Clone)]
pub struct Ports {
    /// Committer: make a block.
    pub prepare: Port<PrepareBlock>,
    /// Committer: these need no second look.
    pub note: Port<NoteTransactions>,
    /// PeerBroadcaster: pass these on.
    pub gossip: Port<GossipTransactions>,
    /// RoundDriver: somebody waits for a block.
    pub waiting: Port<TransactionsWaiting>,
    /// RoundDriver: I have restarted.
    pub announce: Port<AnnounceRound>,
}

/// What an incarnation is made from.
#[derive(Clone)]
pub struct Seed {
    /// The rules of the chain.
    pub rules: Arc<ChainRules>,
    /// Committed state.
    pub store: Store,
    /// The node's clocks.
    pub clock: Clock,
    /// The timeout for a proposal in round 0, in milliseconds.
    pub propose_ms: u64,
    /// What earlier incarnations have taken.
    pub shelf: Shelf,
    /// The node's metrics.
    pub metrics: Arc<Metrics>,
    /// Ends the node when its state cannot be read.
    pub fatal: Fatal,
    /// What it tells.
    pub ports: Ports,
}

/// The actor.
pub struct Mempool {
    seed: Seed,
    brain: Brain,
    /// With the thread that checks, while it does.
    checker: Option<Checker>,
    unchecked: VecDeque<Check>,
    asking: BTreeMap<Ticket, oneshot::Sender<Verdict>>,
    tickets: u64,
    budget: BlockBudget,
}

impl Mempool {
    /// Empty, after `committed`.
    pub fn new(seed: Seed, committed: Height) -> Mempool {
        let (rules, budget) = (seed.rules.clone(), BlockBudget::new(seed.propose_ms));
        let mempool = Mempool {
            brain: Brain::new(rules.clone(), Room::default(), committed),
            checker: Some(Checker::new(rules)),
            seed,
            unchecked: VecDeque::new(),
            asking: BTreeMap::new(),
            tickets: 0,
            budget,
        };
        mempool.show();
        mempool
    }

    fn step(&mut self, input: Input<'_>) -> Vec<Output> {
        let outputs = self.brain.step(&self.seed.store, input);
        outputs.unwrap_or_else(|error| {
            let kind = match error {
                ReadError::Corrupt(_) => FatalKind::Corrupt,
                ReadError::Store(_) => FatalKind::Retry,
            };
            self.seed.fatal.raise(kind, error.to_string());
            Vec::new()
        })
    }

    /// Carries out what the brain wants, and tells others at once of all that has been admitted.
    fn carry_out(&mut self, outputs: Vec<Output>) {
        let (mut noted, mut passed_on) = (Vec::new(), Vec::new());
        for output in outputs {
            match output {
                Output::Check(check) => self.unchecked.push_back(check),
                Output::Answer(ticket, verdict) => self.answer(ticket, verdict),
                Output::Admitted(entry, key, source) => {
                    // Before anybody is told that it waits.
                    self.seed.shelf.put(&entry, source);
                    self.seed.metrics.transactions_admitted.inc();
                    noted.push((entry.leaf, key));
                    if source == Source::People {
                        passed_on.push(entry);
                    }
                }
            }
        }
        let ports = &self.seed.ports;
        if !noted.is_empty() {
            ports.note.deliver(NoteTransactions(noted));
            self.tell_waiting();
        }
        if !passed_on.is_empty() {
            ports.gossip.deliver(GossipTransactions(passed_on, None));
        }
        self.show();
    }

    fn answer(&mut self, ticket: Ticket, verdict: Verdict) {
        if let Err(refusal) = &verdict {
            self.seed.metrics.transaction_refused(refusal.code());
        }
        if let Some(asking) = self.asking.remove(&ticket) {
            // Whoever does not wait for the answer has still submitted.
            let _ = asking.send(verdict);
        }
    }

    fn tell_waiting(&self) {
        if self.brain.has_candidates() {
            self.seed.ports.waiting.deliver(TransactionsWaiting);
        }
    }

    fn show(&self) {
        let gauge = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        let metrics = &self.seed.metrics;
        metrics.mempool_transactions.set(gauge(self.brain.len()));
        metrics.mempool_bytes.set(gauge(self.brain.bytes()));
    }

    /// Takes again what an earlier incarnation had taken, some at a time: votes do not wait for it.
    fn restore(&mut self, after: Option<(Address, u64, Hash)>, ctx: &mut Ctx<Self>) {
        let (page, last) = self.seed.shelf.page(after, RESTORED_AT_ONCE_MAX);
        for transaction in page {
            let outputs = self.step(Input::Restored(transaction));
            self.carry_out(outputs);
        }
        self.tell_waiting();
        if last.is_some() {
            ctx.run_later(Duration::ZERO, move |this, ctx| this.restore(last, ctx));
        }
    }

    /// Begins the next batch of checks, unless one is under way.
    fn check_next(&mut self, ctx: &mut Ctx<Self>) {
        if self.unchecked.is_empty() {
            return;
        }
        let Some(mut checker) = self.checker.take() else {
            return;
        };
        let batch = self.unchecked.len().min(CHECK_BATCH_MAX);
        let batch: Vec<Check> = self.unchecked.drain(..batch).collect();
        let job = tokio::task::spawn_blocking(move || {
            let checked = batch.iter().map(|check| checker.check(check));
            let checked: Vec<Checked> = checked.collect();
            (checker, checked)
        });
        // In the actor's own context: what an earlier incarnation began is dropped.
        ctx.spawn(job.into_actor(self).map(|done, this, ctx| {
            // The panic of a check is this actor's: it falls, and begins anew with all it lost.
            let (checker, checked) = done.expect("signatures are checked");
            this.checker = Some(checker);
            let outputs = checked
                .into_iter()
                .flat_map(|checked| this.step(Input::Checked(checked)))
                .collect();
            this.carry_out(outputs);
            this.check_next(ctx);
        }));
    }
}

impl Actor for Mempool {
    type Context = Ctx<Self>;
}

impl Supervised for Mempool {
    fn restarting(&mut self, ctx: &mut Ctx<Self>) {
        let committed = self.seed.store.committed_height();
        *self = Mempool::new(self.seed.clone(), committed);
        self.restore(None, ctx);
        // What fell may have been this node's turn: then it is asked again for a block.
        self.seed.ports.announce.deliver(AnnounceRound);
    }
}

impl Handler<SubmitTransactions> for Mempool {
    type Result = ResponseFuture<Vec<Verdict>>;

    fn handle(&mut self, message: SubmitTransactions, ctx: &mut Ctx<Self>) -> Self::Result {
        let SubmitTransactions(transactions, source) = message;
        let mut answers = Vec::with_capacity(transactions.len());
        let mut outputs = Vec::new();
        for transaction in transactions {
            self.tickets += 1;
            let (asking, answer) = oneshot::channel();
            self.asking.insert(Ticket(self.tickets), asking);
            answers.push(answer);
            let input = Input::Submitted(transaction, source, Ticket(self.tickets));
            outputs.extend(self.step(input));
        }
        self.carry_out(outputs);
        self.check_next(ctx);
        Box::pin(async {
            let mut verdicts = Vec::with_capacity(answers.len());
            for answer in answers {
                // An error says that this incarnation fell before the verdict.
                verdicts.push(answer.await.unwrap_or(Err(Refusal::Busy)));
            }
            verdicts
        })
    }
}

impl Handler<FillBlock> for Mempool {
    type Result = ();

    fn handle(&mut self, FillBlock { build, proposer }: FillBlock, _: &mut Ctx<Self>) {
        let candidates = self.brain.candidates(self.budget.bytes());
        let bytes = candidates.iter().map(|t| t.bytes()).sum();
        let now = self.seed.clock.now();
        self.budget.begun(now, build.height, bytes);
        let transactions = candidates.iter().map(|t| Transaction::clone(t)).collect();
        self.seed.ports.prepare.deliver(PrepareBlock {
            build,
            proposer,
            now: self.seed.clock.wall(),
            transactions,
        });
    }
}

impl Handler<TransactionsRefused> for Mempool {
    type Result = ();

    fn handle(&mut self, TransactionsRefused(refused): TransactionsRefused, _: &mut Ctx<Self>) {
        let outputs = self.step(Input::Refused(&refused));
        self.carry_out(outputs);
    }
}

impl Handler<BlockCommitted> for Mempool {
    type Result = ();

    fn handle(&mut self, message: BlockCommitted, _: &mut Ctx<Self>) {
        let block = &message.0.block;
        let (now, round) = (self.seed.clock.now(), message.0.certificate.round);
        self.budget.committed(now, block.height(), round);
        let transactions = &block.block().transactions;
        let outputs = self.step(Input::Committed(block.height(), transactions));
        self.carry_out(outputs);
        self.seed.shelf.committed(transactions);
        if self.seed.shelf.len() > self.brain.len() + SHELF_SPARE_MAX {
            let waits = |id: &Hash| matches!(self.brain.status(id), Some(Status::Waiting(..)));
            self.seed.shelf.retain(waits);
        }
        self.tell_waiting();
    }
}

impl Handler<GetWaiting> for Mempool {
    type Result = MessageResult<GetWaiting>;

    fn handle(
        &mut self,
        GetWaiting { after, limit }: GetWaiting,
        _: &mut Ctx<Self>,
    ) -> Self::Result {
        let page = self.brain.list(after, limit).into_iter();
        MessageResult(Waiting {
            page: page.map(|(entry, ready)| (entry.clone(), ready)).collect(),
            transactions: self.brain.len(),
            bytes: self.brain.bytes(),
        })
    }
}

impl Handler<PassOnAgain> for Mempool {
    type Result = ();

    /// The best of them, as many as a peer's queue holds without giving up any.
    fn handle(&mut self, PassOnAgain(peer): PassOnAgain, _: &mut Ctx<Self>) {
        let best = self.brain.candidates(GOSSIP_BYTES_MAX / 2).into_iter();
        let own = best.filter(|transaction| self.seed.shelf.is_own(transaction));
        let entries = own.filter_map(|transaction| match self.brain.status(&transaction.id()) {
            Some(Status::Waiting(entry, _)) => Some(entry.clone()),
            _ => None,
        });
        let entries: Vec<Entry> = entries.collect();
        if !entries.is_empty() {
            let ports = &self.seed.ports;
            ports.gossip.deliver(GossipTransactions(entries, peer));
        }
    }
}

impl Handler<GetHeld> for Mempool {
    type Result = MessageResult<GetHeld>;

    fn handle(&mut self, GetHeld(leaves): GetHeld, _: &mut Ctx<Self>) -> Self::Result {
        MessageResult(self.brain.held(&leaves))
    }
}

impl Handler<GetTransactionStatus> for Mempool {
    type Result = MessageResult<GetTransactionStatus>;

    fn handle(&mut self, message: GetTransactionStatus, _: &mut Ctx<Self>) -> Self::Result {
        let GetTransactionStatus(id) = message;
        MessageResult(self.brain.status(&id).map(|status| match status {
            Status::Waiting(entry, is_ready) => TransactionStatus::Waiting(entry.clone(), is_ready),
            Status::Over(fate) => TransactionStatus::Over(fate.clone()),
        }))
    }
}

impl Handler<GetNextNonce> for Mempool {
    type Result = MessageResult<GetNextNonce>;

    fn handle(&mut self, message: GetNextNonce, _: &mut Ctx<Self>) -> Self::Result {
        let GetNextNonce { sender, next } = message;
        MessageResult(self.brain.next_nonce(&sender, next))
    }
}
