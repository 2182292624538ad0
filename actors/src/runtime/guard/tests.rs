use super::super::fixture::{Add, Break, Node, Total, nap, virtually};
use super::super::{AskError, EndReason, Inbox, OnFall, Policy, Port};
use super::*;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

#[test]
fn an_actor_that_panics_comes_back_rebuilt_with_its_queue_and_nobody_else_notices() {
    for how in [Break::InHandler, Break::InTimer, Break::InFuture] {
        virtually(async {
            let mut node = Node::new(Policy::default());
            let one = node.counter("one", OnFall::Restart);
            let other = node.counter("other", OnFall::Restart);
            assert_eq!(one.add.ask(Add(5)).await, Ok(5));
            one.brk.tell(how).unwrap();
            if how != Break::InHandler {
                nap(3).await; // so that the next message finds it fallen
            }
            // The one behind it waits for the restart and sees rebuilt state.
            assert_eq!(one.total.ask(Total).await, Ok(5), "{how:?}");
            assert_eq!(one.add.ask(Add(2)).await, Ok(7), "the old port still works");
            assert_eq!(one.falls_and_restarts(), (1, 1));
            let last_panic = one.stats.row().last_panic.unwrap();
            assert!(last_panic.starts_with("boom in "), "{last_panic}");
            assert_eq!(other.falls_and_restarts(), (0, 0));
            assert_eq!(other.kept.births.lock().len(), 1);
            assert_eq!(other.total.ask(Total).await, Ok(0));
            assert_eq!(node.end(), None);
        });
    }
}

#[test]
fn the_asker_of_the_message_that_panicked_hears_that_it_died() {
    virtually(async {
        let mut node = Node::new(Policy::default());
        let one = node.counter("one", OnFall::Restart);
        assert_eq!(one.brk.ask(Break::InHandler).await, Err(AskError::Died));
    });
}

#[test]
fn a_fallen_actor_neither_handles_nor_loses_messages_and_its_limit_holds() {
    virtually(async {
        let slow = Policy {
            first_delay: Duration::from_millis(300),
            ..Policy::default()
        };
        let mut node = Node::new(slow);
        let one = node.counter("one", OnFall::Restart);
        assert_eq!(one.stats.state(), State::Starting);
        let _ = one.brk.ask(Break::InHandler).await;
        nap(1).await;
        assert_eq!(one.stats.state(), State::Fallen);
        let taken = (1..=20)
            .filter(|i| one.add.clone().tell(Add(*i)).is_ok())
            .count();
        nap(200).await;
        assert_eq!((taken, one.stats.depth(), one.stats.refused()), (8, 8, 12));
        nap(200).await;
        assert_eq!((one.stats.state(), one.stats.depth()), (State::Running, 0));
        assert_eq!(one.total.ask(Total).await, Ok((1..=8).sum()));
    });
}

#[test]
fn an_actor_that_stops_itself_is_restarted_too() {
    virtually(async {
        let mut node = Node::new(Policy::default());
        let one = node.counter("one", OnFall::Restart);
        let _ = one.brk.ask(Break::ByStopping).await;
        assert_eq!(one.total.ask(Total).await, Ok(0));
        assert_eq!(
            one.falls_and_restarts(),
            (0, 1),
            "a restart, but not a panic"
        );
    });
}

#[test]
fn hooks_do_not_run_on_the_state_that_fell() {
    virtually(async {
        let mut node = Node::new(Policy {
            falls: 0,
            ..Policy::default()
        });
        let one = node.counter("one", OnFall::Close);
        let _two = node.counter("two", OnFall::Restart);
        one.fall().await;
        assert_eq!(node.journal(), ["one started", "two started"]);
        let journal = node.journal.clone();
        node.spawner.children().stop().await;
        assert_eq!(*journal.lock(), ["two stopped"]);
    });
}

/// Panics in hooks as often as it is told to.
struct Brittle {
    started: u32,
    restarting: u32,
    stopping: u32,
    log: Arc<AtomicU32>,
}

fn strike(left: &mut u32, text: &str) {
    if let Some(less) = left.checked_sub(1) {
        *left = less;
        panic!("{text}");
    }
}

