//! The Committer's shell in the simulator: the ledger's brain, and the order in which decided and
//! synced blocks reach the disk. One commit is under way at a time.
use super::random::Random;
use super::users::Users;
use lockstep_protocol::block::SealedBlock;
use lockstep_protocol::commit::CommitCertificate;
use lockstep_protocol::consensus::evidence_pool::{Added, EvidencePool};
use lockstep_protocol::evidence::{Evidence, Offence};
use lockstep_protocol::ledger::{CommitBatch, Draft, Ledger};
use lockstep_protocol::types::{Address, BlockId, Height, Round, Timestamp};
use lockstep_protocol::wire::DecidedBlock;
use std::collections::VecDeque;
use std::sync::Arc;

/// What happened.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// Check a proposed block.
    Execute(Arc<SealedBlock>),
    /// Build a block for this round.
    Build(Height, Round),
    /// The driver decided.
    Decide(Arc<SealedBlock>, Arc<CommitCertificate>),
    /// A peer answered block sync.
    Synced(usize, Arc<Vec<DecidedBlock>>),
    /// The batch is durable.
    Committed(Arc<CommitBatch>),
    /// The tally or the proposals found an offence.
    EvidenceFound(Box<Evidence>),
}

/// What to do.
#[derive(Clone, Debug)]
pub(crate) enum Output {
    /// Tell the proposals.
    Executed(BlockId, bool),
    /// Tell the driver.
    Built(Height, Round, Arc<SealedBlock>),
    /// Write, then report [`Input::Committed`].
    Write(Arc<CommitBatch>),
    /// Keep this until a block carries it; forget what had to give way.
    KeepEvidence(Box<Evidence>, Vec<Offence>),
    /// The peer's answer is used up.
    Answered(usize),
    /// The peer answered with nothing, or with what does not verify.
    Refused(usize),
    /// A certified block does not execute here: never on a correct node.
    Broken(String),
}

/// What the Committer holds.
pub(crate) struct Committer {
    pub(crate) ledger: Ledger,
    evidence: EvidencePool,
    me: Address,
    committing: Option<Height>,
    synced: VecDeque<DecidedBlock>,
    answering: Option<usize>,
}

impl Committer {
    /// `kept`: evidence that waited on disk.
    pub(crate) fn new(mut ledger: Ledger, me: Address, kept: &[Evidence]) -> Committer {
        let mut evidence = EvidencePool::default();
        for kept in kept {
            let added = evidence.add(kept.clone(), &mut ledger);
            added.expect("memory reads");
        }
        let (committing, synced, answering) = (None, VecDeque::new(), None);
        Committer {
            ledger,
            evidence,
            me,
            committing,
            synced,
            answering,
        }
    }

    pub(crate) fn step(
        &mut self,
        now: Timestamp,
        users: &Users,
        random: &mut Random,
        input: Input,
    ) -> Vec<Output> {
        let mut out = Vec::new();
        match input {
            // A block of another height than the next one has no verdict.
            Input::Execute(block) if block.height() == self.next() => {
                let valid = self.ledger.check(&block).is_ok();
                out.push(Output::Executed(block.id(), valid));
            }
            Input::Build(height, round) if height == self.next() => {
                let transactions = users.transactions(random);
                let proposer = self.me;
                let draft = Draft {
                    proposer,
                    now,
                    transactions,
                    evidence: self.evidence.candidates(self.ledger.head().height),
                };
                match self.ledger.prepare(draft) {
                    Ok(prepared) => out.push(Output::Built(height, round, prepared.block)),
                    Err(error) => out.push(Output::Broken(format!("cannot build: {error}"))),
                }
            }
            Input::Execute(_) | Input::Build(..) => {}
            Input::Decide(block, certificate) => self.commit(&block, certificate, &mut out),
            Input::Synced(peer, blocks) => self.synced(peer, &blocks, &mut out),
            Input::Committed(batch) => {
                self.ledger.committed(&batch);
                let (height, block) = (batch.block.height(), batch.block.block());
                self.evidence.committed(height, &block.evidence);
                self.committing = self.committing.filter(|h| *h > self.ledger.head().height);
                self.next_synced(&mut out);
            }
            Input::EvidenceFound(evidence) => self.evidence_found(evidence, &mut out),
        }
        out
    }

    fn evidence_found(&mut self, evidence: Box<Evidence>, out: &mut Vec<Output>) {
        match self.evidence.add((*evidence).clone(), &mut self.ledger) {
            Ok(Added::New { displaced }) => out.push(Output::KeepEvidence(evidence, displaced)),
            Ok(Added::Known | Added::Dropped) => {}
            Ok(Added::Refused(error)) => {
                out.push(Output::Broken(format!("{error}: {evidence:?}")));
            }
            Err(error) => out.push(Output::Broken(format!("cannot read: {error}"))),
        }
    }

    fn next(&self) -> Height {
        self.ledger.head().height.next()
    }

    fn commit(
        &mut self,
        block: &Arc<SealedBlock>,
        certificate: Arc<CommitCertificate>,
        out: &mut Vec<Output>,
    ) {
        if block.height() != self.next() || self.committing == Some(block.height()) {
            return;
        }
        match self.ledger.commit(block, certificate) {
            Ok(batch) => {
                self.committing = Some(block.height());
                out.push(Output::Write(batch));
            }
            Err(error) => out.push(Output::Broken(format!("a decided block fails: {error}"))),
        }
    }

    fn synced(&mut self, peer: usize, blocks: &[DecidedBlock], out: &mut Vec<Output>) {
        if blocks.is_empty() {
            return out.push(Output::Refused(peer));
        }
        self.synced = blocks.iter().cloned().collect();
        self.answering = Some(peer);
        self.next_synced(out);
    }

    /// The next block of the answer, if the disk is ready for it.
    fn next_synced(&mut self, out: &mut Vec<Output>) {
        let next = self.next();
        while self
            .synced
            .front()
            .is_some_and(|decided| decided.block.height() < next)
        {
            self.synced.pop_front();
        }
        if self.committing.is_some() {
            return;
        }
        let Some(peer) = self.answering else { return };
        let Some(DecidedBlock { block, certificate }) = self.synced.pop_front() else {
            self.answering = None;
            return out.push(Output::Answered(peer));
        };
        let named = (certificate.height, certificate.block_id) == (next, block.id());
        if !named || self.ledger.verify_certificate(&certificate).is_err() {
            self.synced.clear();
            self.answering = None;
            return out.push(Output::Refused(peer));
        }
        self.commit(&block, certificate, out);
    }
}
