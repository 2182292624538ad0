use super::*;

/// The silent one is the proposer of round 1; returns it and the three others.
fn cast_of_round_1(desk: &Desk) -> (ValidatorIndex, Vec<ValidatorIndex>) {
    let silent = desk.cast.turn(H, 1);
    (silent, (0..4).filter(|i| *i != silent).collect())
}

/// Everybody prevotes in round 0 at time 0, then all but the silent one precommit at `later`.
fn silent_for(later: u64) -> (Desk, ValidatorIndex) {
    let mut desk = Desk::of(4);
    let (silent, others) = cast_of_round_1(&desk);
    desk.count_all(&[silent], 0, Cast::prevote, None);
    desk.count_all(&others[..2], 0, Cast::prevote, None);
    desk.now = Instant(later);
    desk.count_all(&others, 0, Cast::precommit, None);
    (desk, silent)
}

const SILENT: [Fact; 1] = [Fact::ProposerSilent(Round(1))];

#[test]
fn a_proposer_that_was_silent_while_a_quorum_of_others_spoke_is_told_when_its_round_begins() {
    let (mut desk, _) = silent_for(SILENT_MS + 1);
    assert_eq!(desk.enter_round(1), SILENT);
    assert_eq!(desk.enter_round(1), []);
}

#[test]
fn a_proposer_that_was_heard_just_in_time_is_not_suspected() {
    let (mut desk, _) = silent_for(SILENT_MS);
    assert_eq!(desk.enter_round(1), []);
}

#[test]
fn the_suspicion_ends_when_the_proposer_is_heard() {
    let (mut desk, silent) = silent_for(SILENT_MS + 1);
    desk.count_all(&[silent], 0, Cast::precommit, id(1));
    assert_eq!(desk.enter_round(1), []);
}

#[test]
fn even_a_late_or_unneeded_message_is_a_sign_of_life() {
    let (mut desk, silent) = silent_for(SILENT_MS + 1);
    let stale = desk.cast.vote(silent, prevote(H.previous(), 0, None, None));
    assert_eq!(desk.admit(stale), Admission::Stale);
    assert_eq!(desk.enter_round(1), []);
    let (mut desk, silent) = silent_for(SILENT_MS + 1);
    let ahead = desk.cast.vote(silent, prevote(NEXT, 9, None, None));
    assert_eq!(desk.admit(ahead), Admission::TooEarly);
    assert_eq!(desk.enter_round(1), []);
}

/// Stale votes are not verified: were they counted for the others, anybody could make a correct
/// proposer look silent.
#[test]
fn votes_forged_in_the_name_of_the_others_suspect_nobody() {
    let mut desk = Desk::of(4);
    let (silent, others) = cast_of_round_1(&desk);
    desk.count_all(&[silent], 0, Cast::prevote, None);
    desk.count_all(&others[..2], 0, Cast::prevote, None);
    desk.now = Instant(SILENT_MS + 1);
    for other in others {
        let stale = desk.cast.vote(other, prevote(H.previous(), 0, None, None));
        assert_eq!(desk.admit(stale), Admission::Stale);
    }
    assert_eq!(desk.enter_round(1), []);
}

#[test]
fn fewer_than_a_quorum_of_others_suspect_nobody() {
    let mut desk = Desk::of(4);
    let (silent, others) = cast_of_round_1(&desk);
    desk.count_all(&[silent], 0, Cast::prevote, None);
    desk.now = Instant(SILENT_MS + 1);
    desk.count_all(&others[..2], 0, Cast::precommit, None);
    assert_eq!(desk.enter_round(1), []);
    // The third, in the round of the silent one.
    let told = desk.count_all(&others[2..], 1, Cast::prevote, None);
    assert_eq!(told, SILENT);
}

/// Silence is measured between messages: an hour in which nobody speaks accuses nobody.
#[test]
fn an_idle_chain_suspects_nobody() {
    let mut desk = Desk::of(4);
    let (silent, others) = cast_of_round_1(&desk);
    desk.count_all(&[silent], 0, Cast::prevote, None);
    desk.count_all(&others, 0, Cast::precommit, None);
    desk.now = Instant(3_600_000);
    assert_eq!(desk.enter_round(1), []);
    assert_eq!(
        facts(desk.tell(Input::EnterHeight(desk.cast.schedule(NEXT)))),
        []
    );
    for r in 0..4 {
        let entered = desk.tell(Input::EnterRound(NEXT, Round(r)));
        assert_eq!(facts(entered), []);
    }
}

#[test]
fn who_was_never_heard_is_silent_since_anybody_was_heard() {
    let mut desk = Desk::of(4);
    let (_, others) = cast_of_round_1(&desk);
    desk.now = Instant(50_000);
    desk.count_all(&others, 0, Cast::prevote, None);
    assert_eq!(desk.enter_round(1), []);
    desk.now = Instant(50_000 + SILENT_MS + 1);
    let told = desk.count_all(&others, 1, Cast::prevote, id(1));
    assert!(told.contains(&SILENT[0]), "{told:?}");
}

#[test]
fn silence_outlasts_a_height() {
    let (mut desk, _) = silent_for(SILENT_MS + 1);
    desk.enter_next_height();
    // Its turn is round 0 of the next height.
    let entered = desk.tell(Input::EnterRound(NEXT, Round(0)));
    assert_eq!(facts(entered), [Fact::ProposerSilent(Round(0))]);
}

#[test]
fn power_and_not_number_makes_the_others_a_quorum() {
    // Round 1 is the turn of 2, who holds most of the power: the others are never a quorum.
    let mut desk = Desk::with_powers(&[1, 1, 97, 1]);
    assert_eq!(desk.cast.turn(H, 1), 2);
    desk.count_all(&[2], 0, Cast::prevote, None);
    desk.now = Instant(10 * SILENT_MS);
    desk.count_all(&[0, 1, 3], 0, Cast::precommit, None);
    assert_eq!(desk.enter_round(1), []);
}
