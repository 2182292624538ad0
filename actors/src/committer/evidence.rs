//! What the Committer does with misbehaviour: evidence waits here for a block of this node and is
//! told to the others, and a second decision of a committed height stops it.
use super::*;
use crate::limits::FORKS_MAX;
use crate::peer_broadcaster::TellEvidence;
use crate::round_driver::OwnEquivocationSeen;
use crate::runtime::Refused;
use lockstep_protocol::commit::PolkaCertificate;
use lockstep_protocol::consensus::evidence_pool::Added;
use lockstep_protocol::consensus::tally::Admission;
use lockstep_protocol::evidence::fork::{self, Fork, Polkas};
use lockstep_protocol::evidence::{Evidence, Offence, OffenceKind};
use lockstep_protocol::ledger::ReadError;
use lockstep_protocol::limits::EVIDENCE_PENDING_MAX;

/// A validator broke the rules, says the brain of the VoteCollector or of the Proposer.
#[derive(Debug)]
pub struct EvidenceFound(pub Box<Evidence>);

/// Another node says that a validator broke the rules. Answers what became of it.
#[derive(Debug)]
pub struct EvidenceTold(pub Box<Evidence>);

/// Q of prevotes for one value, verified. Kept in case that a fork comes to light.
#[derive(Debug)]
pub struct PolkaSeen(pub Arc<PolkaCertificate>);

crate::message! { EvidenceFound => (), EvidenceTold => Admission, PolkaSeen => () }

impl Handler<EvidenceFound> for Committer {
    type Result = ();

    fn handle(&mut self, EvidenceFound(evidence): EvidenceFound, _: &mut Ctx<Self>) {
        self.take_evidence(evidence);
    }
}

impl Handler<EvidenceTold> for Committer {
    type Result = MessageResult<EvidenceTold>;

    fn handle(&mut self, EvidenceTold(told): EvidenceTold, _: &mut Ctx<Self>) -> Self::Result {
        MessageResult(self.evidence_told(told))
    }
}

impl Handler<PolkaSeen> for Committer {
    type Result = ();

    fn handle(&mut self, PolkaSeen(polka): PolkaSeen, _: &mut Ctx<Self>) {
        self.polkas.note(polka);
    }
}

impl Committer {
    /// After a start: what waited, and what this node must not vote after.
    pub(super) fn restore_evidence(&mut self) {
        let kept = self.seed.store.pending_evidence(EVIDENCE_PENDING_MAX);
        let (kept, forks) = match kept.and_then(|kept| Ok((kept, self.seed.store.forks()?))) {
            Ok(restored) => restored,
            Err(error) => return self.seed.fatal.raise(error.kind(), error.to_string()),
        };
        let mut forget = Vec::new();
        for evidence in kept {
            let offence = evidence.offence();
            let added = self.evidence.add(evidence, &mut self.ledger);
            match self.or_fatal(added) {
                Some(Added::New { displaced }) => forget.extend(displaced),
                Some(_) => forget.push(offence),
                None => {}
            }
        }
        self.forget(forget);
        self.show_waiting();
        self.tell_evidence();
        for fork in forks {
            self.forks.push(fork.height());
            self.seed.ports.forked.deliver(ForkDetected(Arc::new(fork)));
        }
    }

    pub(super) fn evidence_told(&mut self, told: Box<Evidence>) -> Admission {
        let added = self.evidence.receive((*told).clone(), &mut self.ledger);
        let Some(added) = self.or_fatal(added) else {
            return Admission::Unneeded;
        };
        let admission = added.admission();
        self.seed.metrics.evidence_told(admission);
        if let Added::New { displaced } = added {
            self.look_for_own(&told);
            self.keep(told, displaced);
        }
        admission
    }

    pub(super) fn take_evidence(&mut self, evidence: Box<Evidence>) {
        let offence = evidence.offence();
        let added = self.evidence.add((*evidence).clone(), &mut self.ledger);
        match self.or_fatal(added) {
            Some(Added::New { displaced }) => self.keep(evidence, displaced),
            Some(Added::Dropped) => log::debug!("no room for evidence: {offence}"),
            Some(Added::Known) | None => {}
            Some(refused) => log::error!("evidence of {offence}: {refused:?}"),
        }
    }

    /// It waits from now on.
    fn keep(&mut self, keep: Box<Evidence>, forget: Vec<Offence>) {
        let offence = keep.offence();
        self.seed.metrics.offence(offence.kind);
        log::warn!("evidence: {offence}, hash {}", keep.hash().short());
        self.write(PersistEvidence {
            keep: Some(keep),
            forget,
        });
        self.show_waiting();
        // Of a height that is long over, if it comes from a fork: no block may follow.
        self.tell_evidence();
    }

