//! The shells of Committer and BlockSync in the simulator: the ledger's brain, the queue in which
//! decided and synced blocks wait for the disk, and what an answer of blocks proves.
use super::node::Clocks;
use super::random::Random;
use super::users::Users;
use lockstep_protocol::block::SealedBlock;
use lockstep_protocol::commit::{CommitCertificate, PolkaCertificate};
use lockstep_protocol::consensus::catch_up::{Answer, Proven};
use lockstep_protocol::consensus::commit_queue::CommitQueue;
use lockstep_protocol::consensus::evidence_pool::{Added, EvidencePool};
use lockstep_protocol::evidence::fork::{self, Polkas};
use lockstep_protocol::evidence::polka_book::PolkaBook;
use lockstep_protocol::evidence::{Evidence, Offence};
use lockstep_protocol::ledger::{CommitBatch, Draft, InvalidBlock, Ledger};
use lockstep_protocol::types::{Address, BlockId, Height, Round};
use lockstep_protocol::wire::DecidedBlock;
use std::collections::{BTreeMap, BTreeSet};
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
    /// A peer answered block sync, from this height on.
    Synced(usize, Height, Arc<Vec<DecidedBlock>>),
    /// The batch is durable.
    Committed(Arc<CommitBatch>),
    /// The tally or the proposals found an offence.
    EvidenceFound(Box<Evidence>),
    /// A quorum of prevotes, in case that a fork comes to light.
    PolkaSeen(Arc<PolkaCertificate>),
    /// Another node has told this.
    EvidenceTold(Arc<Evidence>),
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
    /// A height was decided twice; tell the driver.
    Forked(String),
    /// Tell this to all other nodes.
    TellEvidence(Evidence),
    /// What the peer's answer was worth.
    Answered(usize, Answer),
    /// A certified block does not execute here: never on a correct node.
    Broken(String),
}

/// Blocks that may wait for the one before them.
const WAITING_BLOCKS_MAX: usize = 1_000;

/// What the Committer holds.
pub(crate) struct Committer {
    pub(crate) ledger: Ledger,
    evidence: EvidencePool,
    me: Address,
    queue: CommitQueue,
    polkas: PolkaBook,
    /// What this node has decided of late.
    decided: BTreeMap<Height, Arc<CommitCertificate>>,
    forks: BTreeSet<Height>,
}

/// Heights behind the head whose decision is compared with those of others.
const DECISIONS_KEPT_MAX: usize = 64;

impl Committer {
    /// `kept`: evidence that waited on disk.
    pub(crate) fn new(mut ledger: Ledger, me: Address, kept: &[Evidence]) -> Committer {
        let mut evidence = EvidencePool::default();
        for kept in kept {
            let added = evidence.add(kept.clone(), &mut ledger);
            added.expect("memory reads");
        }
        let queue = CommitQueue::new(ledger.head().height, WAITING_BLOCKS_MAX);
        Committer {
            ledger,
            evidence,
            me,
            queue,
            polkas: PolkaBook::default(),
            decided: BTreeMap::new(),
            forks: BTreeSet::new(),
        }
    }

    pub(crate) fn step(
        &mut self,
        clocks: Clocks,
        users: &Users,
        random: &mut Random,
        input: Input,
    ) -> Vec<Output> {
        let mut out = Vec::new();
        match input {
            // A block of another height than the next one has no verdict.
            Input::Execute(block) if block.height() == self.next() => {
                let verdict = self.ledger.check(&block);
                let valid = verdict.is_ok();
                verdict.unwrap_or_else(|error| self.look_behind(&error, &block, &mut out));
                out.push(Output::Executed(block.id(), valid));
            }
            Input::Build(height, round) if height == self.next() => {
                let transactions = users.transactions(random, self.ledger.validators());
                let proposer = self.me;
                let draft = Draft {
                    proposer,
                    now: clocks.wall,
                    transactions,
                    evidence: self.evidence.candidates(self.ledger.head().height),
                };
                match self.ledger.prepare(draft) {
                    Ok(prepared) => out.push(Output::Built(height, round, prepared.block)),
                    Err(error) => out.push(Output::Broken(format!("cannot build: {error}"))),
                }
            }
            Input::Execute(_) | Input::Build(..) => {}
            Input::PolkaSeen(polka) => self.polkas.note(polka),
            Input::Decide(block, certificate) => {
                self.look_for_fork(&certificate, &mut out);
                self.queue.offer(DecidedBlock { block, certificate });
            }
            Input::Synced(peer, from, blocks) => self.synced(peer, from, &blocks, &mut out),
            Input::Committed(batch) => {
                self.ledger.committed(&batch);
                let (height, block) = (batch.block.height(), batch.block.block());
                self.decided.insert(height, batch.certificate.clone());
                if self.decided.len() > DECISIONS_KEPT_MAX {
                    self.decided.pop_first();
                }
                if let Err(error) = self.evidence.committed(&block.evidence, &self.ledger) {
                    out.push(Output::Broken(format!("cannot read: {error}")));
                }
                self.queue.written(height);
                self.tell_evidence(&mut out);
            }
            Input::EvidenceFound(evidence) => self.evidence_found(evidence, &mut out),
            Input::EvidenceTold(evidence) => {
                let told = Evidence::clone(&evidence);
                match self.evidence.receive(told, &mut self.ledger) {
                    Ok(Added::New { displaced }) => {
                        let evidence = Box::new(Evidence::clone(&evidence));
                        out.push(Output::KeepEvidence(evidence, displaced));
                    }
                    Ok(_) => {}
                    Err(error) => out.push(Output::Broken(format!("cannot read: {error}"))),
                }
            }
        }
        self.commit_next(&mut out);
        out
    }

