//! `verify` finds what a seal cannot: rows that are whole, and wrong.
use super::super::layout::offence_key;
use super::super::layout::{
    HeadRecord, META_HEAD, META_TRANSACTION, SIGNED_PREVOTE, height_key, locations, value_key,
};
use super::super::write::Failure;
use super::evidence_tables::{double, fork_of, grow_accusing};
use super::*;
use heed::RwTxn;
use lockstep_protocol::ledger::Receipt;
use lockstep_protocol::nouns::evidence::Evidence;
use std::fs;

const BLOCKS: u64 = 30;

/// A closed directory with a chain, and what came of each block.
fn used() -> (World, TempDir, Vec<Arc<CommitBatch>>) {
    let (world, dir, store) = opened();
    let mut ledger = world.ledger(&store);
    // Of height 1, whose blocks these are: before there is another.
    let [carried, waiting] = [102, 103].map(|number| double(&world, &mut ledger, number, 0));
    let fork = fork_of(&world, &mut ledger);
    let batches = (0..BLOCKS).map(|nonce| {
        if nonce == 9 {
            return grow_accusing(&world, &store, &mut ledger, vec![carried.clone()]);
        }
        let to = 2 + (nonce % 50) as u8;
        let own = nonce - nonce.div_ceil(3);
        let key = vec![7];
        let value = vec![8];
        let payments = match nonce {
            _ if nonce % 3 == 0 => Vec::new(),
            28 => vec![world.act(1, own, Action::Put { key, value })],
            29 => vec![world.act(1, own, Action::Delete { key })],
            _ => vec![world.pay(1, own, to, 5)],
        };
        world.grow(&store, &mut ledger, payments)
    });
    let batches = batches.collect();
    let newest = store.block(Height(BLOCKS)).unwrap().unwrap();
    let vote = world.vote(VoteKind::Prevote, 101, BLOCKS + 1, 0, &newest);
    let signed = lockstep_protocol::consensus::durable::SignedMessage::Vote(vote);
    let (lock, block) = (None, None);
    let persist = lockstep_protocol::consensus::durable::Persist {
        signed,
        lock,
        block,
    };
    store.persist(&[persist]).unwrap();
    store.keep_evidence(&waiting, &[]).unwrap();
    store.keep_fork(&fork).unwrap();
    drop((ledger, store));
    (world, dir, batches)
}

fn verified(world: &World, dir: &Path) -> Result<Report, StoreError> {
    verify(dir, &world.genesis, &world.rules, |_, _| {})
}

#[test]
fn a_whole_directory_is_reported_and_not_changed() {
    let (world, dir, batches) = used();
    let files = || -> Vec<_> {
        let entries = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().path());
        let mut files: Vec<_> = entries
            .map(|path| (path.clone(), fs::read(path).unwrap()))
            .collect();
        files.sort();
        files
    };
    let before = files();
    let mut told = Vec::new();
    let report = verify(dir.path(), &world.genesis, &world.rules, |height, head| {
        assert_eq!(head, Height(BLOCKS));
        told.push(height.0);
    });
    let report = report.unwrap();
    let head = batches.last().unwrap().head();
    assert_eq!(
        (report.height, report.block_id),
        (head.height, head.block_id)
    );
    assert_eq!(
        (report.state_root, report.certificates),
        (head.state_root, BLOCKS)
    );
    assert_eq!((report.transactions, report.validator), (20, address(101)));
    assert_eq!(told, (1..=BLOCKS).collect::<Vec<_>>());
    assert_eq!(files(), before);
    assert!(world.open(dir.path(), address(101)).is_ok());
}

#[test]
fn a_directory_at_genesis_is_whole() {
    let (world, dir, store) = opened();
    drop(store);
    assert_eq!(verified(&world, dir.path()).unwrap().height, Height(0));
}

