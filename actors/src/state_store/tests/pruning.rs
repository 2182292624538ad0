//! Old blocks go with new ones: whole, in bounded steps, and the file stops growing.
use super::super::layout::{META_EARLIEST, height_key};
use super::*;
use lockstep_protocol::ledger::{HistoryError, STATE_VERSIONS_KEPT, account};
use lockstep_protocol::limits::{PRUNED_BLOCKS_PER_BLOCK_MAX, PRUNED_BYTES_PER_BLOCK_MAX};
use lockstep_protocol::nouns::decided::DecidedBlock;

/// The blocks that are here and where the first of them stands; that rows of others are gone is
/// part of it.
pub(super) fn kept(store: &Store) -> (Height, Vec<DecidedBlock>, [usize; 5]) {
    let earliest = store.earliest().unwrap();
    let decided = store.decided(earliest, usize::MAX, usize::MAX).unwrap();
    let rows = store.read(|reading| {
        let tables = reading.tables;
        let tables = [
            &tables.blocks,
            &tables.certificates,
            &tables.receipts,
            &tables.locations,
            &tables.accusing,
        ];
        let mut rows = [0; 5];
        for (rows, table) in rows.iter_mut().zip(tables) {
            *rows = table.all(reading.txn)?.len();
        }
        Ok(rows)
    });
    (earliest, decided, rows.unwrap())
}

/// A chain of blocks with one payment each.
fn grow(world: &World, store: &Store, blocks: u64) -> Vec<Arc<CommitBatch>> {
    let mut ledger = world.ledger(store);
    let nonce = |ledger: &Ledger| ledger.head().height.0;
    let grown = (0..blocks).map(|_| {
        let payment = world.pay(1, nonce(&ledger), 2, 0);
        world.grow(store, &mut ledger, vec![payment])
    });
    grown.collect()
}

#[test]
fn only_so_many_blocks_are_kept_and_nothing_of_an_older_one_is_left() {
    let (world, dir, store) = opened();
    store.retain(Retention::Newest(5));
    let chain = grow(&world, &store, 12);
    let (earliest, decided, rows) = kept(&store);
    assert_eq!((earliest, decided.len()), (Height(8), 5));
    assert_eq!(rows, [5, 5, 5, 10, 0]);
    for (decided, batch) in decided.iter().zip(&chain[7..]) {
        assert_eq!(
            (&decided.block, &decided.certificate),
            (&batch.block, &batch.certificate)
        );
    }
    let old = &chain[6].block;
    assert_eq!(store.block(Height(7)), Ok(None));
    assert_eq!(store.certificate(Height(7)), Ok(None));
    assert_eq!(store.receipts(Height(7)), Ok(None));
    for id in [old.id(), old.block().transactions[0].id()] {
        assert_eq!(store.location(&id), Ok(None));
    }
    assert_eq!(store.decided(Height(7), 9, usize::MAX), Ok(vec![]));
    assert_eq!(account(&store, &address(1)).unwrap().unwrap().nonce, 12);

    let before = kept(&store);
    drop(store);
    let store = world.open(dir.path(), address(101)).unwrap();
    assert_eq!(kept(&store), before);
    // Whoever keeps all from now on keeps what is left.
    grow(&world, &store, 3);
    assert_eq!(kept(&store).0, Height(8));
}

#[test]
fn a_state_whose_header_is_gone_is_gone_with_it() {
    let (world, _dir, store) = opened();
    store.retain(Retention::Newest(5));
    grow(&world, &store, 12);
    let view = store.view().unwrap();
    let (height, earliest) = (Height(7), Height(8));
    let pruned = Err(HistoryError::Pruned { height, earliest });
    assert_eq!(view.version_after(height), pruned);
    assert_eq!(view.version_after(earliest), Ok(8));
    assert_eq!(store.read(|reading| reading.versions()).unwrap().len(), 5);
    let genesis = view.version_after(Height(0));
    assert!(
        matches!(genesis, Err(HistoryError::Pruned { .. })),
        "{genesis:?}"
    );
    // Of both the later height is told: whoever asks for that finds something.
    grow(&world, &store, STATE_VERSIONS_KEPT * 2);
    let view = store.view().unwrap();
    let head = view.head().unwrap().height.0;
    let earliest = Height(head - 4);
    let pruned = Err(HistoryError::Pruned { height, earliest });
    assert_eq!(view.version_after(height), pruned);
}

#[test]
fn a_long_chain_is_shortened_in_steps_while_it_goes_on() {
    let (world, dir, store) = opened();
    let blocks = 5 * PRUNED_BLOCKS_PER_BLOCK_MAX;
    grow(&world, &store, blocks);
    drop(store);
    let store = world.open(dir.path(), address(101)).unwrap();
    store.retain(Retention::Newest(10));
    let mut expected = 1;
    for height in blocks + 1..=blocks + 8 {
        grow(&world, &store, 1);
        expected = (expected + PRUNED_BLOCKS_PER_BLOCK_MAX).min(height - 9);
        let (earliest, decided, _) = kept(&store);
        assert_eq!(earliest, Height(expected));
        assert_eq!(decided.len() as u64, height + 1 - expected);
    }
    assert_eq!(kept(&store).0, Height(blocks + 8 - 9));
}

