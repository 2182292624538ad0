//! A node that has just started signs nothing before it has arrived.
use super::*;
use SignStep::Prevote;

fn started(me: ValidatorIndex, recovery: Recovery) -> Node {
    let mut node = Node::recovered(me, Pacing::Interval(0), recovery);
    node.driver = node.driver.until_arrival();
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
    assert_eq!(node.step(Input::Arrived(H.previous())), []);
    let mut out = node.committed(H);
    out.extend(node.propose(0, &block(NEXT, 2)));
    assert_eq!(persist(&out).signed.position(), (NEXT, Round(0), Prevote));
}

#[test]
fn with_its_arrival_the_height_begins_again_with_a_voice() {
    let mut node = started(PROPOSER, Recovery::default());
    assert_eq!(builds(&node.step(Input::Tick(H))), None);
    let out = node.step(Input::Arrived(H.previous()));
    assert_eq!(builds(&out), Some((H, Round(0))));

    let mut node = started(0, Recovery::default());
    let v = block(H, 1);
    assert_eq!(node.propose(0, &v), []);
    node.step(Input::Arrived(H.previous()));
    // Told again.
    let out = node.propose(0, &v);
    assert_eq!(vote_of(&persist(&out).signed).block_id, Some(v.id()));
    assert_eq!(node.step(Input::Arrived(H.previous())), [], "once");
}

/// A proposer that arrived late in its round had what was left of the onlooker's timeout.
#[test]
fn the_timers_that_ran_without_a_voice_go_before_new_ones_are_set() {
    let mut node = started(PROPOSER, Recovery::default());
    let out = node.step(Input::Arrived(H.previous()));
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
    let out = node.step(Input::Arrived(H.previous()));
    assert_eq!(entered(&out), Some((H, Round(2))));
}

#[test]
fn where_the_others_have_been_it_signs_nothing() {
    let mut node = started(0, Recovery::default());
    assert_eq!(node.step(Input::Arrived(H)), []);
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
    node.driver = node.driver.until_arrival();
    let said = [SignedMessage::Vote(prevote)];
    assert_eq!(sends(&node.step(Input::Start)), said);
    node.propose(0, &v);
    assert!(persists(&node.fact(node.polka(&v, 0))).is_empty());
    assert_eq!(sends(&node.step(Input::Arrived(H.previous()))), said);
    let mut out = node.propose(0, &v);
    out.extend(node.fact(node.polka(&v, 0)));
    let step = SignStep::Precommit;
    assert_eq!(persist(&out).signed.position(), (H, Round(0), step));
}

#[test]
fn its_key_at_work_elsewhere_stops_it_all_the_same() {
    let mut node = started(0, Recovery::default());
    let out = node.step(Input::OwnSeen((NEXT, Round(0), Prevote)));
    assert_eq!(out, [Output::Halt(Halt::SignedElsewhere(NEXT))]);
    assert_eq!(node.step(Input::Arrived(H.previous())), []);
}
