//! What must hold in every world. One file and one line of [`all`] each.
use super::message::{Payload, Statement};
use super::succession::Succession;
use lockstep_protocol::nouns::commit::PolkaCertificate;
use lockstep_protocol::nouns::decided::DecidedBlock;
use lockstep_protocol::nouns::evidence::Evidence;
use lockstep_protocol::nouns::sign_bytes::SignContext;
use lockstep_protocol::types::{Address, Height};
use lockstep_protocol::validators::set::ValidatorSet;
use std::collections::BTreeSet;
use std::sync::Arc;

mod accountability;
mod agreement;
mod certificates;
mod durable_first;
mod evidence_completeness;
pub(crate) mod execution;
mod just_evidence;
mod key_guard;
mod lock_rule;
mod no_double_sign;
mod no_trouble;
mod old_forks;
mod pacing;
mod progress;
mod restored_sign;
mod validator_sets;
mod validity;

/// What the properties judge by.
pub(crate) struct Scene {
    /// Everybody who ever validates: the position of a key is that of its node.
    pub(crate) keys: Arc<ValidatorSet>,
    /// Who decides which height.
    pub(crate) sets: Succession,
    pub(crate) context: SignContext,
    /// Where the chain begins.
    pub(crate) origin: execution::Origin,
    /// Which nodes follow the rules.
    pub(crate) correct: Vec<bool>,
    /// Whose home is put back.
    pub(crate) restored: Option<usize>,
}

impl Scene {
    /// Whether more validators are faulty than the protocol bears.
    pub(crate) fn may_fork(&self) -> bool {
        let faulty = (0..self.correct.len()).filter(|node| !self.correct[*node]);
        self.keys.is_skip_set(self.keys.power_of(faulty))
    }

    /// Who decides `height`.
    pub(crate) fn at(&self, height: Height) -> &ValidatorSet {
        self.sets.at(height)
    }

    /// Whether these nodes are a quorum of `height`.
    pub(crate) fn is_quorum(&self, height: Height, nodes: impl IntoIterator<Item = usize>) -> bool {
        let keys = &self.keys;
        let set = self.at(height);
        let members = nodes.into_iter().filter_map(|node| keys.get(node));
        let members: BTreeSet<_> = members.filter_map(|v| set.index_of(&v.address)).collect();
        set.is_quorum(set.power_of(members))
    }

    /// The node with the key of `address`.
    pub(crate) fn node_of(&self, address: &Address) -> Option<usize> {
        self.keys.index_of(address)
    }
}

/// Something that a correct node did, or how the world ended.
pub(crate) enum Sight<'a> {
    /// It sent a message with its own signature.
    Said {
        payload: &'a Payload,
        statement: &'a Statement,
        is_durable: bool,
    },
    /// A message reached it.
    Heard(&'a Payload),
    /// It enters another round of a height.
    Entered {
        height: Height,
        at_ms: u64,
        /// How long a proposer is waited for in the first round.
        proposed_for_ms: u64,
        /// Whether all clocks are behind what they have been.
        are_behind: bool,
    },
    /// A block is durable.
    Committed(&'a DecidedBlock),
    /// It has seen a quorum of prevotes.
    Polka(&'a Arc<PolkaCertificate>),
    /// It accuses somebody.
    Accused(&'a Evidence),
    /// It tells people that a height was decided twice.
    ForkTold,
    /// A proof, found by itself or by another, is on its disk.
    Kept(&'a Evidence),
    /// What it has heard and not committed is gone.
    Forgot,
    /// It starts; whether its disk remembers that its key is at work elsewhere.
    Began { remembers: bool },
    /// It has met a message of its key that it has not signed.
    KeySeenElsewhere,
    /// It stopped voting, or met what it cannot go on with.
    Trouble(&'a str),
    /// The faults stopped, and the time to recover is over (or was not needed).
    Ended {
        wanted: Height,
        reached: &'a [(usize, Height, String)],
    },
}

/// What a property has counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    /// Offences that a block was due to carry.
    pub(crate) offences_due: u64,
    /// How many of them one carries.
    pub(crate) offences_committed: u64,
    /// Forks whose makers were named.
    pub(crate) forks_explained: u64,
    /// Of these, forks between two rounds.
    pub(crate) forks_across_rounds: u64,
}

/// One property.
pub(crate) trait Property: Send {
    /// Looks at what this node did; an error says how it contradicts.
    fn see(&mut self, scene: &Scene, node: usize, sight: &Sight<'_>) -> Result<(), String>;
    /// Whether it also looks at nodes that are correct but for another one with the same key.
    fn judges_twins(&self) -> bool {
        false
    }
    /// Whether it also looks at a node that is correct but for its disk, which is an old one.
    fn judges_restored(&self) -> bool {
        false
    }
    /// Figures that only whole batches can be judged by.
    fn figures(&self) -> Figures {
        Figures::default()
    }
}

/// A property, and what it is called.
pub(crate) type Named = (&'static str, Box<dyn Property>);

/// All of them.
pub(crate) fn all() -> Vec<Named> {
    vec![
        (
            "accountability",
            Box::<accountability::Accountability>::default(),
        ),
        ("agreement", Box::<agreement::Agreement>::default()),
        ("validity", Box::<validity::Validity>::default()),
        ("validator sets", Box::new(validator_sets::ValidatorSets)),
        (
            "no double sign",
            Box::<no_double_sign::NoDoubleSign>::default(),
        ),
        ("lock rule", Box::<lock_rule::LockRule>::default()),
        ("certificate validity", Box::new(certificates::Certificates)),
        ("durable first", Box::new(durable_first::DurableFirst)),
        (
            "evidence completeness",
            Box::<evidence_completeness::EvidenceCompleteness>::default(),
        ),
        ("execution", Box::<execution::Execution>::default()),
        ("just evidence", Box::new(just_evidence::JustEvidence)),
        ("key guard", Box::<key_guard::KeyGuard>::default()),
        ("no trouble", Box::new(no_trouble::NoTrouble)),
        ("old forks told", Box::<old_forks::OldForks>::default()),
        ("pacing", Box::<pacing::Pacing>::default()),
        ("progress", Box::new(progress::Progress)),
        (
            "restored sign",
            Box::<restored_sign::RestoredSign>::default(),
        ),
    ]
}
