//! Everybody has turns, by what it has had of the thread.
use super::shares::{Shares, Whose};
use super::*;

fn whose(host: u8, connection: u64) -> Whose {
    let from = IpAddr::from([10, 0, 0, host]);
    Whose { from, connection }
}

/// Tasks that always have something to do: what each address and each connection has had after so
/// many turns. A turn of a connection costs what `cost` says.
fn run(all: &[Whose], turns: usize, cost: impl Fn(Whose) -> u64) -> BTreeMap<(IpAddr, u64), u64> {
    let mut shares = Shares::default();
    let mut had = BTreeMap::new();
    for (task, whose) in all.iter().enumerate() {
        shares.enter(*whose);
        shares.ready(*whose, task as u64);
    }
    for _ in 0..turns {
        let task = shares.next().expect("all are ready");
        let whose = all[task as usize];
        let spent = cost(whose);
        *had.entry((whose.from, whose.connection)).or_default() += spent;
        shares.spend(whose, Duration::from_nanos(spent));
        shares.ready(whose, task);
    }
    had
}

#[test]
fn one_address_with_many_connections_has_as_much_as_one_with_one() {
    let mut all: Vec<Whose> = (0..64).map(|connection| whose(1, connection)).collect();
    all.push(whose(2, 64));
    let had = run(&all, 20_000, |_| 1_000);
    let lone = had[&(whose(2, 64).from, 64)];
    assert_eq!(lone, 10_000 * 1_000);
}

#[test]
fn a_connection_with_heavy_requests_has_fewer_turns() {
    let all: Vec<Whose> = (0..8).map(|connection| whose(1, connection)).collect();
    let heavy = |whose: Whose| if whose.connection == 0 { 50_000 } else { 1_000 };
    let had = run(&all, 10_000, heavy);
    let (least, most) = (had.values().min(), had.values().max());
    assert!(most.unwrap() - least.unwrap() <= 50_000, "{had:?}");
}

#[test]
fn a_newcomer_waits_for_one_turn_and_pays_for_a_heavy_one() {
    let mut shares = Shares::default();
    let old: Vec<Whose> = (0..100).map(|connection| whose(1, connection)).collect();
    for whose in &old {
        shares.enter(*whose);
        shares.ready(*whose, whose.connection);
    }
    let turn = |shares: &mut Shares| {
        let task = shares.next().expect("somebody is ready");
        if task < 100 {
            shares.spend(old[task as usize], Duration::from_millis(1));
            shares.ready(old[task as usize], task);
        }
        task
    };
    for _ in 0..1_000 {
        turn(&mut shares);
    }
    for (host, task) in [(2, 101), (1, 100)] {
        let newcomer = whose(host, task);
        shares.enter(newcomer);
        shares.ready(newcomer, task);
        let waited = (0..).take_while(|_| turn(&mut shares) != task).count();
        assert!(waited <= 1, "{waited} turns");
        shares.spend(newcomer, Duration::from_millis(30));
        shares.ready(newcomer, task);
        let waited = (0..).take_while(|_| turn(&mut shares) != task).count();
        assert!(waited >= 19, "a heavy turn is paid for: {waited}");
    }
}

#[test]
fn whoever_leaves_leaves_nothing() {
    let turns = Roster::default();
    let turn = turns.open([10, 0, 0, 1].into());
    let count = Rc::new(std::cell::Cell::new(0));
    for _ in 0..3 {
        let count = count.clone();
        turn.spawn(async move {
            for _ in 0..5 {
                tokio::task::yield_now().await;
                count.set(count.get() + 1);
            }
        });
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(async {
        tokio::select! {
            never = turns.work() => match never {},
            () = async { while count.get() < 15 { tokio::task::yield_now().await } } => {}
        }
    });
    let tasks = turns.0.tasks.borrow();
    assert!(tasks.all.is_empty());
    assert_eq!(
        format!("{:?}", tasks.shares)
            .matches("Connection {")
            .count(),
        0
    );
}

/// A task holds its house, and that the roster: they kept each other, and the open database, when the
/// node had stopped.
#[test]
fn what_is_under_way_ends_with_the_work() {
    let roster = Roster::default();
    let held = Rc::new(());
    let (kept, house) = (held.clone(), roster.clone());
    roster.open([10, 0, 0, 1].into()).spawn(async move {
        std::future::pending::<()>().await;
        drop((kept, house));
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(async {
        tokio::select! {
            never = roster.work() => match never {},
            () = tokio::task::yield_now() => {}
        }
    });
    assert_eq!(Rc::strong_count(&held), 1);
}

/// Each was a task of its own once, and the runtime kept its panic to itself.
#[test]
fn a_panic_ends_one_connection_and_no_other() {
    let roster = Roster::default();
    let turn = roster.open([10, 0, 0, 1].into());
    let done = Rc::new(std::cell::Cell::new(false));
    turn.spawn(async { panic!("a fault of a handler") });
    let seen = done.clone();
    turn.spawn(async move { seen.set(true) });
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(async {
        tokio::select! {
            never = roster.work() => match never {},
            () = async { while !done.get() { tokio::task::yield_now().await } } => {}
        }
    });
    assert!(roster.0.tasks.borrow().all.is_empty());
}
