//! Which families there are, in one table: each with what the page of metrics says of it, the field
//! that counts it, and its name there. And each of their rows at 0.

use super::commit_times::CommitTimes;
use super::labels::{
    ADMISSIONS, CLOSED, ClosedLabels, LISTENERS, ListenerLabels, REFUSALS, RefusalLabels,
    RequestLabels, Words, word_of,
};
use lockstep_protocol::mempool::MempoolRefusal;
use lockstep_protocol::nouns::evidence::OffenceKind;
use lockstep_protocol::nouns::standing::StandingRefusal;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use std::sync::atomic::AtomicU64;

/// Bounds of the times by which a timer is late: 50 ms, the most that a flood may cost, is one.
const LATE_SECONDS: [f64; 14] = [
    1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0,
];

fn fast() -> Histogram {
    Histogram::new(exponential_buckets(1e-5, 2.0, 16))
}

fn slow() -> Histogram {
    Histogram::new(exponential_buckets(1e-3, 2.0, 16))
}

/// Declares the families, in the order of the page. Behind a comma stands how one is made that has no
/// default.
macro_rules! families {
    (@new $type:ty) => { <$type>::default() };
    (@new $type:ty, $new:expr) => { $new };
    ($(
        #[doc = $help:literal]
        $seen:vis $field:ident: $type:ty = $name:literal $(, $new:expr)?;
    )*) => {
        /// The metrics of one node.
        pub struct Metrics {
            pub(super) registry: Registry,
            /// What the log says of the minute that has gone.
            pub(crate) commit_times: CommitTimes,
            $(#[doc = $help] $seen $field: $type,)*
        }

        impl Metrics {
            /// All families at 0.
            pub(super) fn at_zero() -> Metrics {
                let mut registry = Registry::default();
                $(
                    let $field = families!(@new $type $(, $new)?);
                    // The page ends each sentence by itself.
                    let help = $help.trim_start().trim_end_matches('.');
                    registry.register($name, help, $field.clone());
                )*
                let commit_times = CommitTimes::default();
                let metrics = Metrics { registry, commit_times, $($field),* };
                metrics.zero();
                metrics
            }
        }
    };
}

families! {
    /// Votes by what became of them.
    pub(super) votes: Family<Words<2>, Counter> = "votes_received";
    /// Proposals likewise.
    pub(super) proposals: Family<Words<1>, Counter> = "proposals_received";
    /// Bodies that were no message.
    pub(super) refusals: Family<RefusalLabels, Counter> = "messages_refused";
    /// Requests answered with a status from 400 on, by route.
    pub(super) requests_refused: Family<RequestLabels, Counter> = "requests_refused";
    /// Height under decision.
    pub height: Gauge = "consensus_height";
    /// Round under way.
    pub round: Gauge = "consensus_round";
    /// Rounds beyond the first.
    pub rounds_skipped: Counter = "rounds_skipped";
    /// Blocks that were decided here before this validator had sent its precommit.
    pub own_precommits_missed: Counter = "own_precommits_missed";
    /// Blocks since the start.
    pub blocks: Counter = "blocks_committed";
    /// Transactions since the start.
    pub transactions: Counter = "transactions_committed";
    /// Frames dropped by outboxes.
    pub frames_dropped: Counter = "frames_dropped";
    /// Failed exchanges with peers.
    pub peer_errors: Counter = "peer_errors";
    /// Transactions that began to wait.
    pub transactions_admitted: Counter = "transactions_admitted";
    /// Transactions that may not wait.
    pub(super) transactions_refused: Family<Words<1>, Counter> = "transactions_refused";
    /// Transactions that wait.
    pub mempool_transactions: Gauge = "mempool_transactions";
    /// Their canonical bytes.
    pub mempool_bytes: Gauge = "mempool_bytes";
    /// Transactions dropped before a peer got them.
    pub gossip_dropped: Counter = "gossip_dropped";
    /// Peers asked for messages that were lacking.
    pub pulls: Counter = "pulls";
    /// Peers answered likewise.
    pub pulls_answered: Counter = "pulls_answered";
    /// Questions how far this node is that were answered.
    pub standings_answered: Counter = "standings_answered";
    /// Questions how far this node is, and answers to its own, that do not count.
    pub(super) standings_refused: Family<Words<1>, Counter> = "standings_refused";
    /// Messages that peers have answered.
    pub messages_pulled: Counter = "messages_pulled";
    /// Bytes of this node's proposals as they were first told, to all peers together.
    pub new_proposals_bytes: Counter = "new_proposals_bytes";
    /// Transactions in them that went by name only.
    pub transactions_named: Counter = "transactions_named";
    /// Transactions in them that went along.
    pub transactions_sent_along: Counter = "transactions_sent_along";
    /// Transactions of peers' proposals that had to be asked for.
    pub transactions_fetched: Counter = "transactions_fetched";
    /// Blocks fetched from peers.
    pub blocks_synced: Counter = "blocks_synced";
    /// Answers of block sync that proved nothing.
    pub sync_lies: Counter = "sync_lies";
    /// Offences proved here, by kind.
    pub(super) evidence: Family<Words<1>, Counter> = "evidence";
    /// Offences that other nodes have told, by what became of it.
    pub(super) evidence_told: Family<Words<1>, Counter> = "evidence_received";
    /// Offences that wait for a block.
    pub evidence_pending: Gauge = "evidence_pending";
    /// Old heights that were decided a second time, with proof.
    pub old_forks: Gauge = "old_forks";
    /// Connections of a listener.
    pub(super) connections: Family<ListenerLabels, Gauge> = "connections";
    /// Connections that this side closed, or that broke.
    pub(super) closed: Family<ClosedLabels, Counter> = "connections_closed";
    /// Between two commits.
    pub block_interval: Histogram = "block_interval_seconds", slow();
    /// From start of height to commit.
    pub(super) commit_latency: Histogram = "commit_seconds", slow();
    /// From when a timer of the round driver is due until it is acted on.
    pub timeout_late: Histogram = "timeout_late_seconds", Histogram::new(LATE_SECONDS);
    /// Write of a block.
    pub store_commit: Histogram = "store_commit_seconds", fast();
    /// Write of a sign record.
    pub store_persist: Histogram = "store_persist_seconds", fast();
    /// One verification.
    pub(super) verify: Histogram = "signature_verify_seconds", fast();
    /// One signature.
    pub(super) sign: Histogram = "signature_sign_seconds", fast();
    /// How far the median of the validators' clocks is ahead of this node's.
    pub(super) clock_difference: Gauge<f64, AtomicU64> = "clock_difference_seconds";
    /// Proposals refused because their time lies too far ahead of this node's clock.
    pub proposals_untimely: Counter = "proposals_untimely";
}

impl Metrics {
    /// A family shows a row once it has been looked up.
    fn zero(&self) {
        for result in ADMISSIONS.map(|admission| ("result", word_of(admission))) {
            for kind in ["Prevote", "Precommit"] {
                drop(self.votes.get_or_create(&[("kind", kind), result]));
            }
            drop(self.proposals.get_or_create(&[result]));
            drop(self.evidence_told.get_or_create(&[result]));
        }
        for kind in OffenceKind::ALL {
            drop(self.evidence.get_or_create(&[("kind", kind.code())]));
        }
        for reason in MempoolRefusal::CODES {
            drop(
                self.transactions_refused
                    .get_or_create(&[("reason", reason)]),
            );
        }
        for reason in StandingRefusal::ALL.map(StandingRefusal::code) {
            drop(self.standings_refused.get_or_create(&[("reason", reason)]));
        }
        for reason in REFUSALS {
            drop(self.refusals.get_or_create(&RefusalLabels { reason }));
        }
        for kind in LISTENERS {
            drop(self.connections.get_or_create(&ListenerLabels { kind }));
            for reason in CLOSED {
                drop(self.closed.get_or_create(&ClosedLabels { kind, reason }));
            }
        }
    }
}
