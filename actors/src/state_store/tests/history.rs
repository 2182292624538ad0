//! The state after blocks of the past, as long as its version is kept.
use super::*;
use lockstep_protocol::ledger::{HistoryError, STATE_VERSIONS_KEPT, account_at, prove_account_at};

/// A chain of twice as many blocks as versions are kept, opened anew half way; every third block is
/// empty. What account 2 holds after each height.
fn grown(world: &World, dir: &Path) -> (Store, Ledger, Vec<u64>) {
    let mut store = world.open(dir, address(101)).unwrap();
    let mut ledger = world.ledger(&store);
    let mut held = vec![1_000];
    for height in 1..=2 * STATE_VERSIONS_KEPT {
        let nonce = held[held.len() - 1] - 1_000;
        let payment = (height % 3 != 0).then(|| world.pay(1, nonce, 2, 1));
        held.push(1_000 + nonce + payment.iter().len() as u64);
        world.grow(&store, &mut ledger, payment.into_iter().collect());
        if height == STATE_VERSIONS_KEPT {
            drop((
                std::mem::replace(&mut ledger, world.memory_ledger().0),
                store,
            ));
            store = world.open(dir, address(101)).unwrap();
            ledger = world.ledger(&store);
        }
    }
    (store, ledger, held)
}

/// Heights are pruned from the first on; how many are.
fn pruned(view: &StoreView) -> u64 {
    let after = |height| view.version_after(Height(height));
    let is_pruned = |height: &u64| matches!(after(*height), Err(HistoryError::Pruned { .. }));
    (0..).take_while(is_pruned).count() as u64
}

#[test]
fn the_last_heights_can_be_read_and_proved_and_older_ones_are_pruned() {
    let world = World::new(7);
    let dir = TempDir::new().unwrap();
    let (store, _ledger, held) = grown(&world, dir.path());
    let view = store.view().unwrap();
    let newest = 2 * STATE_VERSIONS_KEPT;
    let first = pruned(&view);
    // More heights than versions are there: empty blocks make none.
    assert!(first > 1 && newest - first > STATE_VERSIONS_KEPT, "{first}");
    let (height, earliest) = (Height(0), Height(first));
    let expected = HistoryError::Pruned { height, earliest };
    assert_eq!(view.version_after(height), Err(expected));
    for height in first..=newest {
        let version = view.version_after(Height(height)).unwrap();
        let found = account_at(&view, version, &address(2)).unwrap();
        assert_eq!(found.unwrap().balance, held[height as usize], "{height}");
        let block = view.block(Height(height)).unwrap().unwrap();
        let root = block.header().state_root;
        let proof = prove_account_at(&view, version, &address(2)).unwrap();
        assert_eq!(proof.verify(&root, &address(2)), Ok(found));
    }
    let ahead = view.version_after(Height(newest + 1)).unwrap_err();
    assert_eq!(ahead.code(), "not_committed");
}

#[test]
fn a_snapshot_serves_what_the_store_has_forgotten_since() {
    let world = World::new(7);
    let dir = TempDir::new().unwrap();
    let (store, mut ledger, held) = grown(&world, dir.path());
    let view = store.view().unwrap();
    let first = Height(pruned(&view));
    let version = view.version_after(first).unwrap();
    let nonce = held[held.len() - 1] - 1_000;
    for nonce in nonce..nonce + 4 {
        world.grow(&store, &mut ledger, vec![world.pay(1, nonce, 2, 1)]);
    }
    let forgotten = store.view().unwrap().version_after(first);
    assert_eq!(forgotten.unwrap_err().code(), "pruned");
    assert!(prove_account_at(&view, version, &address(2)).is_ok());
    let rows = store.read(|reading| reading.versions()).unwrap();
    assert_eq!(rows.len() as u64, STATE_VERSIONS_KEPT + 1);
}
