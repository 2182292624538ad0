use super::*;
use crate::consensus::testkit::Cast;

/// A monotonic clock that began long after the epoch of the wall clocks.
const NOW: Instant = Instant(1_000_000);
const WALL: Timestamp = Timestamp(1_800_000_000_000);
const HOUR_MS: i64 = 3_600_000;

/// An answer that took `trip_ms` and is there now, of a clock so far ahead of this node's.
fn answer(peer: Address, now: Instant, trip_ms: u64, ahead_ms: i64) -> Exchange {
    let passed = now.0 - NOW.0;
    let middle = WALL.0 + passed - trip_ms / 2;
    Exchange {
        peer,
        asked: Instant(now.0 - trip_ms),
        answered: now,
        theirs: Timestamp(middle.checked_add_signed(ahead_ms).unwrap()),
    }
}

/// What validator 0 of four finds if the others' clocks are so far ahead of its own.
fn found(cast: &Cast, ahead_ms: [i64; 3]) -> Report {
    let mut clocks = Clocks::default();
    for (index, ahead) in ahead_ms.into_iter().enumerate() {
        clocks.heard(&answer(cast.address(index + 1), NOW, 20, ahead));
    }
    clocks.report((NOW, WALL), &cast.address(0), &cast.set)
}

#[test]
fn a_difference_is_measured_at_the_middle_of_the_trip() {
    let cast = Cast::of(4);
    let report = found(&cast, [0, 1_500, -7_000]);
    let of = |index| report.peers[&cast.address(index)];
    assert_eq!((of(1), of(2), of(3)), (0, 1_500, -7_000));
    let apart: Vec<_> = report.apart().collect();
    assert_eq!(apart, [(&cast.address(3), -7_000)]);
}

#[test]
fn of_the_last_answers_the_shortest_trip_counts() {
    let cast = Cast::of(4);
    let (me, peer) = (cast.address(0), cast.address(1));
    let mut clocks = Clocks::default();
    clocks.heard(&answer(peer, NOW, 400, 180));
    clocks.heard(&answer(peer, NOW.plus_ms(10), 8, 3));
    clocks.heard(&answer(peer, NOW.plus_ms(20), 300, -120));
    let seen = (NOW.plus_ms(20), WALL.plus_ms(20));
    let report = clocks.report(seen, &me, &cast.set);
    assert_eq!(report.peers[&peer], 3);
}

#[test]
fn a_clock_that_was_set_is_believed_at_its_next_answer() {
    let cast = Cast::of(4);
    let (me, peer) = (cast.address(0), cast.address(1));
    let mut clocks = Clocks::default();
    clocks.heard(&answer(peer, NOW, 2, 0));
    clocks.heard(&answer(peer, NOW.plus_ms(10), 40, -45_000));
    let seen = (NOW.plus_ms(10), WALL.plus_ms(10));
    let report = clocks.report(seen, &me, &cast.set);
    assert_eq!(report.peers[&peer], -45_000);
}

#[test]
fn a_step_of_the_own_clock_shows_without_asking_anybody() {
    let cast = Cast::of(4);
    let peer = cast.address(1);
    let mut clocks = Clocks::default();
    clocks.heard(&answer(peer, NOW, 20, 0));
    let back = Timestamp(WALL.0 - 45_000);
    let report = clocks.report((NOW, back), &cast.address(0), &cast.set);
    assert_eq!(report.peers[&peer], 45_000);
}

#[test]
fn what_was_long_on_its_way_or_is_old_says_nothing() {
    let cast = Cast::of(4);
    let (me, peer) = (cast.address(0), cast.address(1));
    let mut clocks = Clocks::default();
    clocks.heard(&answer(peer, NOW, CLOCK_TRIP_MAX_MS + 1, HOUR_MS));
    assert_eq!(
        clocks.report((NOW, WALL), &me, &cast.set),
        Report::default()
    );
    // An answer before its question.
    let backwards = Exchange {
        asked: NOW.plus_ms(1),
        ..answer(peer, NOW, 0, HOUR_MS)
    };
    clocks.heard(&backwards);
    assert_eq!(
        clocks.report((NOW, WALL), &me, &cast.set),
        Report::default()
    );
    clocks.heard(&answer(peer, NOW, 20, HOUR_MS));
    let late = CLOCK_SAMPLE_AGE_MAX_MS + 1;
    let seen = (NOW.plus_ms(late), WALL.plus_ms(late));
    assert_eq!(clocks.report(seen, &me, &cast.set), Report::default());
}

