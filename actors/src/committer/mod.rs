//! **Committer** owns the ledger: it executes a block on an overlay (to check or to build it), and
//! later commits that overlay. Its brain is
//! [`committer`](lockstep_protocol::consensus::committer); this shell carries its messages, its log
//! lines and its figures.
use crate::limits::WAITING_BLOCKS_MAX;
use crate::messages::announcements::BlockCommitted;
use crate::messages::block_sync::{BlocksDiscarded, StopSync};
use crate::messages::mempool::TransactionsRefused;
use crate::messages::peer_broadcaster::TellEvidence;
use crate::messages::proposer::{BlockExecuted, BlockPrepared, LedgerRebuilt};
use crate::messages::round_driver::{AnnounceRound, ForkDetected, OwnEquivocationSeen, StopVoting};
use crate::messages::state_store::{CommitBlocks, PersistEvidence, PersistFork};
use crate::metrics::Metrics;
use crate::runtime::{Ctx, Fatal, Port};
use crate::shell::Deliver;
use crate::state_store::{Store, StoreError};
use crate::view::{HeadView, NodeView, OldForks};
use actix::prelude::*;
use lockstep_protocol::consensus::committer::{Committer as Brain, CommitterConfig, Input, Kept};
use lockstep_protocol::consensus::trusted::TrustedBlock;
use lockstep_protocol::ledger::{ChainRules, Ledger};
use lockstep_protocol::limits::EVIDENCE_PENDING_MAX;
use lockstep_protocol::nouns::block::SealedBlock;
use lockstep_protocol::nouns::decided::DecidedBlock;
use lockstep_protocol::types::Address;
use std::sync::Arc;
use std::time::Instant;

mod handlers;
#[cfg(test)]
mod tests;

/// Called with each committed block, on the node's thread, and the seconds that its height took.
pub type OnCommit = Arc<dyn Fn(&DecidedBlock, f64) + Send + Sync>;

/// What the committer tells.
#[derive(Clone)]
#[cfg_attr(test, derive(Default))]
pub(crate) struct Ports {
    /// StateStore.
    pub(crate) commit: Port<CommitBlocks>,
    /// Proposer: the verdict.
    pub(crate) executed: Port<BlockExecuted>,
    /// Proposer: the block.
    pub(crate) prepared: Port<BlockPrepared>,
    /// Mempool: these will never stand in a block.
    pub(crate) refused: Port<TransactionsRefused>,
    /// Proposer: I have restarted.
    pub(crate) rebuilt: Port<LedgerRebuilt>,
    /// RoundDriver: I have restarted.
    pub(crate) announce: Port<AnnounceRound>,
    /// RoundDriver: a certified block is invalid here.
    pub(crate) stop_voting: Port<StopVoting>,
    /// RoundDriver: a height was decided twice.
    pub(crate) forked: Port<ForkDetected>,
    /// StateStore: evidence that waits.
    pub(crate) keep_evidence: Port<PersistEvidence>,
    /// RoundDriver: its key has contradicted itself.
    pub(crate) own_equivocation: Port<OwnEquivocationSeen>,
    /// PeerBroadcaster: evidence that no block has carried yet.
    pub(crate) tell_evidence: Port<TellEvidence>,
    /// StateStore: the proof of a fork.
    pub(crate) keep_fork: Port<PersistFork>,
    /// BlockSync: likewise.
    pub(crate) stop_sync: Port<StopSync>,
    /// BlockSync: blocks that prove nothing.
    pub(crate) discarded: Port<BlocksDiscarded>,
    /// Everybody, RoundDriver first.
    pub(crate) committed: Vec<Port<BlockCommitted>>,
}

/// What an incarnation is made from.
#[derive(Clone)]
pub(crate) struct Seed {
    pub(crate) rules: Arc<ChainRules>,
    pub(crate) me: Address,
    /// The block that no other may be committed for.
    pub(crate) trusted: TrustedBlock,
    pub(crate) store: Store,
    pub(crate) view: Arc<NodeView>,
    pub(crate) metrics: Arc<Metrics>,
    /// Ends the node when its state cannot be read.
    pub(crate) fatal: Fatal,
    pub(crate) ports: Ports,
    /// Who else wants to know.
    pub(crate) on_commit: Option<OnCommit>,
}

/// The actor.
pub(crate) struct Committer {
    seed: Seed,
    brain: Brain,
    old_forks: OldForks,
    last_commit: Option<Instant>,
}

impl Committer {
    /// A ledger on `store`'s head. A node that remembers a halt commits nothing more.
    pub(crate) fn new(seed: Seed, ledger: Ledger) -> Committer {
        let config = CommitterConfig {
            me: seed.me,
            waiting_blocks_max: WAITING_BLOCKS_MAX,
            trusted: seed.trusted,
        };
        let kept = kept(&seed.store);
        let mut committer = Committer {
            seed,
            brain: Brain::new(config, ledger),
            old_forks: OldForks::default(),
            last_commit: None,
        };
        match kept {
            Ok(kept) => drop(committer.step(Input::Restored(kept))),
            Err(error) => committer.seed.fatal.raise(error.kind(), error.to_string()),
        }
        committer
    }
}

/// What the disk has kept for the brain.
fn kept(store: &Store) -> Result<Kept, StoreError> {
    Ok(Kept {
        evidence: store.pending_evidence(EVIDENCE_PENDING_MAX)?,
        forks: store.forks()?,
        has_halted: store.has_halted(),
    })
}

/// What a committed block makes the node show.
pub(crate) fn head_view(block: &SealedBlock) -> HeadView {
    let header = block.header();
    let height = header.height;
    let state_root = header.state_root;
    let time = header.time;
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
