//! Key generation and signing, byte for byte, where the authors published the bytes.
use shake::Shake256;
use shake::digest::{ExtendableOutput, Update, XofReader};
use zeroize::Zeroizing;

use super::*;
use crate::crypto::dilithium3::SecretKeyBytes;
use crate::crypto::{KeyError, SignatureError, scheme};

/// The digest in which pq-crystals publish keys and signatures.
fn shake256(data: &[u8]) -> Vec<u8> {
    let mut hash = Shake256::default();
    hash.update(data);
    let mut digest = vec![0; 32];
    hash.finalize_xof().read(&mut digest);
    digest
}

/// A signer and its prepared key from published key bytes.
fn published_pair(case: &Value) -> (SecretKeyBytes, Arc<dyn VerifyingKey>) {
    let public: [u8; 1952] = bytes(case, "pk").try_into().unwrap();
    let secret = Zeroizing::new(bytes(case, "sk"));
    let signer = SecretKeyBytes::new(KeyPairBytes { public, secret }).unwrap();
    let key = scheme(SchemeId::Dilithium3).prepare(&public).unwrap();
    (signer, key)
}

/// The portable code signs without randomness, hence whole signatures can be compared. The keys
/// are given as bytes: the authors' key generation hashes ξ as the draft does, ours as the standard.
#[test]
fn dilithium3_signs_and_verifies_as_its_authors() {
    let file = vectors("dilithium3_918af1a_kat20.json");
    let mut run = 0;
    for case in list(&file["tests"]) {
        assert_eq!(shake256(&bytes(case, "pk")), bytes(case, "pk_shake256"));
        assert_eq!(shake256(&bytes(case, "sk")), bytes(case, "sk_shake256"));
        let (signer, key) = published_pair(case);
        let message = bytes(case, "m");
        let signature = signer.sign(&message).unwrap();
        let count = &case["count"];
        assert_eq!(shake256(&signature), bytes(case, "sig_shake256"), "{count}");
        assert_eq!(key.verify(&message, &signature), Ok(()), "{count}");
        run += 1;
    }
    assert_eq!(run, 20);
}

#[test]
fn dilithium3_reproduces_the_known_answer_of_pqclean() {
    let case = vectors("dilithium3_918af1a_pqclean_nistkat0.json");
    let (signer, key) = published_pair(&case);
    let (message, signature) = (bytes(&case, "msg"), bytes(&case, "sig"));
    assert_eq!(signer.sign(&message).unwrap(), signature);
    assert_eq!(key.verify(&message, &signature), Ok(()));
}

/// Round 3.1 has public keys of the same length; its secret keys and signatures betray it.
#[test]
fn the_sizes_of_round_3_1_are_refused() {
    let case = vectors("dilithium3_round31_pqclean_nistkat0.json");
    let (public, secret) = (bytes(&case, "pk"), bytes(&case, "sk"));
    let (message, signature) = (bytes(&case, "msg"), bytes(&case, "sig"));
    assert_eq!((secret.len(), signature.len()), (4000, 3293));

    let pair = KeyPairBytes {
        public: public.as_slice().try_into().unwrap(),
        secret: Zeroizing::new(secret),
    };
    let refused = SecretKeyBytes::new(pair).err();
    assert_eq!(refused, Some(KeyError::Refused(SchemeId::Dilithium3)));

    for id in SchemeId::ALL {
        let key = scheme(id).prepare(&public).unwrap();
        let wrong_length = SignatureError::Length {
            expected: 3309,
            actual: 3293,
        };
        assert_eq!(key.verify(&message, &signature), Err(wrong_length));
        let mut padded = signature.clone();
        padded.resize(3309, 0);
        assert_eq!(key.verify(&message, &padded), Err(SignatureError::Invalid));
    }
}

/// Both schemes generate the standard's keys, and each signs and verifies with them.
#[test]
fn both_schemes_generate_the_keys_of_acvp() {
    let file = vectors("acvp_mldsa65_keygen.json");
    let mut run = 0;
    for case in list(&file["tests"]) {
        let xi = xi(case, "seed");
        let pair = expanded(&xi);
        assert_eq!(sha256(&pair.public), array32(case, "pk_sha256"), "{case}");
        assert_eq!(sha256(&pair.secret), array32(case, "sk_sha256"), "{case}");
        for id in SchemeId::ALL {
            let signer = signer(id, &xi);
            assert_eq!(signer.public_key(), pair.public);
            let signature = signer.sign(b"acvp").unwrap();
            let key = scheme(id).prepare(&pair.public).unwrap();
            assert_eq!(key.verify(b"acvp", &signature), Ok(()));
        }
        run += 1;
    }
    assert_eq!(run, 25);
}

/// `aws-lc-rs` hedges; a known signature can only be verified, not reproduced.
#[test]
fn ml_dsa_65_signs_the_same_message_differently() {
    let signer = signer(SchemeId::MlDsa65, &Xi::published([7; 32]));
    let key = prepared(engine(SchemeId::MlDsa65), signer.public_key());
    let signatures = [(); 2].map(|()| signer.sign(b"once").unwrap());
    assert_ne!(signatures[0], signatures[1]);
    for signature in signatures {
        assert_eq!(key.verify(b"once", &signature), Ok(()));
    }
}

/// Pinned: another derivation would give every existing validator another key.
#[test]
fn xi_is_the_hash_of_domain_scheme_and_seed() {
    for id in SchemeId::ALL {
        let seed = crate::crypto::Seed([9; 32]);
        let text = [b"lockstep/keygen/v1", id.name().as_bytes(), &[9; 32]].concat();
        assert_eq!(Xi::derive(id, &seed).bytes(), sha256(&text));
    }
}
