//! Who may sign: a directory that is older than what its key has signed observes until an operator
//! re-arms it.
use super::super::key_guard::{DirectoryName, DirectoryState, KeyMark, judge};
use super::super::sealed_file::SealedRecord;
use super::*;
use std::fs;

/// A directory and a key beside it.
struct Home {
    world: World,
    dir: TempDir,
}

impl Home {
    fn new() -> Home {
        let world = World::new(7);
        let dir = TempDir::new().unwrap();
        let home = Home { world, dir };
        begin_key_guard(&home.record(), address(101)).unwrap();
        home
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn record(&self) -> PathBuf {
        key_guard_file(&self.dir.path().join("key"))
    }

    fn open(&self) -> Store {
        self.world.open(&self.data(), address(101)).unwrap()
    }

    fn start(&self, rearm: bool) -> (Store, KeyUse) {
        let store = self.open();
        let key_use = store.guard_key(&self.record(), rearm).unwrap();
        (store, key_use)
    }

    /// Starts, commits `blocks`, stops.
    fn run(&self, blocks: u64) -> KeyUse {
        let (store, key_use) = self.start(false);
        let mut ledger = self.world.ledger(&store);
        for _ in 0..blocks {
            self.world.grow(&store, &mut ledger, vec![]);
        }
        key_use
    }

    fn backup(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let entries = fs::read_dir(self.data())
            .unwrap()
            .map(|e| e.unwrap().path());
        entries
            .map(|path| (path.clone(), fs::read(path).unwrap()))
            .collect()
    }

    fn restore(&self, backup: &[(PathBuf, Vec<u8>)]) {
        fs::remove_dir_all(self.data()).unwrap();
        fs::create_dir(self.data()).unwrap();
        backup
            .iter()
            .for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
    }
}

const SIGNS: KeyUse = KeyUse::Signs(Height(0));

#[track_caller]
fn assert_observes(key_use: &KeyUse, why: &str) {
    let KeyUse::Observes(reason) = key_use else {
        panic!("it signs: {key_use:?}")
    };
    assert!(
        reason.contains(why)
            && reason.contains("let it catch up, stop it, run lockstep arm, and start it"),
        "{reason}"
    );
}

#[test]
fn a_directory_signs_at_every_start_that_follows_its_own_stop() {
    let home = Home::new();
    for _ in 0..4 {
        assert_eq!(home.run(2), SIGNS);
    }
}

#[test]
fn a_directory_restored_from_before_the_last_start_observes_until_it_is_re_armed() {
    let home = Home::new();
    home.run(2);
    let backup = home.backup();
    home.run(3);
    home.restore(&backup);
    assert_observes(
        &home.run(0),
        "restored at height 2, the key got to height 5",
    );
    // It follows, and so grows past what the record says. That changes nothing.
    assert_observes(&home.run(10), "older");
    assert_observes(&home.run(0), "older");

    let (store, key_use) = home.start(true);
    assert_eq!(key_use, KeyUse::Signs(Height(14)));
    drop(store);
    assert_eq!(home.run(1), KeyUse::Signs(Height(14)));
    let again = home.start(true).1;
    assert_eq!(again, KeyUse::Signs(Height(14)), "its height is the next");
    assert_eq!(home.run(3), KeyUse::Signs(Height(14)));
    assert_eq!(home.run(0), KeyUse::Signs(Height(14)), "and stays armed");
}

/// Copied while the node ran, restored after it went on: same start, same generation.
#[test]
fn a_hot_copy_of_the_same_run_observes() {
    let home = Home::new();
    let (store, key_use) = home.start(false);
    assert_eq!(key_use, SIGNS);
    let mut ledger = home.world.ledger(&store);
    home.world.grow(&store, &mut ledger, vec![]);
    let backup = home.backup();
    home.world.grow(&store, &mut ledger, vec![]);
    drop((ledger, store));
    home.restore(&backup);
    assert_observes(&home.run(0), "older");
}

/// Not one block later, one vote: the record counts transactions.
#[test]
fn a_copy_that_lacks_a_single_signature_observes() {
    let home = Home::new();
    let (store, _) = home.start(false);
    let block = home.world.memory_ledger().0;
    let block = home.world.next(&mut { block }, vec![]).block.clone();
    let backup = home.backup();
    let vote = home.world.vote(VoteKind::Prevote, 101, 1, 0, &block);
    let persist = lockstep_protocol::consensus::durable::Persist {
        signed: lockstep_protocol::consensus::durable::SignedMessage::Vote(vote),
        lock: None,
        block: None,
    };
    store.persist(&[persist]).unwrap();
    drop(store);
    home.restore(&backup);
    assert_observes(&home.run(0), "older");
}

#[test]
fn a_new_directory_with_a_used_key_observes() {
    let home = Home::new();
    home.run(2);
    fs::remove_dir_all(home.data()).unwrap();
    assert_observes(&home.run(0), "this data directory is new");
}

/// A record that begins anew has forgotten what its key has signed: a directory believes it that has
/// neither a block nor a signature, and no other.
#[test]
fn a_new_record_beside_a_directory_with_a_block_or_a_single_vote_makes_an_observer() {
    let forget = |home: &Home| {
        fs::remove_file(home.record()).unwrap();
        begin_key_guard(&home.record(), address(101)).unwrap();
    };
    let empty = Home::new();
    empty.run(0);
    forget(&empty);
    assert_eq!(empty.run(0), SIGNS);

    let with_block = Home::new();
    with_block.run(1);
    forget(&with_block);
    assert_observes(&with_block.run(0), "does not know this data directory");

    let with_vote = Home::new();
    let (store, _) = with_vote.start(false);
    let mut ledger = with_vote.world.memory_ledger().0;
    let block = with_vote.world.next(&mut ledger, vec![]).block.clone();
    let vote = with_vote.world.vote(VoteKind::Prevote, 101, 1, 0, &block);
    let persist = lockstep_protocol::consensus::durable::Persist {
        signed: lockstep_protocol::consensus::durable::SignedMessage::Vote(vote),
        lock: None,
        block: None,
    };
    store.persist(&[persist]).unwrap();
    drop(store);
    forget(&with_vote);
    assert_observes(&with_vote.run(0), "does not know this data directory");
}

#[test]
fn a_lost_or_unreadable_record_beside_the_key_makes_an_observer() {
    let home = Home::new();
    home.run(2);
    fs::remove_file(home.record()).unwrap();
    assert_observes(&home.run(0), "is gone");
    let (store, key_use) = home.start(true);
    assert_eq!(key_use, KeyUse::Signs(Height(4)));
    drop(store);
    let mut bytes = fs::read(home.record()).unwrap();
    bytes[9] ^= 1;
    fs::write(home.record(), bytes).unwrap();
    assert_observes(&home.run(0), "cannot be read");
    fs::write(home.record(), vec![7; 100_000]).unwrap();
    assert_observes(&home.run(0), "cannot be read");
}

/// The key has signed up to height 3, the height after the newest that it saw committed.
#[test]
fn however_often_it_is_re_armed_it_never_signs_below_the_height_after_its_keys_last() {
    let home = Home::new();
    home.run(1);
    let backup = home.backup();
    home.run(8);
    home.restore(&backup);
    assert_eq!(home.start(true).1, KeyUse::Signs(Height(11)));
    for _ in 0..3 {
        assert_eq!(home.start(true).1, KeyUse::Signs(Height(10)));
    }
    assert_eq!(home.run(0), KeyUse::Signs(Height(10)));
}

#[test]
fn without_a_record_it_observes_once_before_an_operators_word_counts() {
    let home = Home::new();
    home.run(2);
    for lose in [
        |path: &Path| fs::remove_file(path).unwrap(),
        |path: &Path| {
            fs::write(path, [7; 90]).unwrap();
        },
    ] {
        lose(&home.record());
        fs::remove_dir_all(home.data()).unwrap();
        assert!(matches!(home.start(true).1, KeyUse::Observes(_)));
        // It catches up; where it got to is what its key may have got to.
        let (store, key_use) = home.start(false);
        assert!(matches!(key_use, KeyUse::Observes(_)));
        let mut ledger = home.world.ledger(&store);
        for _ in 0..6 {
            home.world.grow(&store, &mut ledger, vec![]);
        }
        drop((ledger, store));
        assert_eq!(home.start(true).1, KeyUse::Signs(Height(8)));
    }
}

#[test]
fn a_new_key_signs_at_its_first_start_on_whatever_chain_and_its_record_is_never_overwritten() {
    let home = Home::new();
    assert!(begin_key_guard(&home.record(), address(101)).is_err());
    assert_eq!(home.run(1), SIGNS);
    assert!(begin_key_guard(&home.record(), address(101)).is_err());
    assert_eq!(home.run(1), SIGNS);
}

#[test]
fn a_key_in_use_is_refused_with_code_4_and_so_is_the_record_of_another_key_or_chain() {
    let home = Home::new();
    let (store, _) = home.start(false);
    let other = home.world.open(&home.dir.path().join("b"), address(101));
    let other = other.unwrap();
    let error = other.guard_key(&home.record(), false).unwrap_err();
    assert!(matches!(error, StoreError::KeyInUse(_)), "{error}");
    assert_eq!(error.exit_code(), 4);
    let text = error.to_string();
    assert!(
        text.contains("key.guard") && text.contains("stop it"),
        "{text}"
    );
    drop((store, other));

    let other = home.world.open(&home.dir.path().join("c"), address(102));
    let error = other.unwrap().guard_key(&home.record(), true).unwrap_err();
    assert!(matches!(error, StoreError::OtherKey { .. }), "{error}");
    // The record, and not the directory, belongs to somebody else.
    let record = home.record().display().to_string();
    assert!(error.to_string().starts_with(&record), "{error}");
    assert_eq!(error.exit_code(), 4);
    let foreign = World::new(8).open(&home.dir.path().join("d"), address(101));
    let error = foreign
        .unwrap()
        .guard_key(&home.record(), true)
        .unwrap_err();
    assert!(matches!(error, StoreError::OtherChain { .. }), "{error}");
    let text = error.to_string();
    assert!(text.starts_with(&format!("{record} at height ")), "{text}");
    assert_eq!(home.run(0), SIGNS, "the record was not changed");
}

fn key(directory: u8, generation: u64) -> SealedRecord<KeyMark> {
    SealedRecord::Found(KeyMark {
        genesis: Hash::default(),
        validator: address(101),
        directory: [directory; 16],
        generation,
        transaction: 40,
        height: Height(9),
    })
}

fn here(generation: u64, transaction: u64, is_new: bool) -> DirectoryState {
    DirectoryState {
        genesis: Hash::default(),
        validator: address(101),
        origin: DirectoryName {
            directory: [1; 16],
            generation,
        },
        transaction,
        height: Height(8),
        is_new,
    }
}

#[test]
fn only_a_directory_that_is_not_behind_its_key_signs() {
    let (same, other) = (key(1, 5), key(2, 5));
    let (absent, unreadable) = (SealedRecord::Absent, SealedRecord::Unreadable);
    let unused = SealedRecord::Found(KeyMark::unused(address(101)));
    let cases = [
        ("same", &same, here(5, 40, false), true),
        ("killed before the note", &same, here(5, 41, false), true),
        ("killed between the two", &same, here(6, 41, false), true),
        ("one transaction less", &same, here(5, 39, false), false),
        ("an earlier start", &same, here(4, 99, false), false),
        ("the key's record is old", &same, here(7, 99, false), false),
        ("another directory", &other, here(5, 99, false), false),
        ("a new one", &other, here(0, 2, true), false),
        ("both new", &unused, here(0, 2, true), true),
        ("begun, not noted", &unused, here(1, 3, true), true),
        ("an unused key", &unused, here(1, 3, false), false),
        ("no record, new", &absent, here(0, 2, true), false),
        ("no record", &absent, here(5, 40, false), false),
        ("garbled", &unreadable, here(0, 2, true), false),
    ];
    for (what, key, here, signs) in cases {
        assert_eq!(judge(key, &here).is_ok(), signs, "{what}");
    }
}

/// It stopped voting, was started again, and signed beside the other node that has its key.
#[test]
fn a_key_that_was_met_at_work_elsewhere_is_not_trusted_until_it_is_re_armed() {
    let home = Home::new();
    home.run(3);
    let (store, key_use) = home.start(false);
    assert_eq!(key_use, KeyUse::Signs(Height(0)));
    store.distrust_key(Height(4)).unwrap();
    store.distrust_key(Height(9)).unwrap();
    drop(store);
    for _ in 0..2 {
        let (store, key_use) = home.start(false);
        assert_observes(&key_use, "of height 4 is signed with its key");
        drop(store);
    }
    // The other holder has signed at height 9: the key has seen at least 8 committed.
    assert_eq!(home.start(true).1, KeyUse::Signs(Height(11)));
    assert_eq!(home.start(false).1, KeyUse::Signs(Height(11)));
    assert_eq!(home.start(true).1, KeyUse::Signs(Height(10)));
    assert_eq!(home.start(true).1, KeyUse::Signs(Height(10)));
}

/// Typed twice, it signed from a height that the key may have begun.
#[test]
fn armed_twice_without_a_start_between_it_signs_no_sooner() {
    let home = Home::new();
    home.run(3);
    let (store, _) = home.start(false);
    store.distrust_key(Height(9)).unwrap();
    drop(store);
    home.start(false);
    let now = Timestamp(1_800_000_000_000);
    for _ in 0..3 {
        let (store, key_use) = home.start(true);
        assert_eq!(key_use, KeyUse::Signs(Height(11)));
        store.vouch(now).unwrap();
    }
    // Only after a start that took the first word is a second one.
    let (store, key_use) = home.start(false);
    assert_eq!(key_use, KeyUse::Signs(Height(11)));
    assert!(store.take_vouch(now).unwrap());
    drop(store);
    assert_eq!(home.start(true).1, KeyUse::Signs(Height(10)));
}

/// It halted at height 3 and was stopped, the other holder went on to 8 and was stopped: how far that
/// was only the chain can tell, so an operator's word counts only after a start that observed.
#[test]
fn after_its_key_was_met_elsewhere_it_observes_once_before_an_operators_word_counts() {
    let home = Home::new();
    home.run(3);
    let (store, _) = home.start(false);
    store.distrust_key(Height(4)).unwrap();
    drop(store);
    let (store, key_use) = home.start(true);
    assert_observes(&key_use, "of height 4 is signed with its key");
    let mut ledger = home.world.ledger(&store);
    for _ in 0..5 {
        home.world.grow(&store, &mut ledger, vec![]);
    }
    drop((ledger, store));
    assert_eq!(home.start(true).1, KeyUse::Signs(Height(10)));

    // Met once more: what was observed before says nothing of it.
    let (store, _) = home.start(false);
    store.distrust_key(Height(12)).unwrap();
    drop(store);
    assert_observes(&home.start(true).1, "of height 12 is signed with its key");
    assert_eq!(home.start(true).1, KeyUse::Signs(Height(14)));
}

#[test]
fn without_a_record_beside_the_key_the_directory_remembers_that_it_is_not_alone() {
    let home = Home::new();
    let store = home.open();
    assert_eq!(store.unguarded(), Ok(KeyUse::Signs(Height(0))));
    store.distrust_key(Height(1)).unwrap();
    drop(store);
    assert_observes(&home.open().unguarded().unwrap(), "is signed with its key");
}

/// A word that is old may have come with a copy of the directory.
#[test]
fn an_operators_word_counts_for_one_start_and_for_ten_minutes() {
    let home = Home::new();
    let (store, _) = home.start(false);
    let said = Timestamp(1_800_000_000_000);
    let later = |ms: u64| Timestamp(said.0 + ms);
    assert!(!store.take_vouch(said).unwrap(), "nobody has vouched");
    for (after_ms, counts) in [(0, true), (600_000, true), (600_001, false)] {
        store.vouch(said).unwrap();
        assert_eq!(store.take_vouch(later(after_ms)).unwrap(), counts);
        assert!(!store.take_vouch(later(after_ms)).unwrap(), "it is taken");
    }
    store.vouch(later(1)).unwrap();
    assert!(!store.take_vouch(said).unwrap(), "it lies ahead");
    store.vouch(said).unwrap();
    drop(store);
    let (store, _) = home.start(false);
    assert!(store.take_vouch(later(5)).unwrap(), "it survives a start");
}
