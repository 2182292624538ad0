//! Does this build decide signatures as the specification does?
//!
//! Feature unification can bring back the AVX2 code of `pqcrypto-dilithium`, which takes some
//! crafted signatures that its portable code refuses, and the other way round. One such
//! transaction would split a chain whose validators run on different processors. No test of the
//! author's machine sees what another build switched on, hence every node examines itself at
//! start and refuses to run on one wrong verdict.
//!
//! What each crate is asked: a known answer of key generation, a known signature of its own scheme
//! and one of the other, and forgeries under degenerate keys (t1 = 0) at the edges where
//! implementations differ. The verdicts' [`Fingerprint`] is equal on every correct
//! build of the same vectors.
//!
//! `self_test.bin` holds the vectors in borsh ([`Vectors`]). A test rebuilds it from the published
//! files in `tests/vectors` and compares; their README tells origin and licence.
use std::fmt;
use std::sync::OnceLock;

use sha2::{Digest, Sha256};

use super::checked::engine;
use super::engine::{Engine, PublicKeyBytes, RHO_BYTES};
use super::keygen::Xi;
use super::{PUBLIC_KEY_BYTES, Scheme, SchemeId, Signer};

/// The vectors as compiled in.
pub(super) const VECTORS: &[u8] = include_bytes!("self_test.bin");

/// Separates this use of SHA-256 from every other one; names the order of the checks.
const DOMAIN: &[u8] = b"lockstep/self-test/v1";

/// SHA-256 over the self-test's vectors and the verdict on each. Nodes whose fingerprints differ
/// might decide a signature differently and refuse each other.
#[derive(Clone, Copy, PartialEq, Eq, Hash, borsh::BorshSerialize, borsh::BorshDeserialize)]
pub struct Fingerprint(pub [u8; 32]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// Why this build must not run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelfTestFailed {
    /// A signature crate gave at least one verdict against the specification.
    #[error("{complaint} ({wrong} of {asked} checks failed, the first: {first})")]
    WrongVerdict {
        /// The crate, the likely cause and the next step.
        complaint: &'static str,
        /// The first check that failed: scheme and name.
        first: String,
        /// How many checks failed.
        wrong: usize,
        /// How many checks were made.
        asked: usize,
    },
    /// The node's key does not sign what its public half verifies.
    #[error("this {0} key signs what its own public half refuses: the key file may be damaged")]
    Signer(SchemeId),
    /// The vectors inside the program cannot be read.
    #[error(
        "the built-in vectors of the signature self-test are damaged: rebuild from clean sources"
    )]
    DamagedVectors,
}

/// Examines the signature crates once per process; later calls return the same answer.
///
/// Takes about 3 ms. A node calls this before anything else and does not start on an error. Its own
/// key it proves with [`prove_signer`].
pub fn self_test() -> Result<Fingerprint, SelfTestFailed> {
    static ANSWER: OnceLock<Result<Fingerprint, SelfTestFailed>> = OnceLock::new();
    ANSWER
        .get_or_init(|| examine(VECTORS, SchemeId::ALL.map(engine)))
        .clone()
}

/// Whether a node's own key signs what its public half verifies.
///
/// The first signature of `ml-dsa-65` in a process takes tens of milliseconds, because the engine
/// then gathers its entropy: here rather than under the first vote.
pub fn prove_signer(scheme: &dyn Scheme, signer: &dyn Signer) -> Result<(), SelfTestFailed> {
    let refuse = || SelfTestFailed::Signer(scheme.id());
    let key = scheme.prepare(signer.public_key()).map_err(|_| refuse())?;
    let signature = signer.sign(DOMAIN).map_err(|_| refuse())?;
    key.verify(DOMAIN, &signature).map_err(|_| refuse())
}

/// The content of `self_test.bin`.
#[derive(borsh::BorshSerialize, borsh::BorshDeserialize)]
pub(super) struct Vectors {
    pub(super) key_generation: KnownKey,
    pub(super) known_answers: Vec<KnownAnswer>,
    pub(super) forgeries: Vec<Forgery>,
}

/// A published key pair; both schemes generate it from ξ (see `keygen.rs`).
#[derive(borsh::BorshSerialize, borsh::BorshDeserialize)]
pub(super) struct KnownKey {
    pub(super) xi: [u8; 32],
    pub(super) public_key_sha256: [u8; 32],
}

