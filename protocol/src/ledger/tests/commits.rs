//! Overlays, verdicts, heads, and what genesis gives.
use super::*;
use crate::limits::OVERLAYS_MAX;

#[test]
fn the_genesis_state_has_a_golden_root() {
    let changes = Ledger::genesis_changes(&World::new().genesis).unwrap();
    let golden = "0xe879192e78273ffdfbd4003ea8852defd9ffb00ae2365b119603acc1237d9670";
    assert_eq!(changes.root.to_string(), golden);
    assert_eq!(changes.version, 0);
}

#[test]
fn a_genesis_without_accounts_can_grow() {
    let mut world = World::new();
    world.genesis.accounts.clear();
    world.rules = Arc::new(ChainRules::new(&world.genesis, Arc::new(Simulated)).unwrap());
    let mut node = world.node();
    let mut user = User::new(1);
    let transaction = user.pay(&world, user.address, 0);
    let batch = node.grow(&world, vec![transaction]);
    assert_eq!(batch.receipts[0].status, Status::Success);
    assert_eq!(
        node.account(&user.address),
        Some(Account {
            balance: 0,
            nonce: 1
        })
    );
}

#[test]
fn genesis_accounts_out_of_order_or_beyond_64_bits_are_refused() {
    let mut genesis = World::new().genesis;
    genesis.accounts.swap(0, 1);
    assert_eq!(
        Ledger::genesis_changes(&genesis),
        Err(GenesisError::AccountOrder)
    );
    genesis.accounts.swap(0, 1);
    genesis.accounts[0].balance = u64::MAX;
    assert_eq!(Ledger::genesis_changes(&genesis), Err(GenesisError::Supply));
    genesis.accounts[1] = genesis.accounts[0].clone();
    assert_eq!(
        Ledger::genesis_changes(&genesis),
        Err(GenesisError::AccountOrder)
    );
}

#[test]
fn an_uncommitted_block_leaves_no_trace() {
    let world = World::new();
    let mut node = World::new().node();
    let mut user = User::new(1);
    let size = node.state.size();
    let head = node.ledger.head().clone();
    let first = user.pay(&world, User::new(2).address, 10);
    let prepared = node.prepare(&world, vec![first]);
    assert_eq!(node.ledger.check(&prepared.block), Ok(()));
    let certificate = world.certificate(&prepared.block, 0);
    let batch = node.ledger.commit(&prepared.block, certificate).unwrap();
    assert!(!batch.changes.is_empty());
    assert_eq!((node.state.size(), node.ledger.head()), (size, &head));
    assert_eq!(node.balance(&user), 1_000);
    // An empty block on the same head still has the genesis root.
    let empty = node.prepare(&world, vec![]).block;
    assert_eq!(empty.header().state_root, head.state_root);
}

#[test]
fn of_two_proposals_checked_at_one_height_either_can_be_committed() {
    let world = World::new();
    let mut builder = world.node();
    let mut a = world.node();
    let mut b = world.node();
    let to = User::new(2).address;
    let blocks = [10, 20].map(|amount| {
        let transaction = User::new(1).sign(&world, 0, to, amount);
        builder.prepare(&world, vec![transaction]).block
    });
    for node in [&mut a, &mut b] {
        assert!(
            blocks
                .iter()
                .all(|block| node.ledger.check(block) == Ok(()))
        );
    }
    a.commit(&world, &blocks[0]);
    b.commit(&world, &blocks[1]);
    assert_eq!(
        (a.balance(&User::new(2)), b.balance(&User::new(2))),
        (510, 520)
    );
    assert_eq!(a.ledger.head().state_root, blocks[0].header().state_root);
    assert_eq!(b.ledger.head().state_root, blocks[1].header().state_root);
}

