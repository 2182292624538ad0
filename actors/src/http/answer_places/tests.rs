//! Who has a place among the long answers, and who gives way.
use super::table::Table;
use super::*;
use crate::http::places::Merit::{self, Neighbour, Stranger};
use crate::limits::{ANSWER_PIECE_PATIENCE, ANSWER_TURN};

const MOMENT: Duration = Duration::from_millis(1);

fn asker(last: u8, merit: Merit) -> Asker {
    Asker {
        from: IpAddr::from([10, 0, 0, last]),
        merit,
        pushed_out: Arc::default(),
    }
}

fn was_pushed_out(asker: &Asker) -> bool {
    use futures_util::FutureExt;
    asker.pushed_out.notified().now_or_never().is_some()
}

/// Two places, taken by these, whose answers are on their way since `now`.
fn taken_by(askers: [&Asker; 2], now: Instant) -> Table {
    let mut table = Table::new(2, ANSWER_PIECE_PATIENCE);
    for asker in askers {
        let ticket = table.enter(asker, None, now).expect("a place");
        table.moved(ticket, now);
    }
    table
}

#[test]
fn whoever_takes_pieces_keeps_its_place_for_a_turn() {
    let now = Instant::now();
    let one = asker(1, Stranger);
    let two = asker(2, Stranger);
    let late = asker(3, Stranger);
    let mut table = taken_by([&one, &two], now);
    let mut later = now;
    while later + MOMENT < now + ANSWER_TURN {
        assert_eq!(table.enter(&late, None, later), None);
        later += ANSWER_PIECE_PATIENCE / 2;
        (0..2).for_each(|ticket| table.moved(ticket, later));
    }
    assert!(table.enter(&late, None, now + ANSWER_TURN).is_some());
    assert!(was_pushed_out(&one) && !was_pushed_out(&two));
}

#[test]
fn whoever_takes_no_piece_loses_its_place_to_who_asks_and_not_before() {
    let now = Instant::now();
    let slow = asker(1, Stranger);
    let fine = asker(2, Stranger);
    let late = asker(3, Stranger);
    let mut table = taken_by([&slow, &fine], now);
    table.moved(1, now + ANSWER_PIECE_PATIENCE / 5);
    let then = now + ANSWER_PIECE_PATIENCE * 2 / 5;
    assert_eq!(table.enter(&late, None, then - MOMENT), None);
    assert!(!was_pushed_out(&slow));
    assert!(table.enter(&late, None, then).is_some());
    assert!(was_pushed_out(&slow) && !was_pushed_out(&fine));
    // The newcomer's answer is being made.
    assert_eq!(table.enter(&slow, None, then), None);
}

#[test]
fn no_address_keeps_two_places_while_another_has_none() {
    let now = Instant::now();
    let greedy = asker(1, Stranger);
    let other = asker(2, Stranger);
    let third = asker(3, Stranger);
    let mut table = taken_by([&greedy, &greedy], now);
    let ticket = table.enter(&other, None, now).expect("a place");
    table.moved(ticket, now);
    assert!(was_pushed_out(&greedy));
    assert_eq!(table.enter(&greedy, None, now), None, "one is enough");
    assert_eq!(table.enter(&third, None, now), None, "nobody has two");
}

#[test]
fn a_peer_comes_before_a_stranger_and_no_stranger_pushes_a_peer_out() {
    let now = Instant::now();
    let (peer, stranger) = (asker(1, Neighbour), asker(2, Stranger));
    let mut table = taken_by([&stranger, &peer], now);
    let ticket = table.enter(&peer, None, now).expect("the stranger's place");
    table.moved(ticket, now);
    assert!(was_pushed_out(&stranger));
    let ever = now + Duration::from_secs(3_600);
    assert_eq!(table.enter(&stranger, None, ever), None);
    assert!(table.enter(&peer, None, ever).is_some());
}

#[test]
fn whoever_waits_has_the_place_that_is_left_or_that_of_who_became_slow() {
    actix_rt::System::new().block_on(async {
        tokio::time::pause();
        let places = AnswerPlaces::new(1, ANSWER_PIECE_PATIENCE);
        let (one, two) = (asker(1, Stranger), asker(2, Stranger));
        let held = places.enter(&one).expect("a place");
        assert!(places.wait(&two, ANSWER_TURN).await.is_none(), "it is made");
        held.moved();
        let began = Instant::now();
        let patience = 2 * ANSWER_PIECE_PATIENCE;
        let place = places.wait(&two, patience).await.expect("the slow one's");
        assert!(began.elapsed() < patience && was_pushed_out(&one));
        drop(held);
        let leave = async { drop(place) };
        let (next, ()) = futures_util::future::join(places.wait(&one, patience), leave).await;
        assert!(next.is_some());
    });
}

