//! The labels of the families: every value from a closed list.
use lockstep_protocol::consensus::tally::Admission;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};

/// Labels with words that the protocol has for them.
pub(super) type Words<const N: usize> = [(&'static str, &'static str); N];

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
pub(super) struct RefusalLabels {
    pub(super) reason: RefusalLabel,
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
pub(super) struct ListenerLabels {
    pub(super) kind: ListenerLabel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ClosedLabels {
    pub(super) kind: ListenerLabel,
    pub(super) reason: ClosedLabel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RequestLabels {
    pub(super) kind: ListenerLabel,
    pub(super) route: &'static str,
    pub(super) status: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RouteLabels {
    pub(super) kind: ListenerLabel,
    pub(super) route: &'static str,
}

/// A validator of a set, or a peer: as many as the set has, or the configuration.
pub(super) type Member = [(&'static str, String); 1];

pub(super) const LISTENERS: [ListenerLabel; 2] = [ListenerLabel::Peers, ListenerLabel::People];

pub(super) const CLOSED: [ClosedLabel; 8] = [
    ClosedLabel::Full,
    ClosedLabel::Idle,
    ClosedLabel::SlowHead,
    ClosedLabel::SlowReader,
    ClosedLabel::BadMessages,
    ClosedLabel::Old,
    ClosedLabel::Broken,
    ClosedLabel::NotAccepted,
];

pub(super) const ADMISSIONS: [Admission; 12] = [
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

pub(super) const REFUSALS: [RefusalLabel; 9] = [
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

pub(super) fn word_of(admission: Admission) -> &'static str {
    match admission {
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
    }
}
