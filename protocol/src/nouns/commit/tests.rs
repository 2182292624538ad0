use super::*;
use crate::consensus::testkit::{Cast, H, block, precommit, prevote};

fn flip(signature: &mut Signature) {
    signature.0[0] ^= 1;
}

#[test]
fn any_three_of_four_certify_and_two_do_not() {
    let cast = Cast::of(4);
    let v = block(H, 1);
    for members in [[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]] {
        let (commit, polka) = (cast.commit(&v, 2, &members), cast.polka(&v, 2, &members));
        assert_eq!(commit.verify(&cast.set, &cast.context), Ok(()));
        assert_eq!(polka.verify(&cast.set, &cast.context), Ok(()));
    }
    let refused = Err(CertificateError::NoQuorum { power: 2, total: 4 });
    let few = cast.commit(&v, 2, &[1, 3]);
    assert_eq!(few.verify(&cast.set, &cast.context), refused);
    assert_eq!(
        cast.polka(&v, 2, &[1, 3]).verify(&cast.set, &cast.context),
        refused
    );
}

#[test]
fn exactly_two_thirds_are_refused() {
    let v = block(H, 1);
    for (powers, members) in [
        (&[1, 1, 1][..], &[0, 1][..]),
        (&[1, 1, 1, 1, 1, 1], &[0, 1, 2, 3]),
        (&[33, 33, 33], &[1, 2]),
        (&[1, 1, 4], &[2]),
    ] {
        let cast = Cast::with_powers(powers);
        let commit = cast.commit(&v, 0, members).verify(&cast.set, &cast.context);
        assert!(matches!(commit, Err(CertificateError::NoQuorum { .. })));
        let polka = cast.polka(&v, 0, members).verify(&cast.set, &cast.context);
        assert!(matches!(polka, Err(CertificateError::NoQuorum { .. })));
    }
}

#[test]
fn with_powers_1_1_1_97_the_strong_one_certifies_alone() {
    let cast = Cast::with_powers(&[1, 1, 1, 97]);
    let v = block(H, 1);
    let alone = cast.commit(&v, 0, &[3]);
    assert_eq!(alone.verify(&cast.set, &cast.context), Ok(()));
    assert_eq!(alone.is_minimal(&cast.set), Ok(()));
    let weak = cast
        .commit(&v, 0, &[0, 1, 2])
        .verify(&cast.set, &cast.context);
    assert_eq!(
        weak,
        Err(CertificateError::NoQuorum {
            power: 3,
            total: 100
        })
    );
}

/// One bit per validator: whoever is named twice brings a signature too many.
#[test]
fn a_member_given_twice_does_not_fit_the_shape() {
    let cast = Cast::of(4);
    let v = block(H, 1);
    let twice = cast.commit(&v, 0, &[0, 1, 1]);
    assert_eq!(twice.signers.bitmap, [0b0011]);
    assert_eq!(
        twice.verify(&cast.set, &cast.context),
        Err(CertificateError::Shape)
    );
}

#[test]
fn a_bitmap_of_another_length_or_with_spare_bits_is_refused() {
    let cast = Cast::of(4);
    let v = block(H, 1);
    let good = cast.commit(&v, 0, &[0, 1, 2]);
    for bitmap in [
        vec![],
        vec![0b0111, 0],
        vec![0b0001_0111],
        vec![0b1000_0111],
    ] {
        let mut bad = good.clone();
        bad.signers.bitmap = bitmap.clone();
        assert_eq!(
            bad.verify(&cast.set, &cast.context),
            Err(CertificateError::Shape),
            "{bitmap:?}"
        );
    }
}

#[test]
fn too_many_and_too_few_signatures_are_refused() {
    let cast = Cast::of(4);
    let v = block(H, 1);
    let good = cast.commit(&v, 0, &[0, 1, 2]);
    let (mut more, mut fewer) = (good.clone(), good.clone());
    more.signers
        .signatures
        .push(good.signers.signatures[0].clone());
    fewer.signers.signatures.pop();
    assert_eq!(
        more.verify(&cast.set, &cast.context),
        Err(CertificateError::Shape)
    );
    assert_eq!(
        fewer.verify(&cast.set, &cast.context),
        Err(CertificateError::Shape)
    );
}

