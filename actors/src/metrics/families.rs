//! Which families there are, in one table: each with what the page of metrics says of it, the field
//! that counts it, and its name there. And each of their rows at 0.

use super::commit_times::CommitTimes;
use super::labels::{
    ADMISSIONS, CLOSED, ClosedLabels, LISTENERS, ListenerLabels, Member, REFUSALS, RefusalLabels,
    RequestLabels, RouteLabels, Words, word_of,
};
use lockstep_protocol::mempool::MempoolRefusal;
use lockstep_protocol::nouns::evidence::OffenceKind;
use lockstep_protocol::nouns::standing::StandingRefusal;
use lockstep_protocol::types::Address;
use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use std::collections::BTreeSet;
use std::sync::atomic::AtomicU64;

/// Bounds of the times by which a timer is late: 50 ms, the most that a flood may cost, is one.
const LATE_SECONDS: [f64; 14] = [
    1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0,
];

/// Bounds of the times until an answer begins.
const REQUEST_SECONDS: [f64; 8] = [5e-4, 1e-3, 5e-3, 0.01, 0.05, 0.1, 0.5, 1.0];

fn request() -> Histogram {
    Histogram::new(REQUEST_SECONDS)
}

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
        $(#[doc = $help:literal])+
        $seen:vis $field:ident: $type:ty = $name:literal $(, $new:expr)?;
    )*) => {
        /// The metrics of one node.
        pub struct Metrics {
            pub(super) registry: Registry,
            /// What has names of its own.
            pub(super) of_process: Registry,
            /// What the log says of the minute that has gone.
            pub(crate) commit_times: CommitTimes,
            /// Those whose votes are counted: those of the set.
            pub(super) members: Mutex<BTreeSet<Address>>,
            $($(#[doc = $help])+ $seen $field: $type,)*
        }

        impl Metrics {
            /// All families at 0.
            pub(super) fn at_zero() -> Metrics {
                let mut registry = Registry::with_prefix("lockstep");
                $(
                    let $field = families!(@new $type $(, $new)?);
                    // The page ends each sentence by itself.
                    let help = concat!($($help),+).trim_start().trim_end_matches('.');
                    registry.register($name, help, $field.clone());
                )*
                let commit_times = CommitTimes::default();
                let of_process = Registry::default();
                let members = Mutex::default();
                let metrics = Metrics { registry, of_process, commit_times, members, $($field),* };
                metrics.zero();
                metrics
            }
        }
    };
}

families! {
    /// Votes of other nodes, by what became of them.
    pub(super) votes: Family<Words<2>, Counter> = "votes_received";
    /// Proposals of other nodes, by what became of them.
    pub(super) proposals: Family<Words<1>, Counter> = "proposals_received";
    /// Bodies of requests that were no message, by why.
    pub(super) refusals: Family<RefusalLabels, Counter> = "messages_refused";
    /// Requests answered with a status from 400 on, by route.
    pub(super) requests_refused: Family<RequestLabels, Counter> = "requests_refused";
    /// Requests that were answered, by listener and route: how long until the head of the answer.
    pub(super) requests: Family<RouteLabels, Histogram> = "http_request_seconds",
        Family::new_with_constructor(request as fn() -> Histogram);
    /// Height under decision.
    pub height: Gauge = "consensus_height";
    /// Round under way.
    pub round: Gauge = "consensus_round";
    /// Rounds that began here.
    pub rounds: Counter = "rounds";
    /// Rounds that began here beyond the first of their height: each says that one before it failed.
    pub rounds_skipped: Counter = "rounds_skipped";
    /// Blocks that were decided here before this validator had sent its precommit.
    pub own_votes_late: Counter = "own_votes_late";
    /// Heights that were decided here before any vote of a validator had come, by validator.
    pub(super) votes_missed: Family<Member, Counter> = "votes_missed";
    /// Power of the validators of the height under decision, by validator.
    pub(super) validator_power: Family<Member, Gauge> = "validator_power";
    /// Seconds since the newest block was committed here, or since the node started.
    pub(super) last_block_age: Gauge<f64, AtomicU64> = "last_block_age_seconds";
    /// 1 if the node follows and does not vote, else 0.
    pub(super) observing: Gauge = "observing";
    /// 1 if the node has stopped voting for good, else 0: somebody must look.
    pub(super) halted: Gauge = "halted";
    /// 1 if the node is behind its peers and fetches blocks, else 0.
    pub(super) catching_up: Gauge = "catching_up";
    /// 1 if the node can take part in the next block, as /readyz says, else 0.
    pub(super) ready: Gauge = "ready";
    /// Other nodes that this one knows of.
    pub(super) peers: Gauge = "peers";
    /// Other nodes with which the last exchange succeeded.
    pub(super) peers_reachable: Gauge = "peers_reachable";
    /// Share of the power that this node and the peers that it reaches have; a block needs more than
    /// two thirds.
    pub(super) power_reachable: Gauge<f64, AtomicU64> = "power_reachable_ratio";
    /// How far the clock of a peer is ahead of this node's, in seconds, by peer.
    pub(super) clock_of_peer: Family<Member, Gauge<f64, AtomicU64>> = "clock_difference_seconds";
    /// Bytes of the database that are in use.
    pub(super) database_bytes: Gauge = "database_bytes";
    /// Bytes that the database may have at the most: its map.
    pub(super) database_map_bytes: Gauge = "database_map_bytes";
    /// Bytes of the disk of the data directory that are free for this node.
    pub(super) disk_free_bytes: Gauge = "disk_free_bytes";
    /// Bytes of that disk, used and free.
    pub(super) disk_bytes: Gauge = "disk_bytes";
    /// Blocks since the start.
    pub blocks: Counter = "blocks_committed";
    /// Transactions since the start.
    pub transactions: Counter = "transactions_committed";
    /// Messages to peers that were dropped, because too many waited for one.
    pub frames_dropped: Counter = "frames_dropped";
    /// Failed exchanges with peers.
    pub peer_errors: Counter = "peer_errors";
    /// Transactions that began to wait.
    pub transactions_admitted: Counter = "transactions_admitted";
    /// Transactions that may not wait.
    pub(super) transactions_refused: Family<Words<1>, Counter> = "transactions_refused";
    /// Transactions that wait.
    pub mempool_transactions: Gauge = "mempool_transactions";
    /// Canonical bytes of the transactions that wait.
    pub mempool_bytes: Gauge = "mempool_bytes";
    /// Transactions dropped before a peer got them.
    pub gossip_dropped: Counter = "gossip_dropped";
    /// Questions that an application of the chain has panicked over.
    pub query_panics: Counter = "query_panics";
    /// Peers asked for messages that were lacking.
    pub pulls: Counter = "pulls";
    /// Peers that asked for messages that they lacked, and were answered.
    pub pulls_answered: Counter = "pulls_answered";
    /// Questions how far this node is that were answered.
    pub standings_answered: Counter = "standings_answered";
    /// Questions how far this node is, and answers to its own, that do not count.
    pub(super) standings_refused: Family<Words<1>, Counter> = "standings_refused";
    /// Messages that were lacking and that peers have sent.
    pub messages_pulled: Counter = "messages_pulled";
    /// Bytes of this node's proposals as they were first told, to all peers together.
    pub new_proposals_bytes: Counter = "new_proposals_bytes";
    /// Transactions in this node's proposals that went by name only.
    pub transactions_named: Counter = "transactions_named";
    /// Transactions in this node's proposals that went along.
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
    /// Open connections, by listener.
    pub(super) connections: Family<ListenerLabels, Gauge> = "connections";
    /// Connections that this side closed, or that broke.
    pub(super) closed: Family<ClosedLabels, Counter> = "connections_closed";
    /// Seconds between two commits.
    pub block_interval: Histogram = "block_interval_seconds", slow();
    /// Seconds from the start of a height to its commit.
    pub(super) commit_latency: Histogram = "commit_seconds", slow();
    /// Seconds from when a timer of consensus is due until it is acted on.
    pub timeout_late: Histogram = "timeout_late_seconds", Histogram::new(LATE_SECONDS);
    /// Seconds to write a block, or several at once.
    pub store_commit: Histogram = "store_commit_seconds", fast();
    /// Seconds to write the record of a signature, before it is sent.
    pub store_persist: Histogram = "store_persist_seconds", fast();
    /// Seconds to verify a signature.
    pub(super) verify: Histogram = "signature_verify_seconds", fast();
    /// Seconds to sign.
    pub(super) sign: Histogram = "signature_sign_seconds", fast();
    /// How far the median of the validators' clocks is ahead of this node's, in seconds.
    pub(super) clock_difference: Gauge<f64, AtomicU64> = "clock_difference_median_seconds";
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
