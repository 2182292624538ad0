//! The shells of Committer and BlockSync in the simulator: the ledger's brain, the queue in which
//! decided and synced blocks wait for the disk, and what an answer of blocks proves.
use super::random::Random;
use super::users::Users;
use lockstep_protocol::block::SealedBlock;
use lockstep_protocol::commit::CommitCertificate;
use lockstep_protocol::consensus::catch_up::{Answer, Proven};
use lockstep_protocol::consensus::commit_queue::CommitQueue;
use lockstep_protocol::consensus::evidence_pool::{Added, EvidencePool};
use lockstep_protocol::evidence::{Evidence, Offence};
use lockstep_protocol::ledger::{CommitBatch, Draft, InvalidBlock, Ledger};
use lockstep_protocol::types::{Address, BlockId, Height, Round, Timestamp};
use lockstep_protocol::wire::DecidedBlock;
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
}

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
                let transactions = users.transactions(random, self.ledger.validators());
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
            Input::Decide(block, certificate) => {
                self.queue.offer(DecidedBlock { block, certificate });
            }
            Input::Synced(peer, blocks) => out.push(self.synced(peer, &blocks)),
            Input::Committed(batch) => {
                self.ledger.committed(&batch);
                let (height, block) = (batch.block.height(), batch.block.block());
                self.evidence.committed(height, &block.evidence);
                self.queue.written(height);
            }
            Input::EvidenceFound(evidence) => self.evidence_found(evidence, &mut out),
        }
        self.commit_next(&mut out);
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
                self.queue.halt();
                out.push(Output::Broken(format!("a decided block fails: {error}")));
            }
        }
    }

    fn synced(&mut self, peer: usize, blocks: &[DecidedBlock]) -> Output {
        let first = blocks.first().map(|decided| decided.block.height());
        let first = first.unwrap_or_default();
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
        blocks
            .into_iter()
            .for_each(|decided| self.queue.offer(decided));
        Output::Answered(peer, answer)
    }
}
