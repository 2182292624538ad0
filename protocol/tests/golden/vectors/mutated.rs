//! `mutated.json`: transactions with a byte changed, and what a node says of each.
use super::cases::{Case, cases};
use super::verdict::{ACCEPTED, Judge};
use super::world::{Party, SCHEME, World, bad_keys};
use super::{bytes, head, hex, items, settle, text};
use lockstep_protocol::ledger;
use lockstep_protocol::nouns::genesis::GenesisAccount;
use lockstep_protocol::nouns::transaction::{Action, Transaction, TransactionBody};
use lockstep_protocol::nouns::vote::Signature;
use lockstep_protocol::types::{Address, Height};
use lockstep_protocol::wire::Wire;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What a verdict depends on beside the bytes.
pub(super) fn state(world: &World) -> Value {
    let account = |listed: &GenesisAccount| {
        let address = &listed.address;
        let account = ledger::account(&*world.state, address).unwrap().unwrap();
        let key = ledger::public_key(&*world.state, address).unwrap();
        json!({
            "address": address,
            "balance": account.balance.to_string(),
            "nonce": account.nonce,
            "public_key": key.map(|key| hex(&key)),
        })
    };
    json!({
        "height": world.height().next(),
        "fee_per_byte": world.genesis.parameters.fee_per_byte,
        "accounts": world.genesis.accounts.iter().map(account).collect::<Vec<_>>(),
    })
}

type Wrong = (&'static str, &'static str, Vec<u8>);

/// What people sign in these vectors: a small transfer, with the rest as given.
fn plain(nonce: u64, fee: u64, expires_at: u64, memo: &str) -> TransactionBody {
    TransactionBody {
        nonce,
        fee,
        expires_at: Height(expires_at),
        action: Action::Transfer {
            to: Address([0xb0; 20]),
            amount: 1,
            memo: memo.into(),
        },
    }
}

/// Terms that are right or wrong, signed as they are. Alice's next nonce is 5, the next height 3.
fn terms(world: &World) -> Vec<Wrong> {
    let [alice, _, carol, _] = &world.people[..] else {
        panic!("four people")
    };
    let least = plain(5, 0, 9, "").for_least_fee(&*alice.signer, &world.rules.parameters);
    let least = least.fee;
    let put = |key: usize, value: usize| TransactionBody {
        action: Action::Put {
            key: vec![1; key],
            value: vec![2; value],
        },
        ..plain(5, 20_000, 9, "")
    };
    let of_alice = [
        ("its last height", ACCEPTED, plain(5, 9_000, 3, "")),
        ("its latest expiry", ACCEPTED, plain(5, 9_000, 100_003, "")),
        ("behind a gap", ACCEPTED, plain(260, 9_000, 9, "")),
        ("the least fee", ACCEPTED, plain(5, least, 9, "")),
        ("one less", "underpriced", plain(5, least - 1, 9, "")),
        ("expired", "expired", plain(5, 9_000, 2, "")),
        (
            "expires too late",
            "expiry_too_far",
            plain(5, 9_000, 100_004, ""),
        ),
        (
            "expires never",
            "expiry_too_far",
            plain(5, 9_000, u64::MAX, ""),
        ),
        (
            "a nonce that is used up",
            "nonce_too_low",
            plain(4, 9_000, 9, ""),
        ),
        (
            "a nonce too far ahead",
            "nonce_too_high",
            plain(261, 9_000, 9, ""),
        ),
        (
            "the longest memo",
            ACCEPTED,
            plain(5, 9_000, 9, &"m".repeat(256)),
        ),
        (
            "a longer memo",
            "memo_too_large",
            plain(5, 9_000, 9, &"m".repeat(257)),
        ),
        (
            "a memo of a character too many",
            "memo_too_large",
            plain(5, 9_000, 9, &"ü".repeat(129)),
        ),
        ("an empty key", "record_key_length", put(0, 1)),
        ("a longer key", "record_key_length", put(257, 1)),
        ("a larger value", "value_too_large", put(1, 4_097)),
        ("both", "value_too_large", put(0, 4_097)),
    ];
    let of_carol = [
        (
            "all that it holds for the fee",
            ACCEPTED,
            plain(0, 9_000, 9, ""),
        ),
        ("one more than it holds", "unfunded", plain(0, 9_001, 9, "")),
    ];
    let wire = Wire::new(world.context().genesis_hash);
    let signed = |signer: &Party, (name, verdict, body): (_, _, TransactionBody)| {
        let transaction = signer.sign(world.context(), body);
        (name, verdict, wire.encode_transaction(&transaction))
    };
    let of_alice = of_alice.into_iter().map(|case| signed(alice, case));
    let of_carol = of_carol.into_iter().map(|case| signed(carol, case));
    of_alice.chain(of_carol).collect()
}

