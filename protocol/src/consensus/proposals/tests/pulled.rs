use super::*;
use crate::limits::PULL_PROPOSALS_MAX;
use crate::nouns::pull::Pull;

fn question(asker: &Desk, r: u32) -> Pull {
    let mut pull = Pull::new(H, Round(r));
    asker.proposals.hold(&mut pull);
    pull
}

#[test]
fn an_answer_holds_the_proposal_that_the_asker_lacks_and_none_that_it_has() {
    let (mut asked, mut asker) = (Desk::new(), Desk::new());
    let v = block(H, 1);
    asked.count(0, &v);
    let answer = asked.proposals.answer(&question(&asker, 0));
    assert_eq!(answer.len(), 1);
    assert_eq!(asker.admit((*answer[0]).clone()), (Admission::Counted, 1));
    assert_eq!(asked.proposals.answer(&question(&asker, 0)), []);
}

#[test]
fn both_proposals_of_an_equivocator_are_answered() {
    let (mut asked, mut asker) = (Desk::new(), Desk::new());
    let (v, w) = (block(H, 1), block(H, 2));
    asked.count(0, &v);
    asked.count(0, &w);
    assert_eq!(asked.proposals.answer(&question(&asker, 0)).len(), 2);
    asker.count(0, &v);
    let answer = asked.proposals.answer(&question(&asker, 0));
    let ids: Vec<_> = answer.iter().map(|m| m.block.id()).collect();
    assert_eq!(ids, [w.id()]);
}

#[test]
fn an_answer_is_bounded_and_the_answerers_own_round_goes_first() {
    let mut asked = Desk::new();
    for r in 0..6 {
        asked.enter_round(r);
        asked.count(r, &block(H, u64::from(r)));
    }
    let asker = Desk::new();
    let answer = asked.proposals.answer(&question(&asker, 2));
    let rounds: Vec<_> = answer.iter().map(|m| m.proposal.round.0).collect();
    assert_eq!(rounds, [5, 2]);
    assert_eq!(rounds.len(), PULL_PROPOSALS_MAX);
}

#[test]
fn nothing_is_answered_about_another_height() {
    let mut asked = Desk::new();
    asked.count(0, &block(H, 1));
    for height in [H.previous(), NEXT] {
        assert_eq!(asked.proposals.answer(&Pull::new(height, Round(0))), []);
    }
}

#[test]
fn a_proposal_that_came_too_early_is_told_so_that_it_is_asked_for() {
    let mut desk = Desk::new();
    let message = desk.cast.proposed(0, &block(NEXT.next(), 1), None);
    let sender = message.proposal.proposer;
    let out = desk.receive(message);
    let expected = [
        Output::Refused(sender, NEXT.next()),
        Output::Ahead(sender, NEXT.next()),
        Output::Admission(Admission::TooEarly),
    ];
    assert_eq!(out, expected);
}
