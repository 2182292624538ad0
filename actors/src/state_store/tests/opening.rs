//! Whose directory it is, who has it open, and what is left when it is closed.
use super::*;
use lockstep_protocol::wire::PROTOCOL_VERSION;
use std::fs;
use std::os::unix::fs::FileExt as _;

fn refused(result: Result<Store, StoreError>) -> StoreError {
    match result {
        Ok(_) => panic!("it opened"),
        Err(error) => error,
    }
}

#[test]
fn a_new_directory_begins_at_genesis() {
    let world = World::new(7);
    let dir = TempDir::new().unwrap();
    let deep = dir.path().join("a/b");
    let store = world.open(&deep, address(101)).unwrap();
    let expected = Head::genesis(&world.genesis, &world.changes);
    assert_eq!(store.head(), Ok(expected));
    assert_eq!(store.dir(), deep);
    assert_eq!(store.block(Height(0)), Ok(None));
    assert_eq!(store.recovery(), Ok(Default::default()));
}

#[test]
fn dropping_the_last_clone_closes_the_directory_twenty_times() {
    let world = World::new(7);
    let dir = TempDir::new().unwrap();
    for height in 0..20 {
        let store = world.open(dir.path(), address(101)).unwrap();
        assert_eq!(store.head().unwrap().height, Height(height));
        let clone = store.clone();
        let mut ledger = world.ledger(&store);
        let view = store.view().unwrap();
        world.grow(&store, &mut ledger, vec![world.pay(1, height, 2, 1)]);
        drop((ledger, store, clone));
        let in_use = refused(world.open(dir.path(), address(101)));
        assert!(
            matches!(in_use, StoreError::InUse(_)),
            "a view keeps it open"
        );
        assert_eq!(view.head().unwrap().height, Height(height));
    }
}

/// Whatever it had committed is there: that was durable when it was told.
#[test]
fn the_directory_of_a_node_that_was_killed_says_that_it_was_not_closed_in_good_order() {
    let world = World::new(7);
    let dir = TempDir::new().unwrap();
    let noted = || MarkFile::read_in(dir.path()).unwrap().unwrap();
    for (cut, height) in [(false, 1), (true, 2), (false, 3)] {
        let store = world.open(dir.path(), address(101)).unwrap();
        let mut ledger = world.ledger(&store);
        world.grow(&store, &mut ledger, vec![world.pay(1, height - 1, 2, 1)]);
        let clone = store.clone();
        if cut {
            store.cut();
        }
        drop((ledger, store, clone));
        let mark = noted();
        assert_eq!((mark.closed, mark.height), (!cut, Height(height)));
    }
}

#[test]
fn a_directory_in_use_is_refused_with_code_4() {
    let (world, dir, store) = opened();
    let error = refused(world.open(dir.path(), address(101)));
    assert_eq!(error.exit_code(), 4);
    let text = error.to_string();
    assert!(
        text.contains(dir.path().to_str().unwrap()) && text.contains("in use"),
        "{text}"
    );
    assert_eq!(
        store.head().unwrap().height,
        Height(0),
        "the owner is not disturbed"
    );
}

#[test]
fn another_chain_is_refused_with_code_4_and_both_hashes() {
    let (world, dir, store) = opened();
    drop(store);
    let other = World::new(8);
    let error = refused(other.open(dir.path(), address(101)));
    let (expected, found) = (other.genesis.hash(), world.genesis.hash());
    assert_foreign(&error, dir.path(), 0);
    let hashes = [
        expected.to_string(),
        found.to_string(),
        "other genesis".into(),
    ];
    assert_says(&error, &hashes);
    assert!(
        world.open(dir.path(), address(101)).is_ok(),
        "it was not changed"
    );
}

#[test]
fn another_key_is_refused_with_code_4_and_both_addresses() {
    let (world, dir, store) = opened();
    drop(store);
    let error = refused(world.open(dir.path(), address(102)));
    let (expected, found) = (address(102), address(101));
    assert_foreign(&error, dir.path(), 0);
    let addresses = [expected.to_string(), found.to_string(), "other key".into()];
    assert_says(&error, &addresses);
}

/// Code 4 and one line, which names the database and how far it got.
fn assert_foreign(error: &StoreError, dir: &Path, height: u64) {
    let site = FaultSite {
        file: Some(dir.join(DATA_FILE).display().to_string()),
        height: Some(Height(height)),
    };
    assert_eq!((error.site(), error.exit_code()), (Some(&site), 4));
    assert_says(error, &[site.to_string(), format!("at height {height} ")]);
}

