//! What a signature crate has to offer: an [`Engine`] is one behind types that carry the exact
//! lengths. The rules that hold in front of each are in `checked.rs`.
use std::fmt;
use std::sync::Arc;

use super::keygen::Xi;
use super::{KeyError, SchemeId, SignatureError, Signer, VerifyingKey};

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
