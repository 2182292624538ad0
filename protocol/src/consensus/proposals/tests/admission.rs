use super::*;
use crate::limits::USELESS_BURST_MAX;
use crate::nouns::vote::Signature;
use std::collections::BTreeSet;

#[test]
fn a_good_proposal_is_a_prevote_and_is_executed() {
    let mut desk = Desk::new();
    let v = block(H, 1);
    let message = desk.cast.proposed(0, &v, None);
    let expected = [
        Output::Prevote(message.proposal.clone()),
        Output::Execute(v),
        Output::Admission(Admission::Counted),
    ];
    assert_eq!(desk.receive(message.clone()), expected);
    assert_eq!(desk.admit(message), (Admission::Duplicate, 0));
}

#[test]
fn a_proposal_with_a_valid_round_tells_the_polka_that_it_brings() {
    let mut desk = Desk::new();
    desk.enter_round(2);
    let message = desk.cast.proposed(2, &block(H, 1), Some(1));
    let polka = message.polka.clone().unwrap();
    let out = desk.receive(message);
    assert!(out.contains(&Output::Fact(H, Fact::Polka(polka))));
    assert_eq!(admission(&out), Admission::Counted);
}

#[test]
fn block_height_and_id_must_be_those_of_the_proposal() {
    let mut desk = Desk::new();
    let mut other = desk.cast.proposed(0, &block(H, 1), None);
    other.block = block(H, 2);
    assert_eq!(desk.admit(other), (Admission::Malformed, 0));
    let mut higher = desk.cast.proposed(0, &block(NEXT, 1), None);
    higher.proposal.height = H;
    assert_eq!(desk.admit(higher), (Admission::Malformed, 0));
}

#[test]
fn a_valid_round_that_is_not_before_the_round_is_malformed() {
    let mut desk = Desk::new();
    desk.enter_round(2);
    for vr in [2, 3, u32::MAX] {
        let message = desk.cast.proposed(2, &block(H, 1), Some(vr));
        assert_eq!(desk.admit(message), (Admission::Malformed, 0), "{vr}");
    }
}

#[test]
fn a_valid_round_without_its_polka_and_a_polka_without_valid_round_are_malformed() {
    let mut desk = Desk::new();
    desk.enter_round(2);
    let (v, w) = (block(H, 1), block(H, 2));
    let good = desk.cast.proposed(2, &v, Some(1));
    let with = |polka| ProposedBlock {
        polka,
        ..good.clone()
    };
    let all = [0, 1, 2, 3];
    let polka = |block: &SealedBlock, r| Some(Arc::new(desk.cast.polka(block, r, &all)));
    let unasked = ProposedBlock {
        polka: good.polka.clone(),
        ..desk.cast.proposed(2, &v, None)
    };
    let cases = [
        with(None),
        with(polka(&v, 0)),
        with(polka(&w, 1)),
        with(polka(&block(NEXT, 1), 1)),
        unasked,
    ];
    for message in cases {
        assert_eq!(desk.admit(message), (Admission::Malformed, 0));
    }
    assert_eq!(desk.admit(good).0, Admission::Counted);
}

#[test]
fn a_polka_without_a_quorum_or_with_a_forged_vote_is_refused() {
    let mut desk = Desk::new();
    desk.enter_round(2);
    let v = block(H, 1);
    let good = desk.cast.proposed(2, &v, Some(1));
    let mut foreign = desk.cast.polka(&v, 1, &[0, 1, 2]);
    foreign.valid_round = Some(Round(0));
    for polka in [desk.cast.polka(&v, 1, &[0, 1]), foreign] {
        let polka = Some(Arc::new(polka));
        let message = ProposedBlock {
            polka,
            ..good.clone()
        };
        assert_eq!(desk.admit(message).0, Admission::BadSignature);
    }
    assert_eq!(desk.admit(good).0, Admission::Counted);
}

#[test]
fn a_polka_that_is_known_is_not_verified_again() {
    let mut desk = Desk::new();
    desk.enter_round(2);
    let v = block(H, 1);
    let message = desk.cast.proposed(2, &v, Some(1));
    assert_eq!(desk.admit(message), (Admission::Counted, 1 + 4));
    let again = desk.cast.proposed(3, &v, Some(1));
    assert_eq!(desk.admit(again), (Admission::Counted, 1));
}