/// Keys and signatures that are not those that belong there.
fn credentials(world: &World) -> Vec<Wrong> {
    let [alice, _, _, dave] = &world.people[..] else {
        panic!("four people")
    };
    let key_of = |party: &Party| Some(party.signer.public_key().to_vec());
    let later = alice.sign(world.context(), plain(5, 9_000, 9, ""));
    let first = dave.sign(world.context(), plain(0, 9_000, 9, ""));
    let ahead = dave.sign(world.context(), plain(1, 9_000, 9, ""));
    let keyed = |of: &Transaction, public_key| Transaction {
        public_key,
        ..of.clone()
    };
    let with = |signature| Transaction {
        signature: Signature(signature),
        ..later.clone()
    };
    let bad = bad_keys().map(|(name, key)| {
        let sender = Address::of(SCHEME, &key);
        let transaction = Transaction {
            sender,
            ..keyed(&first, Some(key))
        };
        (name, "bad_key", transaction)
    });
    let cases = [
        (
            "a key that is on record",
            "key_on_record",
            keyed(&later, key_of(alice)),
        ),
        (
            "no key, and none on record",
            "unknown_key",
            keyed(&first, None),
        ),
        (
            "no key, none on record, and a nonce ahead",
            "unknown_key",
            ahead.clone(),
        ),
        (
            "somebody else's key",
            "foreign_key",
            keyed(&first, key_of(alice)),
        ),
        (
            "a key that comes too late",
            "key_too_late",
            keyed(&ahead, key_of(dave)),
        ),
        ("a shorter signature", "bad_signature", with(vec![0; 3_308])),
        ("a longer signature", "bad_signature", with(vec![0; 3_310])),
        ("no signature", "bad_signature", with(vec![])),
        (
            "a signature of zeros",
            "bad_signature",
            with(vec![0; 3_309]),
        ),
        (
            "another's signature",
            "bad_signature",
            with(first.signature.0.clone()),
        ),
    ];
    let wire = Wire::new(world.context().genesis_hash);
    let cases = cases.into_iter().chain(bad);
    cases
        .map(|(name, verdict, of)| (name, verdict, wire.encode_transaction(&of)))
        .collect()
}

/// Bytes that are no transaction of this chain.
fn envelopes(world: &World) -> Vec<Wrong> {
    let transaction = &cases(world)[1].transaction;
    let genesis = world.context().genesis_hash;
    let whole = Wire::new(genesis).encode_transaction(transaction);
    let mut other = genesis;
    other.0[31] ^= 1;
    let longer = |length: usize| {
        let mut bytes = whole.clone();
        bytes.resize(length, 0);
        bytes
    };
    vec![
        ("nothing", "malformed", vec![]),
        (
            "a byte less than an envelope",
            "malformed",
            whole[..33].to_vec(),
        ),
        ("an envelope alone", "malformed", whole[..34].to_vec()),
        (
            "a byte less",
            "malformed",
            whole[..whole.len() - 1].to_vec(),
        ),
        ("a byte more", "malformed", longer(whole.len() + 1)),
        (
            "as long as any, and too long for itself",
            "malformed",
            longer(12_288),
        ),
        ("longer than any", "too_large", longer(12_289)),
        ("without its envelope", "version", whole[34..].to_vec()),
        (
            "another chain's",
            "foreign_chain",
            Wire::new(other).encode_transaction(transaction),
        ),
    ]
}