impl Actor for Brittle {
    type Context = Ctx<Self>;

    fn started(&mut self, _: &mut Ctx<Self>) {
        strike(&mut self.started, "boom in started");
    }

    fn stopping(&mut self, _: &mut Ctx<Self>) -> Running {
        self.log.fetch_add(1, Relaxed);
        strike(&mut self.stopping, "boom in stopping");
        Running::Stop
    }
}

impl Supervised for Brittle {
    fn restarting(&mut self, _: &mut Ctx<Self>) {
        strike(&mut self.restarting, "boom in restarting");
    }
}

impl Handler<Total> for Brittle {
    type Result = u64;

    fn handle(&mut self, _: Total, _: &mut Ctx<Self>) -> u64 {
        42
    }
}

fn brittle(node: &mut Node, started: u32, restarting: u32, stopping: u32) -> Port<Total> {
    let inbox = Inbox::<Brittle>::new(8);
    let port = inbox.port();
    let make = move |_: &mut _| Brittle {
        started,
        restarting,
        stopping,
        log: Arc::default(),
    };
    node.spawner
        .spawn(&Arbiter::current(), inbox, OnFall::Restart, make);
    port
}

#[test]
fn a_panic_in_started_or_restarting_is_a_fall_like_any_other() {
    virtually(async {
        let mut node = Node::new(Policy::default());
        let port = brittle(&mut node, 1, 1, 0);
        assert_eq!(port.ask(Total).await, Ok(42));
        let row = node.spawner.actors().rows().remove(0);
        assert_eq!((row.panics, row.restarts), (2, 1));
        assert_eq!(row.last_panic.as_deref(), Some("boom in restarting"));
    });
}

#[test]
fn a_panic_in_stopping_is_counted_and_does_not_abort_the_process() {
    virtually(async {
        let mut node = Node::new(Policy::default());
        let port = brittle(&mut node, 0, 0, 1);
        assert_eq!(port.ask(Total).await, Ok(42));
        let actors = node.spawner.actors();
        node.spawner.children().stop().await;
        let row = actors.rows().remove(0);
        assert_eq!((row.panics, row.state), (1, State::Stopped));
    });
}

/// In plain actix, `stopping` would run while a handler's panic unwinds; a second panic aborts.
#[test]
fn a_system_that_ends_over_a_fallen_actor_does_not_call_its_hooks() {
    let log = Arc::new(AtomicU32::new(0));
    let seen = log.clone();
    virtually(async {
        let mut node = Node::new(Policy::default());
        let inbox = Inbox::<Brittle>::new(8);
        let make = |_: &mut _| Brittle {
            started: 1,
            restarting: 0,
            stopping: 9,
            log,
        };
        node.spawner
            .spawn(&Arbiter::current(), inbox, OnFall::Restart, make);
        nap(2).await; // less than the wait for its restart
        assert_eq!(node.spawner.actors().rows()[0].state, State::Fallen);
    });
    assert_eq!(seen.load(Relaxed), 0);
}

/// Ticks by a timer that it re-arms, and cancels another one just before it panics.
struct Ticker {
    ticks: Arc<AtomicUsize>,
    spare: SpawnHandle,
}

impl Actor for Ticker {
    type Context = Ctx<Self>;

    fn started(&mut self, ctx: &mut Ctx<Self>) {
        self.spare = ctx.run_later(Duration::from_millis(10), |this, _| {
            this.ticks.fetch_add(1, Relaxed);
        });
    }
}

impl Supervised for Ticker {}

impl Handler<Break> for Ticker {
    type Result = ();

    fn handle(&mut self, _: Break, ctx: &mut Ctx<Self>) {
        ctx.cancel_future(self.spare);
        panic!("boom");
    }
}

fn ticker(node: &mut Node) -> (Port<Break>, Arc<AtomicUsize>) {
    let inbox = Inbox::<Ticker>::new(8);
    let ticks = Arc::new(AtomicUsize::new(0));
    let (port, seen) = (inbox.port(), ticks.clone());
    let make = |_: &mut _| Ticker {
        ticks,
        spare: SpawnHandle::default(),
    };
    node.spawner
        .spawn(&Arbiter::current(), inbox, OnFall::Restart, make);
    (port, seen)
}

