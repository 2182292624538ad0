use super::*;
use crate::consensus::facts::Verdict;
use crate::consensus::testkit::checked;
use crate::limits::CLOCK_DRIFT_MS;

#[test]
fn a_verdict_is_told_once_with_the_round_of_its_proposal() {
    for (valid, verdict) in [(true, Verdict::Valid), (false, Verdict::Invalid)] {
        let mut desk = Desk::new();
        let v = block(H, 1);
        desk.count(1, &v);
        let told = [Output::Checked(H, checked(1, &v, verdict))];
        assert_eq!(desk.tell(Input::Executed(v.id(), valid)), told);
        assert_eq!(desk.tell(Input::Executed(v.id(), !valid)), []);
    }
}

#[test]
fn a_block_too_far_ahead_of_the_clock_is_untimely_and_at_the_limit_it_is_not() {
    for (ahead, verdict) in [(0, Verdict::Valid), (1, Verdict::Untimely)] {
        let mut desk = Desk::new();
        let v = block(H, desk.now.0 + CLOCK_DRIFT_MS + ahead);
        desk.count(0, &v);
        let told = [Output::Checked(H, checked(0, &v, verdict))];
        assert_eq!(desk.tell(Input::Executed(v.id(), true)), told);
    }
}

#[test]
fn an_invalid_block_is_invalid_whatever_its_time() {
    let mut desk = Desk::new();
    let v = block(H, u64::MAX);
    desk.count(0, &v);
    let told = [Output::Checked(H, checked(0, &v, Verdict::Invalid))];
    assert_eq!(desk.tell(Input::Executed(v.id(), false)), told);
}

#[test]
fn one_execution_answers_every_proposal_of_the_block() {
    let mut desk = Desk::new();
    let v = block(H, 1);
    desk.count(0, &v);
    desk.count(1, &v);
    let told = [0, 1].map(|r| Output::Checked(H, checked(r, &v, Verdict::Valid)));
    assert_eq!(desk.tell(Input::Executed(v.id(), true)), told);
}

#[test]
fn a_verdict_on_an_unknown_block_says_nothing() {
    let mut desk = Desk::new();
    desk.count(0, &block(H, 1));
    assert_eq!(desk.tell(Input::Executed(block(H, 2).id(), true)), []);
}

#[test]
fn ask_again_asks_for_what_has_no_verdict() {
    let mut desk = Desk::new();
    let (v, w) = (block(H, 1), block(H, 2));
    desk.count(0, &v);
    desk.count(1, &w);
    desk.tell(Input::Executed(v.id(), true));
    assert_eq!(desk.tell(Input::AskAgain), [Output::Execute(w.clone())]);
    desk.tell(Input::Executed(w.id(), false));
    assert_eq!(desk.tell(Input::AskAgain), []);
}

#[test]
fn retell_tells_polkas_and_verdicts_again() {
    let mut desk = Desk::new();
    desk.enter_round(1);
    let (v, w) = (block(H, 1), block(H, 2));
    let message = desk.cast.proposed(1, &v, Some(0));
    let polka = message.polka.clone().unwrap();
    desk.receive(message);
    desk.count(2, &w);
    desk.tell(Input::Executed(v.id(), true));
    let with_polka = CheckedProposal {
        valid_round: Some(Round(0)),
        ..checked(1, &v, Verdict::Valid)
    };
    let told = [
        Output::Fact(H, Fact::Polka(polka)),
        Output::Checked(H, with_polka),
    ];
    for _ in 0..2 {
        assert_eq!(desk.tell(Input::Retell), told);
    }
}

#[test]
fn resend_relays_the_proposals_of_that_round() {
    let mut desk = Desk::new();
    let message = Arc::new(desk.cast.proposed(1, &block(H, 1), None));
    desk.tell(Input::Received(message.clone()));
    desk.count(0, &block(H, 2));
    assert_eq!(
        desk.tell(Input::Resend(H, Round(1))),
        [Output::Relay(message)]
    );
    assert_eq!(desk.tell(Input::Resend(H, Round(2))), []);
    assert_eq!(desk.tell(Input::Resend(NEXT, Round(1))), []);
}

/// The proposal of this node, in the round that is its turn.
fn own(desk: &Desk) -> Arc<ProposedBlock> {
    let round = (0..4).find(|r| desk.cast.turn(H, *r) == 0).unwrap();
    Arc::new(desk.cast.proposed(round, &block(H, 1), None))
}

#[test]
fn an_own_proposal_is_a_prevote_without_a_check_and_without_execution() {
    let mut desk = Desk::new();
    let message = own(&desk);
    desk.checks.checks();
    let out = desk.tell(Input::Own(message.clone()));
    assert_eq!(out, [Output::Prevote(message.proposal.clone())]);
    assert_eq!(desk.tell(Input::Own(message.clone())), []);
    assert_eq!(desk.checks.checks(), 0);
    assert_eq!(desk.tell(Input::AskAgain), []);
    let round = message.proposal.round;
    let resent = desk.tell(Input::Resend(H, round));
    assert_eq!(resent, [Output::Relay(message.clone())]);
    // A round machine that has forgotten its own proposal hears of it.
    let told = checked(round.0, &message.block, Verdict::Valid);
    assert_eq!(desk.tell(Input::Retell), [Output::Checked(H, told)]);
}

#[test]
fn an_own_proposal_of_another_height_or_by_somebody_else_is_none() {
    let mut desk = Desk::new();
    desk.tell(Input::EnterHeight(desk.cast.schedule(NEXT)));
    let late = own(&desk);
    assert_eq!(desk.tell(Input::Own(late)), []);
    let mut desk = Desk::new();
    let stranger = by(&desk.cast, 1, &own(&desk));
    assert_eq!(desk.tell(Input::Own(Arc::new(stranger))), []);
}

#[test]
fn a_new_height_forgets_proposals_and_accusations() {
    let mut desk = Desk::new();
    let v = block(H, 1);
    desk.count(0, &v);
    let i = desk.cast.other(NEXT, 0);
    let wrong = |desk: &Desk, tag| {
        by(
            &desk.cast,
            i,
            &desk.cast.proposed(0, &block(NEXT, tag), None),
        )
    };
    let message = wrong(&desk, 1);
    assert_eq!(evidence(&desk.receive(message)).len(), 1);
    desk.tell(Input::EnterHeight(desk.cast.schedule(NEXT)));
    assert_eq!(desk.tell(Input::Executed(v.id(), true)), []);
    assert_eq!(desk.tell(Input::Retell), []);
    let message = wrong(&desk, 2);
    assert_eq!(evidence(&desk.receive(message)).len(), 1);
}
