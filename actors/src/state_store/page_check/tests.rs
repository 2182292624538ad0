//! The walk agrees with LMDB about whole files, and finds each kind of harm.
use super::*;
use crate::fixture::{World, address};
use std::path::PathBuf;
use tempfile::TempDir;

/// A closed data file after so many blocks.
fn used(blocks: u64) -> (TempDir, PathBuf) {
    let world = World::new(7);
    let dir = TempDir::new().unwrap();
    let store = world.open(dir.path(), address(101)).unwrap();
    let mut ledger = world.ledger(&store);
    let mut nonces = [0u64; 21];
    for height in 0..blocks {
        // Now and then a block that takes overflow pages.
        let payers = if height % 7 == 3 { 20 } else { 1 };
        let pay = |from: u8| {
            let nonce = nonces[usize::from(from)];
            nonces[usize::from(from)] += 1;
            world.pay(from, nonce, 2 + (height % 60) as u8, 1)
        };
        let payments = (1..=payers).map(pay).collect();
        world.grow(&store, &mut ledger, payments);
    }
    drop((ledger, store));
    let path = dir.path().join("data.mdb");
    (dir, path)
}

#[test]
fn whole_files_of_every_age_pass() {
    for blocks in [0, 1, 2, 5, 40, 300] {
        let (_dir, path) = used(blocks);
        let pages = check(&path).unwrap_or_else(|error| panic!("{blocks} blocks: {error}"));
        assert!(pages > 0 && pages * 4_096 <= std::fs::metadata(&path).unwrap().len());
    }
}

#[test]
fn an_empty_file_is_no_harm_yet() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("data.mdb");
    std::fs::write(&path, b"").unwrap();
    assert_eq!(check(&path), Ok(0));
}

/// Every bit of every header and node of the pages in use is either found or never read.
#[test]
fn each_kind_of_harm_is_named() {
    let (_dir, path) = used(300);
    let whole = std::fs::read(&path).unwrap();
    let is = |flags: u16| {
        let mut numbers = (2..whole.len() / 4_096).map(|number| number * 4_096);
        numbers.find(|at| {
            u16_at(&whole, at + 10) == flags && u64_at(&whole, *at) * 4_096 == *at as u64
        })
    };
    let newest = if u64_at(&whole, 16 + 128) > u64_at(&whole, 4_096 + 16 + 128) {
        0
    } else {
        4_096
    };
    let root = |at: usize| tree_of(&whole, newest + 16 + at).root as usize * 4_096;
    let (free, main) = (root(24), root(72));
    assert!(is(BRANCH).is_some() && is(OVERFLOW).is_some());
    // Flipped, it is 256 higher, or as much lower, depending on how large the file has become.
    let last_page = newest + 16 + 121;
    let wrong_last = match whole[last_page] & 1 {
        0 => "neither free nor in use",
        _ => "there is no page",
    };
    let cases = [
        ("magic", 16, "garbled"),
        ("transaction", newest + 16 + 128, "follow"),
        ("last page", last_page, wrong_last),
        ("page number", main, "names itself"),
        ("page flags", main + 10, "flags"),
        ("lower bound", main + 12, "page"),
        ("upper bound", main + 14, "page"),
        ("a node's place", main + 16, "page"),
        ("free list", free, "names itself"),
        ("entries", newest + 16 + 72 + 32, "its record says"),
        ("depth", newest + 16 + 72 + 6, "level"),
    ];
    for (what, at, says) in cases {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        let error = check(&path).expect_err(what);
        assert!(error.to_string().contains(says), "{what}: {error}");
    }
    std::fs::write(&path, &whole).unwrap();
    check(&path).unwrap();
}

/// A separator that grew past a row of its child: the rows still rise, but a search for that row
/// goes to another page and finds nothing. Two of 10,000 flipped bits did that.
#[test]
fn a_separator_above_a_row_of_its_page_is_found() {
    let (_dir, path) = used(300);
    let whole = std::fs::read(&path).unwrap();
    let mut found = 0;
    for at in (2..whole.len() / 4_096).map(|number| number * 4_096) {
        let page = &whole[at..at + 4_096];
        if u16_at(page, 10) != BRANCH || u64_at(page, 0) * 4_096 != at as u64 {
            continue;
        }
        let separators = nodes(page, false).unwrap();
        for node in &separators[1..] {
            // The last byte of the key, made as large as it goes.
            let offset = node.key.as_ptr() as usize - page.as_ptr() as usize + node.key.len() - 1;
            if page[offset] == 0xff {
                continue;
            }
            let mut bytes = whole.clone();
            bytes[at + offset] = 0xff;
            std::fs::write(&path, &bytes).unwrap();
            found += usize::from(check(&path).is_err());
        }
    }
    assert!(found > 0);
}

#[test]
fn any_bytes_are_an_answer_and_never_a_panic() {
    let (_dir, path) = used(40);
    let whole = std::fs::read(&path).unwrap();
    let mut seed = 7u64;
    for _ in 0..500 {
        let mut bytes = whole.clone();
        for _ in 0..4 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let at = (seed >> 20) as usize % bytes.len();
            bytes[at] = (seed >> 8) as u8;
        }
        std::fs::write(&path, &bytes).unwrap();
        let _ = check(&path);
    }
}
