use super::super::fixture::{Add, Break, Counter, Kept, Node, Total, hand, nap, virtually};
use super::super::{AskError, Ctx, Inbox, State, Strike, TellError};
use super::*;
use std::sync::mpsc;
use std::time::Duration;

#[test]
fn the_fourth_fall_within_five_seconds_ends_the_node_with_a_clear_error() {
    virtually(async {
        let mut node = Node::new(Policy::default());
        let one = node.counter("RoundDriver", OnFall::Restart);
        let two = node.counter("Mempool", OnFall::Restart);
        for hand in [&one, &two, &one] {
            hand.fall().await;
        }
        assert_eq!(node.end(), None, "three are borne, whoever fell");
        one.fall().await;
        let end = node.end().unwrap();
        let text = "RoundDriver fell; the node's actors fell 4 times within 5s; \
                    last: boom in handler; start it again, and if it ends like this again, report \
                    it with its log";
        assert_eq!(end.to_string(), text);
        assert!(end.is_failure());
        assert_eq!(one.total.tell(Total), Err(TellError::Closed));
        assert_eq!(two.total.tell(Total), Err(TellError::Closed));
        assert_eq!(
            (one.stats.state(), two.stats.state()),
            (State::Stopped, State::Stopped)
        );
    });
}

#[test]
fn falls_that_are_far_apart_never_end_the_node() {
    virtually(async {
        let mut node = Node::new(Policy::default());
        let one = node.counter("one", OnFall::Restart);
        for _ in 0..20 {
            one.fall().await;
            nap(1_700).await;
        }
        assert_eq!(one.falls_and_restarts(), (20, 20));
        assert_eq!((node.end(), one.total.ask(Total).await), (None, Ok(0)));
    });
}

#[test]
fn each_wait_for_a_restart_is_twice_the_last_and_capped() {
    virtually(async {
        let longest_delay = Duration::from_millis(50);
        let mut node = Node::new(Policy {
            falls: 9,
            longest_delay,
            ..Policy::default()
        });
        let one = node.counter("one", OnFall::Restart);
        let mut waits = Vec::new();
        for _ in 0..6 {
            let _ = one.brk.ask(Break::InHandler).await;
            let fell = Instant::now();
            one.total.ask(Total).await.unwrap();
            let back = *one.kept.births.lock().last().unwrap();
            waits.push((back - fell).as_millis() as u64);
        }
        for (wait, want) in waits.iter().zip([5, 10, 20, 40, 50, 50]) {
            // A timer of actix fires up to two milliseconds late.
            assert!((want..=want + 2).contains(wait), "{waits:?}");
        }
    });
}

#[test]
fn the_kernels_first_fall_ends_the_node_at_once() {
    virtually(async {
        let mut node = Node::new(Policy::default());
        let kernel = node.counter("StateStore", OnFall::StopNode);
        let other = node.counter("other", OnFall::Restart);
        let before = Instant::now();
        assert_eq!(kernel.brk.ask(Break::InHandler).await, Err(AskError::Died));
        while node.end().is_none() {
            tokio::task::yield_now().await;
        }
        assert_eq!(before.elapsed(), Duration::ZERO, "no timer was waited for");
        let (actor, last) = ("StateStore".to_owned(), "boom in handler".to_owned());
        assert_eq!(node.end(), Some(EndReason::KernelFell { actor, last }));
        assert_eq!(kernel.falls_and_restarts(), (1, 0));
        assert_eq!(kernel.total.tell(Total), Err(TellError::Closed));
        assert_eq!(other.total.tell(Total), Err(TellError::Closed));
    });
}

#[test]
fn a_dispensable_actor_only_closes_and_its_falls_do_not_count_for_others() {
    virtually(async {
        let mut node = Node::new(Policy::default());
        let gateway = node.counter("RpcGateway", OnFall::Close);
        let other = node.counter("other", OnFall::Restart);
        for _ in 0..3 {
            gateway.fall().await;
        }
        assert_eq!(gateway.total.ask(Total).await, Ok(0), "three are borne");
        let waiting = gateway
            .brk
            .tell(Break::InHandler)
            .map(|()| gateway.add.ask(Add(1)))
            .unwrap();
        nap(50).await;
        assert_eq!(gateway.stats.state(), State::Fallen);
        assert_eq!(waiting.await, Err(AskError::Died), "nobody waits for ever");
        assert_eq!(gateway.total.tell(Total), Err(TellError::Closed));
        assert_eq!(gateway.stats.depth(), 0);
        for _ in 0..3 {
            other.fall().await;
        }
        assert_eq!((node.end(), other.total.ask(Total).await), (None, Ok(0)));
        node.spawner.children().stop().await;
        assert_eq!(gateway.stats.state(), State::Fallen, "it stays what it was");
    });
}

