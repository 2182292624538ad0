//! **Committer** owns the ledger: it executes a block on an overlay (to check or to build it), and
//! later commits that overlay. Its brain is [`Ledger`], with [`CommitQueue`] before it and the
//! [`EvidencePool`] beside it.
use crate::block_sync::StopSync;
use crate::delivery::Deliver;
use crate::limits::WAITING_BLOCKS_MAX;
use crate::mempool::TransactionsRefused;
use crate::metrics::Metrics;
use crate::peer_broadcaster::TellEvidence;
use crate::proposer::{BlockExecuted, BlockPrepared, BuildBlock, LedgerRebuilt};
use crate::round_driver::{AnnounceRound, ForkDetected, OwnEquivocationSeen, StopVoting};
use crate::runtime::{Ctx, Fatal, FatalKind, Port};
use crate::state_store::{CommitBlocks, PersistEvidence, PersistFork, Store, StoreError};
use crate::view::{HeadView, NewestBlock, NodeView};
use actix::prelude::*;
use lockstep_protocol::block::SealedBlock;
use lockstep_protocol::commit::CommitCertificate;
use lockstep_protocol::consensus::commit_queue::CommitQueue;
use lockstep_protocol::consensus::evidence_pool::EvidencePool;
use lockstep_protocol::consensus::trusted::TrustedBlock;
use lockstep_protocol::evidence::polka_book::PolkaBook;
use lockstep_protocol::ledger::{
    ChainRules, CommitBatch, Draft, InvalidBlock, Ledger, PrepareError, ReadError, Receipt,
    Rejection,
};
use lockstep_protocol::transaction::Transaction;
use lockstep_protocol::types::{Address, Hash, Height, Timestamp};
use lockstep_protocol::validator_schedule::ValidatorSchedule;
use lockstep_protocol::wire::DecidedBlock;
use std::sync::Arc;
use std::time::Instant;

mod evidence;
mod handlers;
mod messages;
#[cfg(test)]
mod tests;

pub use evidence::{EvidenceFound, EvidenceTold, PolkaSeen};
pub use messages::*;

/// Called with each committed block, on the node's thread, and the seconds that its height took.
pub type OnCommit = Arc<dyn Fn(&DecidedBlock, f64) + Send + Sync>;

/// What the committer tells.
#[derive(Clone)]
pub struct Ports {
    /// StateStore.
    pub commit: Port<CommitBlocks>,
    /// Proposer: the verdict.
    pub executed: Port<BlockExecuted>,
    /// Proposer: the block.
    pub prepared: Port<BlockPrepared>,
    /// Mempool: these will never stand in a block.
    pub refused: Port<TransactionsRefused>,
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
    /// RoundDriver: its key has contradicted itself.
    pub own_equivocation: Port<OwnEquivocationSeen>,
    /// PeerBroadcaster: evidence that no block has carried yet.
    pub tell_evidence: Port<TellEvidence>,
    /// StateStore: the proof of a fork.
    pub keep_fork: Port<PersistFork>,
    /// BlockSync: likewise.
    pub stop_sync: Port<StopSync>,
    /// Everybody, RoundDriver first.
    pub committed: Vec<Port<BlockCommitted>>,
}

/// What an incarnation is made from.
#[derive(Clone)]
pub struct Seed {
    /// The rules of the chain.
    pub rules: Arc<ChainRules>,
    /// This validator.
    pub me: Address,
    /// The block that no other may be committed for.
    pub trusted: TrustedBlock,
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
    /// What names whoever made a fork.
    polkas: PolkaBook,
    /// Heights that are known to have two decisions.
    forks: Vec<Height>,
    /// Decided blocks that wait for the one before them.
    queue: CommitQueue,
    last_commit: Option<Instant>,
}

impl Committer {
    /// A ledger on `store`'s head. A node that remembers a halt commits nothing more.
    pub fn new(seed: Seed, ledger: Ledger) -> Committer {
        let mut queue = CommitQueue::new(ledger.head().height, WAITING_BLOCKS_MAX);
        if seed.store.has_halted() {
            queue.halt();
        }
        let mut committer = Committer {
            seed,
            ledger,
            evidence: EvidencePool::default(),
            polkas: PolkaBook::default(),
            forks: Vec::new(),
            queue,
            last_commit: None,
        };
        committer.restore_evidence();
        committer
    }

    fn enqueue(&mut self, decided: DecidedBlock) {
        self.look_for_fork(&decided.certificate);
        self.queue.offer(decided);
    }

    /// Has the next blocks written, in one transaction: a node that catches up would wait for the
    /// disk at every block. Nothing of them is told before they are all durable.
    fn commit_next(&mut self) {
        let run = self.queue.next_run();
        let Some(first) = run.first() else {
            return;
        };
        let verdict = self.ledger.commit_run(&run);
        if let Err(other) = self.seed.trusted.judge(&run, &verdict) {
            let end = &self.seed.fatal;
            return end.raise(FatalKind::Safety, other.to_string());
        }
        match verdict {
            Ok(batches) => {
                if let Some(last) = batches.last() {
                    self.queue.begin(last.block.height());
                    self.seed.ports.commit.deliver(CommitBlocks(batches));
                }
            }
            Err(InvalidBlock::Fatal(error)) => self.unreadable(&error),
            // Certified by whom the chain has not named: it proves nothing, and is asked for anew.
            Err(InvalidBlock::ValidatorSet) => {
                let height = first.block.height();
                log::warn!("a block of height {height} came with another height's validators");
                self.queue.discard(height);
            }
            Err(error) => self.halt(&first.block, &error),
        }
    }

