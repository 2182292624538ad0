//! What the VoteCollector is told and asked.
use super::WhenFull::Falls;
use lockstep_protocol::consensus::tally::Admission;
use lockstep_protocol::nouns::proposal::Proposal;
use lockstep_protocol::nouns::pull::Pull;
use lockstep_protocol::nouns::standing::{Question, Seen, StandingRefusal};
use lockstep_protocol::nouns::vote::SignedVote;
use lockstep_protocol::types::{Address, Height, Round};
use std::sync::Arc;

/// A vote came in over HTTP. Answers what became of it.
#[derive(Debug)]
pub(crate) struct VoteReceived(pub(crate) SignedVote);

/// This node's vote, durable and on its way.
#[derive(Debug)]
pub(crate) struct OwnVote(pub(crate) Arc<SignedVote>);

/// A verified proposal: its sender's prevote (E1).
#[derive(Debug)]
pub(crate) struct ProposalVerified(pub(crate) Proposal);

/// The round machine has forgotten the facts of this height.
#[derive(Debug)]
pub(crate) struct RetellFacts(pub(crate) Height, pub(crate) Round);

/// Whose votes of the round under way are missing?
#[derive(Debug)]
pub(crate) struct GetVotesMissing;

/// Answer to [`GetVotesMissing`].
#[derive(Clone, Debug, Default, serde::Serialize)]
pub(crate) struct VotesMissing {
    /// Validators whose prevote has not come.
    pub(crate) prevotes: Vec<Address>,
    /// Validators whose precommit has not come.
    pub(crate) precommits: Vec<Address>,
}

/// Write into this question what votes are held here, and send it.
#[derive(Debug)]
pub(crate) struct FinishPull {
    /// Who is asked.
    pub(crate) peer: Address,
    /// The question, proposals filled in.
    pub(crate) pull: Pull,
}

/// Which votes does a peer lack?
#[derive(Debug)]
pub(crate) struct GetVotes(pub(crate) Arc<Pull>);

/// A validator asks how far this node is. Answers what was seen of that one, or why it is not
/// answered.
#[derive(Debug)]
pub(crate) struct GetSeen(pub(crate) Arc<Question>);

told! {
    OwnVote => Falls,
    ProposalVerified => Falls,
    RetellFacts => Falls,
    FinishPull => Falls,
}
asked! {
    VoteReceived => Admission,
    GetVotesMissing => VotesMissing,
    GetVotes => Vec<SignedVote>,
    GetSeen => Result<Seen, StandingRefusal>,
}
