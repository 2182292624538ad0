//! The self-test sees every wrong verdict, and its vectors are the published ones.
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::crypto::self_test::{Forgery, KnownAnswer, KnownKey, VECTORS, Vectors, examine};
use crate::crypto::{KeyError, SelfTestFailed, SignatureError, scheme};

/// Either engine: key generation, two known signatures (each also under another message), six
/// forgeries.
const ASKED: usize = 2 * (1 + 2 * 2 + 6);

fn scheme_of(case: &Value) -> SchemeId {
    match case["scheme"].as_str().unwrap() {
        "dilithium3-0.5.0" => SchemeId::Dilithium3,
        "ML-DSA-65" => SchemeId::MlDsa65,
        other => panic!("{other}"),
    }
}

fn forgery(case: &Value) -> Forgery {
    Forgery {
        scheme: scheme_of(case),
        name: case["id"].as_str().unwrap().to_owned(),
        must_accept: case["must_accept"].as_bool().unwrap(),
        rho: array32(case, "rho"),
        message: bytes(case, "msg"),
        signature: bytes(case, "sig"),
    }
}

/// The first answer of PQClean, and of Wycheproof's signatures from a seed.
fn published_vectors() -> Vec<u8> {
    let nist = vectors("dilithium3_918af1a_pqclean_nistkat0.json");
    let wycheproof = vectors("wycheproof_mldsa_65_sign_seed_test.json");
    let divergences = vectors("own_divergence_vectors.json");
    let group = &wycheproof["testGroups"][0];
    let case = &group["tests"][0];
    let dilithium3 = KnownAnswer {
        scheme: SchemeId::Dilithium3,
        public_key: bytes(&nist, "pk"),
        message: bytes(&nist, "msg"),
        signature: bytes(&nist, "sig"),
    };
    let ml_dsa_65 = KnownAnswer {
        scheme: SchemeId::MlDsa65,
        public_key: bytes(group, "publicKey"),
        message: bytes(case, "msg"),
        signature: bytes(case, "sig"),
    };
    let key_generation = KnownKey {
        xi: array32(group, "privateSeed"),
        public_key_sha256: sha256(&bytes(group, "publicKey")),
    };
    borsh::to_vec(&Vectors {
        key_generation,
        known_answers: vec![dilithium3, ml_dsa_65],
        forgeries: list(&divergences).iter().map(forgery).collect(),
    })
    .unwrap()
}

#[test]
fn the_built_in_vectors_are_the_published_ones() {
    let hint = "run the ignored test `rebuild_the_built_in_vectors`";
    assert!(published_vectors() == VECTORS, "{hint}");
    let decoded: Vectors = borsh::from_slice(VECTORS).unwrap();
    assert_eq!(decoded.forgeries.len(), 12);
    assert_eq!(decoded.known_answers.len(), 2);
}

#[test]
#[ignore = "writes self_test.bin; only after the published vectors changed"]
fn rebuild_the_built_in_vectors() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/crypto/self_test.bin");
    std::fs::write(path, published_vectors()).unwrap();
}

/// This is also the test that the features of `pqcrypto-dilithium` are off: with `avx2` on, a
/// processor that has it gives five wrong verdicts here.
#[test]
fn both_engines_decide_the_divergence_vectors_as_the_specification() {
    let file = vectors("own_divergence_vectors.json");
    let mut run = 0;
    for case in list(&file) {
        let forgery = forgery(case);
        let key = forgery.public_key();
        let verdict =
            prepared(engine(forgery.scheme), &key).verify(&forgery.message, &forgery.signature);
        assert_eq!(verdict.is_ok(), forgery.must_accept, "{}", forgery.name);

        let refusal = scheme(forgery.scheme).prepare(&key).err();
        assert_eq!(refusal, Some(KeyError::Degenerate(forgery.scheme)));
        run += 1;
    }
    assert_eq!(run, 12);
}

/// Pinned: nodes with another value refuse each other, so it changes only on purpose.
#[test]
fn a_correct_build_has_this_fingerprint() {
    let fingerprint = crate::crypto::self_test().unwrap();
    assert_eq!(
        fingerprint.to_string(),
        "1d1382bc2425b4ef3851abeb63f9e4abbdc1b8e402ee5df5825285cafced6032"
    );
    assert_eq!(crate::crypto::self_test(), Ok(fingerprint));
}

#[test]
fn a_key_that_signs_what_its_public_half_refuses_is_found() {
    use crate::crypto::{Seed, Signer, SigningFailed, prove_signer};
    struct Damaged(Arc<dyn Signer>);
    impl Signer for Damaged {
        fn scheme(&self) -> SchemeId {
            self.0.scheme()
        }
        fn public_key(&self) -> &[u8] {
            self.0.public_key()
        }
        fn signature_bytes(&self) -> usize {
            self.0.signature_bytes()
        }
        fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningFailed> {
            self.0.sign(&[message, b"!"].concat())
        }
    }
    for id in SchemeId::ALL {
        let scheme = scheme(id);
        let signer = scheme.signer(&Seed([3; 32])).unwrap();
        assert_eq!(prove_signer(&*scheme, &*signer), Ok(()));
        let damaged = Damaged(signer);
        assert_eq!(
            prove_signer(&*scheme, &damaged),
            Err(SelfTestFailed::Signer(id))
        );
    }
}

