//! Not a signature scheme: a keyed checksum for the simulator and the tests, where ten million
//! messages must be checked in a minute. **Anyone can forge it.** No genesis can name it, so no
//! node can load it: [`SchemeId`] has no variant for it, and it goes by the id it is given. Only the
//! feature `simulated` builds it: `lockstep-devnet` asks for it, `lockstep-actors` in tests alone.
use super::{
    KeyError, Scheme, SchemeId, Seed, SignatureError, Signer, SigningFailed, VerifyingKey,
};
use crate::types::Hash;
use std::sync::Arc;

/// The simulator's scheme. Keys have 32 bytes, signatures 8.
#[derive(Clone, Copy, Debug)]
pub struct Simulated;

const SIGNATURE_BYTES: usize = 8;

#[derive(Debug)]
struct Key {
    public_key: [u8; 32],
    secret: u64,
}

impl Key {
    fn new(public_key: [u8; 32]) -> Key {
        let secret = fnv(0xcbf2_9ce4_8422_2325, &public_key);
        Key { public_key, secret }
    }

    fn checksum(&self, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        fnv(self.secret, message).to_le_bytes()
    }
}

/// FNV-1a over eight bytes at a time, with a final mix.
fn fnv(start: u64, bytes: &[u8]) -> u64 {
    let mut state = start;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        for (to, from) in word.iter_mut().zip(chunk) {
            *to = *from;
        }
        state = (state ^ u64::from_le_bytes(word)).wrapping_mul(0x0000_0100_0000_01b3);
        state ^= state >> 29;
    }
    (state ^ bytes.len() as u64).wrapping_mul(0xff51_afd7_ed55_8ccd) ^ (state >> 32)
}

impl Scheme for Simulated {
    fn id(&self) -> SchemeId {
        SchemeId::MlDsa65
    }

    fn public_key_bytes(&self) -> usize {
        32
    }

    fn signature_bytes(&self) -> usize {
        SIGNATURE_BYTES
    }

    fn prepare(&self, public_key: &[u8]) -> Result<Arc<dyn VerifyingKey>, KeyError> {
        let bytes: [u8; 32] = public_key.try_into().map_err(|_| KeyError::Length {
            scheme: self.id(),
            expected: 32,
            actual: public_key.len(),
        })?;
        Ok(Arc::new(Key::new(bytes)))
    }

    fn signer(&self, seed: &Seed) -> Result<Arc<dyn Signer>, KeyError> {
        Ok(Arc::new(Key::new(Hash::of(&[b"simulated", &seed.0]).0)))
    }
}

impl VerifyingKey for Key {
    fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        if signature.len() != SIGNATURE_BYTES {
            let expected = SIGNATURE_BYTES;
            let actual = signature.len();
            return Err(SignatureError::Length { expected, actual });
        }
        if signature == self.checksum(message) {
            Ok(())
        } else {
            Err(SignatureError::Invalid)
        }
    }
}

impl Signer for Key {
    fn scheme(&self) -> SchemeId {
        SchemeId::MlDsa65
    }

    fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    fn signature_bytes(&self) -> usize {
        SIGNATURE_BYTES
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        Ok(self.checksum(message).to_vec())
    }
}