/// Requests that come one behind the other at the same moment took each place that became free.
#[test]
fn whoever_waits_comes_before_newcomers_and_before_those_whose_address_has_places() {
    let now = Instant::now();
    let crowd = asker(1, Stranger);
    let mut table = taken_by([&crowd, &crowd], now);
    let (waits, neighbour) = (asker(2, Stranger), asker(3, Neighbour));
    let again = table.line_up(&crowd, Arc::default());
    let ticket = table.line_up(&waits, Arc::default());
    table.holders.pop_first();
    assert_eq!(table.enter(&crowd, None, now), None, "others wait");
    assert_eq!(table.enter(&crowd, Some(again), now), None, "it has one");
    assert_eq!(table.enter(&asker(4, Stranger), None, now), None);
    let peer = table.line_up(&neighbour, Arc::default());
    assert_eq!(table.enter(&waits, Some(ticket), now), None);
    assert!(table.enter(&neighbour, Some(peer), now).is_some());
    table.waiting.remove(&peer);
    table.waiting.remove(&again);
    table.holders.pop_first();
    assert!(table.enter(&waits, Some(ticket), now).is_some());
}

/// Four addresses that read nothing kept all others out of all places, each with one.
#[test]
fn an_address_without_a_place_waits_less_long_for_whoever_reads_nothing() {
    let now = Instant::now();
    let one = asker(1, Stranger);
    let two = asker(2, Stranger);
    let third = asker(3, Stranger);
    let mut table = taken_by([&one, &two], now);
    let soon = now + table.piece_patience * 2 / 5;
    assert_eq!(table.enter(&third, None, soon - MOMENT), None);
    assert_eq!(table.enter(&one, None, soon), None, "it has one");
    assert!(table.enter(&third, None, soon).is_some());

    let mut table = taken_by([&one, &two], now);
    let late = now + table.piece_patience;
    assert_eq!(table.enter(&one, None, late - MOMENT), None);
    assert!(table.enter(&one, None, late).is_some());
}

/// Its crowd had waited for longer, and had each place that it lost again; others waited for
/// seconds.
#[test]
fn an_address_with_a_crowd_in_line_waits_behind_whose_turn_was_longer_ago() {
    let now = Instant::now();
    let (crowd, other) = (asker(1, Stranger), asker(2, Stranger));
    let mut table = Table::new(1, ANSWER_PIECE_PATIENCE);
    let first = table.enter(&crowd, None, now).expect("a place");
    let in_line = table.line_up(&crowd, Arc::default());
    let late = table.line_up(&other, Arc::default());
    table.holders.remove(&first);
    assert_eq!(table.enter(&crowd, Some(in_line), now), None);
    assert!(table.enter(&other, Some(late), now).is_some());
}

/// All were woken whenever anybody left, and looked every 50 ms besides: a crowd of hundreds cost the
/// node's thread more than their answers.
#[test]
fn of_a_crowd_in_line_only_the_next_is_woken() {
    use futures_util::FutureExt;
    let now = Instant::now();
    let (holds, crowd) = (asker(1, Stranger), asker(2, Stranger));
    let mut table = Table::new(1, ANSWER_PIECE_PATIENCE);
    let place = table.enter(&holds, None, now).expect("a place");
    let line: Vec<(u64, Arc<Notify>)> = (0..3)
        .map(|_| {
            let woken = Arc::<Notify>::default();
            (table.line_up(&crowd, woken.clone()), woken)
        })
        .collect();
    let woken = || -> Vec<bool> {
        let all = line.iter();
        all.map(|(_, woken)| woken.notified().now_or_never().is_some())
            .collect()
    };
    let due = |table: &Table| -> Vec<Option<Instant>> {
        let all = line.iter();
        all.map(|(ticket, _)| table.due(&crowd, *ticket)).collect()
    };
    assert_eq!(due(&table), [None; 3], "the answer is being made");
    table.moved(place, now);
    assert_eq!(woken(), [true, false, false], "it may become slow");
    let slow = now + ANSWER_PIECE_PATIENCE * 2 / 5;
    assert_eq!(due(&table), [Some(slow), None, None]);
    table.moved(place, now + MOMENT);
    assert_eq!(woken(), [false; 3], "it is going on");
    table.leave(place);
    assert_eq!(woken(), [true, false, false]);
    table.gave_up(line[0].0);
    assert_eq!(woken(), [false, true, false]);
    assert!(table.enter(&crowd, Some(line[1].0), now).is_some());
}

/// What is known of addresses is as long as the line.
#[test]
fn who_neither_waits_nor_has_a_place_is_forgotten() {
    let now = Instant::now();
    let mut table = Table::new(1, ANSWER_PIECE_PATIENCE);
    for last in 0..200 {
        let ticket = table.enter(&asker(last, Stranger), None, now);
        table.holders.remove(&ticket.expect("a place"));
        assert!(table.given.len() <= 2, "{:?}", table.given);
    }
}