#[test]
fn one_wrong_clock_of_four_is_called_wrong_by_itself_alone() {
    let cast = Cast::of(4);
    let others = found(&cast, [0, HOUR_MS, 0]);
    assert_eq!(others.median_ms, 0);
    assert!(!others.own_is_off());
    assert_eq!(others.apart().count(), 1);
    for off in [HOUR_MS, -HOUR_MS] {
        let own = found(&cast, [off, off, off]);
        assert_eq!(own.median_ms, off);
        assert!(own.own_is_off());
    }
}

#[test]
fn two_of_four_call_nobody_wrong() {
    let cast = Cast::of(4);
    assert_eq!(found(&cast, [0, HOUR_MS, HOUR_MS]).median_ms, 0);
    assert_eq!(found(&cast, [0, HOUR_MS, -HOUR_MS]).median_ms, 0);
    let two_beside = found(&cast, [-1, HOUR_MS, -HOUR_MS]);
    assert_eq!(two_beside.median_ms, 0);
}

#[test]
fn power_weighs_and_strangers_do_not() {
    let cast = Cast::with_powers(&[1, 1, 1, 9]);
    let addresses: Vec<Address> = cast.set.iter().map(|v| v.address).collect();
    let heavy = cast.set.iter().max_by_key(|v| v.power).unwrap().address;
    let light: Vec<_> = addresses.iter().filter(|a| **a != heavy).collect();
    let mut clocks = Clocks::default();
    clocks.heard(&answer(heavy, NOW, 20, HOUR_MS));
    clocks.heard(&answer(*light[1], NOW, 20, 0));
    for stranger in 0..50 {
        clocks.heard(&answer(Address([stranger; 20]), NOW, 20, 0));
    }
    let report = clocks.report((NOW, WALL), light[0], &cast.set);
    assert_eq!(report.median_ms, HOUR_MS);
}

#[test]
fn only_a_clock_that_is_behind_the_others_is_taken_to_be_later_than_it_says() {
    let cast = Cast::of(4);
    let behind = found(&cast, [HOUR_MS; 3]);
    assert_eq!(behind.furthest(WALL), Timestamp(WALL.0 + 3_600_000));
    assert_eq!(found(&cast, [-HOUR_MS; 3]).furthest(WALL), WALL);
    assert_eq!(found(&cast, [500; 3]).furthest(WALL), WALL);
}

#[test]
fn nothing_grows_and_no_number_breaks_it() {
    let cast = Cast::of(4);
    let me = cast.address(0);
    let mut clocks = Clocks::default();
    for index in 0..2_000_u16 {
        let mut peer = [0; 20];
        peer[..2].copy_from_slice(&index.to_be_bytes());
        let theirs = Timestamp(if index % 2 == 0 { u64::MAX } else { 0 });
        let exchange = Exchange {
            theirs,
            ..answer(Address(peer), NOW, 20, 0)
        };
        (0..10).for_each(|_| clocks.heard(&exchange));
    }
    assert_eq!(clocks.peers.len(), CATCH_UP_PEERS_MAX);
    let most = clocks.peers.values().map(VecDeque::len).max();
    assert_eq!(most, Some(CLOCK_SAMPLES_KEPT_MAX));
    for wall in [Timestamp(0), WALL, Timestamp(u64::MAX)] {
        let report = clocks.report((NOW, wall), &me, &cast.set);
        assert_eq!(report.median_ms, 0, "no validator among them");
        let _ = report.furthest(wall);
    }
}
