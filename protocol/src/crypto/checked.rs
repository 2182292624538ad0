//! The rules that hold in front of every engine: [`Checked`] turns one into a [`Scheme`]. Lengths
//! first, then degenerate keys, then the crate.
//!
//! Only the self-test and the tests speak to an engine directly, because their vectors are forged
//! under degenerate keys, the one place where a forger can steer the verifier's arithmetic.
use std::sync::Arc;

use super::dilithium3::Dilithium3;
use super::engine::{
    Engine, PUBLIC_KEY_BYTES, PublicKeyBytes, RHO_BYTES, SIGNATURE_BYTES, exact_public_key,
};
use super::keygen::Xi;
use super::ml_dsa_65::MlDsa65;
use super::{KeyError, Scheme, SchemeId, Seed, Signer, VerifyingKey};

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

/// With t1 = 0 the verifier's equation no longer contains the key: anyone can solve it, and the
/// standard lets them.
fn is_degenerate(public_key: &PublicKeyBytes) -> bool {
    public_key.iter().skip(RHO_BYTES).all(|byte| *byte == 0)
}