fn assert_says(error: &StoreError, parts: &[String]) {
    let text = error.to_string();
    assert!(!text.contains('\n'), "{text}");
    for part in parts {
        assert!(text.contains(part), "{part:?} in: {text}");
    }
}

/// Whoever opens it, and not only a node that starts.
#[test]
fn verify_and_export_name_the_file_the_height_and_the_next_step_of_a_foreign_directory() {
    let (world, dir, store) = opened();
    let mut ledger = world.ledger(&store);
    for nonce in 0..3 {
        world.grow(&store, &mut ledger, vec![world.pay(1, nonce, 2, 1)]);
    }
    drop((ledger, store));
    let other = World::new(8);
    let verified = verify(dir.path(), &other.genesis, &other.rules, |_, _| {});
    let chain = (&other.genesis, Arc::new(Simulated) as Arc<dyn Scheme>);
    let exported = export(dir.path(), &dir.path().join("file"), chain, None, |_, _| {});
    let SnapshotFileError::Store(exported) = exported.unwrap_err() else {
        panic!("it is the directory's fault")
    };
    let started = refused(other.open(dir.path(), address(101)));
    for error in [verified.unwrap_err(), exported, started] {
        assert_foreign(&error, dir.path(), 3);
        assert_says(&error, &["choose another data directory".into()]);
    }
}

#[test]
fn a_halt_outlives_a_restart_and_the_first_one_stays() {
    let (world, dir, store) = opened();
    assert_eq!(store.halt(), Ok(None));
    store.remember_halt(Height(7)).unwrap();
    store.remember_halt(Height(9)).unwrap();
    drop(store);
    let store = world.open(dir.path(), address(101)).unwrap();
    assert_eq!(store.halt(), Ok(Some(Height(7))));
}

#[test]
fn another_layout_is_refused_with_code_4() {
    let (world, dir, store) = opened();
    let other = layout::LAYOUT + 1;
    store
        .write("test", |tables, txn| {
            Ok(tables.meta.put(txn, layout::META_LAYOUT, &other)?)
        })
        .unwrap();
    drop(store);
    let error = refused(world.open(dir.path(), address(101)));
    assert_foreign(&error, dir.path(), 0);
    assert_says(
        &error,
        &[format!("layout {other}"), "release that wrote it".into()],
    );
}

/// Its state holds votes that have no height, and its blocks follow other rules.
#[test]
fn a_chain_of_protocol_version_5_is_refused_by_a_sentence_that_says_so() {
    let (world, dir, store) = opened();
    store
        .write("test", |tables, txn| {
            Ok(tables.meta.put(txn, layout::META_LAYOUT, &5u32)?)
        })
        .unwrap();
    drop(store);
    let error = refused(world.open(dir.path(), address(101)));
    assert_foreign(&error, dir.path(), 0);
    let said = [
        "layout 5".into(),
        format!("layout {}", layout::LAYOUT),
        format!("protocol version {PROTOCOL_VERSION}"),
        "begin the chain anew".into(),
    ];
    assert_says(&error, &said);
}

#[test]
fn a_directory_that_cannot_be_made_is_a_matter_of_configuration_with_code_2() {
    let world = World::new(7);
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "no directory").unwrap();
    let error = refused(world.open(&file.join("data"), address(101)));
    assert!(matches!(error, StoreError::Directory { .. }));
    assert_eq!(error.exit_code(), 2);
}

#[test]
fn a_file_that_is_no_database_is_corrupt_with_code_3() {
    let world = World::new(7);
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("data.mdb"), vec![7; 65_536]).unwrap();
    let error = refused(world.open(dir.path(), address(101)));
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    assert_eq!(error.exit_code(), 3);
}

/// Otherwise a validator would begin anew and sign again what it has signed before.
#[test]
fn a_database_that_vanished_is_corrupt_and_not_begun_anew() {
    let (world, dir, store) = opened();
    drop(store);
    fs::remove_file(dir.path().join("data.mdb")).unwrap();
    let error = refused(world.open(dir.path(), address(101)));
    assert_eq!(error.exit_code(), 3);
    assert!(error.to_string().contains("database is gone"), "{error}");
}

