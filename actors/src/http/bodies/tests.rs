//! Whoever holds bytes for long, or more than others, gives them up to whoever comes.
use super::*;
use futures_util::FutureExt;

const MAX: usize = 1_000_000;
const EACH: usize = MAX / 8 + BODY_FREE_BYTES;

fn asker(host: u8, merit: Merit) -> Asker {
    Asker {
        from: [10, 0, 0, host].into(),
        merit,
        pushed_out: Arc::default(),
    }
}

fn holds(place: &BodyPlace, bytes: usize) -> Option<Result<(), NoRoom>> {
    place.hold(bytes).now_or_never()
}

/// As many bodies as there is room for, one after the other.
async fn full(all: &Bodies, host: u8, merit: Merit) -> Vec<BodyPlace> {
    let mut places = Vec::new();
    for _ in 0..8 {
        let place = all.open(&asker(host, merit));
        assert_eq!(holds(&place, EACH), Some(Ok(())));
        places.push(place);
        tokio::time::advance(std::time::Duration::from_millis(10)).await;
    }
    places
}

fn is_pushed_out(place: &BodyPlace) -> bool {
    place.pushed_out().now_or_never().is_some()
}

#[tokio::test(start_paused = true)]
async fn eight_held_bodies_keep_nobody_of_their_address_out() {
    let all = Bodies::new(MAX);
    let mut held = full(&all, 1, Merit::Stranger).await;
    for _ in 0..20 {
        let short = all.open(&asker(1, Merit::Stranger));
        assert_eq!(holds(&short, BODY_FREE_BYTES), Some(Ok(())));
        let place = all.open(&asker(1, Merit::Stranger));
        let mut honest = Box::pin(place.hold(EACH));
        assert_eq!((&mut honest).now_or_never(), None, "until it has gone");
        assert!(is_pushed_out(&held[0]), "who has held for longest");
        assert!(
            held[1..].iter().all(|other| !is_pushed_out(other)),
            "one is enough"
        );
        held.remove(0);
        assert_eq!((&mut honest).now_or_never(), Some(Ok(())));
        drop(honest);
        tokio::time::advance(std::time::Duration::from_millis(10)).await;
        held.push(place);
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_that_holds_all_makes_room_for_others_and_takes_none_from_them() {
    let all = Bodies::new(MAX);
    let mut held = full(&all, 1, Merit::Stranger).await;
    let other = all.open(&asker(2, Merit::Stranger));
    assert_eq!(holds(&other, EACH), None);
    held.retain(|place| !is_pushed_out(place));
    assert_eq!((held.len(), holds(&other, EACH)), (7, Some(Ok(()))));
    tokio::time::advance(std::time::Duration::from_secs(5)).await;
    let again = all.open(&asker(1, Merit::Stranger));
    assert_eq!(holds(&again, EACH), None);
    assert!(!is_pushed_out(&other) && held.iter().any(is_pushed_out));
    let neighbour = all.open(&asker(3, Merit::Neighbour));
    assert_eq!(holds(&neighbour, MAX), None);
    assert!(is_pushed_out(&other), "a peer comes before all strangers");
}

#[tokio::test(start_paused = true)]
async fn what_has_come_whole_is_waited_for_and_never_taken_away() {
    let all = Bodies::new(MAX);
    let mut held = full(&all, 1, Merit::Stranger).await;
    held.iter().for_each(BodyPlace::is_whole);
    let place = all.open(&asker(2, Merit::Neighbour));
    let mut waits = std::pin::pin!(place.hold(EACH));
    assert_eq!((&mut waits).now_or_never(), None);
    assert!(held.iter().all(|other| !is_pushed_out(other)));
    held.pop();
    assert_eq!(waits.now_or_never(), Some(Ok(())));
    let late = all.open(&asker(2, Merit::Neighbour));
    let begun = Instant::now();
    assert_eq!(late.hold(EACH).await, Err(NoRoom));
    assert_eq!(begun.elapsed(), BODY_ROOM_PATIENCE);
}

#[tokio::test(start_paused = true)]
async fn whoever_was_told_to_go_takes_no_more() {
    let all = Bodies::new(MAX);
    let held = full(&all, 1, Merit::Stranger).await;
    let place = all.open(&asker(2, Merit::Stranger));
    assert_eq!(holds(&place, EACH), None);
    assert_eq!(holds(&held[0], EACH + 1), Some(Err(NoRoom)));
}
