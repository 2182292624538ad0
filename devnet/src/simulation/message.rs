//! What travels between nodes. Shared by reference: nothing is encoded on a hop.
use super::trace::{Trace, word_of};
use lockstep_protocol::nouns::compact::{CompactProposal, TransactionsWanted};
use lockstep_protocol::nouns::decided::DecidedBlock;
use lockstep_protocol::nouns::evidence::{Evidence, Offence};
use lockstep_protocol::nouns::proposal::{Proposal, ProposedBlock};
use lockstep_protocol::nouns::pull::{Pull, Pulled};
use lockstep_protocol::nouns::standing::{Question, Statement as Standing};
use lockstep_protocol::nouns::transaction::Transaction;
use lockstep_protocol::nouns::vote::{SignedVote, Vote, VoteKind};
use lockstep_protocol::types::{BlockId, Height, Round};
use std::fmt;
use std::sync::Arc;

/// One message on the wire.
#[derive(Clone, Debug)]
pub(crate) enum Payload {
    /// A proposal with its block.
    Proposal(Arc<ProposedBlock>),
    /// A proposal by the leaves of its transactions.
    Compact(Arc<CompactProposal>),
    /// A user's transaction, passed on.
    Transaction(Arc<Transaction>),
    /// What of a proposal's transactions is missing.
    Fetch(Arc<TransactionsWanted>),
    /// Those of this block.
    Fetched(BlockId, Vec<Arc<Transaction>>),
    /// A vote.
    Vote(Arc<SignedVote>),
    /// Votes that E6 sends again.
    Votes(Arc<Vec<SignedVote>>),
    /// Block sync: blocks from this height on, please, and so many at the most.
    BlocksWanted(Height, u64),
    /// Block sync: what the peer's disk holds from this height on.
    Blocks(Height, Arc<Vec<DecidedBlock>>),
    /// E5: what the sender holds of a height.
    Pull(Arc<Pull>),
    /// E5: what it lacks.
    Pulled(Height, Arc<Pulled>),
    /// Proof that no block has carried yet.
    Evidence(Arc<Evidence>),
    /// How far are you?
    Greeting(Arc<Question>),
    /// The answer.
    Standing(Arc<Standing>),
}

/// Where a signature stands and what it says, for the checks: proposals count as prevotes (E1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) height: Height,
    pub(crate) round: Round,
    pub(crate) kind: VoteKind,
    pub(crate) block_id: Option<BlockId>,
    pub(crate) valid_round: Option<Round>,
}

impl Statement {
    pub(crate) fn of_vote(vote: &Vote) -> Statement {
        Statement {
            height: vote.height,
            round: vote.round,
            kind: vote.kind,
            block_id: vote.block_id,
            valid_round: vote.valid_round,
        }
    }
}

impl Payload {
    /// The signed part of a proposal, whole or compact.
    pub(crate) fn proposal(&self) -> Option<&Proposal> {
        match self {
            Payload::Proposal(message) => Some(&message.proposal),
            Payload::Compact(message) => Some(&message.proposal),
            _ => None,
        }
    }

    /// Votes: one that was just signed, those that are sent again, those of an answer to a pull.
    pub(crate) fn votes(&self) -> &[SignedVote] {
        match self {
            Payload::Vote(vote) => std::slice::from_ref(&**vote),
            Payload::Votes(votes) => votes,
            Payload::Pulled(_, pulled) => &pulled.votes,
            _ => &[],
        }
    }

    /// What a freshly signed message states; `None` for everything else.
    pub(crate) fn statement(&self) -> Option<Statement> {
        match self {
            Payload::Proposal(_) | Payload::Compact(_) => {
                let p = self.proposal()?;
                Some(Statement {
                    height: p.height,
                    round: p.round,
                    kind: VoteKind::Prevote,
                    block_id: Some(p.block_id),
                    valid_round: p.valid_round,
                })
            }
            Payload::Vote(signed) => Some(Statement::of_vote(&signed.vote)),
            _ => None,
        }
    }

