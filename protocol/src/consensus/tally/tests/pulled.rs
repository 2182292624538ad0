use super::*;
use crate::limits::PULL_VOTES_MAX;
use crate::nouns::pull::Pull;

/// What a node that holds what `asker` holds asks from round `r`.
fn question(asker: &Desk, r: u32) -> Pull {
    let mut pull = Pull::new(H, Round(r));
    asker.tally.hold(&mut pull);
    assert!(pull.is_well_formed(Some(asker.cast.set.len())));
    pull
}

fn told_apart(votes: &[SignedVote]) -> BTreeSet<(Address, bool, Round, Value)> {
    let key = |v: &SignedVote| {
        let vote = &v.vote;
        let is_prevote = vote.kind == VoteKind::Prevote;
        (vote.validator, is_prevote, vote.round, vote.block_id)
    };
    votes.iter().map(key).collect()
}

#[test]
fn an_answer_holds_exactly_the_votes_that_the_asker_lacks() {
    let (mut asked, mut asker) = (Desk::of(7), Desk::of(7));
    asked.count_all(&[0, 1, 2], 0, Cast::prevote, id(1));
    asked.count_all(&[0, 3], 0, Cast::precommit, id(1));
    asker.count_all(&[1, 3], 0, Cast::prevote, id(1));
    asker.count_all(&[3], 0, Cast::precommit, id(1));
    let lacking = [
        asker.cast.prevote(0, 0, id(1)),
        asker.cast.prevote(2, 0, id(1)),
        asker.cast.precommit(0, 0, id(1)),
    ];
    let answer = asked.tally.answer(&question(&asker, 0));
    assert_eq!(told_apart(&answer), told_apart(&lacking));
    assert_eq!(answer.len(), 3);
    for vote in answer {
        assert_eq!(asker.admit(vote), Admission::Counted);
    }
    assert_eq!(asked.tally.answer(&question(&asker, 0)), []);
}

#[test]
fn both_values_of_an_equivocator_are_answered_and_the_one_that_the_asker_has_is_not() {
    let (mut asked, mut asker) = (Desk::of(4), Desk::of(4));
    asked.count_all(&[2], 0, Cast::prevote, id(1));
    asked.count_all(&[2], 0, Cast::prevote, id(2));
    let both = told_apart(&asked.tally.answer(&question(&asker, 0)));
    assert_eq!(both.len(), 2);
    asker.count_all(&[2], 0, Cast::prevote, id(1));
    let answer = asked.tally.answer(&question(&asker, 0));
    let other = [asker.cast.prevote(2, 0, id(2))];
    assert_eq!(told_apart(&answer), told_apart(&other));
}

/// It stands in round 0 and keeps nothing of round 7 (E7), so it comes there in two steps: the
/// first answer makes it skip, the second one tells what has been said there.
#[test]
fn whoever_joins_during_round_7_comes_there_by_answers_alone() {
    let (mut asked, mut asker) = (Desk::of(4), Desk::of(4));
    asked.enter_round(6);
    asked.count_all(&[0, 1, 2], 6, Cast::precommit, None);
    asked.enter_round(7);
    asked.count_all(&[0, 1, 2], 7, Cast::prevote, id(1));
    let first = asked.tally.answer(&question(&asker, 0));
    let skipped: Vec<Fact> = first
        .into_iter()
        .flat_map(|vote| facts(asker.tell(Input::Vote(vote))))
        .collect();
    assert!(skipped.contains(&Fact::Reached(Round(7))), "{skipped:?}");
    asker.enter_round(7);
    let second = asked.tally.answer(&question(&asker, 7));
    let told: Vec<Fact> = second
        .into_iter()
        .flat_map(|vote| facts(asker.tell(Input::Vote(vote))))
        .collect();
    let is_polka = |fact: &Fact| matches!(fact, Fact::Polka(p) if p.round == Round(7));
    assert!(told.iter().any(is_polka), "{told:?}");
}

#[test]
fn the_precommits_that_decide_are_answered_whatever_the_rounds() {
    let mut asked = Desk::of(4);
    asked.count_all(&[0, 1, 2], 1, Cast::precommit, id(1));
    asked.enter_round(20);
    let pull = Pull::new(H, Round(9));
    assert_eq!(asked.tally.answer(&pull).len(), 3);
}

#[test]
fn an_answer_is_bounded_and_the_answerers_own_round_goes_first() {
    let mut asked = Desk::of(128);
    let all: Vec<_> = (0..128).collect();
    for r in 0..4 {
        asked.enter_round(r);
        asked.count_all(&all[..80], r, Cast::prevote, id(1));
        asked.count_all(&all[..80], r, Cast::precommit, None);
        asked.count_all(&all[..80], r, Cast::prevote, None);
    }
    let answer = asked.tally.answer(&Pull::new(H, Round(1)));
    assert_eq!(answer.len(), PULL_VOTES_MAX);
    assert_eq!(answer[0].vote.round, Round(3));
}

#[test]
fn nothing_is_answered_about_another_height() {
    let mut asked = Desk::of(4);
    asked.count_all(&[0, 1, 2], 0, Cast::prevote, id(1));
    for height in [H.previous(), NEXT] {
        assert_eq!(asked.tally.answer(&Pull::new(height, Round(0))), []);
    }
}

#[test]
fn a_question_is_bounded_however_many_values_are_voted_for() {
    let mut asker = Desk::of(40);
    for i in 0..40 {
        asker.count_all(&[i], 0, Cast::prevote, id(i as u64));
        asker.count_all(&[i], 0, Cast::prevote, id(1_000 + i as u64));
    }
    let pull = question(&asker, 0);
    let bytes = crate::codec::encode(&pull).len();
    assert!(bytes <= crate::limits::PULL_BYTES_MAX / 2, "{bytes}");
}