/// Where a byte of a case is changed, and to what.
fn changes(length: usize, action: usize) -> Vec<(usize, u8)> {
    let fields = 34..action + 40;
    let tail = [
        length - 3_313,
        length - 3_310,
        length - 3_309,
        length - 1_700,
        length - 1,
    ];
    let places = [0, 1, 2, 33].into_iter().chain(fields).chain(tail);
    // Tags as well that no action, and no option, has.
    let tags = [(action, 5), (action, 0x80), (action + 33, 2)];
    places.map(|at| (at, 1)).chain(tags).collect()
}

/// The last byte of the envelope is at 33, of the sender at 53, of the body's numbers at 77.
const ACTION_AT: usize = 78;

fn changed(world: &World, of: &[Case], judge: &mut Judge) -> Vec<Value> {
    let wire = Wire::new(world.context().genesis_hash);
    let mut vectors = Vec::new();
    for case in of {
        let whole = wire.encode_transaction(&case.transaction);
        for (at, flip) in changes(whole.len(), ACTION_AT) {
            let mut bytes = whole.clone();
            bytes[at] ^= flip;
            vectors.push(json!({
                "name": format!("{}, byte {at}", case.name),
                "base": case.name,
                "at": at,
                "byte": bytes[at],
                "verdict": judge.verdict(&bytes),
            }));
        }
    }
    vectors
}

/// The cases of whose bytes one is changed.
const BASES: [&str; 6] = [
    "first transfer, which brings the key",
    "transfer",
    "transfer with a memo",
    "put",
    "delete",
    "declaration of readiness",
];

#[test]
fn every_transaction_with_a_byte_changed_is_judged_as_it_is_written_down() {
    let world = World::of_two_blocks();
    let mut judge = Judge::new(&world);
    let about = "Transactions with one byte changed, or wrong in one thing, and what a node says of \
                 each whose next block is state.height, with nothing else waiting. An account that is \
                 not listed holds nothing. A vector has its bytes, or a base of which the byte at an \
                 offset is another.";
    let mut file = head(about, "mutated.rs", world.context());
    let bases = cases(&world).into_iter();
    let bases: Vec<Case> = bases.filter(|case| BASES.contains(&case.name)).collect();
    let mut vectors: Vec<Value> = Vec::new();
    let wrong = [terms(&world), credentials(&world), envelopes(&world)];
    for (name, verdict, bytes) in wrong.concat() {
        assert_eq!(judge.verdict(&bytes), verdict, "{name}");
        vectors.push(json!({ "name": name, "bytes": hex(&bytes), "verdict": verdict }));
    }
    vectors.extend(changed(&world, &bases, &mut judge));
    let wire = Wire::new(world.context().genesis_hash);
    let base = |case: &Case| json!({ "name": case.name, "bytes": hex(&wire.encode_transaction(&case.transaction)) });
    file.insert("state".into(), state(&world));
    file.insert("bases".into(), bases.iter().map(base).collect());
    file.insert("vectors".into(), vectors.into());
    let written = settle("mutated.json", file);
    reads_back(&written, &mut judge);
}

fn reads_back(written: &Value, judge: &mut Judge) {
    let mut seen = BTreeSet::new();
    for vector in items(&written["vectors"]) {
        let verdict = text(vector, "verdict");
        assert_eq!(judge.verdict(&whole(written, vector)), verdict, "{vector}");
        seen.insert(verdict);
    }
    for base in items(&written["bases"]) {
        assert_eq!(judge.verdict(&bytes(base, "bytes")), ACCEPTED, "{base}");
    }
    assert!(seen.len() >= 20, "of every kind: {seen:?}");
}

/// The bytes of a vector, from its base where it has one.
fn whole(written: &Value, vector: &Value) -> Vec<u8> {
    let Some(at) = vector["at"].as_u64() else {
        return bytes(vector, "bytes");
    };
    let mut bases = items(&written["bases"]).iter();
    let base = bases.find(|base| base["name"] == vector["base"]).unwrap();
    let mut whole = bytes(base, "bytes");
    let byte = vector["byte"].as_u64().unwrap();
    whole[usize::try_from(at).unwrap()] = u8::try_from(byte).unwrap();
    whole
}
