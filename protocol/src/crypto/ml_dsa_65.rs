//! `ml-dsa-65`: the final FIPS 204 at security level 3, by `aws-lc-rs`.
//!
//! The empty context string is the only one that the crate offers; domain separation stands in the
//! signed bytes instead. Signing is hedged: equal messages give different signatures. The crate
//! keeps the secret key in its own memory and wipes it.
use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::AsRawBytes;
use aws_lc_rs::signature::{KeyPair, ML_DSA_65, ML_DSA_65_SIGNING, ParsedPublicKey, PqdsaKeyPair};
use zeroize::Zeroizing;

use super::engine::{Engine, PublicKeyBytes, exact_public_key, exact_signature, show_key};
use super::keygen::{KeyPairBytes, Xi};
use super::{
    KeyError, SIGNATURE_BYTES, SchemeId, SignatureError, Signer, SigningFailed, VerifyingKey,
};

const ID: SchemeId = SchemeId::MlDsa65;

/// The engine of the scheme `ml-dsa-65`.
pub(super) struct MlDsa65;

impl Engine for MlDsa65 {
    fn id(&self) -> SchemeId {
        ID
    }

    fn complaint(&self) -> &'static str {
        "this build of aws-lc-rs decides signatures wrongly: was its version or its C code \
         changed? rebuild from clean sources with the versions of Cargo.lock"
    }

    fn prepare(&self, public_key: &PublicKeyBytes) -> Result<Arc<dyn VerifyingKey>, KeyError> {
        let parsed =
            ParsedPublicKey::new(&ML_DSA_65, public_key).map_err(|_| KeyError::Refused(ID))?;
        Ok(Arc::new(PreparedKey(parsed)))
    }

    fn signer(&self, xi: &Xi) -> Result<Arc<dyn Signer>, KeyError> {
        Ok(Arc::new(SecretKey(key_pair(ID, xi)?)))
    }
}

/// Generates the key pair of ξ for a scheme that shares FIPS 204's key format.
pub(super) fn expand(scheme: SchemeId, xi: &Xi) -> Result<KeyPairBytes, KeyError> {
    let pair = key_pair(scheme, xi)?;
    let raw = pair
        .private_key()
        .as_raw_bytes()
        .map_err(|_| KeyError::Refused(scheme))?;
    Ok(KeyPairBytes {
        public: *exact_public_key(scheme, pair.public_key().as_ref())?,
        secret: Zeroizing::new(raw.as_ref().to_vec()),
    })
}

fn key_pair(scheme: SchemeId, xi: &Xi) -> Result<PqdsaKeyPair, KeyError> {
    PqdsaKeyPair::from_seed(&ML_DSA_65_SIGNING, xi.bytes()).map_err(|_| KeyError::Refused(scheme))
}

struct PreparedKey(ParsedPublicKey);

impl VerifyingKey for PreparedKey {
    fn public_key(&self) -> &[u8] {
        self.0.as_ref()
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let signature = exact_signature(signature)?;
        self.0
            .verify_sig(message, signature)
            .map_err(|_| SignatureError::Invalid)
    }
}

impl fmt::Debug for PreparedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show_key(f, ID, self.public_key())
    }
}

struct SecretKey(PqdsaKeyPair);

impl Signer for SecretKey {
    fn scheme(&self) -> SchemeId {
        ID
    }

    fn public_key(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    fn signature_bytes(&self) -> usize {
        SIGNATURE_BYTES
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        let mut signature = vec![0; SIGNATURE_BYTES];
        let written = self
            .0
            .sign(message, &mut signature)
            .map_err(|_| SigningFailed)?;
        if written == SIGNATURE_BYTES {
            Ok(signature)
        } else {
            Err(SigningFailed)
        }
    }
}
