//! A node that follows without a voice, and one whose key somebody else has.
use super::*;
use SignStep::{Precommit, Prevote, Propose};

fn observer(me: ValidatorIndex, signing: Signing) -> Node {
    let mut node = Node::new(me, Pacing::Interval(0));
    node.driver = node.driver.with_signing(signing);
    assert!(entered(&node.step(Input::Start)).is_some());
    node
}

/// Everything that would make a validator speak: its turn, a proposal, a polka, every timeout.
fn provoke(node: &mut Node) -> Vec<Output> {
    let v = block(node.driver.height(), 1);
    let mut out = node.propose(0, &v);
    out.extend(node.fact(node.polka(&v, 0)));
    for kind in [
        TimeoutKind::Propose,
        TimeoutKind::Prevote,
        TimeoutKind::Precommit,
    ] {
        let (height, round) = (node.driver.height(), node.driver.round());
        out.extend(node.step(Input::Timeout(height, round, kind)));
    }
    out
}

#[test]
fn an_observer_signs_builds_and_writes_nothing() {
    for me in [0, PROPOSER] {
        let mut node = observer(me, Signing::Never);
        let out = provoke(&mut node);
        assert_eq!((persists(&out).len(), sends(&out)), (0, vec![]));
        let builds = |output: &Output| matches!(output, Output::BuildBlock(..));
        assert!(!out.iter().any(builds), "{out:?}");
        assert!(!node.driver.is_halted());
    }
}

#[test]
fn an_observer_decides_and_goes_on_like_the_others() {
    let mut node = observer(0, Signing::Never);
    let v = block(H, 1);
    node.propose(0, &v);
    assert_eq!(decided(&node.fact(node.commit(&v, 0))), Some(v.id()));
    node.committed(H);
    assert_eq!(node.driver.height(), NEXT);
}

const ALL: &[ValidatorIndex] = &[0, 1, 2, 3];

/// Started with height 5 under decision by some, and the next height by others.
fn changing(me: ValidatorIndex, now: &[ValidatorIndex], then: &[ValidatorIndex]) -> Node {
    let mut node = Node::new(me, Pacing::Interval(0));
    let validators = node.cast.changing(H, now, then);
    let config = config(&node.cast, me, Pacing::Interval(0));
    node.driver = long_arrived(Driver::new(config, &validators, Recovery::default()));
    assert!(entered(&node.step(Input::Start)).is_some());
    node
}

#[test]
fn a_validator_that_has_been_removed_signs_no_more_and_follows() {
    let mut node = changing(0, ALL, &[1, 2, 3]);
    assert!(!persists(&provoke(&mut node)).is_empty());
    let validators = node.cast.changing(NEXT, &[1, 2, 3], &[1, 2, 3]);
    let mut out = node.step(Input::Committed(validators, Timestamp(0)));
    assert_eq!(node.driver.height(), NEXT);
    out.extend(provoke(&mut node));
    assert_eq!((persists(&out).len(), sends(&out)), (0, vec![]));
    let v = block(NEXT, 7);
    node.propose(0, &v);
    assert_eq!(decided(&node.fact(node.commit(&v, 0))), Some(v.id()));
}

#[test]
fn a_node_that_is_added_signs_from_its_height_on() {
    let mut node = changing(0, &[1, 2, 3], ALL);
    assert!(persists(&provoke(&mut node)).is_empty());
    let mut out = node.step(Input::Committed(
        node.cast.changing(NEXT, ALL, ALL),
        Timestamp(0),
    ));
    assert!(node.driver.signs());
    out.extend(provoke(&mut node));
    assert!(persists(&out).iter().all(|p| p.signed.position().0 == NEXT));
    assert!(!persists(&out).is_empty());
}

/// Its first messages come before the height in which this node would have signed them.
#[test]
fn a_node_about_to_be_added_whose_key_already_signs_elsewhere_never_signs() {
    let mut node = changing(0, &[1, 2, 3], ALL);
    let out = node.step(Input::OwnSeen((NEXT, Round(0), Prevote)));
    assert!(matches!(
        out[..],
        [Output::Halt(Halt::SignedElsewhere(NEXT))]
    ));
    let mut out = node.step(Input::Committed(
        node.cast.changing(NEXT, ALL, ALL),
        Timestamp(0),
    ));
    out.extend(provoke(&mut node));
    assert!(persists(&out).is_empty());
}

#[test]
fn a_re_armed_node_signs_from_its_height_on() {
    let mut node = observer(0, Signing::From(NEXT));
    assert!(persists(&provoke(&mut node)).is_empty());
    let mut out = node.committed(H);
    assert!(node.driver.signs());
    out.extend(provoke(&mut node));
    assert!(!persists(&out).is_empty());
    assert!(persists(&out).iter().all(|p| p.signed.position().0 == NEXT));
}

#[test]
fn an_observer_does_not_say_again_what_its_record_holds() {
    let mut before = Node::running(0);
    let v = block(H, 1);
    let written = persist(&before.propose(0, &v)).clone();
    let SignedMessage::Vote(prevote) = written.signed else {
        panic!("a prevote")
    };
    let recovery = Recovery {
        prevote: Some(prevote),
        ..Recovery::default()
    };
    let said = |signing| {
        let mut node = Node::recovered(0, Pacing::Interval(0), recovery.clone());
        node.driver = node.driver.with_signing(signing);
        sends(&node.step(Input::Start)).len()
    };
    assert_eq!(said(Signing::From(Height(0))), 1);
    assert_eq!(said(Signing::Never), 0);
}

#[test]
fn an_own_message_beyond_the_record_stops_the_node_before_it_signs_again() {
    for seen in [
        (H, Round(0), Precommit),
        (H, Round(1), Propose),
        (NEXT, Round(0), Prevote),
    ] {
        let mut node = Node::running(0);
        let v = block(H, 1);
        node.propose(0, &v); // signs the prevote of round 0
        let out = node.step(Input::OwnSeen(seen));
        assert_eq!(out, [Output::Halt(Halt::SignedElsewhere(seen.0))]);
        assert!(node.driver.is_halted());
        let out = node.fact(node.polka(&v, 0));
        assert!(matches!(&out[..], [Output::Polka(_)]), "{out:?}");
        // Written before, but no longer sent.
        assert_eq!(node.persisted(0, Prevote), []);
        assert_eq!(node.step(Input::OwnSeen(seen)), [], "said once");
    }
}

#[test]
fn an_echo_of_what_this_node_has_signed_is_nothing() {
    let mut node = Node::running(0);
    node.propose(0, &block(H, 1));
    for step in [Propose, Prevote] {
        assert_eq!(node.step(Input::OwnSeen((H, Round(0), step))), []);
    }
    // Also after a restart, from a record that holds the newest only.
    let position = (H, Round(3), Prevote);
    let guard = SignGuard::new(Some(position));
    assert!(guard.covers((H, Round(1), Precommit)));
}

#[test]
fn contradicting_own_messages_stop_the_node() {
    let mut node = Node::running(0);
    let out = node.step(Input::OwnEquivocation(H));
    assert_eq!(out, [Output::Halt(Halt::SignedElsewhere(H))]);
}

#[test]
fn an_observer_may_see_its_key_at_work_elsewhere() {
    let mut node = observer(0, Signing::Never);
    assert_eq!(node.step(Input::OwnSeen((NEXT, Round(9), Precommit))), []);
    assert!(!node.driver.is_halted());
}
