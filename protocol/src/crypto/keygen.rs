//! From a node's 32-byte seed to the seed ξ of key generation.
//!
//! One seed may be used on chains of different schemes, one key never: Dilithium's nonce depends
//! on the secret key and the message only, so the same key under two schemes answers two
//! challenges with one nonce, and the two answers give the secret away. ξ therefore binds the
//! scheme's name.
//!
//! Both schemes generate their keys by the final FIPS 204 (`ml_dsa_65.rs`), because the crate
//! behind `dilithium3` offers no key generation from a seed. The draft's own key generation hashes
//! ξ a little differently, yet its keys have the same form: the standard's sign and verify there.
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{PUBLIC_KEY_BYTES, SchemeId, Seed};

/// Separates this use of SHA-256 from every other one.
const DOMAIN: &[u8] = b"lockstep/keygen/v1";

/// The seed ξ of FIPS 204 key generation. Secret, wiped on drop.
pub(super) struct Xi(Zeroizing<[u8; 32]>);

impl Xi {
    /// SHA-256("lockstep/keygen/v1" ‖ scheme name ‖ seed). The seed's length is fixed, so the
    /// concatenation has one reading.
    pub(super) fn derive(scheme: SchemeId, seed: &Seed) -> Self {
        let mut xi = Zeroizing::new([0; 32]);
        let mut hash = Sha256::new();
        hash.update(DOMAIN);
        hash.update(scheme.name());
        hash.update(seed.0);
        // Written in place: a returned digest would leave a copy behind.
        hash.finalize_into((&mut *xi).into());
        Xi(xi)
    }

    /// A published ξ, for known answers: never a node's key.
    pub(super) fn published(xi: [u8; 32]) -> Self {
        Xi(Zeroizing::new(xi))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_slice()
    }
}

/// An expanded key pair as bytes, on its way into an engine's own types.
pub(super) struct KeyPairBytes {
    pub(super) public: [u8; PUBLIC_KEY_BYTES],
    pub(super) secret: Zeroizing<Vec<u8>>,
}
