//! Committed blocks: written whole or not at all, and read back as they were.
use super::*;
use lockstep_protocol::ledger::{STATE_VERSIONS_KEPT, StateReader, account, prove_account, record};

#[test]
fn a_committed_block_is_read_back_with_all_that_belongs_to_it() {
    let (world, _dir, store) = opened();
    let mut ledger = world.ledger(&store);
    let transactions = vec![world.pay(1, 0, 2, 10), world.pay(1, 1, 2, 9_999)];
    let batch = world.grow(&store, &mut ledger, transactions);
    assert_eq!(store.head(), Ok(batch.head()));
    assert_eq!(store.head().as_ref(), Ok(ledger.head()));
    assert_eq!(store.block(Height(1)), Ok(Some(batch.block.clone())));
    assert_eq!(
        store.certificate(Height(1)),
        Ok(Some(batch.certificate.clone()))
    );
    assert_eq!(
        store.receipts(Height(1)),
        Ok(Some((*batch.receipts).clone()))
    );
    assert_eq!(
        account(&store, &address(2)).unwrap().unwrap().balance,
        1_010
    );
    assert_eq!(store.block(Height(2)), Ok(None));
    assert_eq!(store.receipts(Height(2)), Ok(None));
    let at = |transaction| {
        let height = Height(1);
        Ok(Some(Location {
            height,
            transaction,
        }))
    };
    assert_eq!(store.location(&batch.block.id()), at(None));
    for (transaction, index) in batch.block.block().transactions.iter().zip(0..) {
        assert_eq!(store.location(&transaction.id()), at(Some(index)));
    }
    assert_eq!(store.location(&Hash([7; 32])), Ok(None));
}

#[test]
fn a_block_that_does_not_follow_the_head_is_refused_and_nothing_is_written() {
    let (world, _dir, store) = opened();
    let mut ledger = world.ledger(&store);
    let first = world.next(&mut ledger, vec![world.pay(1, 0, 2, 10)]);
    let (mut ahead, memory) = world.memory_ledger();
    memory.apply(&first.changes);
    ahead.committed(&first);
    let second = world.next(&mut ahead, vec![world.pay(1, 1, 2, 10)]);
    let before = store.head().unwrap();

    let gap = store.commit_block(&second).unwrap_err();
    assert!(matches!(gap, StoreError::OutOfOrder(_)), "{gap}");
    assert_eq!(gap.exit_code(), 4);
    let mut version = (*first.changes).clone();
    version.version += 1;
    let mut wrong = (*first).clone();
    wrong.changes = Arc::new(version);
    assert!(store.commit_block(&wrong).is_err());
    let mut wrong = (*first).clone();
    wrong.certificate = second.certificate.clone();
    assert!(store.commit_block(&wrong).is_err());

    assert_eq!(store.head(), Ok(before));
    for height in [1, 2] {
        assert_eq!(store.block(Height(height)), Ok(None));
        assert_eq!(store.certificate(Height(height)), Ok(None));
        assert_eq!(store.receipts(Height(height)), Ok(None));
    }
    assert_eq!(
        account(&store, &address(2)).unwrap().unwrap().balance,
        1_000
    );

    store.commit_block(&first).unwrap();
    let written = store.head();
    // A committer that fell while it was written tells it again.
    store.commit_block(&first).unwrap();
    assert_eq!(store.head(), written);
    store.commit_block(&second).unwrap();
    let written = store.head();
    store.commit_block(&first).unwrap();
    assert_eq!(store.head(), written);
    let other = world.next(&mut world.memory_ledger().0, vec![]);
    let old = store.commit_block(&other).unwrap_err();
    assert!(matches!(old, StoreError::OutOfOrder(_)));
    let newest = store.inner.height.load(Ordering::Relaxed);
    assert_eq!(newest, 2, "what was told again is not taken for the newest");
}

