//! **Committer** owns the ledger: it executes a block on an overlay (to check or to build it), and
//! later commits that overlay. Its brain is [`Ledger`]; beside it stands the [`EvidencePool`].
use crate::delivery::Deliver;
use crate::limits::WAITING_BLOCKS_MAX;
use crate::metrics::Metrics;
use crate::proposer::{BlockExecuted, BlockPrepared, BuildBlock, LedgerRebuilt};
use crate::round_driver::{AnnounceRound, ForkDetected, StopVoting};
use crate::runtime::{Ctx, Fatal, Port};
use crate::state_store::{CommitBlock, PersistEvidence, PersistFork, Store};
use crate::view::{HeadView, NodeView};
use actix::prelude::*;
use lockstep_protocol::block::SealedBlock;
use lockstep_protocol::commit::CommitCertificate;
use lockstep_protocol::consensus::evidence_pool::EvidencePool;
use lockstep_protocol::ledger::{
    ChainRules, CommitBatch, Draft, InvalidBlock, Ledger, NotAdmitted,
};
use lockstep_protocol::transaction::Transaction;
use lockstep_protocol::types::{Address, Height, Timestamp};
use lockstep_protocol::wire::DecidedBlock;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

mod evidence;

pub use evidence::EvidenceFound;

/// Is this block valid on the head?
#[derive(Debug)]
pub struct ExecuteBlock(pub Arc<SealedBlock>);

/// Build a block on the head.
#[derive(Debug)]
pub struct PrepareBlock {
    /// For which height and round.
    pub build: BuildBlock,
    /// This validator.
    pub proposer: Address,
    /// The wall clock.
    pub now: Timestamp,
    /// In this order, those that can be included.
    pub transactions: Vec<Transaction>,
}

/// A height is decided.
#[derive(Debug)]
pub struct CommitDecision {
    /// The decided block.
    pub block: Arc<SealedBlock>,
    /// Its proof.
    pub certificate: Arc<CommitCertificate>,
}

/// A block from a peer, its certificate verified.
#[derive(Debug)]
pub struct SyncedBlock(pub DecidedBlock);

/// May this transaction wait for a block? Answers why not.
#[derive(Debug)]
pub struct AdmitTransaction(pub Arc<Transaction>);

/// The store has written a block.
#[derive(Debug)]
pub struct BlockStored(pub Arc<CommitBatch>);

/// A block is durable and final. Told to all.
#[derive(Clone, Debug)]
pub struct BlockCommitted(pub Arc<CommitBatch>);

crate::message! {
    ExecuteBlock => (), PrepareBlock => (), CommitDecision => (), SyncedBlock => (),
    BlockStored => (), BlockCommitted => (), AdmitTransaction => Result<(), NotAdmitted>,
}

/// Called with each committed block, on the node's thread, and the seconds that its height took.
pub type OnCommit = Arc<dyn Fn(&CommitBatch, f64) + Send + Sync>;

/// What the committer tells.
#[derive(Clone)]
pub struct Ports {
    /// StateStore.
    pub commit: Port<CommitBlock>,
    /// Proposer: the verdict.
    pub executed: Port<BlockExecuted>,
    /// Proposer: the block.
    pub prepared: Port<BlockPrepared>,
    /// Proposer: I have restarted.
    pub rebuilt: Port<LedgerRebuilt>,
    /// RoundDriver: I have restarted.
    pub announce: Port<AnnounceRound>,
    /// RoundDriver: a certified block is invalid here.
    pub stop_voting: Port<StopVoting>,
    /// RoundDriver: a height was decided twice.
    pub forked: Port<ForkDetected>,
    /// StateStore: evidence that waits.
    pub keep_evidence: Port<PersistEvidence>,
    /// StateStore: the proof of a fork.
    pub keep_fork: Port<PersistFork>,
    /// Everybody, RoundDriver first.
    pub committed: Vec<Port<BlockCommitted>>,
}