    /// Writes what tells this message from others into the trace.
    pub(crate) fn trace(&self, trace: &mut Trace) {
        let (tag, height, round, word) = match self {
            Payload::Proposal(m) => {
                let p = &m.proposal;
                (1, p.height, p.round, word_of(&p.block_id))
            }
            Payload::Vote(s) => {
                let v = &s.vote;
                let kind = if v.kind == VoteKind::Prevote { 2 } else { 3 };
                (
                    kind,
                    v.height,
                    v.round,
                    v.block_id.map_or(0, |id| word_of(&id)),
                )
            }
            Payload::Compact(m) => {
                let p = &m.proposal;
                (9, p.height, p.round, word_of(&p.block_id))
            }
            Payload::Transaction(t) => (10, Height(0), Round(0), word_of(&t.leaf())),
            Payload::Fetch(missing) => (11, missing.height, Round(0), word_of(&missing.block_id)),
            Payload::Fetched(id, _) => (12, Height(0), Round(0), word_of(id)),
            Payload::Votes(votes) => (4, Height(0), Round(0), votes.len() as u64),
            Payload::BlocksWanted(height, limit) => (5, *height, Round(0), *limit),
            Payload::Blocks(from, blocks) => (6, *from, Round(0), blocks.len() as u64),
            Payload::Pull(pull) => (7, pull.height, pull.round, 0),
            Payload::Pulled(height, pulled) => (8, *height, Round(0), pulled.len() as u64),
            Payload::Evidence(evidence) => {
                let Offence { height, round, .. } = evidence.offence();
                (13, height, round, word_of(&evidence.hash()))
            }
            Payload::Greeting(_) => (14, Height(0), Round(0), 0),
            Payload::Standing(said) => {
                let round = said.standing.signed.unwrap_or_default();
                (15, said.standing.committed, round, 0)
            }
        };
        trace.word((height.0 << 24) | (u64::from(round.0) << 4) | tag);
        trace.word(word);
    }
}

impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(said) = self.statement() {
            let word = match (self, said.kind) {
                (Payload::Proposal(_), _) => "PROPOSAL",
                (Payload::Compact(_), _) => "COMPACT PROPOSAL",
                (_, VoteKind::Prevote) => "PREVOTE",
                (_, VoteKind::Precommit) => "PRECOMMIT",
            };
            let Statement { height, round, .. } = said;
            let id = said.block_id.map_or("nil".into(), |id| id.short());
            write!(f, "{word} {height}/{round} {id}")?;
            return match said.valid_round {
                Some(valid_round) => write!(f, " vr {valid_round}"),
                None => Ok(()),
            };
        }
        match self {
            Payload::Votes(votes) => write!(f, "{} votes again", votes.len()),
            Payload::Transaction(t) => write!(f, "transaction {}", t.id().short()),
            Payload::Fetch(missing) => {
                write!(f, "transactions of {}?", missing.block_id.short())
            }
            Payload::Fetched(id, transactions) => {
                write!(f, "{} transactions of {}", transactions.len(), id.short())
            }
            Payload::BlocksWanted(height, limit) => {
                write!(f, "{limit} blocks from {height} on?")
            }
            Payload::Blocks(from, blocks) => write!(f, "{} blocks from {from} on", blocks.len()),
            Payload::Pull(pull) => write!(f, "what is there of {}/{}?", pull.height, pull.round),
            Payload::Pulled(height, pulled) => {
                let (proposals, votes) = (pulled.proposals.len(), pulled.votes.len());
                write!(
                    f,
                    "of height {height}: {proposals} proposals, {votes} votes"
                )
            }
            Payload::Evidence(evidence) => write!(f, "evidence: {}", evidence.offence()),
            Payload::Greeting(_) => f.write_str("how far are you?"),
            Payload::Standing(said) => {
                let said = &said.standing;
                let round = |round: Option<Round>| {
                    round.map_or("nothing".into(), |round| format!("round {round}"))
                };
                let (signed, seen) = (round(said.signed), round(said.seen));
                let committed = said.committed;
                write!(
                    f,
                    "height {committed} is committed; then signed {signed}, seen {seen}"
                )
            }
            Payload::Proposal(_) | Payload::Compact(_) | Payload::Vote(_) => Ok(()),
        }
    }
}
