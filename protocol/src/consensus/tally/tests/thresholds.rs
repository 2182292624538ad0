use super::*;

#[test]
fn a_polka_is_told_once_with_the_third_of_four_prevotes() {
    let mut desk = Desk::of(4);
    assert_eq!(desk.count_all(&[2, 0], 0, Cast::prevote, id(1)), []);
    let told = desk.count_all(&[3], 0, Cast::prevote, id(1));
    let [Fact::Polka(polka), Fact::PrevotesAny(Round(0))] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!(polka.verify(&desk.cast.set, &desk.cast.context), Ok(()));
    assert_eq!((polka.block_id, polka.by_proposal), (id(1).unwrap(), None));
    // The fourth for another value changes nothing that has been told.
    assert_eq!(desk.count_all(&[1], 0, Cast::prevote, id(2)), []);
}

#[test]
fn a_commit_is_told_once_with_a_certificate_that_is_minimal() {
    let mut desk = Desk::of(4);
    assert_eq!(desk.count_all(&[3, 1], 0, Cast::precommit, id(1)), []);
    let told = desk.count_all(&[2], 0, Cast::precommit, id(1));
    let [Fact::Commit(commit), Fact::PrecommitsAny(Round(0))] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!(commit.verify(&desk.cast.set, &desk.cast.context), Ok(()));
    assert_eq!(commit.is_minimal(&desk.cast.set), Ok(()));
    assert_eq!(
        desk.admit(desk.cast.precommit(0, 0, id(1))),
        Admission::Unneeded
    );
}

#[test]
fn three_different_prevotes_are_a_quorum_of_anything_only() {
    let mut desk = Desk::of(4);
    desk.count_all(&[0], 0, Cast::prevote, id(1));
    desk.count_all(&[1], 0, Cast::prevote, id(2));
    let told = desk.count_all(&[2], 0, Cast::prevote, None);
    assert_eq!(told, [Fact::PrevotesAny(Round(0))]);
}

#[test]
fn nil_prevotes_make_a_nil_polka_and_nil_precommits_decide_nothing() {
    let mut desk = Desk::of(4);
    let told = desk.count_all(&[0, 1, 2], 0, Cast::prevote, None);
    assert_eq!(
        told,
        [Fact::NilPolka(Round(0)), Fact::PrevotesAny(Round(0))]
    );
    let told = desk.count_all(&[0, 1, 2], 0, Cast::precommit, None);
    assert_eq!(told, [Fact::PrecommitsAny(Round(0))]);
}

#[test]
fn prevotes_of_one_round_and_precommits_of_another_do_not_add_up() {
    let mut desk = Desk::of(4);
    desk.count_all(&[0, 1], 0, Cast::prevote, id(1));
    desk.count_all(&[2], 0, Cast::precommit, id(1));
    let told = desk.count_all(&[2], 1, Cast::prevote, id(1));
    assert_eq!(told, []);
}

#[test]
fn an_own_vote_counts_without_a_signature_check() {
    let mut desk = Desk::of(1);
    let vote = desk.cast.prevote(0, 0, id(1));
    desk.checks.checks();
    let told = facts(desk.tell(Input::OwnVote(vote)));
    assert!(matches!(&told[..], [Fact::Polka(_), Fact::PrevotesAny(_)]));
    assert_eq!(desk.checks.checks(), 0);
}

#[test]
fn power_decides_and_not_the_count_of_votes() {
    let mut desk = Desk::with_powers(&[1, 1, 97, 1]);
    assert_eq!(desk.count_all(&[0, 1, 3], 0, Cast::precommit, id(1)), []);
    let told = desk.count_all(&[2], 0, Cast::precommit, id(2));
    assert!(
        matches!(&told[..], [Fact::Commit(c), Fact::PrecommitsAny(_)]
        if c.block_id == id(2).unwrap() && c.signers.count() == 1)
    );
}

#[test]
fn exactly_two_thirds_tell_nothing() {
    for powers in [&[1, 1, 1][..], &[2, 2, 1, 1], &[33, 33, 33]] {
        let mut desk = Desk::with_powers(powers);
        assert_eq!(desk.count_all(&[0, 1], 0, Cast::prevote, id(1)), []);
        assert_ne!(desk.count_all(&[2], 0, Cast::prevote, id(1)), []);
    }
}

