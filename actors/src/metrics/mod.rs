//! A node's OpenMetrics: one registry per node, every family present at 0 from the first scrape,
//! every label from a closed list.
use crate::runtime::Actors;
use lockstep_protocol::consensus::tally::Admission;
use lockstep_protocol::crypto::{Scheme, Signer};
use lockstep_protocol::nouns::evidence::OffenceKind;
use lockstep_protocol::nouns::standing::StandingRefusal;
use lockstep_protocol::nouns::vote::VoteKind;
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::info::Info;
use std::sync::Arc;

mod actors;
mod commit_times;
mod families;
mod labels;
mod moment;
mod process;
mod text_format;
mod timed;

pub(crate) use families::Metrics;
pub(crate) use labels::{ClosedLabel, ListenerLabel, RefusalLabel};
use labels::{ClosedLabels, ListenerLabels, RefusalLabels, RequestLabels, RouteLabels, word_of};
pub(crate) use moment::Moment;
pub(crate) use text_format::{Format, wants_gzip};
use timed::Timed;

/// Said by whoever builds a release.
const COMMIT: Option<&str> = option_env!("LOCKSTEP_COMMIT");

impl Metrics {
    /// All families at 0, of a node of no chain.
    #[cfg(any(test, feature = "fuzzing"))]
    pub fn new(actors: Actors) -> Arc<Metrics> {
        Metrics::of_chain(actors, "none")
    }

    /// All families at 0, of a node whose chain has this scheme. `actors` shows the actors of the
    /// node, also those started later.
    pub fn of_chain(actors: Actors, scheme: impl ToString) -> Arc<Metrics> {
        let mut metrics = Metrics::at_zero();
        let shown = Box::new(actors::ActorCollector(actors));
        metrics.registry.register_collector(shown);
        let build = Info::new(vec![
            ("version", env!("CARGO_PKG_VERSION").to_owned()),
            ("scheme", scheme.to_string()),
            ("commit", COMMIT.unwrap_or("unknown").to_owned()),
        ]);
        let help = "Which program this is, and the signature scheme of its chain";
        metrics.registry.register("build", help, build);
        let process = Box::new(process::ProcessCollector);
        metrics.of_process.register_collector(process);
        Arc::new(metrics)
    }

    /// Shows how far the median of the validators' clocks is ahead of this node's.
    pub fn clock_difference(&self, ms: i64) {
        self.clock_difference.set(ms as f64 / 1e3);
    }

    /// A block was committed so many seconds after its height began.
    pub(crate) fn committed_after(&self, seconds: f64) {
        self.commit_latency.observe(seconds);
        self.commit_times.note(seconds);
    }

    /// Counts an offence that this node has proof of.
    pub fn offence(&self, kind: OffenceKind) {
        self.evidence.get_or_create(&[("kind", kind.code())]).inc();
    }

    /// Counts an offence that another node has told.
    pub fn evidence_told(&self, admission: Admission) {
        let result = ("result", word_of(admission));
        self.evidence_told.get_or_create(&[result]).inc();
    }

    /// Counts a vote.
    pub fn vote(&self, kind: VoteKind, admission: Admission) {
        let kind = match kind {
            VoteKind::Prevote => "Prevote",
            VoteKind::Precommit => "Precommit",
        };
        let labels = [("kind", kind), ("result", word_of(admission))];
        self.votes.get_or_create(&labels).inc();
    }

    /// Counts a proposal.
    pub fn proposal(&self, admission: Admission) {
        let result = ("result", word_of(admission));
        self.proposals.get_or_create(&[result]).inc();
    }

    /// Counts a question how far this node is, or an answer to its own, that does not count.
    pub fn standing_refused(&self, refused: StandingRefusal) {
        let reason = ("reason", refused.code());
        self.standings_refused.get_or_create(&[reason]).inc();
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
    pub fn transaction_refused(&self, code: &'static str) {
        let reason = ("reason", code);
        self.transactions_refused.get_or_create(&[reason]).inc();
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

    /// A request was answered.
    pub fn request_answered(&self, kind: ListenerLabel, route: &'static str, seconds: f64) {
        let labels = RouteLabels { kind, route };
        self.requests.get_or_create(&labels).observe(seconds);
    }

    /// Shows a route from the beginning.
    pub fn show_route(&self, kind: ListenerLabel, route: &'static str) {
        drop(self.requests.get_or_create(&RouteLabels { kind, route }));
    }

    /// The OpenMetrics text.
    pub fn encode(&self) -> String {
        let mut out = String::new();
        // Writing into a String cannot fail.
        let _ = text::encode_registry(&mut out, &self.registry);
        let _ = text::encode_registry(&mut out, &self.of_process);
        let _ = text::encode_eof(&mut out);
        out
    }

    /// The text in this format.
    pub(crate) fn encode_as(&self, format: Format) -> String {
        let open = self.encode();
        match format {
            Format::OpenMetrics => open,
            Format::Text => text_format::text_of(&open),
        }
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
