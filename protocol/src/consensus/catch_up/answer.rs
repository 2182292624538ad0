//! What an answer of blocks proves. Costly (a quorum of signatures per block), and it needs nothing
//! but the rules of the chain: it may run on any thread, several answers at once.
use crate::ledger::ChainRules;
use crate::mutation::{Mutation, planted};
use crate::types::Height;
use crate::wire::DecidedBlock;

/// The leading blocks of an answer that prove out, and whether something else came behind them.
#[derive(Clone, Debug, Default)]
pub struct Proven {
    /// In rising order without a gap, each with a certificate of its own height and id, verified
    /// against the validators of its height.
    pub blocks: Vec<DecidedBlock>,
    /// What follows the proven blocks is no block of this chain: its sender has lied.
    pub flawed: bool,
}

impl Proven {
    /// Checks an answer to a request from `from` on.
    pub fn of(rules: &ChainRules, from: Height, answer: Vec<DecidedBlock>) -> Proven {
        let mut proven = Proven::default();
        let mut expected = from;
        for decided in answer {
            if decided.block.height() != expected || !is_proven(rules, &decided) {
                proven.flawed = true;
                break;
            }
            proven.blocks.push(decided);
            expected = expected.next();
        }
        proven
    }
}

fn is_proven(rules: &ChainRules, DecidedBlock { block, certificate }: &DecidedBlock) -> bool {
    (certificate.height, certificate.block_id) == (block.height(), block.id())
        && (planted(Mutation::UncheckedCertificate)
            || certificate
                .verify(&rules.validators, &rules.context)
                .is_ok())
}
