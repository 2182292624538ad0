//! The history of accounts: which transactions an account has a part in, while it is kept.
use super::super::history::Kept;
use super::super::layout::META_HISTORY;
use super::*;
use std::time::{Duration, Instant};

const END: (Height, u32) = (Height(u64::MAX), 0);

fn whole(store: &Store, number: u8) -> Option<Vec<(u64, u32, Role)>> {
    let parts = store.history(&address(number), END, 100).unwrap()?;
    let parts = parts.iter();
    Some(
        parts
            .map(|part| (part.height.0, part.index, part.role))
            .collect(),
    )
}

/// Two blocks: 1 pays 2, 3 pays itself and keeps a record; 2 pays 1.
fn grow(world: &World, store: &Store) {
    let mut ledger = world.ledger(store);
    let (key, value) = (vec![7], vec![8]);
    let first = vec![
        world.pay(1, 0, 2, 5),
        world.pay(3, 0, 3, 5),
        world.act(3, 1, Action::Put { key, value }),
    ];
    world.grow(store, &mut ledger, first);
    world.grow(store, &mut ledger, vec![world.pay(2, 0, 1, 5)]);
}

/// As [`grow`] has made it, whatever order the block has.
fn assert_grown(store: &Store) {
    let place = |store: &Store, height: u64, number: u8, role: Role| {
        let parts = whole(store, number).expect("it is kept");
        let at = |part: &&(u64, u32, Role)| (part.0, part.2) == (height, role);
        assert_eq!(parts.iter().filter(at).count(), 1, "{number}: {parts:?}");
        assert!(
            parts.is_sorted_by(|a, b| (a.0, a.1) > (b.0, b.1)),
            "{parts:?}"
        );
        parts.len()
    };
    assert_eq!(place(store, 1, 1, Role::Sender), 2);
    assert_eq!(place(store, 2, 1, Role::Receiver), 2);
    assert_eq!(place(store, 1, 2, Role::Receiver), 2);
    assert_eq!(place(store, 2, 2, Role::Sender), 2);
    assert_eq!(place(store, 1, 3, Role::Both), 2);
    assert_eq!(place(store, 1, 3, Role::Sender), 2);
    assert_eq!(whole(store, 4), Some(vec![]));
}

fn assert_whole(world: &World, dir: &Path) {
    verify(dir, &world.genesis, &world.rules, |_, _| {}).expect("it is whole");
}

#[test]
fn an_account_has_a_part_in_what_it_sends_and_in_what_it_is_paid() {
    let (world, dir, store) = opened();
    store.keep_history(true).unwrap();
    grow(&world, &store);
    assert_grown(&store);
    // In pages, each before the last of the one before.
    let all = store.history(&address(1), END, 100).unwrap().unwrap();
    let first = store.history(&address(1), END, 1).unwrap().unwrap();
    let next = (first[0].height, first[0].index);
    let second = store.history(&address(1), next, 9).unwrap().unwrap();
    assert_eq!([first, second].concat(), all);
    drop(store);
    assert_whole(&world, dir.path());
}

#[test]
fn what_was_not_kept_is_built_and_what_is_not_wanted_goes() {
    let (world, dir, store) = opened();
    store.keep_history(false).unwrap();
    grow(&world, &store);
    assert_eq!(whole(&store, 1), None);
    store.keep_history(true).unwrap();
    assert_grown(&store);
    drop(store);
    assert_whole(&world, dir.path());
    let store = world.open(dir.path(), address(101)).unwrap();
    store.keep_history(false).unwrap();
    assert_eq!(whole(&store, 1), None);
    let rows = store.read(|reading| reading.tables.history.len(reading.txn));
    assert_eq!(rows, Ok(0));
    drop(store);
    assert_whole(&world, dir.path());
}

