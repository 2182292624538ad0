//! Project Wycheproof's cases for ML-DSA-65.
use super::*;
use crate::crypto::{KeyError, PUBLIC_KEY_BYTES, SIGNATURE_BYTES, SignatureError, scheme};

const ID: SchemeId = SchemeId::MlDsa65;

fn has_flag(case: &Value, flag: &str) -> bool {
    list(&case["flags"]).iter().any(|f| f == flag)
}

/// How the cases of a file were spent; compared as a whole, so that no case gets lost.
#[derive(Debug, Default, PartialEq, Eq)]
struct VectorCount {
    accepted: usize,
    refused: usize,
    refused_for_length: usize,
    degenerate: usize,
    /// A context string cannot be given: `aws-lc-rs` has none.
    skipped_context: usize,
    /// A message representative (mu) cannot be given in place of a message.
    skipped_internal: usize,
    /// A seed of another length cannot be given: the type forbids it.
    skipped_seed_length: usize,
}

#[test]
fn ml_dsa_65_verifies_as_wycheproof_demands() {
    let file = vectors("wycheproof_mldsa_65_verify_test.json");
    let mut tally = VectorCount::default();
    for group in list(&file["testGroups"]) {
        let public_key = bytes(group, "publicKey");
        for case in list(&group["tests"]) {
            verify(case, &public_key, &mut tally);
        }
    }
    let expected = VectorCount {
        accepted: 77,
        refused: 119,
        refused_for_length: 7,
        degenerate: 51,
        skipped_context: 7,
        ..VectorCount::default()
    };
    assert_eq!(tally, expected);
    assert_eq!(77 + 119 + 7 + 7, 210);
}

fn verify(case: &Value, public_key: &[u8], tally: &mut VectorCount) {
    let (message, signature) = (bytes(case, "msg"), bytes(case, "sig"));
    if !bytes(case, "ctx").is_empty() {
        tally.skipped_context += 1;
        return;
    }
    if public_key.len() != PUBLIC_KEY_BYTES {
        let refusal = scheme(ID).prepare(public_key).err();
        assert!(matches!(refusal, Some(KeyError::Length { .. })), "{case}");
        tally.refused_for_length += 1;
        return;
    }
    let through_the_rules = scheme(ID).prepare(public_key).err();
    let degenerate = has_flag(case, "ZeroPublicKey").then_some(KeyError::Degenerate(ID));
    tally.degenerate += usize::from(degenerate.is_some());
    assert_eq!(through_the_rules, degenerate, "{case}");

    let verdict = prepared(engine(ID), public_key).verify(&message, &signature);
    let expected = match case["result"].as_str().unwrap() {
        "valid" => Ok(()),
        _ if signature.len() != SIGNATURE_BYTES => Err(SignatureError::Length {
            expected: SIGNATURE_BYTES,
            actual: signature.len(),
        }),
        _ => Err(SignatureError::Invalid),
    };
    assert_eq!(verdict, expected, "{case}");
    match verdict {
        Ok(()) => tally.accepted += 1,
        Err(SignatureError::Invalid) => tally.refused += 1,
        Err(SignatureError::Length { .. }) => tally.refused_for_length += 1,
    }
}

/// The engine signs with randomness, so the published signatures are verified, not reproduced.
#[test]
fn ml_dsa_65_accepts_the_signatures_of_wycheproof_seeds() {
    let file = vectors("wycheproof_mldsa_65_sign_seed_test.json");
    let mut tally = VectorCount::default();
    let mut keys = 0;
    for group in list(&file["testGroups"]) {
        let seed = bytes(group, "privateSeed");
        let Ok(seed) = <[u8; 32]>::try_from(seed) else {
            tally.skipped_seed_length += list(&group["tests"]).len();
            continue;
        };
        let signer = signer(ID, &Xi::published(seed));
        assert_eq!(signer.public_key(), bytes(group, "publicKey"));
        keys += 1;
        let key = scheme(ID).prepare(signer.public_key()).unwrap();
        for case in list(&group["tests"]) {
            if has_flag(case, "Internal") {
                tally.skipped_internal += 1;
            } else if !bytes(case, "ctx").is_empty() {
                tally.skipped_context += 1;
            } else {
                let (message, signature) = (bytes(case, "msg"), bytes(case, "sig"));
                assert_eq!(key.verify(&message, &signature), Ok(()), "{case}");
                tally.accepted += 1;
            }
        }
    }
    let expected = VectorCount {
        accepted: 81,
        skipped_context: 4,
        skipped_internal: 17,
        skipped_seed_length: 3,
        ..VectorCount::default()
    };
    assert_eq!((tally, keys), (expected, 39));
    assert_eq!(81 + 4 + 17 + 3, 105);
}
