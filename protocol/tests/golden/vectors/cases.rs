//! A transaction of every kind, small and at its limits.
use super::notes;
use super::world::{Party, World};
use lockstep_protocol::nouns::transaction::{Action, Transaction, TransactionBody};
use lockstep_protocol::types::{Address, Height};

/// What is signed, and by whom.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) signer: Party,
    pub(crate) transaction: Transaction,
}

fn transfer(to: Address, amount: u64, memo: &str) -> Action {
    let memo = memo.into();
    Action::Transfer { to, amount, memo }
}

fn put(key: &[u8], value: &[u8]) -> Action {
    let (key, value) = (key.into(), value.into());
    Action::Put { key, value }
}

/// Who does what with which nonce.
type Act<'a> = (&'static str, &'a Party, u64, Action);

fn transfers<'a>(alice: &'a Party, bob: &'a Party, dave: &'a Party) -> Vec<Act<'a>> {
    let memo = "m".repeat(256);
    vec![
        (
            "first transfer, which brings the key",
            dave,
            0,
            transfer(bob.address, 5_000_000, ""),
        ),
        ("transfer", alice, 5, transfer(bob.address, 1, "")),
        (
            "transfer with a memo",
            alice,
            5,
            transfer(bob.address, 1_000, "für Miete, 家賃"),
        ),
        (
            "transfer with the longest memo",
            alice,
            6,
            transfer(bob.address, 0, &memo),
        ),
        (
            "transfer whose memo begins with U+FEFF",
            alice,
            5,
            transfer(bob.address, 1, "\u{feff}x"),
        ),
        (
            "transfer of all that fits into 64 bits",
            bob,
            1,
            transfer(alice.address, u64::MAX, ""),
        ),
    ]
}

fn others<'a>(world: &'a World, alice: &'a Party, dave: &'a Party) -> Vec<Act<'a>> {
    let newcomer = &world.validators[4];
    let update = |power| Action::UpdateValidator {
        public_key: newcomer.signer.public_key().to_vec(),
        power,
    };
    let most = [b"=", &[7; 8_191][..]].concat();
    vec![
        ("put", alice, 5, put(b"deed/3", b"a garden")),
        ("put of an empty value", alice, 5, put(&[0], b"")),
        (
            "put of the largest record",
            dave,
            0,
            put(&[7; 256], &[9; 4_096]),
        ),
        (
            "delete",
            alice,
            5,
            Action::Delete {
                key: b"deed/1".into(),
            },
        ),
        ("update of a validator", &world.validators[0], 0, update(10)),
        ("removal of a validator", &world.validators[1], 0, update(0)),
        (
            "declaration of readiness",
            newcomer,
            0,
            Action::DeclareReady,
        ),
        ("call", alice, 5, notes::call(b"milk=2")),
        ("call of the most data", alice, 5, notes::call(&most)),
    ]
}

/// Each action, small and at its limits.
pub(crate) fn cases(world: &World) -> Vec<Case> {
    let [alice, bob, _, dave] = &world.people[..] else {
        panic!("four people")
    };
    let case = |(name, signer, nonce, action): Act<'_>| Case {
        name,
        signer: signer.clone(),
        transaction: signer.act(world.context(), nonce, action),
    };
    let acts = transfers(alice, bob, dave).into_iter();
    let acts = acts.chain(others(world, alice, dave)).map(case);
    acts.chain(own_terms(world)).collect()
}

/// With a fee and an expiry of the signer's choice.
fn own_terms(world: &World) -> Vec<Case> {
    let alice = &world.people[0];
    let body = TransactionBody {
        nonce: 5,
        fee: 123_456_789_012,
        expires_at: Height(100_003),
        action: transfer(Address([0xff; 20]), 1, ""),
    };
    vec![Case {
        name: "transfer with the latest expiry and a high fee",
        signer: alice.clone(),
        transaction: alice.sign(world.context(), body),
    }]
}
