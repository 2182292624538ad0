//! What each message does.
use super::Mempool;
use crate::limits::{GOSSIP_BYTES_MAX, SHELF_SPARE_MAX};
use crate::messages::announcements::BlockCommitted;
use crate::messages::mempool::{
    FillBlock, GetHeld, GetNextNonce, GetTransactionStatus, GetWaiting, PassOnAgain, SubmitResult,
    SubmitTransactions, TransactionStatus, TransactionsRefused, Waiting,
};
use crate::messages::peer_broadcaster::GossipTransactions;
use crate::messages::proposer::BlockFilled;
use crate::runtime::Ctx;
use crate::shell::{Deliver, answers};
use actix::prelude::*;
use lockstep_protocol::mempool::{Entry, Input, MempoolRefusal, Ticket, WaitingStatus};
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
    GetTransactionStatus(id) => this.brain.status(&id).map(|status| match status {
        WaitingStatus::Waiting(entry, is_ready) => {
            TransactionStatus::Waiting(entry.clone(), is_ready)
        }
        WaitingStatus::Over(fate) => TransactionStatus::Over(fate.clone()),
    }),
}
