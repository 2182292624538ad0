//! A node that has just started signs nothing before it has arrived.
use super::*;
use SignStep::Prevote;

fn started(me: ValidatorIndex, recovery: Recovery) -> Node {
    let mut node = Node::recovered(me, Pacing::Interval(0), recovery);
    node.driver.arrival = None;
    assert!(entered(&node.step(Input::Start)).is_some());
    node
}

fn builds(out: &[Output]) -> Option<(Height, Round)> {
    out.iter().find_map(|output| match output {
        Output::BuildBlock(height, round) => Some((*height, *round)),
        _ => None,
    })
}

#[test]
fn it_follows_and_decides_without_a_voice() {
    let mut node = started(0, Recovery::default());
    let v = block(H, 1);
    let mut out = node.propose(0, &v);
    out.extend(node.fact(node.polka(&v, 0)));
    assert_eq!((persists(&out).len(), sends(&out)), (0, vec![]));
    assert_eq!(decided(&node.fact(node.commit(&v, 0))), Some(v.id()));
    // Decided, it has nothing more to say at this height.
    assert_eq!(node.step(Input::Arrived(at(H.previous()))), []);
    let mut out = node.committed(H);
    out.extend(node.propose(0, &block(NEXT, 2)));
    assert_eq!(persist(&out).signed.position(), (NEXT, Round(0), Prevote));
}

#[test]
fn with_its_arrival_the_height_begins_again_with_a_voice() {
    let mut node = started(PROPOSER, Recovery::default());
    assert_eq!(builds(&node.step(Input::Tick(H))), None);
    let out = node.step(Input::Arrived(at(H.previous())));
    assert_eq!(builds(&out), Some((H, Round(0))));

    let mut node = started(0, Recovery::default());
    let v = block(H, 1);
    assert_eq!(node.propose(0, &v), []);
    node.step(Input::Arrived(at(H.previous())));
    // Told again.
    let out = node.propose(0, &v);
    assert_eq!(vote_of(&persist(&out).signed).block_id, Some(v.id()));
    assert_eq!(node.step(Input::Arrived(at(H.previous()))), [], "once");
}

/// A proposer that arrived late in its round had what was left of the onlooker's timeout.
#[test]
fn the_timers_that_ran_without_a_voice_go_before_new_ones_are_set() {
    let mut node = started(PROPOSER, Recovery::default());
    let out = node.step(Input::Arrived(at(H.previous())));
    let is_set = |output: &_| matches!(output, Output::Schedule(..));
    let cancelled = out.iter().position(|o| *o == Output::CancelTimers);
    let set = out.iter().position(is_set);
    assert!(cancelled.is_some() && cancelled < set, "{out:?}");
}

#[test]
fn it_begins_in_the_round_that_it_has_followed_to() {
    let mut node = started(0, Recovery::default());
    node.fact(Fact::Reached(Round(2)));
    assert_eq!(node.driver.round(), Round(2));
    let out = node.step(Input::Arrived(at(H.previous())));
    assert_eq!(entered(&out), Some((H, Round(2))));
}

/// After a clean restart with one of four dead the first signature came after the whole propose
/// timeout: the others stood still in an earlier round, and waited for this node's word.
#[test]
fn in_a_round_that_nobody_else_has_reached_it_waits_for_no_proposal() {
    let arrival = |first_round: u32| Arrival {
        first_round: Round(first_round),
        ..at(H.previous())
    };
    let mut node = started(0, Recovery::default());
    let out = node.step(Input::Arrived(arrival(2)));
    let prevote = vote_of(&persist(&out).signed).clone();
    assert_eq!((prevote.round, prevote.block_id), (Round(2), None));

    // In its own turn it proposes.
    let turn =
        (2..6).find(|round| node.driver.set.proposer(H, Round(*round)) == node.driver.config.me);
    let turn = turn.expect("four take turns");
    let mut node = started(0, Recovery::default());
    let out = node.step(Input::Arrived(arrival(turn)));
    assert_eq!(builds(&out), Some((H, Round(turn))));
    assert_eq!(persists(&out).len(), 0);

    // Where others have been seen, the proposal is waited for.
    let mut node = started(0, Recovery::default());
    node.fact(Fact::Reached(Round(2)));
    let out = node.step(Input::Arrived(arrival(2)));
    assert_eq!(persists(&out).len(), 0);
}

