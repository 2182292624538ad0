//! What the VoteCollector is told and asked.
use super::WhenFull::Falls;
use lockstep_protocol::consensus::tally::Admission;
use lockstep_protocol::proposal::Proposal;
use lockstep_protocol::pull::Pull;
use lockstep_protocol::standing::{Question, Refused, Seen};
use lockstep_protocol::types::{Address, Height, Round};
use lockstep_protocol::vote::SignedVote;
use std::sync::Arc;

/// A vote came in over HTTP. Answers what became of it.
#[derive(Debug)]
pub struct VoteReceived(pub SignedVote);

/// This node's vote, durable and on its way.
#[derive(Debug)]
pub struct OwnVote(pub Arc<SignedVote>);

/// A verified proposal: its sender's prevote (E1).
#[derive(Debug)]
pub struct ProposalVerified(pub Proposal);

/// The round machine has forgotten the facts of this height.
#[derive(Debug)]
pub struct RetellFacts(pub Height, pub Round);

/// Whose votes of the round under way are missing?
#[derive(Debug)]
pub struct GetMissing;

/// Answer to [`GetMissing`].
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Missing {
    /// Validators whose prevote has not come.
    pub prevotes: Vec<Address>,
    /// Validators whose precommit has not come.
    pub precommits: Vec<Address>,
}

/// Write into this question what votes are held here, and send it.
#[derive(Debug)]
pub struct FinishPull {
    /// Who is asked.
    pub peer: Address,
    /// The question, proposals filled in.
    pub pull: Pull,
}

/// Which votes does a peer lack?
#[derive(Debug)]
pub struct GetVotes(pub Arc<Pull>);

/// A validator asks how far this node is. Answers what was seen of that one, or why it is not
/// answered.
#[derive(Debug)]
pub struct GetSeen(pub Arc<Question>);

told! {
    OwnVote => Falls,
    ProposalVerified => Falls,
    RetellFacts => Falls,
    FinishPull => Falls,
}
asked! {
    VoteReceived => Admission,
    GetMissing => Missing,
    GetVotes => Vec<SignedVote>,
    GetSeen => Result<Seen, Refused>,
}
