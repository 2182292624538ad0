//! One node's disk: what is written becomes durable by a later sync, in order.
//!
//! What has been reported survives every crash. Of the rest a crash keeps a prefix, as transactions
//! of one environment do, or any subset, as a disk does that reorders: more than the store needs.
//! A write is there or not; torn ones are the store's own tests.
use super::random::Random;
use lockstep_protocol::consensus::committer::forks::KnownFork;
use lockstep_protocol::consensus::durable::{Persist, Position, Recovery, SignedMessage};
use lockstep_protocol::ledger::{CommitBatch, DecisionReader, Head, MemoryState, ReadError};
use lockstep_protocol::nouns::block::SealedBlock;
use lockstep_protocol::nouns::commit::{CommitCertificate, PolkaCertificate};
use lockstep_protocol::nouns::decided::DecidedBlock;
use lockstep_protocol::nouns::evidence::{Evidence, Offence};
use lockstep_protocol::nouns::vote::VoteKind;
use lockstep_protocol::planted;
use lockstep_protocol::types::{BlockId, Height};
use lockstep_protocol::validators::schedule::ValidatorSchedule;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Something on its way to the disk, or a read that waits for all writes before it.
#[derive(Clone, Debug)]
pub(crate) enum Write {
    /// A sign record, with what must be durable along with it.
    Sign(Box<Persist>),
    /// A decided block, in one transaction.
    Commit(Arc<CommitBatch>),
    /// Evidence that waits for a block, and what had to give way for it.
    Evidence(Box<Evidence>, Vec<Offence>),
    /// These offences wait no more, and no block has carried them.
    Forget(Vec<Offence>),
    /// A second decision.
    Fork(Arc<KnownFork>),
    /// The own key is at work elsewhere.
    DistrustKey,
    /// The driver has restarted, for this life, and reads the sign record.
    ReadSignRecord(u32),
}

/// What survives.
#[derive(Clone)]
pub(crate) struct Durable {
    /// The newest committed block.
    pub(crate) head: Head,
    /// Who decides which height after it.
    pub(crate) validators: ValidatorSchedule,
    /// Committed blocks from height 1 on.
    pub(crate) chain: Vec<DecidedBlock>,
    /// Committed state.
    pub(crate) state: Arc<MemoryState>,
    signed: Recovery,
    evidence: BTreeMap<Offence, Evidence>,
    forks: BTreeMap<Height, Arc<KnownFork>>,
    /// This node must not sign any more.
    pub(crate) distrusts_key: bool,
}

/// What a crash keeps of writes that were not reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Survival {
    /// The first few.
    Prefix,
    /// Any of them.
    Subset,
}

/// A copy of a disk, the record beside the key included: nothing in it says that it is old.
struct Backup {
    durable: Durable,
    /// [`Durable::state`] goes on with the disk; this does not.
    state: MemoryState,
}

/// A disk with its queue of writes.
pub(crate) struct Disk {
    pub(crate) durable: Durable,
    backup: Option<Backup>,
    survival: Survival,
    queue: VecDeque<Write>,
    syncing: usize,
}

impl Disk {
    pub(crate) fn new(
        head: Head,
        validators: ValidatorSchedule,
        state: Arc<MemoryState>,
        survival: Survival,
    ) -> Disk {
        let durable = Durable {
            head,
            validators,
            chain: Vec::new(),
            state,
            signed: Recovery::default(),
            evidence: BTreeMap::new(),
            forks: BTreeMap::new(),
            distrusts_key: false,
        };
        Disk {
            durable,
            backup: None,
            survival,
            queue: VecDeque::new(),
            syncing: 0,
        }
    }

    pub(crate) fn write(&mut self, write: Write) {
        self.queue.push_back(write);
    }

    /// Begins a sync of everything written so far, unless one is under way or nothing waits.
    pub(crate) fn begin_sync(&mut self) -> bool {
        let begins = self.syncing == 0 && !self.queue.is_empty();
        if begins {
            self.syncing = self.queue.len();
        }
        begins
    }

    /// The sync under way is over: what it covered is durable. Returned in order.
    pub(crate) fn end_sync(&mut self) -> Vec<Write> {
        let covered: Vec<Write> = self.queue.drain(..self.syncing).collect();
        self.syncing = 0;
        covered.iter().for_each(|write| self.durable.apply(write));
        covered
    }

    /// Copies what is durable.
    pub(crate) fn back_up(&mut self) {
        self.backup = Some(Backup {
            durable: self.durable.clone(),
            state: MemoryState::clone(&self.durable.state),
        });
    }