/// LMDB follows what its pages say, out of the map if they say so. A stop in good order says nothing
/// about what the disk does afterwards, and a large file rots like a small one.
#[test]
fn a_garbled_page_of_a_large_database_is_corrupt_also_after_a_stop_in_good_order() {
    let (world, dir, store) = opened();
    let fill = store.write("fill", |tables, txn| {
        for row in 0..6_000u64 {
            tables
                .stale
                .put_bytes(txn, &row.to_be_bytes(), vec![7; 3_000])?;
        }
        Ok(())
    });
    fill.unwrap();
    drop(store);
    let path = dir.path().join(DATA_FILE);
    let whole = fs::read(&path).unwrap();
    assert!(whole.len() > 20 << 20);
    let is_branch = |page: &usize| {
        let number = (*page as u64 / 4_096).to_le_bytes();
        whole[*page..].starts_with(&number) && whole[page + 10..page + 12] == [1, 0]
    };
    let branches = (8_192..whole.len()).step_by(4_096).filter(is_branch);
    let branches: Vec<usize> = branches.collect();
    assert!(!branches.is_empty());
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    for page in branches {
        // The end of its list of nodes.
        file.write_at(&[whole[page + 12] ^ 0x40], page as u64 + 12)
            .unwrap();
        let error = refused(world.open(dir.path(), address(101)));
        assert_eq!(error.exit_code(), 3, "{error}");
        assert_says(&error, &[path.display().to_string(), "restore it".into()]);
        file.write_at(&whole[page + 12..page + 13], page as u64 + 12)
            .unwrap();
    }
    assert!(world.open(dir.path(), address(101)).is_ok());
}

#[test]
fn a_database_cut_short_is_an_error_and_not_the_end_of_the_process() {
    let (world, dir, store) = opened();
    let mut ledger = world.ledger(&store);
    for height in 0..20 {
        world.grow(&store, &mut ledger, vec![world.pay(1, height, 2, 1)]);
    }
    drop((ledger, store));
    let path = dir.path().join("data.mdb");
    let whole = fs::read(&path).unwrap();
    for pages in 2..whole.len() / 4_096 {
        fs::write(&path, &whole[..pages * 4_096]).unwrap();
        read_all_or_report(&world, dir.path());
    }
    fs::write(&path, &whole).unwrap();
    assert_eq!(
        world
            .open(dir.path(), address(101))
            .unwrap()
            .head()
            .unwrap()
            .height,
        Height(20)
    );
}

/// Flips bits all over the data file. What is read is right, or reported as corrupt.
#[test]
fn rot_is_never_a_wrong_answer() {
    let (world, dir, store) = opened();
    let mut ledger = world.ledger(&store);
    let batches: Vec<_> = (0..5)
        .map(|nonce| world.grow(&store, &mut ledger, vec![world.pay(1, nonce, 2, 1)]))
        .collect();
    drop((ledger, store));
    let path = dir.path().join("data.mdb");
    let whole = fs::read(&path).unwrap();
    let mut found = 0;
    // The two meta pages and page headers are LMDB's own and carry no seal: the walk stays in
    // records, where the first kilobytes of each page's upper half are.
    for at in (8_192..whole.len())
        .step_by(97)
        .filter(|at| at % 4_096 > 2_048)
    {
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.write_at(&[whole[at] ^ 0x20], at as u64).unwrap();
        match world.open(dir.path(), address(101)) {
            Err(error) => {
                found += 1;
                assert!([1, 2, 3, 4].contains(&error.exit_code()), "{error}");
            }
            Ok(store) => {
                for batch in &batches {
                    match store.block(batch.block.height()) {
                        Ok(block) => assert_eq!(block.as_ref(), Some(&batch.block), "at {at}"),
                        Err(error) => {
                            found += 1;
                            assert_eq!(error.exit_code(), 3);
                        }
                    }
                }
            }
        }
        file.write_at(&whole[at..=at], at as u64).unwrap();
    }
    assert!(found > 10, "the walk met records: {found}");
}

fn read_all_or_report(world: &World, dir: &Path) {
    let store = match world.open(dir, address(101)) {
        Ok(store) => store,
        Err(error) => return assert_eq!(error.exit_code(), 3, "{error}"),
    };
    for height in 0..=20 {
        for result in [
            store.block(Height(height)).map(|_| ()),
            store.certificate(Height(height)).map(|_| ()),
            store.receipts(Height(height)).map(|_| ()),
        ] {
            assert!(result.is_ok() || result.is_err_and(|error| error.exit_code() == 3));
        }
    }
}

