use super::*;

fn outcome(out: &[Output]) -> TickOutcome {
    match out.last() {
        Some(Output::Ticked(outcome)) => *outcome,
        other => panic!("no outcome, but {other:?}"),
    }
}

fn builds(out: &[Output], height: Height) -> bool {
    out.contains(&Output::BuildBlock(height, Round::ZERO))
}

#[test]
fn a_manual_node_waits_for_its_tick_and_builds_in_its_turn() {
    let mut node = Node::new(PROPOSER, Pacing::Manual);
    let retold = Output::Retell(H, Round(0));
    assert_eq!(node.step(Input::Start), [retold]);
    assert_eq!(node.driver.current_step(), None);
    let out = node.step(Input::Tick(H));
    assert!(builds(&out, H));
    assert_eq!(outcome(&out), TickOutcome::Building);
    let again = node.step(Input::Tick(H));
    assert_eq!(again, [Output::Ticked(TickOutcome::AlreadyRunning)]);
}

#[test]
fn a_tick_out_of_turn_names_the_proposer_and_waits_for_it() {
    let mut node = Node::new(0, Pacing::Manual);
    node.step(Input::Start);
    let out = node.step(Input::Tick(H));
    let proposer = node.cast.address(PROPOSER);
    assert_eq!(outcome(&out), TickOutcome::Skipped { proposer });
    assert!(!builds(&out, H));
    assert_eq!(entered(&out), Some((H, Round(0))));
}

#[test]
fn a_manual_node_waits_again_after_each_height() {
    let mut node = Node::new(PROPOSER_OF_NEXT, Pacing::Manual);
    node.step(Input::Start);
    node.step(Input::Tick(H));
    assert_eq!(node.committed(H), []);
    assert_eq!(node.driver.current_step(), None);
    assert_eq!(
        outcome(&node.step(Input::Tick(NEXT))),
        TickOutcome::Building
    );
}

#[test]
fn the_proposal_or_a_quorum_of_others_starts_a_manual_node() {
    let mut node = Node::new(0, Pacing::Manual);
    node.step(Input::Start);
    let out = node.propose(0, &block(H, 1));
    assert_eq!(entered(&out), Some((H, Round(0))));
    assert_eq!(persists(&out).len(), 1);
    let mut node = Node::new(0, Pacing::Manual);
    node.step(Input::Start);
    let out = node.fact(Fact::Reached(Round(2)));
    assert_eq!(node.driver.round(), Round(2));
    assert_eq!(entered(&out), Some((H, Round(0))));
}

#[test]
fn an_interval_of_zero_begins_each_height_at_once() {
    let mut node = Node::new(PROPOSER, Pacing::Interval(0));
    assert!(builds(&node.step(Input::Start), H));
    let out = node.committed(H);
    assert_eq!(entered(&out), Some((NEXT, Round(0))));
}

/// After a restart with one of four dead the chain stood still for one interval more than it had to.
#[test]
fn the_first_height_after_a_start_waits_for_no_interval() {
    let mut node = Node::new(0, Pacing::Interval(1_000));
    node.now = Instant(20);
    assert_eq!(entered(&node.step(Input::Start)), Some((H, Round(0))));
}

#[test]
fn an_interval_counts_from_the_beginning_of_the_height_before() {
    let mut node = Node::new(PROPOSER_OF_NEXT, Pacing::Interval(1_000));
    node.now = Instant(5_000);
    assert!(entered(&node.step(Input::Start)).is_some());
    node.now = Instant(5_300);
    assert_eq!(node.committed(H), [Output::WakeAt(NEXT, 700)]);
    assert_eq!(node.driver.current_step(), None);
    assert_eq!(node.step(Input::Wake(H)), []);
    node.now = Instant(6_000);
    assert!(builds(&node.step(Input::Wake(NEXT)), NEXT));
    // Once it runs, a wake says nothing.
    assert_eq!(node.step(Input::Wake(NEXT)), []);
}

#[test]
fn a_height_that_took_longer_than_the_interval_is_followed_at_once() {
    let mut node = Node::new(0, Pacing::Interval(1_000));
    node.now = Instant(5_000);
    node.step(Input::Start);
    node.now = Instant(6_000);
    assert_eq!(entered(&node.committed(H)), Some((NEXT, Round(0))));
}

