//! What a signature crate has to offer, and the rules that hold in front of every one of them.
//!
//! An [`Engine`] is a signature crate behind types that carry the exact lengths. [`Checked`] turns
//! it into a [`Scheme`]: lengths first, then degenerate keys, then the crate. Only the self-test
//! and the tests speak to an engine directly, because their vectors are forged under degenerate
//! keys, the one place where a forger can steer the verifier's arithmetic.
use std::fmt;
use std::sync::Arc;

use super::dilithium3::Dilithium3;
use super::keygen::Xi;
use super::ml_dsa_65::MlDsa65;
use super::{KeyError, Scheme, SchemeId, Seed, SignatureError, Signer, VerifyingKey};

/// Exact length of a public key in bytes: the same in both schemes, so never a hint at which.
pub const PUBLIC_KEY_BYTES: usize = 1952;
/// Exact length of an expanded secret key in bytes: the same in both schemes.
pub const SECRET_KEY_BYTES: usize = 4032;
/// Exact length of a signature in bytes: the same in both schemes.
pub const SIGNATURE_BYTES: usize = 3309;
/// The public key begins with the matrix seed ρ; all that follows is t1.
pub(super) const RHO_BYTES: usize = 32;

/// A public key of the right length.
pub(super) type PublicKeyBytes = [u8; PUBLIC_KEY_BYTES];

/// A signature crate. No rule of the chain is applied here.
pub(super) trait Engine: Send + Sync {
    /// The scheme that it implements.
    fn id(&self) -> SchemeId;
    /// What to tell the operator when its verdicts are wrong: the crate, the likely cause, the
    /// next step.
    fn complaint(&self) -> &'static str;
    /// Takes any public key, even a degenerate one.
    fn prepare(&self, public_key: &PublicKeyBytes) -> Result<Arc<dyn VerifyingKey>, KeyError>;
    /// Expands ξ into a key pair, as FIPS 204 (ML-DSA.KeyGen_internal) does.
    fn signer(&self, xi: &Xi) -> Result<Arc<dyn Signer>, KeyError>;
}

/// The engine of `id`.
pub(super) fn engine(id: SchemeId) -> &'static dyn Engine {
    match id {
        SchemeId::Dilithium3 => &Dilithium3,
        SchemeId::MlDsa65 => &MlDsa65,
    }
}

/// An engine behind the chain's rules.
pub(super) struct Checked {
    engine: &'static dyn Engine,
}

impl Checked {
    pub(super) fn new(engine: &'static dyn Engine) -> Self {
        Checked { engine }
    }
}

impl Scheme for Checked {
    fn id(&self) -> SchemeId {
        self.engine.id()
    }

    fn public_key_bytes(&self) -> usize {
        PUBLIC_KEY_BYTES
    }

    fn signature_bytes(&self) -> usize {
        SIGNATURE_BYTES
    }

    fn prepare(&self, public_key: &[u8]) -> Result<Arc<dyn VerifyingKey>, KeyError> {
        let public_key = exact_public_key(self.id(), public_key)?;
        if is_degenerate(public_key) {
            return Err(KeyError::Degenerate(self.id()));
        }
        self.engine.prepare(public_key)
    }

    fn signer(&self, seed: &Seed) -> Result<Arc<dyn Signer>, KeyError> {
        self.engine.signer(&Xi::derive(self.id(), seed))
    }
}

/// The key as an array, or the refusal of its length.
pub(super) fn exact_public_key(
    scheme: SchemeId,
    bytes: &[u8],
) -> Result<&PublicKeyBytes, KeyError> {
    bytes.try_into().map_err(|_| KeyError::Length {
        scheme,
        expected: PUBLIC_KEY_BYTES,
        actual: bytes.len(),
    })
}

/// The signature as an array, or the refusal of its length. Every engine asks this first, because
/// pqcrypto takes shorter signatures without complaint.
pub(super) fn exact_signature(bytes: &[u8]) -> Result<&[u8; SIGNATURE_BYTES], SignatureError> {
    bytes.try_into().map_err(|_| SignatureError::Length {
        expected: SIGNATURE_BYTES,
        actual: bytes.len(),
    })
}

/// With t1 = 0 the verifier's equation no longer contains the key: anyone can solve it, and the
/// standard lets them.
fn is_degenerate(public_key: &PublicKeyBytes) -> bool {
    public_key.iter().skip(RHO_BYTES).all(|byte| *byte == 0)
}

/// Shows a public key by its scheme and first bytes; the whole would fill a screen.
pub(super) fn show_key(
    f: &mut fmt::Formatter<'_>,
    scheme: SchemeId,
    public_key: &[u8],
) -> fmt::Result {
    write!(f, "{scheme} key ")?;
    for byte in public_key.iter().take(8) {
        write!(f, "{byte:02x}")?;
    }
    f.write_str("…")
}
