use super::*;
use crate::consensus::testkit::{Cast, block};
use crate::ledger::StateChanges;
use crate::nouns::block::SealedBlock;
use crate::types::Hash;

fn decided(block: Arc<SealedBlock>) -> DecidedBlock {
    let certificate = Arc::new(Cast::of(4).commit(&block, 0, &[0, 1, 2]));
    DecidedBlock { block, certificate }
}

/// Heights 4 to 6, as the ledger has executed them.
fn run() -> (Vec<DecidedBlock>, Vec<Arc<CommitBatch>>) {
    let run: Vec<_> = (4..=6).map(|h| decided(block(Height(h), h))).collect();
    let batch = |decided: &DecidedBlock| CommitBatch {
        block: decided.block.clone(),
        certificate: decided.certificate.clone(),
        changes: Arc::new(StateChanges::none(0, Hash::default())),
        receipts: Arc::default(),
        validators: Cast::of(4).schedule(decided.block.height().next()),
    };
    let batches = run.iter().map(|decided| Arc::new(batch(decided)));
    let batches = batches.collect();
    (run, batches)
}

fn trusting(id: BlockId, height: u64) -> TrustedBlock {
    let height = Height(height);
    TrustedBlock::new(Some(Checkpoint { id, height }))
}

#[test]
fn a_run_with_another_block_at_the_trusted_height_is_not_written_wherever_it_stands_in_it() {
    let (run, batches) = run();
    let other = Hash::of(&[b"another block"]);
    for (index, height) in (4..=6).enumerate() {
        let actual = run[index].block.id();
        let verdict = Ok(batches.clone());
        assert_eq!(trusting(actual, height).judge(&run, &verdict), Ok(()));
        let refused = trusting(other, height).judge(&run, &verdict).unwrap_err();
        assert_eq!((refused.actual, refused.trusted.id), (actual, other));
        let said = refused.to_string();
        for word in [&*actual.to_string(), &other.to_string(), "move the data"] {
            assert!(said.contains(word), "{word} in {said}");
        }
    }
    for height in [3, 7] {
        assert_eq!(
            trusting(other, height).judge(&run, &Ok(batches.clone())),
            Ok(())
        );
    }
    assert_eq!(TrustedBlock::default().judge(&run, &Ok(batches)), Ok(()));
}

#[test]
fn what_the_ledger_has_not_taken_into_a_run_is_not_judged_yet() {
    let (run, mut batches) = run();
    batches.truncate(2);
    let trusted = trusting(Hash::of(&[b"another block"]), 6);
    assert_eq!(trusted.judge(&run, &Ok(batches)), Ok(()));
}

/// A halt is remembered for good: the data directory would outlive its cause.
#[test]
fn a_certified_block_that_is_invalid_here_is_first_compared_with_the_trusted_one() {
    let (run, _) = run();
    let trusted = trusting(Hash::of(&[b"another block"]), 4);
    assert!(trusted.judge(&run, &Err(InvalidBlock::Time)).is_err());
    let same = trusting(run[0].block.id(), 4);
    assert_eq!(same.judge(&run, &Err(InvalidBlock::Time)), Ok(()));
}

#[test]
fn a_block_that_a_foreign_set_certified_ends_nobody() {
    let (run, _) = run();
    let trusted = trusting(Hash::of(&[b"another block"]), 4);
    let verdict = Err(InvalidBlock::ValidatorSet);
    assert_eq!(trusted.judge(&run, &verdict), Ok(()));
}

#[cfg(feature = "mutants")]
#[test]
fn a_trusted_block_that_nobody_looks_at_is_noticed() {
    use crate::mutation::{Mutation, must_be_noticed};
    for test in [
        a_run_with_another_block_at_the_trusted_height_is_not_written_wherever_it_stands_in_it
            as fn(),
        a_certified_block_that_is_invalid_here_is_first_compared_with_the_trusted_one,
    ] {
        must_be_noticed(Mutation::TrustedUnchecked, test);
    }
}

#[test]
fn a_newcomer_without_a_trusted_block_is_told_whom_it_believes() {
    let nothing = TrustedBlock::default();
    let warning = |head, target| nothing.warning(Height(head), Height(target));
    let said = warning(0, 100).unwrap();
    for word in ["0 to 100", "two thirds", "lockstep block", "trusted = "] {
        assert!(said.contains(word), "{word} in {said}");
    }
    assert!(warning(100, 200).is_some());
    assert!(warning(0, u64::MAX).is_some());
    for (head, target) in [(0, 99), (101, 100_000), (50, 149), (7, 3)] {
        assert_eq!(warning(head, target), None, "{head} to {target}");
    }
    let trusted = trusting(Hash::default(), 1);
    assert_eq!(trusted.warning(Height(0), Height(1_000)), None);
}