#[test]
fn an_unknown_validator_never_costs_a_check() {
    let mut desk = Desk::new();
    for height in [H, NEXT] {
        let mut message = desk.cast.proposed(0, &block(height, 1), None);
        message.proposal.proposer = Address([0xee; 20]);
        assert_eq!(desk.admit(message), (Admission::UnknownValidator, 0));
    }
    // It may be a newcomer of a height that this node is not near.
    let mut message = desk.cast.proposed(0, &block(NEXT.next(), 1), None);
    message.proposal.proposer = Address([0xee; 20]);
    let out = desk.receive(message);
    assert_eq!(out, [Output::Admission(Admission::TooEarly)]);
    assert_eq!(desk.checks.checks(), 0);
}

#[test]
fn a_forged_proposal_is_refused_and_keeps_no_place() {
    let mut desk = Desk::new();
    let message = desk.cast.proposed(0, &block(H, 1), None);
    let refused = forged(message.clone());
    assert_eq!(desk.admit(refused), (Admission::BadSignature, 1));
    assert_eq!(desk.admit(message), (Admission::Counted, 1));
}

#[test]
fn a_forged_proposal_out_of_turn_accuses_nobody() {
    let mut desk = Desk::new();
    let message = desk.cast.proposed(0, &block(H, 1), None);
    let forgery = forged(by(&desk.cast, desk.cast.other(H, 0), &message));
    let out = desk.receive(forgery);
    assert_eq!(out, [Output::Admission(Admission::BadSignature)]);
}

#[test]
fn a_wrong_proposer_is_accused_once_and_then_costs_nothing() {
    let mut desk = Desk::new();
    let i = desk.cast.other(H, 0);
    let first = by(&desk.cast, i, &desk.cast.proposed(0, &block(H, 1), None));
    let out = desk.receive(first.clone());
    let expected = Evidence::WrongProposer(first.proposal);
    assert_eq!(evidence(&out), [&expected]);
    assert_eq!(expected.verify(&desk.cast.set, &desk.cast.context), Ok(()));
    assert_eq!(admission(&out), Admission::WrongProposer);
    // Nothing else: it is no prevote and is not executed.
    assert_eq!(out.len(), 2);
    let second = by(&desk.cast, i, &desk.cast.proposed(0, &block(H, 2), None));
    assert_eq!(desk.admit(second), (Admission::WrongProposer, 0));
    // The same validator in its own turn is heard.
    let round = (0..4).find(|r| desk.cast.turn(H, *r) == i).unwrap();
    desk.enter_round(round);
    desk.count(round, &block(H, 1));
}

#[test]
fn an_equivocator_keeps_two_places_and_a_third_is_refused_unlooked_at() {
    let mut desk = Desk::new();
    for tag in [1, 2] {
        let message = desk.cast.proposed(0, &block(H, tag), None);
        let out = desk.receive(message.clone());
        assert_eq!(out[0], Output::Prevote(message.proposal));
        assert_eq!(admission(&out), Admission::Counted);
    }
    let third = desk.cast.proposed(0, &block(H, 3), None);
    assert_eq!(desk.admit(third), (Admission::Equivocation, 0));
    let first = desk.cast.proposed(0, &block(H, 1), None);
    assert_eq!(desk.admit(first), (Admission::Duplicate, 0));
}

#[test]
fn a_decided_height_and_a_round_long_over_are_stale() {
    let mut desk = Desk::new();
    desk.enter_round(ROUNDS_KEPT_MAX + 1);
    let old = desk.cast.proposed(0, &block(H, 1), None);
    assert_eq!(desk.admit(old), (Admission::Stale, 0));
    let kept = desk.cast.proposed(1, &block(H, 1), None);
    assert_eq!(desk.admit(kept).0, Admission::Counted);
    let height = desk.cast.proposed(0, &block(H.previous(), 1), None);
    assert_eq!(desk.admit(height), (Admission::Stale, 0));
}

