//! `certificates.json`: commit certificates of one block, of which some are none.
use super::blocks::validator;
use super::verdict::ACCEPTED;
use super::world::{World, scheme};
use super::{bytes, change_of, changed, head, hex, items, settle, text};
use lockstep_protocol::codec;
use lockstep_protocol::limits::CERTIFICATE_BYTES_MAX;
use lockstep_protocol::nouns::commit::{CertificateError, CommitCertificate, Signers};
use lockstep_protocol::nouns::sign_bytes::SignContext;
use lockstep_protocol::nouns::vote::Signature;
use lockstep_protocol::types::{ChainId, Hash, Height, Round};
use lockstep_protocol::validators::set::ValidatorSet;
use serde_json::{Map, Value, json};

/// Sets whose members are the chain's founders and newcomers, by name and powers.
fn sets(world: &World) -> Vec<(&'static str, ValidatorSet)> {
    let set = |powers: &[u64]| {
        let members = world.validators.iter().zip(powers);
        let members = members.map(|(party, power)| (party.signer.public_key().to_vec(), *power));
        ValidatorSet::new(&*scheme(), members).unwrap()
    };
    vec![
        ("one", set(&[5])),
        ("three", set(&[1, 1, 1])),
        ("four", set(&[1, 1, 1, 1])),
        ("seven of unequal power", set(&[1, 2, 3, 4, 5, 6, 7])),
    ]
}

struct Case {
    name: &'static str,
    set: usize,
    verdict: &'static str,
    bytes: Vec<u8>,
}

/// The one of which bytes are changed.
const BASE: &str = "three of four";

const HEIGHT: Height = Height(12_345_678_901);

fn cases(world: &World, sets: &[(&str, ValidatorSet)]) -> Vec<Case> {
    let id = Hash::of(&[b"a block"]);
    let round = Round(7);
    let of =
        |set: usize, members: &[usize]| world.certify((HEIGHT, round, id), &sets[set].1, members);
    let case = |name, set, verdict, members: &[usize]| Case {
        name,
        set,
        verdict,
        bytes: codec::encode(&of(set, members)),
    };
    let heavy: Vec<usize> = (0..7).filter(|i| sets[3].1.power(*i) > 3).collect();
    let light: Vec<usize> = (0..7).filter(|i| sets[3].1.power(*i) < 6).collect();
    let right = of(2, &[0, 1, 2]);
    let changed = |name, verdict, change: &dyn Fn(&mut CommitCertificate)| {
        let mut certificate = right.clone();
        change(&mut certificate);
        let bytes = codec::encode(&certificate);
        Case {
            name,
            set: 2,
            verdict,
            bytes,
        }
    };
    let mut cases = vec![
        case("the only one", 0, ACCEPTED, &[0]),
        case("all of three", 1, ACCEPTED, &[0, 1, 2]),
        case(
            "two of three are no more than two thirds",
            1,
            "no_quorum",
            &[0, 2],
        ),
        case("three of four", 2, ACCEPTED, &[0, 1, 3]),
        case(
            "all of four, more than it takes",
            2,
            ACCEPTED,
            &[0, 1, 2, 3],
        ),
        case("two of four", 2, "no_quorum", &[2, 3]),
        case("nobody", 2, "no_quorum", &[]),
        case("the four heaviest of seven, 22 of 28", 3, ACCEPTED, &heavy),
        case(
            "the five lightest of seven, 15 of 28",
            3,
            "no_quorum",
            &light,
        ),
        changed("of another height", "signature", &|of| of.height.0 += 1),
        changed("of another round", "signature", &|of| of.round = Round(0)),
        changed("of another block", "signature", &|of| {
            of.block_id.0[31] ^= 1
        }),
    ];
    cases.extend(signers(&sets[2].1, &right));
    cases.extend(shapes(&codec::encode(&right)));
    cases.extend(other_chains(&sets[2].1, world, id));
    cases
}

/// Signatures that are not those of the members that the bitmap names.
fn signers(four: &ValidatorSet, right: &CommitCertificate) -> Vec<Case> {
    let members = right.signers.members(four).unwrap();
    let (first, second, third) = (members[0].1, members[1].1, members[2].1);
    let with = |name, verdict, members: Vec<(usize, &Signature)>| {
        let signers = Signers::collect(four, members);
        let bytes = codec::encode(&CommitCertificate {
            signers,
            ..right.clone()
        });
        Case {
            name,
            set: 2,
            verdict,
            bytes,
        }
    };
    let mut broken = third.clone();
    broken.0[3_000] ^= 1;
    let cut = Signature(third.0[..3_308].to_vec());
    vec![
        with(
            "one signature under a second name",
            "signature",
            vec![(0, first), (1, second), (3, first)],
        ),
        with(
            "two that have changed places",
            "signature",
            vec![(0, second), (1, first), (2, third)],
        ),
        with(
            "a signature with a bit changed",
            "signature",
            vec![(0, first), (1, second), (2, &broken)],
        ),
        with(
            "a shorter signature",
            "signature",
            vec![(0, first), (1, second), (2, &cut)],
        ),
        with(
            "a place with two signatures",
            "certificate",
            vec![(0, first), (1, second), (1, second)],
        ),
    ]
}

