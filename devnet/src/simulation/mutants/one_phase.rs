//! The one-phase rule: Q prevotes decide, nobody locks, a silent round is left by timeouts. It
//! forks with correct nodes and nothing but delay: A, B and C vote `a` in round 0, only D receives
//! all three votes and decides `a`; the others time out, skip to round 1 and decide `b`.
//!
//! The single vote stands for both phases, so its certificate is signed for the second one too.
use crate::simulation::keys;
use lockstep_protocol::consensus::facts::Fact;
use lockstep_protocol::ledger::ChainRules;
use lockstep_protocol::mutation::{Mutation, planted};
use lockstep_protocol::nouns::commit::{CommitCertificate, PolkaCertificate, Signers};
use lockstep_protocol::nouns::vote::Signature;
use lockstep_protocol::validators::set::ValidatorIndex;
use std::sync::Arc;

/// Between tally and driver.
pub(crate) fn tell(rules: &ChainRules, fact: Fact) -> Fact {
    match fact {
        Fact::Polka(polka) if planted(Mutation::OnePhase) => {
            Fact::Commit(Arc::new(as_commit(rules, &polka)))
        }
        other => other,
    }
}

fn as_commit(rules: &ChainRules, polka: &PolkaCertificate) -> CommitCertificate {
    let set = &*rules.genesis_validators;
    let mut commit = CommitCertificate {
        height: polka.height,
        round: polka.round,
        block_id: polka.block_id,
        signers: Signers::default(),
    };
    let bytes = rules.context.vote(&commit.vote());
    let keys = keys::validators(set.len());
    let members = polka.signers.members(set).unwrap_or_default();
    let signatures: Vec<(ValidatorIndex, Signature)> = members
        .into_iter()
        .map(|(index, _)| (index, keys[index].sign(&bytes).unwrap_or_default()))
        .map(|(index, signature)| (index, Signature(signature)))
        .collect();
    commit.signers = Signers::collect(set, signatures.iter().map(|(i, s)| (*i, s)));
    commit
}
