//! Snapshots: what is exported is imported, what is changed is refused, and nothing that was not
//! proven to its end opens.
use super::*;
use lockstep_protocol::ledger::{STATE_VERSIONS_KEPT, account, prove_account};
use lockstep_protocol::proofs::light_client::Checkpoint;
use lockstep_protocol::proofs::snapshot::{Anchor, OPENING_BYTES, SnapshotError};
use std::fs;

fn anchor(world: &World, trusted: Option<Checkpoint>) -> Anchor {
    Anchor::new(&world.genesis, Arc::new(Simulated), trusted).unwrap()
}

/// A chain with payments, records, deletions and empty blocks; closed. And its newest block.
fn used(blocks: u64, retention: Retention) -> (World, TempDir, Arc<CommitBatch>) {
    let (world, dir, store) = opened();
    store.retain(retention);
    let mut ledger = world.ledger(&store);
    let batches = (0..blocks).map(|nonce| {
        let own = nonce - nonce.div_ceil(4);
        let key = vec![nonce as u8 / 8];
        let act = match nonce % 4 {
            0 => None,
            1 => Some(world.pay(1, own, 2 + (nonce % 90) as u8, 1)),
            2 => Some(world.act(
                1,
                own,
                Action::Put {
                    key,
                    value: vec![9; 200],
                },
            )),
            _ if nonce % 8 == 3 => Some(world.act(1, own, Action::Delete { key })),
            _ => Some(world.pay(1, own, 2, 0)),
        };
        world.grow(&store, &mut ledger, act.into_iter().collect())
    });
    let newest = batches.last().unwrap();
    drop((ledger, store));
    (world, dir, newest)
}

fn exported(world: &World, dir: &Path, to: &Path) -> Result<Exported, SnapshotFileError> {
    let chain = (&world.genesis, Arc::new(Simulated) as Arc<dyn Scheme>);
    export(dir, to, chain, None, |_, _| {})
}

fn imported(world: &World, from: &Path, dir: &Path) -> Result<Imported, SnapshotFileError> {
    let chain = (&world.genesis, anchor(world, None));
    import(from, dir, chain, address(101), |_, _| {})
}

/// A chain, its snapshot, and where another may go.
struct Case {
    world: World,
    dir: TempDir,
    newest: Arc<CommitBatch>,
    file: PathBuf,
    new: PathBuf,
    _files: TempDir,
}

impl Case {
    fn new(blocks: u64, retention: Retention) -> Case {
        let (world, dir, newest) = used(blocks, retention);
        let files = TempDir::new().unwrap();
        let (file, new) = (files.path().join("snapshot"), files.path().join("data"));
        exported(&world, dir.path(), &file).unwrap();
        Case {
            world,
            dir,
            newest,
            file,
            new,
            _files: files,
        }
    }

    fn import(&self) -> Result<Imported, SnapshotFileError> {
        imported(&self.world, &self.file, &self.new)
    }

    fn refused(&self) -> SnapshotFileError {
        let error = self.import().unwrap_err();
        assert!(!self.new.exists(), "{error}");
        let mut part = self.new.as_os_str().to_owned();
        part.push(".importing");
        assert!(!Path::new(&part).exists(), "{error}");
        error
    }
}

#[test]
fn a_node_that_begins_with_a_snapshot_has_the_same_state_and_goes_on() {
    for retention in [Retention::All, Retention::Newest(20)] {
        let case = Case::new(300, retention);
        let world = &case.world;
        let looked = inspect(&case.file, anchor(world, None), |_, _| {}).unwrap();
        let made = case.import().unwrap();
        assert_eq!((made.contents, made.validator), (looked, address(101)));
        assert_eq!(looked.bytes, fs::metadata(&case.file).unwrap().len());
        assert_eq!(looked.state_root, case.newest.block.header().state_root);
        let old = world.open(case.dir.path(), address(101)).unwrap();
        let new = world.open(&case.new, address(101)).unwrap();
        let (mut old_ledger, mut new_ledger) = (world.ledger(&old), world.ledger(&new));
        assert_eq!(new.earliest(), Ok(Height(300)));
        let height = Height(300);
        assert_eq!(new.block(height), old.block(height));
        assert_eq!(new.receipts(height), old.receipts(height));
        let ids = [case.newest.block.id()].into_iter();
        let transactions = case.newest.block.block().transactions.iter();
        for id in ids.chain(transactions.map(|transaction| transaction.id())) {
            assert_eq!(new.location(&id), old.location(&id));
        }
        assert_eq!(new.block(Height(299)), Ok(None));
        for number in 1..=95 {
            let of = |store: &Store| account(store, &address(number)).unwrap();
            assert_eq!(of(&new), of(&old));
            let proof = prove_account(&new, &address(number)).unwrap();
            let root = new.head().unwrap().state_root;
            assert_eq!(proof.verify(&root, &address(number)).unwrap(), of(&old));
        }
        // Both take the same blocks, past the last old version of the state.
        let nonce = account(&old, &address(1)).unwrap().unwrap().nonce;
        new.retain(Retention::Newest(50));
        for more in 0..STATE_VERSIONS_KEPT + 20 {
            let payment = world.pay(1, nonce + more, 2 + (more % 50) as u8, 0);
            let batch = world.grow(&old, &mut old_ledger, vec![payment]);
            new_ledger.check(&batch.block).unwrap();
            let theirs = new_ledger.commit(&batch.block, batch.certificate.clone());
            let theirs = theirs.unwrap();
            new.commit_block(&theirs).unwrap();
            new_ledger.committed(&theirs);
        }
        let root = |store: &Store| store.head().unwrap().state_root;
        assert_eq!(root(&new), root(&old));
        // A snapshot of the one is a snapshot of the other, but for who signed its newest block.
        drop((old_ledger, new_ledger, old, new));
        let again = case.file.with_extension("again");
        let second = exported(world, &case.new, &again).unwrap();
        assert_eq!(second.contents.height, Height(320 + STATE_VERSIONS_KEPT));
        let third = case.file.with_extension("third");
        exported(world, case.dir.path(), &third).unwrap();
        assert_eq!(fs::read(again).unwrap(), fs::read(third).unwrap());
    }
}