#[test]
fn the_one_bad_signature_is_named() {
    let cast = Cast::of(4);
    let v = block(H, 1);
    for place in 0..3 {
        let (mut commit, mut polka) = (
            cast.commit(&v, 0, &[0, 2, 3]),
            cast.polka(&v, 0, &[0, 2, 3]),
        );
        flip(&mut commit.signers.signatures[place]);
        flip(&mut polka.signers.signatures[place]);
        let index = [0, 2, 3][place];
        let reason = SignatureError::Invalid;
        let refused = Err(CertificateError::Signature { index, reason });
        assert_eq!(commit.verify(&cast.set, &cast.context), refused);
        assert_eq!(polka.verify(&cast.set, &cast.context), refused);
    }
}

#[test]
fn signatures_in_another_order_are_refused() {
    let cast = Cast::of(4);
    let v = block(H, 1);
    let mut commit = cast.commit(&v, 0, &[0, 1, 2]);
    commit.signers.signatures.swap(0, 1);
    assert!(commit.verify(&cast.set, &cast.context).is_err());
}

#[test]
fn a_certificate_of_another_set_chain_height_round_block_or_kind_is_refused() {
    let cast = Cast::of(4);
    let v = block(H, 1);
    let good = cast.commit(&v, 2, &[0, 1, 2]);
    let larger = Cast::of(5);
    assert!(good.verify(&larger.set, &cast.context).is_err());
    let context = SignContext {
        genesis_hash: Hash::default(),
        ..cast.context
    };
    assert!(good.verify(&cast.set, &context).is_err());
    let mut others = vec![good.clone(); 3];
    others[0].height = H.next();
    others[1].round = Round(1);
    others[2].block_id = Hash::default();
    for other in others {
        assert!(other.verify(&cast.set, &cast.context).is_err(), "{other:?}");
    }
    let mut prevotes = good;
    prevotes.signers = cast.polka(&v, 2, &[0, 1, 2]).signers;
    assert!(prevotes.verify(&cast.set, &cast.context).is_err());
}

#[test]
fn what_is_known_is_not_verified_again_and_the_rest_is() {
    let cast = Cast::of(4);
    let v = block(H, 1);
    let mut commit = cast.commit(&v, 0, &[0, 1, 2]);
    flip(&mut commit.signers.signatures[1]);
    let but_for = |known: usize| commit.verify_unless(&cast.set, &cast.context, |i, _| i == known);
    assert_eq!(but_for(1), Ok(()));
    assert!(but_for(0).is_err());
    let few = cast.commit(&v, 0, &[0, 1]);
    let all_known = few.verify_unless(&cast.set, &cast.context, |_, _| true);
    assert!(matches!(all_known, Err(CertificateError::NoQuorum { .. })));
}

#[test]
fn a_certificate_with_a_member_to_spare_is_not_minimal() {
    let cast = Cast::of(4);
    let v = block(H, 1);
    assert_eq!(cast.commit(&v, 0, &[1, 2, 3]).is_minimal(&cast.set), Ok(()));
    let all = cast.commit(&v, 0, &[0, 1, 2, 3]);
    assert_eq!(all.verify(&cast.set, &cast.context), Ok(()));
    assert_eq!(all.is_minimal(&cast.set), Err(CertificateError::NotMinimal));
}

#[test]
fn certify_cuts_to_the_first_members_that_are_enough() {
    let v = block(H, 1);
    for (powers, members) in [
        (&[1, 1, 1, 1][..], 3),
        (&[97, 1, 1, 1], 1),
        (&[1, 1, 1, 97], 4),
        (&[1, 1, 1, 1, 1], 4),
    ] {
        let cast = Cast::with_powers(powers);
        // Given in falling order.
        let votes: Vec<_> = (0..powers.len())
            .rev()
            .map(|i| cast.precommit(i, 3, Some(v.id())))
            .collect();
        let votes: Vec<_> = votes.iter().collect();
        let certificate = certify(&cast.set, &votes).unwrap();
        assert_eq!(certificate.signers.count(), members, "{powers:?}");
        assert_eq!(certificate.verify(&cast.set, &cast.context), Ok(()));
        assert_eq!(certificate.is_minimal(&cast.set), Ok(()));
    }
}