/// What an incarnation is made from.
#[derive(Clone)]
pub struct Seed {
    /// The rules of the chain.
    pub rules: Arc<ChainRules>,
    /// Committed state.
    pub store: Store,
    /// What the node shows of itself.
    pub view: Arc<NodeView>,
    /// The node's metrics.
    pub metrics: Arc<Metrics>,
    /// Ends the node when its state cannot be read.
    pub fatal: Fatal,
    /// What it tells.
    pub ports: Ports,
    /// Who else wants to know.
    pub on_commit: Option<OnCommit>,
}

/// The actor.
pub struct Committer {
    seed: Seed,
    ledger: Ledger,
    /// Evidence that waits for a block.
    evidence: EvidencePool,
    /// Heights that are known to have two decisions.
    forks: Vec<Height>,
    /// A block that the store is writing.
    writing: Option<Height>,
    /// Decided blocks that wait for the one before them.
    waiting: VecDeque<DecidedBlock>,
    last_commit: Option<Instant>,
}

impl Committer {
    /// A ledger on `store`'s head.
    pub fn new(seed: Seed, ledger: Ledger) -> Committer {
        let (writing, waiting, last_commit) = (None, VecDeque::new(), None);
        let mut committer = Committer {
            seed,
            ledger,
            evidence: EvidencePool::default(),
            forks: Vec::new(),
            writing,
            waiting,
            last_commit,
        };
        committer.restore_evidence();
        committer
    }

    fn enqueue(&mut self, decided: DecidedBlock) {
        let height = decided.block.height();
        self.look_for_fork(&decided.certificate);
        let known = self
            .waiting
            .iter()
            .any(|waiting| waiting.block.height() == height);
        let room = self.waiting.len() < WAITING_BLOCKS_MAX;
        if height > self.ledger.head().height && self.writing != Some(height) && !known && room {
            self.waiting.push_back(decided);
        }
        self.commit_next();
    }

    fn commit_next(&mut self) {
        if self.writing.is_some() {
            return;
        }
        let next = self.ledger.head().height.next();
        self.waiting
            .retain(|decided| decided.block.height() >= next);
        let position = self.waiting.iter().position(|d| d.block.height() == next);
        let Some(decided) = position.and_then(|index| self.waiting.remove(index)) else {
            return;
        };
        match self.ledger.commit(&decided.block, decided.certificate) {
            Ok(batch) => {
                self.writing = Some(next);
                self.seed.ports.commit.deliver(CommitBlock(batch));
            }
            Err(error) if error.is_fatal() => self.seed.fatal.raise("store", error.to_string()),
            Err(error) => {
                log::error!("the certified block of height {next} is invalid here: {error}");
                self.look_behind(&error, &decided.block);
                self.seed.ports.stop_voting.deliver(StopVoting(next));
            }
        }
    }

    fn show(&mut self, batch: &CommitBatch) {
        let (header, metrics) = (batch.block.header(), &self.seed.metrics);
        self.seed.view.set_head(head_view(&batch.block));
        let now = Instant::now();
        if let Some(last) = self.last_commit.replace(now) {
            metrics.block_interval.observe((now - last).as_secs_f64());
        }
        let seconds = (now - self.seed.view.height_began()).as_secs_f64();
        metrics.commit_latency.observe(seconds);
        metrics.blocks.inc();
        metrics
            .transactions
            .inc_by(batch.block.block().transactions.len() as u64);
        metrics
            .height
            .set(i64::try_from(header.height.next().0).unwrap_or(i64::MAX));
        if let Some(on_commit) = &self.seed.on_commit {
            on_commit(batch, seconds);
        }
        log::debug!(
            "height {} committed: {} in round {}, {} transactions",
            header.height,
            batch.block.id().short(),
            batch.certificate.round,
            batch.block.block().transactions.len()
        );
    }
}

/// What a committed block makes the node show.
pub(crate) fn head_view(block: &SealedBlock) -> HeadView {
    let header = block.header();
    let (height, state_root, time) = (header.height, header.state_root, header.time);
    HeadView {
        height,
        block_id: block.id(),
        state_root,
        time,
    }
}

impl Actor for Committer {
    type Context = Ctx<Self>;
}

