//! `proofs.json`: paths from accounts, records, values of applications, transactions and receipts to the roots of a header,
//! and every lie about them.
use super::verdict::ACCEPTED;
use super::world::World;
use super::{bytes, change_of, changed, head, hex, items, settle, text};
use lockstep_protocol::codec;
use lockstep_protocol::crypto::merkle;
use lockstep_protocol::ledger::{
    AccountProof, ApplicationProof, RecordProof, prove_account, prove_application, prove_record,
};
use lockstep_protocol::limits::{
    PROVED_ACCOUNT_BYTES_MAX, PROVED_APPLICATION_BYTES_MAX, PROVED_RECORD_BYTES_MAX,
};
use lockstep_protocol::proofs::inclusion::{ReceiptProof, TransactionProof};
use lockstep_protocol::types::{Address, Hash};
use serde_json::{Value, json};

/// What is proved, of what, to whom, and how.
#[derive(Clone)]
struct Case {
    name: String,
    root: Hash,
    of: Of,
    proof: Vec<u8>,
    verdict: &'static str,
}

#[derive(Clone)]
enum Of {
    Account(Address),
    Record(Address, Vec<u8>),
    Application(&'static str, Vec<u8>),
    Transaction(Hash),
    Receipt(Hash),
}

impl Case {
    fn right(name: &str, root: Hash, of: Of, proof: Vec<u8>) -> Case {
        let (name, verdict) = (name.into(), ACCEPTED);
        Case {
            name,
            root,
            of,
            proof,
            verdict,
        }
    }

    /// The same with a lie in it.
    fn lie(&self, what: &str, change: impl FnOnce(&mut Case)) -> Case {
        let mut lie = self.clone();
        lie.name = format!("{}: {what}", self.name);
        change(&mut lie);
        lie.verdict = lie.judge().0;
        assert_ne!(lie.verdict, ACCEPTED, "{}", lie.name);
        lie
    }

    /// By the node's own decoders; and what is proved.
    fn judge(&self) -> (&'static str, Value) {
        let malformed = ("malformed", Value::Null);
        let proved = |value: Option<Value>| match value {
            Some(value) => (ACCEPTED, value),
            None => ("proof", Value::Null),
        };
        let proof = &self.proof;
        match &self.of {
            Of::Account(address) => {
                let proof = codec::decode("account", proof, PROVED_ACCOUNT_BYTES_MAX);
                let Ok(proof): Result<AccountProof, _> = proof else {
                    return malformed;
                };
                let account = proof.verify(&self.root, address).ok();
                proved(account.map(|account| {
                    json!(account.map(|account| {
                        json!({ "balance": account.balance.to_string(), "nonce": account.nonce })
                    }))
                }))
            }
            Of::Record(owner, key) => {
                let proof = codec::decode("record", proof, PROVED_RECORD_BYTES_MAX);
                let Ok(proof): Result<RecordProof, _> = proof else {
                    return malformed;
                };
                let record = proof.verify(&self.root, owner, key).ok();
                proved(record.map(|record| json!(record)))
            }
            Of::Application(name, key) => {
                let proof = codec::decode("application", proof, PROVED_APPLICATION_BYTES_MAX);
                let Ok(proof): Result<ApplicationProof, _> = proof else {
                    return malformed;
                };
                let value = proof.verify(&self.root, name, key).ok();
                proved(value.map(|value| json!(value.map(hex))))
            }
            Of::Transaction(id) => {
                let Ok(proof) = codec::decode::<TransactionProof>("proof", proof, 2_048) else {
                    return malformed;
                };
                let stands = proof.verify(&self.root, id).ok();
                proved(stands.map(|()| json!(true)))
            }
            Of::Receipt(id) => {
                let Ok(proof) = codec::decode::<ReceiptProof>("proof", proof, 2_048) else {
                    return malformed;
                };
                let receipt = proof.verify(&self.root, id).ok();
                proved(receipt.map(|receipt| json!(receipt)))
            }
        }
    }

