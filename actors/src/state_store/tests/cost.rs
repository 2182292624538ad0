//! What a write costs. `cargo test --release -p lockstep-actors state_store::tests::cost --
//! --ignored --nocapture` prints the figures.
use super::*;
use lockstep_protocol::consensus::durable::{Persist, SignedMessage};
use std::time::{Duration, Instant};

fn report(what: &str, mut spent: Vec<Duration>) {
    spent.sort();
    let p50 = spent[spent.len() / 2];
    let p99 = spent[spent.len() * 99 / 100];
    println!("{what}: p50 {p50:?}, p99 {p99:?}");
}

fn measure(durability: Durability, count: usize) {
    let world = World::new(7);
    let dir = TempDir::new().unwrap();
    let (genesis, changes) = (&world.genesis, &world.changes);
    let map = DEFAULT_MAP_BYTES;
    let store = Store::open(dir.path(), durability, map, genesis, address(101), changes).unwrap();
    let mut ledger = world.ledger(&store);
    let block = world.next(&mut ledger, vec![]).block.clone();
    let persist = (0..count).map(|round| {
        let mut vote = world.vote(VoteKind::Prevote, 101, 1, round as u32, &block);
        vote.signature.0 = vec![7; 3_309];
        let signed = SignedMessage::Vote(vote);
        let record = Persist {
            signed,
            lock: None,
            block: None,
        };
        let start = Instant::now();
        store.persist(&[record]).unwrap();
        start.elapsed()
    });
    report(
        &format!("{durability:?}, persist one vote"),
        persist.collect(),
    );
    let empty = (0..count).map(|_| {
        let batch = world.next(&mut ledger, vec![]);
        commit(&store, &mut ledger, &batch)
    });
    report(
        &format!("{durability:?}, commit_block, empty"),
        empty.collect(),
    );
    let mut nonce = 0;
    let mut prepared = Vec::new();
    let full = (0..count / 10).map(|_| {
        let payments = (0..100).map(|i| world.pay(1, nonce + i, 2 + (nonce + i) as u8 % 200, 0));
        let payments = payments.collect();
        nonce += 100;
        let start = Instant::now();
        let batch = world.next(&mut ledger, payments);
        prepared.push(start.elapsed());
        commit(&store, &mut ledger, &batch)
    });
    report(
        &format!("{durability:?}, commit_block, 100 transfers"),
        full.collect(),
    );
    report(&format!("{durability:?}, prepare 100 transfers"), prepared);
}

fn commit(store: &Store, ledger: &mut Ledger, batch: &CommitBatch) -> Duration {
    let start = Instant::now();
    store.commit_block(batch).unwrap();
    let spent = start.elapsed();
    ledger.committed(batch);
    spent
}

#[test]
#[ignore = "prints figures"]
fn writes_that_survive_the_process() {
    measure(Durability::Process, 1_000);
}

#[test]
#[ignore = "prints figures"]
fn writes_that_survive_a_power_cut() {
    measure(Durability::Power, 300);
}

/// Rows that fill their pages, so that each page is read: nothing costs more.
#[test]
#[ignore = "prints figures"]
fn what_the_check_of_all_pages_costs() {
    let (_, dir, store) = opened();
    let mut rows = 0u64..;
    for _ in 0..8 {
        let fill = store.write("fill", |tables, txn| {
            for row in rows.by_ref().take(130_000) {
                tables
                    .nodes
                    .put_bytes(txn, &row.to_be_bytes(), vec![7; 200])?;
            }
            Ok(())
        });
        fill.unwrap();
    }
    drop(store);
    let path = dir.path().join(DATA_FILE);
    let bytes = std::fs::metadata(&path).unwrap().len();
    for _ in 0..3 {
        let start = Instant::now();
        let pages = page_check::check(&path).unwrap();
        let spent = start.elapsed();
        let per_second = bytes as f64 / 1e6 / spent.as_secs_f64();
        println!("{bytes} bytes, {pages} pages: {spent:?}, {per_second:.0} MB/s");
    }
}
