//! What clients asked, when, of whom, and what they were told: all that the judge goes by.
use lockstep_protocol::types::{Address, Hash};
use std::collections::BTreeMap;
use std::time::Duration;

/// One thing that an answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// "pending", "queued" or "known": the transaction waits here, or stands in a block.
    Accepted(Hash),
    /// A block carries it.
    Committed(Receipt),
    /// It waits no more, for the reason with this word.
    Over(Hash, String),
    /// It waits.
    Waiting(Hash),
    /// This node knows nothing of it; so too if there is no receipt.
    Unknown(Hash),
    /// Balance and nonce after a block.
    Account(At, Address, u64, u64),
    /// What somebody keeps under a key after a block: the value, and since when.
    Record(At, Address, Vec<u8>, Option<(Vec<u8>, u64)>),
    /// A height is committed.
    Head(u64),
    /// A block, and the ids of what it carries.
    Block(At, Vec<Hash>),
    /// Refused with this code.
    Refused(String),
    /// No answer came.
    Nothing,
}

/// Which block an answer is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) height: u64,
    /// As far as the answer names it.
    pub(crate) block: Option<Hash>,
    pub(crate) state_root: Option<Hash>,
    /// The question was about the newest one.
    pub(crate) newest: bool,
}

/// A receipt, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub(crate) id: Hash,
    pub(crate) height: u64,
    pub(crate) index: u64,
    pub(crate) block: Hash,
    /// `None`: it did what it says.
    pub(crate) failed: Option<String>,
    pub(crate) fee: u64,
}

/// A question and its answer. Times are counted from the start of the run.
#[derive(Clone, Debug)]
#[allow(dead_code)] // who and what are shown in a violation
pub(crate) struct Call {
    pub(crate) client: usize,
    pub(crate) gateway: usize,
    pub(crate) began: Duration,
    pub(crate) ended: Duration,
    pub(crate) method: &'static str,
    pub(crate) told: Told,
}

/// A transaction that a client has signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signed {
    pub(crate) sender: Address,
    pub(crate) nonce: u64,
    pub(crate) expires_at: u64,
}

/// `kill -9` of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kill {
    pub(crate) node: usize,
    pub(crate) at: Duration,
}

/// Everything that happened between clients and nodes.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pub(crate) calls: Vec<Call>,
    pub(crate) signed: BTreeMap<Hash, Signed>,
    pub(crate) kills: Vec<Kill>,
    /// When no fault was left and nothing moved any more: what was asked from then on, until
    /// clients handed in again what had been forgotten.
    pub(crate) audit: (Duration, Duration),
}

impl History {
    /// Whether the node that answered has lived on since the question until the audit.
    pub(crate) fn lived_on(&self, call: &Call) -> bool {
        let killed = |kill: &Kill| kill.node == call.gateway && kill.at >= call.began;
        !self.kills.iter().any(killed)
    }

    /// Calls that were answered, if only by a refusal.
    pub(crate) fn answered(&self) -> usize {
        let answered = |call: &&Call| call.told != Told::Nothing;
        self.calls.iter().filter(answered).count()
    }
}