#[test]
fn a_run_of_blocks_takes_as_many_old_ones_away_as_if_they_came_alone() {
    let (world, _dir, store) = opened();
    let (mut ledger, memory) = world.memory_ledger();
    let run = (0..9).map(|nonce| {
        let batch = world.next(&mut ledger, vec![world.pay(1, nonce, 2, 0)]);
        memory.apply(&batch.changes);
        ledger.committed(&batch);
        batch
    });
    let run: Vec<_> = run.collect();
    store.retain(Retention::Newest(2));
    store.commit_run(&run).unwrap();
    let (earliest, decided, rows) = kept(&store);
    assert_eq!(
        (earliest, decided.len(), rows),
        (Height(8), 2, [2, 2, 2, 4, 0])
    );
}

/// However long the old blocks are, one goes with each new one; and not all of them at once.
#[test]
fn of_large_blocks_as_many_go_as_come() {
    let (world, dir, store) = opened();
    let mut ledger = world.ledger(&store);
    let mut nonce = 0;
    let mut large = |ledger: &mut Ledger, store: &Store| {
        let payments = (0..4_000).map(|i| world.pay(1, nonce + i, 2, 0));
        let batch = world.grow(store, ledger, payments.collect());
        nonce += 4_000;
        lockstep_protocol::codec::encode(batch.block.block()).len()
    };
    for _ in 0..6 {
        let bytes = large(&mut ledger, &store);
        assert!(6 * bytes > PRUNED_BYTES_PER_BLOCK_MAX, "{bytes} bytes");
    }
    drop((ledger, store));
    let store = world.open(dir.path(), address(101)).unwrap();
    let mut ledger = world.ledger(&store);
    store.retain(Retention::Newest(1));
    let first = large(&mut ledger, &store);
    let earliest = store.earliest().unwrap();
    let expected = 1 + PRUNED_BYTES_PER_BLOCK_MAX.div_ceil(first) as u64;
    assert_eq!(earliest, Height(expected));
}

#[test]
fn a_first_block_that_is_not_where_it_should_be_is_corruption() {
    for (earliest, gone) in [(Height(99), None), (Height(8), Some(8))] {
        let (world, dir, store) = opened();
        store.retain(Retention::Newest(5));
        grow(&world, &store, 12);
        let harm = store.write("harm", |tables, txn| {
            tables.meta.put(txn, META_EARLIEST, &earliest)?;
            if let Some(height) = gone {
                tables.blocks.delete(txn, &height_key(Height(height)))?;
            }
            Ok(())
        });
        harm.unwrap();
        drop(store);
        let error = world.open(dir.path(), address(101)).map(drop).unwrap_err();
        assert_eq!(error.exit_code(), 3, "{error}");
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    }
}

#[test]
fn an_old_block_that_has_rotted_stops_the_node_instead_of_leaving_its_rows_behind() {
    let (world, _dir, store) = opened();
    store.retain(Retention::Newest(5));
    grow(&world, &store, 12);
    let harm = store.write("harm", |tables, txn| {
        Ok(tables.blocks.put(txn, &height_key(Height(8)), &7u8)?)
    });
    harm.unwrap();
    let before = store.head();
    let mut ledger = world.ledger(&store);
    let batch = world.next(&mut ledger, vec![]);
    let error = store.commit_block(&batch).unwrap_err();
    assert_eq!(error.exit_code(), 3, "{error}");
    assert!(error.to_string().contains("at height 8"), "{error}");
    assert_eq!(store.head(), before);
}

/// P17 for a node that prunes: pages are used again, so after a while the file has its size.
#[test]
fn the_file_stops_growing() {
    let (world, dir, store) = opened();
    let bytes = || std::fs::metadata(dir.path().join(DATA_FILE)).unwrap().len();
    store.retain(Retention::Newest(300));
    grow(&world, &store, 1_000);
    let settled = bytes();
    grow(&world, &store, 3_000);
    let after = bytes();
    println!("{settled} bytes after 1000 blocks, {after} after 4000");
    assert!(after <= settled + settled / 10, "{settled} -> {after}");
    let twin = TempDir::new().unwrap();
    let all = World::new(7);
    let keeps_all = all.open(twin.path(), address(101)).unwrap();
    grow(&all, &keeps_all, 4_000);
    let unpruned = std::fs::metadata(twin.path().join(DATA_FILE))
        .unwrap()
        .len();
    println!("{unpruned} bytes if all are kept");
    assert!(unpruned > 2 * after, "{unpruned}");
}
