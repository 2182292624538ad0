use super::super::fixture::{Add, Break, Counter, Hand, Journal, Kept, Node, Total};
use super::super::fixture::{hand, nap, virtually};
use super::super::{Ctx, Inbox, OnFall, Policy, Probe, Stats};
use super::*;

/// An actor without a supervisor: these tests are about the way to it.
fn run(inbox: Inbox<Counter>, kept: &Arc<Kept>) {
    let (mail, stats) = inbox.into_parts();
    let counter = Counter::new("counter", kept.clone(), Journal::default());
    actix_rt::spawn(Ctx::future(mail, stats, |_| counter));
}

#[test]
fn a_permit_is_given_back_when_it_is_dropped() {
    let stats = Arc::new(Stats::new("Any", 2));
    let permit = || Permit::new(&stats, None);
    let (one, two) = (permit(), permit());
    assert!(one.is_some() && two.is_some() && permit().is_none());
    drop(one);
    assert_eq!(stats.depth(), 1);
    assert!(permit().is_some());
}

#[test]
fn ports_may_be_shared_between_threads() {
    fn shareable<T: Send + Sync + Clone>() {}
    shareable::<Port<Add>>();
    shareable::<super::super::Fatal>();
    shareable::<super::super::Actors>();
    shareable::<super::super::Children>();
    fn sendable<T: Send>(_: T) {}
    let (Hand { add, .. }, _inbox) = hand("counter", 1);
    sendable(add.ask(Add(1)));
}

#[test]
fn the_limit_holds_across_a_hundred_fresh_clones_and_all_message_types() {
    virtually(async {
        let (
            Hand {
                add,
                total,
                stats,
                kept,
                ..
            },
            inbox,
        ) = hand("counter", 16);
        let taken = (0..100)
            .filter(|i| add.clone().tell(Add(*i)).is_ok())
            .count();
        assert_eq!(taken, 16);
        assert_eq!(total.tell(Total), Err(TellError::Full));
        assert_eq!(inbox.port::<Total>().ask(Total).await, Err(AskError::Full));
        assert_eq!((add.depth(), add.limit(), stats.refused()), (16, 16, 86));
        run(inbox, &kept);
        nap(1).await;
        assert_eq!(stats.depth(), 0);
        assert_eq!(
            add.tell(Add(0)),
            Ok(()),
            "handled messages gave their permits back"
        );
    });
}

#[test]
fn what_each_sender_has_told_is_counted_apart_however_many_ports_it_has() {
    virtually(async {
        let (Hand { kept, stats, .. }, inbox) = hand("counter", 8);
        let from_probe = inbox.port_of::<Journal, Add>();
        let again = inbox.port_of::<Journal, Add>().within(3).clone();
        let outside = inbox.port::<Add>();
        assert!((0..4).all(|n| from_probe.tell(Add(n)).is_ok()));
        let taken = (0..5).filter(|n| again.tell(Add(*n)).is_ok());
        assert_eq!(taken.count(), 3, "of its share");
        let taken = (0..5).filter(|n| outside.tell(Add(*n)).is_ok());
        assert_eq!(taken.count(), 1, "of the mailbox");
        let counted = |stats: &Stats| {
            let edges = stats.edges().into_iter();
            let edges = edges.filter(|edge| edge.message == "Add");
            let edges = edges.map(|edge| (edge.from, edge.to, edge.told, edge.refused));
            edges.collect::<Vec<_>>()
        };
        let row =
            |from: &str, told, refused| (from.to_owned(), "counter".to_owned(), told, refused);
        let name = super::super::stats::short_name::<Journal>();
        let expected = [row("outside", 1, 4), row(&name, 7, 2)];
        assert_eq!(counted(&stats), expected);
        assert_eq!(stats.refused(), 6);
        run(inbox, &kept);
        nap(1).await;
        assert_eq!(counted(&stats), expected, "handled or not");
        assert_eq!(count_of(&stats, "Add"), 8);
    });
}

#[test]
fn a_share_bounds_one_way_in_and_leaves_the_other_places_to_the_others() {
    virtually(async {
        let (Hand { add, stats, .. }, inbox) = hand("never", 8);
        let edge = add.within(3);
        let taken = (0..5).filter(|i| edge.clone().tell(Add(*i)).is_ok());
        assert_eq!(taken.count(), 3);
        assert_eq!(edge.ask(Add(0)).await, Err(AskError::Full));
        let taken = (0..9).filter(|i| add.tell(Add(*i)).is_ok());
        assert_eq!((taken.count(), stats.depth()), (5, 8));
        assert_eq!(edge.tell(Add(0)), Err(TellError::Full));
        drop(inbox);
        assert_eq!(stats.depth(), 0);

        // A refusal for want of the mailbox's own places gives the share back.
        let (Hand { add, kept, .. }, inbox) = hand("counter", 1);
        let edge = add.within(1);
        assert_eq!(add.tell(Add(0)), Ok(()));
        assert_eq!(edge.tell(Add(0)), Err(TellError::Full));
        run(inbox, &kept);
        nap(1).await;
        assert_eq!(edge.tell(Add(0)), Ok(()));
    });
}

