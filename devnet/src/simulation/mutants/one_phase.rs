//! The one-phase rule: Q prevotes decide, nobody locks, a silent round is left by timeouts. It
//! forks with correct nodes and nothing but delay: A, B and C vote `a` in round 0, only D receives
//! all three votes and decides `a`; the others time out, skip to round 1 and decide `b`.
use super::Mutant;
use lockstep_protocol::commit::CommitCertificate;
use lockstep_protocol::consensus::facts::Fact;
use lockstep_protocol::types::Height;
use std::sync::Arc;

pub(super) struct OnePhase;

impl Mutant for OnePhase {
    fn tell(&mut self, _height: Height, fact: Fact) -> Vec<Fact> {
        match fact {
            Fact::Polka(polka) => vec![Fact::Commit(Arc::new(CommitCertificate {
                height: polka.height,
                round: polka.round,
                block_id: polka.block_id,
                signers: polka.signers.clone(),
            }))],
            other => vec![other],
        }
    }
}
