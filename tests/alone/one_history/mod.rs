//! P16: clients see one history. Programs send, wait, read and ask at four gateways while the nodes
//! behind them are killed (`kill -9`) and their links fail; every call and its answer is written
//! down, and a judge compares all of them with the one chain that is there in the end.
//!
//! What a node promises: a receipt is durable, and stays. "pending", "queued" and "known" mean that
//! this process keeps the transaction in memory, lists it until it has an end, and tells the
//! others; who wants to be sure waits for the receipt, or hands the same bytes in again.
//!
//! The seed decides what each client does, draw for draw, and the schedule of faults; how the
//! processes interleave it does not. `ONE_HISTORY_SEED` runs another one.
use crate::alone;

mod client;
mod forged;
mod gateway;
mod history;
mod judge;
mod ledger;
mod world;

use client::{Client, Random, Shared};
use history::History;
use lockstep_protocol::crypto::{self, SchemeId, Seed};
use lockstep_protocol::wire::Wire;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use world::World;

const CLIENTS: usize = 8;
/// Between two faults.
const CALM: Duration = Duration::from_millis(300);
/// For the transactions that are under way at the end.
const SETTLE: Duration = Duration::from_secs(60);

#[test]
fn clients_see_one_history_while_nodes_are_killed_and_cut_off() {
    run(4_000);
}

#[test]
#[ignore = "release tier: minutes"]
fn clients_see_one_history_over_a_hundred_thousand_operations() {
    run(100_000);
}

fn seed() -> u64 {
    let seed = std::env::var("ONE_HISTORY_SEED").ok();
    seed.map_or(16, |seed| seed.parse().expect("a number"))
}

fn clients(world: &World, shared: &Arc<Shared>, seed: u64) -> Vec<Client> {
    let scheme = crypto::scheme(SchemeId::MlDsa65);
    let client = |index| {
        let (_, secret) = world.network.key(&format!("account{index}.key"));
        let signer = scheme.signer(&Seed(secret)).expect("a key");
        Client::new(index, shared, signer, seed)
    };
    (0..CLIENTS).map(client).collect()
}

/// Harms the nodes until the clients are done: each kind of fault at least once.
fn harm(world: &mut World, seed: u64, shared: &Shared, done: &AtomicBool) {
    let mut random = Random(seed ^ 0xfa17);
    let mut kinds: Vec<u64> = (0..10).collect();
    while !done.load(Ordering::Relaxed) {
        std::thread::sleep(CALM);
        let draw = match kinds.len() {
            0 => random.below(10),
            left => kinds.swap_remove(random.index(left)),
        };
        world.harm(&mut random, draw);
        shared.harmed.fetch_or(kinds.is_empty(), Ordering::Relaxed);
    }
}

fn run(operations: usize) {
    let _alone = alone();
    let seed = seed();
    let began = Instant::now();
    let mut world = World::new(CLIENTS, seed, began);
    let context = world.network.context(0);
    let people = (0..CLIENTS).map(|index| world.network.key(&format!("account{index}.key")).0);
    let shared = Arc::new(Shared {
        began,
        context,
        urls: world.network.urls.clone(),
        people: people.collect(),
        left: operations.into(),
        harmed: false.into(),
        height: 0.into(),
        ids: Vec::new().into(),
    });
    let mut clients = clients(&world, &shared, seed);
    let done = AtomicBool::new(false);
    each(&mut clients, Client::introduce);
    std::thread::scope(|scope| {
        let world = &mut world;
        let shared = &*shared;
        let done = &done;
        let harm = scope.spawn(move || harm(world, seed, shared, done));
        each(&mut clients, Client::run);
        done.store(true, Ordering::Relaxed);
        harm.join().expect("the faults are over");
    });
    let harmed = began.elapsed();
    world.drain();
    let mut history = History {
        kills: world.kills.clone(),
        ..History::default()
    };
    collect(&mut history, &mut clients);
    world.audit(&mut history);
    let until = Instant::now() + SETTLE;
    each(&mut clients, |client| client.settle(until));
    world.drain();
    collect(&mut history, &mut clients);
    let wire = Wire::new(context.genesis_hash);
    let ending = world.ending(&wire, context.genesis_hash);
    let (violations, figures) = judge::judge(&history, &ending);
    report(&world, &history, harmed, &figures, ending.chain.len());
    assert!(
        violations.is_empty(),
        "seed {seed}: {} violations, first {:#?}",
        violations.len(),
        &violations[..violations.len().min(5)]
    );
    assert!(history.answered() >= operations);
}

/// All of them at once.
fn each(clients: &mut [Client], act: impl Fn(&mut Client) + Sync) {
    std::thread::scope(|scope| {
        for client in clients {
            let act = &act;
            scope.spawn(move || act(client));
        }
    });
}

fn collect(history: &mut History, clients: &mut [Client]) {
    for client in clients {
        history.calls.append(&mut client.calls);
        history.signed.append(&mut client.signed);
    }
}

fn report(
    world: &World,
    history: &History,
    harmed: Duration,
    figures: &judge::Figures,
    height: usize,
) {
    let faults = world.faults;
    println!(
        "{} operations answered of {} asked in {:.1} s; {} kill -9, {} partitions, {} lossy spells; \
         {height} blocks",
        history.answered(),
        history.calls.len(),
        harmed.as_secs_f64(),
        faults.kills,
        faults.partitions,
        faults.lossy,
    );
    println!("{figures:#?}");
}
