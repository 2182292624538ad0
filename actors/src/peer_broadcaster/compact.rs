//! A new proposal on the way out, by the leaves of its transactions, and the question for those
//! that a peer's proposal names and this node lacks.
use super::PeerBroadcaster;
use super::client::ExchangeError;
use super::link::Link;
use super::outbox::{Frame, Path};
use crate::limits::PULL_TIMEOUT;
use crate::messages::proposer::TransactionsFetched;
use crate::shell::Deliver;
use actix_web::web::Bytes;
use lockstep_protocol::limits::FETCHED_BYTES_MAX;
use lockstep_protocol::nouns::compact::{CompactProposal, TransactionsWanted};
use lockstep_protocol::nouns::proposal::ProposedBlock;
use lockstep_protocol::wire::Wire;
use std::cell::OnceCell;
use std::sync::Arc;

impl PeerBroadcaster {
    /// To each peer what it is not believed to hold, and only the leaves of the rest: what still
    /// waits here to be passed on to it, or is on its way, goes along.
    pub(super) fn tell_new(&self, message: &ProposedBlock) {
        let height = Some(message.proposal.height);
        let whole = OnceCell::new();
        let whole = || {
            let encode = || Bytes::from(self.seed.wire.encode_proposal(message));
            whole.get_or_init(encode).clone()
        };
        let named = message.block.leaves().len();
        for outbox in self.outboxes.values() {
            let unheld = outbox.unheld(message.block.leaves());
            // A leaf is shorter than a transaction: a few of them are worth naming.
            let (path, body) = if unheld.len() < named {
                let compact = CompactProposal::of(message, |leaf| unheld.contains(leaf));
                let body = self.seed.wire.encode_compact(&compact);
                (Path::Compact, Bytes::from(body))
            } else {
                (Path::Proposal, whole())
            };
            let metrics = &self.seed.metrics;
            metrics.new_proposals_bytes.inc_by(body.len() as u64);
            metrics
                .transactions_named
                .inc_by((named - unheld.len()) as u64);
            metrics.transactions_sent_along.inc_by(unheld.len() as u64);
            let dropped = outbox.push(Frame { path, height, body });
            metrics.frames_dropped.inc_by(dropped as u64);
        }
    }
}

impl Link {
    pub(super) async fn keep_fetching(&self) {
        let mut back_off = self.back_off();
        loop {
            let missing = self.outbox.next_missing().await;
            let asked = self.fetch(&missing).await;
            self.asked("a question for transactions", asked, &mut back_off)
                .await;
        }
    }

    /// Asks once. Whatever comes of it, the whole proposal is asked for as any other that is
    /// lacking (E5).
    async fn fetch(&self, missing: &TransactionsWanted) -> Result<(), ExchangeError> {
        let question = self.seed.wire.encode_wanted(missing);
        let limits = (FETCHED_BYTES_MAX, PULL_TIMEOUT);
        let path = "/consensus/transactions";
        let transactions = match self.ask(path, question, limits, Wire::decode_fetched).await {
            Ok(transactions) => transactions,
            Err(error) => return self.unanswered("transactions", error),
        };
        let metrics = &self.seed.metrics;
        metrics
            .transactions_fetched
            .inc_by(transactions.len() as u64);
        let fetched = TransactionsFetched {
            block_id: missing.block_id,
            transactions: transactions.into_iter().map(Arc::new).collect(),
        };
        self.seed.ports.fetched.deliver(fetched);
        Ok(())
    }
}
