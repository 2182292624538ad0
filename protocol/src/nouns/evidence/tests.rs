use super::*;
use crate::consensus::testkit::{Cast, H, block, precommit, prevote};
use crate::nouns::vote::Vote;
use crate::types::{BlockId, Round};

fn id(tag: u64) -> Option<BlockId> {
    Some(block(H, tag).id())
}

fn verdict(cast: &Cast, evidence: &Evidence) -> Result<(), EvidenceError> {
    evidence.verify(&cast.set, &cast.context)
}

fn votes(cast: &Cast, a: Vote, b: Vote) -> Result<(), EvidenceError> {
    let evidence = Evidence::of_votes(cast.vote(1, a), cast.vote(1, b));
    verdict(cast, &evidence)
}

const NONE: Result<(), EvidenceError> = Err(EvidenceError::NoContradiction);
const FORGED: Result<(), EvidenceError> = Err(EvidenceError::Signature);

#[test]
fn two_votes_for_different_values_accuse_and_nil_is_a_value() {
    let cast = Cast::of(4);
    for (a, b) in [(id(1), id(2)), (id(1), None), (None, id(2))] {
        assert_eq!(
            votes(&cast, prevote(H, 2, a, None), prevote(H, 2, b, None)),
            Ok(())
        );
        assert_eq!(votes(&cast, precommit(H, 2, a), precommit(H, 2, b)), Ok(()));
    }
}

#[test]
fn two_prevotes_with_different_valid_rounds_accuse() {
    let cast = Cast::of(4);
    let with = |vr| prevote(H, 2, id(1), vr);
    assert_eq!(votes(&cast, with(None), with(Some(1))), Ok(()));
    assert_eq!(votes(&cast, with(Some(0)), with(Some(1))), Ok(()));
}

#[test]
fn equal_votes_and_votes_of_different_places_or_kinds_accuse_nobody() {
    let cast = Cast::of(4);
    let a = prevote(H, 2, id(1), None);
    for b in [
        a.clone(),
        prevote(H, 3, id(2), None),
        prevote(H.next(), 2, id(2), None),
        precommit(H, 2, id(2)),
    ] {
        assert_eq!(votes(&cast, a.clone(), b), NONE);
    }
    let by_two = Evidence::of_votes(cast.prevote(0, 2, id(1)), cast.prevote(1, 2, id(2)));
    assert_eq!(verdict(&cast, &by_two), NONE);
}

/// A precommit's signature does not cover a valid round. Whoever writes one into a copy of an
/// honest precommit has two votes that differ, under two good signatures over the same bytes.
#[test]
fn a_valid_round_written_into_a_precommit_accuses_nobody() {
    let cast = Cast::of(4);
    let honest = cast.precommit(1, 2, id(1));
    let mut copy = honest.clone();
    copy.vote.valid_round = Some(Round(0));
    assert_eq!(verdict(&cast, &Evidence::of_votes(honest, copy)), NONE);
}

#[test]
fn two_proposals_of_one_round_accuse() {
    let cast = Cast::of(4);
    let by = 1;
    let (v, w) = (block(H, 1), block(H, 2));
    let first = cast.proposal(by, 2, &v, None);
    for (second, expected) in [
        (cast.proposal(by, 2, &w, None), Ok(())),
        (cast.proposal(by, 2, &v, Some(1)), Ok(())),
        (first.clone(), NONE),
        (cast.proposal(by, 3, &w, None), NONE),
        (cast.proposal(2, 2, &w, None), NONE),
        (cast.proposal(by, 2, &block(H.next(), 2), None), NONE),
    ] {
        let evidence = Evidence::of_proposals(first.clone(), second);
        assert_eq!(verdict(&cast, &evidence), expected, "{evidence:?}");
    }
}

#[test]
fn a_prevote_against_the_own_proposal_accuses() {
    let cast = Cast::of(4);
    let by = 1;
    let (v, w) = (block(H, 1), block(H, 2));
    let proposal = cast.proposal(by, 2, &v, None);
    let same = Some(v.id());
    for (vote, expected) in [
        (prevote(H, 2, Some(w.id()), None), Ok(())),
        (prevote(H, 2, None, None), Ok(())),
        (prevote(H, 2, same, Some(0)), Ok(())),
        (prevote(H, 2, same, None), NONE),
        (prevote(H, 1, None, None), NONE),
        (prevote(H.next(), 2, None, None), NONE),
        // A precommit for something else can be honest: nil after a timeout.
        (precommit(H, 2, None), NONE),
    ] {
        let evidence = Evidence::ProposalAgainstPrevote(proposal.clone(), cast.vote(by, vote));
        assert_eq!(verdict(&cast, &evidence), expected, "{evidence:?}");
    }
    let by_another = Evidence::ProposalAgainstPrevote(proposal, cast.prevote(2, 2, None));
    assert_eq!(verdict(&cast, &by_another), NONE);
}

