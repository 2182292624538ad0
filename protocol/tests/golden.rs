//! The canonical bytes, ids and sign bytes of every noun of the wire, against `golden/nouns.txt`.
//!
//! A difference means that two builds of one protocol version no longer understand each other.
//! Where that is meant, raise `PROTOCOL_VERSION` and write the file anew: `LOCKSTEP_BLESS=1`.
#![allow(clippy::unwrap_used, clippy::panic)]
use proptest::prelude::*;
use std::fmt::Write;

#[path = "golden/document.rs"]
mod document;
#[path = "golden/nouns.rs"]
mod nouns;
#[path = "golden/vectors/mod.rs"]
mod vectors;

use nouns::{Noun, nouns};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/nouns.txt");

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Long bytes in lines of 48.
fn wrapped(bytes: &[u8]) -> String {
    bytes
        .chunks(48)
        .map(|line| format!("  {}\n", hex(line)))
        .collect()
}

fn render() -> String {
    let mut text = String::from("# Written by tests/golden.rs. All integers are little-endian.\n");
    for noun in nouns() {
        write!(text, "\n[{}]\n", noun.name).unwrap();
        for (name, hash) in &noun.hashes {
            writeln!(text, "{name} = {hash}").unwrap();
        }
        if let Some(sign_bytes) = &noun.sign_bytes {
            write!(text, "sign bytes =\n{}", wrapped(sign_bytes)).unwrap();
        }
        write!(text, "bytes =\n{}", wrapped(&noun.bytes)).unwrap();
    }
    text
}

#[test]
fn every_noun_has_the_bytes_hashes_and_sign_bytes_that_are_written_down() {
    let actual = render();
    if std::env::var_os("LOCKSTEP_BLESS").is_some() {
        std::fs::write(FILE, &actual).unwrap();
    }
    let expected = std::fs::read_to_string(FILE).unwrap();
    let mut noun = "";
    for (expected, actual) in expected.lines().zip(actual.lines()) {
        noun = if actual.starts_with('[') {
            actual
        } else {
            noun
        };
        assert_eq!(actual, expected, "{noun}");
    }
    assert_eq!(actual, expected);
}

/// Which fuzz target starts from which nouns.
const CORPORA: [(&str, &[&str]); 20] = [
    ("vote", &["message: vote"]),
    (
        "proposal",
        &["message: new proposal", "message: valid proposal"],
    ),
    (
        "proposal_head",
        &["message: new proposal", "message: compact proposal"],
    ),
    ("compact", &["message: compact proposal"]),
    ("missing", &["message: question for transactions"]),
    ("fetched", &["message: answer of transactions"]),
    ("pull", &["message: pull"]),
    ("pulled", &["message: answer to a pull"]),
    ("question", &["message: question of standing"]),
    ("statement", &["message: statement of standing"]),
    ("transaction", &["message: transaction"]),
    (
        "decided_blocks",
        &["message: no blocks", "message: two blocks"],
    ),
    (
        "certificates",
        &[
            "commit certificate",
            "polka certificate",
            "polka certificate with a proposal",
        ],
    ),
    (
        "evidence",
        &[
            "conflicting votes",
            "conflicting proposals",
            "proposal against prevote",
            "wrong proposer",
        ],
    ),
    ("evidence_message", &["message: evidence"]),
    (
        "transactions",
        &["message: two transactions", "message: no transactions"],
    ),
    ("light_block", &["message: light block"]),
    (
        "proofs",
        &[
            "message: account with its proof",
            "message: no account, with its proof",
            "message: no record, with its proof",
            "message: no value of an application, with its proof",
            "proof of a transaction",
            "proof of a receipt",
        ],
    ),
    (
        "snapshot",
        &[
            "snapshot: opening",
            "snapshot: handover",
            "snapshot: head",
            "snapshot: leaves",
            "snapshot: end",
        ],
    ),
    ("genesis", &["genesis", "empty genesis of dilithium3"]),
];

/// The seeds of the fuzzer are the golden bytes, so that they never go stale.
#[test]
fn the_fuzz_corpora_begin_with_the_golden_bytes() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    for (target, names) in CORPORA {
        for name in names {
            let noun = nouns().into_iter().find(|noun| noun.name == *name).unwrap();
            let file: String = name.chars().filter(|c| !":,".contains(*c)).collect();
            let path = root.join(target).join(file.replace(' ', "_"));
            if std::env::var_os("LOCKSTEP_BLESS").is_some() {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(&path, &noun.bytes).unwrap();
            }
            assert_eq!(
                std::fs::read(&path).unwrap(),
                noun.bytes,
                "{}",
                path.display()
            );
        }
    }
}

#[test]
fn every_noun_reads_back_as_itself() {
    for noun in nouns() {
        assert_eq!(
            (noun.reread)(&noun.bytes),
            Some(noun.bytes),
            "{}",
            noun.name
        );
    }
}

#[test]
fn every_shorter_prefix_and_every_trailing_byte_is_refused() {
    for noun in nouns() {
        for length in 0..noun.bytes.len() {
            let short = (noun.reread)(&noun.bytes[..length]);
            assert_eq!(short, None, "{} cut to {length}", noun.name);
        }
        for byte in 0..=u8::MAX {
            let longer = [&noun.bytes[..], &[byte]].concat();
            assert_eq!((noun.reread)(&longer), None, "{} and {byte}", noun.name);
        }
    }
}

#[test]
fn no_two_nouns_share_their_sign_bytes_and_none_begin_with_zero() {
    let signed: Vec<Vec<u8>> = nouns()
        .into_iter()
        .filter_map(|noun| noun.sign_bytes)
        .collect();
    assert!(signed.len() >= 5);
    for (i, a) in signed.iter().enumerate() {
        assert_ne!(a[0], 0);
        assert!(signed.iter().skip(i + 1).all(|b| a != b));
    }
}

/// One change of a message's bytes; places wrap around.
#[derive(Clone, Debug)]
enum Change {
    Set(usize, u8),
    Cut(usize),
    Insert(usize, u8),
    Remove(usize),
}

fn change() -> impl Strategy<Value = Change> {
    let place = || any::<prop::sample::Index>().prop_map(|i| i.index(1 << 20));
    // Tags of options and lists are small numbers.
    let byte = || prop_oneof![Just(0), Just(1), Just(0xff), any::<u8>()];
    prop_oneof![
        8 => (place(), byte()).prop_map(|(at, byte)| Change::Set(at, byte)),
        1 => place().prop_map(Change::Cut),
        2 => (place(), byte()).prop_map(|(at, byte)| Change::Insert(at, byte)),
        2 => place().prop_map(Change::Remove),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    let length = bytes.len().max(1);
    match *change {
        Change::Set(at, byte) => {
            if let Some(place) = bytes.get_mut(at % length) {
                *place = byte;
            }
        }
        Change::Cut(at) => bytes.truncate(at % length),
        Change::Insert(at, byte) => bytes.insert(at % length.min(bytes.len() + 1), byte),
        Change::Remove(at) => _ = (!bytes.is_empty()).then(|| bytes.remove(at % length)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Canonical: what a decoder accepts has no second spelling.
    #[test]
    fn changed_bytes_never_panic_and_what_is_accepted_is_canonical(
        changes in prop::collection::vec(change(), 1..4),
    ) {
        for Noun { name, mut bytes, reread, .. } in nouns() {
            changes.iter().for_each(|change| apply(&mut bytes, change));
            if let Some(again) = reread(&bytes) {
                prop_assert_eq!(again, bytes, "{}", name);
            }
        }
    }
}