/// E7: the tally learns that its sender is there; the block comes again later.
#[test]
fn a_proposal_beyond_the_next_round_is_a_prevote_but_not_kept() {
    let mut desk = Desk::new();
    let message = desk.cast.proposed(2, &block(H, 1), None);
    let expected = [
        Output::Prevote(message.proposal.clone()),
        Output::Admission(Admission::TooEarly),
    ];
    assert_eq!(desk.receive(message.clone()), expected);
    desk.enter_round(1);
    assert_eq!(desk.admit(message).0, Admission::Counted);
}

#[test]
fn the_same_far_proposal_costs_its_signature_check_once() {
    let mut desk = Desk::new();
    let far = desk.cast.proposed(9, &block(H, 1), None);
    assert_eq!(desk.admit(far.clone()), (Admission::TooEarly, 1));
    assert_eq!(desk.admit(far.clone()), (Admission::Duplicate, 0));
    desk.enter_round(8);
    assert_eq!(desk.admit(far), (Admission::Counted, 0));
}

/// The block is read and hashed only if its proposal is worth it, and the signature is not checked
/// again when it has come.
#[test]
fn a_proposal_that_was_screened_costs_one_check_in_all() {
    let mut desk = Desk::new();
    let message = desk.cast.proposed(0, &block(H, 1), None);
    let screen = |desk: &mut Desk, message: &ProposedBlock| {
        desk.checks.checks();
        let out = desk.tell(Input::Screen(Box::new(message.proposal.clone())));
        (out, desk.checks.checks())
    };
    assert_eq!(screen(&mut desk, &message), (vec![], 1));
    assert_eq!(screen(&mut desk, &message), (vec![], 0));
    assert_eq!(desk.admit(message.clone()), (Admission::Counted, 0));
    let duplicate = vec![Output::Admission(Admission::Duplicate)];
    assert_eq!(screen(&mut desk, &message), (duplicate, 0));
}

#[test]
fn a_forged_proposal_or_polka_that_comes_again_costs_no_check() {
    let mut desk = Desk::new();
    desk.enter_round(2);
    let forgery = forged(desk.cast.proposed(2, &block(H, 1), None));
    assert_eq!(desk.admit(forgery.clone()), (Admission::BadSignature, 1));
    for _ in 0..1_000 {
        assert_eq!(desk.admit(forgery.clone()), (Admission::BadSignature, 0));
    }
    let few = block(H, 3);
    let polka = Some(Arc::new(desk.cast.polka(&few, 1, &[0, 1])));
    let good = desk.cast.proposed(2, &few, Some(1));
    let message = ProposedBlock { polka, ..good };
    assert_eq!(desk.admit(message.clone()).0, Admission::BadSignature);
    assert_eq!(desk.admit(message), (Admission::BadSignature, 0));
}

/// Out of turn: evidence from the signed part alone, once in a height.
#[test]
fn a_proposal_out_of_turn_is_evidence_before_its_block_is_read() {
    let mut desk = Desk::new();
    let turn = desk.cast.proposed(0, &block(H, 1), None);
    let thief = (0..4).find(|i| desk.cast.address(*i) != turn.proposal.proposer);
    let stolen = by(&desk.cast, thief.unwrap(), &turn);
    let out = desk.tell(Input::Screen(Box::new(stolen.proposal.clone())));
    assert_eq!(evidence(&out).len(), 1);
    assert_eq!(admission(&out), Admission::WrongProposer);
    let again = desk.tell(Input::Screen(Box::new(stolen.proposal.clone())));
    assert_eq!(again, [Output::Admission(Admission::WrongProposer)]);
}

#[test]
fn a_screened_proposal_of_the_next_height_tells_who_is_ahead_each_time() {
    let mut desk = Desk::new();
    let early = desk.cast.proposed(0, &block(NEXT, 1), None);
    desk.count(0, &block(NEXT, 1));
    let out = desk.tell(Input::Screen(Box::new(early.proposal.clone())));
    let ahead = Output::Ahead(early.proposal.proposer, NEXT);
    assert_eq!(out, [ahead, Output::Admission(Admission::Duplicate)]);
}