/// A published signature.
#[derive(borsh::BorshSerialize, borsh::BorshDeserialize)]
pub(super) struct KnownAnswer {
    pub(super) scheme: SchemeId,
    pub(super) public_key: Vec<u8>,
    pub(super) message: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

/// A crafted signature under the degenerate key ρ ‖ 0.
#[derive(borsh::BorshSerialize, borsh::BorshDeserialize)]
pub(super) struct Forgery {
    pub(super) scheme: SchemeId,
    pub(super) name: String,
    /// The specification's verdict.
    pub(super) must_accept: bool,
    pub(super) rho: [u8; RHO_BYTES],
    pub(super) message: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

impl Forgery {
    /// ρ followed by t1 = 0.
    pub(super) fn public_key(&self) -> PublicKeyBytes {
        let mut key = [0; PUBLIC_KEY_BYTES];
        for (to, from) in key.iter_mut().zip(self.rho) {
            *to = from;
        }
        key
    }
}

/// Asks `engines` everything that `vectors` hold for them.
pub(super) fn examine(
    vectors: &[u8],
    engines: [&dyn Engine; SchemeId::ALL.len()],
) -> Result<Fingerprint, SelfTestFailed> {
    let decoded: Vectors =
        borsh::from_slice(vectors).map_err(|_| SelfTestFailed::DamagedVectors)?;
    let mut report = Report::new(vectors);
    for engine in engines {
        ask_key_generation(&mut report, engine, &decoded.key_generation);
        for answer in &decoded.known_answers {
            ask_known_answer(&mut report, engine, answer);
        }
        for forgery in &decoded.forgeries {
            if forgery.scheme == engine.id() {
                ask_forgery(&mut report, engine, forgery);
            }
        }
    }
    report.conclude()
}

fn ask_key_generation(report: &mut Report, engine: &dyn Engine, known: &KnownKey) {
    let signer = engine.signer(&Xi::published(known.xi)).ok();
    let key = signer.as_ref().map_or(&[][..], |s| s.public_key());
    let as_published = Sha256::digest(key)[..] == known.public_key_sha256;
    report.note(engine, "key generation", as_published, true);
}

/// Only the scheme's own signature may verify: a key or a signature alone does not show its scheme.
fn ask_known_answer(report: &mut Report, engine: &dyn Engine, answer: &KnownAnswer) {
    let key = &answer.public_key;
    let own = answer.scheme == engine.id();
    let accepted = accepts(engine, key, &answer.message, &answer.signature);
    let check = if own {
        "known signature"
    } else {
        "signature of the other scheme"
    };
    report.note(engine, check, accepted, own);

    let altered = [answer.message.as_slice(), b"!"].concat();
    let accepted = accepts(engine, key, &altered, &answer.signature);
    report.note(engine, "signature of another message", accepted, false);
}

fn ask_forgery(report: &mut Report, engine: &dyn Engine, forgery: &Forgery) {
    let key = forgery.public_key();
    let accepted = accepts(engine, &key, &forgery.message, &forgery.signature);
    report.note(engine, &forgery.name, accepted, forgery.must_accept);
}

/// A key that cannot be prepared accepts nothing.
fn accepts(engine: &dyn Engine, key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    key.try_into()
        .ok()
        .and_then(|key| engine.prepare(key).ok())
        .is_some_and(|key| key.verify(message, signature).is_ok())
}

/// Collects the verdicts in the order of asking.
struct Report {
    verdicts: Sha256,
    asked: usize,
    wrong: usize,
    first: Option<(&'static str, String)>,
}

impl Report {
    fn new(vectors: &[u8]) -> Self {
        let verdicts = Sha256::new()
            .chain_update(DOMAIN)
            .chain_update(Sha256::digest(vectors));
        Report {
            verdicts,
            asked: 0,
            wrong: 0,
            first: None,
        }
    }

    fn note(&mut self, engine: &dyn Engine, check: &str, verdict: bool, expected: bool) {
        self.verdicts.update([u8::from(verdict)]);
        self.asked = self.asked.saturating_add(1);
        if verdict != expected {
            self.wrong = self.wrong.saturating_add(1);
            self.first
                .get_or_insert_with(|| (engine.complaint(), format!("{} {check}", engine.id())));
        }
    }

    fn conclude(self) -> Result<Fingerprint, SelfTestFailed> {
        match self.first {
            None => Ok(Fingerprint(self.verdicts.finalize().into())),
            Some((complaint, first)) => Err(SelfTestFailed::WrongVerdict {
                complaint,
                first,
                wrong: self.wrong,
                asked: self.asked,
            }),
        }
    }
}