/// A proposal of the round in which it begins woke it, and it prevoted nil before it read it.
#[test]
fn whoever_is_woken_by_others_in_its_first_round_hears_them_first() {
    let mut node = Node::new(0, Pacing::Manual);
    node.driver.arrival = None;
    node.step(Input::Start);
    assert_eq!(node.step(Input::Arrived(from(H.previous(), 2))), []);
    let v = block(H, 1);
    let out = node.propose(2, &v);
    assert_eq!(entered(&out), Some((H, Round(2))));
    assert_eq!(vote_of(&persist(&out).signed).block_id, Some(v.id()));
}

#[test]
fn where_the_others_have_been_it_signs_nothing() {
    let mut node = started(0, Recovery::default());
    assert_eq!(node.step(Input::Arrived(at(H))), []);
    let mut out = node.propose(0, &block(H, 1));
    out.extend(node.step(Input::Timeout(H, Round(0), TimeoutKind::Prevote)));
    assert_eq!(persists(&out).len(), 0);
    let mut out = node.committed(H);
    out.extend(node.propose(0, &block(NEXT, 2)));
    assert_eq!(persists(&out).len(), 1);
}

#[test]
fn what_its_record_holds_is_said_again_before_it_has_arrived_and_then_it_goes_on_from_there() {
    let mut before = Node::running(0);
    let v = block(H, 1);
    let SignedMessage::Vote(prevote) = persist(&before.propose(0, &v)).signed.clone() else {
        panic!("a prevote")
    };
    let recovery = Recovery {
        prevote: Some(prevote.clone()),
        ..Recovery::default()
    };
    let mut node = Node::recovered(0, Pacing::Interval(0), recovery);
    node.driver.arrival = None;
    let said = [SignedMessage::Vote(prevote)];
    assert_eq!(sends(&node.step(Input::Start)), said);
    node.propose(0, &v);
    assert!(persists(&node.fact(node.polka(&v, 0))).is_empty());
    assert_eq!(sends(&node.step(Input::Arrived(at(H.previous())))), said);
    let mut out = node.propose(0, &v);
    out.extend(node.fact(node.polka(&v, 0)));
    let step = SignStep::Precommit;
    assert_eq!(persist(&out).signed.position(), (H, Round(0), step));
}

#[test]
fn its_key_at_work_elsewhere_stops_it_all_the_same() {
    let halt = Output::Halt(Halt::SignedElsewhere(NEXT));
    let mut node = started(0, Recovery::default());
    let position = (NEXT, Round(0), Prevote);
    assert_eq!(node.step(Input::OwnSeen(position)), [], "it may be old");
    let out = node.step(Input::Arrived(at(H.previous())));
    assert!(
        out.contains(&halt),
        "nobody has seen it sign there: {out:?}"
    );
    assert!(node.driver.is_halted());
    // Likewise afterwards.
    let mut node = started(0, Recovery::default());
    node.step(Input::Arrived(at(H.previous())));
    assert_eq!(node.step(Input::OwnSeen(position)), [halt]);
}

/// A home was put back while the chain stood still, and its old vote came back from the others: it
/// stopped for good, and the chain with it.
#[test]
fn what_others_have_seen_of_it_before_it_arrived_does_not_stop_it() {
    let seen_in = |round: u32| Arrival {
        first_round: Round(round + 2),
        seen: Some((H, Round(round))),
        ..at(H.previous())
    };
    for step in [SignStep::Propose, Prevote, SignStep::Precommit] {
        for comes_early in [true, false] {
            let mut node = started(0, Recovery::default());
            let old = Input::OwnSeen((H, Round(1), step));
            let mut out = Vec::new();
            if comes_early {
                out.extend(node.step(old.clone()));
            }
            out.extend(node.step(Input::Arrived(seen_in(1))));
            out.extend(node.step(old));
            assert!(!out.iter().any(|o| matches!(o, Output::Halt(_))), "{out:?}");
            assert_eq!(node.driver.round(), Round(3));
            let out = node.step(Input::OwnSeen((H, Round(2), Prevote)));
            assert_eq!(out, [Output::Halt(Halt::SignedElsewhere(H))]);
        }
    }
}

fn prevoted(round: u32) -> Recovery {
    let cast = Cast::of(4);
    Recovery {
        prevote: Some(cast.prevote(0, round, None)),
        ..Recovery::default()
    }
}