#[test]
fn the_first_height_begins_without_waiting() {
    let cast = Cast::of(4);
    let config = config(&cast, 1, Pacing::Interval(1_000));
    let driver = Driver::new(config, &cast.schedule(Height(1)), Recovery::default());
    let mut driver = long_arrived(driver);
    let out = driver.step(Instant(0), Input::Start);
    assert!(builds(&out, Height(1)));
}

/// Waiting at height 6 for its interval to end.
fn between_heights(me: ValidatorIndex, pacing: Pacing) -> Node {
    let mut node = Node::new(me, pacing);
    node.now = Instant(5_000);
    node.step(Input::Start);
    node.step(Input::Tick(H));
    assert_eq!(entered(&node.committed(H)), None);
    node
}

#[test]
fn waiting_transactions_start_only_the_proposer_and_never_a_manual_node() {
    let interval = Pacing::Interval(1_000);
    let mut proposer = between_heights(PROPOSER_OF_NEXT, interval);
    assert!(builds(
        &proposer.step(Input::TransactionsWaiting(NEXT)),
        NEXT
    ));
    assert_eq!(proposer.step(Input::TransactionsWaiting(NEXT)), []);
    let mut other = between_heights(0, interval);
    assert_eq!(other.step(Input::TransactionsWaiting(NEXT)), []);
    let mut manual = between_heights(PROPOSER_OF_NEXT, Pacing::Manual);
    assert_eq!(manual.step(Input::TransactionsWaiting(NEXT)), []);
}

#[test]
fn on_demand_a_height_begins_only_for_transactions_and_whoever_is_its_proposer() {
    for me in [PROPOSER_OF_NEXT, 0] {
        let mut node = between_heights(me, Pacing::OnDemand);
        assert_eq!(node.step(Input::Wake(NEXT)), []);
        assert_eq!(node.step(Input::TransactionsWaiting(H)), [], "H has them");
        let out = node.step(Input::TransactionsWaiting(NEXT));
        assert_eq!(entered(&out), Some((NEXT, Round(0))));
        assert_eq!(node.step(Input::TransactionsWaiting(NEXT)), []);
    }
}

/// The mempool hears of a block before this node has entered the next height, or after it.
#[test]
fn on_demand_transactions_that_are_left_over_begin_the_next_height_when_it_is_entered() {
    let mut node = Node::new(0, Pacing::OnDemand);
    assert_eq!(entered(&node.step(Input::Start)), None);
    node.propose(0, &block(H, 1));
    node.step(Input::TransactionsWaiting(H));
    node.step(Input::TransactionsWaiting(NEXT));
    assert_eq!(entered(&node.committed(H)), Some((NEXT, Round(0))));
    let after = NEXT.next();
    assert_eq!(
        entered(&node.committed(NEXT)),
        None,
        "{after} is wanted by nobody"
    );
}

/// The others' votes for a later round, their proposer being down, may overtake the transaction.
#[test]
fn on_demand_a_block_waits_a_moment_for_the_transaction_that_it_is_for() {
    let held = || {
        let mut node = between_heights(PROPOSER_OF_NEXT, Pacing::OnDemand);
        let out = node.fact(Fact::Reached(Round::ZERO));
        assert_eq!(
            entered(&out),
            Some((NEXT, Round::ZERO)),
            "others have begun"
        );
        assert!(!builds(&out, NEXT), "nothing waits here");
        let third_ms = Timeouts::DEVNET.propose_ms / 3;
        assert!(out.contains(&Output::WakeAt(NEXT, third_ms)), "{out:?}");
        node
    };
    let build = [Output::BuildBlock(NEXT, Round::ZERO)];
    let mut node = held();
    assert_eq!(node.step(Input::TransactionsWaiting(H)), [], "H had them");
    assert_eq!(node.step(Input::TransactionsWaiting(NEXT)), build);
    assert_eq!(node.step(Input::Wake(NEXT)), [], "once");
    let mut node = held();
    assert_eq!(node.step(Input::Wake(NEXT)), build, "none has come");
    let mut node = held();
    let out = node.step(Input::Tick(NEXT));
    assert!(builds(&out, NEXT), "somebody wants it as it is");
    let mut node = held();
    let out = node.step(Input::Tick(H));
    assert!(!builds(&out, NEXT), "a late tick is of another block");
    let out = node.step(Input::Pace(Pacing::Interval(0)));
    assert_eq!(out, build, "no block is waited for any more");
    let mut node = held();
    node.fact(Fact::Reached(Round(1)));
    assert_eq!(node.step(Input::Wake(NEXT)), [], "its round is over");
}

