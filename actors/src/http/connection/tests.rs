//! What a connection may send, how long it may take, and what its bad messages cost it.
use super::super::roster::Roster;
use super::super::streams::Leaving;
use super::*;
use crate::limits::PEER_IDLE;

fn task() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn connection() -> (Connection, Instant) {
    let now = Instant::now();
    let deadlines = Deadlines::new(PEER_IDLE);
    let turn = Roster::default().open([127, 0, 0, 1].into());
    (Connection::new(now, deadlines, Merit::Stranger, turn), now)
}

#[test]
fn a_body_gets_as_much_as_is_taken_of_it_and_an_answer_nothing_ahead() {
    let (connection, now) = connection();
    assert_eq!(connection.credit(&task()), Credit::Bytes(HEAD_BYTES_MAX));
    connection.spent(HEAD_BYTES_MAX);
    assert_eq!(connection.credit(&task()), Credit::Later);
    connection.begin(true, now);
    assert_eq!(connection.credit(&task()), Credit::Bytes(BODY_WINDOW_BYTES));
    connection.spent(BODY_WINDOW_BYTES);
    assert_eq!(connection.credit(&task()), Credit::Later);
    connection.taken(100);
    assert_eq!(connection.credit(&task()), Credit::Bytes(100));
    connection.taken(usize::MAX);
    assert_eq!(connection.credit(&task()), Credit::Bytes(BODY_WINDOW_BYTES));
    connection.complete(now);
    assert_eq!(connection.credit(&task()), Credit::Later);
    connection.answered(now);
    assert_eq!(
        connection.credit(&task()),
        Credit::Later,
        "nothing is sent yet"
    );
    connection.sent();
    assert_eq!(connection.credit(&task()), Credit::Bytes(HEAD_BYTES_MAX));
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
    connection.received(now);
    assert_eq!(connection.overdue(now + HEAD_DEADLINE), Some(Overdue::Head));
    connection.begin(false, now);
    connection.writing(true, now);
    connection.writing(true, now + ANSWER_DEADLINE);
    connection.answered(now + just);
    assert_eq!(
        connection.overdue(now + ANSWER_DEADLINE),
        Some(Overdue::Reader)
    );
    connection.sent();
    assert_eq!(connection.overdue(now + just), None);
}

/// It was cut off between two requests without a word: whoever sent the next one just then did not know
/// whether that was heard.
#[test]
fn an_old_connection_ends_behind_an_answer_and_in_the_end_whatever_it_does() {
    let (connection, now) = connection();
    let just = Duration::from_millis(1);
    let old = now + CONNECTION_LIFETIME;
    connection.answered(old - just);
    assert_eq!(connection.overdue(old), None, "nobody has told it");
    let idle = old - just + PEER_IDLE;
    assert_eq!(connection.overdue(idle - just), None);
    assert_eq!(connection.overdue(idle), Some(Overdue::Idle));
    assert!(connection.is_old(old) && !connection.is_old(old - just));
    connection.received(old);
    assert_eq!(connection.overdue(old), None, "a request is on its way");
    for has_body in [true, false] {
        connection.begin(has_body, old);
        assert_eq!(connection.overdue(old + just), None, "it is answered");
    }
    connection.writing(true, old);
    connection.answered(old);
    assert_eq!(connection.overdue(old + just), None, "its answer is read");
    connection.sent();
    assert_eq!(connection.overdue(old + PEER_IDLE), Some(Overdue::Idle));
    connection.begin(false, old);
    let end = now + CONNECTION_LIFETIME_MAX;
    assert_eq!(connection.overdue(end), Some(Overdue::Old));
}

#[test]
fn a_connection_that_stays_is_read_and_never_idle_but_must_read_what_it_is_told() {
    let (connection, now) = connection();
    connection.begin(false, now);
    connection.stay(Leaving::nobody());
    connection.answered(now);
    assert!(connection.stays());
    assert!(!connection.is_old(now + CONNECTION_LIFETIME_MAX));
    assert_eq!(
        connection.credit(&task()),
        Credit::Later,
        "no request follows"
    );
    connection.open();
    assert_eq!(connection.credit(&task()), Credit::Bytes(BODY_WINDOW_BYTES));
    connection.spent(BODY_WINDOW_BYTES);
    assert_eq!(connection.credit(&task()), Credit::Later);
    connection.taken(100);
    assert_eq!(connection.credit(&task()), Credit::Bytes(100));
    assert_eq!(connection.overdue(now + Duration::from_secs(3_600)), None);
    connection.writing(true, now);
    let late = now + ANSWER_DEADLINE;
    assert_eq!(connection.overdue(late), Some(Overdue::Reader));
}

/// It kept the place of a stream for ever, above all strangers, when its stream had been given up.
#[test]
fn a_connection_that_has_stayed_is_soon_closed_and_no_better_than_others() {
    let (connection, now) = connection();
    connection.begin(false, now);
    connection.stay(Leaving::nobody());
    connection.open();
    assert_eq!(connection.merit(), Merit::Stays);
    connection.writing(true, now);
    connection.over(now);
    assert_eq!(connection.merit(), Merit::Stranger);
    assert_eq!(
        connection.credit(&task()),
        Credit::Bytes(BODY_WINDOW_BYTES),
        "its own last word"
    );
    assert_eq!(connection.overdue(now), None, "it may hear the last word");
    assert_eq!(connection.overdue(now + STREAM_GOODBYE), Some(Overdue::Old));
}

#[test]
fn no_next_head_is_read_while_an_answer_waits_to_be_read() {
    let (connection, now) = connection();
    connection.begin(false, now);
    connection.answered(now);
    connection.writing(true, now);
    assert_eq!(connection.credit(&task()), Credit::Later);
    connection.sent();
    assert_eq!(connection.credit(&task()), Credit::Bytes(HEAD_BYTES_MAX));
}

/// A connection that waited for its answer was woken by its own look whether all was sent.
#[test]
fn whoever_has_nothing_to_send_wakes_nobody() {
    struct Count(std::sync::atomic::AtomicUsize);
    impl std::task::Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }
    let (connection, now) = connection();
    let count = Arc::new(Count(0.into()));
    let waker = Waker::from(count.clone());
    let woken = || count.0.load(std::sync::atomic::Ordering::Relaxed);
    connection.begin(false, now);
    let look = || connection.credit(&Context::from_waker(&waker));
    assert_eq!(look(), Credit::Later);
    connection.sent();
    assert_eq!(woken(), 0);
    connection.answered(now);
    let before = woken();
    assert_eq!(look(), Credit::Later);
    connection.sent();
    assert_eq!(woken(), before + 1);
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
