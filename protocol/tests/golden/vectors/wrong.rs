//! Whole transactions that are right or wrong in one thing, and the word that each is refused with.
use super::cases::cases;
use super::verdict::ACCEPTED;
use super::world::{Party, SCHEME, World, bad_keys};
use lockstep_protocol::nouns::transaction::{Action, Transaction, TransactionBody};
use lockstep_protocol::nouns::vote::Signature;
use lockstep_protocol::types::{Address, Height};
use lockstep_protocol::wire::Wire;

/// A name, the verdict, and the envelope.
pub(super) type Wrong = (&'static str, &'static str, Vec<u8>);

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

/// All of them.
pub(super) fn wrong(world: &World) -> Vec<Wrong> {
    [terms(world), credentials(world), envelopes(world)].concat()
}

/// Terms that are right or wrong, signed as they are. Alice's next nonce is 5, the next height 3.
fn terms(world: &World) -> Vec<Wrong> {
    let [alice, _, carol, _] = &world.people[..] else {
        panic!("four people")
    };
    let least = plain(5, 0, 9, "").for_least_fee(&*alice.signer, &world.rules.parameters);
    let least = least.fee;
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
    let of_alice = of_alice.into_iter().chain(forms()).chain(calls());
    let of_alice = of_alice.map(|case| signed(alice, case));
    let of_carol = of_carol.into_iter().map(|case| signed(carol, case));
    of_alice.chain(of_carol).collect()
}

/// Memos, keys and values at their limits.
fn forms() -> Vec<(&'static str, &'static str, TransactionBody)> {
    let put = |key: usize, value: usize| TransactionBody {
        action: Action::Put {
            key: vec![1; key],
            value: vec![2; value],
        },
        ..plain(5, 20_000, 9, "")
    };
    vec![
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
    ]
}

/// Calls at their limits.
fn calls() -> Vec<(&'static str, &'static str, TransactionBody)> {
    let call = |application: &str, data: &[u8]| TransactionBody {
        action: Action::Call {
            application: application.into(),
            data: data.into(),
        },
        ..plain(5, 20_000, 9, "")
    };
    vec![
        ("a call", ACCEPTED, call("notes", b"=")),
        (
            "a call of no application",
            "unknown_application",
            call("nots", b"="),
        ),
        (
            "a call of no name",
            "invalid_application_name",
            call("", b"="),
        ),
        (
            "a call of a long name",
            "invalid_application_name",
            call(&"n".repeat(33), b"="),
        ),
        (
            "a call of a name in capitals",
            "invalid_application_name",
            call("Notes", b"="),
        ),
        (
            "a call that the application refuses",
            "call_refused",
            call("notes", b"milk"),
        ),
        (
            "a call of the most data",
            ACCEPTED,
            call("notes", &[b'='; 8_192]),
        ),
        (
            "a call of more data",
            "call_too_large",
            call("notes", &[b'='; 8_193]),
        ),
    ]
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
    ];
    let wire = Wire::new(world.context().genesis_hash);
    let cases = cases
        .into_iter()
        .chain(signatures(&later, &first))
        .chain(bad);
    cases
        .map(|(name, verdict, of)| (name, verdict, wire.encode_transaction(&of)))
        .collect()
}

fn signatures(
    later: &Transaction,
    first: &Transaction,
) -> Vec<(&'static str, &'static str, Transaction)> {
    let with = |signature| Transaction {
        signature: Signature(signature),
        ..later.clone()
    };
    vec![
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
    ]
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