#[test]
fn nothing_is_certified_by_too_few_nor_for_nil() {
    let cast = Cast::of(4);
    let v = block(H, 1);
    let votes = |value| [0, 1, 2].map(|i| cast.precommit(i, 0, value));
    let some = votes(Some(v.id()));
    let nil = votes(None);
    assert!(certify(&cast.set, &[]).is_none());
    assert!(certify(&cast.set, &some.each_ref()[..2]).is_none());
    assert!(certify(&cast.set, &nil.each_ref()).is_none());
    assert!(certify(&cast.set, &some.each_ref()).is_some());
}

/// E1: the proposer's PROPOSAL stands in for its prevote.
fn polka_with_proposal(
    cast: &Cast,
    by: ValidatorIndex,
    valid_round: Option<u32>,
) -> PolkaCertificate {
    let v = block(H, 1);
    let r = 2;
    let proposal = cast.proposal(by, r, &v, valid_round).signature;
    let vote = prevote(H, r, Some(v.id()), valid_round);
    let signatures: Vec<_> = (0..3)
        .map(|i| match i {
            _ if i == by => proposal.clone(),
            _ => cast.vote(i, vote.clone()).signature,
        })
        .collect();
    PolkaCertificate {
        valid_round: valid_round.map(Round),
        signers: Signers::collect(&cast.set, (0..3).zip(&signatures)),
        by_proposal: u16::try_from(by).ok(),
        ..cast.polka(&v, r, &[])
    }
}

#[test]
fn the_proposal_of_the_proposer_counts_in_a_polka_and_nobody_elses() {
    let cast = Cast::of(3);
    let turn = cast.turn(H, 2);
    for valid_round in [None, Some(1)] {
        for by in 0..3 {
            let polka = polka_with_proposal(&cast, by, valid_round);
            let expected = if by == turn {
                Ok(())
            } else {
                Err(CertificateError::Shape)
            };
            assert_eq!(polka.verify(&cast.set, &cast.context), expected, "{by}");
        }
    }
}

#[test]
fn a_proposal_signature_without_its_mark_and_a_mark_without_it_are_refused() {
    let cast = Cast::of(3);
    let turn = cast.turn(H, 2);
    let mut unmarked = polka_with_proposal(&cast, turn, None);
    unmarked.by_proposal = None;
    let mut marked = cast.polka(&block(H, 1), 2, &[0, 1, 2]);
    marked.by_proposal = u16::try_from(turn).ok();
    for polka in [unmarked, marked] {
        let verdict = polka.verify(&cast.set, &cast.context);
        assert!(matches!(verdict, Err(CertificateError::Signature { index, .. }) if index == turn));
    }
}

/// A mark on somebody who is not among the members would be a second spelling of the same polka.
#[test]
fn a_mark_on_a_proposer_that_is_no_member_is_refused() {
    let cast = Cast::of(4);
    let turn = cast.turn(H, 2);
    let members: Vec<_> = (0..4).filter(|i| *i != turn).collect();
    let mut polka = cast.polka(&block(H, 1), 2, &members);
    assert_eq!(polka.verify(&cast.set, &cast.context), Ok(()));
    polka.by_proposal = u16::try_from(turn).ok();
    assert_eq!(
        polka.verify(&cast.set, &cast.context),
        Err(CertificateError::Shape)
    );
}

/// E9: prevotes that answer different valid rounds do not add up.
#[test]
fn a_polka_with_another_valid_round_than_its_votes_is_refused() {
    let cast = Cast::of(4);
    let mut polka = cast.polka(&block(H, 1), 2, &[0, 1, 2]);
    polka.valid_round = Some(Round(0));
    assert!(polka.verify(&cast.set, &cast.context).is_err());
}

#[test]
fn the_hash_of_a_certificate_covers_its_signatures() {
    let cast = Cast::of(4);
    let v = block(H, 1);
    let (mut a, b) = (
        cast.commit(&v, 0, &[0, 1, 2]),
        cast.commit(&v, 0, &[1, 2, 3]),
    );
    assert_ne!(a.hash(), b.hash());
    let before = a.hash();
    flip(&mut a.signers.signatures[0]);
    assert_ne!(a.hash(), before);
    let vote = precommit(H, 0, Some(v.id()));
    assert_eq!(a.vote(), vote);
}
