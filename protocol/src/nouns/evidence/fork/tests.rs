use super::*;
use crate::consensus::testkit::{Cast, H, block, prevote as unsigned};
use crate::nouns::block::SealedBlock;
use crate::types::Round;
use crate::validators::set::ValidatorIndex;
use std::sync::Arc;

/// Four validators; the first two are faulty.
struct Court {
    cast: Cast,
    v: Arc<SealedBlock>,
    w: Arc<SealedBlock>,
}

const ONE: [ValidatorIndex; 3] = [0, 1, 2];
const OTHER: [ValidatorIndex; 3] = [0, 1, 3];

impl Court {
    fn new() -> Court {
        let cast = Cast::of(4);
        let v = block(H, 1);
        let w = block(H, 2);
        Court { cast, v, w }
    }

    /// PREVOTE(H, r, id, vr) of these members.
    fn polka(
        &self,
        block: &SealedBlock,
        r: u32,
        valid_round: Option<u32>,
        members: &[ValidatorIndex],
    ) -> PolkaCertificate {
        let vote = unsigned(H, r, Some(block.id()), valid_round);
        let signatures = members
            .iter()
            .map(|i| self.cast.vote(*i, vote.clone()).signature);
        let signatures: Vec<_> = signatures.collect();
        let members = members.iter().copied().zip(&signatures);
        PolkaCertificate {
            height: H,
            round: Round(r),
            block_id: block.id(),
            valid_round: vote.valid_round,
            signers: Signers::collect(&self.cast.set, members),
            by_proposal: None,
        }
    }

    /// v decided in round `r` by [`ONE`], w in round `s` by [`OTHER`].
    fn find(&self, r: u32, s: u32, polkas: Polkas<'_>) -> Fork {
        let a = self.cast.commit(&self.v, r, &ONE);
        let b = self.cast.commit(&self.w, s, &OTHER);
        let (set, context) = (&self.cast.set, &self.cast.context);
        let fork = find(set, context, &a, &b, polkas).expect("a fork");
        let turned = find(set, context, &b, &a, polkas);
        assert_eq!(turned.as_ref(), Some(&fork), "whoever tells it first");
        for evidence in &fork.evidence {
            assert_eq!(evidence.verify(set, context), Ok(()), "{evidence:?}");
        }
        fork
    }

    fn faulty(&self, guilt: Guilt) -> Vec<(Address, Guilt)> {
        [0, 1].map(|i| (self.cast.address(i), guilt)).into()
    }
}

#[test]
fn in_one_round_whoever_precommitted_both_is_named_with_a_proof_that_blocks_carry() {
    let court = Court::new();
    let fork = court.find(2, 2, Polkas::Some(&[]));
    assert_eq!(fork.accused, court.faulty(Guilt::DoublePrecommit));
    assert_eq!(fork.evidence.len(), 2);
    assert!(court.cast.set.is_skip_set(fork.power(&court.cast.set)));
    let sentence = fork.sentence();
    assert!(
        sentence.contains(&court.cast.address(0).to_string()),
        "{sentence}"
    );
}

#[test]
fn right_after_the_decision_whoever_forgot_its_lock_is_named() {
    let court = Court::new();
    for valid_round in [None, Some(0)] {
        let polka = court.polka(&court.w, 2, valid_round, &OTHER);
        let fork = court.find(1, 2, Polkas::Some(&[polka]));
        assert_eq!(
            fork.accused,
            court.faulty(Guilt::Amnesia),
            "{valid_round:?}"
        );
        assert_eq!(fork.evidence, []);
    }
}

#[test]
fn two_polkas_in_the_round_of_the_decision_name_who_prevoted_twice() {
    let court = Court::new();
    let polkas = [
        court.polka(&court.v, 1, None, &ONE),
        court.polka(&court.w, 1, None, &OTHER),
        court.polka(&court.w, 3, Some(1), &[1, 2, 3]),
    ];
    let fork = court.find(1, 3, Polkas::All(&polkas));
    assert_eq!(fork.accused, court.faulty(Guilt::DoublePrevote));
    assert_eq!(fork.evidence.len(), 2);
}