#[test]
fn any_height_whose_state_and_block_are_here_can_be_exported() {
    let (world, dir, newest) = used(60, Retention::Newest(40));
    let to = dir.path().join("file");
    let at = |height: u64| {
        let chain = (&world.genesis, Arc::new(Simulated) as Arc<dyn Scheme>);
        let _ = fs::remove_file(&to);
        export(dir.path(), &to, chain, Some(Height(height)), |_, _| {})
    };
    for height in [60, 59, 41, 21] {
        assert_eq!(at(height).unwrap().contents.height, Height(height));
    }
    for height in [20, 0, 61] {
        let error = at(height).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{error}");
    }
    let store = world.open(dir.path(), address(101)).unwrap();
    assert_eq!(store.head().unwrap().block_id, newest.block.id());
}

/// The first block is there, and the state before it is not.
#[test]
fn a_directory_that_began_with_a_snapshot_of_the_first_block_is_whole() {
    let case = Case::new(1, Retention::All);
    case.import().unwrap();
    let verified = || verify(&case.new, &case.world.genesis, &case.world.rules, |_, _| {});
    let report = verified().unwrap();
    assert_eq!((report.earliest, report.height), (Height(1), Height(1)));
    assert_eq!(report.executed_from, Height(2));
    let store = case.world.open(&case.new, address(101)).unwrap();
    let mut ledger = case.world.ledger(&store);
    for nonce in 0..4 {
        let payment = case.world.pay(1, nonce, 2, 1);
        case.world.grow(&store, &mut ledger, vec![payment]);
    }
    drop((ledger, store));
    assert_eq!(verified().unwrap().height, Height(5));
}

#[test]
fn a_data_directory_may_be_written_with_a_slash_at_its_end() {
    let case = Case::new(3, Retention::All);
    let new = PathBuf::from(format!("{}/", case.new.display()));
    imported(&case.world, &case.file, &new).unwrap();
    assert!(case.world.open(&case.new, address(101)).is_ok());
    let names = fs::read_dir(&case.new).unwrap().map(|entry| entry.unwrap());
    assert!(names.map(|entry| entry.path()).all(|path| path.is_file()));
}

/// P9 for snapshots: whichever bit has flipped, and whichever bytes are gone or too many.
#[test]
fn every_flipped_bit_and_every_other_length_is_refused() {
    let case = Case::new(30, Retention::All);
    let whole = fs::read(&case.file).unwrap();
    let mut flips = 0;
    let mut refuse = |bytes: &[u8], what: &dyn std::fmt::Display| {
        fs::write(&case.file, bytes).unwrap();
        let error = inspect(&case.file, anchor(&case.world, None), |_, _| {}).unwrap_err();
        let expected = [2, 3, 4].contains(&error.exit_code());
        assert!(
            expected && !error.to_string().contains('\n'),
            "{what}: {error}"
        );
        flips += 1;
    };
    // A prime step: every region is met, and over the file every bit of a byte.
    for bit in (0..whole.len() * 8).step_by(13) {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        refuse(&bytes, &format!("bit {bit}"));
    }
    for bit in 0..OPENING_BYTES * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        refuse(&bytes, &format!("bit {bit}"));
    }
    for length in (0..whole.len()).step_by(97) {
        refuse(&whole[..length], &format!("{length} bytes"));
    }
    for more in [&[0][..], &[1, 2, 3], &[1, 0, 0, 0, 3], &[0; 4096]] {
        refuse(&[&whole[..], more].concat(), &"more bytes");
    }
    println!(
        "{flips} changed snapshots of {} bytes: 0 accepted",
        whole.len()
    );
    assert!(flips > 2_000);
    fs::write(&case.file, whole).unwrap();
    case.import().unwrap();
}