#[test]
fn a_proposal_out_of_turn_accuses_and_one_in_turn_does_not() {
    let cast = Cast::of(4);
    let v = block(H, 1);
    for i in 0..4 {
        let evidence = Evidence::WrongProposer(cast.proposal(i, 2, &v, None));
        let expected = if i == cast.turn(H, 2) { NONE } else { Ok(()) };
        assert_eq!(verdict(&cast, &evidence), expected, "{i}");
    }
}

#[test]
fn a_forged_signature_on_either_side_accuses_nobody() {
    let cast = Cast::of(4);
    let v = block(H, 1);
    let w = block(H, 2);
    let out_of_turn = cast.other(H, 2);
    let (a, b) = (cast.prevote(1, 2, id(1)), cast.prevote(1, 2, id(2)));
    let (p, q) = (cast.proposal(1, 2, &v, None), cast.proposal(1, 2, &w, None));
    let vote = |mut vote: SignedVote| {
        vote.signature.0[0] ^= 1;
        vote
    };
    let proposal = |mut proposal: Proposal| {
        proposal.signature.0[0] ^= 1;
        proposal
    };
    for forged in [
        Evidence::of_votes(a.clone(), vote(b.clone())),
        Evidence::of_votes(vote(a), b.clone()),
        Evidence::of_proposals(p.clone(), proposal(q.clone())),
        Evidence::of_proposals(proposal(p.clone()), q),
        Evidence::ProposalAgainstPrevote(p.clone(), vote(b.clone())),
        Evidence::ProposalAgainstPrevote(proposal(p), b),
        Evidence::WrongProposer(proposal(cast.proposal(out_of_turn, 2, &v, None))),
    ] {
        assert_eq!(verdict(&cast, &forged), FORGED, "{forged:?}");
    }
}

#[test]
fn nobody_outside_of_the_set_is_accused() {
    let (small, large) = (Cast::of(4), Cast::of(7));
    let stranger = (0..7)
        .find(|i| small.set.index_of(&large.address(*i)).is_none())
        .unwrap();
    let evidence = Evidence::of_votes(
        large.prevote(stranger, 2, id(1)),
        large.prevote(stranger, 2, id(2)),
    );
    assert_eq!(verdict(&small, &evidence), FORGED);
    let evidence = Evidence::WrongProposer(large.proposal(stranger, 2, &block(H, 1), None));
    assert_eq!(verdict(&small, &evidence), FORGED);
}

#[test]
fn every_kind_names_the_accused_and_the_height() {
    let cast = Cast::of(4);
    let v = block(H, 1);
    let w = block(H, 2);
    let (p, q) = (cast.proposal(1, 2, &v, None), cast.proposal(1, 2, &w, None));
    let (a, b) = (cast.prevote(1, 2, id(1)), cast.prevote(1, 2, id(2)));
    let all = [
        Evidence::of_votes(a, b.clone()),
        Evidence::of_proposals(p.clone(), q),
        Evidence::ProposalAgainstPrevote(p.clone(), b),
        Evidence::WrongProposer(p),
    ];
    for evidence in &all {
        assert_eq!(
            (evidence.validator(), evidence.height()),
            (cast.address(1), H)
        );
    }
    let hashes: std::collections::BTreeSet<Hash> = all.iter().map(Evidence::hash).collect();
    assert_eq!(hashes.len(), all.len());
}

/// (a, b) and (b, a) once hashed differently, so that one pair could be carried twice.
#[test]
fn a_pair_has_one_order_and_one_hash() {
    let cast = Cast::of(4);
    let v = block(H, 1);
    let w = block(H, 2);
    let a = cast.prevote(1, 2, id(1));
    let b = cast.prevote(1, 2, None);
    let (p, q) = (cast.proposal(1, 2, &v, None), cast.proposal(1, 2, &w, None));
    let votes = Evidence::of_votes(a.clone(), b.clone());
    let proposals = Evidence::of_proposals(p.clone(), q.clone());
    assert_eq!(votes, Evidence::of_votes(b.clone(), a.clone()));
    assert_eq!(proposals, Evidence::of_proposals(q.clone(), p.clone()));
    assert_eq!(
        votes,
        Evidence::ConflictingVotes(b.clone(), a.clone()),
        "nil comes first"
    );
    let mut in_order = [p, q];
    in_order.sort_by_key(|proposal| proposal.block_id);
    let [first, second] = in_order;
    for (right, swapped) in [
        (votes, Evidence::ConflictingVotes(a, b)),
        (proposals, Evidence::ConflictingProposals(second, first)),
    ] {
        assert_eq!(verdict(&cast, &right), Ok(()));
        assert_eq!(verdict(&cast, &swapped), Err(EvidenceError::Malformed));
    }
}

