//! The brain of the Committer: which block is valid on the head, which decided block is written
//! next, what is done with misbehaviour, and what stops this node. It owns the [`Ledger`], with a
//! queue of decided blocks before it (`writing`), and the [`EvidencePool`] and the [`PolkaBook`] beside
//! it.
//!
//! A certified block that is invalid here stops this node: nothing can follow it. So does a second
//! decision of the newest height or of the one under way ([`forks`]). A block that was certified by
//! whom the chain has not named proves nothing: it is discarded, and whoever sent it is reported.
//! Two signatures of this node's own key for one place, of which it has made one at the most, are
//! reported whatever way the proof comes: found here, told by another node, or in a block.
use super::evidence_pool::EvidencePool;
use super::tally::Admission;
use super::trusted::{OtherThanTrusted, TrustedBlock};
use crate::ledger::{
    CandidateRefusal, CommitBatch, DecisionReader, Draft, InvalidBlock, Ledger, PrepareError,
    ReadError,
};
use crate::nouns::block::SealedBlock;
use crate::nouns::commit::{CommitCertificate, PolkaCertificate};
use crate::nouns::decided::DecidedBlock;
use crate::nouns::evidence::polka_book::PolkaBook;
use crate::nouns::evidence::{Evidence, Offence};
use crate::nouns::transaction::Transaction;
use crate::types::{Address, Hash, Height, Round, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

mod accusing;
pub mod forks;
#[cfg(test)]
mod tests;
mod writing;

use forks::{Forks, KnownFork};
use writing::CommitQueue;

/// What does not change while a node runs.
#[derive(Clone, Copy, Debug)]
pub struct CommitterConfig {
    /// This validator.
    pub me: Address,
    /// The most decided blocks that wait for the one before them.
    pub waiting_blocks_max: usize,
    /// The block that no other may be committed for.
    pub trusted: TrustedBlock,
}

/// What the disk has kept for this brain.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// Evidence that no block has carried.
    pub evidence: Vec<Evidence>,
    /// Second decisions.
    pub forks: Vec<KnownFork>,
    /// Whether a certified block was invalid here: nothing is committed any more.
    pub has_halted: bool,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// What was kept on disk; told first, if at all.
    Restored(Kept),
    /// Is this block valid on the head?
    Execute(Arc<SealedBlock>),
    /// Build a block on the head, for this height and round.
    Prepare {
        /// The height to build for.
        height: Height,
        /// The round that asks.
        round: Round,
        /// The wall clock.
        now: Timestamp,
        /// In this order, those that can be included.
        transactions: Vec<Transaction>,
    },
    /// The RoundDriver has decided.
    Decided(DecidedBlock),
    /// Blocks from this peer, each with a certificate that was verified by the set it names.
    Synced(Address, Vec<DecidedBlock>),
    /// These are durable, in order of height.
    Stored(Vec<Arc<CommitBatch>>),
    /// The brain of VoteCollector or Proposer has found an offence, or the disk has its proof: an
    /// incarnation before this one may have sent it there after this one had read.
    EvidenceFound(Box<Evidence>),
    /// Another node says that a validator broke the rules. Answered by [`Output::Told`].
    EvidenceTold(Box<Evidence>),
    /// Q of prevotes for one value, verified; kept in case that a fork comes to light.
    Polka(Arc<PolkaCertificate>),
    /// The transactions with these leaves have been verified, each by this key.
    TransactionsVerified(Vec<(Hash, Arc<[u8]>)>),
}