#[test]
fn the_proposal_is_the_prevote_of_its_sender() {
    let mut desk = Desk::of(4);
    let v = block(H, 1);
    let turn = desk.cast.turn(H, 0);
    let others: Vec<_> = (0..4).filter(|i| *i != turn).collect();
    desk.count_all(&others[..2], 0, Cast::prevote, Some(v.id()));
    let proposal = desk.cast.proposal(turn, 0, &v, None);
    let told = facts(desk.tell(Input::Proposal(proposal)));
    let [Fact::Polka(polka), Fact::PrevotesAny(_)] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!(polka.by_proposal.map(usize::from), Some(turn));
    assert_eq!(polka.verify(&desk.cast.set, &desk.cast.context), Ok(()));
}

/// The certificate is cut to the first members that are enough; a proposer that fell off leaves no
/// mark behind.
#[test]
fn a_polka_without_the_proposer_marks_nobody() {
    let mut desk = Desk::with_powers(&[40, 40, 10, 10]);
    let v = block(H, 1);
    let r = 2;
    desk.enter_round(r);
    assert_eq!(desk.cast.turn(H, r), 3);
    let proposal = desk.cast.proposal(3, r, &v, None);
    desk.tell(Input::Proposal(proposal));
    let told = desk.count_all(&[0, 1], r, Cast::prevote, Some(v.id()));
    let [Fact::Polka(polka), Fact::PrevotesAny(_)] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!(polka.signers.count(), 2);
    assert_eq!(polka.by_proposal, None);
    assert_eq!(polka.verify(&desk.cast.set, &desk.cast.context), Ok(()));
}

#[test]
fn prevotes_with_different_valid_rounds_do_not_add_up() {
    let mut desk = Desk::of(4);
    desk.enter_round(2);
    let with = |vr| prevote(H, 2, id(1), vr);
    for (i, vr) in [(0, None), (1, Some(0)), (2, Some(1))] {
        let told = desk.count(desk.cast.vote(i, with(vr)));
        assert!(!told.iter().any(|fact| matches!(fact, Fact::Polka(_))));
    }
    let mut desk = Desk::of(4);
    desk.enter_round(2);
    let votes = [0, 1, 2].map(|i| desk.cast.vote(i, with(Some(1))));
    let told: Vec<_> = votes.into_iter().flat_map(|v| desk.count(v)).collect();
    let [Fact::Polka(polka), _] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!(polka.valid_round, Some(Round(1)));
}

#[test]
fn a_prevote_and_a_precommit_of_one_sender_are_one_sender_for_a_skip() {
    let mut desk = Desk::of(4);
    assert_eq!(desk.count_all(&[2], 3, Cast::prevote, id(1)), []);
    let precommit = desk.cast.precommit(2, 3, id(1));
    assert_eq!(facts(desk.tell(Input::Vote(precommit))), []);
    let told = desk.count_all(&[0], 3, Cast::precommit, None);
    assert_eq!(told, [Fact::Reached(Round(3))]);
}

#[test]
fn the_skip_goes_to_the_largest_round_that_a_third_has_reached() {
    let mut desk = Desk::of(7);
    assert_eq!(desk.count_all(&[0], 900, Cast::prevote, None), []);
    assert_eq!(desk.count_all(&[1], 40, Cast::prevote, None), []);
    let told = desk.count_all(&[2], 60, Cast::prevote, None);
    assert_eq!(told, [Fact::Reached(Round(40))]);
    let told = desk.count_all(&[3], 50, Cast::prevote, None);
    assert_eq!(told, [Fact::Reached(Round(50))]);
    // Behind what has been told: nothing new.
    assert_eq!(desk.count_all(&[4], 45, Cast::prevote, None), []);
}

#[test]
fn a_skip_needs_more_than_a_third_of_the_power() {
    let mut desk = Desk::with_powers(&[1, 1, 1, 97]);
    // Only that the proposer of round 0 has left it (E11).
    let left = [Fact::ProposerSilent(Round(0))];
    assert_eq!(desk.count_all(&[0, 1, 2], 4, Cast::prevote, None), left);
    let told = desk.count_all(&[3], 4, Cast::prevote, None);
    assert_eq!(told, [Fact::Reached(Round(4))]);
}

#[test]
fn retell_tells_again_all_that_holds() {
    let mut desk = Desk::of(4);
    let mut told = desk.count_all(&[0, 1, 2], 0, Cast::prevote, id(1));
    told.extend(desk.count_all(&[0, 1, 2], 0, Cast::precommit, id(1)));
    told.extend(desk.count_all(&[0, 1], 7, Cast::prevote, None));
    assert_eq!(told.len(), 5);
    for _ in 0..2 {
        assert_eq!(facts(desk.tell(Input::Retell(H, Round::ZERO))), told);
    }
}

