//! A height waits while its parent lies far ahead of this node's clock.
use super::*;
use crate::limits::{CLOCK_DRIFT_MS, CLOCK_LOOK_MS};
#[cfg(feature = "mutants")]
use crate::mutation::{Mutation, must_be_noticed};

/// An hour.
const HOUR_MS: u64 = 3_600_000;
const WALL: Timestamp = Timestamp(1_000 * HOUR_MS);

/// Whose clock shows [`WALL`], after a block of this time.
fn behind(me: ValidatorIndex, pacing: Pacing, parent_time: Timestamp) -> Node {
    let mut node = Node::new(me, pacing);
    node.driver = node.driver.after(parent_time);
    node.driver.see_clock(WALL);
    node
}

fn looks(out: &[Output], height: Height) -> bool {
    out.contains(&Output::WakeAt(height, CLOCK_LOOK_MS))
}

fn an_hour_ahead_nothing_begins_until_the_clock_is_right() {
    let mut node = behind(PROPOSER, Pacing::Interval(0), WALL.plus_ms(HOUR_MS));
    let out = node.step(Input::Start);
    assert_eq!(entered(&out), None);
    assert!(looks(&out, H));
    let wait = node.driver.clock_wait().expect("it waits");
    assert_eq!((wait.height, wait.ahead_ms), (H, HOUR_MS));
    assert!(!wait.under_way);
    assert_eq!(node.step(Input::TransactionsWaiting(Height(u64::MAX))), []);
    node.now = Instant(CLOCK_LOOK_MS);
    assert_eq!(
        node.step(Input::Wake(H)),
        [Output::WakeAt(H, CLOCK_LOOK_MS)]
    );
    node.driver.see_clock(wait.until());
    node.now = Instant(2 * CLOCK_LOOK_MS);
    let out = node.step(Input::Wake(H));
    assert_eq!(entered(&out), Some((H, Round(0))));
    assert!(out.contains(&Output::BuildBlock(H, Round(0))));
    assert!(!looks(&out, H));
    assert_eq!(node.driver.clock_wait(), None);
}

/// Four homes with a genesis one hour ahead made hundreds of rounds a second.
#[test]
fn a_genesis_in_the_future_is_waited_for() {
    an_hour_ahead_nothing_begins_until_the_clock_is_right();
}

#[cfg(feature = "mutants")]
#[test]
fn a_genesis_that_is_not_waited_for_is_noticed() {
    must_be_noticed(
        Mutation::ClockNotAwaited,
        an_hour_ahead_nothing_begins_until_the_clock_is_right,
    );
}

#[test]
fn a_parent_within_the_drift_is_not_waited_for() {
    let near = WALL.plus_ms(CLOCK_DRIFT_MS - 1);
    let mut node = behind(PROPOSER, Pacing::Interval(0), near);
    assert!(entered(&node.step(Input::Start)).is_some());
    let far = WALL.plus_ms(CLOCK_DRIFT_MS);
    let mut node = behind(PROPOSER, Pacing::Interval(0), far);
    assert!(entered(&node.step(Input::Start)).is_none());
}

/// Others' clocks may be right.
#[test]
fn others_that_have_begun_are_followed_whatever_the_clock_says() {
    let mut node = behind(0, Pacing::Interval(0), WALL.plus_ms(HOUR_MS));
    node.step(Input::Start);
    let out = node.propose(0, &block(H, 1));
    assert_eq!(entered(&out), Some((H, Round(0))));
    assert!(node.driver.clock_wait().is_some_and(|wait| wait.under_way));
    let mut node = behind(0, Pacing::Manual, WALL.plus_ms(HOUR_MS));
    node.step(Input::Start);
    let out = node.fact(Fact::Reached(Round(2)));
    assert_eq!(entered(&out), Some((H, Round(0))));
}

#[test]
fn a_tick_that_the_clock_forbids_says_so() {
    let mut node = behind(PROPOSER, Pacing::Manual, WALL.plus_ms(HOUR_MS));
    node.step(Input::Start);
    let out = node.step(Input::Tick(H));
    let ahead_ms = HOUR_MS;
    let waits = Output::Ticked(TickOutcome::WaitingForClock { ahead_ms });
    assert_eq!(out, [waits]);
    node.driver.see_clock(WALL.plus_ms(HOUR_MS));
    node.now = Instant(CLOCK_LOOK_MS);
    // To look at the clock is no tick.
    assert_eq!(node.step(Input::Wake(H)), []);
    let out = node.step(Input::Tick(H));
    assert_eq!(out.last(), Some(&Output::Ticked(TickOutcome::Building)));
}

#[test]
fn the_time_of_each_block_counts_for_the_next_height() {
    let mut node = behind(PROPOSER_OF_NEXT, Pacing::Interval(0), WALL);
    node.step(Input::Start);
    let validators = node.cast.schedule(NEXT);
    let out = node.step(Input::Committed(validators, WALL.plus_ms(45_000)));
    assert_eq!(entered(&out), None);
    assert!(looks(&out, NEXT));
    assert_eq!(node.driver.clock_wait().map(|w| w.ahead_ms), Some(45_000));
}

/// All clocks were set back while a height was under way: its rounds fail, paced. When the clocks
/// are right, the pause, by then seconds long, ends within a moment.
#[test]
fn a_pause_ends_when_the_clock_has_become_right() {
    let mut node = behind(0, Pacing::Interval(0), WALL);
    node.step(Input::Start);
    node.driver.see_clock(Timestamp(WALL.0 - 45_000));
    let looked = [0, 1, 2].map(|round| {
        let out = node.fact(Fact::NilPolka(Round(round)));
        looks(&out, H)
    });
    // A new round cancels the timer of the look before.
    assert_eq!(looked, [true, true, false]);
    assert_eq!(node.driver.round(), Round(2), "it pauses");
    node.now = Instant(CLOCK_LOOK_MS);
    assert!(looks(&node.step(Input::Wake(H)), H));
    assert_eq!(node.driver.round(), Round(2));
    node.driver.see_clock(WALL);
    node.now = Instant(2 * CLOCK_LOOK_MS);
    let out = node.step(Input::Wake(H));
    assert_eq!(entered(&out), Some((H, Round(3))));
    assert_eq!(node.driver.clock_wait(), None);
}

/// What is looked for again and again must not multiply.
#[test]
fn of_many_steps_one_sets_the_timer_of_the_next_look() {
    let mut node = behind(0, Pacing::Interval(0), WALL.plus_ms(HOUR_MS));
    let begun = node.step(Input::Start);
    assert!(looks(&begun, H));
    for _ in 0..3 {
        assert_eq!(node.step(Input::Wake(H)), []);
        assert_eq!(node.step(Input::TransactionsWaiting(Height(u64::MAX))), []);
    }
}
