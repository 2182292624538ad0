//! The vectors for implementations in other languages, `tests/vectors/protocol/*.json`: each written
//! from this code, and each read back by it, so that neither side drifts.
//!
//! `LOCKSTEP_BLESS=1` writes them anew, as the golden file beside. Signatures are deterministic
//! ([`party`]): an implementation that signs so has equal bytes.
mod blocks;
mod cases;
mod certificates;
mod keys;
mod light;
mod light_cases;
mod light_lies;
mod mutated;
mod notes;
mod party;
mod proofs;
mod transactions;
mod verdict;
mod world;
mod wrong;

use lockstep_protocol::nouns::sign_bytes::SignContext;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

fn path(name: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/protocol");
    PathBuf::from(folder).join(name)
}

/// What each file begins with.
fn head(about: &str, source: &str, context: &SignContext) -> Map<String, Value> {
    let head = json!({
        "about": about,
        "written_by": format!("protocol/tests/golden/vectors/{source}"),
        "scheme": world::SCHEME.name(),
        "chain": { "chain_id": context.chain_id, "genesis_hash": context.genesis_hash },
    });
    let Value::Object(head) = head else {
        panic!("an object")
    };
    head
}

/// Compares a file with what this code says, or writes it where that is asked for.
fn settle(name: &str, expected: Map<String, Value>) -> Value {
    let expected = Value::Object(expected);
    let path = path(name);
    if std::env::var_os("LOCKSTEP_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, pretty(&expected)).unwrap();
    }
    let written: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let (ours, theirs) = (&expected["vectors"], &written["vectors"]);
    for (ours, theirs) in items(ours).iter().zip(items(theirs)) {
        assert_eq!(ours, theirs, "{name}");
    }
    assert!(
        expected == written,
        "{name} differs: LOCKSTEP_BLESS=1 writes it"
    );
    written
}

/// One vector a line: a difference shows which.
fn pretty(file: &Value) -> String {
    let mut lines = Vec::new();
    for (key, value) in file.as_object().unwrap() {
        let text = match value {
            Value::Array(items) => listed('[', items.iter().map(Value::to_string), ']'),
            Value::Object(fields) if key != "chain" => {
                let field = |(name, value): (&String, &Value)| format!("{}: {value}", json!(name));
                listed('{', fields.iter().map(field), '}')
            }
            other => other.to_string(),
        };
        lines.push(format!("  {}: {text}", json!(key)));
    }
    format!("{{\n{}\n}}\n", lines.join(",\n"))
}

fn listed(open: char, items: impl Iterator<Item = String>, close: char) -> String {
    let items: Vec<String> = items.map(|item| format!("    {item}")).collect();
    format!("{open}\n{}\n  {close}", items.join(",\n"))
}

fn items(list: &Value) -> &[Value] {
    list.as_array().unwrap()
}

fn hex(bytes: &[u8]) -> String {
    format!("0x{}", crate::hex(bytes))
}

/// These bytes with one changed at each of some places, and what is said of each.
fn changed<'a>(
    base: &'a str,
    bytes: &'a [u8],
    places: impl IntoIterator<Item = usize> + 'a,
    mut verdict: impl FnMut(&[u8]) -> &'static str + 'a,
) -> impl Iterator<Item = Value> + 'a {
    let places = places.into_iter().filter(|at| *at < bytes.len());
    places.map(move |at| {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1;
        json!({ "base": base, "at": at, "byte": changed[at], "verdict": verdict(&changed) })
    })
}

/// The bytes of such a vector, made of those of its base.
fn change_of(vector: &Value, mut base: Vec<u8>) -> Vec<u8> {
    let number = |field: &str| vector[field].as_u64().unwrap();
    base[usize::try_from(number("at")).unwrap()] = u8::try_from(number("byte")).unwrap();
    base
}

/// The bytes in a field of a vector.
fn bytes(vector: &Value, field: &str) -> Vec<u8> {
    let text = vector[field].as_str().unwrap();
    let digits = text.strip_prefix("0x").unwrap();
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.map(byte).collect()
}

fn text<'a>(vector: &'a Value, field: &str) -> &'a str {
    vector[field].as_str().unwrap()
}
