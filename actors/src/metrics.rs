//! A node's OpenMetrics: one registry per node, every family present at 0 from the first scrape,
//! every label from a closed list.
use crate::runtime::Actors;
use lockstep_protocol::consensus::tally::Admission;
use lockstep_protocol::crypto::{
    KeyError, Scheme, SchemeId, Seed, SignatureError, Signer, SigningFailed, VerifyingKey,
};
use lockstep_protocol::evidence::OffenceKind;
use lockstep_protocol::mempool::Refusal;
use lockstep_protocol::vote::VoteKind;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use std::sync::Arc;
use std::time::Instant;

mod actors;

/// What a message was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum KindLabel {
    /// PREVOTE.
    Prevote,
    /// PRECOMMIT.
    Precommit,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResultLabel(pub Admission);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct VoteLabels {
    kind: KindLabel,
    result: ResultLabel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProposalLabels {
    result: ResultLabel,
}

/// Why bytes were refused before they were a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum RefusalLabel {
    /// Longer than its kind may be.
    TooLarge,
    /// No canonical bytes of its kind.
    Malformed,
    /// Another protocol version.
    Version,
    /// Another chain.
    ForeignChain,
    /// A body that its id does not name.
    BodyMismatch,
    /// The body did not arrive in time.
    Slow,
    /// The mailbox behind the gateway is full.
    Busy,
    /// A transaction that no block may carry: its signature, key or nonce is wrong.
    Transaction,
    /// A body in an encoding, such as gzip.
    Encoded,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabels {
    reason: RefusalLabel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabels {
    reason: &'static str,
}

/// Whom a listener serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum ListenerLabel {
    /// Other nodes.
    Peers,
    /// People.
    People,
}

/// Why this side closed a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum ClosedLabel {
    /// There was no place for it, or somebody with more right to it took it.
    Full,
    /// It asked nothing for too long.
    Idle,
    /// The head of a request did not come in time.
    SlowHead,
    /// It did not read its answer.
    SlowReader,
    /// It sent too many messages that no honest peer sends.
    BadMessages,
    /// It had lived long enough.
    Old,
    /// It broke off, or what it sent was no HTTP.
    Broken,
    /// It could not even be accepted: this process has no descriptor left.
    NotAccepted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ListenerLabels {
    kind: ListenerLabel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClosedLabels {
    kind: ListenerLabel,
    reason: ClosedLabel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    kind: ListenerLabel,
    route: &'static str,
    status: u64,
}

const LISTENERS: [ListenerLabel; 2] = [ListenerLabel::Peers, ListenerLabel::People];

const CLOSED: [ClosedLabel; 8] = [
    ClosedLabel::Full,
    ClosedLabel::Idle,
    ClosedLabel::SlowHead,
    ClosedLabel::SlowReader,
    ClosedLabel::BadMessages,
    ClosedLabel::Old,
    ClosedLabel::Broken,
    ClosedLabel::NotAccepted,
];

const ADMISSIONS: [Admission; 12] = [
    Admission::Counted,
    Admission::Unneeded,
    Admission::Duplicate,
    Admission::Stale,
    Admission::TooEarly,
    Admission::Incomplete,
    Admission::UnknownValidator,
    Admission::Malformed,
    Admission::Equivocation,
    Admission::WrongProposer,
    Admission::BadSignature,
    Admission::OverBudget,
];

const REFUSALS: [RefusalLabel; 9] = [
    RefusalLabel::TooLarge,
    RefusalLabel::Malformed,
    RefusalLabel::Version,
    RefusalLabel::ForeignChain,
    RefusalLabel::BodyMismatch,
    RefusalLabel::Slow,
    RefusalLabel::Busy,
    RefusalLabel::Transaction,
    RefusalLabel::Encoded,
];

impl EncodeLabelValue for ResultLabel {
    fn encode(
        &self,
        encoder: &mut prometheus_client::encoding::LabelValueEncoder<'_>,
    ) -> Result<(), std::fmt::Error> {
        let name = match self.0 {
            Admission::Counted => "counted",
            Admission::Unneeded => "unneeded",
            Admission::Duplicate => "duplicate",
            Admission::Stale => "stale",
            Admission::TooEarly => "too_early",
            Admission::Incomplete => "incomplete",
            Admission::UnknownValidator => "unknown_validator",
            Admission::Malformed => "malformed",
            Admission::Equivocation => "equivocation",
            Admission::WrongProposer => "wrong_proposer",
            Admission::BadSignature => "bad_signature",
            Admission::OverBudget => "over_budget",
        };
        EncodeLabelValue::encode(&name, encoder)
    }
}

/// What a validator did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OffenceLabel(pub OffenceKind);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OffenceLabels {
    kind: OffenceLabel,
}

impl EncodeLabelValue for OffenceLabel {
    fn encode(
        &self,
        encoder: &mut prometheus_client::encoding::LabelValueEncoder<'_>,
    ) -> Result<(), std::fmt::Error> {
        EncodeLabelValue::encode(&self.0.code(), encoder)
    }
}

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
    evidence: Family<OffenceLabels, Counter>,
    evidence_told: Family<ProposalLabels, Counter>,
    /// Offences whose proof waits for a block.
    pub evidence_pending: Gauge,
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
            evidence: Family::default(),
            evidence_told: Family::default(),
            evidence_pending: Gauge::default(),
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
        metrics.register_counts();
        metrics.register_mempool();
        metrics.register_pulls();
        metrics.register_compact();
        metrics.register_sync();
        metrics.register_offences();
        metrics.register_connections();
        metrics.register_times();
        metrics
            .registry
            .register_collector(Box::new(actors::ActorCollector(actors)));
        Arc::new(metrics)
    }

    /// A family shows a row once it has been looked up.
    fn zero(&self) {
        for admission in ADMISSIONS {
            let result = ResultLabel(admission);
            for kind in [KindLabel::Prevote, KindLabel::Precommit] {
                drop(self.votes.get_or_create(&VoteLabels { kind, result }));
            }
            drop(self.proposals.get_or_create(&ProposalLabels { result }));
            drop(self.evidence_told.get_or_create(&ProposalLabels { result }));
        }
        for kind in OffenceKind::ALL {
            let kind = OffenceLabel(kind);
            drop(self.evidence.get_or_create(&OffenceLabels { kind }));
        }
        for reason in Refusal::CODES {
            let labels = CodeLabels { reason };
            drop(self.transactions_refused.get_or_create(&labels));
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

    fn register_mempool(&mut self) {
        let r = &mut self.registry;
        r.register(
            "transactions_admitted",
            "Transactions that began to wait",
            self.transactions_admitted.clone(),
        );
        r.register(
            "transactions_refused",
            "Transactions that may not wait",
            self.transactions_refused.clone(),
        );
        r.register(
            "mempool_transactions",
            "Transactions that wait",
            self.mempool_transactions.clone(),
        );
        r.register(
            "mempool_bytes",
            "Their canonical bytes",
            self.mempool_bytes.clone(),
        );
        r.register(
            "gossip_dropped",
            "Transactions dropped before a peer got them",
            self.gossip_dropped.clone(),
        );
    }

    fn register_pulls(&mut self) {
        let r = &mut self.registry;
        r.register(
            "pulls",
            "Peers asked for messages that were lacking",
            self.pulls.clone(),
        );
        r.register(
            "pulls_answered",
            "Peers answered likewise",
            self.pulls_answered.clone(),
        );
        r.register(
            "messages_pulled",
            "Messages that peers have answered",
            self.messages_pulled.clone(),
        );
    }

    fn register_compact(&mut self) {
        let r = &mut self.registry;
        r.register(
            "new_proposals_bytes",
            "Bytes of this node's proposals as they were first told, to all peers together",
            self.new_proposals_bytes.clone(),
        );
        r.register(
            "transactions_named",
            "Transactions in them that went by name only",
            self.transactions_named.clone(),
        );
        r.register(
            "transactions_sent_along",
            "Transactions in them that went along",
            self.transactions_sent_along.clone(),
        );
        r.register(
            "transactions_fetched",
            "Transactions of peers' proposals that had to be asked for",
            self.transactions_fetched.clone(),
        );
    }

    fn register_counts(&mut self) {
        let r = &mut self.registry;
        r.register(
            "votes_received",
            "Votes by what became of them",
            self.votes.clone(),
        );
        r.register(
            "proposals_received",
            "Proposals likewise",
            self.proposals.clone(),
        );
        r.register(
            "messages_refused",
            "Bodies that were no message",
            self.refusals.clone(),
        );
        r.register(
            "requests_refused",
            "Requests answered with a status from 400 on, by route",
            self.requests_refused.clone(),
        );
        r.register(
            "consensus_height",
            "Height under decision",
            self.height.clone(),
        );
        r.register("consensus_round", "Round under way", self.round.clone());
        r.register(
            "rounds_skipped",
            "Rounds beyond the first",
            self.rounds_skipped.clone(),
        );
        r.register(
            "blocks_committed",
            "Blocks since the start",
            self.blocks.clone(),
        );
        r.register(
            "transactions_committed",
            "Transactions since the start",
            self.transactions.clone(),
        );
        r.register(
            "frames_dropped",
            "Frames dropped by outboxes",
            self.frames_dropped.clone(),
        );
        r.register(
            "peer_errors",
            "Failed exchanges with peers",
            self.peer_errors.clone(),
        );
    }

    fn register_sync(&mut self) {
        let r = &mut self.registry;
        r.register(
            "blocks_synced",
            "Blocks fetched from peers",
            self.blocks_synced.clone(),
        );
        r.register(
            "sync_lies",
            "Answers of block sync that proved nothing",
            self.sync_lies.clone(),
        );
    }

    fn register_offences(&mut self) {
        let r = &mut self.registry;
        r.register(
            "evidence",
            "Offences proved here, by kind",
            self.evidence.clone(),
        );
        r.register(
            "evidence_received",
            "Offences that other nodes have told, by what became of it",
            self.evidence_told.clone(),
        );
        r.register(
            "evidence_pending",
            "Offences that wait for a block",
            self.evidence_pending.clone(),
        );
    }

    fn register_connections(&mut self) {
        let r = &mut self.registry;
        r.register(
            "connections",
            "Connections of a listener",
            self.connections.clone(),
        );
        r.register(
            "connections_closed",
            "Connections that this side closed, or that broke",
            self.closed.clone(),
        );
    }

    fn register_times(&mut self) {
        let r = &mut self.registry;
        r.register(
            "block_interval_seconds",
            "Between two commits",
            self.block_interval.clone(),
        );
        r.register(
            "commit_seconds",
            "From start of height to commit",
            self.commit_latency.clone(),
        );
        r.register(
            "timeout_late_seconds",
            "From when a timer of the round driver is due until it is acted on",
            self.timeout_late.clone(),
        );
        r.register(
            "store_commit_seconds",
            "Write of a block",
            self.store_commit.clone(),
        );
        r.register(
            "store_persist_seconds",
            "Write of a sign record",
            self.store_persist.clone(),
        );
        r.register(
            "signature_verify_seconds",
            "One verification",
            self.verify.clone(),
        );
        r.register("signature_sign_seconds", "One signature", self.sign.clone());
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

struct Timed<T: ?Sized> {
    inner: Arc<T>,
    seconds: Histogram,
}

impl Scheme for Timed<dyn Scheme> {
    fn id(&self) -> SchemeId {
        self.inner.id()
    }

    fn public_key_bytes(&self) -> usize {
        self.inner.public_key_bytes()
    }

    fn signature_bytes(&self) -> usize {
        self.inner.signature_bytes()
    }

    fn prepare(&self, public_key: &[u8]) -> Result<Arc<dyn VerifyingKey>, KeyError> {
        let inner = self.inner.prepare(public_key)?;
        Ok(Arc::new(Timed {
            inner,
            seconds: self.seconds.clone(),
        }))
    }

    fn signer(&self, seed: &Seed) -> Result<Arc<dyn Signer>, KeyError> {
        self.inner.signer(seed)
    }
}

impl VerifyingKey for Timed<dyn VerifyingKey> {
    fn public_key(&self) -> &[u8] {
        self.inner.public_key()
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let began = Instant::now();
        let verdict = self.inner.verify(message, signature);
        self.seconds.observe(began.elapsed().as_secs_f64());
        verdict
    }
}

impl std::fmt::Debug for Timed<dyn VerifyingKey> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.inner.fmt(f)
    }
}

impl Signer for Timed<dyn Signer> {
    fn scheme(&self) -> SchemeId {
        self.inner.scheme()
    }

    fn public_key(&self) -> &[u8] {
        self.inner.public_key()
    }

    fn signature_bytes(&self) -> usize {
        self.inner.signature_bytes()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        let began = Instant::now();
        let signature = self.inner.sign(message);
        self.seconds.observe(began.elapsed().as_secs_f64());
        signature
    }
}