/// A driver that resumes where its record left it stands behind a tally that has gone on. What the
/// tally told once is forgotten there, and its own round kept it from saying how far the others are.
#[test]
fn a_machine_that_was_put_back_is_told_how_far_the_others_are() {
    let mut desk = Desk::of(4);
    desk.count_all(&[0, 1], 40, Cast::prevote, None);
    desk.enter_round(40);
    let told = facts(desk.tell(Input::Retell(H, Round(0))));
    assert!(told.contains(&Fact::Reached(Round(40))), "{told:?}");
}

#[cfg(feature = "mutants")]
#[test]
fn a_tally_that_stays_ahead_is_noticed() {
    crate::mutation::must_be_noticed(
        crate::mutation::Mutation::TallyStaysAhead,
        a_machine_that_was_put_back_is_told_how_far_the_others_are,
    );
}

#[test]
fn resend_relays_the_votes_of_the_round_and_of_the_one_before() {
    let mut desk = Desk::of(4);
    desk.count_all(&[0, 1], 0, Cast::prevote, id(1));
    desk.enter_round(1);
    desk.count_all(&[2], 1, Cast::prevote, None);
    desk.count_all(&[3], 1, Cast::precommit, None);
    desk.enter_round(2);
    desk.count_all(&[0], 2, Cast::prevote, None);
    let expected = [
        desk.cast.prevote(2, 1, None),
        desk.cast.precommit(3, 1, None),
        desk.cast.prevote(0, 2, None),
    ];
    let out = desk.tell(Input::Resend(H, Round(2)));
    assert_eq!(out, [Output::Relay(expected.to_vec())]);
    assert_eq!(desk.tell(Input::Resend(NEXT, Round(2))), []);
    assert_eq!(desk.tell(Input::Resend(H, Round(9))), []);
}

/// A proposal's signature is none over a prevote: it travels with its block, not as a vote.
#[test]
fn resend_does_not_relay_a_proposal_as_a_vote() {
    let mut desk = Desk::of(4);
    let turn = desk.cast.turn(H, 0);
    let proposal = desk.cast.proposal(turn, 0, &block(H, 1), None);
    desk.tell(Input::Proposal(proposal));
    assert_eq!(desk.tell(Input::Resend(H, Round(0))), []);
}

#[test]
fn missing_names_those_who_have_not_voted_in_this_round() {
    let mut desk = Desk::of(4);
    desk.count_all(&[0, 2], 0, Cast::prevote, id(1));
    let expected = [1, 3].map(|i| desk.cast.address(i));
    assert_eq!(desk.tally.missing(VoteKind::Prevote), expected);
    assert_eq!(desk.tally.missing(VoteKind::Precommit).len(), 4);
    desk.enter_round(1);
    assert_eq!(desk.tally.missing(VoteKind::Prevote).len(), 4);
}

/// One of four is silent, and one has restarted in the next round: it repeats only its newest
/// prevote. The other two waited for its earlier one for ever.
#[test]
fn whoever_is_further_on_counts_towards_anything() {
    let mut desk = Desk::of(4);
    assert_eq!(desk.count_all(&[0, 1], 0, Cast::prevote, None), []);
    let told = desk.count_all(&[2], 1, Cast::prevote, id(1));
    assert_eq!(told, [Fact::PrevotesAny(Round(0))]);
    let told = desk.count_all(&[0, 1], 0, Cast::precommit, None);
    assert_eq!(told, [Fact::PrecommitsAny(Round(0))]);
}

#[test]
fn a_precommit_counts_towards_any_prevotes() {
    let mut desk = Desk::of(4);
    desk.count_all(&[0, 1], 0, Cast::prevote, id(1));
    let told = desk.count_all(&[2], 0, Cast::precommit, None);
    assert_eq!(told, [Fact::PrevotesAny(Round(0))]);
}

#[cfg(feature = "mutants")]
#[test]
fn that_nobody_further_on_counts_is_noticed() {
    use crate::mutation::{Mutation, must_be_noticed};
    must_be_noticed(
        Mutation::NobodyFurtherOn,
        whoever_is_further_on_counts_towards_anything,
    );
    must_be_noticed(
        Mutation::NobodyFurtherOn,
        a_precommit_counts_towards_any_prevotes,
    );
}