    fn vector(&self) -> Value {
        let mut vector = json!({
            "name": self.name,
            "root": self.root,
            "proof": hex(&self.proof),
            "value": self.judge().1,
            "verdict": self.verdict,
        });
        let mut set = |field: &str, value: Value| vector[field] = value;
        match &self.of {
            Of::Account(address) => {
                set("kind", json!("account"));
                set("address", json!(address));
            }
            Of::Record(owner, key) => {
                set("kind", json!("record"));
                set("address", json!(owner));
                set("key", json!(hex(key)));
            }
            Of::Application(name, key) => {
                set("kind", json!("application"));
                set("application", json!(name));
                set("key", json!(hex(key)));
            }
            Of::Transaction(id) => {
                set("kind", json!("transaction"));
                set("id", json!(id));
            }
            Of::Receipt(id) => {
                set("kind", json!("receipt"));
                set("id", json!(id));
            }
        }
        vector
    }
}

/// What the state holds, and does not.
fn of_state(world: &World) -> Vec<Case> {
    let root = world.at(2).block.header().state_root;
    let account = |name: &str, address: Address| {
        let proof = prove_account(&*world.state, &address).unwrap();
        Case::right(name, root, Of::Account(address), codec::encode(&proof))
    };
    let record = |name: &str, key: &[u8]| {
        let owner = world.people[0].address;
        let proof = prove_record(&*world.state, &owner, key).unwrap();
        let of = Of::Record(owner, key.into());
        Case::right(name, root, of, codec::encode(&proof))
    };
    let application = |name: &str, of: &'static str, key: &[u8]| {
        let proof = prove_application(&*world.state, of, key).unwrap();
        let of = Of::Application(of, key.into());
        Case::right(name, root, of, codec::encode(&proof))
    };
    let nobody = |number: u8| Address([number; 20]);
    vec![
        account("alice's account", world.people[0].address),
        account("a validator's account", world.validators[3].address),
        account("no account", nobody(1)),
        account("no account elsewhere", nobody(2)),
        account("no account at a third place", nobody(9)),
        record("a record", b"deed/1"),
        record("a record that was deleted", b"deed/2"),
        record("a record that never was", b"deed/3"),
        application("a value of an application", "notes", b"milk"),
        application("a value from the genesis", "notes", b"first"),
        application("no value of an application", "notes", b"bread"),
        application("a value of no application", "nots", b"milk"),
    ]
}

fn of_block(world: &World) -> Vec<Case> {
    let committed = world.at(1);
    let (block, header) = (committed.block.block(), committed.block.header());
    let transaction = |index: usize| {
        let proof = TransactionProof::new(block, index).unwrap();
        let name = format!("transaction {index} of four");
        let of = Of::Transaction(block.transactions[index].id());
        Case::right(&name, header.transactions_root, of, codec::encode(&proof))
    };
    let receipt = |index: usize| {
        let proof = ReceiptProof::new(&committed.receipts, index).unwrap();
        let name = format!("receipt {index} of four");
        let of = Of::Receipt(block.transactions[index].id());
        Case::right(&name, header.receipts_root, of, codec::encode(&proof))
    };
    vec![
        transaction(0),
        transaction(3),
        receipt(0),
        receipt(3),
        events(world),
    ]
}

/// A receipt with events.
fn events(world: &World) -> Case {
    let committed = world.at(2);
    let proof = ReceiptProof::new(&committed.receipts, 2).unwrap();
    let of = Of::Receipt(committed.block.block().transactions[2].id());
    let root = committed.block.header().receipts_root;
    Case::right("the receipt of a call", root, of, codec::encode(&proof))
}

/// Every lie about each.
fn lies(right: &Case) -> Vec<Case> {
    let length = right.proof.len();
    let flip = |at: usize| move |lie: &mut Case| lie.proof[at] ^= 1;
    let mut lies = vec![
        right.lie("another root", |lie| lie.root.0[0] ^= 1),
        right.lie("the last byte is another", flip(length - 1)),
        right.lie("a byte in the middle is another", flip(length / 2)),
        right.lie("the claim is another", flip(1)),
        right.lie("a byte less", |lie| _ = lie.proof.pop()),
        right.lie("a byte more", |lie| lie.proof.push(0)),
        right.lie("of another", |lie| {
            lie.of = match &lie.of {
                Of::Account(_) => Of::Account(Address([0xee; 20])),
                Of::Record(owner, _) => Of::Record(*owner, b"deed/4".into()),
                Of::Application(name, _) => Of::Application(name, b"eggs".into()),
                Of::Transaction(_) => Of::Transaction(Hash([0xee; 32])),
                Of::Receipt(_) => Of::Receipt(Hash([0xee; 32])),
            }
        }),
    ];
    if matches!(right.of, Of::Account(_)) {
        lies.extend(claims(right));
    }
    lies
}