#[test]
fn a_build_that_was_interrupted_goes_on_where_it_was() {
    let (world, dir, store) = opened();
    grow(&world, &store);
    let below = |height: u64| {
        let put = store.write("test", |tables, txn| {
            let kept = Kept::Below(Height(height));
            Ok(tables.meta.put(txn, META_HISTORY, &kept)?)
        });
        put.unwrap();
    };
    below(1);
    assert_eq!(whole(&store, 1), None, "half a history is none");
    store.keep_history(true).unwrap();
    below(2);
    store.keep_history(true).unwrap();
    assert_grown(&store);
    drop(store);
    assert_whole(&world, dir.path());
}

#[test]
fn with_a_block_go_its_rows() {
    let (world, dir, store) = opened();
    store.keep_history(true).unwrap();
    store.retain(Retention::Newest(3));
    let mut ledger = world.ledger(&store);
    for nonce in 0..8 {
        world.grow(&store, &mut ledger, vec![world.pay(1, nonce, 2, 5)]);
    }
    for number in [1, 2] {
        let heights: Vec<u64> = whole(&store, number)
            .unwrap()
            .iter()
            .map(|it| it.0)
            .collect();
        assert_eq!(heights, [8, 7, 6]);
    }
    drop(ledger);
    drop(store);
    assert_whole(&world, dir.path());
}

#[test]
fn verify_finds_a_row_that_no_block_gives_and_one_that_is_gone() {
    type Harm = fn(&Tables, &mut heed::RwTxn<'_>, &[u8]) -> Result<(), heed::Error>;
    let harms: [Harm; 3] = [
        |tables, txn, key| tables.history.delete(txn, key).map(drop),
        |tables, txn, key| tables.history.put(txn, key, &Role::Both),
        |tables, txn, key| {
            tables
                .history
                .put(txn, &[key, &[7]].concat(), &Role::Sender)
        },
    ];
    for harm in harms {
        let (world, dir, store) = opened();
        store.keep_history(true).unwrap();
        grow(&world, &store);
        let first = store.read(|reading| {
            let rows = reading.tables.history.first(reading.txn, 1)?;
            Ok(rows[0].0.to_vec())
        });
        let first = first.unwrap();
        let harmed = store.write("test", |tables, txn| Ok(harm(tables, txn, &first)?));
        harmed.unwrap();
        drop(store);
        let found = verify(dir.path(), &world.genesis, &world.rules, |_, _| {});
        let error = found.unwrap_err().to_string();
        assert!(error.contains("history"), "{error}");
    }
}

/// What the index costs: at most 15 us and 200 bytes a transaction.
/// `cargo test --release -p lockstep-actors state_store::tests::accounts -- --ignored --nocapture`
#[test]
#[ignore = "prints figures"]
fn the_history_costs_microseconds_and_bytes_a_transaction() {
    const BLOCKS: u64 = 100;
    const PAYMENTS: u64 = 200;
    let mut seen = Vec::new();
    for keeps in [false, true] {
        let (world, _dir, store) = opened();
        store.keep_history(keeps).unwrap();
        let mut ledger = world.ledger(&store);
        let mut spent = Duration::ZERO;
        for block in 0..BLOCKS {
            let nonce = block * PAYMENTS;
            let pay = |i| world.pay(1, nonce + i, 2 + ((nonce + i) % 200) as u8, 0);
            let batch = world.next(&mut ledger, (0..PAYMENTS).map(pay).collect());
            let began = Instant::now();
            store.commit_block(&batch).unwrap();
            spent += began.elapsed();
            ledger.committed(&batch);
        }
        let filled = store.read(|reading| reading.tables.history.fills(reading.txn));
        seen.push((spent, filled.unwrap()));
    }
    let [(without, _), (with, bytes)] = seen[..] else {
        unreachable!()
    };
    let transactions = (BLOCKS * PAYMENTS) as f64;
    let micros = (with.as_secs_f64() - without.as_secs_f64()) * 1e6 / transactions;
    let bytes = bytes as f64 / transactions;
    println!(
        "history: {micros:.2} us and {bytes:.0} bytes a transaction (with {with:?}, without {without:?})"
    );
    assert!(bytes <= 200.0, "{bytes}");
}