#[test]
fn actors_stop_in_reverse_start_order_and_the_reason_is_told_once() {
    virtually(async {
        let mut node = Node::new(Policy::default());
        let hands = ["a", "b", "c"].map(|name| node.counter(name, OnFall::Restart));
        hands[2].total.ask(Total).await.unwrap();
        let (journal, fatal) = (node.journal.clone(), node.spawner.fatal());
        assert_eq!(node.journal(), ["a started", "b started", "c started"]);
        let actors = node.spawner.actors();
        let end = Node::new(Policy::default()); // another node in the process is none the wiser
        let children = std::mem::replace(&mut node.spawner, end.spawner).children();
        let (once, twice) = (children.stop(), children.stop());
        fatal.raise(FatalKind::Retry, "nobody cares any more");
        once.await;
        twice.await;
        children.stop().await;
        assert_eq!(*journal.lock(), ["c stopped", "b stopped", "a stopped"]);
        assert_eq!(node.end(), Some(EndReason::Asked));
        assert!(!EndReason::Asked.is_failure());
        assert!(actors.rows().iter().all(|row| row.state == State::Stopped));
    });
}

/// Its hook takes time, so an actor that were stopped too early would show.
struct Slow(mpsc::Sender<&'static str>);
impl Actor for Slow {
    type Context = Ctx<Self>;
    fn stopped(&mut self, _: &mut Ctx<Self>) {
        std::thread::sleep(Duration::from_millis(30));
        let _ = self.0.send("slow one, on its own thread");
    }
}
impl Supervised for Slow {}
struct Quick(mpsc::Sender<&'static str>);
impl Actor for Quick {
    type Context = Ctx<Self>;
    fn stopped(&mut self, _: &mut Ctx<Self>) {
        let _ = self.0.send("quick one");
    }
}
impl Supervised for Quick {}
impl Handler<Total> for Slow {
    type Result = u64;
    fn handle(&mut self, _: Total, _: &mut Ctx<Self>) -> u64 {
        0
    }
}

#[test]
fn an_actor_is_stopped_only_when_the_one_after_it_is_gone_also_across_threads() {
    System::new().block_on(async {
        let mut node = Node::new(Policy::default());
        let (log, stopped) = mpsc::channel();
        let quick = Inbox::new(1);
        let slow = Inbox::new(1);
        let other = Arbiter::new();
        let on_quick = log.clone();
        let on_slow = log;
        let up = slow.port::<Total>();
        let here = Arbiter::current();
        node.spawner
            .spawn(&here, quick, OnFall::Restart, |_| Quick(on_quick));
        node.spawner
            .spawn(&other.handle(), slow, OnFall::Restart, |_| Slow(on_slow));
        up.ask(Total).await.unwrap();
        node.spawner.children().stop().await;
        let order: Vec<_> = stopped.try_iter().collect();
        assert_eq!(order, ["slow one, on its own thread", "quick one"]);
        other.stop();
        other.join().unwrap();
    });
}

/// Blocks its thread in a handler, and says so, until the test lets go.
struct Stuck(mpsc::Sender<()>, mpsc::Receiver<()>);
impl Actor for Stuck {
    type Context = Ctx<Self>;
}
impl Supervised for Stuck {}
impl Handler<Total> for Stuck {
    type Result = u64;
    fn handle(&mut self, _: Total, _: &mut Ctx<Self>) -> u64 {
        let _ = self.0.send(());
        let _ = self.1.recv();
        0
    }
}

#[test]
fn an_actor_that_does_not_stop_is_left_behind_after_a_while() {
    let ((stuck, is_stuck), (let_go, held)) = (mpsc::channel(), mpsc::channel());
    let other = virtually(async {
        let mut node = Node::new(Policy::default());
        let one = node.counter("one", OnFall::Restart);
        let inbox = Inbox::<Stuck>::new(1);
        let other = Arbiter::new();
        inbox.port::<Total>().tell(Total).unwrap();
        node.spawner
            .spawn(&other.handle(), inbox, OnFall::Restart, |_| {
                Stuck(stuck, held)
            });
        is_stuck.recv().unwrap();
        let began = Instant::now();
        node.spawner.children().stop().await;
        assert!(began.elapsed() >= Policy::default().stop_patience);
        assert_eq!(one.stats.state(), State::Stopped);
        other
    });
    drop(let_go);
    other.stop();
    other.join().unwrap();
}

#[test]
fn the_first_fatal_error_is_the_reason() {
    virtually(async {
        let mut node = Node::new(Policy::default());
        let one = node.counter("one", OnFall::StopNode);
        let fatal = node.spawner.fatal();
        fatal.raise(
            FatalKind::Safety,
            "disk full; free some space and start again",
        );
        fatal.raise(FatalKind::Retry, "and then this");
        one.fall().await;
        let end = node.end().unwrap();
        assert_eq!(end.exit_code(), 4);
        assert_eq!(
            end.to_string(),
            "disk full; free some space and start again"
        );
        assert_eq!(one.total.tell(Total), Err(TellError::Closed));
        Fatal::detached().raise(FatalKind::Retry, "heard by nobody");
    });
}

#[test]
fn a_panic_of_the_supervisor_itself_is_the_end_of_the_node() {
    virtually(async {
        let mut node = Node::new(Policy::default());
        let one = node.counter("one", OnFall::Restart);
        one.total.ask(Total).await.unwrap();
        let end = Node::new(Policy::default());
        let children = std::mem::replace(&mut node.spawner, end.spawner).children();
        assert!(children.inject_panic("Supervisor"));
        nap(5).await;
        assert_eq!(node.end(), Some(EndReason::SupervisorDied));
        assert_eq!(
            one.total.tell(Total),
            Err(TellError::Closed),
            "no supervisor, no life"
        );
        children.stop().await; // and nobody waits for ever
    });
}

#[test]
fn an_injected_panic_is_a_panic_like_any_other() {
    virtually(async {
        let mut node = Node::new(Policy::default());
        let one = node.counter("one", OnFall::Restart);
        let two = node.counter("two", OnFall::Restart);
        assert_eq!(one.add.ask(Add(3)).await, Ok(3));
        let end = Node::new(Policy::default());
        let children = std::mem::replace(&mut node.spawner, end.spawner).children();
        assert!(children.inject_panic("one"));
        assert!(!children.inject_panic("nobody"));
        nap(50).await;
        assert_eq!(
            (one.falls_and_restarts(), two.falls_and_restarts()),
            ((1, 1), (0, 0))
        );
        assert_eq!(
            one.stats.row().last_panic.as_deref(),
            Some("injected panic")
        );
        assert_eq!(one.total.ask(Total).await, Ok(3));
    });
}

#[test]
fn a_panic_before_a_message_loses_it_and_one_behind_it_only_the_actors_state() {
    virtually(async {
        let mut node = Node::new(Policy::default());
        let one = node.counter("one", OnFall::Restart);
        let end = Node::new(Policy::default());
        let children = std::mem::replace(&mut node.spawner, end.spawner).children();
        assert!(children.inject_panic_at("one", "Add", Strike::BeforeHandling));
        assert!(!children.inject_panic_at("nobody", "Add", Strike::BeforeHandling));
        assert_eq!(
            one.total.ask(Total).await,
            Ok(0),
            "other messages are let be"
        );
        assert_eq!(one.add.ask(Add(3)).await, Err(AskError::Died));
        assert_eq!(one.total.ask(Total).await, Ok(0));

        assert!(children.inject_panic_at("one", "Add", Strike::AfterHandling));
        assert_eq!(one.add.ask(Add(4)).await, Err(AskError::Died));
        assert_eq!(
            one.total.ask(Total).await,
            Ok(4),
            "it was kept before the fall"
        );
        assert_eq!(one.falls_and_restarts(), (2, 2));
        assert_eq!(one.stats.down().row().count(), 2);
        assert!(one.stats.row().down_p99_us > 0.0);

        assert!(children.inject_panic_at("one", "Add", Strike::BeforeHandling));
        assert!(children.take_panic_back("one"));
        assert!(!children.take_panic_back("one"), "it is taken back already");
        assert_eq!(one.add.ask(Add(1)).await, Ok(5));
    });
}

#[test]
fn an_actor_whose_thread_has_ended_is_lost() {
    System::new().block_on(async {
        let mut node = Node::new(Policy::default());
        let dead = Arbiter::new();
        let handle = dead.handle();
        dead.stop();
        dead.join().unwrap();
        let one = node.counter_on(&handle, "one", OnFall::Restart);
        while node.end().is_none() {
            tokio::task::yield_now().await;
        }
        let last = "the thread that it lived on has ended".to_owned();
        assert_eq!(
            node.end(),
            Some(EndReason::Lost {
                actor: "one".into(),
                last
            })
        );
        assert_eq!(one.total.tell(Total), Err(TellError::Closed));
    });
}

#[test]
fn an_actor_started_into_a_node_that_is_ending_is_stopped() {
    virtually(async {
        let mut node = Node::new(Policy::default());
        node.spawner.fatal().raise(FatalKind::Retry, "gone");
        nap(1).await;
        let late = node.counter("late", OnFall::Restart);
        nap(1).await;
        assert_eq!(late.stats.state(), State::Stopped);
        assert_eq!(node.journal(), Vec::<String>::new(), "it never started");
    });
}

#[test]
fn the_registry_lists_actors_in_start_order_from_any_thread_also_later_ones() {
    virtually(async {
        let mut node = Node::new(Policy::default());
        let actors = node.spawner.actors();
        for name in ["b", "a"] {
            node.counter(name, OnFall::Restart);
        }
        let from_another = actors.clone();
        let names = std::thread::spawn(move || from_another.rows())
            .join()
            .unwrap();
        let names: Vec<_> = names.into_iter().map(|row| row.actor).collect();
        assert_eq!(names, ["b", "a"]);
        assert!(actors.find("a").is_some() && actors.find("c").is_none());
    });
}

#[test]
fn an_actor_can_be_wired_and_told_before_it_is_there() {
    virtually(async {
        let mut node = Node::new(Policy::default());
        let (one, inbox) = hand("one", 8);
        one.add.tell(Add(4)).unwrap();
        let kept = Arc::new(Kept::default());
        let journal = node.journal.clone();
        let make = move |_: &mut Ctx<_>| Counter::new("one", kept, journal);
        node.spawner
            .spawn(&Arbiter::current(), inbox, OnFall::Restart, make);
        assert_eq!(one.total.ask(Total).await, Ok(4));
    });
}
