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

/// A vote of a decided height, or for a value that has its quorum, is no use any more; it shows all
/// the same that its sender is there.
#[test]
fn even_a_late_or_unneeded_message_is_a_sign_of_life() {
    let (mut desk, silent) = silent_for(SILENT_MS + 1);
    let late = desk.cast.vote(silent, precommit(H, 0, None));
    desk.enter_next_height();
    assert_eq!(desk.admit(late), Admission::Stale);
    // Its turn is round 0 of the next height.
    let entered = desk.tell(Input::EnterRound(NEXT, Round(0)));
    assert_eq!(facts(entered), []);
    let (mut desk, silent) = silent_for(SILENT_MS + 1);
    let ahead = desk.cast.vote(silent, prevote(NEXT, 9, None, None));
    assert_eq!(desk.admit(ahead), Admission::TooEarly);
    assert_eq!(desk.enter_round(1), []);
    let (mut desk, silent) = settled_without_the_silent();
    let unneeded = desk.cast.precommit(silent, 0, id(1));
    assert_eq!(desk.admit(unneeded), Admission::Unneeded);
    assert_eq!(desk.enter_round(1), []);
}

/// As [`silent_for`], but the others' precommits are for a value: that of the silent one is of no
/// use any more.
fn settled_without_the_silent() -> (Desk, ValidatorIndex) {
    let mut desk = Desk::of(4);
    let (silent, others) = cast_of_round_1(&desk);
    desk.count_all(&[silent], 0, Cast::prevote, None);
    desk.count_all(&others[..2], 0, Cast::prevote, None);
    desk.now = Instant(SILENT_MS + 1);
    desk.count_all(&others, 0, Cast::precommit, id(1));
    (desk, silent)
}

/// Anybody could keep up a dead proposer's turns, one timeout each, by forging votes of it that
/// nobody needs to verify.
#[test]
fn a_forged_vote_that_is_of_no_use_is_no_sign_of_life() {
    let (mut desk, silent) = silent_for(SILENT_MS + 1);
    let late = forged(desk.cast.vote(silent, precommit(H, 0, None)));
    desk.enter_next_height();
    assert_eq!(desk.admit(late), Admission::BadSignature);
    let entered = desk.tell(Input::EnterRound(NEXT, Round(0)));
    assert_eq!(facts(entered), [Fact::ProposerSilent(Round(0))]);
    let (mut desk, silent) = settled_without_the_silent();
    let unneeded = forged(desk.cast.precommit(silent, 0, id(1)));
    assert_eq!(desk.admit(unneeded), Admission::BadSignature);
    assert_eq!(desk.enter_round(1), SILENT);
}

/// Others send a dead validator's votes again (E6), and an attacker may replay them for ever: only
/// what goes beyond everything heard of it before shows that it lives.
#[test]
fn an_old_vote_told_again_is_no_sign_of_life() {
    let (mut desk, silent) = silent_for(SILENT_MS + 1);
    let first = desk.cast.prevote(silent, 0, None);
    let older = desk.cast.vote(silent, prevote(H.previous(), 3, None, None));
    assert_eq!(desk.admit(first.clone()), Admission::Duplicate);
    assert_eq!(desk.admit(older.clone()), Admission::Stale);
    assert_eq!(desk.enter_round(1), SILENT);
    desk.enter_next_height();
    assert_eq!(desk.admit(first), Admission::Stale);
    assert_eq!(desk.admit(older), Admission::Stale);
    let entered = desk.tell(Input::EnterRound(NEXT, Round(0)));
    assert_eq!(facts(entered), [Fact::ProposerSilent(Round(0))]);
    // A vote that was of no use is not kept; told again and again, it counted each time.
    let (mut desk, silent) = settled_without_the_silent();
    let unneeded = desk.cast.precommit(silent, 0, id(1));
    let others: Vec<_> = (0..4).filter(|index| *index != silent).collect();
    assert_eq!(desk.admit(unneeded.clone()), Admission::Unneeded);
    desk.now = Instant(3 * SILENT_MS);
    desk.count_all(&others, 1, Cast::prevote, None);
    assert_eq!(desk.admit(unneeded), Admission::Unneeded);
    let nobody = Fact::NobodyLeft(VoteKind::Prevote, Round(1));
    assert_eq!(desk.enter_round(1), [nobody, SILENT[0].clone()]);
}

/// What is of no use is not worth a signature check while its sender has been heard of late. Until it
/// is heard, forgeries do not keep its own vote from being looked at.
#[test]
fn useless_votes_cost_a_signature_check_only_if_their_sender_may_be_gone() {
    let (mut desk, silent) = settled_without_the_silent();
    let forgery = forged(desk.cast.precommit(silent, 0, id(1)));
    desk.checks.checks();
    for _ in 0..3 {
        assert_eq!(desk.admit(forgery.clone()), Admission::BadSignature);
        assert_eq!(desk.checks.checks(), 1);
    }
    let its_own = desk.cast.precommit(silent, 0, id(1));
    assert_eq!(desk.admit(its_own), Admission::Unneeded);
    assert_eq!(desk.checks.checks(), 1);
    assert_eq!(desk.admit(forgery), Admission::Unneeded);
    assert_eq!(desk.checks.checks(), 0, "nothing new");
    desk.now = desk.now.plus_ms(SILENT_MS / 2 - 1);
    desk.enter_next_height();
    let late = desk.cast.vote(silent, precommit(H, 7, None));
    assert_eq!(desk.admit(late), Admission::Stale);
    assert_eq!(desk.checks.checks(), 0, "heard just now");
}