/// It looked on from round 0 of its record to round 40, in which the others stood. Then it was put
/// back, and nobody said again how far they were: three of four connected nodes stood still for ever.
#[test]
fn whoever_resumes_goes_on_in_the_furthest_round_that_it_has_followed_to() {
    let mut node = started(0, prevoted(0));
    node.fact(Fact::Reached(Round(40)));
    assert_eq!(node.driver.round(), Round(40));
    let out = node.step(Input::Arrived(at(H.previous())));
    assert_eq!(node.driver.round(), Round(40));
    let retold = Output::Retell(H, Round(40));
    assert_eq!(out.last(), Some(&retold), "{out:?}");
    let out = node.step(Input::Timeout(H, Round(40), TimeoutKind::Propose));
    assert_eq!(persist(&out).signed.position(), (H, Round(40), Prevote));
}

#[test]
fn after_a_start_all_that_others_know_is_asked_for_again() {
    let mut node = Node::recovered(0, Pacing::Interval(0), prevoted(3));
    let out = node.step(Input::Start);
    assert_eq!(out.last(), Some(&Output::Retell(H, Round(3))));
}

/// Its key may have signed in rounds of which its disk knows nothing.
#[test]
fn at_the_height_under_way_it_signs_in_no_round_before_the_first_that_it_may() {
    for (recovery, has_prevoted) in [(Recovery::default(), false), (prevoted(1), true)] {
        let mut node = started(0, recovery);
        let out = node.step(Input::Arrived(from(H.previous(), 6)));
        assert_eq!(node.driver.round(), Round(6));
        let (out, waits) = match persists(&out).len() {
            0 => (
                node.step(Input::Timeout(H, Round(6), TimeoutKind::Propose)),
                true,
            ),
            _ => (out, false),
        };
        assert_eq!(
            waits, has_prevoted,
            "its word of the start before may be out"
        );
        assert_eq!(persist(&out).signed.position(), (H, Round(6), Prevote));
    }
    // Of a later height all rounds are free.
    let mut node = started(0, Recovery::default());
    node.step(Input::Arrived(from(H.previous(), 6)));
    let mut out = node.committed(H);
    out.extend(node.propose(0, &block(NEXT, 2)));
    assert_eq!(persist(&out).signed.position(), (NEXT, Round(0), Prevote));
}

#[test]
fn a_height_that_begins_after_the_arrival_begins_in_the_first_round_that_is_free() {
    let mut node = Node::new(PROPOSER, Pacing::Manual);
    node.driver.arrival = None;
    node.step(Input::Start);
    assert_eq!(node.step(Input::Arrived(from(H.previous(), 2))), []);
    let out = node.step(Input::Tick(H));
    assert_eq!(entered(&out), Some((H, Round(2))));
    assert_eq!(builds(&out), None, "its turn is over");
}

#[cfg(feature = "mutants")]
#[test]
fn a_driver_that_signs_or_stays_in_old_rounds_is_noticed() {
    use crate::mutation::{Mutation, must_be_noticed};
    must_be_noticed(
        Mutation::SignsInOldRounds,
        at_the_height_under_way_it_signs_in_no_round_before_the_first_that_it_may,
    );
    must_be_noticed(
        Mutation::ResumesInOldRound,
        whoever_resumes_goes_on_in_the_furthest_round_that_it_has_followed_to,
    );
}

/// What its key may have signed there, this disk does not hold.
#[test]
fn at_the_height_under_decision_it_signs_nothing_before_its_first_round_nor_in_the_next() {
    let mut node = started(0, Recovery::default());
    let arrival = Arrival {
        first_round: Round(2),
        next_round: Round(1),
        ..at(H.previous())
    };
    let out = node.step(Input::Arrived(arrival));
    assert_eq!(entered(&out), Some((H, Round(2))));
    assert_eq!(persist(&out).signed.position(), (H, Round(2), Prevote));
    node.persisted(2, Prevote);
    let v = block(H, 1);
    let mut out = node.propose(1, &v);
    out.extend(node.fact(node.polka(&v, 1)));
    assert!(persists(&out).is_empty(), "{out:?}");
    assert_eq!(decided(&node.fact(node.commit(&v, 2))), Some(v.id()));
    assert_eq!(entered(&node.committed(H)), Some((NEXT, Round(1))));
}