type Harm = fn(&Tables, &mut RwTxn<'_>, &[Arc<CommitBatch>]) -> Result<(), Failure>;

/// Rows with whole seals that no node would have written.
const HARMS: [(&str, &str, u64, Harm); 20] = [
    ("a block of another height", "blocks", 7, |t, txn, chain| {
        Ok(t.blocks
            .put(txn, &height_key(Height(7)), chain[7].block.block())?)
    }),
    ("a block that is gone", "block", 12, |t, txn, _| {
        t.blocks.delete(txn, &height_key(Height(12)))?;
        Ok(())
    }),
    (
        "a certificate of another block",
        "certificates",
        5,
        |t, txn, chain| {
            Ok(t.certificates
                .put(txn, &height_key(Height(5)), &*chain[8].certificate)?)
        },
    ),
    (
        "a certificate that is forged",
        "certificates",
        5,
        |t, txn, chain| {
            let mut forged = (*chain[4].certificate).clone();
            forged.round = Round(3);
            Ok(t.certificates.put(txn, &height_key(Height(5)), &forged)?)
        },
    ),
    (
        "a certificate that is gone",
        "certificate",
        9,
        |t, txn, _| {
            t.certificates.delete(txn, &height_key(Height(9)))?;
            Ok(())
        },
    ),
    ("receipts of another block", "receipts", 3, |t, txn, _| {
        Ok(t.receipts
            .put(txn, &height_key(Height(3)), &Vec::<Receipt>::new())?)
    }),
    (
        "an id that leads to another block",
        "locations",
        3,
        |t, txn, chain| {
            let (_, elsewhere) = locations(&chain[3].block).next().unwrap();
            Ok(t.locations.put(txn, &chain[2].block.id().0, &elsewhere)?)
        },
    ),
    (
        "an id that no block has",
        "locations",
        BLOCKS,
        |t, txn, chain| {
            let (_, location) = locations(&chain[2].block).next().unwrap();
            Ok(t.locations.put(txn, &[7; 32], &location)?)
        },
    ),
    (
        "a block beyond the head",
        "blocks",
        BLOCKS + 1,
        |t, txn, chain| {
            Ok(t.blocks
                .put(txn, &height_key(Height(BLOCKS + 1)), chain[3].block.block())?)
        },
    ),
    ("money from nowhere", "values", BLOCKS, |t, txn, _| {
        let key = lockstep_protocol::ledger::account_key(&address(9));
        let rich = lockstep_protocol::codec::encode(&(9_999u64, 0u64));
        Ok(t.values.put_bytes(txn, &value_key(&key, 0), rich)?)
    }),
    (
        "an account that is gone",
        "nodes or values",
        BLOCKS,
        |t, txn, _| {
            let key = lockstep_protocol::ledger::account_key(&address(20));
            let found = t
                .values
                .last_in(txn, &(&value_key(&key, 0)[..]..=&value_key(&key, 99)[..]))?;
            let key = found.map(|(key, _)| key.to_vec()).unwrap_or_default();
            t.values.delete(txn, &key)?;
            Ok(())
        },
    ),
    (
        "a head with another root",
        "meta",
        BLOCKS,
        |t, txn, chain| {
            let mut head = HeadRecord::of(&chain[BLOCKS as usize - 1].head());
            head.state_root = Hash([7; 32]);
            Ok(t.meta.put(txn, META_HEAD, &head)?)
        },
    ),
    (
        "carried evidence that is gone",
        "accusing",
        10,
        |t, txn, _| {
            t.accusing.delete(txn, &height_key(Height(10)))?;
            Ok(())
        },
    ),
    ("other carried evidence", "accusing", 10, |t, txn, _| {
        Ok(t.accusing
            .put(txn, &height_key(Height(10)), &Vec::<Evidence>::new())?)
    }),
    (
        "evidence in a block that carries none",
        "accusing",
        11,
        |t, txn, chain| {
            let carried = &chain[9].block.block().evidence;
            Ok(t.accusing.put(txn, &height_key(Height(11)), carried)?)
        },
    ),
    (
        "evidence beyond the head",
        "accusing",
        BLOCKS,
        |t, txn, chain| {
            let carried = &chain[9].block.block().evidence;
            let key = height_key(Height(BLOCKS + 1));
            Ok(t.accusing.put(txn, &key, carried)?)
        },
    ),
    (
        "evidence under another offence",
        "evidence",
        1,
        |t, txn, chain| {
            let carried = &chain[9].block.block().evidence[0];
            let mut key = offence_key(&carried.offence());
            key[20] ^= 1;
            Ok(t.evidence.put(txn, &key, carried)?)
        },
    ),
    (
        "evidence that proves nothing",
        "evidence",
        1,
        |t, txn, _| {
            let world = World::new(7);
            let (mut ledger, _) = world.memory_ledger();
            let mut vote = |now: u64| {
                let draft = Draft {
                    proposer: address(101),
                    now: Timestamp(now),
                    transactions: vec![],
                    evidence: vec![],
                };
                let block = ledger.prepare(draft).unwrap().block;
                let mut vote = world.vote(VoteKind::Prevote, 104, 1, 0, &block);
                vote.signature = Signature(vec![7; 32]);
                vote
            };
            let [a, b] = [5_000, 6_000].map(&mut vote);
            let forged = Evidence::of_votes(a, b);
            let key = offence_key(&forged.offence());
            Ok(t.evidence.put(txn, &key, &forged)?)
        },
    ),
    ("a fork of one block", "forks", 1, |t, txn, _| {
        let world = World::new(7);
        let (mut ledger, _) = world.memory_ledger();
        let mut fork = fork_of(&world, &mut ledger);
        fork.fork.second = fork.fork.first.clone();
        Ok(t.forks.put(txn, &height_key(Height(1)), &fork)?)
    }),
    (
        "a vote that this validator has not signed",
        "signed",
        BLOCKS + 1,
        |t, txn, _| {
            let world = World::new(7);
            let (mut ledger, _) = world.memory_ledger();
            let block = world.next(&mut ledger, vec![]).block.clone();
            let vote = world.vote(VoteKind::Prevote, 102, BLOCKS + 1, 0, &block);
            Ok(t.signed.put(txn, SIGNED_PREVOTE, &vote)?)
        },
    ),
];

#[test]
fn each_harm_is_found_at_its_height_and_in_its_table() {
    let (world, dir, batches) = used();
    let path = dir.path().join(DATA_FILE);
    let whole = fs::read(&path).unwrap();
    for (what, table, height, harm) in HARMS {
        let store = world.open(dir.path(), address(101)).unwrap();
        store
            .write("harm", |tables, txn| harm(tables, txn, &batches))
            .unwrap();
        drop(store);
        let error = verified(&world, dir.path()).expect_err(what);
        assert_eq!(error.exit_code(), 3, "{what}: {error}");
        let text = error.to_string();
        let place = format!("{} is corrupt at height {height}: ", path.display());
        assert!(
            text.starts_with(&place) && text.contains(table),
            "{what}: {text}"
        );
        assert!(
            text.contains("restore it") && !text.contains('\n'),
            "{what}: {text}"
        );
        fs::write(&path, &whole).unwrap();
        fs::remove_file(dir.path().join("mark")).unwrap();
    }
    verified(&world, dir.path()).unwrap();
}

/// Anybody may ask for evidence: a node that met a broken seal then would end, after each start.
#[test]
fn a_flipped_bit_in_any_row_about_offences_is_found() {
    let (world, dir, batches) = used();
    let path = dir.path().join(DATA_FILE);
    let whole = fs::read(&path).unwrap();
    let store = world.open(dir.path(), address(101)).unwrap();
    let waiting = store.pending_evidence(9).unwrap();
    let forks = store.forks().unwrap();
    drop(store);
    let carried = batches[9].block.block().evidence.clone();
    use lockstep_protocol::codec::encode;
    let rows = [encode(&carried), encode(&waiting[0]), encode(&forks[0])];
    for (table, row) in ["accusing", "evidence", "forks"].iter().zip(rows) {
        // A row of some pages stands behind a header; what is shorter, behind its key. The block
        // that carries the evidence holds the same bytes without the count before them.
        let found = whole.windows(row.len()).position(|bytes| bytes == row);
        let at = found.unwrap() + row.len() / 2;
        let mut bytes = whole.clone();
        bytes[at] ^= 4;
        fs::write(&path, &bytes).unwrap();
        let error = verified(&world, dir.path()).expect_err(table);
        let text = error.to_string();
        assert_eq!(error.exit_code(), 3, "{text}");
        let seal = format!("table {table} has a broken seal");
        assert!(text.contains(&seal), "{text}");
    }
    fs::write(&path, &whole).unwrap();
    verified(&world, dir.path()).unwrap();
}

#[test]
fn a_sign_record_ahead_of_the_chain_is_found() {
    let (world, dir, batches) = used();
    let store = world.open(dir.path(), address(101)).unwrap();
    let vote = world.vote(VoteKind::Precommit, 101, BLOCKS + 2, 0, &batches[0].block);
    let put = |tables: &Tables, txn: &mut RwTxn<'_>| {
        Ok(tables.signed.put(txn, layout::SIGNED_PRECOMMIT, &vote)?)
    };
    store.write("harm", put).unwrap();
    drop(store);
    let error = verified(&world, dir.path()).unwrap_err();
    assert!(
        error.to_string().contains("beyond the height after"),
        "{error}"
    );
}

