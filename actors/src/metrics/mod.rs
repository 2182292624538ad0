//! A node's OpenMetrics: one registry per node, every family present at 0 from the first scrape,
//! every label from a closed list.
use crate::runtime::Actors;
use lockstep_protocol::consensus::tally::Admission;
use lockstep_protocol::crypto::{Scheme, Signer};
use lockstep_protocol::nouns::evidence::OffenceKind;
use lockstep_protocol::nouns::standing::Refused;
use lockstep_protocol::nouns::vote::VoteKind;
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

mod actors;
mod labels;
mod register;
mod timed;

use labels::{
    ADMISSIONS, CLOSED, ClosedLabels, CodeLabels, LISTENERS, ListenerLabels, OffenceLabels,
    ProposalLabels, REFUSALS, RefusalLabels, RequestLabels, VoteLabels,
};
pub(crate) use labels::{
    ClosedLabel, KindLabel, ListenerLabel, OffenceLabel, RefusalLabel, ResultLabel,
};
use timed::Timed;

/// Bounds of the times by which a timer is late: 50 ms, the most that a flood may cost, is one.
const LATE_SECONDS: [f64; 14] = [
    1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0,
];

/// The metrics of one node.
pub struct Metrics {
    registry: Registry,
    votes: Family<VoteLabels, Counter>,
    proposals: Family<ProposalLabels, Counter>,
    refusals: Family<RefusalLabels, Counter>,
    requests_refused: Family<RequestLabels, Counter>,
    connections: Family<ListenerLabels, Gauge>,
    closed: Family<ClosedLabels, Counter>,
    /// Height under decision.
    pub height: Gauge,
    /// Round under way.
    pub round: Gauge,
    /// Rounds beyond the first, over all heights.
    pub rounds_skipped: Counter,
    /// Blocks committed since the start.
    pub blocks: Counter,
    /// Transactions committed since the start.
    pub transactions: Counter,
    /// Transactions that began to wait for a block.
    pub transactions_admitted: Counter,
    transactions_refused: Family<CodeLabels, Counter>,
    standings_refused: Family<CodeLabels, Counter>,
    /// Questions how far this node is that were answered.
    pub standings_answered: Counter,
    /// Transactions that wait for a block.
    pub mempool_transactions: Gauge,
    /// Their canonical bytes.
    pub mempool_bytes: Gauge,
    /// Transactions that a peer's full queue dropped.
    pub gossip_dropped: Counter,
    /// Blocks that came by block sync.
    pub blocks_synced: Counter,
    /// Peers asked for messages that this node lacked (E5).
    pub pulls: Counter,
    /// Peers answered likewise.
    pub pulls_answered: Counter,
    /// Messages that peers have answered.
    pub messages_pulled: Counter,
    /// Bytes of this node's proposals as they were first told, to all peers together.
    pub new_proposals_bytes: Counter,
    /// Transactions in them that went by name only.
    pub transactions_named: Counter,
    /// … and those that went along.
    pub transactions_sent_along: Counter,
    /// Transactions of peers' proposals that this node had to ask for.
    pub transactions_fetched: Counter,
    /// Answers of block sync that proved nothing.
    pub sync_lies: Counter,
    /// Proposals that were refused for their time.
    pub proposals_untimely: Counter,
    clock_difference: Gauge<f64, AtomicU64>,
    evidence: Family<OffenceLabels, Counter>,
    evidence_told: Family<ProposalLabels, Counter>,
    /// Offences whose proof waits for a block.
    pub evidence_pending: Gauge,
    /// Second decisions of old heights that are kept.
    pub old_forks: Gauge,
    /// Frames that a full or stale outbox dropped.
    pub frames_dropped: Counter,
    /// Exchanges with peers that failed.
    pub peer_errors: Counter,
    /// Between two commits.
    pub block_interval: Histogram,
    /// From the start of a height to its commit.
    pub commit_latency: Histogram,
    /// From the moment for which the round driver has set a timer until it acts on it.
    pub timeout_late: Histogram,
    /// One atomic write of a block.
    pub store_commit: Histogram,
    /// One atomic write of a sign record.
    pub store_persist: Histogram,
    verify: Histogram,
    sign: Histogram,
}

