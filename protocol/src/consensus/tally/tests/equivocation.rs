use super::*;

fn tell(desk: &mut Desk, vote: SignedVote) -> (Admission, Vec<Evidence>) {
    let out = desk.tell(Input::Vote(vote));
    (admission(&out), evidence(&out))
}

fn holds(desk: &Desk, evidence: &Evidence) {
    let verdict = evidence.verify(&desk.cast.set, &desk.cast.context);
    assert_eq!(verdict, Ok(()), "{evidence:?}");
}

#[test]
fn two_values_are_evidence_once_and_a_third_is_refused_unlooked_at() {
    for by in [Cast::prevote as By, Cast::precommit] {
        let mut desk = Desk::of(4);
        let [first, second, third] = [id(1), None, id(3)].map(|v| by(&desk.cast, 2, 0, v));
        desk.count(first.clone());
        let (admitted, found) = tell(&mut desk, second.clone());
        assert_eq!(admitted, Admission::Counted);
        assert_eq!(found, [Evidence::of_votes(first.clone(), second)]);
        holds(&desk, &found[0]);
        desk.checks.checks();
        assert_eq!(tell(&mut desk, third), (Admission::Equivocation, vec![]));
        assert_eq!(tell(&mut desk, first), (Admission::Duplicate, vec![]));
        assert_eq!(desk.checks.checks(), 0);
    }
}

/// E10. "The first vote wins" can lose liveness: here the second of the equivocator's makes the
/// quorum that everybody else will see.
#[test]
fn an_equivocator_is_tallied_for_both_of_its_values_and_once_for_anything() {
    let mut desk = Desk::of(4);
    assert_eq!(desk.count_all(&[3], 0, Cast::precommit, id(1)), []);
    assert_eq!(desk.count_all(&[3], 0, Cast::precommit, id(2)), []);
    assert_eq!(desk.count_all(&[0], 0, Cast::precommit, id(2)), []);
    let told = desk.count_all(&[1], 0, Cast::precommit, id(2));
    let [Fact::Commit(commit), Fact::PrecommitsAny(_)] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!(commit.verify(&desk.cast.set, &desk.cast.context), Ok(()));
}

#[test]
fn two_valid_rounds_of_one_value_are_two_values() {
    let mut desk = Desk::of(4);
    desk.enter_round(2);
    let with = |vr| desk.cast.vote(1, prevote(H, 2, id(1), vr));
    let (a, b) = (with(Some(0)), with(Some(1)));
    desk.count(a);
    let (admitted, found) = tell(&mut desk, b);
    assert_eq!(admitted, Admission::Counted);
    holds(&desk, &found[0]);
}

#[test]
fn a_prevote_against_the_own_proposal_is_evidence_in_either_order() {
    for proposal_first in [true, false] {
        let mut desk = Desk::of(4);
        let turn = desk.cast.turn(H, 0);
        let proposal = desk.cast.proposal(turn, 0, &block(H, 1), None);
        let vote = desk.cast.prevote(turn, 0, None);
        let mut inputs = [Input::Proposal(proposal.clone()), Input::Vote(vote.clone())];
        if !proposal_first {
            inputs.reverse();
        }
        let out: Vec<_> = inputs.into_iter().flat_map(|i| desk.tell(i)).collect();
        let expected = Evidence::ProposalAgainstPrevote(proposal, vote);
        assert_eq!(evidence(&out), std::slice::from_ref(&expected));
        holds(&desk, &expected);
    }
}

#[test]
fn a_prevote_for_the_own_proposal_is_the_same_vote_again() {
    let mut desk = Desk::of(4);
    let v = block(H, 1);
    let turn = desk.cast.turn(H, 0);
    let proposal = desk.cast.proposal(turn, 0, &v, None);
    desk.tell(Input::Proposal(proposal));
    let vote = desk.cast.prevote(turn, 0, Some(v.id()));
    assert_eq!(tell(&mut desk, vote), (Admission::Duplicate, vec![]));
}

#[test]
fn two_proposals_of_one_round_are_evidence() {
    let mut desk = Desk::of(4);
    let turn = desk.cast.turn(H, 0);
    let both = [1, 2].map(|tag| desk.cast.proposal(turn, 0, &block(H, tag), None));
    let out: Vec<_> = both
        .clone()
        .into_iter()
        .flat_map(|proposal| desk.tell(Input::Proposal(proposal)))
        .collect();
    let [first, second] = both;
    let expected = Evidence::of_proposals(first, second);
    assert_eq!(evidence(&out), std::slice::from_ref(&expected));
    holds(&desk, &expected);
}

#[test]
fn a_prevote_and_a_precommit_for_different_values_are_no_evidence() {
    let mut desk = Desk::of(4);
    desk.count(desk.cast.prevote(1, 0, id(1)));
    let nil = desk.cast.precommit(1, 0, None);
    assert_eq!(tell(&mut desk, nil), (Admission::Counted, vec![]));
}

/// An equivocation is worth its check even when the value has its quorum already.
#[test]
fn a_second_value_is_evidence_although_its_quorum_is_settled() {
    let mut desk = Desk::of(4);
    desk.count(desk.cast.prevote(3, 0, id(2)));
    desk.count_all(&[0, 1, 2], 0, Cast::prevote, id(1));
    let second = desk.cast.prevote(3, 0, id(1));
    let (admitted, found) = tell(&mut desk, second);
    assert_eq!(admitted, Admission::Counted);
    holds(&desk, &found[0]);
}

#[test]
fn an_equivocation_that_came_early_is_evidence_at_its_height() {
    let mut desk = Desk::of(4);
    let v = [1, 2].map(|tag| Some(block(NEXT, tag).id()));
    for value in v {
        let vote = desk.cast.vote(2, precommit(NEXT, 1, value));
        assert_eq!(tell(&mut desk, vote), (Admission::Counted, vec![]));
    }
    let third = desk.cast.vote(2, precommit(NEXT, 1, None));
    assert_eq!(tell(&mut desk, third).0, Admission::Equivocation);
    let out = desk.tell(Input::EnterHeight(desk.cast.schedule(NEXT)));
    holds(&desk, &evidence(&out)[0]);
}