#[test]
fn an_early_proposal_is_kept_for_the_next_height_and_executed_there() {
    let mut desk = Desk::new();
    let v = block(NEXT, 1);
    let message = desk.cast.proposed(1, &v, None);
    let expected = [
        Output::Prevote(message.proposal.clone()),
        Output::Ahead(message.proposal.proposer, NEXT),
        Output::Admission(Admission::Counted),
    ];
    assert_eq!(desk.receive(message.clone()), expected);
    assert_eq!(desk.admit(message.clone()), (Admission::Duplicate, 0));
    desk.checks.checks();
    let out = desk.tell(Input::EnterHeight(desk.cast.schedule(NEXT)));
    assert_eq!(out, [Output::Execute(v)]);
    assert_eq!(desk.checks.checks(), 0);
    assert_eq!(desk.admit(message), (Admission::Duplicate, 0));
}

#[test]
fn an_early_equivocator_keeps_two_places_too() {
    let mut desk = Desk::new();
    for (tag, expected) in [
        (1, Admission::Counted),
        (2, Admission::Counted),
        (3, Admission::Equivocation),
    ] {
        let message = desk.cast.proposed(0, &block(NEXT, tag), None);
        assert_eq!(desk.admit(message).0, expected);
    }
}

/// That its sender is there may be all that is heard from where the chain waits for this node: the
/// proposal was its prevote, and it has sent no vote. So it is verified, within the sender's budget.
#[test]
fn of_a_proposal_further_ahead_its_sender_is_told_and_nothing_is_kept() {
    let mut desk = Desk::new();
    for height in [NEXT.next(), Height(u64::MAX)] {
        let message = desk.cast.proposed(0, &block(height, 1), None);
        let sender = message.proposal.proposer;
        let out = desk.receive(message.clone());
        let expected = [
            Output::Refused(sender, height),
            Output::Ahead(sender, height),
            Output::Admission(Admission::TooEarly),
        ];
        assert_eq!(out, expected);
        desk.checks.checks();
        assert_eq!(desk.admit(message), (Admission::TooEarly, 0), "known");
    }
    let mut forged = desk.cast.proposed(0, &block(NEXT.next(), 2), None);
    forged.proposal.signature = Signature(vec![7; 8]);
    let out = desk.receive(forged);
    assert!(
        !out.iter().any(|o| matches!(o, Output::Ahead(..))),
        "{out:?}"
    );
    // A later round of the next height, whose sender has told so already.
    let message = desk.cast.proposed(2, &block(NEXT, 1), None);
    assert_eq!(desk.admit(message), (Admission::TooEarly, 0));
}

#[test]
fn a_flood_of_far_proposals_costs_no_more_than_a_budget() {
    let mut desk = Desk::new();
    let far = |height| desk.cast.proposed(0, &block(Height(height), 1), None);
    let flood = (0..4 * USELESS_BURST_MAX)
        .map(|i| far(100 + 4 * i))
        .collect::<Vec<_>>();
    let senders = flood.iter().map(|message| message.proposal.proposer);
    assert_eq!(senders.collect::<BTreeSet<_>>().len(), 1);
    let checks: usize = flood.into_iter().map(|message| desk.admit(message).1).sum();
    assert_eq!(checks as u64, USELESS_BURST_MAX);
}

#[test]
fn a_jump_over_a_height_drops_what_was_kept_for_it() {
    let mut desk = Desk::new();
    desk.count(0, &block(NEXT, 1));
    let out = desk.tell(Input::EnterHeight(desk.cast.schedule(NEXT.next())));
    assert_eq!(out, []);
    assert_eq!(desk.tell(Input::EnterHeight(desk.cast.schedule(NEXT))), []);
    assert_eq!(desk.proposals.height(), NEXT.next());
}

/// The tally may have fallen and be without it, and nobody else tells it of a round so far on.
#[test]
fn a_far_proposal_that_comes_again_counts_once_more_when_the_round_is_announced_again() {
    let mut desk = Desk::new();
    let far = desk.cast.proposed(5, &block(H, 1), None);
    let is_told = |out: &[Output]| {
        out.iter()
            .any(|output| matches!(output, Output::Prevote(_)))
    };
    assert!(is_told(&desk.receive(far.clone())));
    assert!(!is_told(&desk.receive(far.clone())), "a duplicate");
    desk.enter_round(0);
    assert!(is_told(&desk.receive(far.clone())));
    assert!(!is_told(&desk.receive(far)), "a duplicate");
}
