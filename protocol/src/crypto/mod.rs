//! Signatures behind three traits. The genesis names the chain's scheme; everything else sees only
//! [`Scheme`], [`VerifyingKey`] and [`Signer`]. The files `dilithium3.rs` and `ml_dsa_65.rs` are
//! the only ones that name a signature crate.
//!
//! Promises: lengths are exact and checked before any implementation sees a byte; a degenerate key
//! is refused; no key serves two schemes; whoever runs [`self_test()`] at start knows that this build
//! decides as the specification does. Not promised: equal signatures for equal messages (signing
//! may be hedged), so no identifier may ever cover a signature.
mod checked;
mod dilithium3;
mod engine;
mod keygen;
pub mod merkle;
mod ml_dsa_65;
mod self_test;
#[cfg(any(test, feature = "simulated"))]
pub mod simulated;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

pub use crate::types::{SchemeId, UnknownScheme};
pub use engine::{PUBLIC_KEY_BYTES, SECRET_KEY_BYTES, SIGNATURE_BYTES};
pub use self_test::{Fingerprint, SelfTestFailed, prove_signer, self_test};

/// The implementation of the scheme that a genesis names.
///
/// Run [`self_test()`] once before relying on its verdicts.
pub fn scheme(id: SchemeId) -> Arc<dyn Scheme> {
    Arc::new(checked::Checked::new(checked::engine(id)))
}

/// Why a key was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The length differs from the scheme's exact one.
    #[error("a {scheme} public key has {expected} bytes, not {actual}")]
    Length {
        /// The scheme that was asked.
        scheme: SchemeId,
        /// Its exact length in bytes.
        expected: usize,
        /// The length that was given.
        actual: usize,
    },
    /// `t1 = 0`: such a key verifies trivial forgeries by the standard itself.
    #[error("this {0} public key is degenerate (t1 = 0): anyone can sign for it")]
    Degenerate(SchemeId),
    /// The crate behind the scheme refused the key.
    #[error("the {0} key was refused by its implementation")]
    Refused(SchemeId),
}

/// Why a signature was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The length differs from the scheme's exact one.
    #[error("a signature has {expected} bytes, not {actual}")]
    Length {
        /// The scheme's exact length in bytes.
        expected: usize,
        /// The length that was given.
        actual: usize,
    },
    /// The bytes are no signature of this message by this key.
    #[error("the signature does not verify")]
    Invalid,
}

/// The signing implementation failed; nothing was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signing implementation failed")]
pub struct SigningFailed;

/// 32 secret bytes from which one key pair is derived. Wiped on drop, never shown.
#[derive(zeroize::ZeroizeOnDrop)]
pub struct Seed(pub [u8; 32]);

/// One signature scheme: exact lengths, key derivation, prepared public keys.
pub trait Scheme: Send + Sync {
    /// Which scheme this is.
    fn id(&self) -> SchemeId;
    /// Exact length of a public key in bytes.
    fn public_key_bytes(&self) -> usize;
    /// Exact length of a signature in bytes.
    fn signature_bytes(&self) -> usize;
    /// Checks a public key and prepares it for many verifications.
    fn prepare(&self, public_key: &[u8]) -> Result<Arc<dyn VerifyingKey>, KeyError>;
    /// Derives the key pair of `seed`: the key generation seed is
    /// SHA-256("lockstep/keygen/v1" ‖ scheme id ‖ seed), so no key serves two schemes.
    fn signer(&self, seed: &Seed) -> Result<Arc<dyn Signer>, KeyError>;
}

/// A public key that is ready to verify.
pub trait VerifyingKey: Send + Sync + fmt::Debug {
    /// The key's bytes.
    fn public_key(&self) -> &[u8];
    /// Checks the signature's exact length, then the signature.
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError>;
}

/// A secret key. No `Clone`, no `Debug`, no serialization.
pub trait Signer: Send + Sync {
    /// The scheme of this key.
    fn scheme(&self) -> SchemeId;
    /// The public half.
    fn public_key(&self) -> &[u8];
    /// Exact length of its signatures in bytes.
    fn signature_bytes(&self) -> usize;
    /// Signs `message`. Two calls may give different bytes (hedged signing).
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningFailed>;
}