/// Validator 2 is correct: it precommitted v in round 1, followed a polka for w of round 1 in round
/// 3, locked w there, and in round 5 prevoted w again, whose proposer claimed no valid round (L22).
/// Whoever sees the polka of round 5 alone would take that for amnesia: so it asks for a defence.
#[test]
fn a_lock_that_moved_on_is_a_defence() {
    let court = Court::new();
    let last = court.polka(&court.w, 5, None, &[1, 2, 3]);
    let fork = court.find(1, 5, Polkas::Some(std::slice::from_ref(&last)));
    let asked = [1, 2].map(|i| (court.cast.address(i), Guilt::AmnesiaUnlessExcused));
    assert_eq!(fork.accused, asked);
    assert!(fork.sentence().contains("unless it shows a polka"));
    let moved = court.polka(&court.w, 3, Some(1), &[1, 2, 3]);
    let (one, two) = (
        court.polka(&court.v, 1, None, &ONE),
        court.polka(&court.w, 1, None, &OTHER),
    );
    let fork = court.find(1, 5, Polkas::All(&[last, moved, one, two]));
    assert_eq!(fork.accused, court.faulty(Guilt::DoublePrevote));
}

#[test]
fn with_all_polkas_at_hand_amnesia_is_named_in_any_round() {
    let court = Court::new();
    let polka = court.polka(&court.w, 6, None, &OTHER);
    let fork = court.find(1, 6, Polkas::All(&[polka]));
    assert_eq!(fork.accused, court.faulty(Guilt::Amnesia));
}

/// The node that decided w in round 4 has seen its polka and cannot know what others have seen in
/// rounds 2 and 3. It names more than a third of the power, and what would excuse them.
#[test]
fn a_node_that_has_seen_one_late_polka_names_whom_to_ask_for_a_defence() {
    let court = Court::new();
    let polka = court.polka(&court.w, 4, None, &OTHER);
    let fork = court.find(1, 4, Polkas::Some(&[polka]));
    assert_eq!(fork.accused, court.faulty(Guilt::AmnesiaUnlessExcused));
    assert!(court.cast.set.is_skip_set(fork.power(&court.cast.set)));
    assert_eq!(fork.evidence, []);
    let sentence = fork.sentence();
    assert!(sentence.contains("of a round after 1"), "{sentence}");
    assert!(sentence.contains(&court.cast.address(1).to_string()));
}

#[test]
fn without_any_later_polka_the_fork_names_nobody_and_says_whom_to_ask() {
    let court = Court::new();
    let own = court.polka(&court.v, 1, None, &ONE);
    let follows = court.polka(&court.w, 4, Some(2), &OTHER);
    for polkas in [vec![], vec![own.clone()], vec![own, follows]] {
        let fork = court.find(1, 4, Polkas::Some(&polkas));
        assert_eq!(fork.accused, []);
        assert!(fork.sentence().contains("not at hand; ask /evidence"));
    }
}

/// Two of four prevoted both v and w in round 2: proof enough. Nobody in the polka of round 5 is
/// asked for a defence any more.
#[test]
fn who_is_proved_faulty_is_asked_for_no_defence_nor_is_anybody_else() {
    let court = Court::new();
    let polkas = [
        court.polka(&court.v, 2, None, &ONE),
        court.polka(&court.w, 2, None, &OTHER),
        court.polka(&court.w, 5, None, &[0, 1, 2]),
    ];
    let fork = court.find(1, 5, Polkas::Some(&polkas[2..]));
    assert_eq!(fork.accused.len(), 3);
    let fork = court.find(3, 5, Polkas::Some(&polkas));
    assert_eq!(fork.accused, court.faulty(Guilt::DoublePrevote));
    assert_eq!(fork.evidence.len(), 2);
}

#[test]
fn forged_certificates_and_polkas_prove_nothing() {
    let court = Court::new();
    let (set, context) = (&court.cast.set, &court.cast.context);
    let a = court.cast.commit(&court.v, 1, &ONE);
    let same = court.cast.commit(&court.v, 2, &OTHER);
    assert_eq!(find(set, context, &a, &same, Polkas::Some(&[])), None);
    let small = court.cast.commit(&court.w, 1, &[0, 1]);
    assert_eq!(find(set, context, &a, &small, Polkas::Some(&[])), None);
    let mut renamed = court.cast.commit(&court.w, 1, &OTHER);
    renamed.block_id = block(H, 9).id();
    assert_eq!(find(set, context, &a, &renamed, Polkas::Some(&[])), None);
    let mut polka = court.polka(&court.w, 2, Some(0), &OTHER);
    polka.valid_round = None;
    assert_eq!(court.find(1, 2, Polkas::Some(&[polka])).accused, []);
}