/// Spawn handles count from one again after a restart, while actix keeps cancellations that it has
/// not carried out yet: the re-armed timer has the number of the cancelled one and would be lost.
#[test]
fn a_cancellation_from_before_a_panic_does_not_hit_the_timers_of_the_next_life() {
    virtually(async {
        let mut node = Node::new(Policy::default());
        let (port, ticks) = ticker(&mut node);
        assert_eq!(port.ask(Break::InHandler).await, Err(AskError::Died));
        nap(100).await;
        assert_eq!(ticks.load(Relaxed), 1);
    });
}

#[test]
fn an_actor_lives_on_when_nobody_holds_a_port_to_it() {
    virtually(async {
        let mut node = Node::new(Policy::default());
        let (port, ticks) = ticker(&mut node);
        drop(port);
        nap(100).await;
        assert_eq!(ticks.load(Relaxed), 1);
        let row = node.spawner.actors().rows().remove(0);
        assert_eq!((row.state, row.restarts), (State::Running, 0));
    });
}

struct Work(Duration);
impl Message for Work {
    type Result = ();
}

/// Counts the work it has done, and how much that was when its first timer fired.
#[derive(Default)]
struct Busy {
    done: Arc<AtomicUsize>,
    at_timer: Arc<AtomicUsize>,
}

impl Actor for Busy {
    type Context = Ctx<Self>;

    fn started(&mut self, ctx: &mut Ctx<Self>) {
        ctx.run_later(Duration::from_millis(1), |this, _| {
            this.at_timer.store(this.done.load(Relaxed), Relaxed);
        });
    }
}

impl Supervised for Busy {}

impl Handler<Work> for Busy {
    type Result = ();

    fn handle(&mut self, Work(time): Work, _: &mut Ctx<Self>) {
        let began = Instant::now();
        while began.elapsed() < time {}
        self.done.fetch_add(1, Relaxed);
    }
}

/// Measured in messages, not in milliseconds: a slow machine cannot make it fail.
#[test]
fn a_flood_holds_back_neither_timers_nor_neighbours() {
    const FLOOD: usize = 2000;
    System::new().block_on(async {
        let mut node = Node::new(Policy::default());
        let inbox = Inbox::<Busy>::new(FLOOD);
        let port = inbox.port();
        for _ in 0..FLOOD {
            port.tell(Work(Duration::from_micros(50))).unwrap();
        }
        let busy = Busy::default();
        let (done, at_timer) = (busy.done.clone(), busy.at_timer.clone());
        node.spawner
            .spawn(&Arbiter::current(), inbox, OnFall::Restart, move |_| busy);
        let calm = node.counter("calm", OnFall::Restart);
        assert_eq!(calm.total.ask(Total).await, Ok(0));
        let at_neighbour = done.load(Relaxed);
        assert!(
            at_neighbour <= 8 * 32,
            "the neighbour waited for {at_neighbour} messages"
        );
        while port.depth() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(done.load(Relaxed), FLOOD);
        let at_timer = at_timer.load(Relaxed);
        assert!(
            (1..FLOOD / 2).contains(&at_timer),
            "its timer waited for {at_timer} messages"
        );
    });
}

#[test]
fn an_actor_that_cannot_be_made_ends_the_node_with_the_reason() {
    virtually(async {
        let mut node = Node::new(Policy::default());
        let inbox = Inbox::<Ticker>::new(8);
        let port = inbox.port::<Break>();
        let make = |_: &mut _| panic!("no ticks left");
        node.spawner
            .spawn(&Arbiter::current(), inbox, OnFall::Restart, make);
        nap(1).await;
        let last = "could not be made: no ticks left".to_owned();
        assert_eq!(
            node.end(),
            Some(EndReason::Lost {
                actor: "Ticker".into(),
                last
            })
        );
        assert_eq!(port.ask(Break::InHandler).await, Err(AskError::Closed));
    });
}
