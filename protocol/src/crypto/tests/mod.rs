//! Known answers against the engines themselves. These tests need a key from a published ξ or a
//! verdict under a degenerate key, neither of which the public interface offers; what it does
//! offer is tested in `protocol/tests/signatures.rs`.
mod agreement;
mod known_answers;
mod self_test;
mod wycheproof;

use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::checked::engine;
use super::engine::Engine;
use super::keygen::{KeyPairBytes, Xi};
use super::{SchemeId, Signer, VerifyingKey, ml_dsa_65};

/// A file of `tests/vectors`.
fn vectors(name: &str) -> Value {
    let path = format!("{}/../tests/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    serde_json::from_str(&text).unwrap()
}

/// The bytes of a hexadecimal field; absent and null are empty.
fn bytes(case: &Value, field: &str) -> Vec<u8> {
    let text = case[field].as_str().unwrap_or_default();
    assert_eq!(text.len() % 2, 0, "{field} is not whole bytes");
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn array32(case: &Value, field: &str) -> [u8; 32] {
    bytes(case, field).try_into().unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn sha256(data: &[u8]) -> [u8; 32] {
    Sha256::digest(data).into()
}

fn xi(case: &Value, field: &str) -> Xi {
    Xi::published(array32(case, field))
}

fn expanded(xi: &Xi) -> KeyPairBytes {
    ml_dsa_65::expand(SchemeId::MlDsa65, xi).unwrap()
}

fn signer(id: SchemeId, xi: &Xi) -> Arc<dyn Signer> {
    engine(id).signer(xi).unwrap()
}

/// Prepares a key past the refusal of degenerate ones.
fn prepared(engine: &dyn Engine, key: &[u8]) -> Arc<dyn VerifyingKey> {
    engine.prepare(key.try_into().unwrap()).unwrap()
}