/// What to do.
#[derive(Clone, Debug)]
pub enum Output {
    /// Tell the Proposer whether this block is valid on the head, and people why not.
    Executed(Arc<SealedBlock>, Result<(), InvalidBlock>),
    /// Tell the Proposer: the block that was asked for.
    Prepared(Height, Round, Arc<SealedBlock>),
    /// Nothing is proposed: the others would refuse what was built here.
    NotPrepared(Height, PrepareError),
    /// The head can be read, and no block can follow it: end the node.
    DeadEnd(PrepareError),
    /// The committed state cannot be read. It says nothing about any block: end the node.
    Unreadable(ReadError),
    /// Tell the Mempool: these will never stand in a block, and why.
    Refused(Vec<(Hash, &'static str)>),
    /// Write these in one transaction, then report [`Input::Stored`].
    Write(Vec<Arc<CommitBatch>>),
    /// Tell everybody that this block is durable.
    Committed(Arc<CommitBatch>),
    /// A block of this height, from this peer, was certified by whom the chain has not named. It
    /// and all behind it are forgotten, and have to be asked for anew.
    Discarded(Height, Address),
    /// The chain has another block than the trusted one, and it is not written: end the node.
    OtherThanTrusted(OtherThanTrusted),
    /// Tell people: a certified block is invalid here, and what differs.
    InvalidDecision(Height, InvalidBlock, Vec<String>),
    /// Tell the RoundDriver: a certified block of this height is invalid here.
    StopVoting(Height),
    /// Tell BlockSync: no block after it is of any use.
    StopSync,
    /// Keep the proof of a second decision, and tell people. If it stops this node, tell the
    /// RoundDriver, too.
    Fork(Arc<KnownFork>),
    /// Tell the RoundDriver: its key has contradicted itself at this height.
    OwnEquivocation(Height),
    /// Keep this until a block carries it, if there is any to keep; forget what waits no more.
    KeepEvidence(Option<Box<Evidence>>, Vec<Offence>),
    /// No block has carried these yet: tell the others.
    TellEvidence(Vec<Evidence>),
    /// What became of evidence that another node has told.
    Told(Admission),
    /// There was no place for evidence of this.
    NoRoom(Offence),
    /// A brain of this node has accused somebody without proof: a fault of this program.
    Broken(String),
}

/// The brain.
pub struct Committer {
    config: CommitterConfig,
    ledger: Ledger,
    /// Decided blocks that wait for the one before them.
    queue: CommitQueue,
    /// Decisions on their way to the disk.
    writing: BTreeMap<Height, Arc<CommitCertificate>>,
    /// Evidence that waits for a block.
    evidence: EvidencePool,
    /// What names whoever made a fork.
    polkas: PolkaBook,
    forks: Forks,
}

impl Committer {
    /// On the head of `ledger`.
    pub fn new(config: CommitterConfig, ledger: Ledger) -> Committer {
        let queue = CommitQueue::new(ledger.head().height, config.waiting_blocks_max);
        Committer {
            config,
            ledger,
            queue,
            writing: BTreeMap::new(),
            evidence: EvidencePool::default(),
            polkas: PolkaBook::default(),
            forks: Forks::default(),
        }
    }

    /// Takes one input and says what to do. `decisions` reads what is durable.
    pub fn step(&mut self, decisions: &dyn DecisionReader, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        if let Err(error) = self.take(decisions, input, &mut out) {
            out.push(Output::Unreadable(error));
        }
        out
    }

    /// The newest committed block, and who decides which height.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// How many offences wait for a block.
    pub fn evidence_waiting(&self) -> usize {
        self.evidence.len()
    }

    fn take(
        &mut self,
        decisions: &dyn DecisionReader,
        input: Input,
        out: &mut Vec<Output>,
    ) -> Result<(), ReadError> {
        match input {
            Input::Restored(kept) => return self.restore(kept, out),
            Input::Execute(block) => return self.execute(decisions, block, out),
            Input::Prepare {
                height,
                round,
                now,
                transactions,
            } => return self.prepare((height, round), now, transactions, out),
            Input::EvidenceFound(evidence) => return self.found(evidence, out),
            Input::EvidenceTold(evidence) => return self.told(evidence, out),
            Input::Polka(polka) => {
                self.polkas.note(polka);
                return Ok(());
            }
            Input::TransactionsVerified(verified) => {
                for (leaf, public_key) in verified {
                    self.ledger.note_transaction(&leaf, &public_key);
                }
                return Ok(());
            }
            Input::Decided(decided) => self.enqueue(decisions, decided, None, out)?,
            Input::Synced(from, blocks) => {
                for decided in blocks {
                    self.enqueue(decisions, decided, Some(from), out)?;
                }
            }
            Input::Stored(run) => {
                for batch in run {
                    self.stored(batch, out)?;
                }
            }
        }
        self.commit_next(decisions, out)
    }

    fn execute(
        &mut self,
        decisions: &dyn DecisionReader,
        block: Arc<SealedBlock>,
        out: &mut Vec<Output>,
    ) -> Result<(), ReadError> {
        if block.height() != self.ledger.head().height.next() {
            // Not on this head, so there is nothing to say about it: it is asked again when its
            // height begins, or its height is over.
            return Ok(());
        }
        let verdict = self.ledger.check(&block);
        match &verdict {
            Ok(()) => {}
            Err(InvalidBlock::Fatal(error)) => return Err(error.clone()),
            Err(why) => self.look_behind(decisions, why, &block, out)?,
        }
        out.push(Output::Executed(block, verdict));
        Ok(())
    }

    fn prepare(
        &mut self,
        (height, round): (Height, Round),
        now: Timestamp,
        transactions: Vec<Transaction>,
        out: &mut Vec<Output>,
    ) -> Result<(), ReadError> {
        if height != self.ledger.head().height.next() {
            return Ok(());
        }
        match self.ledger.prepare(Draft {
            proposer: self.config.me,
            now,
            transactions,
            evidence: self.evidence.candidates(self.ledger.head().height),
        }) {
            Ok(prepared) => {
                let refused = prepared.rejected.into_iter();
                let refused = refused.filter_map(|(id, why)| Some((id, never(&why)?)));
                let refused: Vec<_> = refused.collect();
                if !refused.is_empty() {
                    out.push(Output::Refused(refused));
                }
                out.push(Output::Prepared(height, round, prepared.block));
            }
            Err(PrepareError::Fatal(error)) => return Err(error),
            // The others would refuse it, and this node's vote would stand alone: its turn passes.
            Err(error @ PrepareError::Invalid(_)) => out.push(Output::NotPrepared(height, error)),
            // Likewise; and no later turn shall pass for the same calls.
            Err(PrepareError::NotDeterministic { calls, error }) => {
                let given_up = calls.transactions.iter();
                let given_up = given_up.map(|id| (*id, "application_not_deterministic"));
                out.push(Output::Refused(given_up.collect()));
                let error = PrepareError::NotDeterministic { calls, error };
                out.push(Output::NotPrepared(height, error));
            }
            Err(error) => out.push(Output::DeadEnd(error)),
        }
        Ok(())
    }
}

/// Why a candidate is not worth keeping, if it is not.
fn never(why: &CandidateRefusal) -> Option<&'static str> {
    match why {
        CandidateRefusal::Refused(error) if !why.may_succeed_later() => Some(error.code()),
        CandidateRefusal::Refused(_) | CandidateRefusal::BlockFull => None,
    }
}
