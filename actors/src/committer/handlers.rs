//! What each message does, and how what the brain then says is carried out.
use super::{Committer, head_view};
use crate::messages::announcements::BlockCommitted;
use crate::messages::block_sync::{BlocksDiscarded, StopSync};
use crate::messages::committer::{
    BlocksStored, CommitDecision, EvidenceFound, EvidenceTold, ExecuteBlock, NoteTransactions,
    PolkaSeen, PrepareBlock, SyncedBlocks,
};
use crate::messages::mempool::TransactionsRefused;
use crate::messages::peer_broadcaster::TellEvidence;
use crate::messages::proposer::{BlockExecuted, BlockPrepared, BuildBlock};
use crate::messages::round_driver::{ForkDetected, OwnEquivocationSeen, StopVoting};
use crate::messages::state_store::{CommitBlocks, PersistEvidence, PersistFork};
use crate::runtime::FatalKind;
use crate::shell::{Deliver, answers, to_brain};
use crate::state_store::StoreError;
use crate::timelines::{Did, Note};
use crate::view::NewestBlock;
use lockstep_protocol::consensus::committer::forks::KnownFork;
use lockstep_protocol::consensus::committer::{Input, Output};
use lockstep_protocol::consensus::tally::Admission;
use lockstep_protocol::ledger::{CommitBatch, InvalidBlock, ReadError, Receipt};
use lockstep_protocol::nouns::block::SealedBlock;
use lockstep_protocol::nouns::decided::DecidedBlock;
use lockstep_protocol::nouns::evidence::{Evidence, Offence};
use lockstep_protocol::validators::schedule::ValidatorSchedule;
use std::sync::Arc;
use std::time::Instant;

answers! { Committer as this:
    // Without an answer the state could not be read, and the node ends.
    EvidenceTold(told) => this.step(Input::EvidenceTold(told)).unwrap_or(Admission::Unneeded),
}

to_brain! { Committer.step():
    PrepareBlock { build, now, transactions } => Input::Prepare {
        height: build.height,
        round: build.round,
        now,
        transactions,
    },
    CommitDecision { block, certificate } => Input::Decided(DecidedBlock { block, certificate }),
    SyncedBlocks(from, blocks) => Input::Synced(from, blocks),
    ExecuteBlock(block) => Input::Execute(block),
    NoteTransactions(verified) => Input::TransactionsVerified(verified),
    BlocksStored(run) => Input::Stored(run),
    EvidenceFound(evidence) => Input::EvidenceFound(evidence),
    PolkaSeen(polka) => Input::Polka(polka),
}

impl Committer {
    /// Lets the brain take this, and does what it says. Answers what became of told evidence.
    pub(super) fn step(&mut self, input: Input) -> Option<Admission> {
        let outputs = self.brain.step(&self.seed.store, input);
        let outputs = outputs.into_iter();
        let told = outputs.filter_map(|output| self.carry_out(output)).last();
        let waiting = i64::try_from(self.brain.evidence_waiting());
        let waiting = waiting.unwrap_or(i64::MAX);
        self.seed.metrics.evidence_pending.set(waiting);
        told
    }

    fn carry_out(&mut self, output: Output) -> Option<Admission> {
        let ports = &self.seed.ports;
        match output {
            Output::Executed(block, verdict) => self.executed(&block, verdict),
            Output::Prepared(height, round, block) => {
                self.note(Note::new(Did::Executed, height, round));
                let build = BuildBlock { height, round };
                ports.prepared.deliver(BlockPrepared { build, block });
            }
            Output::NotPrepared(height, error) => {
                log::error!("nothing is proposed at height {height}: {error}");
            }
            Output::DeadEnd(error) => {
                self.seed
                    .fatal
                    .raise(FatalKind::Corrupt, self.place(&error));
            }
            Output::Unreadable(error) => self.unreadable(&error),
            Output::Refused(refused) => ports.refused.deliver(TransactionsRefused(refused)),
            Output::Write(batches) => ports.commit.deliver(CommitBlocks(batches)),
            Output::Committed(batch) => self.committed(&batch),
            Output::Discarded(height, from) => {
                log::warn!("a block of height {height} came with another height's validators");
                ports.discarded.deliver(BlocksDiscarded(height, from));
            }
            Output::OtherThanTrusted(other) => {
                let end = &self.seed.fatal;
                end.raise(FatalKind::Safety, other.to_string());
            }
            Output::InvalidDecision(height, error, explained) => {
                log::error!("the certified block of height {height} is invalid here: {error}");
                explained.iter().for_each(|line| log::error!("{line}"));
            }
            Output::StopVoting(height) => ports.stop_voting.deliver(StopVoting(height)),
            Output::StopSync => ports.stop_sync.deliver(StopSync),
            Output::Fork(known) => self.fork(known),
            Output::OwnEquivocation(height) => {
                ports.own_equivocation.deliver(OwnEquivocationSeen(height));
            }
            Output::KeepEvidence(keep, forget) => self.keep_evidence(keep, forget),
            Output::TellEvidence(due) => ports.tell_evidence.deliver(TellEvidence(due)),
            Output::Told(admission) => {
                self.seed.metrics.evidence_told(admission);
                return Some(admission);
            }
            Output::NoRoom(offence) => log::debug!("no room for evidence: {offence}"),
            Output::Broken(what) => log::error!("{what}"),
        }
        None
    }

