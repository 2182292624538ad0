//! `verify` of a directory whose first blocks are gone: by pruning, or because it began with a snapshot.
use super::super::layout::{META_EARLIEST, height_key, locations, value_key};
use super::super::write::Failure;
use super::*;
use heed::RwTxn;
use lockstep_protocol::ledger::{Receipt, STATE_VERSIONS_KEPT, account_key};
use std::fs;

const BLOCKS: u64 = 200;
const KEPT: u64 = 150;
const EARLIEST: u64 = BLOCKS - KEPT + 1;
/// The first height whose state can be read.
const BASE: u64 = BLOCKS - STATE_VERSIONS_KEPT;

/// Each block changes the state. Closed; and what came of each block.
fn used(retention: u64) -> (World, TempDir, Vec<Arc<CommitBatch>>) {
    let (world, dir, store) = opened();
    store.retain(Retention::Newest(retention));
    let mut ledger = world.ledger(&store);
    let batches = (0..BLOCKS).map(|nonce| {
        let to = 2 + (nonce % 50) as u8;
        let key = vec![nonce as u8 % 16];
        let act = match nonce % 3 {
            0 => world.pay(1, nonce, to, 1),
            1 => world.act(
                1,
                nonce,
                Action::Put {
                    key,
                    value: vec![9],
                },
            ),
            _ => world.act(1, nonce, Action::Delete { key }),
        };
        world.grow(&store, &mut ledger, vec![act])
    });
    let batches = batches.collect();
    drop((ledger, store));
    (world, dir, batches)
}

fn verified(world: &World, dir: &Path) -> Result<Report, StoreError> {
    verify(dir, &world.genesis, &world.rules, |_, _| {})
}

#[test]
fn what_is_left_of_a_pruned_chain_is_verified_and_what_cannot_be_is_said() {
    for kept in [KEPT, 20] {
        let (world, dir, batches) = used(kept);
        let mut told = 0;
        let report = verify(dir.path(), &world.genesis, &world.rules, |_, head| {
            assert_eq!(head, Height(BLOCKS));
            told += 1;
        });
        let report = report.unwrap();
        let head = batches.last().unwrap().head();
        assert_eq!(
            (report.height, report.block_id),
            (head.height, head.block_id)
        );
        let earliest = Height(BLOCKS - kept + 1);
        let executed_from = earliest.max(Height(BASE)).next();
        assert_eq!(
            (report.earliest, report.executed_from),
            (earliest, executed_from)
        );
        assert_eq!((report.certificates, report.transactions), (kept, kept));
        assert_eq!(told, kept);
        assert_eq!(report.state_root, head.state_root);
    }
}

/// Blocks that change nothing make no version of the state: the one of the first block is older.
#[test]
fn what_is_left_of_a_quiet_chain_is_verified() {
    let (world, dir, store) = opened();
    store.retain(Retention::Newest(10));
    let mut ledger = world.ledger(&store);
    for nonce in 0..44 {
        let act = (nonce % 11 == 3).then(|| world.pay(1, nonce / 11, 2, 1));
        world.grow(&store, &mut ledger, act.into_iter().collect());
    }
    drop((ledger, store));
    let report = verified(&world, dir.path()).unwrap();
    assert_eq!(
        (report.earliest, report.executed_from),
        (Height(35), Height(36))
    );
    assert_eq!((report.certificates, report.transactions), (10, 1));
}

#[test]
fn a_directory_that_began_with_a_snapshot_is_verified_from_there_on() {
    let (world, dir, _) = used(KEPT);
    let chain = (&world.genesis, Arc::new(Simulated) as Arc<dyn Scheme>);
    let (file, new) = (dir.path().join("file"), dir.path().join("new"));
    export(dir.path(), &file, chain, Some(Height(190)), |_, _| {}).unwrap();
    let anchor =
        lockstep_protocol::proofs::snapshot::Anchor::new(&world.genesis, Arc::new(Simulated), None);
    let chain = (&world.genesis, anchor.unwrap());
    import(&file, &new, chain, address(101), |_, _| {}).unwrap();
    let report = verified(&world, &new).unwrap();
    assert_eq!((report.earliest, report.height), (Height(190), Height(190)));
    // It goes on as the other did.
    let old = world.open(dir.path(), address(101)).unwrap();
    let store = world.open(&new, address(101)).unwrap();
    let mut ledger = world.ledger(&store);
    for decided in old.decided(Height(191), 99, usize::MAX).unwrap() {
        let batch = ledger.commit(&decided.block, decided.certificate).unwrap();
        store.commit_block(&batch).unwrap();
        ledger.committed(&batch);
    }
    drop((old, ledger, store));
    let report = verified(&world, &new).unwrap();
    assert_eq!(
        (report.earliest, report.height),
        (Height(190), Height(BLOCKS))
    );
    assert_eq!(report.executed_from, Height(191));
    assert_eq!(
        report.state_root,
        verified(&world, dir.path()).unwrap().state_root
    );
}

