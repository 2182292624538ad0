//! What the brains tell each other about one height. Monotone: a fact once true stays true, so it
//! may be told twice, late, or in any order.
use crate::nouns::block::SealedBlock;
use crate::nouns::commit::{CommitCertificate, PolkaCertificate};
use crate::nouns::vote::VoteKind;
use crate::types::Round;
use std::sync::Arc;

/// What the vote tally has found (QuorumReached).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// Q of PREVOTE(h, r, id(v), vr) for one value (L28, L36, E8).
    Polka(Arc<PolkaCertificate>),
    /// Q of PREVOTE(h, r, nil) (L44, E3).
    NilPolka(Round),
    /// Q of PREVOTE(h, r, anything) (L34).
    PrevotesAny(Round),
    /// Q of PRECOMMIT(h, r, anything) (L47).
    PrecommitsAny(Round),
    /// Q of PRECOMMIT(h, r, id(v)) for one value (L49).
    Commit(Arc<CommitCertificate>),
    /// S have sent messages of this round or a later one (L55). The largest such round.
    Reached(Round),
    /// The proposer of this round has sent nothing for long while Q others have (E4), or has left the
    /// round, and nobody has seen a proposal of it (E11).
    ProposerSilent(Round),
    /// E11: of this phase and round Q have sent something, or have left it, and of everybody else
    /// nothing can be waited for: they have been silent for long (E4).
    NobodyLeft(VoteKind, Round),
}

/// What executing a proposed block said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// valid(v), and its time is acceptable to the local clock.
    Valid,
    /// valid(v), but its time lies too far ahead of the local clock: refused by L22 only, because
    /// everything else must not depend on a clock.
    Untimely,
    /// Not valid(v).
    Invalid,
}

/// A proposal of `proposer(h, r)`, its signature and its block checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedProposal {
    /// The round in which it was proposed.
    pub round: Round,
    /// The round of the polka that it refers to.
    pub valid_round: Option<Round>,
    /// What is proposed.
    pub block: Arc<SealedBlock>,
    /// Whether the block is acceptable.
    pub verdict: Verdict,
}