    fn executed(&self, block: &SealedBlock, verdict: Result<(), InvalidBlock>) {
        let id = block.id();
        let height = block.height();
        let is_valid = verdict.is_ok();
        self.note(Note {
            who: Some(block.header().proposer),
            ..Note::new(Did::Executed, height, self.seed.view.round())
        });
        if let Err(error) = verdict {
            log::warn!("block {} of height {height}: {error}", id.short());
        }
        self.seed
            .ports
            .executed
            .deliver(BlockExecuted(id, is_valid));
    }

    fn note(&self, note: Note) {
        self.seed.view.timelines.note(note);
    }

    fn committed(&mut self, batch: &CommitBatch) {
        let (height, round) = (batch.block.height(), batch.certificate.round);
        self.seed.view.timelines.committed(height, round);
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
                    decided: decided.clone(),
                    receipts,
                }));
            self.show(decided, validators);
        }
    }

    /// Tells what an earlier incarnation has not: the store's word that a block is written may have
    /// been lost with it, and nobody says it again.
    pub(super) fn tell_stored(&mut self) -> Result<(), StoreError> {
        let shown = self.seed.view.head().height;
        let stored = self.brain.ledger().head().height;
        let missed = stored.0.saturating_sub(shown.0);
        let missed = usize::try_from(missed).unwrap_or(usize::MAX);
        let validators = self.brain.ledger().validators().clone();
        for decided in self.seed.store.decided(shown.next(), missed, usize::MAX)? {
            self.tell(&decided, &validators, None);
        }
        Ok(())
    }

    fn show(&mut self, decided: &DecidedBlock, validators: &ValidatorSchedule) {
        let header = decided.block.header();
        let metrics = &self.seed.metrics;
        let head = head_view(&decided.block);
        self.seed.view.set_head(head, validators.clone());
        let now = Instant::now();
        if let Some(last) = self.last_commit.replace(now) {
            metrics.block_interval.observe((now - last).as_secs_f64());
        }
        let seconds = (now - self.seed.view.height_began()).as_secs_f64();
        metrics.committed_after(seconds);
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

    fn fork(&mut self, known: Arc<KnownFork>) {
        let ports = &self.seed.ports;
        let sentence = known.fork.sentence();
        ports.keep_fork.deliver(PersistFork(known.clone()));
        if known.stops {
            log::error!("fork: {sentence}");
            return ports.forked.deliver(ForkDetected(sentence));
        }
        log::error!(
            "old fork: {sentence}; validators of that time, or who has their keys, have signed \
             another history: it stops nothing here, and /evidence has the proof"
        );
        self.old_forks.count += 1;
        self.old_forks.newest = Some(sentence);
        let count = i64::try_from(self.old_forks.count).unwrap_or(i64::MAX);
        self.seed.metrics.old_forks.set(count);
        self.seed.view.set_old_forks(self.old_forks.clone());
    }

    fn keep_evidence(&self, keep: Option<Box<Evidence>>, forget: Vec<Offence>) {
        if let Some(evidence) = &keep {
            let offence = evidence.offence();
            self.seed.metrics.offence(offence.kind);
            log::warn!("evidence: {offence}, hash {}", evidence.hash().short());
        }
        let persist = PersistEvidence { keep, forget };
        self.seed.ports.keep_evidence.deliver(persist);
    }

    /// The committed state cannot be read: this says nothing about any block, and the node ends.
    fn unreadable(&self, error: &ReadError) {
        let kind = match error {
            ReadError::Corrupt(_) => FatalKind::Corrupt,
            ReadError::Application { .. } => FatalKind::Safety,
            ReadError::Store(_) => FatalKind::Retry,
        };
        self.seed.fatal.raise(kind, self.place(error));
    }

    /// The error with file and height before it.
    fn place(&self, error: &dyn std::fmt::Display) -> String {
        let file = self.seed.store.file();
        let head = self.brain.ledger().head().height;
        format!("{} at height {head}: {error}", file.display())
    }
}