#[test]
fn a_database_that_fell_back_by_one_transaction_is_found_at_start_and_by_verify() {
    let (world, dir, _) = used();
    let path = dir.path().join(DATA_FILE);
    let mut bytes = fs::read(&path).unwrap();
    // The newest meta page claims to be two transactions older: LMDB goes on from the one before.
    let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let even = 16 + 128;
    let odd = 4_096 + 16 + 128;
    let newest = number(even).max(number(odd));
    let at = if number(even) > number(odd) {
        even
    } else {
        odd
    };
    bytes[at..at + 8].copy_from_slice(&(newest - 2).to_le_bytes());
    fs::write(&path, &bytes).unwrap();
    let found = verified(&world, dir.path()).unwrap_err();
    let Err(refused) = world.open(dir.path(), address(101)) else {
        panic!("it opened")
    };
    for error in [found, refused] {
        assert_eq!(error.exit_code(), 3);
        assert!(error.to_string().contains("fallen back"), "{error}");
    }
    // The other page claims to be newer than both.
    bytes[at..at + 8].copy_from_slice(&newest.to_le_bytes());
    let other = even + odd - at;
    bytes[other..other + 8].copy_from_slice(&(newest + 1).to_le_bytes());
    fs::write(&path, &bytes).unwrap();
    let Err(refused) = world.open(dir.path(), address(101)) else {
        panic!("it opened")
    };
    assert!(
        refused.to_string().contains("its tables are of"),
        "{refused}"
    );
}

#[test]
fn the_number_of_each_transaction_stands_in_its_tables() {
    let (_, _dir, store) = opened();
    for _ in 0..3 {
        store.write("nothing", |_, _| Ok(())).unwrap();
        let written: u64 = store
            .read(|reading| reading.meta(META_TRANSACTION))
            .unwrap();
        assert_eq!(written, store.inner.env.info().last_txn_id as u64);
    }
}

#[test]
fn a_directory_that_cannot_be_verified_says_why() {
    let (world, dir, store) = opened();
    let error = verified(&world, dir.path()).unwrap_err();
    assert!(matches!(error, StoreError::InUse(_)), "{error}");
    drop(store);
    let error = verified(&World::new(8), dir.path()).unwrap_err();
    assert!(matches!(error, StoreError::OtherChain { .. }), "{error}");
    let error = verified(&world, &dir.path().join("nowhere")).unwrap_err();
    assert_eq!(error.exit_code(), 2, "{error}");
    fs::remove_file(dir.path().join(DATA_FILE)).unwrap();
    let error = verified(&world, dir.path()).unwrap_err();
    assert!(
        error.exit_code() == 3 && error.to_string().contains("gone"),
        "{error}"
    );
}
