//! Files that were cut at every place grow to the same bytes.
use super::super::rows::BlockRows;
use super::super::source::Chain;
use super::super::table::TABLES;
use super::super::target::{Head, Target};
use super::*;
use crate::hex::hex;
use lockstep_protocol::crypto::SchemeId;
use lockstep_protocol::types::{ChainId, Hash};
use serde_json::{Value, json};
use std::fs;

fn chain(number: u8) -> Chain {
    Chain {
        chain_id: ChainId(1337),
        genesis_hash: Hash([number; 32]),
        scheme: SchemeId::MlDsa65,
    }
}

fn id(height: u64, place: u64) -> String {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&height.to_be_bytes());
    bytes[8..16].copy_from_slice(&place.to_be_bytes());
    hex(&bytes)
}

/// A block with as many transactions as its height has left over three.
fn block(height: u64) -> BlockRows {
    let who = hex(&[7; 20]);
    let places = 1..=height % 3;
    let transactions = places.clone().map(|place| {
        json!({ "id": id(height, place), "sender": who, "body": { "nonce": 1, "fee": "3",
            "expires_at": 90, "action": { "kind": "transfer", "to": who, "amount": "1",
            "memo": "one,\"two\"" } } })
    });
    let receipts: Vec<Value> = places
        .map(|place| {
            json!({ "transaction": id(height, place), "status": "success", "fee": "3", "bytes": 3400,
                "events": [{ "name": "paid", "data": "0x01" }] })
        })
        .collect();
    let block = json!({ "id": id(height, 0), "evidence": [],
        "transactions": transactions.collect::<Vec<_>>(), "header": { "height": height,
        "previous_block": id(height - 1, 0), "time": 7, "proposer": who,
        "state_root": id(0, 0) } });
    BlockRows::read(&block, &receipts).expect("rows")
}

fn blocks(from: u64, to: u64) -> Vec<BlockRows> {
    (from..=to).map(block).collect()
}

/// All files of a directory, in the order in which they are written.
fn files(dir: &Path) -> Vec<(PathBuf, String)> {
    let names = [
        "chain.json",
        "transactions.csv",
        "receipts.csv",
        "events.csv",
        "blocks.csv",
        "all",
    ];
    let paths = names.map(|name| dir.join(name));
    let there = paths.into_iter().filter(|path| path.exists());
    there
        .map(|path| (path.clone(), fs::read_to_string(path).expect("text")))
        .collect()
}

fn csv(dir: &Path) -> Box<dyn Target> {
    Box::new(CsvTarget::new(dir))
}

fn jsonl(dir: &Path) -> Box<dyn Target> {
    Box::new(JsonlTarget::new(&dir.join("all")))
}

type Make = fn(&Path) -> Box<dyn Target>;

/// Goes on to block 7, wherever the target stands.
fn grow(target: &mut dyn Target) {
    let standing = target.standing(&chain(1)).expect("it stands somewhere");
    let next = standing.map_or(1, |standing| standing.next());
    if standing.is_none() {
        target.begin(&Head::new(&chain(1), 1)).expect("it begins");
    }
    if next <= 7 {
        target.put(&blocks(next, 7)).expect("the rest");
    }
}

fn assert_grows_alike(make: Make, step: usize) {
    let (whole, part) = (tempfile::tempdir(), tempfile::tempdir());
    let (whole, part) = (whole.expect("a directory"), part.expect("a directory"));
    grow(&mut *make(whole.path()));
    let expected = files(whole.path());
    let total: usize = expected.iter().map(|(_, text)| text.len()).sum();
    let before = {
        let mut target = make(part.path());
        assert_eq!(target.standing(&chain(1)).expect("it is new"), None);
        target.begin(&Head::new(&chain(1), 1)).expect("it begins");
        target.put(&blocks(1, 3)).expect("three blocks");
        drop(target);
        files(part.path())
    };
    let tails = || {
        expected
            .iter()
            .zip(&before)
            .map(|(a, b)| (&b.0, &b.1, &a.1[b.1.len()..]))
    };
    let mut cuts = 0;
    for kept in (0..=total).step_by(step) {
        let mut left = kept;
        for (path, text, tail) in tails() {
            let here = tail.len().min(left);
            left -= here;
            fs::write(path, format!("{text}{}", &tail[..here])).expect("a file");
        }
        grow(&mut *make(part.path()));
        let grown = files(part.path());
        let texts = |files: &[(PathBuf, String)]| -> Vec<String> {
            files.iter().map(|(_, text)| text.clone()).collect()
        };
        assert_eq!(
            texts(&grown),
            texts(&expected),
            "{kept} bytes of the second part"
        );
        cuts += 1;
        if left > 0 {
            break;
        }
    }
    assert!(cuts > 100, "{cuts}");
}

