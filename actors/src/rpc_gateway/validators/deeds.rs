//! What validators did in some blocks, by their certificates.
use lockstep_protocol::nouns::commit::CommitCertificate;
use lockstep_protocol::types::{Address, Height, Round, Timestamp};
use lockstep_protocol::validators::set::turn;
use parking_lot::{Mutex, MutexGuard};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Of one validator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Deeds {
    /// Rounds in which it was the proposer.
    pub(super) turns: u64,
    /// Those of them that ended without a block.
    pub(super) failed_turns: u64,
    /// Certificates with its precommit. None holds more precommits than it needs, so that whoever is
    /// a little slower than the others is left out.
    pub(super) certificates: u64,
    /// The newest block that it proposed in the round that decided it.
    pub(super) last: Option<(Height, Timestamp)>,
}

/// What was read last: the same for whoever asks, until the next block comes. Who asks meanwhile waits
/// for whoever reads, on a thread of the pool.
#[derive(Debug, Default)]
pub(in crate::rpc_gateway) struct Recent(Mutex<Option<Look>>);

impl Recent {
    pub(super) fn last(&self) -> MutexGuard<'_, Option<Look>> {
        self.0.lock()
    }
}

/// A look back at so many blocks.
#[derive(Clone, Debug)]
pub(super) struct Look {
    pub(super) asked: u64,
    /// The first of them that is kept here.
    pub(super) first: Height,
    pub(super) head: Height,
    /// How many of them are kept here, with their validators.
    pub(super) read: u64,
    pub(super) deeds: Arc<BTreeMap<Address, Deeds>>,
}

/// Adds what a height shows.
pub(super) fn count(
    certificate: &CommitCertificate,
    time: Timestamp,
    members: &[Address],
    deeds: &mut BTreeMap<Address, Deeds>,
) {
    let height = certificate.height;
    let signers = certificate.signers.members_of(members.len());
    for (index, _) in signers.unwrap_or_default() {
        if let Some(signer) = members.get(index) {
            deeds.entry(*signer).or_default().certificates += 1;
        }
    }
    for round in (0..=certificate.round.0).map(Round) {
        let proposer = members.get(turn(members.len(), height, round));
        let Some(proposer) = proposer else { continue };
        let of = deeds.entry(*proposer).or_default();
        of.turns += 1;
        if round < certificate.round {
            of.failed_turns += 1;
        } else {
            of.last = Some((height, time));
        }
    }
}
