use super::*;

/// Every order of `n` things.
fn orders(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![vec![]];
    }
    let shorter = orders(n - 1);
    let insert = |order: &Vec<usize>, place| {
        let mut longer = order.clone();
        longer.insert(place, n - 1);
        longer
    };
    shorter
        .iter()
        .flat_map(|order| (0..n).map(move |place| insert(order, place)))
        .collect()
}

#[test]
fn facts_and_proposals_of_the_next_height_are_not_lost_in_any_order() {
    let v = block(NEXT, 1);
    for order in orders(4) {
        let mut node = Node::running(0);
        let inputs = [
            Input::Committed(node.cast.schedule(NEXT), Timestamp(0)),
            Input::Proposal(NEXT, checked(0, &v, Verdict::Valid)),
            Input::Fact(NEXT, node.polka(&v, 0)),
            Input::Fact(NEXT, node.commit(&v, 0)),
        ];
        let delivered = order.iter().map(|i| inputs[*i].clone());
        let out: Vec<_> = delivered.flat_map(|input| node.step(input)).collect();
        assert_eq!(decided(&out), Some(v.id()), "{order:?}");
    }
}

#[test]
fn what_is_kept_for_the_next_height_is_bounded_and_nothing_is_kept_beyond() {
    let mut node = Node::running(0);
    for r in 0..1_000 {
        assert_eq!(node.step(Input::Fact(NEXT, Fact::NilPolka(Round(r)))), []);
        let beyond = Input::Fact(NEXT.next(), Fact::NilPolka(Round(r)));
        assert_eq!(node.step(beyond), []);
    }
    assert_eq!(node.driver.early.len(), EARLY_INPUTS_MAX);
}

#[test]
fn facts_and_timers_of_a_decided_height_change_nothing() {
    let mut node = Node::running(0);
    node.committed(H);
    let v = block(H, 1);
    let commit = node.commit(&v, 0);
    for input in [
        Input::Proposal(H, checked(0, &v, Verdict::Valid)),
        Input::Fact(H, commit),
        Input::Timeout(H, Round(0), TimeoutKind::Propose),
    ] {
        assert_eq!(node.step(input), []);
    }
    assert_eq!(node.driver.height(), NEXT);
}

#[test]
fn a_height_is_committed_once_and_a_jump_is_followed() {
    let mut node = Node::running(0);
    node.committed(H);
    assert_eq!(node.committed(H), []);
    assert_eq!(node.committed(H.previous()), []);
    let out = node.committed(Height(40));
    assert_eq!(entered(&out), Some((Height(41), Round(0))));
}

#[test]
fn a_decision_waits_for_its_commit_before_the_next_height_begins() {
    let mut node = Node::running(0);
    let v = block(H, 1);
    node.propose(0, &v);
    let commit = node.commit(&v, 0);
    let out = node.fact(commit);
    assert_eq!(decided(&out), Some(v.id()));
    assert_eq!(node.driver.height(), H);
    let late = node.step(Input::Timeout(H, Round(0), TimeoutKind::Precommit));
    assert_eq!(late, []);
    assert_eq!(entered(&node.committed(H)), Some((NEXT, Round(0))));
}

#[test]
fn announce_says_the_round_and_the_newest_message_of_each_kind() {
    let mut node = Node::running(0);
    assert_eq!(
        node.step(Input::Announce),
        [Output::EnterRound(H, Round(0))]
    );
    let v = block(H, 1);
    node.propose(0, &v);
    let polka = node.polka(&v, 0);
    node.fact(polka);
    // Signed, but not durable: not a word of it.
    assert_eq!(
        node.step(Input::Announce),
        [Output::EnterRound(H, Round(0))]
    );
    let mut sent = sends(&node.persisted(0, SignStep::Precommit));
    let out = node.step(Input::Announce);
    assert_eq!(
        (entered(&out), sends(&out)),
        (Some((H, Round(0))), sent.clone())
    );
    // A nil prevote of round 1 takes the place of the prevote of round 0.
    node.fact(Fact::Reached(Round(1)));
    node.step(Input::Timeout(H, Round(1), TimeoutKind::Propose));
    sent.extend(sends(&node.persisted(1, SignStep::Prevote)));
    let out = node.step(Input::Announce);
    assert_eq!(sends(&out), sent[1..]);
    node.committed(H);
    assert_eq!(
        node.step(Input::Announce),
        [Output::EnterRound(NEXT, Round(0))]
    );
}

#[test]
fn a_node_between_heights_announces_nothing() {
    let mut node = Node::new(0, Pacing::Manual);
    node.step(Input::Start);
    assert_eq!(node.step(Input::Announce), []);
}

/// A node that has found an invalid decision.
fn halted() -> Node {
    let mut node = Node::running(0);
    let v = block(H, 1);
    let invalid = checked(0, &v, Verdict::Invalid);
    node.step(Input::Proposal(H, invalid));
    let commit = node.commit(&v, 0);
    let out = node.fact(commit);
    assert_eq!(out, [Output::Halt(Halt::InvalidDecision(H))]);
    node
}

#[test]
fn a_fork_stops_the_voting_for_good() {
    let mut node = Node::running(0);
    let sentence = "height 4 was decided twice".to_owned();
    let halt = Output::Halt(Halt::Forked(sentence.clone()));
    assert_eq!(node.step(Input::Forked(sentence)), [halt]);
    assert!(node.driver.is_halted());
    assert_eq!(node.propose(0, &block(H, 2)), []);
    assert_eq!(node.committed(H), []);
    assert_eq!(node.propose(0, &block(NEXT, 1)), []);
}

#[test]
fn an_invalid_decision_stops_the_voting_for_good() {
    let mut node = halted();
    assert!(node.driver.is_halted());
    for r in 0..3 {
        let timeout = node.step(Input::Timeout(H, Round(r), TimeoutKind::Precommit));
        assert_eq!(timeout, []);
        assert_eq!(node.propose(r, &block(H, 2)), []);
    }
    assert_eq!(node.committed(H), []);
    assert_eq!(node.propose(0, &block(NEXT, 1)), []);
    assert_eq!(node.fact(Fact::Reached(Round(3))), []);
    assert_eq!(
        node.step(Input::Tick(H)),
        [Output::Ticked(TickOutcome::Stopped)]
    );
}

#[test]
fn a_tick_of_a_node_that_has_just_stopped_says_so() {
    assert_eq!(
        halted().step(Input::Tick(H)),
        [Output::Ticked(TickOutcome::Stopped)]
    );
}
