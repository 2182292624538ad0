//! What a connection may send, how long it may take, and what its bad messages cost it.
use super::*;
use crate::limits::PEER_IDLE;

fn task() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn connection() -> (Connection, Instant) {
    let now = Instant::now();
    let deadlines = Deadlines::new(PEER_IDLE);
    (Connection::new(now, deadlines, Merit::Stranger), now)
}

#[test]
fn a_head_gets_one_window_and_a_body_as_much_as_is_taken_of_it() {
    let (connection, now) = connection();
    assert_eq!(connection.credit(&task()), Credit::Bytes(HEAD_BYTES_MAX));
    connection.received(HEAD_BYTES_MAX, now);
    assert_eq!(connection.credit(&task()), Credit::Later);
    connection.begin(true, now);
    assert_eq!(connection.credit(&task()), Credit::Bytes(BODY_WINDOW_BYTES));
    connection.received(BODY_WINDOW_BYTES, now);
    assert_eq!(connection.credit(&task()), Credit::Later);
    connection.taken(100);
    assert_eq!(connection.credit(&task()), Credit::Bytes(100));
    connection.taken(usize::MAX);
    assert_eq!(connection.credit(&task()), Credit::Bytes(BODY_WINDOW_BYTES));
    connection.complete(now);
    assert_eq!(
        connection.credit(&task()),
        Credit::Later,
        "nothing ahead of an answer"
    );
    connection.answered(now);
    assert_eq!(connection.credit(&task()), Credit::Bytes(HEAD_BYTES_MAX));
}

#[test]
fn a_head_that_fills_its_window_and_is_no_head_yet_is_too_long() {
    let (connection, now) = connection();
    connection.received(HEAD_BYTES_MAX, now);
    assert_eq!(connection.credit(&task()), Credit::Later);
    assert_eq!(connection.credit(&task()), Credit::Exceeded);
}

#[test]
fn whoever_says_nothing_half_a_head_or_reads_nothing_is_overdue() {
    let (connection, now) = connection();
    let just = Duration::from_millis(1);
    let long = CONNECTION_LIFETIME_MAX - just;
    assert_eq!(connection.overdue(now + HEAD_DEADLINE - just), None);
    assert_eq!(connection.overdue(now + HEAD_DEADLINE), Some(Overdue::Head));
    connection.begin(false, now);
    assert_eq!(connection.overdue(now + long), None);
    connection.answered(now);
    assert_eq!(connection.overdue(now + HEAD_DEADLINE), None);
    assert_eq!(connection.overdue(now + PEER_IDLE), Some(Overdue::Idle));
    connection.received(1, now);
    assert_eq!(connection.overdue(now + HEAD_DEADLINE), Some(Overdue::Head));
    connection.begin(false, now);
    connection.writing(true, now);
    connection.writing(true, now + ANSWER_DEADLINE);
    connection.answered(now + just);
    assert_eq!(
        connection.overdue(now + ANSWER_DEADLINE),
        Some(Overdue::Reader)
    );
    connection.writing(false, now);
    assert_eq!(connection.overdue(now + just), None);
}

/// It was cut off in the middle of a request, and a peer sent a vote once more.
#[test]
fn an_old_connection_ends_between_two_requests_and_in_the_end_whatever_it_does() {
    let (connection, now) = connection();
    let just = Duration::from_millis(1);
    let old = now + CONNECTION_LIFETIME;
    connection.answered(old - just);
    assert_eq!(connection.overdue(old - just), None);
    assert_eq!(connection.overdue(old), Some(Overdue::Old));
    assert!(connection.is_old(old) && !connection.is_old(old - just));
    connection.received(1, old);
    assert_eq!(connection.overdue(old), None, "a request is on its way");
    for has_body in [true, false] {
        connection.begin(has_body, old);
        assert_eq!(connection.overdue(old + just), None, "it is answered");
    }
    connection.writing(true, old);
    connection.answered(old);
    assert_eq!(connection.overdue(old + just), None, "its answer is read");
    connection.writing(false, old + just);
    assert_eq!(connection.overdue(old + just), Some(Overdue::Old));
    connection.begin(false, old);
    let end = now + CONNECTION_LIFETIME_MAX;
    assert_eq!(connection.overdue(end), Some(Overdue::Old));
}

#[test]
fn a_connection_that_stays_is_read_and_never_idle_but_must_read_what_it_is_told() {
    let (connection, now) = connection();
    connection.begin(false, now);
    connection.stay();
    connection.answered(now);
    assert!(connection.stays());
    assert!(!connection.is_old(now + CONNECTION_LIFETIME_MAX));
    assert_eq!(connection.credit(&task()), Credit::Bytes(BODY_WINDOW_BYTES));
    connection.received(BODY_WINDOW_BYTES, now);
    assert_eq!(connection.credit(&task()), Credit::Later);
    connection.taken(100);
    assert_eq!(connection.credit(&task()), Credit::Bytes(100));
    assert_eq!(connection.overdue(now + Duration::from_secs(3_600)), None);
    connection.writing(true, now);
    let late = now + ANSWER_DEADLINE;
    assert_eq!(connection.overdue(late), Some(Overdue::Reader));
}

/// A client that sends many requests in one go and reads late was cut off: the dispatcher reads
/// on while an answer waits, and no handler begins.
#[test]
fn a_window_full_of_heads_waits_for_an_answer_to_be_read() {
    let (connection, now) = connection();
    connection.begin(false, now);
    connection.answered(now);
    connection.writing(true, now);
    connection.received(HEAD_BYTES_MAX, now);
    for _ in 0..3 {
        assert_eq!(connection.credit(&task()), Credit::Later);
    }
    connection.writing(false, now);
    assert_eq!(connection.credit(&task()), Credit::Later);
    assert_eq!(connection.credit(&task()), Credit::Exceeded);
}

#[test]
fn bad_messages_add_up_and_are_forgiven_with_time() {
    let (connection, now) = connection();
    for _ in 1..BAD_MESSAGES_MAX {
        assert!(!connection.bad_message(now));
    }
    assert!(connection.bad_message(now));
    let later = now + BAD_MESSAGE_EVERY * BAD_MESSAGES_MAX;
    assert!(!connection.bad_message(later));
}
