//! What each message does, and how what the brain then says is carried out.
use super::Mempool;
use crate::limits::{CHECK_BATCH_MAX, GOSSIP_BYTES_MAX, SHELF_SPARE_MAX};
use crate::messages::announcements::BlockCommitted;
use crate::messages::committer::NoteTransactions;
use crate::messages::mempool::{
    FillBlock, GetHeld, GetNextNonce, GetTransactionStatus, GetWaiting, GetWaitingCount,
    PassOnAgain, RetellWaiting, SubmitResult, SubmitTransactions, TransactionStatus,
    TransactionsRefused, Waiting, WaitingCount,
};
use crate::messages::peer_broadcaster::GossipTransactions;
use crate::messages::proposer::BlockFilled;
use crate::messages::round_driver::TransactionsWaiting;
use crate::runtime::{Ctx, FatalKind};
use crate::shell::{Deliver, answers};
use actix::prelude::*;
use lockstep_protocol::ledger::ReadError;
use lockstep_protocol::mempool::{
    Check, Checked, Entry, Input, MempoolRefusal, Output, Source, Ticket, WaitingStatus,
};
use lockstep_protocol::nouns::transaction::Transaction;
use lockstep_protocol::types::Hash;
use tokio::sync::oneshot;

impl Handler<SubmitTransactions> for Mempool {
    type Result = ResponseFuture<Vec<SubmitResult>>;

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
                verdicts.push(answer.await.unwrap_or(Err(MempoolRefusal::Busy)));
            }
            verdicts
        })
    }
}

impl Handler<FillBlock> for Mempool {
    type Result = ();

    fn handle(&mut self, FillBlock(build): FillBlock, _: &mut Ctx<Self>) {
        let candidates = self.brain.candidates(self.budget.bytes());
        let bytes = candidates.iter().map(|t| t.bytes()).sum();
        let now = self.seed.clock.now();
        self.budget.begun(now, build.height, bytes);
        let transactions = candidates.iter().map(|t| Transaction::clone(t)).collect();
        self.seed.ports.filled.deliver(BlockFilled {
            build,
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
        let now = self.seed.clock.now();
        let round = message.0.certificate.round;
        self.budget.committed(now, block.height(), round);
        let transactions = &block.block().transactions;
        let outputs = self.step(Input::Committed(block.height(), transactions));
        self.carry_out(outputs);
        self.seed.shelf.committed(transactions);
        if self.seed.shelf.len() > self.brain.len() + SHELF_SPARE_MAX {
            let waits =
                |id: &Hash| matches!(self.brain.status(id), Some(WaitingStatus::Waiting(..)));
            self.seed.shelf.retain(waits);
        }
        self.tell_waiting();
    }
}

impl Handler<RetellWaiting> for Mempool {
    type Result = ();

    fn handle(&mut self, RetellWaiting: RetellWaiting, _: &mut Ctx<Self>) {
        self.tell_waiting();
    }
}

impl Handler<PassOnAgain> for Mempool {
    type Result = ();

    /// The best of them, as many as a peer's queue holds without giving up any.
    fn handle(&mut self, PassOnAgain(peer): PassOnAgain, _: &mut Ctx<Self>) {
        let best = self.brain.candidates(GOSSIP_BYTES_MAX / 2).into_iter();
        let own = best.filter(|transaction| self.seed.shelf.is_own(transaction));
        let entries = own.filter_map(|transaction| match self.brain.status(&transaction.id()) {
            Some(WaitingStatus::Waiting(entry, _)) => Some(entry.clone()),
            _ => None,
        });
        let entries: Vec<Entry> = entries.collect();
        if !entries.is_empty() {
            let ports = &self.seed.ports;
            ports.gossip.deliver(GossipTransactions(entries, peer));
        }
    }
}

answers! { Mempool as this:
    GetHeld(leaves) => this.brain.held(&leaves),
    GetNextNonce { sender, next } => this.brain.next_nonce(&sender, next),
    GetWaiting { after, limit } => {
        let page = this.brain.list(after, limit).into_iter();
        Waiting {
            page: page.map(|(entry, ready)| (entry.clone(), ready)).collect(),
            transactions: this.brain.len(),
            bytes: this.brain.bytes(),
        }
    },
    GetWaitingCount => WaitingCount {
        transactions: this.brain.len(),
        ready: this.brain.ready(),
    },
    GetTransactionStatus(id) => this.brain.status(&id).map(|status| match status {
        WaitingStatus::Waiting(entry, is_ready) => {
            TransactionStatus::Waiting(entry.clone(), is_ready)
        }
        WaitingStatus::Over(fate) => TransactionStatus::Over(fate.clone()),
    }),
}

impl Mempool {
    pub(super) fn step(&mut self, input: Input<'_>) -> Vec<Output> {
        let outputs = self.brain.step(&self.seed.store, input);
        outputs.unwrap_or_else(|error| {
            let kind = match error {
                ReadError::Corrupt(_) => FatalKind::Corrupt,
                ReadError::Application { .. } => FatalKind::Safety,
                ReadError::Store(_) => FatalKind::Retry,
            };
            self.seed.fatal.raise(kind, error.to_string());
            Vec::new()
        })
    }

    /// Carries out what the brain wants, and tells others at once of all that has been admitted.
    pub(super) fn carry_out(&mut self, outputs: Vec<Output>) {
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

    fn answer(&mut self, ticket: Ticket, verdict: SubmitResult) {
        if let Err(refusal) = &verdict {
            self.seed.metrics.transaction_refused(refusal.code());
        }
        if let Some(asking) = self.asking.remove(&ticket) {
            // Whoever does not wait for the answer has still submitted.
            let _ = asking.send(verdict);
        }
    }

    pub(super) fn tell_waiting(&self) {
        if self.brain.has_candidates() {
            let wanted = TransactionsWaiting(self.brain.height());
            self.seed.ports.waiting.deliver(wanted);
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
