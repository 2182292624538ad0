//! The state after blocks of the past, as long as its version is kept.
use super::*;
use lockstep_protocol::ledger::{
    HistoryError, STATE_VERSIONS_KEPT, account_at, prove_account_at, version_after,
};

#[test]
fn the_last_heights_can_be_read_and_proved_and_older_ones_are_pruned() {
    let (world, dir, mut store) = opened();
    let mut ledger = world.ledger(&store);
    let (mut nonce, mut expected) = (0, vec![1_000]);
    for height in 1..=2 * STATE_VERSIONS_KEPT {
        // Every third block is empty: its state is that of the one before.
        let is_empty = height % 3 == 0;
        let payments = (!is_empty).then(|| world.pay(1, nonce, 2, 1));
        nonce += u64::from(!is_empty);
        world.grow(&store, &mut ledger, payments.into_iter().collect());
        expected.push(1_000 + nonce);
        if height == STATE_VERSIONS_KEPT {
            drop((
                std::mem::replace(&mut ledger, world.memory_ledger().0),
                store,
            ));
            store = world.open(dir.path(), address(101)).unwrap();
            ledger = world.ledger(&store);
        }
    }
    let (snapshot, newest) = (store.snapshot().unwrap(), Height(2 * STATE_VERSIONS_KEPT));
    let mut pruned = 0;
    for (height, balance) in expected.iter().enumerate() {
        let height = Height(height as u64);
        let version = match snapshot.version_after(height) {
            Ok(version) => version,
            Err(HistoryError::Pruned {
                height: asked,
                earliest,
            }) => {
                assert_eq!(asked, height);
                assert!(earliest > height && newest.0 - earliest.0 >= STATE_VERSIONS_KEPT);
                pruned += 1;
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        let held = account_at(&snapshot, version, &address(2))
            .unwrap()
            .unwrap();
        assert_eq!(held.balance, *balance, "{height}");
        let block = snapshot.block(height).unwrap().unwrap();
        let root = block.header().state_root;
        let proof = prove_account_at(&snapshot, version, &address(2)).unwrap();
        assert_eq!(proof.verify(&root, &address(2)), Ok(Some(held)));
    }
    assert!(pruned > 1, "{pruned}");
    assert!((pruned as u64) < STATE_VERSIONS_KEPT, "{pruned}");
    let ahead = snapshot.version_after(newest.next()).unwrap_err();
    assert_eq!(ahead.code(), "not_committed");
    // The same snapshot goes on to serve what the store has forgotten since.
    let last = Height(pruned);
    let version = snapshot.version_after(last).unwrap();
    for _ in 0..4 {
        world.grow(&store, &mut ledger, vec![world.pay(1, nonce, 2, 1)]);
        nonce += 1;
    }
    let forgotten = store.snapshot().unwrap().version_after(last).unwrap_err();
    assert_eq!(forgotten.code(), "pruned");
    assert!(prove_account_at(&snapshot, version, &address(2)).is_ok());
    let rows = store.read(|view| view.versions()).unwrap();
    assert_eq!(rows.len() as u64, STATE_VERSIONS_KEPT + 1);
    assert_eq!(
        version_after(&rows, newest, newest),
        snapshot.version_after(newest)
    );
}
