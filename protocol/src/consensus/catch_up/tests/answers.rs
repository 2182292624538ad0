//! What an answer proves.
use super::*;
use crate::consensus::testkit::block;
use crate::wire::DecidedBlock;

/// A block and the certificate of a block, its own or another.
fn decided(cast: &Cast, height: u64, certificate_of: u64, signers: &[usize]) -> DecidedBlock {
    let certified = block(Height(certificate_of), certificate_of);
    DecidedBlock {
        block: block(Height(height), height),
        certificate: Arc::new(cast.commit(&certified, 0, signers)),
    }
}

/// How many leading blocks are proven, and whether something else follows.
fn prove(cast: &Cast, from: u64, answer: Vec<DecidedBlock>) -> (usize, bool) {
    let validators = cast.schedule(Height(from));
    let proven = Proven::of(&validators, &cast.context, Height(from), answer);
    (proven.blocks.len(), proven.flawed)
}

#[test]
fn blocks_in_a_row_with_certificates_of_their_own_are_proven() {
    let cast = Cast::of(4);
    let good = |height| decided(&cast, height, height, &[0, 1, 2]);
    let chain = || (5..9).map(good).collect::<Vec<_>>();
    assert_eq!(prove(&cast, 5, chain()), (4, false));
    assert_eq!(prove(&cast, 5, Vec::new()), (0, false));
    let elsewhere = prove(&cast, 4, chain());
    assert_eq!(elsewhere, (0, true), "another height than asked for");
}

#[test]
fn what_comes_before_the_first_flaw_is_proven_still() {
    let cast = Cast::of(4);
    let good = |height| decided(&cast, height, height, &[0, 1, 2]);
    let flaws = [
        good(8),
        decided(&cast, 7, 9, &[0, 1, 2]),
        decided(&cast, 7, 7, &[0, 1]),
        decided(&cast, 7, 7, &[]),
        decided(&Cast::of(5), 7, 7, &[0, 1, 2, 3]),
    ];
    for flaw in flaws {
        let answer = vec![good(5), good(6), flaw, good(8)];
        assert_eq!(prove(&cast, 5, answer), (2, true));
    }
}

#[test]
fn what_a_set_of_later_heights_has_decided_is_neither_proven_nor_a_lie() {
    let cast = Cast::of(5);
    let good = |height| decided(&cast, height, height, &[0, 1, 2, 3]);
    // The blocks name the set of the first four, whose schedule knows heights up to 6.
    let four = Cast::of(4);
    let prove = |validators: &ValidatorSchedule, from| {
        let answer = (from..from + 4).map(good).collect();
        let proven = Proven::of(validators, &cast.context, Height(from), answer);
        (proven.blocks.len(), proven.flawed, proven.unknown_from)
    };
    let stranger = cast.schedule(Height(5));
    assert_eq!(prove(&stranger, 7), (0, false, Some(Height(7))));
    assert_eq!(
        prove(&stranger, 6),
        (0, true, None),
        "the set of height 6 is known"
    );
    assert_eq!(
        prove(&four.schedule(Height(5)), 7),
        (0, true, None),
        "not signed by the four"
    );
}
