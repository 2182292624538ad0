use super::*;
use crate::consensus::testkit::{Cast, H, block, precommit, prevote};
use crate::types::{BlockId, Round};

fn id(tag: u64) -> Option<BlockId> {
    Some(block(H, tag).id())
}

fn verdict(cast: &Cast, evidence: &Evidence) -> Result<(), EvidenceError> {
    evidence.verify(&cast.set, &cast.context)
}

fn votes(cast: &Cast, a: Vote, b: Vote) -> Result<(), EvidenceError> {
    let evidence = Evidence::ConflictingVotes(cast.vote(1, a), cast.vote(1, b));
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
    let by_two = Evidence::ConflictingVotes(cast.prevote(0, 2, id(1)), cast.prevote(1, 2, id(2)));
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
    assert_eq!(
        verdict(&cast, &Evidence::ConflictingVotes(honest, copy)),
        NONE
    );
}

#[test]
fn two_proposals_of_one_round_accuse() {
    let (cast, by) = (Cast::of(4), 1);
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
        let evidence = Evidence::ConflictingProposals(first.clone(), second);
        assert_eq!(verdict(&cast, &evidence), expected, "{evidence:?}");
    }
}

#[test]
fn a_prevote_against_the_own_proposal_accuses() {
    let (cast, by) = (Cast::of(4), 1);
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
    let (cast, v) = (Cast::of(4), block(H, 1));
    for i in 0..4 {
        let evidence = Evidence::WrongProposer(cast.proposal(i, 2, &v, None));
        let expected = if i == cast.turn(H, 2) { NONE } else { Ok(()) };
        assert_eq!(verdict(&cast, &evidence), expected, "{i}");
    }
}

#[test]
fn a_forged_signature_on_either_side_accuses_nobody() {
    let (cast, v, w) = (Cast::of(4), block(H, 1), block(H, 2));
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
        Evidence::ConflictingVotes(a.clone(), vote(b.clone())),
        Evidence::ConflictingVotes(vote(a), b.clone()),
        Evidence::ConflictingProposals(p.clone(), proposal(q.clone())),
        Evidence::ConflictingProposals(proposal(p.clone()), q),
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
    let evidence = Evidence::ConflictingVotes(
        large.prevote(stranger, 2, id(1)),
        large.prevote(stranger, 2, id(2)),
    );
    assert_eq!(verdict(&small, &evidence), FORGED);
    let evidence = Evidence::WrongProposer(large.proposal(stranger, 2, &block(H, 1), None));
    assert_eq!(verdict(&small, &evidence), FORGED);
}

#[test]
fn every_kind_names_the_accused_and_the_height() {
    let (cast, v, w) = (Cast::of(4), block(H, 1), block(H, 2));
    let (p, q) = (cast.proposal(1, 2, &v, None), cast.proposal(1, 2, &w, None));
    let (a, b) = (cast.prevote(1, 2, id(1)), cast.prevote(1, 2, id(2)));
    let all = [
        Evidence::ConflictingVotes(a, b.clone()),
        Evidence::ConflictingProposals(p.clone(), q),
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
