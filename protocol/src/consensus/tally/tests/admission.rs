use super::*;

/// Admission and what it cost in signature checks.
fn admit(desk: &mut Desk, vote: SignedVote) -> (Admission, usize) {
    desk.checks.checks();
    (desk.admit(vote), desk.checks.checks())
}

#[test]
fn a_good_vote_costs_one_check_and_its_duplicate_none() {
    let mut desk = Desk::of(4);
    let vote = desk.cast.prevote(1, 0, id(1));
    assert_eq!(admit(&mut desk, vote.clone()), (Admission::Counted, 1));
    assert_eq!(admit(&mut desk, vote), (Admission::Duplicate, 0));
}

#[test]
fn a_bad_signature_is_refused_and_keeps_no_slot() {
    let mut desk = Desk::of(4);
    for by in [Cast::prevote as By, Cast::precommit] {
        let vote = by(&desk.cast, 1, 0, id(1));
        assert_eq!(
            admit(&mut desk, forged(vote.clone())),
            (Admission::BadSignature, 1)
        );
        assert_eq!(admit(&mut desk, vote), (Admission::Counted, 1));
    }
    let told = desk.count_all(&[0], 0, Cast::prevote, id(1));
    assert_eq!(told, []);
}

#[test]
fn a_vote_under_the_name_of_another_is_a_bad_signature() {
    let mut desk = Desk::of(4);
    let mut vote = desk.cast.prevote(1, 0, id(1));
    vote.vote.validator = desk.cast.address(2);
    assert_eq!(admit(&mut desk, vote), (Admission::BadSignature, 1));
}

#[test]
fn a_vote_of_another_chain_or_kind_is_a_bad_signature() {
    let mut desk = Desk::of(4);
    let mut elsewhere = Cast::of(4);
    elsewhere.context.genesis_hash.0[0] ^= 1;
    let foreign = elsewhere.prevote(1, 0, id(1));
    assert_eq!(admit(&mut desk, foreign), (Admission::BadSignature, 1));
    let mut swapped = desk.cast.prevote(1, 0, id(1));
    swapped.vote.kind = VoteKind::Precommit;
    assert_eq!(admit(&mut desk, swapped), (Admission::BadSignature, 1));
}

#[test]
fn an_unknown_validator_never_costs_a_check() {
    let mut desk = Desk::of(4);
    for vote in [
        prevote(H, 0, id(1), None),
        prevote(H, 1_000, id(1), None),
        prevote(NEXT, 0, id(1), None),
    ] {
        let mut vote = desk.cast.vote(0, vote);
        vote.vote.validator = Address([0xee; 20]);
        assert_eq!(admit(&mut desk, vote), (Admission::UnknownValidator, 0));
    }
}

#[test]
fn fields_that_do_not_go_together_are_malformed() {
    let mut desk = Desk::of(4);
    desk.enter_round(2);
    let mut with_round = precommit(H, 2, id(1));
    with_round.valid_round = Some(Round(0));
    for vote in [
        prevote(H, 2, id(1), Some(2)),
        prevote(H, 2, id(1), Some(u32::MAX)),
        prevote(H, 2, None, Some(0)),
        with_round,
    ] {
        let vote = desk.cast.vote(1, vote);
        assert_eq!(admit(&mut desk, vote), (Admission::Malformed, 0));
    }
}

#[test]
fn a_vote_whose_value_has_its_quorum_is_not_verified() {
    let mut desk = Desk::of(4);
    desk.count_all(&[0, 1, 2], 0, Cast::prevote, id(1));
    let late = forged(desk.cast.prevote(3, 0, id(1)));
    assert_eq!(admit(&mut desk, late), (Admission::Unneeded, 0));
    // It was not counted either: the place stays free for what matters.
    let other = desk.cast.prevote(3, 0, id(2));
    assert_eq!(admit(&mut desk, other), (Admission::Counted, 1));
}

#[test]
fn after_a_decision_no_vote_of_its_rounds_is_needed() {
    let mut desk = Desk::of(4);
    desk.count_all(&[0, 1, 2], 0, Cast::precommit, id(1));
    for late in [
        desk.cast.prevote(3, 0, None),
        desk.cast.precommit(3, 0, id(2)),
    ] {
        assert_eq!(admit(&mut desk, late), (Admission::Unneeded, 0));
    }
}

#[test]
fn a_decided_height_and_a_round_long_over_are_stale() {
    let mut desk = Desk::of(4);
    desk.enter_round(ROUNDS_KEPT_MAX + 1);
    let old = desk.cast.prevote(1, 0, id(1));
    assert_eq!(admit(&mut desk, old), (Admission::Stale, 0));
    let oldest_kept = desk.cast.prevote(1, 1, id(1));
    assert_eq!(admit(&mut desk, oldest_kept), (Admission::Counted, 1));
    let height = desk.cast.vote(1, prevote(H.previous(), 0, id(1), None));
    assert_eq!(admit(&mut desk, height), (Admission::Stale, 0));
}