impl Metrics {
    /// All families at 0. `actors` shows the actors of the node, also those started later.
    pub fn new(actors: Actors) -> Arc<Metrics> {
        let fast = || Histogram::new(exponential_buckets(1e-5, 2.0, 16));
        let slow = || Histogram::new(exponential_buckets(1e-3, 2.0, 16));
        let mut metrics = Metrics {
            registry: Registry::default(),
            votes: Family::default(),
            proposals: Family::default(),
            refusals: Family::default(),
            requests_refused: Family::default(),
            connections: Family::default(),
            closed: Family::default(),
            height: Gauge::default(),
            round: Gauge::default(),
            rounds_skipped: Counter::default(),
            blocks: Counter::default(),
            transactions: Counter::default(),
            transactions_admitted: Counter::default(),
            transactions_refused: Family::default(),
            standings_refused: Family::default(),
            standings_answered: Counter::default(),
            mempool_transactions: Gauge::default(),
            mempool_bytes: Gauge::default(),
            gossip_dropped: Counter::default(),
            blocks_synced: Counter::default(),
            pulls: Counter::default(),
            pulls_answered: Counter::default(),
            messages_pulled: Counter::default(),
            new_proposals_bytes: Counter::default(),
            transactions_named: Counter::default(),
            transactions_sent_along: Counter::default(),
            transactions_fetched: Counter::default(),
            sync_lies: Counter::default(),
            proposals_untimely: Counter::default(),
            clock_difference: Gauge::default(),
            evidence: Family::default(),
            evidence_told: Family::default(),
            evidence_pending: Gauge::default(),
            old_forks: Gauge::default(),
            frames_dropped: Counter::default(),
            peer_errors: Counter::default(),
            block_interval: slow(),
            commit_latency: slow(),
            timeout_late: Histogram::new(LATE_SECONDS),
            store_commit: fast(),
            store_persist: fast(),
            verify: fast(),
            sign: fast(),
        };
        metrics.zero();
        metrics.register();
        metrics
            .registry
            .register_collector(Box::new(actors::ActorCollector(actors)));
        Arc::new(metrics)
    }

    fn register(&mut self) {
        self.register_counts();
        self.register_mempool();
        self.register_pulls();
        self.register_compact();
        self.register_sync();
        self.register_offences();
        self.register_connections();
        self.register_times();
        self.register_clocks();
    }

    /// Shows how far the median of the validators' clocks is ahead of this node's.
    pub fn clock_difference(&self, ms: i64) {
        self.clock_difference.set(ms as f64 / 1e3);
    }

    /// Counts an offence that this node has proof of.
    pub fn offence(&self, kind: OffenceKind) {
        let kind = OffenceLabel(kind);
        self.evidence.get_or_create(&OffenceLabels { kind }).inc();
    }

    /// Counts an offence that another node has told.
    pub fn evidence_told(&self, admission: Admission) {
        let result = ResultLabel(admission);
        self.evidence_told
            .get_or_create(&ProposalLabels { result })
            .inc();
    }

    /// Counts a vote.
    pub fn vote(&self, kind: VoteKind, admission: Admission) {
        let kind = match kind {
            VoteKind::Prevote => KindLabel::Prevote,
            VoteKind::Precommit => KindLabel::Precommit,
        };
        self.votes
            .get_or_create(&VoteLabels {
                kind,
                result: ResultLabel(admission),
            })
            .inc();
    }

    /// Counts a proposal.
    pub fn proposal(&self, admission: Admission) {
        self.proposals
            .get_or_create(&ProposalLabels {
                result: ResultLabel(admission),
            })
            .inc();
    }

    /// Counts a question how far this node is, or an answer to its own, that does not count.
    pub fn standing_refused(&self, refused: Refused) {
        let reason = refused.code();
        self.standings_refused
            .get_or_create(&CodeLabels { reason })
            .inc();
    }

    /// Counts a body that was no message.
    pub fn refusal(&self, reason: RefusalLabel) {
        self.refusals.get_or_create(&RefusalLabels { reason }).inc();
    }

    /// Counts a request of this listener that was answered with a status from 400 on.
    pub fn request_refused(&self, kind: ListenerLabel, route: &'static str, status: u16) {
        self.requests_refused_series(kind, route, status).inc();
    }

    /// Shows the count of such requests from the beginning.
    pub fn requests_refused_series(
        &self,
        kind: ListenerLabel,
        route: &'static str,
        status: u16,
    ) -> Counter {
        let status = u64::from(status);
        let labels = RequestLabels {
            kind,
            route,
            status,
        };
        self.requests_refused.get_or_create_owned(&labels)
    }

    /// Counts a transaction that may not wait.
    pub fn transaction_refused(&self, reason: &'static str) {
        self.transactions_refused
            .get_or_create(&CodeLabels { reason })
            .inc();
    }

    /// Shows how many connections a listener has.
    pub fn connections(&self, kind: ListenerLabel, open: usize) {
        let open = i64::try_from(open).unwrap_or(i64::MAX);
        self.connections
            .get_or_create(&ListenerLabels { kind })
            .set(open);
    }

    /// Counts a connection that this side closed.
    pub fn closed(&self, kind: ListenerLabel, reason: ClosedLabel) {
        self.closed
            .get_or_create(&ClosedLabels { kind, reason })
            .inc();
    }

    /// The OpenMetrics text.
    pub fn encode(&self) -> String {
        let mut out = String::new();
        // Writing into a String cannot fail.
        let _ = text::encode(&mut out, &self.registry);
        out
    }

    /// A scheme whose verifications are timed here.
    pub fn timed_scheme(&self, scheme: Arc<dyn Scheme>) -> Arc<dyn Scheme> {
        Arc::new(Timed {
            inner: scheme,
            seconds: self.verify.clone(),
        })
    }

    /// A signer whose signatures are timed here.
    pub fn timed_signer(&self, signer: Arc<dyn Signer>) -> Arc<dyn Signer> {
        Arc::new(Timed {
            inner: signer,
            seconds: self.sign.clone(),
        })
    }
}