#[test]
fn four_stores_in_one_process_do_not_meet() {
    let world = World::new(7);
    let dirs: Vec<_> = (0..4).map(|_| TempDir::new().unwrap()).collect();
    let stores: Vec<_> = (101..=104)
        .zip(&dirs)
        .map(|(number, dir)| world.open(dir.path(), address(number)).unwrap())
        .collect();
    for (count, store) in stores.iter().enumerate() {
        let mut ledger = world.ledger(store);
        for nonce in 0..count as u64 {
            world.grow(store, &mut ledger, vec![world.pay(1, nonce, 2, 1)]);
        }
    }
    for (count, store) in stores.iter().enumerate() {
        assert_eq!(store.head().unwrap().height, Height(count as u64));
    }
}

#[test]
fn both_durabilities_keep_what_was_written() {
    for durability in [Durability::Process, Durability::Power] {
        let world = World::new(7);
        let dir = TempDir::new().unwrap();
        let open = || {
            let (genesis, changes) = (&world.genesis, &world.changes);
            Store::open(
                dir.path(),
                durability,
                MAP_BYTES,
                genesis,
                address(101),
                changes,
            )
            .unwrap()
        };
        let store = open();
        let mut ledger = world.ledger(&store);
        let batch = world.grow(&store, &mut ledger, vec![world.pay(1, 0, 2, 1)]);
        drop((ledger, store));
        assert_eq!(open().head(), Ok(batch.head()));
    }
}

#[test]
fn a_used_up_map_says_so_and_reads_go_on() {
    let world = World::new(7);
    let dir = TempDir::new().unwrap();
    let (genesis, changes) = (&world.genesis, &world.changes);
    let map_bytes = 256 << 10;
    let process = Durability::Process;
    let store = Store::open(
        dir.path(),
        process,
        map_bytes,
        genesis,
        address(101),
        changes,
    )
    .unwrap();
    let mut ledger = world.ledger(&store);
    let mut nonce = 0;
    let error = loop {
        let batch = world.next(&mut ledger, vec![world.pay(1, nonce, 2, 1)]);
        match store.commit_block(&batch) {
            Ok(()) => ledger.committed(&batch),
            Err(error) => break error,
        }
        nonce += 1;
    };
    assert_eq!(error, StoreError::Full(map_bytes));
    assert_eq!(error.exit_code(), 2);
    assert_says(&error, &["snapshot export".into(), "retain_blocks".into()]);
    assert_eq!(store.head().unwrap().height, Height(nonce));
    let (block, receipts) = (
        store.block(Height(nonce + 1)),
        store.receipts(Height(nonce + 1)),
    );
    assert_eq!(
        (block, receipts),
        (Ok(None), Ok(None)),
        "half a block was written"
    );
}

/// A release that knew fewer tables: what it has written is not corrupt.
#[test]
fn a_layout_with_fewer_tables_is_another_layout_and_not_corruption() {
    let world = World::new(7);
    let dir = TempDir::new().unwrap();
    let mut options = heed::EnvOpenOptions::new().read_txn_without_tls();
    options.map_size(MAP_BYTES).max_dbs(layout::TABLES);
    // SAFETY: nobody else has the directory open.
    #[allow(unsafe_code)]
    let env = unsafe { options.open(dir.path()) }.unwrap();
    let meta = env
        .create_databases_and_commit(env.write_txn().unwrap(), |opener, txn| {
            let meta = opener.create_database(txn, Some("meta"))?;
            Ok::<_, heed::Error>(heed::CommitOrAbort::Commit::<_, ()>(meta))
        })
        .unwrap();
    let meta = table::Table::new("meta", meta.commit().unwrap());
    let mut txn = env.write_txn().unwrap();
    meta.put(&mut txn, layout::META_LAYOUT, &3u32).unwrap();
    txn.commit().unwrap();
    drop(env);
    let error = world.open(dir.path(), address(101)).map(drop).unwrap_err();
    let StoreError::OtherLayout { site, found: 3, .. } = &error else {
        panic!("{error}")
    };
    let file = dir.path().join(DATA_FILE).display().to_string();
    assert_eq!(site.file, Some(file), "it has no mark that names a height");
}
