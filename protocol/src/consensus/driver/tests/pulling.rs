use super::*;
use crate::consensus::pull::{Input as PullInput, Output as PullOutput};

const PATIENCE_MS: u64 = 30;

/// Validator 0, which asks.
fn node(pacing: Pacing) -> Node {
    node_with(pacing, Recovery::default())
}

fn node_with(pacing: Pacing, recovery: Recovery) -> Node {
    Node::with(recovery, |cast| DriverConfig {
        pull_patience_ms: Some(PATIENCE_MS),
        ..config(cast, 0, pacing)
    })
}

fn asked(out: &[Output]) -> Vec<(Height, Round)> {
    let asks = out.iter().filter_map(|output| match output {
        Output::Pull(PullOutput::Ask(_, height, round)) => Some((*height, *round)),
        _ => None,
    });
    asks.collect()
}

/// Answers come at once, whoever is asked.
fn answered(node: &mut Node) {
    for i in 1..4 {
        let peer = node.cast.address(i);
        node.step(Input::Pull(PullInput::Answered(peer)));
    }
}

/// Decides and commits height 5 in round 0 by what others say.
fn decide(node: &mut Node) -> Vec<Output> {
    let v = block(H, 1);
    node.propose(0, &v);
    let commit = node.commit(&v, 0);
    assert!(decided(&node.fact(commit)).is_some());
    node.committed(H)
}

#[test]
fn whoever_starts_asks_at_once_and_again_when_a_step_lasts() {
    let mut node = node(Pacing::Interval(0));
    assert_eq!(asked(&node.step(Input::Start)), [(H, Round(0))]);
    answered(&mut node);
    node.now = Instant(PATIENCE_MS);
    let again = node.step(Input::Pull(PullInput::Wake));
    assert_eq!(asked(&again), [(H, Round(0))]);
}

#[test]
fn whoever_has_decided_the_height_before_does_not_ask_before_its_patience_is_over() {
    let mut node = node(Pacing::Interval(0));
    node.step(Input::Start);
    answered(&mut node);
    assert_eq!(asked(&decide(&mut node)), []);
    node.now = Instant(PATIENCE_MS);
    assert_eq!(
        asked(&node.step(Input::Pull(PullInput::Wake))),
        [(NEXT, Round(0))]
    );
}

#[test]
fn whoever_comes_to_a_height_by_catching_up_asks_at_once() {
    let mut node = node(Pacing::Interval(0));
    node.step(Input::Start);
    answered(&mut node);
    node.now = Instant(1_000);
    node.step(Input::Pull(PullInput::Wake));
    answered(&mut node);
    node.now = Instant(2_000);
    assert_eq!(asked(&node.committed(H)), [(NEXT, Round(0))]);
}

#[test]
fn a_restart_in_the_middle_of_a_height_asks_at_once_from_its_round() {
    let signed = {
        let mut node = Node::running(0);
        for r in 0..3 {
            node.step(Input::Timeout(H, Round(r), TimeoutKind::Precommit));
        }
        let out = node.step(Input::Timeout(H, Round(3), TimeoutKind::Propose));
        persist(&out).signed.clone()
    };
    let SignedMessage::Vote(vote) = signed else {
        panic!("a nil prevote")
    };
    let recovery = Recovery {
        prevote: Some(vote),
        ..Recovery::default()
    };
    let mut node = node_with(Pacing::Interval(0), recovery);
    assert_eq!(asked(&node.step(Input::Start)), [(H, Round(3))]);
}

#[test]
fn an_idle_chain_asks_nobody() {
    let mut node = node(Pacing::Manual);
    let retold = Output::Retell(H, Round(0));
    assert_eq!(node.step(Input::Start), [retold]);
    node.now = Instant(3_600_000);
    assert_eq!(node.step(Input::Pull(PullInput::Wake)), []);
}

#[test]
fn nobody_is_asked_while_a_decision_waits_for_its_commit() {
    let mut node = node(Pacing::Interval(0));
    node.step(Input::Start);
    answered(&mut node);
    let v = block(H, 1);
    node.propose(0, &v);
    let commit = node.commit(&v, 0);
    node.fact(commit);
    node.now = Instant(3_600_000);
    assert_eq!(node.step(Input::Pull(PullInput::Wake)), []);
}
