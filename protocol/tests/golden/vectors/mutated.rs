//! `mutated.json`: transactions with a byte changed, and what a node says of each.
use super::cases::{Case, cases};
use super::verdict::{ACCEPTED, Judge};
use super::world::World;
use super::wrong::wrong;
use super::{bytes, head, hex, items, settle, text};
use lockstep_protocol::ledger;
use lockstep_protocol::nouns::genesis::GenesisAccount;
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
    for (name, verdict, bytes) in wrong(&world) {
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