#[test]
fn an_unhandled_message_gives_its_permit_back() {
    virtually(async {
        // Its inbox is dropped without an actor.
        let (Hand { add, stats, .. }, inbox) = hand("never", 4);
        let answer = add.ask(Add(1));
        assert_eq!((add.tell(Add(1)), stats.depth()), (Ok(()), 2));
        drop(inbox);
        assert_eq!(stats.depth(), 0);
        assert_eq!(answer.await, Err(AskError::Died));
        assert_eq!(add.tell(Add(1)), Err(TellError::Closed));
        assert_eq!(add.ask(Add(1)).await, Err(AskError::Closed));
        assert_eq!((stats.depth(), stats.refused()), (0, 2));

        // Its actor stops before it comes to it.
        let mut node = Node::new(Policy::default());
        let Hand {
            add, brk, stats, ..
        } = node.counter("stopped", OnFall::Restart);
        brk.tell(Break::InHandler).unwrap();
        let answers: Vec<_> = (0..5).map(|i| add.ask(Add(i))).collect();
        tokio::task::yield_now().await;
        assert!(stats.depth() >= 5);
        node.spawner.children().stop().await;
        assert_eq!(stats.depth(), 0);
        for answer in answers {
            assert_eq!(answer.await, Err(AskError::Died));
        }
    });
}

#[test]
fn a_message_that_panics_gives_its_permit_back() {
    virtually(async {
        let mut node = Node::new(Policy::default());
        let one = node.counter("one", OnFall::Restart);
        assert_eq!(one.brk.ask(Break::InHandler).await, Err(AskError::Died));
        assert_eq!(one.stats.depth(), 0);
    });
}

#[test]
fn a_question_is_asked_by_the_call_and_handled_even_if_nobody_waits() {
    virtually(async {
        let (
            Hand {
                add, total, kept, ..
            },
            inbox,
        ) = hand("counter", 8);
        drop(add.ask(Add(5)));
        run(inbox, &kept);
        assert_eq!(total.ask(Total).await, Ok(5));
    });
}

#[test]
fn messages_through_one_port_are_handled_in_order() {
    virtually(async {
        let (
            Hand {
                add, total, kept, ..
            },
            inbox,
        ) = hand("counter", 200);
        run(inbox, &kept);
        (0..100).for_each(|i| add.clone().tell(Add(i)).unwrap());
        total.ask(Total).await.unwrap();
        assert_eq!(*kept.log.lock(), (0..100).collect::<Vec<_>>());
    });
}

/// The permit is given back and the message counted before the answer leaves. Otherwise an asker
/// on another thread would now and then be refused by its own last question.
#[test]
fn whoever_hears_an_answer_finds_room_for_the_next_question_and_the_count() {
    let (
        Hand {
            add, stats, kept, ..
        },
        inbox,
    ) = hand("counter", 1);
    let system = System::new();
    let other = Arbiter::new();
    other.spawn_fn(move || run(inbox, &kept));
    system.block_on(async {
        for i in 1..=2000 {
            assert!(add.ask(Add(1)).await.is_ok(), "question {i}");
            assert_eq!(count_of(&stats, "Add"), i);
        }
    });
    other.stop();
    other.join().unwrap();
}

fn count_of(stats: &Stats, message: &str) -> u64 {
    let of = stats
        .messages()
        .into_iter()
        .find(|m| m.name() == message)
        .unwrap();
    let (handled, waited) = (of.handled().row(), of.waited().row());
    assert_eq!(handled.count(), waited.count());
    handled.count()
}

#[test]
fn every_message_is_timed_under_its_type() {
    virtually(async {
        let (
            Hand {
                add,
                total,
                stats,
                kept,
                ..
            },
            inbox,
        ) = hand("counter", 8);
        let types: Vec<_> = stats
            .row()
            .messages
            .into_iter()
            .map(|m| m.message)
            .collect();
        assert_eq!(
            types,
            ["Add", "Total", "Break"],
            "listed before the first message"
        );
        assert_eq!(stats.since_last_message(), None);
        run(inbox, &kept);
        for _ in 0..3 {
            add.ask(Add(1)).await.unwrap();
        }
        total.ask(Total).await.unwrap();
        assert_eq!((count_of(&stats, "Add"), count_of(&stats, "Total")), (3, 1));
        assert_eq!(count_of(&stats, "Break"), 0);
        assert!(stats.since_last_message().is_some());
    });
}

#[test]
fn the_wait_in_the_mailbox_is_told_apart_from_the_work() {
    virtually(async {
        let (
            Hand {
                add, stats, kept, ..
            },
            inbox,
        ) = hand("counter", 8);
        let answer = add.ask(Add(1));
        let wait = std::time::Duration::from_millis(20);
        std::thread::sleep(wait);
        run(inbox, &kept);
        answer.await.unwrap();
        let of = stats.messages()[0].clone();
        assert!(of.waited().row().sum() >= wait);
        assert!(of.handled().row().sum() < of.waited().row().sum());
    });
}

#[derive(Debug, Clone, PartialEq)]
struct Note(u8);
impl Message for Note {
    type Result = usize;
}

#[test]
fn a_probe_hears_what_is_told_and_answers_what_is_asked() {
    virtually(async {
        let (port, mut probe) = Probe::answering(4, |note: &Note| usize::from(note.0) * 2);
        port.tell(Note(1)).unwrap();
        assert_eq!(port.ask(Note(21)).await, Ok(42));
        assert_eq!(probe.next().await, Some(Note(1)));
        port.tell(Note(3)).unwrap();
        nap(1).await;
        assert_eq!(probe.drain(), [Note(21), Note(3)]);
        for i in 0..200 {
            assert_eq!(
                port.ask(Note(i)).await,
                Ok(usize::from(i) * 2),
                "more than one turn"
            );
        }
        assert_eq!(probe.drain().len(), 200);
        assert_eq!(probe.drain(), []);
        let (port, _unwatched) = Probe::<Note>::open(4);
        assert_eq!(port.ask(Note(9)).await, Ok(0));
    });
}

#[test]
fn a_detached_port_refuses_everything() {
    let port = Port::<Note>::detached();
    assert_eq!(port.tell(Note(1)), Err(TellError::Closed));
    assert_eq!(format!("{port:?}"), "Port<Note>(nobody)");
}
