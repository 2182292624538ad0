//! `ml-dsa`, written by others in Rust, agrees with `ml-dsa-65` in both directions.
use ml_dsa::{ExpandedSigningKey, MlDsa65, Signature, VerifyingKey as TheirKey};

use super::*;
use crate::crypto::{SignatureError, scheme};

const ID: SchemeId = SchemeId::MlDsa65;

fn their_verdict(public_key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let key = TheirKey::<MlDsa65>::decode(&public_key.try_into().unwrap());
    Signature::<MlDsa65>::try_from(signature)
        .is_ok_and(|signature| key.verify_with_context(message, &[], &signature))
}

/// Messages of every size class: none, below, at and above a block of SHAKE256, and long.
#[test]
fn two_implementations_generate_sign_and_verify_alike() {
    let mut run = 0;
    for (tag, length) in (0u8..).zip([0, 1, 32, 135, 136, 137, 1000, 65536]) {
        let xi = [tag; 32];
        let message = vec![tag; length];
        let ours = signer(ID, &Xi::published(xi));
        let theirs = ExpandedSigningKey::<MlDsa65>::from_seed(&xi.into());
        let public_key = ours.public_key();
        assert_eq!(public_key, theirs.verifying_key().encode().as_slice());

        let our_signature = ours.sign(&message).unwrap();
        assert!(their_verdict(public_key, &message, &our_signature));

        let their_signature = theirs.sign_deterministic(&message, &[]).unwrap().encode();
        let key = scheme(ID).prepare(public_key).unwrap();
        assert_eq!(key.verify(&message, &their_signature), Ok(()));

        let other = [message.as_slice(), b"!"].concat();
        assert!(!their_verdict(public_key, &other, &our_signature));
        let ours_on_other = key.verify(&other, &their_signature);
        assert_eq!(ours_on_other, Err(SignatureError::Invalid));
        run += 1;
    }
    assert_eq!(run, 8);
}