    /// They wait no more, and no block has carried them.
    fn forget(&self, forget: Vec<Offence>) {
        if !forget.is_empty() {
            self.write(PersistEvidence { keep: None, forget });
        }
    }

    /// How often this comes is up to whoever misbehaves: where signatures wait for the disk already,
    /// it is not written. What waits in memory is told to the others all the same, and what is
    /// forgotten only there is forgotten again after a start.
    fn write(&self, persist: PersistEvidence) {
        if self.seed.ports.keep_evidence.tell(persist) == Err(Refused::Full) {
            log::warn!("the disk is behind: what waits as evidence is not written");
        }
    }

    /// Two signatures of this node's key for one place, of which this node made one at the most.
    /// What its own votes show the VoteCollector has found: here is what others have seen.
    fn look_for_own(&self, evidence: &Evidence) {
        let is_double = evidence.offence().kind != OffenceKind::WrongProposer;
        if is_double && evidence.validator() == self.seed.me {
            let seen = OwnEquivocationSeen(evidence.height());
            self.seed.ports.own_equivocation.deliver(seen);
        }
    }

    /// What the newest block could have carried and has not, the others must know.
    fn tell_evidence(&mut self) {
        let due = self.evidence.to_tell(self.ledger.head().height);
        if !due.is_empty() {
            self.seed.ports.tell_evidence.deliver(TellEvidence(due));
        }
    }

    /// A block is durable: what it carries waits no more.
    pub(super) fn carried(&mut self, block: &SealedBlock) {
        let carried = &block.block().evidence;
        carried.iter().for_each(|proof| self.look_for_own(proof));
        let forget = self.evidence.committed(carried, &self.ledger);
        self.forget(self.or_fatal(forget).unwrap_or_default());
        self.show_waiting();
        self.tell_evidence();
    }

    /// A block that does not follow our head carries the commit of its own parent: perhaps a second
    /// decision of our height.
    pub(super) fn look_behind(&mut self, why: &InvalidBlock, block: &SealedBlock) {
        if let (InvalidBlock::Parent { .. }, Some(commit)) = (why, &block.block().last_commit) {
            self.look_for_fork(commit);
        }
    }

    /// Is this a second decision of a committed height? Costs signature checks only if its block
    /// is another than ours.
    pub(super) fn look_for_fork(&mut self, theirs: &CommitCertificate) {
        let height = theirs.height;
        if height > self.ledger.head().height
            || self.forks.contains(&height)
            || self.forks.len() >= FORKS_MAX
        {
            return;
        }
        let found = self.fork_with(theirs);
        if let Some(fork) = self.or_fatal(found).flatten() {
            self.forks.push(height);
            let fork = Arc::new(fork);
            log::error!("fork: {}", fork.sentence());
            self.seed.ports.keep_fork.deliver(PersistFork(fork.clone()));
            self.seed.ports.forked.deliver(ForkDetected(fork.clone()));
            for evidence in &fork.evidence {
                self.take_evidence(Box::new(evidence.clone()));
            }
        }
    }

    fn fork_with(&self, theirs: &CommitCertificate) -> Result<Option<Fork>, ReadError> {
        let ours = match self.ledger.head().certificate.clone() {
            Some(head) if head.height == theirs.height => Some(head),
            _ => self.seed.store.certificate(theirs.height)?,
        };
        let Some(ours) = ours.filter(|ours| ours.block_id != theirs.block_id) else {
            return Ok(None);
        };
        let mut polkas = self.polkas.of(theirs.height);
        // After a restart, of this node or of this actor, the polka of the newest lock is left.
        let lock = self.seed.store.recovery()?.lock;
        polkas.extend(lock.map(|lock| lock.polka));
        let context = &self.seed.rules.context;
        let Some(set) = self.ledger.validators().at(theirs.height) else {
            return Ok(None);
        };
        Ok(fork::find(
            set,
            context,
            &ours,
            theirs,
            Polkas::Some(&polkas),
        ))
    }

    fn show_waiting(&self) {
        let waiting = i64::try_from(self.evidence.len()).unwrap_or(i64::MAX);
        self.seed.metrics.evidence_pending.set(waiting);
    }

    fn or_fatal<T>(&self, read: Result<T, ReadError>) -> Option<T> {
        read.inspect_err(|error| self.unreadable(error)).ok()
    }
}