#[test]
fn a_node_that_goes_over_to_demand_knows_what_waits_already() {
    let mut node = between_heights(0, Pacing::Manual);
    node.step(Input::TransactionsWaiting(NEXT));
    let out = node.step(Input::Pace(Pacing::OnDemand));
    assert_eq!(entered(&out), Some((NEXT, Round(0))));
}

#[test]
fn others_that_have_begun_cut_the_interval_short() {
    let mut node = between_heights(0, Pacing::Interval(1_000));
    let out = node.propose(0, &block(NEXT, 1));
    assert_eq!(entered(&out), Some((NEXT, Round(0))));
}

/// A node that was carried along by the others' messages hears its own tick too late.
#[test]
fn a_tick_for_a_height_that_is_over_makes_no_block_more() {
    let mut node = between_heights(PROPOSER_OF_NEXT, Pacing::Manual);
    let late = [Output::Ticked(TickOutcome::AlreadyRunning)];
    assert_eq!(node.step(Input::Tick(H)), late);
    assert!(builds(&node.step(Input::Tick(NEXT)), NEXT));
}

#[test]
fn no_height_after_the_last_begins_whoever_asks() {
    for pacing in [Pacing::Manual, Pacing::Interval(0)] {
        let mut node = Node::with(Recovery::default(), |cast| DriverConfig {
            last_height: Some(H),
            ..config(cast, PROPOSER_OF_NEXT, pacing)
        });
        node.step(Input::Start);
        node.step(Input::Tick(H));
        assert_eq!(node.driver.current_step(), Some(Step::Propose));
        assert_eq!(node.committed(H), []);
        assert_eq!(
            node.step(Input::Tick(NEXT)),
            [Output::Ticked(TickOutcome::Stopped)]
        );
        assert_eq!(node.step(Input::TransactionsWaiting(NEXT)), []);
        assert_eq!(node.step(Input::Wake(NEXT)), []);
        assert_eq!(node.propose(0, &block(NEXT, 1)), []);
        assert_eq!(node.driver.current_step(), None);
    }
}

/// Facts and proposals may overtake the start.
#[test]
fn a_start_that_comes_after_others_have_begun_changes_nothing() {
    for pacing in [Pacing::Manual, Pacing::Interval(0)] {
        let mut node = Node::new(0, pacing);
        let before = node.propose(0, &block(H, 1));
        assert_eq!(persists(&before).len(), 1);
        let retold = Output::Retell(H, Round(0));
        assert_eq!(node.step(Input::Start), [retold]);
        assert_eq!(node.driver.current_step(), Some(Step::Prevote));
    }
}

#[test]
fn a_pace_that_changes_counts_for_the_height_that_has_yet_to_begin() {
    let mut node = between_heights(0, Pacing::Manual);
    let began = node.driver.begun_at.expect("the height before has begun");
    node.now = began.plus_ms(300);
    let pace = |ms| Input::Pace(Pacing::Interval(ms));
    assert_eq!(node.step(pace(1_000)), [Output::WakeAt(NEXT, 700)]);
    assert_eq!(node.step(Input::Pace(Pacing::Manual)), []);
    node.now = began.plus_ms(1_000);
    assert_eq!(node.step(Input::Wake(NEXT)), [], "by hand again");
    assert_eq!(node.step(pace(2_000)), [Output::WakeAt(NEXT, 1_000)]);
    let out = node.step(pace(250));
    assert_eq!(entered(&out), Some((NEXT, Round(0))), "it is over already");
    assert_eq!(node.step(pace(9_000)), [], "a height that runs goes on");
}