#[test]
fn a_lost_overlay_is_executed_again_with_the_same_result() {
    let world = World::new();
    let mut node = World::new().node();
    let transaction = User::new(1).sign(&world, 0, User::new(2).address, 10);
    let block = node.prepare(&world, vec![transaction]).block;
    let certificate = world.certificate(&block, 0);
    let kept = node.ledger.commit(&block, certificate.clone()).unwrap();
    for time in 0..OVERLAYS_MAX as u64 {
        let draft = Draft {
            proposer: world.proposer(),
            now: Timestamp(10_000 + time),
            transactions: vec![],
            evidence: vec![],
        };
        node.ledger.prepare(draft).unwrap();
    }
    let again = node.ledger.commit(&block, certificate.clone()).unwrap();
    let restarted = world.node().ledger.commit(&block, certificate).unwrap();
    assert!(
        !Arc::ptr_eq(&kept.changes, &again.changes),
        "it was executed again"
    );
    assert!(kept == again && kept == restarted);
}

#[test]
fn an_empty_block_changes_neither_root_nor_version_nor_state() {
    let world = World::new();
    let mut node = World::new().node();
    let size = node.state.size();
    let head = node.ledger.head().clone();
    let batch = node.grow(&world, vec![]);
    assert!(batch.changes.is_empty());
    let after = node.ledger.head();
    assert_eq!(after.height, Height(1));
    assert_eq!(
        (after.state_root, after.state_version, node.state.size()),
        (head.state_root, head.state_version, size)
    );
    // Changes after empty blocks find the tree where it was left.
    node.grow(&world, vec![]);
    let transaction = User::new(1).sign(&world, 0, User::new(2).address, 10);
    node.grow(&world, vec![transaction]);
    assert_eq!(node.ledger.head().state_version, 1);
    assert_eq!(node.balance(&User::new(1)), 990);
}

#[test]
fn committed_told_twice_or_of_another_height_moves_nothing() {
    let world = World::new();
    let (mut node, mut late) = (world.node(), world.node());
    node.grow(&world, vec![]);
    let second = node.grow(&world, vec![]);
    let head = node.ledger.head().clone();
    node.ledger.committed(&second);
    assert_eq!(node.ledger.head(), &head);
    late.ledger.committed(&second);
    assert_eq!(late.ledger.head().height, Height(0));
}

#[test]
fn a_signature_is_verified_once_from_mempool_to_commit() {
    let world = World::new();
    let mut node = world.node();
    let mut user = User::new(1);
    let to = User::new(2).address;
    let (first, second) = (user.pay(&world, to, 1), user.pay(&world, to, 1));
    node.ledger
        .note_transaction(&first.leaf(), user.signer.public_key());
    let block = node.prepare(&world, vec![first, second]).block;
    assert_eq!(node.ledger.signatures_verified(), 1);
    assert_eq!(node.ledger.check(&block), Ok(()));
    node.commit(&world, &block);
    assert_eq!(node.ledger.signatures_verified(), 1);
}

#[test]
fn a_noted_transaction_does_not_vouch_for_another_signature_of_it() {
    let world = World::new();
    let mut node = World::new().node();
    let user = User::new(1);
    let good = user.sign(&world, 0, User::new(2).address, 1);
    node.ledger
        .note_transaction(&good.leaf(), user.signer.public_key());
    let mut bad = good.clone();
    bad.signature.0[3] ^= 1;
    assert_eq!(bad.id(), good.id());
    assert_eq!(node.prepare(&world, vec![bad]).rejected.len(), 1);
}

#[test]
fn memory_keeps_a_few_versions_and_no_more() {
    let world = World::new();
    let mut node = World::new().node();
    let mut user = User::new(1);
    let mut sizes = Vec::new();
    for _ in 0..3 * STATE_VERSIONS_KEPT {
        let transaction = user.pay(&world, User::new(2).address, 1);
        node.grow(&world, vec![transaction]);
        sizes.push(node.state.size());
    }
    let settled = &sizes[STATE_VERSIONS_KEPT as usize + 2..];
    assert!(settled.iter().all(|size| *size == settled[0]), "{sizes:?}");
}
