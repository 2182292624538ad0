//! Misbehaviour: its proof waits here for a block of this node, and is told to the others.
use super::{Committer, Kept, Output};
use crate::consensus::evidence_pool::Added;
use crate::ledger::ReadError;
use crate::nouns::block::SealedBlock;
use crate::nouns::evidence::{Evidence, Offence, OffenceKind};

impl Committer {
    /// After a start: what waited, and what this node must not vote after.
    pub(super) fn restore(&mut self, kept: Kept, out: &mut Vec<Output>) -> Result<(), ReadError> {
        if kept.has_halted {
            self.queue.halt();
        }
        self.restore_forks(kept.forks, out);
        let mut forget = Vec::new();
        for evidence in kept.evidence {
            let offence = evidence.offence();
            match self.evidence.add(evidence, &mut self.ledger)? {
                Added::New { displaced } => forget.extend(displaced),
                _ => forget.push(offence),
            }
        }
        forget_evidence(forget, out);
        self.tell_evidence(out);
        Ok(())
    }

    /// A brain of this node has seen it, or it follows from a second decision.
    pub(super) fn found(
        &mut self,
        evidence: Box<Evidence>,
        out: &mut Vec<Output>,
    ) -> Result<(), ReadError> {
        let offence = evidence.offence();
        match self.evidence.add((*evidence).clone(), &mut self.ledger)? {
            Added::New { displaced } => self.keep(evidence, displaced, out),
            Added::Dropped => out.push(Output::NoRoom(offence)),
            Added::Known => {}
            refused => out.push(Output::Broken(format!(
                "evidence of {offence}: {refused:?}"
            ))),
        }
        Ok(())
    }

    pub(super) fn told(
        &mut self,
        told: Box<Evidence>,
        out: &mut Vec<Output>,
    ) -> Result<(), ReadError> {
        let added = self.evidence.receive((*told).clone(), &mut self.ledger)?;
        out.push(Output::Told(added.admission()));
        if let Added::New { displaced } = added {
            self.keep(told, displaced, out);
        }
        Ok(())
    }

    /// A block is durable: what it carries waits no more.
    pub(super) fn carried(
        &mut self,
        block: &SealedBlock,
        out: &mut Vec<Output>,
    ) -> Result<(), ReadError> {
        let carried = &block.block().evidence;
        carried
            .iter()
            .for_each(|proof| self.look_for_own(proof, out));
        forget_evidence(self.evidence.committed(carried, &self.ledger)?, out);
        self.tell_evidence(out);
        Ok(())
    }

    /// It waits from now on.
    fn keep(&mut self, keep: Box<Evidence>, forget: Vec<Offence>, out: &mut Vec<Output>) {
        self.look_for_own(&keep, out);
        out.push(Output::KeepEvidence(Some(keep), forget));
        // Of a height that is long over, if it comes from a fork: no block may follow.
        self.tell_evidence(out);
    }

    /// Two signatures of this node's key for one place, of which this node made one at the most.
    fn look_for_own(&self, evidence: &Evidence, out: &mut Vec<Output>) {
        let is_double = evidence.offence().kind != OffenceKind::WrongProposer;
        if is_double && evidence.validator() == self.config.me {
            out.push(Output::OwnEquivocation(evidence.height()));
        }
    }

    /// What the newest block could have carried and has not, the others must know.
    fn tell_evidence(&mut self, out: &mut Vec<Output>) {
        let due = self.evidence.to_tell(self.ledger.head().height);
        if !due.is_empty() {
            out.push(Output::TellEvidence(due));
        }
    }
}

/// They wait no more, and no block has carried them.
fn forget_evidence(forget: Vec<Offence>, out: &mut Vec<Output>) {
    if !forget.is_empty() {
        out.push(Output::KeepEvidence(None, forget));
    }
}
