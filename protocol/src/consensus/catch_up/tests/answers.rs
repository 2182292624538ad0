//! What an answer proves.
use super::*;
use crate::consensus::testkit::block;
use crate::crypto::simulated::Simulated;
use crate::ledger::ChainRules;
use crate::wire::DecidedBlock;

fn rules(cast: &Cast) -> ChainRules {
    ChainRules {
        parameters: crate::parameters::Parameters::default(),
        scheme: Arc::new(Simulated),
        context: cast.context,
        validators: cast.set.clone(),
    }
}

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
    let proven = Proven::of(&rules(cast), Height(from), answer);
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