/// Decides from the signature and the true verdict what a broken verifier says.
type Lie = Arc<dyn Fn(&[u8], bool) -> bool + Send + Sync>;

/// A planted engine: signs truly, verifies as the lie says.
struct Liar {
    truth: &'static dyn Engine,
    lie: Lie,
}

struct LyingKey {
    truth: Arc<dyn VerifyingKey>,
    lie: Lie,
}

impl Engine for Liar {
    fn id(&self) -> SchemeId {
        self.truth.id()
    }

    fn complaint(&self) -> &'static str {
        self.truth.complaint()
    }

    fn prepare(&self, key: &[u8; 1952]) -> Result<Arc<dyn VerifyingKey>, KeyError> {
        Ok(Arc::new(LyingKey {
            truth: self.truth.prepare(key)?,
            lie: self.lie.clone(),
        }))
    }

    fn signer(&self, xi: &Xi) -> Result<Arc<dyn Signer>, KeyError> {
        self.truth.signer(xi)
    }
}

impl std::fmt::Debug for LyingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.truth.fmt(f)
    }
}

impl VerifyingKey for LyingKey {
    fn public_key(&self) -> &[u8] {
        self.truth.public_key()
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let truth = self.truth.verify(message, signature).is_ok();
        match (self.lie)(signature, truth) {
            true => Ok(()),
            false => Err(SignatureError::Invalid),
        }
    }
}

/// Examines both schemes with a lying verifier for `id`: (failed checks, the error's text).
fn wrong_verdicts(id: SchemeId, lie: Lie) -> (usize, String) {
    let liar = Liar {
        truth: engine(id),
        lie,
    };
    let engines = SchemeId::ALL.map(|each| match each == id {
        true => &liar as &dyn Engine,
        false => engine(each),
    });
    match examine(VECTORS, engines) {
        Err(e @ SelfTestFailed::WrongVerdict { wrong, asked, .. }) => {
            assert_eq!(asked, ASKED);
            (wrong, e.to_string())
        }
        other => panic!("{other:?}"),
    }
}

/// The story behind the self-test: the AVX2 code as recorded on a machine that has it.
#[test]
fn a_build_with_avx2_is_refused_with_advice() {
    let recorded: Vec<(Vec<u8>, bool)> = list(&vectors("own_divergence_vectors.json"))
        .iter()
        .map(|case| {
            (
                bytes(case, "sig"),
                case["pqcrypto_avx2_accepts"].as_bool().unwrap(),
            )
        })
        .collect();
    let avx2: Lie = Arc::new(move |signature, truth| {
        let answer = recorded.iter().find(|(sig, _)| sig == signature);
        answer.map_or(truth, |(_, accepts)| *accepts)
    });
    let (wrong, text) = wrong_verdicts(SchemeId::Dilithium3, avx2);
    assert_eq!(wrong, 5);
    assert!(text.contains("avx2 features switched on?"), "{text}");
    assert!(text.contains("dilithium3 use_hint_1_0_correct"), "{text}");
}

#[test]
fn every_single_wrong_verdict_is_seen() {
    for id in SchemeId::ALL {
        // All of an engine's checks but key generation ask the verifier.
        for target in 0..ASKED / 2 - 1 {
            let calls = AtomicUsize::new(0);
            let flip_one: Lie = Arc::new(move |_, truth| {
                let call = calls.fetch_add(1, Ordering::Relaxed);
                truth != (call == target)
            });
            assert_eq!(wrong_verdicts(id, flip_one).0, 1, "{id}, call {target}");
        }
    }
}

#[test]
fn a_verifier_without_judgement_is_refused() {
    for id in SchemeId::ALL {
        assert_eq!(wrong_verdicts(id, Arc::new(|_, _| true)).0, 7);
        assert_eq!(wrong_verdicts(id, Arc::new(|_, _| false)).0, 3);
    }
}

/// One engine in the other's place: equal keys and lengths, wrong hashes.
#[test]
fn exchanged_schemes_are_refused() {
    struct Impostor(SchemeId, &'static dyn Engine);
    impl Engine for Impostor {
        fn id(&self) -> SchemeId {
            self.0
        }
        fn complaint(&self) -> &'static str {
            self.1.complaint()
        }
        fn prepare(&self, key: &[u8; 1952]) -> Result<Arc<dyn VerifyingKey>, KeyError> {
            self.1.prepare(key)
        }
        fn signer(&self, xi: &Xi) -> Result<Arc<dyn Signer>, KeyError> {
            self.1.signer(xi)
        }
    }
    let impostor = Impostor(SchemeId::Dilithium3, engine(SchemeId::MlDsa65));
    let verdict = examine(VECTORS, [&impostor, engine(SchemeId::MlDsa65)]);
    assert!(matches!(verdict, Err(SelfTestFailed::WrongVerdict { .. })));
}

#[test]
fn damaged_vectors_are_refused() {
    let engines = SchemeId::ALL.map(engine);
    let verdict = examine(&VECTORS[1..], engines);
    assert_eq!(verdict, Err(SelfTestFailed::DamagedVectors));
}