#[test]
fn files_of_csv_that_a_kill_has_cut_anywhere_grow_to_the_same_bytes() {
    assert_grows_alike(csv, 23);
}

#[test]
fn a_file_of_jsonl_that_a_kill_has_cut_anywhere_grows_to_the_same_bytes() {
    assert_grows_alike(jsonl, 23);
}

/// The head itself may be cut: then nothing is there yet.
#[test]
fn a_head_that_a_kill_has_cut_is_written_anew() {
    for make in [csv as Make, jsonl] {
        let (whole, part) = (tempfile::tempdir(), tempfile::tempdir());
        let (whole, part) = (whole.expect("a directory"), part.expect("a directory"));
        make(whole.path()).standing(&chain(1)).expect("it is new");
        let mut target = make(whole.path());
        target.standing(&chain(1)).expect("it is new");
        target.begin(&Head::new(&chain(1), 1)).expect("it begins");
        drop(target);
        let (path, head) = files(whole.path()).remove(0);
        let name = path.file_name().expect("a name");
        for kept in 0..head.len() {
            fs::write(part.path().join(name), &head[..kept]).expect("a file");
            let mut target = make(part.path());
            assert_eq!(
                target.standing(&chain(1)).expect("it is new"),
                None,
                "{kept}"
            );
            target.begin(&Head::new(&chain(1), 1)).expect("it begins");
            assert_eq!(files(part.path())[0].1, head);
            drop(target);
            // Headings of tables may be cut as well.
            for table in TABLES {
                let path = part.path().join(format!("{}.csv", table.name));
                if path.exists() {
                    fs::remove_file(path).expect("it goes");
                }
            }
        }
    }
}

#[test]
fn what_is_no_export_of_this_chain_is_refused_and_left_as_it_is() {
    for (name, make) in [("chain.json", csv as Make), ("all", jsonl)] {
        for foreign in [
            "hello",
            "{\"a\":1}\n",
            "\n",
            "{\"format\":1,\"chain_id\":7,\"x\"\n",
        ] {
            let dir = tempfile::tempdir().expect("a directory");
            let path = dir.path().join(name);
            fs::write(&path, foreign).expect("a file");
            let refused = make(dir.path()).standing(&chain(1)).expect_err(foreign);
            assert_eq!(refused.exit_code, 2, "{}", refused.message);
            assert_eq!(fs::read_to_string(&path).expect("text"), foreign);
        }
        let dir = tempfile::tempdir().expect("a directory");
        grow(&mut *make(dir.path()));
        let before = files(dir.path());
        let refused = make(dir.path())
            .standing(&chain(2))
            .expect_err("another chain");
        assert_eq!(refused.exit_code, 4, "{}", refused.message);
        assert_eq!(files(dir.path()), before);
    }
}

#[test]
fn two_exports_into_one_target_are_one_too_many() {
    for make in [csv as Make, jsonl] {
        let dir = tempfile::tempdir().expect("a directory");
        let mut first = make(dir.path());
        grow(&mut *first);
        let refused = make(dir.path())
            .standing(&chain(1))
            .expect_err("it is taken");
        assert!(refused.may_be_retried(), "{}", refused.message);
        drop(first);
        assert!(make(dir.path()).standing(&chain(1)).is_ok());
    }
}