/// Blocks that follow each other, the first of them on genesis.
fn chain(world: &World, blocks: u64) -> Vec<Arc<CommitBatch>> {
    let (mut ledger, memory) = world.memory_ledger();
    let batches = (0..blocks).map(|nonce| {
        let batch = world.next(&mut ledger, vec![world.pay(1, nonce, 2, 10)]);
        memory.apply(&batch.changes);
        ledger.committed(&batch);
        batch
    });
    batches.collect()
}

#[test]
fn a_run_of_blocks_is_written_in_one_transaction_whole_or_not_at_all() {
    let (world, _dir, store) = opened();
    let run = chain(&world, 5);
    let before = store.head();
    let mut wrong = run.clone();
    let mut changes = (*run[3].changes).clone();
    changes.version += 1;
    Arc::make_mut(&mut wrong[3]).changes = Arc::new(changes);
    assert!(store.commit_run(&wrong).is_err());
    assert!(store.commit_run(&[&*run[0], &*run[2]]).is_err(), "a gap");
    assert_eq!(store.head(), before);
    assert_eq!(store.block(Height(1)), Ok(None));

    let transaction = || store.inner.transaction.load(Ordering::Relaxed);
    let first = transaction();
    store.commit_run(&run).unwrap();
    assert_eq!(transaction(), first + 1);
    assert_eq!(store.head(), Ok(run[4].head()));
    for batch in &run {
        let height = batch.block.height();
        assert_eq!(store.block(height), Ok(Some(batch.block.clone())));
        assert_eq!(store.receipts(height), Ok(Some((*batch.receipts).clone())));
    }
    let (one_by_one, _dir2) = {
        let (_, dir, store) = opened();
        run.iter().for_each(|b| store.commit_block(b).unwrap());
        (store, dir)
    };
    assert_eq!(one_by_one.head(), store.head());
    let proof = |store: &Store| prove_account(store, &address(2)).unwrap();
    assert_eq!(proof(&store), proof(&one_by_one));
}

/// A committer that was rebuilt before a run was written begins at the same head, and not with the
/// same run.
#[test]
fn a_run_that_is_partly_written_already_goes_on_where_that_ends() {
    let (world, _dir, store) = opened();
    let run = chain(&world, 5);
    store.commit_run(&run[..3]).unwrap();
    store.commit_run(&run[..2]).unwrap();
    assert_eq!(store.head(), Ok(run[2].head()));
    store.commit_run(&run).unwrap();
    assert_eq!(store.head(), Ok(run[4].head()));
    store.commit_run(&run[..0]).unwrap();
    assert_eq!(store.head(), Ok(run[4].head()));
}

#[test]
fn a_block_on_another_parent_is_refused() {
    let (world, _dir, store) = opened();
    let mut ledger = world.ledger(&store);
    let mut other = world.memory_ledger().0;
    world.grow(&store, &mut ledger, vec![]);
    let fork = world.next(&mut other, vec![world.pay(1, 0, 2, 10)]);
    other.committed(&fork);
    let on_fork = world.next(&mut other, vec![]);
    assert!(matches!(
        store.commit_block(&on_fork),
        Err(StoreError::OutOfOrder(_))
    ));
}

/// A small generator: the same blocks every time, with failures, new accounts and empty blocks.
fn random(state: &mut u64, below: u64) -> u64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % below
}