    /// Nothing can follow this block here: no vote, no further block. Reads go on.
    fn halt(&mut self, block: &SealedBlock, error: &InvalidBlock) {
        let height = block.height();
        log::error!("the certified block of height {height} is invalid here: {error}");
        self.look_behind(error, block);
        if let Err(error) = self.explain(error, block) {
            return self.unreadable(&error);
        }
        self.queue.halt();
        self.seed.ports.stop_voting.deliver(StopVoting(height));
        self.seed.ports.stop_sync.deliver(StopSync);
    }

    /// Of a root that differs: what it is made of here.
    fn explain(&mut self, error: &InvalidBlock, block: &SealedBlock) -> Result<(), ReadError> {
        match error {
            InvalidBlock::StateRoot { .. } => {
                let changed = self.ledger.explain(block)?.changed;
                changed
                    .iter()
                    .for_each(|key| log::error!("it changes {key}"));
            }
            InvalidBlock::ReceiptsRoot { .. } => {
                let receipts = self.ledger.explain(block)?.receipts;
                receipts
                    .iter()
                    .for_each(|receipt| log::error!("it ends with {receipt}"));
            }
            _ => {}
        }
        Ok(())
    }

    /// The committed state cannot be read: this says nothing about any block, and the node ends.
    fn unreadable(&self, error: &ReadError) {
        let kind = match error {
            ReadError::Corrupt(_) => FatalKind::Corrupt,
            ReadError::Store(_) => FatalKind::Retry,
        };
        self.seed.fatal.raise(kind, self.place(error));
    }

    /// The error with file and height before it.
    fn place(&self, error: &dyn std::fmt::Display) -> String {
        let (file, head) = (self.seed.store.file(), self.ledger.head().height);
        format!("{} at height {head}: {error}", file.display())
    }

    fn stored(&mut self, batch: &CommitBatch) {
        let height = batch.block.height();
        if height == self.ledger.head().height.next() {
            self.ledger.committed(batch);
            self.carried(&batch.block);
        }
        self.queue.written(height);
        let decided = DecidedBlock {
            block: batch.block.clone(),
            certificate: batch.certificate.clone(),
        };
        let receipts = Some(batch.receipts.clone());
        self.tell(&decided, &batch.validators, receipts);
    }

    /// Tells everybody that a block is durable, unless all have been told. Its receipts, if they
    /// are at hand.
    fn tell(
        &mut self,
        decided: &DecidedBlock,
        validators: &ValidatorSchedule,
        receipts: Option<Arc<Vec<Receipt>>>,
    ) {
        // What is shown outlives falls. So a block that an earlier incarnation sent to the store,
        // and that this one has read from there, is still told; and none is told twice.
        if decided.block.height() > self.seed.view.head().height {
            // Before anybody outside can see the new head: whoever reacts to it (a tick, say) then
            // finds every actor at the next height.
            for port in &self.seed.ports.committed {
                port.deliver(BlockCommitted(decided.clone(), validators.clone()));
            }
            self.seed
                .view
                .set_newest(receipts.map(|receipts| NewestBlock {
                    block: decided.block.clone(),
                    receipts,
                }));
            self.show(decided, validators);
        }
    }

    /// Tells what an earlier incarnation has not: the store's word that a block is written may have
    /// been lost with it, and nobody says it again.
    fn tell_stored(&mut self) -> Result<(), StoreError> {
        let (shown, stored) = (self.seed.view.head().height, self.ledger.head().height);
        let missed = stored.0.saturating_sub(shown.0);
        let missed = usize::try_from(missed).unwrap_or(usize::MAX);
        let validators = self.ledger.validators().clone();
        for decided in self.seed.store.decided(shown.next(), missed, usize::MAX)? {
            self.tell(&decided, &validators, None);
        }
        Ok(())
    }

    fn show(&mut self, decided: &DecidedBlock, validators: &ValidatorSchedule) {
        let (header, metrics) = (decided.block.header(), &self.seed.metrics);
        let head = head_view(&decided.block);
        self.seed.view.set_head(head, validators.clone());
        let now = Instant::now();
        if let Some(last) = self.last_commit.replace(now) {
            metrics.block_interval.observe((now - last).as_secs_f64());
        }
        let seconds = (now - self.seed.view.height_began()).as_secs_f64();
        metrics.commit_latency.observe(seconds);
        metrics.blocks.inc();
        metrics
            .transactions
            .inc_by(decided.block.block().transactions.len() as u64);
        metrics
            .height
            .set(i64::try_from(header.height.next().0).unwrap_or(i64::MAX));
        if let Some(on_commit) = &self.seed.on_commit {
            on_commit(decided, seconds);
        }
        log::debug!(
            "height {} committed: {} in round {}, {} transactions",
            header.height,
            decided.block.id().short(),
            decided.certificate.round,
            decided.block.block().transactions.len()
        );
    }
}

/// Why a candidate is not worth keeping, if it is not.
fn never(why: &Rejection) -> Option<&'static str> {
    match why {
        Rejection::Refused(error) if !why.may_succeed_later() => Some(error.code()),
        Rejection::Refused(_) | Rejection::BlockFull => None,
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
        let rebuilt = self.seed.store.ledger(self.seed.rules.clone());
        let told = rebuilt.and_then(|ledger| {
            *self = Committer::new(self.seed.clone(), ledger);
            self.tell_stored()
        });
        if let Err(error) = told {
            return self.seed.fatal.raise(error.kind(), error.to_string());
        }
        self.seed.ports.rebuilt.deliver(LedgerRebuilt);
        self.seed.ports.announce.deliver(AnnounceRound);
    }
}