/// Their signatures are good: only a faulty validator could make them. But a valid round that the
/// signature does not cover, or that lies ahead, would be a second spelling of one proof.
#[test]
fn votes_and_proposals_whose_fields_do_not_go_together_accuse_nobody() {
    let cast = Cast::of(4);
    let v = block(H, 1);
    let good = cast.precommit(1, 2, None);
    let mut spelled = cast.precommit(1, 2, id(1));
    spelled.vote.valid_round = Some(Round(0));
    let ahead = cast.vote(1, prevote(H, 2, id(1), Some(2)));
    let proposed_ahead = cast.proposal(1, 2, &v, Some(2));
    let out_of_turn = cast.proposal(cast.other(H, 2), 2, &v, Some(7));
    for malformed in [
        Evidence::of_votes(good, spelled),
        Evidence::of_votes(cast.prevote(1, 2, None), ahead),
        Evidence::of_proposals(
            cast.proposal(1, 2, &block(H, 2), None),
            proposed_ahead.clone(),
        ),
        Evidence::ProposalAgainstPrevote(proposed_ahead, cast.prevote(1, 2, None)),
        Evidence::WrongProposer(out_of_turn),
    ] {
        assert_eq!(
            verdict(&cast, &malformed),
            Err(EvidenceError::Malformed),
            "{malformed:?}"
        );
    }
}

/// By E1 a proposal is a prevote, so however its sender contradicts it, it is one offence.
#[test]
fn one_offence_has_one_name_however_it_is_proved() {
    let cast = Cast::of(4);
    let v = block(H, 1);
    let w = block(H, 2);
    let (p, q) = (cast.proposal(1, 2, &v, None), cast.proposal(1, 2, &w, None));
    let a = cast.prevote(1, 2, id(1));
    let b = cast.prevote(1, 2, id(3));
    let c = cast.prevote(1, 2, None);
    let expected = Offence {
        height: H,
        validator: cast.address(1),
        round: Round(2),
        kind: OffenceKind::DoublePrevote,
    };
    for evidence in [
        Evidence::of_votes(a.clone(), b.clone()),
        Evidence::of_votes(b, c.clone()),
        Evidence::of_proposals(p.clone(), q),
        Evidence::ProposalAgainstPrevote(p.clone(), c),
    ] {
        assert_eq!(evidence.offence(), expected, "{evidence:?}");
    }
    let precommits = Evidence::of_votes(cast.precommit(1, 2, None), cast.precommit(1, 2, id(1)));
    assert_eq!(precommits.offence().kind, OffenceKind::DoublePrecommit);
    let wrong = Evidence::WrongProposer(p);
    assert_eq!(wrong.offence().kind, OffenceKind::WrongProposer);
}

#[test]
fn the_largest_evidence_of_a_real_scheme_stays_below_its_limit() {
    use crate::limits::{EVIDENCE_BYTES_MAX, SIGNATURE_BYTES_MAX};
    let cast = Cast::of(4);
    let v = block(H, 1);
    let w = block(H, 2);
    let long = crate::nouns::vote::Signature(vec![7; SIGNATURE_BYTES_MAX]);
    let proposal = |block| Proposal {
        signature: long.clone(),
        ..cast.proposal(1, 2, block, Some(1))
    };
    let vote = |value| SignedVote {
        signature: long.clone(),
        ..cast.vote(1, prevote(H, 2, value, Some(1)))
    };
    for evidence in [
        Evidence::of_proposals(proposal(&v), proposal(&w)),
        Evidence::of_votes(vote(id(1)), vote(id(2))),
        Evidence::ProposalAgainstPrevote(proposal(&v), vote(id(2))),
    ] {
        let bytes = crate::codec::encode(&evidence).len();
        assert!(bytes <= EVIDENCE_BYTES_MAX, "{bytes}");
    }
}
