//! `dilithium3`: the draft of FIPS 204 (pq-crystals commit 918af1a), by the portable code of
//! `pqcrypto-dilithium` 0.5.0.
//!
//! It differs from the final standard in three hashes, so each refuses the other's signatures. The
//! crate's AVX2 code decides some crafted signatures against the specification; its features must
//! stay off, and `self_test.rs` refuses to run where they are on. The portable code signs without
//! randomness: equal messages give equal signatures. The crate has no prepared form of a key and
//! is no longer maintained.
use std::fmt;
use std::sync::Arc;

use pqcrypto_dilithium::dilithium3::{
    DetachedSignature, PublicKey, SecretKey, detached_sign, verify_detached_signature,
};
use pqcrypto_traits::sign::{DetachedSignature as _, PublicKey as _, SecretKey as _};
use zeroize::Zeroizing;

use super::engine::{Engine, PublicKeyBytes, exact_signature, show_key};
use super::keygen::{KeyPairBytes, Xi};
use super::ml_dsa_65::expand;
use super::{
    KeyError, PUBLIC_KEY_BYTES, SECRET_KEY_BYTES, SIGNATURE_BYTES, SchemeId, SignatureError,
    Signer, SigningFailed, VerifyingKey,
};

const ID: SchemeId = SchemeId::Dilithium3;

/// The engine of the scheme `dilithium3`.
pub(super) struct Dilithium3;

impl Engine for Dilithium3 {
    fn id(&self) -> SchemeId {
        ID
    }

    fn complaint(&self) -> &'static str {
        "this build of pqcrypto-dilithium decides signatures wrongly: were its avx2 features \
         switched on? `cargo tree -e features -i pqcrypto-dilithium` names who asks for them; \
         rebuild with default-features = false"
    }

    fn prepare(&self, public_key: &PublicKeyBytes) -> Result<Arc<dyn VerifyingKey>, KeyError> {
        let key = PublicKey::from_bytes(public_key).map_err(|_| KeyError::Refused(ID))?;
        Ok(Arc::new(PreparedKey(key)))
    }

    fn signer(&self, xi: &Xi) -> Result<Arc<dyn Signer>, KeyError> {
        Ok(Arc::new(SecretKeyBytes::new(expand(ID, xi)?)?))
    }
}

struct PreparedKey(PublicKey);

impl VerifyingKey for PreparedKey {
    fn public_key(&self) -> &[u8] {
        self.0.as_bytes()
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let signature = exact_signature(signature)?;
        let signature =
            DetachedSignature::from_bytes(signature).map_err(|_| SignatureError::Invalid)?;
        verify_detached_signature(&signature, message, &self.0).map_err(|_| SignatureError::Invalid)
    }
}

impl fmt::Debug for PreparedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show_key(f, ID, self.public_key())
    }
}

/// The secret key as bytes that are wiped on drop. The crate's own type is `Copy` and never wiped,
/// so it lives only inside [`Signer::sign`]; what that call leaves on the stack cannot be cleared
/// without unsafe code.
pub(super) struct SecretKeyBytes {
    public: [u8; PUBLIC_KEY_BYTES],
    secret: Zeroizing<Vec<u8>>,
}

impl SecretKeyBytes {
    /// Refuses a secret key of another length (4000 bytes in round 3.1), so that signing cannot
    /// find out late.
    pub(super) fn new(pair: KeyPairBytes) -> Result<Self, KeyError> {
        if pair.secret.len() != SECRET_KEY_BYTES {
            return Err(KeyError::Refused(ID));
        }
        Ok(SecretKeyBytes {
            public: pair.public,
            secret: pair.secret,
        })
    }
}

impl Signer for SecretKeyBytes {
    fn scheme(&self) -> SchemeId {
        ID
    }

    fn public_key(&self) -> &[u8] {
        &self.public
    }

    fn signature_bytes(&self) -> usize {
        SIGNATURE_BYTES
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        let secret = SecretKey::from_bytes(&self.secret).map_err(|_| SigningFailed)?;
        let signature = detached_sign(message, &secret);
        // The crate ignores its C code's return value; the length is what it reports instead.
        if signature.as_bytes().len() == SIGNATURE_BYTES {
            Ok(signature.as_bytes().to_vec())
        } else {
            Err(SigningFailed)
        }
    }
}