/// Were forged votes counted for the others, anybody could make a correct proposer look silent.
#[test]
fn votes_forged_in_the_name_of_the_others_suspect_nobody() {
    let mut desk = Desk::of(4);
    let (silent, others) = cast_of_round_1(&desk);
    desk.count_all(&[silent], 0, Cast::prevote, None);
    desk.count_all(&others[..2], 0, Cast::prevote, None);
    desk.now = Instant(SILENT_MS + 1);
    for other in others {
        let vote = forged(desk.cast.vote(other, precommit(H, 0, None)));
        assert_eq!(desk.admit(vote), Admission::BadSignature);
        let stale = desk.cast.vote(other, prevote(H.previous(), 0, None, None));
        assert_ne!(desk.admit(forged(stale)), Admission::Counted);
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

/// What is told of these prevotes in round 0 beside the values, while one of the four is dead.
fn prevotes_while_one_is_dead(values: [Value; 3]) -> Vec<Fact> {
    let (mut desk, silent) = silent_for(SILENT_MS + 1);
    desk.enter_round(1);
    let others: Vec<_> = (0..4).filter(|i| *i != silent).collect();
    let votes = others.iter().zip(values);
    let votes: Vec<_> = votes
        .map(|(i, value)| desk.cast.prevote(*i, 1, value))
        .collect();
    votes
        .into_iter()
        .flat_map(|vote| desk.count(vote))
        .collect()
}

#[test]
fn e11_where_all_others_are_silent_nobody_is_left_to_wait_for() {
    let nobody = Fact::NobodyLeft(VoteKind::Prevote, Round(1));
    let split = prevotes_while_one_is_dead([id(1), id(1), None]);
    assert!(split.contains(&nobody), "{split:?}");
    // Its proposal may be what is missing.
    let polka = prevotes_while_one_is_dead([id(1); 3]);
    assert!(!polka.contains(&nobody), "{polka:?}");
    // One that is heard may still vote.
    let mut desk = Desk::of(4);
    let told = desk.count_all(&[0, 1], 0, Cast::prevote, id(1));
    assert_eq!(told, []);
    let told = desk.count_all(&[2], 0, Cast::prevote, None);
    assert_eq!(told, [Fact::PrevotesAny(Round(0))]);
    let told = desk.count_all(&[3], 0, Cast::prevote, None);
    assert_eq!(told, [Fact::NobodyLeft(VoteKind::Prevote, Round(0))]);
}

/// A precommit overtook the prevote of the same sender: the polka was on its way, and the round was
/// left.
#[test]
fn e11_a_round_in_which_somebody_has_seen_a_polka_is_waited_for() {
    let (mut desk, silent) = silent_for(SILENT_MS + 1);
    desk.enter_round(1);
    let others: Vec<_> = (0..4).filter(|i| *i != silent).collect();
    desk.count_all(&others[..2], 1, Cast::prevote, id(1));
    let told = desk.count_all(&others[2..], 1, Cast::precommit, id(1));
    assert_eq!(told, [Fact::PrevotesAny(Round(1))]);
}

#[cfg(feature = "mutants")]
#[test]
fn a_polka_that_nobody_waits_for_is_noticed() {
    crate::mutation::must_be_noticed(
        crate::mutation::Mutation::PolkaNotWaitedFor,
        e11_a_round_in_which_somebody_has_seen_a_polka_is_waited_for,
    );
}

#[test]
fn e11_whoever_is_further_on_has_left() {
    let mut desk = Desk::of(4);
    desk.count_all(&[3], 2, Cast::prevote, None);
    let told = desk.count_all(&[0, 1], 0, Cast::prevote, None);
    assert_eq!(told, [Fact::PrevotesAny(Round(0))]);
    let told = desk.count_all(&[2], 0, Cast::prevote, id(1));
    assert_eq!(told, [Fact::NobodyLeft(VoteKind::Prevote, Round(0))]);
}

#[test]
fn e11_a_proposer_that_is_further_on_makes_no_proposal_any_more() {
    for (seen, told) in [(None, SILENT.to_vec()), (id(1), vec![])] {
        let mut desk = Desk::of(4);
        let (proposer, others) = cast_of_round_1(&desk);
        desk.count_all(&others[..1], 1, Cast::prevote, seen);
        desk.count_all(&[proposer], 2, Cast::prevote, None);
        let facts = desk.enter_round(1);
        assert_eq!(
            facts.iter().filter(|f| SILENT.contains(f)).count(),
            told.len()
        );
    }
}