type Harm = fn(&Tables, &mut RwTxn<'_>, &[Arc<CommitBatch>]) -> Result<(), Failure>;

/// Rows with whole seals that no node would have written.
const HARMS: [(&str, &str, Harm); 11] = [
    ("a block of another height", "blocks", |t, txn, chain| {
        Ok(t.blocks
            .put(txn, &height_key(Height(60)), chain[60].block.block())?)
    }),
    (
        "a certificate that is forged",
        "certificates",
        |t, txn, chain| {
            let mut forged = (*chain[56].certificate).clone();
            forged.round = Round(3);
            Ok(t.certificates.put(txn, &height_key(Height(57)), &forged)?)
        },
    ),
    (
        "a certificate of another block",
        "certificates",
        |t, txn, chain| {
            Ok(t.certificates
                .put(txn, &height_key(Height(57)), &*chain[57].certificate)?)
        },
    ),
    ("receipts of no transaction", "receipts", |t, txn, _| {
        Ok(t.receipts
            .put(txn, &height_key(Height(55)), &Vec::<Receipt>::new())?)
    }),
    (
        "an id that leads to another block",
        "locations",
        |t, txn, chain| {
            let (_, elsewhere) = locations(&chain[60].block).next().unwrap();
            Ok(t.locations.put(txn, &chain[58].block.id().0, &elsewhere)?)
        },
    ),
    (
        "a row of a block that is gone",
        "blocks",
        |t, txn, chain| {
            Ok(t.blocks
                .put(txn, &height_key(Height(40)), chain[39].block.block())?)
        },
    ),
    (
        "a first height that is not the first",
        "locations",
        |t, txn, _| Ok(t.meta.put(txn, META_EARLIEST, &Height(EARLIEST + 1))?),
    ),
    ("money from nowhere", "root", |t, txn, _| {
        let rich = lockstep_protocol::codec::encode(&(9_999u64, 0u64));
        let key = value_key(&account_key(&address(60)), 0);
        Ok(t.values.put_bytes(txn, &key, rich)?)
    }),
    ("a value of a later version", "values", |t, txn, _| {
        let key = value_key(&account_key(&address(1)), BASE + 5);
        Ok(t.values.put_bytes(txn, &key, vec![1; 16])?)
    }),
    ("a node that nothing leads to", "nodes", |t, txn, _| {
        Ok(t.nodes.put_bytes(txn, &[0; 9], vec![1])?)
    }),
    ("a version that no block has made", "root", |t, txn, _| {
        let first = BASE.to_be_bytes();
        Ok(t.versions.put(txn, &first, &Height(BASE - 1))?)
    }),
];

#[test]
fn each_harm_is_found_where_nothing_can_be_executed_any_more_too() {
    let (world, dir, batches) = used(KEPT);
    let path = dir.path().join(DATA_FILE);
    let whole = fs::read(&path).unwrap();
    for (what, word, harm) in HARMS {
        let store = world.open(dir.path(), address(101)).unwrap();
        let harmed = store.write("harm", |tables, txn| harm(tables, txn, &batches));
        harmed.unwrap();
        drop(store);
        let error = verified(&world, dir.path()).expect_err(what);
        let text = error.to_string();
        assert_eq!(error.exit_code(), 3, "{what}: {text}");
        assert!(
            text.contains(word) && !text.contains('\n'),
            "{what}: {text}"
        );
        fs::write(&path, &whole).unwrap();
        fs::remove_file(dir.path().join("mark")).unwrap();
    }
    verified(&world, dir.path()).unwrap();
}
