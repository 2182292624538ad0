//! What a restarted driver takes up from the sign record.
use super::{DriverConfig, Output};
use crate::consensus::durable::{LockRecord, Recovery, SignStep};
use crate::consensus::facts::{CheckedProposal, Verdict};
use crate::consensus::round_machine::{Resume, Step, ValidValue};
use crate::nouns::proposal::ProposedBlock;
use crate::types::Height;
use std::sync::Arc;

/// The state in which the newest own signature of `height` left the machine; `None` if nothing
/// was signed at this height.
pub(super) fn resume(height: Height, recovery: &Recovery) -> Option<Resume> {
    let (_, round, step) = recovery
        .position()
        .filter(|position| position.0 == height)?;
    let block = |id| {
        recovery
            .blocks
            .iter()
            .find(|block| block.id() == id)
            .cloned()
    };
    let lock = lock(height, recovery).and_then(|lock| {
        let polka = Arc::new(lock.polka.clone());
        Some(ValidValue {
            block: block(lock.block_id)?,
            polka,
        })
    });
    let proposal = recovery
        .proposal
        .as_ref()
        .filter(|p| (p.height, p.round) == (height, round));
    let proposal = proposal.and_then(|p| {
        let round = p.round;
        let valid_round = p.valid_round;
        let verdict = Verdict::Valid;
        Some(CheckedProposal {
            round,
            valid_round,
            block: block(p.block_id)?,
            verdict,
        })
    });
    let step = match step {
        SignStep::Propose if proposal.is_some() => Step::Propose,
        // E1: the proposal was the prevote.
        SignStep::Propose | SignStep::Prevote => Step::Prevote,
        SignStep::Precommit => Step::Precommit,
    };
    Some(Resume {
        round,
        step,
        lock,
        proposal,
    })
}

fn lock(height: Height, recovery: &Recovery) -> Option<&LockRecord> {
    planted!(LockNotRestored => return None);
    recovery.lock.as_ref().filter(|lock| lock.height == height)
}

/// The stored messages of `height`: sent again with the stored signatures, never signed anew.
pub(super) fn said(config: &DriverConfig, height: Height, recovery: &Recovery) -> Vec<Output> {
    let block = |id| {
        recovery
            .blocks
            .iter()
            .find(|block| block.id() == id)
            .cloned()
    };
    let proposal = recovery
        .proposal
        .as_ref()
        .filter(|p| p.height == height && p.proposer == config.me);
    let proposal = proposal.and_then(|proposal| {
        // The polka of a valid round is the one of the lock, if that is still the newest.
        let lock = recovery
            .lock
            .as_ref()
            .filter(|lock| lock.block_id == proposal.block_id);
        let polka = lock.filter(|lock| Some(lock.round) == proposal.valid_round);
        let polka = polka.map(|lock| Arc::new(lock.polka.clone()));
        if polka.is_some() != proposal.valid_round.is_some() {
            return None;
        }
        let (proposal, block) = (proposal.clone(), block(proposal.block_id)?);
        Some(Output::SendProposal(Arc::new(ProposedBlock {
            proposal,
            block,
            polka,
        })))
    });
    let votes = [&recovery.prevote, &recovery.precommit]
        .into_iter()
        .flatten();
    let votes = votes.filter(|vote| vote.vote.height == height);
    proposal
        .into_iter()
        .chain(votes.map(|v| Output::SendVote(Arc::new(v.clone()))))
        .collect()
}