impl Supervised for Committer {
    fn restarting(&mut self, _: &mut Ctx<Self>) {
        match self.seed.store.ledger(self.seed.rules.clone()) {
            Ok(ledger) => *self = Committer::new(self.seed.clone(), ledger),
            Err(error) => return self.seed.fatal.raise("store", error.to_string()),
        }
        self.seed.ports.rebuilt.deliver(LedgerRebuilt);
        self.seed.ports.announce.deliver(AnnounceRound);
    }
}

impl Handler<ExecuteBlock> for Committer {
    type Result = ();

    fn handle(&mut self, ExecuteBlock(block): ExecuteBlock, _: &mut Ctx<Self>) {
        if block.height() != self.ledger.head().height.next() {
            // Not on this head, so there is nothing to say about it: it is asked again when its
            // height begins, or its height is over.
            return;
        }
        let valid = match self.ledger.check(&block) {
            Ok(()) => true,
            Err(error) if error.is_fatal() => {
                return self.seed.fatal.raise("store", error.to_string());
            }
            Err(error) => {
                log::warn!(
                    "block {} of height {}: {error}",
                    block.id().short(),
                    block.height()
                );
                self.look_behind(&error, &block);
                false
            }
        };
        self.seed
            .ports
            .executed
            .deliver(BlockExecuted(block.id(), valid));
    }
}

impl Handler<PrepareBlock> for Committer {
    type Result = ();

    fn handle(&mut self, message: PrepareBlock, _: &mut Ctx<Self>) {
        let PrepareBlock {
            build,
            proposer,
            now,
            transactions,
        } = message;
        if build.height != self.ledger.head().height.next() {
            return;
        }
        match self.ledger.prepare(Draft {
            proposer,
            now,
            transactions,
            evidence: self.evidence.candidates(self.ledger.head().height),
        }) {
            Ok(prepared) => {
                let never = prepared.rejected.into_iter();
                let never = never.filter(|(_, reason)| !reason.may_succeed_later());
                let (block, rejected) = (prepared.block, never.map(|(id, _)| id).collect());
                self.seed.ports.prepared.deliver(BlockPrepared {
                    build,
                    block,
                    rejected,
                });
            }
            Err(error) => self.seed.fatal.raise("store", error.to_string()),
        }
    }
}

impl Handler<CommitDecision> for Committer {
    type Result = ();

    fn handle(&mut self, message: CommitDecision, _: &mut Ctx<Self>) {
        let CommitDecision { block, certificate } = message;
        self.enqueue(DecidedBlock { block, certificate });
    }
}

impl Handler<SyncedBlock> for Committer {
    type Result = ();

    fn handle(&mut self, SyncedBlock(decided): SyncedBlock, _: &mut Ctx<Self>) {
        self.enqueue(decided);
    }
}

impl Handler<AdmitTransaction> for Committer {
    type Result = MessageResult<AdmitTransaction>;

    fn handle(&mut self, message: AdmitTransaction, _: &mut Ctx<Self>) -> Self::Result {
        let admitted = self.ledger.admit(&message.0);
        if let Err(NotAdmitted::Fatal(error)) = &admitted {
            self.seed.fatal.raise("store", error.to_string());
        }
        MessageResult(admitted)
    }
}

impl Handler<BlockStored> for Committer {
    type Result = ();

    fn handle(&mut self, BlockStored(batch): BlockStored, _: &mut Ctx<Self>) {
        let height = batch.block.height();
        if height == self.ledger.head().height.next() {
            self.ledger.committed(&batch);
            self.carried(&batch.block);
        }
        self.writing.take_if(|writing| *writing <= height);
        // What is shown outlives falls. So a block that an earlier incarnation sent to the store,
        // and that this one has read from there, is still told; and none is told twice.
        if height > self.seed.view.head().height {
            // Before anybody outside can see the new head: whoever reacts to it (a tick, say) then
            // finds every actor at the next height.
            for port in &self.seed.ports.committed {
                port.deliver(BlockCommitted(batch.clone()));
            }
            self.show(&batch);
        }
        self.commit_next();
    }
}
