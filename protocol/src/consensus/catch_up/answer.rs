//! What an answer of blocks proves. Costly (a quorum of signatures per block), and it needs nothing
//! but the validator sets: it may run on any thread, several answers at once.
use crate::nouns::block::Header;
use crate::nouns::commit::CommitCertificate;
use crate::nouns::decided::DecidedBlock;
use crate::nouns::sign_bytes::SignContext;
use crate::types::Height;
use crate::validators::schedule::ValidatorSchedule;
use crate::validators::set::ValidatorSet;

/// The leading blocks of an answer that prove something, and whether something else came behind them.
#[derive(Clone, Debug, Default)]
pub struct Proven {
    /// In rising order without a gap, each with a certificate of its own height and id, verified
    /// against the validators that its block names. Whoever commits one of a height that is not
    /// known yet compares them first.
    pub blocks: Vec<DecidedBlock>,
    /// How many of them, from the first on, were judged by the set that is known to decide their
    /// height: two heights after the head at the most. Those further on are claims. Any set that
    /// the chain ever had may have certified them, and who held it may have sold its keys.
    pub judged: u64,
    /// What follows the proven blocks is no block of this chain: its sender has lied.
    pub flawed: bool,
    /// What follows from this height on names a validator set that is not known yet.
    pub unknown_from: Option<Height>,
}

impl Proven {
    /// Checks an answer to a request from `from` on.
    pub fn of(
        validators: &ValidatorSchedule,
        context: &SignContext,
        from: Height,
        answer: Vec<DecidedBlock>,
    ) -> Proven {
        let mut proven = Proven::default();
        let mut expected = from;
        for decided in answer {
            let in_order = decided.block.height() == expected;
            let set = set_of(validators, decided.block.header());
            match set {
                Some(set) if in_order && is_proven(set, context, &decided) => {}
                None if in_order && expected > validators.height().next() => {
                    proven.unknown_from = Some(expected);
                    break;
                }
                _ => {
                    proven.flawed = true;
                    break;
                }
            }
            if is_judged(validators, expected) {
                proven.judged = proven.judged.saturating_add(1);
            }
            proven.blocks.push(decided);
            expected = expected.next();
        }
        proven
    }
}

/// Whether the set is known that decides this height.
fn is_judged(validators: &ValidatorSchedule, height: Height) -> bool {
    planted!(ProvenByAnySet => return true);
    validators.at(height).is_some()
}

/// The set by which the certificate of this block is judged.
fn set_of<'a>(validators: &'a ValidatorSchedule, header: &Header) -> Option<&'a ValidatorSet> {
    let set = match validators.at(header.height) {
        Some(set) => Some(set).filter(|set| set.hash() == header.validators_hash),
        None => validators.named(header.validators_hash),
    };
    set.map(|set| &**set)
}

fn is_proven(
    set: &ValidatorSet,
    context: &SignContext,
    DecidedBlock { block, certificate }: &DecidedBlock,
) -> bool {
    (certificate.height, certificate.block_id) == (block.height(), block.id())
        && verifies(set, context, certificate)
}

fn verifies(set: &ValidatorSet, context: &SignContext, certificate: &CommitCertificate) -> bool {
    planted!(UncheckedCertificate => return true);
    certificate.verify(set, context).is_ok()
}
