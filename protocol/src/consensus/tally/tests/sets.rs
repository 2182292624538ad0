//! Who counts is a matter of the height.
use super::*;

fn desk(now: &[ValidatorIndex], then: &[ValidatorIndex]) -> Desk {
    let mut desk = Desk::of(5);
    let validators = desk.cast.changing(H, now, then);
    desk.tally = Tally::new(
        desk.cast.context,
        desk.cast.address(0),
        &validators,
        SILENT_MS,
    );
    desk.enter_round(0);
    desk
}

const ALL: &[ValidatorIndex] = &[0, 1, 2, 3, 4];
const FOUR: &[ValidatorIndex] = &[0, 1, 2, 3];

#[test]
fn a_newcomer_is_unknown_until_its_height_and_heard_early_for_it() {
    let mut desk = desk(FOUR, ALL);
    let id = Some(block(NEXT, 1).id());
    let now = desk.cast.prevote(4, 0, None);
    assert_eq!(desk.admit(now), Admission::UnknownValidator);
    let early = desk.cast.vote(4, prevote(NEXT, 0, id, None));
    assert_eq!(desk.admit(early), Admission::Counted);
    let validators = desk.cast.changing(NEXT, ALL, ALL);
    desk.tell(Input::EnterHeight(validators));
    desk.tell(Input::EnterRound(NEXT, Round(0)));
    let polka = |facts: Vec<Fact>| facts.iter().any(|fact| matches!(fact, Fact::Polka(_)));
    for i in [0, 1] {
        let vote = desk.cast.vote(i, prevote(NEXT, 0, id, None));
        assert!(!polka(desk.count(vote)), "three of five are no quorum");
    }
    let vote = desk.cast.vote(2, prevote(NEXT, 0, id, None));
    assert!(
        polka(desk.count(vote)),
        "the newcomer's early vote is one of four"
    );
}

/// A node that lags does not know yet who decides later heights. It counted the honest newcomer among
/// those who send what no honest peer sends, and closed its connections again and again.
#[test]
fn a_stranger_of_a_height_beyond_the_next_is_too_early_and_costs_nothing() {
    let mut desk = desk(FOUR, FOUR);
    for height in [NEXT.next(), Height(H.0 + 1_000)] {
        let vote = desk.cast.vote(4, prevote(height, 0, None, None));
        assert_eq!(
            desk.tell(Input::Vote(vote)),
            [Output::Admission(Admission::TooEarly)]
        );
    }
    assert_eq!((desk.tally.early.len(), desk.tally.furthest.len()), (0, 0));
    let next = desk.cast.vote(4, prevote(NEXT, 0, None, None));
    assert_eq!(desk.admit(next), Admission::UnknownValidator);
}

/// Nobody has heard of a newcomer for as long as there were others, but it had no reason to speak.
#[test]
fn a_newcomer_is_not_suspected_for_its_silence_before_its_time() {
    let mut desk = desk(FOUR, ALL);
    // Of two values, so that none has a quorum and every vote is looked at.
    let value = |i: ValidatorIndex| (i < 2).then(|| block(H, 1).id());
    for i in 0..4 {
        let vote = desk.cast.prevote(i, 0, value(i));
        assert_eq!(desk.admit(vote), Admission::Counted);
    }
    desk.now = Instant(10 * SILENT_MS);
    for i in 0..4 {
        let vote = desk.cast.vote(i, precommit(H, 0, value(i)));
        assert_eq!(desk.admit(vote), Admission::Counted);
    }
    desk.tell(Input::EnterHeight(desk.cast.changing(NEXT, ALL, ALL)));
    let round = (0..5)
        .map(Round)
        .find(|r| desk.cast.set.proposer(NEXT, *r) == desk.cast.address(4));
    let entered = Input::EnterRound(NEXT, round.unwrap());
    assert_eq!(facts(desk.tell(entered.clone())), []);
    // Silent in its own height while a quorum speaks, it is as suspect as anybody.
    desk.now = Instant(11 * SILENT_MS + 1);
    let mut told = Vec::new();
    for i in 0..4 {
        let vote = desk
            .cast
            .vote(i, precommit(NEXT, round.unwrap().0, value(i)));
        told.extend(desk.count(vote));
    }
    assert!(
        told.contains(&Fact::ProposerSilent(round.unwrap())),
        "{told:?}"
    );
}

#[test]
fn whoever_leaves_counts_to_the_end_of_its_last_height_and_no_further() {
    let mut desk = desk(ALL, FOUR);
    let early = desk.cast.vote(4, prevote(NEXT, 0, None, None));
    assert_eq!(desk.admit(early), Admission::UnknownValidator);
    let now = desk.cast.prevote(4, 0, None);
    assert_eq!(desk.admit(now), Admission::Counted);
    desk.tell(Input::EnterHeight(desk.cast.changing(NEXT, FOUR, FOUR)));
    let late = desk.cast.vote(4, prevote(NEXT, 0, None, None));
    assert_eq!(desk.admit(late), Admission::UnknownValidator);
}