#[test]
fn what_is_refused_leaves_nothing_behind_and_says_by_its_code_what_it_was() {
    let case = Case::new(30, Retention::All);
    let whole = fs::read(&case.file).unwrap();
    let foreign = imported(&World::new(8), &case.file, &case.new).unwrap_err();
    assert_eq!(foreign.exit_code(), 4, "{foreign}");
    let head = case.newest.block.height();
    let trust = |id, height| {
        let checkpoint = Checkpoint {
            id,
            height: Height(height),
        };
        let chain = (&case.world.genesis, anchor(&case.world, Some(checkpoint)));
        import(&case.file, &case.new, chain, address(101), |_, _| {})
    };
    let other = trust(Hash([1; 32]), head.0).unwrap_err();
    assert_eq!(other.exit_code(), 4, "{other}");
    let elsewhere = trust(Hash([1; 32]), 7).unwrap_err();
    assert_eq!(elsewhere.exit_code(), 2, "{elsewhere}");
    assert!(elsewhere.to_string().contains("height 30"), "{elsewhere}");
    for cut in [whole.len() - 5, whole.len() / 2, 60] {
        fs::write(&case.file, &whole[..cut]).unwrap();
        assert_eq!(case.refused().exit_code(), 3);
    }
    fs::write(&case.file, &whole).unwrap();
    trust(case.newest.block.id(), head.0).unwrap();

    let taken = case.import().unwrap_err();
    assert_eq!(taken.exit_code(), 2, "{taken}");
    assert!(case.world.open(&case.new, address(101)).is_ok());
    let again = exported(&case.world, case.dir.path(), &case.file).unwrap_err();
    assert_eq!(again.exit_code(), 2, "{again}");
    let missing = imported(&case.world, Path::new("/nowhere"), &case.new.join("x"));
    assert_eq!(missing.unwrap_err().exit_code(), 2);
    let empty = TempDir::new().unwrap();
    let none = exported(&case.world, empty.path(), &case.new.join("y")).unwrap_err();
    assert_eq!(none.exit_code(), 2, "{none}");
}

#[test]
fn an_import_that_was_killed_leaves_no_directory_that_opens_and_the_next_one_takes_it_away() {
    let case = Case::new(200, Retention::All);
    let part = case.new.with_extension("importing");
    let begun = Store::attach(&part, Durability::Process, MAP_BYTES).unwrap();
    let write = begun.0.write("begin", |tables, txn| {
        Ok(tables.nodes.put_bytes(txn, &[1; 9], vec![1])?)
    });
    write.unwrap();
    let busy = case.import().unwrap_err();
    assert!(
        matches!(busy, SnapshotFileError::Store(StoreError::InUse(_))),
        "{busy}"
    );
    drop(begun);
    let error = case.world.open(&part, address(101)).map(drop).unwrap_err();
    assert_eq!(error.exit_code(), 3, "{error}");
    case.import().unwrap();
    assert!(!part.exists());
    assert!(case.world.open(&case.new, address(101)).is_ok());
}

/// A key that has never signed may sign from a snapshot; one that has must not, until its operator
/// says so.
#[test]
fn a_new_key_signs_from_a_snapshot_and_one_that_has_signed_observes() {
    let case = Case::new(30, Retention::All);
    case.import().unwrap();
    let record = case.new.with_extension("guard");
    begin_key_guard(&record, address(101)).unwrap();
    let store = case.world.open(&case.new, address(101)).unwrap();
    assert_eq!(
        store.guard_key(&record, false).unwrap(),
        KeyUse::Signs(Height(0))
    );
    let mut ledger = case.world.ledger(&store);
    case.world.grow(&store, &mut ledger, vec![]);
    drop((ledger, store));
    let store = case.world.open(&case.new, address(101)).unwrap();
    assert_eq!(
        store.guard_key(&record, false).unwrap(),
        KeyUse::Signs(Height(0))
    );
    drop(store);

    fs::remove_dir_all(&case.new).unwrap();
    case.import().unwrap();
    let store = case.world.open(&case.new, address(101)).unwrap();
    let key_use = store.guard_key(&record, false).unwrap();
    assert!(
        matches!(&key_use, KeyUse::Observes(reason) if reason.contains("new")),
        "{key_use:?}"
    );
    drop(store);
    let store = case.world.open(&case.new, address(101)).unwrap();
    assert_eq!(
        store.guard_key(&record, true).unwrap(),
        KeyUse::Signs(Height(33))
    );
}

#[test]
fn an_export_hands_out_nothing_that_it_cannot_prove() {
    let (world, dir, store) = opened();
    let mut ledger = world.ledger(&store);
    for nonce in 0..5 {
        world.grow(&store, &mut ledger, vec![world.pay(1, nonce, 2, 1)]);
    }
    let harm = store.write("harm", |tables, txn| {
        let key = super::super::layout::value_key(&[7; 32], 1);
        Ok(tables.values.put_bytes(txn, &key, vec![1])?)
    });
    harm.unwrap();
    drop((ledger, store));
    let to = dir.path().join("file");
    let error = exported(&world, dir.path(), &to).unwrap_err();
    assert_eq!(error.exit_code(), 3, "{error}");
    assert!(fs::read_dir(dir.path()).unwrap().all(|entry| {
        let name = entry.unwrap().file_name();
        !name.to_string_lossy().starts_with("file")
    }));
    let refused = SnapshotError::NoSnapshot.exit_code();
    assert_eq!(refused, 3);
}