    fn evidence_found(&mut self, evidence: Box<Evidence>, out: &mut Vec<Output>) {
        match self.evidence.add((*evidence).clone(), &mut self.ledger) {
            Ok(Added::New { displaced }) => {
                out.push(Output::KeepEvidence(evidence, displaced));
                self.tell_evidence(out);
            }
            Ok(Added::Known | Added::Dropped) => {}
            Ok(refused) => out.push(Output::Broken(format!("{refused:?}: {evidence:?}"))),
            Err(error) => out.push(Output::Broken(format!("cannot read: {error}"))),
        }
    }

    /// After a start, and whenever a block is durable.
    pub(crate) fn tell_evidence(&mut self, out: &mut Vec<Output>) {
        let due = self.evidence.to_tell(self.ledger.head().height);
        out.extend(due.into_iter().map(Output::TellEvidence));
    }

    fn next(&self) -> Height {
        self.ledger.head().height.next()
    }

    /// A whole run is on its way to the disk at once. What is one transaction on a real disk are as
    /// many writes here: after a crash any prefix of them may be found.
    fn commit_next(&mut self, out: &mut Vec<Output>) {
        let run = self.queue.next_run();
        match self.ledger.commit_run(&run) {
            Ok(run) => {
                if let Some(last) = run.last() {
                    self.queue.begin(last.block.height());
                }
                out.extend(run.into_iter().map(Output::Write));
            }
            Err(InvalidBlock::ValidatorSet) => {
                run.iter()
                    .take(1)
                    .for_each(|first| self.queue.discard(first.block.height()));
            }
            Err(error) => {
                if let Some(first) = run.first() {
                    self.look_behind(&error, &first.block, out);
                }
                self.queue.halt();
                out.push(Output::Broken(format!("a decided block fails: {error}")));
            }
        }
    }

    /// A block on another parent carries the commit of that one.
    fn look_behind(&mut self, why: &InvalidBlock, block: &SealedBlock, out: &mut Vec<Output>) {
        if let (InvalidBlock::Parent { .. }, Some(commit)) = (why, &block.block().last_commit) {
            self.look_for_fork(commit, out);
        }
    }

    /// Is this a second decision of a height that is committed here?
    fn look_for_fork(&mut self, theirs: &CommitCertificate, out: &mut Vec<Output>) {
        let Some(ours) = self.decided.get(&theirs.height) else {
            return;
        };
        if ours.block_id == theirs.block_id || self.forks.contains(&theirs.height) {
            return;
        }
        let Some(set) = self.ledger.validators().at(theirs.height) else {
            return;
        };
        let context = &self.ledger.rules().context;
        let polkas = self.polkas.of(theirs.height);
        if let Some(fork) = fork::find(set, context, ours, theirs, Polkas::Some(&polkas)) {
            self.forks.insert(theirs.height);
            out.push(Output::Forked(fork.sentence()));
            for evidence in fork.evidence {
                self.evidence_found(Box::new(evidence), out);
            }
        }
    }

    fn synced(
        &mut self,
        peer: usize,
        first: Height,
        blocks: &[DecidedBlock],
        out: &mut Vec<Output>,
    ) {
        let (validators, context) = (self.ledger.validators(), &self.ledger.rules().context);
        let Proven {
            blocks,
            flawed,
            unknown_from,
        } = Proven::of(validators, context, first, blocks.to_vec());
        let answer = Answer {
            first,
            blocks: blocks.len() as u64,
            bytes: 0,
            flawed,
            unknown_from,
        };
        for decided in blocks {
            self.look_for_fork(&decided.certificate, out);
            self.queue.offer(decided);
        }
        out.push(Output::Answered(peer, answer));
    }
}