/// What no kill leaves behind is not gone on with.
#[test]
fn rows_that_are_missing_before_the_newest_block_are_damage() {
    let dir = tempfile::tempdir().expect("a directory");
    grow(&mut *csv(dir.path()));
    let path = dir.path().join("receipts.csv");
    let text = fs::read_to_string(&path).expect("text");
    let end = text.trim_end().rfind('\n').expect("a line") + 1;
    fs::write(&path, &text[..end]).expect("a file");
    let refused = csv(dir.path()).standing(&chain(1)).expect_err("damage");
    assert_eq!(refused.exit_code, 3, "{}", refused.message);
}

/// The other tables would be cut to what the missing one has, or it would stay empty.
#[test]
fn a_table_that_is_gone_is_damage_and_the_others_keep_their_rows() {
    for table in TABLES {
        let dir = tempfile::tempdir().expect("a directory");
        grow(&mut *csv(dir.path()));
        fs::remove_file(dir.path().join(format!("{}.csv", table.name))).expect("it goes");
        let before = files(dir.path());
        let refused = csv(dir.path()).standing(&chain(1)).expect_err("damage");
        assert_eq!(refused.exit_code, 3, "{}", refused.message);
        let step = format!("move {} away as a whole", dir.path().display());
        assert!(refused.message.contains(&step), "{}", refused.message);
        assert_eq!(files(dir.path()), before);
    }
}

/// Rows that are gone would never be written again, and rows in another order would be written twice.
#[test]
fn a_directory_that_somebody_has_edited_is_damage_and_stays_as_it_is() {
    type Edit = fn(&str) -> Option<String>;
    let emptied: Edit = |_| Some(String::new());
    let headed: Edit = |text| Some(text.lines().take(1).map(|it| format!("{it}\n")).collect());
    let shortened: Edit = |text| {
        let end = text.trim_end().rfind('\n')? + 1;
        Some(text[..end].to_owned())
    };
    let turned: Edit = |text| {
        let (heading, rows) = text.split_once('\n')?;
        let rows: String = rows.lines().rev().map(|row| format!("{row}\n")).collect();
        Some(format!("{heading}\n{rows}"))
    };
    let gone: Edit = |_| None;
    for (name, edit) in [
        ("transactions.csv", emptied),
        ("transactions.csv", headed),
        ("transactions.csv", shortened),
        ("receipts.csv", headed),
        ("blocks.csv", turned),
        ("chain.json", gone),
    ] {
        let dir = tempfile::tempdir().expect("a directory");
        grow(&mut *csv(dir.path()));
        let path = dir.path().join(name);
        let text = fs::read_to_string(&path).expect("text");
        match edit(&text) {
            Some(edited) => fs::write(&path, edited).expect("a file"),
            None => fs::remove_file(&path).expect("it goes"),
        }
        let blocks = || fs::read_to_string(dir.path().join("blocks.csv")).expect("text");
        let before = blocks();
        let refused = csv(dir.path()).standing(&chain(1)).expect_err(name);
        assert_eq!(refused.exit_code, 3, "{}", refused.message);
        assert!(
            refused.message.contains("as a whole"),
            "{}",
            refused.message
        );
        assert_eq!(blocks(), before);
        assert_eq!(path.exists(), edit(&text).is_some());
    }
}

/// The sum of heights overflowed.
#[test]
fn a_height_beyond_all_is_no_fall() {
    let standing = |first, newest| crate::cli::export::target::Standing { first, newest };
    let newest = Some((u64::MAX, Hash([1; 32])));
    assert_eq!(standing(1, newest).next(), u64::MAX);
    for make in [csv as Make, jsonl] {
        let dir = tempfile::tempdir().expect("a directory");
        let mut target = make(dir.path());
        target.standing(&chain(1)).expect("it is new");
        target.begin(&Head::new(&chain(1), 0)).expect("it begins");
        drop(target);
        let refused = make(dir.path())
            .standing(&chain(1))
            .expect_err("no block 0");
        assert_eq!(refused.exit_code, 3, "{}", refused.message);
    }
}