    /// Puts the copy back. Whether there was one.
    pub(crate) fn restore(&mut self) -> bool {
        let Some(Backup { durable, state }) = self.backup.take() else {
            return false;
        };
        // In place: users look at it, too.
        self.durable.state.put_back(state);
        self.durable = durable;
        true
    }

    /// The node died: of the unreported writes some have reached the disk.
    pub(crate) fn crash(&mut self, random: &mut Random) {
        let prefix = random.index(self.queue.len() + 1);
        for (place, write) in std::mem::take(&mut self.queue).iter().enumerate() {
            let survives = match self.survival {
                Survival::Prefix => place < prefix,
                Survival::Subset => random.chance(500),
            };
            if survives {
                self.durable.apply(write);
            }
        }
        self.syncing = 0;
    }
}

impl Durable {
    fn apply(&mut self, write: &Write) {
        match write {
            Write::Sign(persist) => self.sign(persist),
            Write::Commit(batch) => self.commit(batch),
            Write::Evidence(evidence, displaced) => self.keep_evidence(evidence, displaced),
            Write::Forget(offences) => {
                offences.iter().for_each(|o| _ = self.evidence.remove(o));
            }
            Write::Fork(known) => {
                let height = known.fork.height();
                self.forks.entry(height).or_insert_with(|| known.clone());
            }
            Write::DistrustKey => self.distrusts_key = true,
            Write::ReadSignRecord(_) => {}
        }
    }

    fn keep_evidence(&mut self, evidence: &Evidence, displaced: &[Offence]) {
        displaced.iter().for_each(|o| _ = self.evidence.remove(o));
        self.evidence.insert(evidence.offence(), evidence.clone());
    }

    /// Evidence that waits for a block.
    pub(crate) fn evidence(&self) -> Vec<Evidence> {
        self.evidence.values().cloned().collect()
    }

    /// Second decisions.
    pub(crate) fn forks(&self) -> Vec<KnownFork> {
        self.forks
            .values()
            .map(|known| KnownFork::clone(known))
            .collect()
    }

    fn sign(&mut self, persist: &Persist) {
        match &persist.signed {
            SignedMessage::Proposal(proposal) => self.signed.proposal = Some(proposal.clone()),
            SignedMessage::Vote(vote) => match vote.vote.kind {
                VoteKind::Prevote => self.signed.prevote = Some(vote.clone()),
                VoteKind::Precommit => self.signed.precommit = Some(vote.clone()),
            },
        }
        if let Some(block) = &persist.block
            && self.block(&block.id()).is_none()
        {
            self.signed.blocks.push(block.clone());
        }
        planted!(LockNotPersisted => return);
        if persist.lock.is_some() {
            self.signed.lock.clone_from(&persist.lock);
        }
    }

    /// A height is committed once: a committer that died and came back may ask twice.
    fn commit(&mut self, batch: &CommitBatch) {
        if batch.block.height() != self.head.height.next() {
            return;
        }
        self.state.apply(&batch.changes);
        self.head = batch.head();
        self.validators = batch.validators.clone();
        self.chain.push(DecidedBlock {
            block: batch.block.clone(),
            certificate: batch.certificate.clone(),
        });
        let committed = self.head.height;
        self.signed
            .blocks
            .retain(|block| block.height() > committed);
        for evidence in &batch.block.block().evidence {
            self.evidence.remove(&evidence.offence());
        }
    }

    /// The committed height.
    pub(crate) fn height(&self) -> Height {
        self.head.height
    }

    /// The committed block of this height.
    pub(crate) fn committed(&self, height: Height) -> Option<&DecidedBlock> {
        let index = usize::try_from(height.0.checked_sub(1)?).ok()?;
        self.chain.get(index)
    }

    fn block(&self, id: &BlockId) -> Option<&Arc<SealedBlock>> {
        self.signed.blocks.iter().find(|block| block.id() == *id)
    }

    /// What a driver reads when it starts.
    pub(crate) fn recovery(&self) -> Recovery {
        planted!(RecordForgotten => return Recovery::default());
        self.signed.clone()
    }

    /// Whether a message that stands at this position may be sent.
    pub(crate) fn covers(&self, position: Position) -> bool {
        self.recovery_position() >= Some(position)
    }

    /// Where the newest signature stands.
    pub(crate) fn recovery_position(&self) -> Option<Position> {
        self.signed.position()
    }
}

impl DecisionReader for Durable {
    fn certificate(&self, height: Height) -> Result<Option<Arc<CommitCertificate>>, ReadError> {
        let decided = self.committed(height);
        Ok(decided.map(|decided| decided.certificate.clone()))
    }

    fn locked_polka(&self) -> Result<Option<PolkaCertificate>, ReadError> {
        Ok(self.signed.lock.as_ref().map(|lock| lock.polka.clone()))
    }
}