/// Bytes and bitmaps that fit no set of four: height, round and id have 44, the bitmap's count 4.
fn shapes(right: &[u8]) -> Vec<Case> {
    const BITMAP_AT: usize = 48;
    let with = |name, verdict, change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = right.to_vec();
        change(&mut bytes);
        Case {
            name,
            set: 2,
            verdict,
            bytes,
        }
    };
    vec![
        with("a spare bit", "certificate", &|bytes| {
            bytes[BITMAP_AT] |= 0x80
        }),
        with("a bit more than signatures", "certificate", &|bytes| {
            bytes[BITMAP_AT] = 0x0f
        }),
        with("a bit less than signatures", "certificate", &|bytes| {
            bytes[BITMAP_AT] = 0x03
        }),
        with("a bitmap of two bytes", "certificate", &|bytes| {
            bytes[BITMAP_AT - 4] = 2;
            bytes.insert(BITMAP_AT + 1, 0);
        }),
        with("no bitmap", "certificate", &|bytes| {
            bytes[BITMAP_AT - 4] = 0;
            bytes.remove(BITMAP_AT);
        }),
        with("a byte less", "malformed", &|bytes| _ = bytes.pop()),
        with("a byte more", "malformed", &|bytes| bytes.push(0)),
        with("a bitmap longer than all", "malformed", &|bytes| {
            bytes[BITMAP_AT - 1] = 0xff
        }),
    ]
}

/// The same precommits on another chain.
fn other_chains(four: &ValidatorSet, world: &World, id: Hash) -> Vec<Case> {
    let right = *world.context();
    let genesis_hash = Hash::of(&[b"another genesis"]);
    let contexts = [
        (
            "of a chain with another number",
            SignContext {
                chain_id: ChainId(1_338),
                ..right
            },
        ),
        (
            "of a chain with another genesis",
            SignContext {
                genesis_hash,
                ..right
            },
        ),
    ];
    let case = |(name, context): (&'static str, SignContext)| {
        let certificate = world.certify_on(&context, (HEIGHT, Round(7), id), four, &[0, 1, 2]);
        Case {
            name,
            set: 2,
            verdict: "signature",
            bytes: codec::encode(&certificate),
        }
    };
    contexts.into_iter().map(case).collect()
}

/// As the light client calls it.
fn verdict(bytes: &[u8], set: &ValidatorSet, context: &SignContext) -> &'static str {
    let decoded = codec::decode("certificate", bytes, CERTIFICATE_BYTES_MAX);
    let Ok(certificate): Result<CommitCertificate, _> = decoded else {
        return "malformed";
    };
    match certificate.verify(set, context) {
        Ok(()) => ACCEPTED,
        Err(CertificateError::NoQuorum { .. }) => "no_quorum",
        Err(CertificateError::Signature { .. }) => "signature",
        Err(_) => "certificate",
    }
}

fn vector(case: &Case, sets: &[(&str, ValidatorSet)]) -> Value {
    let decoded = codec::decode("certificate", &case.bytes, CERTIFICATE_BYTES_MAX);
    let decoded: Option<CommitCertificate> = decoded.ok();
    json!({
        "name": case.name,
        "validators": sets[case.set].0,
        "height": decoded.as_ref().map(|of| of.height),
        "round": decoded.as_ref().map(|of| of.round),
        "block_id": decoded.as_ref().map(|of| of.block_id),
        "hash": decoded.as_ref().map(CommitCertificate::hash),
        "bytes": hex(&case.bytes),
        "verdict": case.verdict,
    })
}

#[test]
fn every_certificate_is_judged_as_it_is_written_down() {
    let world = World::new();
    let sets = sets(&world);
    let about = "Commit certificates (canonical bytes without an envelope) by sets of validators. \
                 changed: the vector of that name with the byte at an offset being another. Verdicts: malformed (no certificate), certificate (it does not fit the set), \
                 no_quorum, signature.";
    let mut file = head(about, "certificates.rs", world.context());
    let named = sets.iter().map(|(name, set)| {
        let validators: Vec<Value> = set.iter().map(validator).collect();
        (
            (*name).to_owned(),
            json!({ "hash": set.hash(), "validators": validators }),
        )
    });
    file.insert("validator_sets".into(), named.collect::<Map<_, _>>().into());
    let cases = cases(&world, &sets);
    let vectors = cases.iter().map(|case| vector(case, &sets)).collect();
    file.insert("vectors".into(), vectors);
    let base = cases.iter().find(|case| case.name == BASE).unwrap();
    let places = (0..60).chain((60..base.bytes.len()).step_by(331));
    let judge = |bytes: &[u8]| verdict(bytes, &sets[base.set].1, world.context());
    let changes: Vec<Value> = changed(BASE, &base.bytes, places, judge).collect();
    file.insert("changed".into(), changes.into());
    let written = settle("certificates.json", file);
    for vector in items(&written["changed"]) {
        let bytes = change_of(vector, base.bytes.clone());
        assert_eq!(judge(&bytes), text(vector, "verdict"), "{vector}");
        assert_ne!(text(vector, "verdict"), ACCEPTED, "{vector}");
    }
    for vector in items(&written["vectors"]) {
        let named = |(name, _): &&(&str, ValidatorSet)| *name == text(vector, "validators");
        let (_, set) = sets.iter().find(named).unwrap();
        let actual = verdict(&bytes(vector, "bytes"), set, world.context());
        assert_eq!(actual, text(vector, "verdict"), "{}", text(vector, "name"));
    }
}
