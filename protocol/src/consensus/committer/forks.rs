//! Second decisions: two certificates of one height for different blocks.
//!
//! **For the newest committed height, or the one under way**, judged by the set of that height, a
//! second decision stops this node: more than a third of those who decide now are faulty, and
//! whatever this node says may help either side.
//!
//! **For an older height** it stops nobody, wherever it comes from: in a proposal, in blocks that a
//! peer answers, or from this node's own disk. Whoever held two thirds of the power long ago, and
//! has sold, retired or lost that key since, can sign as many of them as he likes; they say
//! something about his heights, and nothing about whether this chain may go on. It is kept as
//! evidence, and people are told.
//!
//! Cheapest first: heights that are known to have two decisions, or for which there is no place,
//! cost nothing; then shape and quorum are looked at, then this node's own decision is read; only
//! one for another block has its signatures checked. Bounds: [`FORKS_MAX`] forks of either kind,
//! each height once; of old heights [`OLD_FORK_CHECKS_MAX`] checks on one head, so that a flood of
//! proposals with old commits costs little.
use super::{Committer, Output};
use crate::ledger::{DecisionReader, InvalidBlock, ReadError};
use crate::limits::{FORKS_MAX, OLD_FORK_CHECKS_MAX};
use crate::nouns::block::SealedBlock;
use crate::nouns::commit::CommitCertificate;
use crate::nouns::evidence::fork::{self, Fork, Polkas};
use crate::types::Height;
use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A second decision, and what it meant when it came to light.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct KnownFork {
    /// The proof.
    pub fork: Fork,
    /// Whether it stops this node: it was of the newest height then, or of the one under way. It
    /// stays so when the height has become an old one.
    pub stops: bool,
}

/// Heights that are known to have two decisions.
#[derive(Clone, Debug, Default)]
pub(super) struct Forks {
    stopping: BTreeSet<Height>,
    old: BTreeSet<Height>,
    /// On this head, so many certificates of old heights have been checked.
    checked: (Height, usize),
}

impl Forks {
    fn of(&mut self, stops: bool) -> &mut BTreeSet<Height> {
        if stops {
            &mut self.stopping
        } else {
            &mut self.old
        }
    }

    fn is_known(&self, height: Height) -> bool {
        self.stopping.contains(&height) || self.old.contains(&height)
    }

    /// Whether one more certificate of an old height may cost signature checks.
    fn spend_check(&mut self, head: Height) -> bool {
        if self.checked.0 != head {
            self.checked = (head, 0);
        }
        self.checked.1 = self.checked.1.saturating_add(1);
        self.checked.1 <= OLD_FORK_CHECKS_MAX
    }

    #[cfg(test)]
    pub(super) fn forget_checks(&mut self) {
        self.checked.1 = 0;
    }
}

impl Committer {
    /// They are told again: whoever stops for one must be stopped after a restart, too.
    pub(super) fn restore_forks(&mut self, kept: Vec<KnownFork>, out: &mut Vec<Output>) {
        for known in kept {
            self.forks.of(known.stops).insert(known.fork.height());
            out.push(Output::Fork(Arc::new(known)));
        }
    }

    /// A block that does not follow our head carries the commit of its own parent: perhaps a second
    /// decision of our height.
    pub(super) fn look_behind(
        &mut self,
        decisions: &dyn DecisionReader,
        why: &InvalidBlock,
        block: &SealedBlock,
        out: &mut Vec<Output>,
    ) -> Result<(), ReadError> {
        match (why, &block.block().last_commit) {
            (InvalidBlock::Parent { .. }, Some(commit)) => {
                self.look_for_fork(decisions, commit, out)
            }
            _ => Ok(()),
        }
    }

    /// Is this a second decision?
    pub(super) fn look_for_fork(
        &mut self,
        decisions: &dyn DecisionReader,
        theirs: &CommitCertificate,
        out: &mut Vec<Output>,
    ) -> Result<(), ReadError> {
        let height = theirs.height;
        if height > self.ledger.head().height.next() || self.forks.is_known(height) {
            return Ok(());
        }
        let stops = self.does_stop(height);
        if self.forks.of(stops).len() >= FORKS_MAX {
            return Ok(());
        }
        match self.fork_with(decisions, theirs, stops)? {
            Some(fork) => self.found_fork(KnownFork { fork, stops }, out),
            None => Ok(()),
        }
    }

    /// Whether a second decision of this height stops this node.
    fn does_stop(&self, height: Height) -> bool {
        planted!(OldForkStops => return true);
        height >= self.ledger.head().height
    }

    fn found_fork(&mut self, known: KnownFork, out: &mut Vec<Output>) -> Result<(), ReadError> {
        planted!(OldForkUntold => if !known.stops { return Ok(()) });
        self.forks.of(known.stops).insert(known.fork.height());
        let evidence = known.fork.evidence.clone();
        out.push(Output::Fork(Arc::new(known)));
        for evidence in evidence {
            self.found(Box::new(evidence), out)?;
        }
        Ok(())
    }

    fn fork_with(
        &mut self,
        decisions: &dyn DecisionReader,
        theirs: &CommitCertificate,
        stops: bool,
    ) -> Result<Option<Fork>, ReadError> {
        let height = theirs.height;
        let head = self.ledger.head().height;
        let Some(set) = self.ledger.validators().at(height).cloned() else {
            return Ok(None);
        };
        let context = &self.ledger.rules().context;
        let has_quorum = theirs.verify_unless(&set, context, |_, _| true).is_ok();
        let ours = if has_quorum {
            self.decision(decisions, height)?
        } else {
            None
        };
        let Some(ours) = ours.filter(|ours| ours.block_id != theirs.block_id) else {
            return Ok(None);
        };
        if !stops && !self.forks.spend_check(head) {
            return Ok(None);
        }
        let mut polkas = self.polkas.of(height);
        // After a restart, of this node or of this actor, the polka of the newest lock is left.
        polkas.extend(decisions.locked_polka()?);
        // Theirs first: where it is forged, one signature shows it.
        let polkas = Polkas::Some(&polkas);
        Ok(fork::find(&set, context, theirs, &ours, polkas))
    }

    /// What this node takes for the decision of a height up to the one under way.
    fn decision(
        &self,
        decisions: &dyn DecisionReader,
        height: Height,
    ) -> Result<Option<Arc<CommitCertificate>>, ReadError> {
        let head = self.ledger.head();
        if height > head.height {
            let waiting = || self.queue.certified(height, self.ledger.validators());
            return Ok(self.writing.get(&height).cloned().or_else(waiting));
        }
        match &head.certificate {
            Some(certificate) if certificate.height == height => Ok(Some(certificate.clone())),
            _ => decisions.certificate(height),
        }
    }
}