/// An account that is there is said not to be, or to hold another sum; one that is not, to be.
fn claims(right: &Case) -> Vec<Case> {
    let is_there = right.proof[0] == 1;
    if is_there {
        return vec![
            right.lie("it is not there", |lie| drop(lie.proof.splice(..17, [0]))),
            right.lie("it has a nonce more", |lie| lie.proof[9] ^= 1),
        ];
    }
    let rich = [&[1][..], &[0xff; 16]].concat();
    vec![right.lie("it is there", |lie| drop(lie.proof.splice(..1, rich)))]
}

/// Each with a byte changed.
fn changes(right: &Case) -> Vec<Value> {
    let places = (0..right.proof.len()).step_by(7);
    let judge = |proof: &[u8]| {
        let mut lie = right.clone();
        lie.proof = proof.to_vec();
        lie.judge().0
    };
    changed(&right.name, &right.proof, places, judge).collect()
}

/// Roots of lists, from none to nine.
fn lists() -> Value {
    let leaf = |number: u8| Hash::of(&[&[number]]);
    let list = |count: u8| {
        let leaves: Vec<Hash> = (0..count).map(leaf).collect();
        json!({ "leaves": leaves, "root": merkle::root(&leaves) })
    };
    (0..10).map(list).collect()
}

#[test]
fn every_proof_is_judged_as_it_is_written_down() {
    let world = World::of_two_blocks();
    let about = "Proofs as JSON-RPC answers them (prove): of accounts, records and values of \
                 applications to the state root \
                 of block 2 of blocks.json, of transactions and receipts to the roots of block 1 \
                 (that of a call: of block 2); \
                 value is what is proved (null: that there is none). Verdicts: malformed (no proof), \
                 proof (it does not lead there). changed: the vector of \
                 that name with the byte at an offset of its proof being another. lists: the roots \
                 of lists of leaves.";
    let mut file = head(about, "proofs.rs", world.context());
    let right = [of_state(&world), of_block(&world)].concat();
    let lies: Vec<Case> = right.iter().flat_map(lies).collect();
    let cases = right.iter().chain(&lies);
    file.insert("vectors".into(), cases.map(Case::vector).collect());
    file.insert("lists".into(), lists());
    let changes: Vec<Value> = right.iter().flat_map(changes).collect();
    file.insert("changed".into(), changes.into());
    let written = settle("proofs.json", file);
    for vector in items(&written["changed"]) {
        let named = |of: &&Value| of["name"] == vector["base"];
        let mut case = read(items(&written["vectors"]).iter().find(named).unwrap());
        case.proof = change_of(vector, case.proof);
        assert_eq!(case.judge().0, text(vector, "verdict"), "{vector}");
        assert_ne!(text(vector, "verdict"), ACCEPTED, "{vector}");
    }
    for vector in items(&written["vectors"]) {
        let case = read(vector);
        let (verdict, value) = case.judge();
        assert_eq!(verdict, text(vector, "verdict"), "{}", case.name);
        assert_eq!(value, vector["value"], "{}", case.name);
    }
}

fn read(vector: &Value) -> Case {
    let address = || text(vector, "address").parse().unwrap();
    let id = || text(vector, "id").parse().unwrap();
    let of = match text(vector, "kind") {
        "account" => Of::Account(address()),
        "record" => Of::Record(address(), bytes(vector, "key")),
        "application" => {
            let name = text(vector, "application");
            let name = ["notes", "nots"].into_iter().find(|of| *of == name);
            Of::Application(name.unwrap(), bytes(vector, "key"))
        }
        "transaction" => Of::Transaction(id()),
        "receipt" => Of::Receipt(id()),
        other => panic!("{other}"),
    };
    let root = text(vector, "root").parse().unwrap();
    Case::right(text(vector, "name"), root, of, bytes(vector, "proof"))
}