#[test]
fn memory_and_lmdb_give_the_same_roots_for_a_random_sequence_of_blocks() {
    let (world, dir, mut store) = opened();
    let mut ledger = world.ledger(&store);
    let (mut memory_ledger, memory) = world.memory_ledger();
    let mut seed = 1;
    let mut nonces = [0u64; 21];
    for height in 1..=3 * STATE_VERSIONS_KEPT {
        let transactions = (0..random(&mut seed, 12)).map(|_| {
            let from = 1 + random(&mut seed, 20) as u8;
            let nonce = nonces[usize::from(from)];
            nonces[usize::from(from)] += 1;
            let to = 1 + random(&mut seed, 60) as u8;
            let key = vec![to % 8];
            let value = vec![to; 9];
            match random(&mut seed, 4) {
                0 => world.act(from, nonce, Action::Put { key, value }),
                1 => world.act(from, nonce, Action::Delete { key }),
                _ => world.pay(from, nonce, to, random(&mut seed, 400)),
            }
        });
        let transactions = transactions.collect();
        let batch = world.grow(&store, &mut ledger, transactions);
        memory_ledger.check(&batch.block).unwrap();
        let certificate = batch.certificate.clone();
        let in_memory = memory_ledger.commit(&batch.block, certificate).unwrap();
        assert_eq!(in_memory, batch, "height {height}");
        memory.apply(&in_memory.changes);
        memory_ledger.committed(&in_memory);
        if height % 10 == 0 {
            drop((
                std::mem::replace(&mut ledger, world.memory_ledger().0),
                store,
            ));
            store = world.open(dir.path(), address(101)).unwrap();
            ledger = world.ledger(&store);
        }
    }
    assert_eq!(store.head().as_ref(), Ok(memory_ledger.head()));
    for number in 1..=80 {
        let expected = account(&*memory, &address(number)).unwrap();
        assert_eq!(account(&store, &address(number)).unwrap(), expected);
    }
    let record_of = |reader: &dyn StateReader, number, key| {
        let found = record(reader, &address(number), &[key]);
        found.unwrap()
    };
    let mut records = 0;
    for (number, key) in (1..=20).flat_map(|number| (0..8).map(move |key| (number, key))) {
        let stored = record_of(&store, number, key);
        assert_eq!(stored, record_of(&*memory, number, key));
        records += usize::from(stored.is_some());
    }
    assert!((1..160).contains(&records), "{records} records");
    let held = store.read(|reading| {
        let (nodes, values) = (&reading.tables.nodes, &reading.tables.values);
        Ok(nodes.all(reading.txn)?.len() + values.all(reading.txn)?.len())
    });
    assert_eq!(held, Ok(memory.size()), "both forget the same old versions");
}

#[test]
fn a_snapshot_proves_against_its_own_head_while_blocks_go_on() {
    let (world, _dir, store) = opened();
    let mut ledger = world.ledger(&store);
    world.grow(&store, &mut ledger, vec![world.pay(1, 0, 2, 10)]);
    let view = store.view().unwrap();
    for nonce in 1..3 * STATE_VERSIONS_KEPT {
        world.grow(&store, &mut ledger, vec![world.pay(1, nonce, 2, 10)]);
    }
    let head = view.head().unwrap();
    assert_eq!(head.height, Height(1));
    assert_eq!(view.latest_version(), Ok(Some(1)));
    for number in [1, 2, 90] {
        let proof = prove_account(&view, &address(number)).unwrap();
        let proved = proof.verify(&head.state_root, &address(number)).unwrap();
        assert_eq!(proved, account(&view, &address(number)).unwrap());
        let newest = store.head().unwrap().state_root;
        assert!(proof.verify(&newest, &address(number)).is_err());
    }
}

#[test]
fn decided_blocks_come_in_ranges_bounded_by_count_and_bytes() {
    let (world, _dir, store) = opened();
    let mut ledger = world.ledger(&store);
    for _ in 0..10 {
        world.grow(&store, &mut ledger, vec![]);
    }
    let heights = |from, limit, bytes_max| -> Vec<u64> {
        let range = store.decided(Height(from), limit, bytes_max).unwrap();
        range
            .iter()
            .map(|d| {
                assert_eq!(d.certificate.block_id, d.block.id());
                d.block.height().0
            })
            .collect()
    };
    assert_eq!(heights(0, 3, 1 << 20), [1, 2, 3]);
    assert_eq!(heights(9, 100, 1 << 20), [9, 10]);
    assert_eq!(heights(4, 100, 0), [4], "one block always fits");
    assert!(heights(1, 100, 1_200).len() < 5);
    assert!(heights(11, 100, 1 << 20).is_empty() && heights(1, 0, 1 << 20).is_empty());
    assert!(heights(u64::MAX, 2, 1 << 20).is_empty());
}
