//! What the rest of the node may rely on when it asks for a signature scheme by name.
#![allow(clippy::unwrap_used, clippy::panic)]
use std::sync::Arc;

use lockstep_protocol::crypto::{
    KeyError, Scheme, SchemeId, Seed, SignatureError, Signer, VerifyingKey, scheme, self_test,
};
use proptest::prelude::*;

const MESSAGE: &[u8] = b"transfer 1 coin";

fn signer(id: SchemeId, tag: u8) -> Arc<dyn Signer> {
    scheme(id).signer(&Seed([tag; 32])).unwrap()
}

fn key_of(signer: &dyn Signer) -> Arc<dyn VerifyingKey> {
    scheme(signer.scheme())
        .prepare(signer.public_key())
        .unwrap()
}

#[test]
fn this_build_passes_the_self_test() {
    let fingerprint = self_test().unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(fingerprint.to_string().len(), 64);
}

#[test]
fn schemes_are_found_by_their_exact_names() {
    for id in SchemeId::ALL {
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(serde_json::to_value(id).unwrap(), id.name());
        assert_eq!(scheme(id).id(), id);
    }
    for wrong in ["", "Dilithium3", "ml-dsa-87", " ml-dsa-65", "ml_dsa_65"] {
        let text = wrong.parse::<SchemeId>().unwrap_err().to_string();
        assert!(text.ends_with("use one of dilithium3, ml-dsa-65"), "{text}");
    }
}

#[test]
fn a_signature_verifies_under_its_key_and_message_only() {
    for id in SchemeId::ALL {
        let (ours, other) = (signer(id, 1), signer(id, 2));
        for message in [&b""[..], MESSAGE, &[0; 100_000]] {
            let signature = ours.sign(message).unwrap();
            let invalid = Err(SignatureError::Invalid);
            let longer = [message, b"!"].concat();
            assert_eq!(key_of(&*ours).verify(message, &signature), Ok(()));
            assert_eq!(key_of(&*ours).verify(&longer, &signature), invalid);
            assert_eq!(key_of(&*other).verify(message, &signature), invalid);
        }
    }
}

#[test]
fn the_lengths_are_equal_and_exact_in_both_schemes() {
    for id in SchemeId::ALL {
        let scheme = scheme(id);
        assert_eq!(
            (scheme.public_key_bytes(), scheme.signature_bytes()),
            (1952, 3309)
        );
        let signer = signer(id, 1);
        for actual in [0, 32, 1951, 1953, 3904] {
            let mut bytes = signer.public_key().to_vec();
            bytes.resize(actual, 0);
            let expected = 1952;
            let length = KeyError::Length {
                scheme: id,
                expected,
                actual,
            };
            assert_eq!(scheme.prepare(&bytes).err(), Some(length));
        }
        let key = key_of(&*signer);
        let signature = signer.sign(MESSAGE).unwrap();
        for actual in [0, 1, 3293, 3308, 3310, 6618] {
            let mut bytes = signature.clone();
            bytes.resize(actual, 0);
            let expected = 3309;
            let length = SignatureError::Length { expected, actual };
            assert_eq!(key.verify(MESSAGE, &bytes), Err(length));
        }
    }
}

#[test]
fn a_key_with_t1_zero_is_refused() {
    for id in SchemeId::ALL {
        for rho in [0, 7] {
            let mut key = [0; 1952];
            key[..32].fill(rho);
            let refusal = scheme(id).prepare(&key).err();
            assert_eq!(refusal, Some(KeyError::Degenerate(id)));
            // One bit of t1 is enough to be a key, though nobody holds its secret.
            key[1951] = 1;
            assert!(scheme(id).prepare(&key).is_ok());
        }
    }
}

/// The key bytes of one scheme are a well-formed key of the other, and nothing more.
#[test]
fn the_schemes_refuse_each_others_signatures() {
    for [ours, theirs] in [
        [SchemeId::Dilithium3, SchemeId::MlDsa65],
        [SchemeId::MlDsa65, SchemeId::Dilithium3],
    ] {
        let signer = signer(ours, 1);
        let signature = signer.sign(MESSAGE).unwrap();
        let key = scheme(theirs).prepare(signer.public_key()).unwrap();
        let verdict = key.verify(MESSAGE, &signature);
        assert_eq!(verdict, Err(SignatureError::Invalid));
    }
}

#[test]
fn one_seed_gives_each_scheme_its_own_key_every_time() {
    for tag in 0..4 {
        let [first, second] = SchemeId::ALL.map(|id| signer(id, tag).public_key().to_vec());
        assert_ne!(first, second);
        let again = SchemeId::ALL.map(|id| signer(id, tag).public_key().to_vec());
        assert_eq!([first, second], again);
    }
}

#[test]
fn a_key_shows_its_scheme_and_few_bytes() {
    for id in SchemeId::ALL {
        let shown = format!("{:?}", key_of(&*signer(id, 1)));
        assert!(shown.starts_with(&format!("{id} key ")), "{shown}");
        assert!(shown.len() < 40, "{shown}");
    }
}

/// What a flipped byte hits.
#[derive(Clone, Copy, Debug)]
enum Part {
    Key,
    Message,
    Signature,
}

/// A part, a place in it, and a change that is one.
fn flip() -> impl Strategy<Value = (Part, prop::sample::Index, u8)> {
    let part = prop_oneof![Just(Part::Key), Just(Part::Message), Just(Part::Signature)];
    (part, any::<prop::sample::Index>(), 1..=u8::MAX)
}

fn accepts(scheme: &dyn Scheme, key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let key = scheme.prepare(key);
    key.is_ok_and(|key| key.verify(message, signature).is_ok())
}

fn a_flip_is_refused(id: SchemeId, flip: (Part, prop::sample::Index, u8)) -> bool {
    let (part, at, change) = flip;
    let signer = signer(id, 1);
    let mut parts = [
        signer.public_key().to_vec(),
        MESSAGE.to_vec(),
        signer.sign(MESSAGE).unwrap(),
    ];
    let scheme = scheme(id);
    assert!(accepts(&*scheme, &parts[0], &parts[1], &parts[2]));
    let hit = &mut parts[part as usize];
    let place = at.index(hit.len());
    hit[place] ^= change;
    !accepts(&*scheme, &parts[0], &parts[1], &parts[2])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn dilithium3_refuses_every_flipped_byte(flip in flip()) {
        prop_assert!(a_flip_is_refused(SchemeId::Dilithium3, flip));
    }

    #[test]
    fn ml_dsa_65_refuses_every_flipped_byte(flip in flip()) {
        prop_assert!(a_flip_is_refused(SchemeId::MlDsa65, flip));
    }

    #[test]
    fn noise_is_refused_without_a_panic(
        key in prop::collection::vec(any::<u8>(), 1952),
        signature in prop_oneof![
            prop::collection::vec(any::<u8>(), 3309),
            prop::collection::vec(any::<u8>(), 0..4000),
        ],
    ) {
        for id in SchemeId::ALL {
            prop_assert!(!accepts(&*scheme(id), &key, MESSAGE, &signature));
        }
    }
}