#[test]
fn rounds_0_and_1_of_the_next_height_are_kept_and_counted_there() {
    let mut desk = Desk::of(4);
    let v = Some(block(NEXT, 1).id());
    for i in 0..3 {
        let vote = desk.cast.vote(i, prevote(NEXT, 0, v, None));
        assert_eq!(admit(&mut desk, vote.clone()), (Admission::Counted, 1));
        assert_eq!(admit(&mut desk, vote), (Admission::Duplicate, 0));
        let vote = desk.cast.vote(i, precommit(NEXT, 1, v));
        assert_eq!(admit(&mut desk, vote), (Admission::Counted, 1));
    }
    desk.checks.checks();
    let told = desk.enter_next_height();
    assert!(
        told.iter()
            .any(|f| matches!(f, Fact::Polka(p) if p.height == NEXT))
    );
    assert!(
        told.iter()
            .any(|f| matches!(f, Fact::Commit(c) if c.round == Round(1)))
    );
    assert_eq!(desk.checks.checks(), 0);
    assert_eq!(desk.tally.height(), NEXT);
}

#[test]
fn a_proposal_of_the_next_height_is_a_prevote_there() {
    let mut desk = Desk::of(1);
    let proposal = desk.cast.proposal(0, 0, &block(NEXT, 1), None);
    assert_eq!(facts(desk.tell(Input::Proposal(proposal.clone()))), []);
    assert_eq!(facts(desk.tell(Input::Proposal(proposal))), []);
    let told = desk.enter_next_height();
    assert!(
        told.iter()
            .any(|f| matches!(f, Fact::Polka(p) if p.by_proposal == Some(0)))
    );
}

#[test]
fn anything_further_ahead_is_too_early_but_says_once_that_somebody_is_there() {
    let mut desk = Desk::of(4);
    for (height, r) in [(NEXT, 2), (NEXT.next(), 0), (Height(u64::MAX), 0)] {
        let vote = desk.cast.vote(1, prevote(height, r, id(1), None));
        desk.checks.checks();
        let out = desk.tell(Input::Vote(vote.clone()));
        let sender = desk.cast.address(1);
        let expected = [
            Output::Ahead(sender, height),
            Output::Refused(sender, height),
            Output::Admission(Admission::TooEarly),
        ];
        assert_eq!(out, expected);
        assert_eq!(desk.checks.checks(), 1);
        assert_eq!(admit(&mut desk, vote), (Admission::TooEarly, 0));
    }
}

#[test]
fn a_forged_height_sends_nobody_after_it() {
    let mut desk = Desk::of(4);
    let far = forged(desk.cast.vote(1, prevote(Height(1_000), 0, id(1), None)));
    let refused = [Output::Admission(Admission::BadSignature)];
    assert_eq!(desk.tell(Input::Vote(far)), refused);
}

#[test]
fn a_forged_vote_of_the_next_height_is_not_kept() {
    let mut desk = Desk::of(1);
    let vote = desk.cast.vote(0, prevote(NEXT, 0, id(1), None));
    assert_eq!(admit(&mut desk, forged(vote)), (Admission::BadSignature, 1));
    assert_eq!(desk.enter_next_height(), []);
}

#[test]
fn a_new_height_forgets_the_votes_of_the_old_one_and_never_goes_back() {
    let mut desk = Desk::of(4);
    desk.count_all(&[0, 1], 0, Cast::prevote, id(1));
    desk.enter_next_height();
    assert_eq!(desk.tally.rounds.len(), 0);
    desk.tell(Input::EnterHeight(desk.cast.schedule(H)));
    assert_eq!(desk.tally.height(), NEXT);
    let late = desk.cast.prevote(2, 0, id(1));
    assert_eq!(admit(&mut desk, late), (Admission::Stale, 0));
}

#[test]
fn a_jump_over_a_height_drops_what_was_kept_for_it() {
    let mut desk = Desk::of(1);
    let vote = desk.cast.vote(0, prevote(NEXT, 0, id(1), None));
    assert_eq!(admit(&mut desk, vote), (Admission::Counted, 1));
    let told = facts(desk.tell(Input::EnterHeight(desk.cast.schedule(NEXT.next()))));
    assert_eq!(told, []);
    assert_eq!(desk.size(), 0);
}

/// A peer that did not answer is asked again when it speaks again (catch-up), and a peer that waits
/// only repeats itself (E6): repetitions went unnoticed, and the node stayed behind for ever.
#[test]
fn a_repeated_vote_of_a_later_height_tells_again_that_its_sender_is_ahead() {
    let mut desk = Desk::of(4);
    for height in [NEXT, Height(900)] {
        let vote = desk.cast.vote(2, prevote(height, 0, id(1), None));
        let sender = vote.vote.validator;
        for _ in 0..2 {
            let out = desk.tell(Input::Vote(vote.clone()));
            assert!(out.contains(&Output::Ahead(sender, height)), "{out:?}");
        }
    }
}
