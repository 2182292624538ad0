//! A snapshot of height 30 of a chain whose validators have changed twice, and every lie about it.
use super::*;
use crate::codec;
use crate::consensus::testkit::{Cast, block};
use crate::crypto::SchemeId;
use crate::crypto::simulated::Simulated;
use crate::ledger::{
    Ledger, MemoryState, Rebuild, ValidatorSetRecord, newest_validator_set_key, validator_set_key,
};
use crate::limits::SNAPSHOT_LEAVES_BYTES_MAX;
use crate::nouns::block::{Header, SealedBlock};
use crate::nouns::genesis::{Genesis, GenesisAccount, GenesisValidator};
use crate::nouns::parameters::Parameters;
use crate::proofs::light_client::{Checkpoint, LightBlock};
use crate::types::{Address, Hash, Height, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

fn root_of(leaves: &BTreeMap<crate::ledger::KeyHash, Vec<u8>>) -> Hash {
    let leaves = leaves.iter().map(|(key, value)| (*key, value.clone()));
    let mut tree = Rebuild::default();
    tree.add(leaves.collect()).unwrap().root
}

struct World {
    genesis: Genesis,
    /// Four, then seven, then five.
    casts: [Cast; 3],
    root: Hash,
    leaves: Vec<crate::ledger::Leaf>,
}

/// The last heights of the first two sets, and that of the snapshot.
const HEIGHTS: [u64; 3] = [10, 20, 30];

impl World {
    fn new() -> World {
        let mut casts = [Cast::of(4), Cast::of(7), Cast::of(5)];
        let member = |v: &crate::validators::set::Validator| GenesisValidator {
            public_key: v.public_key.clone(),
            power: v.power,
        };
        let account = |number: u8| GenesisAccount {
            address: Address([number; 20]),
            balance: 100 * u64::from(number),
        };
        let genesis = Genesis {
            chain_id: casts[0].context.chain_id,
            scheme: SchemeId::MlDsa65,
            time: Timestamp(0),
            parameters: Parameters::default(),
            validators: casts[0].set.iter().map(member).collect(),
            accounts: (1..100).map(account).collect(),
            applications: Vec::new(),
        };
        for cast in &mut casts {
            cast.context = genesis.sign_context();
        }
        let changes = Ledger::genesis_changes(&genesis).unwrap();
        let mut leaves: BTreeMap<_, _> = MemoryState::new(&changes).values().into_iter().collect();
        let mut previous = Height(1);
        for (last, cast) in HEIGHTS.iter().zip(&casts[1..]) {
            let from = Height(last + 1);
            let record = ValidatorSetRecord {
                from,
                previous: Some(previous),
                validators: cast.set.iter().cloned().collect(),
            };
            leaves.insert(validator_set_key(from), codec::encode(&record));
            previous = from;
        }
        leaves.insert(newest_validator_set_key(), codec::encode(&previous));
        World {
            root: root_of(&leaves),
            leaves: leaves.into_iter().collect(),
            genesis,
            casts,
        }
    }

    /// The state of a chain whose validators have changed so, and no header says otherwise.
    fn listing(firsts: &[u64]) -> World {
        let world = World::new();
        let mut leaves: BTreeMap<_, _> = world.leaves.iter().cloned().collect();
        let before = [1].into_iter().chain(firsts.iter().copied());
        for (from, previous) in firsts.iter().zip(before) {
            let record = ValidatorSetRecord {
                from: Height(*from),
                previous: Some(Height(previous)),
                validators: vec![],
            };
            leaves.insert(validator_set_key(record.from), codec::encode(&record));
        }
        let newest = Height(firsts.last().copied().unwrap_or(1));
        leaves.insert(newest_validator_set_key(), codec::encode(&newest));
        World {
            root: root_of(&leaves),
            leaves: leaves.into_iter().collect(),
            ..world
        }
    }

    /// The header of `HEIGHTS[i]`, which the next set follows.
    fn header(&self, i: usize) -> Header {
        let next = &self.casts[(i + 1).min(2)];
        Header {
            chain_id: self.genesis.chain_id,
            state_root: self.root,
            receipts_root: crate::nouns::block::Block::receipts_root(&[]),
            validators_hash: self.casts[i].set.hash(),
            next_validators_hash: next.set.hash(),
            ..block(Height(HEIGHTS[i]), 0).header().clone()
        }
    }

    fn handover(&self, i: usize, signers: &[usize]) -> LightBlock {
        self.signed(i, self.header(i), signers)
    }

    fn signed(&self, i: usize, header: Header, signers: &[usize]) -> LightBlock {
        let sealed = SealedBlock::build(header, vec![], vec![], None);
        let certificate = self.casts[i].commit(&sealed, 0, signers);
        LightBlock::of(sealed.header(), &certificate, &self.casts[i].set)
    }

    fn head(&self, header: Header) -> SnapshotBlock {
        let sealed = SealedBlock::build(header, vec![], vec![], None);
        SnapshotBlock {
            certificate: self.casts[2].commit(&sealed, 0, &[0, 1, 2, 3]),
            block: sealed.block().clone(),
            validators: self.casts[2].set.iter().cloned().collect(),
            receipts: vec![],
        }
    }

    fn records(&self) -> Vec<SnapshotPart> {
        let mut records = vec![
            SnapshotPart::Handover(Box::new(self.handover(0, &[0, 1, 2]))),
            SnapshotPart::Handover(Box::new(self.handover(1, &[0, 1, 2, 3, 4]))),
            SnapshotPart::Block(Box::new(self.head(self.header(2)))),
        ];
        let mut cutter = Cutter::default();
        for (key, value) in &self.leaves {
            records.extend(cutter.add(*key, value.clone()));
        }
        records.extend(cutter.end());
        records.push(SnapshotPart::End);
        records
    }

    fn anchor(&self, trusted: Option<Checkpoint>) -> Anchor {
        Anchor::new(&self.genesis, Arc::new(Simulated), trusted).unwrap()
    }

    fn read(
        &self,
        trusted: Option<Checkpoint>,
        records: &[SnapshotPart],
    ) -> Result<Check, SnapshotError> {
        let opening = encode_opening(&self.genesis.hash());
        let mut check = Check::open(self.anchor(trusted), &opening)?;
        for record in records {
            let framed = encode_record(record);
            let (length, bytes) = framed.split_first_chunk::<4>().unwrap();
            assert_eq!(record_bytes(*length), Ok(bytes.len()));
            check.take(bytes)?;
        }
        Ok(check)
    }

    fn trusted(&self, i: usize) -> Checkpoint {
        let sealed = SealedBlock::build(self.header(i), vec![], vec![], None);
        let (id, height) = (sealed.id(), sealed.height());
        Checkpoint { id, height }
    }
}

#[test]
fn a_whole_snapshot_is_proven_from_the_genesis_through_every_change_of_validators() {
    let world = World::new();
    let check = world.read(None, &world.records()).unwrap();
    assert!(check.is_complete());
    assert_eq!(check.leaf_count(), world.leaves.len() as u64);
    for i in 0..3 {
        let trusted = world.trusted(i);
        assert!(
            world
                .read(Some(trusted), &world.records())
                .unwrap()
                .is_complete()
        );
    }
}

#[test]
fn what_is_trusted_must_be_in_it_and_the_same() {
    let world = World::new();
    for i in 0..3 {
        let id = Hash([1; 32]);
        let trusted = Checkpoint {
            id,
            ..world.trusted(i)
        };
        let error = world.read(Some(trusted), &world.records()).err().unwrap();
        assert!(
            matches!(error, SnapshotError::NotTheTrusted { .. }),
            "{error}"
        );
        assert_eq!(error.exit_code(), 4);
    }
    let trusted = Checkpoint {
        height: Height(15),
        ..world.trusted(0)
    };
    let error = world.read(Some(trusted), &world.records()).err().unwrap();
    let head = Height(30);
    assert_eq!(error, SnapshotError::TrustedHeight { trusted, head });
    assert_eq!(error.exit_code(), 2);
}

#[test]
fn another_chain_and_another_format_are_told_apart_from_rubbish() {
    let world = World::new();
    let open = |opening: &[u8]| Check::open(world.anchor(None), opening).err().unwrap();
    let foreign = open(&encode_opening(&Hash([7; 32])));
    assert_eq!(foreign.exit_code(), 4, "{foreign}");
    let mut opening = encode_opening(&world.genesis.hash());
    assert_eq!(opening.len(), OPENING_BYTES);
    opening[18] = 9;
    assert_eq!(open(&opening), SnapshotError::Version(9));
    opening[0] ^= 1;
    assert_eq!(open(&opening), SnapshotError::NoSnapshot);
    assert_eq!(open(b""), SnapshotError::NoSnapshot);
    for length in [0, u32::MAX] {
        assert!(record_bytes(length.to_le_bytes()).is_err());
    }
}

type Lie = fn(&World, &mut Vec<SnapshotPart>);

fn handover(records: &mut [SnapshotPart], index: usize) -> &mut LightBlock {
    match &mut records[index] {
        SnapshotPart::Handover(shown) => shown,
        other => panic!("{other:?}"),
    }
}

fn head(records: &mut [SnapshotPart]) -> &mut SnapshotBlock {
    match &mut records[2] {
        SnapshotPart::Block(head) => head,
        other => panic!("{other:?}"),
    }
}

fn leaves(records: &mut [SnapshotPart]) -> &mut Vec<Leaf> {
    match &mut records[3] {
        SnapshotPart::Leaves(leaves) => leaves,
        other => panic!("{other:?}"),
    }
}

const LIES: [(&str, Lie); 26] = [
    ("no first handover", |_, r| drop(r.remove(0))),
    ("no second handover", |_, r| drop(r.remove(1))),
    ("no handover at all", |_, r| drop(r.drain(..2))),
    ("handovers in another order", |_, r| r.swap(0, 1)),
    ("a handover twice", |_, r| r.insert(1, r[0].clone())),
    ("too few signers", |w, r| {
        *handover(r, 0) = w.handover(0, &[0, 1])
    }),
    ("a handover that nothing follows", |w, r| {
        let header = Header {
            next_validators_hash: w.casts[0].set.hash(),
            ..w.header(0)
        };
        let shown = w.signed(0, header, &[0, 1, 2]);
        r.insert(0, SnapshotPart::Handover(Box::new(shown)));
    }),
    ("signed by the set that took over", |w, r| {
        let header = Header {
            validators_hash: w.casts[1].set.hash(),
            next_validators_hash: w.casts[2].set.hash(),
            ..w.header(0)
        };
        *handover(r, 0) = w.signed(1, header, &[0, 1, 2, 3, 4]);
    }),
    ("another set than was named", |w, r| {
        let header = Header {
            next_validators_hash: Hash([7; 32]),
            ..w.header(0)
        };
        *handover(r, 0) = w.signed(0, header, &[0, 1, 2]);
    }),
    ("members in another order", |_, r| {
        handover(r, 0).validators.swap(0, 1)
    }),
    ("a member less", |_, r| {
        drop(handover(r, 0).validators.pop())
    }),
    ("no members", |_, r| handover(r, 0).validators.clear()),
    ("more power", |_, r| handover(r, 0).validators[0].power = 99),
    ("an address that is another's", |_, r| {
        handover(r, 0).validators[0].address = Address([0; 20]);
    }),
    ("the certificate of another block", |w, r| {
        head(r).certificate = w.handover(1, &[0, 1, 2, 3, 4]).certificate;
    }),
    ("another round", |_, r| head(r).certificate.round.0 = 1),
    ("another height", |_, r| {
        head(r).block.header.height = Height(31)
    }),
    ("another chain number", |w, r| {
        let chain_id = crate::types::ChainId(8);
        *head(r) = w.head(Header {
            chain_id,
            ..w.header(2)
        });
    }),
    ("a block below the last handover", |w, r| {
        let height = Height(20);
        *head(r) = w.head(Header {
            height,
            ..w.header(2)
        });
    }),
    ("receipts of nothing", |_, r| {
        head(r).receipts.push(crate::ledger::Receipt {
            transaction: Hash([1; 32]),
            status: crate::ledger::Status::Success,
            fee: 1,
            bytes: 1,
            events: Vec::new(),
        });
    }),
    ("evidence that the header does not name", |w, r| {
        let other = w.handover(0, &[0, 1, 2]);
        head(r).block.last_commit = Some(other.certificate);
    }),
    ("another value", |_, r| leaves(r)[5].value[0] ^= 1),
    ("a value that is empty", |_, r| leaves(r)[5].value.clear()),
    ("another key", |_, r| leaves(r)[5].key[31] ^= 1),
    ("leaves in another order", |_, r| leaves(r).swap(4, 5)),
    ("no leaves", |_, r| leaves(r).clear()),
];

#[test]
fn every_lie_is_refused() {
    let world = World::new();
    for (what, lie) in LIES {
        let mut records = world.records();
        lie(&world, &mut records);
        let error = world.read(None, &records).err();
        let error = error.unwrap_or_else(|| panic!("{what} was taken"));
        assert_eq!(error.exit_code(), 3, "{what}: {error}");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
}

/// By their hashes alone the sets that are shown may be right: one that comes back needs no change,
/// or a later one. A node that began with such a file could hand out no other.
#[test]
fn the_changes_that_are_shown_must_be_those_that_the_state_lists() {
    let taken = |firsts: &[u64]| {
        let world = World::listing(firsts);
        world
            .read(None, &world.records())
            .map(|check| check.is_complete())
    };
    // Also those that the state names ahead of the next heights.
    for firsts in [
        &[11, 21][..],
        &[11, 21, 31],
        &[11, 21, 32],
        &[11, 21, 31, 32],
    ] {
        assert_eq!(taken(firsts), Ok(true), "{firsts:?}");
    }
    for firsts in [
        &[][..],
        &[11],
        &[21],
        &[11, 20],
        &[12, 21],
        &[11, 15, 18, 21],
        &[5, 11, 21],
        &[11, 21, 30],
        &[11, 21, 33],
    ] {
        let error = taken(firsts).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("changes of validators"), "{firsts:?}: {text}");
        assert_eq!(error.exit_code(), 3);
    }
}

#[test]
fn records_come_in_one_order_only_and_nothing_follows_the_end() {
    let world = World::new();
    let records = world.records();
    assert_eq!(records.len(), 5);
    for index in 0..records.len() {
        let mut fewer = records.clone();
        fewer.remove(index);
        let read = world.read(None, &fewer);
        assert!(
            read.is_err() || !read.unwrap().is_complete(),
            "without {index}"
        );
        let mut twice = records.clone();
        twice.insert(index, records[index].clone());
        assert!(world.read(None, &twice).is_err(), "{index} twice");
        let after = [&records[..], &records[index..=index]].concat();
        assert!(world.read(None, &after).is_err(), "{index} after the end");
    }
}

/// Equal states are equal files, so how leaves are cut proves as much as what they say.
#[test]
fn leaves_are_cut_in_one_way_only() {
    let world = World::new();
    let mut records = world.records();
    let rest = leaves(&mut records).split_off(9);
    records.insert(4, SnapshotPart::Leaves(rest));
    assert!(world.read(None, &records).is_err());

    let leaf = |number: u8, bytes: usize| ([number; 32], vec![1; bytes]);
    let half = SNAPSHOT_LEAVES_BYTES_MAX / 2;
    let more = SNAPSHOT_LEAVES_BYTES_MAX;
    let sizes = [half - 36, half - 36, 1, half, half, more, 1, 1];
    let mut cutter = Cutter::default();
    let mut cut = Vec::new();
    for (number, bytes) in (0..).zip(sizes) {
        let (key, value) = leaf(number, bytes);
        cut.extend(cutter.add(key, value));
    }
    cut.extend(cutter.end());
    assert_eq!(cutter.end(), None);
    let lengths: Vec<usize> = cut
        .iter()
        .map(|record| match record {
            SnapshotPart::Leaves(leaves) => leaves.len(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(lengths, [2, 2, 1, 1, 2]);
    let parts = cut.iter().map(|record| match record {
        SnapshotPart::Leaves(leaves) => super::format::cut_bytes(leaves),
        _ => None,
    });
    assert!(parts.into_iter().all(|bytes| bytes.is_some()));
}
