//! The document of an encrypted key: scheme and address in clear, the seed sealed by AES-256-GCM
//! under a key that argon2id makes of the password ([RFC 9106](https://www.rfc-editor.org/rfc/rfc9106),
//! its second recommended setting). What stands in clear is authenticated with it.
use crate::config::key::Secret;
use crate::environment::randomize;
use crate::failure::Failure;
use crate::hex::{hex, unhex};
use crate::limits::{KEY_LANES_MAX, KEY_MEMORY_KIB_MAX, KEY_PASSES_MAX};
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use lockstep_protocol::codec;
use lockstep_protocol::crypto::{SchemeId, Seed};
use lockstep_protocol::types::Address;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Raised with every change of the document or of what is authenticated.
const FORMAT: &str = "lockstep-key/1";
const KDF: &str = "argon2id";
const CIPHER: &str = "aes-256-gcm";
const SALT_BYTES: usize = 16;
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 4;

/// An encrypted key, as its file holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SealedKey {
    format: String,
    /// The scheme of the key; it signs on chains of this scheme only.
    pub(crate) scheme: SchemeId,
    /// Whose key it is.
    pub(crate) address: Address,
    kdf: Kdf,
    cipher: Cipher,
    sealed_seed: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kdf {
    name: String,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cipher {
    name: String,
    nonce: String,
}

/// Why a sealed key does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unopened {
    /// Another format, or numbers that no file of ours has.
    #[error("is no key file that this program can read")]
    Foreign,
    /// It would cost more than any file of ours, before anybody knows whether the password is right.
    #[error(
        "wants {memory_kib} KiB gone over {passes} times in {lanes} lanes to be opened, more than \
         {KEY_MEMORY_KIB_MAX} KiB, {KEY_PASSES_MAX} times, {KEY_LANES_MAX} lanes, so it is none that \
         this program has made"
    )]
    Costly {
        memory_kib: u32,
        passes: u32,
        lanes: u32,
    },
    /// The two cannot be told apart.
    #[error("does not open with this password, or was changed")]
    Password,
}

impl SealedKey {
    /// Seals a key with fresh salt and nonce.
    pub(crate) fn seal(secret: &Secret, password: &str) -> Result<SealedKey, Failure> {
        let mut salt = [0; SALT_BYTES];
        let mut nonce = [0; NONCE_LEN];
        for random in [&mut salt[..], &mut nonce[..]] {
            randomize(random)?;
        }
        let mut sealed = SealedKey {
            format: FORMAT.into(),
            scheme: secret.scheme,
            address: secret.address,
            kdf: Kdf {
                name: KDF.into(),
                memory_kib: MEMORY_KIB,
                passes: PASSES,
                lanes: LANES,
                salt: hex(&salt),
            },
            cipher: Cipher {
                name: CIPHER.into(),
                nonce: hex(&nonce),
            },
            sealed_seed: String::new(),
        };
        let broken =
            |_| Failure::safety("the cipher failed; the program is broken: install it anew");
        let key = sealed.key(password).map_err(broken)?;
        let aad = Aad::from(sealed.clear_bytes());
        let nonce = Nonce::assume_unique_for_key(nonce);
        // Sealed in place, so that no copy of the seed is left behind.
        let mut seed = Zeroizing::new(secret.seed().0.to_vec());
        let tag = key.seal_in_place_separate_tag(nonce, aad, &mut seed);
        let tag = tag.map_err(|_| broken(Unopened::Foreign))?;
        sealed.sealed_seed = hex(&[&seed[..], tag.as_ref()].concat());
        Ok(sealed)
    }

    /// Opens it. The seed belongs to the address, or it does not open.
    pub(crate) fn open(&self, password: &str) -> Result<Secret, Unopened> {
        let nonce = unhex(&self.cipher.nonce).ok_or(Unopened::Foreign)?;
        let nonce = Nonce::try_assume_unique_for_key(&nonce).map_err(|_| Unopened::Foreign)?;
        let sealed = unhex(&self.sealed_seed).ok_or(Unopened::Foreign)?;
        let mut sealed = Zeroizing::new(sealed);
        let key = self.key(password)?;
        let opened = key.open_in_place(nonce, Aad::from(self.clear_bytes()), &mut sealed);
        let opened = opened.map_err(|_| Unopened::Password)?;
        let seed = <[u8; 32]>::try_from(&*opened).map_err(|_| Unopened::Foreign)?;
        let secret = Secret::of(self.scheme, Seed(seed)).map_err(|_| Unopened::Foreign)?;
        Some(secret)
            .filter(|secret| secret.address == self.address)
            .ok_or(Unopened::Foreign)
    }

    /// Whether it may be opened at all: before anybody is asked for its password, and before it
    /// costs time or memory.
    pub(crate) fn check(&self) -> Result<(), Unopened> {
        let Kdf {
            memory_kib,
            passes,
            lanes,
            ..
        } = self.kdf;
        if self.format != FORMAT || self.kdf.name != KDF || self.cipher.name != CIPHER {
            return Err(Unopened::Foreign);
        }
        if memory_kib > KEY_MEMORY_KIB_MAX || passes > KEY_PASSES_MAX || lanes > KEY_LANES_MAX {
            return Err(Unopened::Costly {
                memory_kib,
                passes,
                lanes,
            });
        }
        Ok(())
    }

    fn key(&self, password: &str) -> Result<LessSafeKey, Unopened> {
        self.check()?;
        let kdf = &self.kdf;
        let salt = unhex(&kdf.salt).ok_or(Unopened::Foreign)?;
        let mut bytes = Zeroizing::new([0; 32]);
        let length = Some(bytes.len());
        let params = Params::new(kdf.memory_kib, kdf.passes, kdf.lanes, length);
        let params = params.map_err(|_| Unopened::Foreign)?;
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(password.as_bytes(), &salt, &mut *bytes)
            .map_err(|_| Unopened::Foreign)?;
        let key = UnboundKey::new(&AES_256_GCM, &*bytes).map_err(|_| Unopened::Foreign)?;
        Ok(LessSafeKey::new(key))
    }

    /// All that stands in clear and is authenticated; salt and nonce are by their use.
    fn clear_bytes(&self) -> Vec<u8> {
        let kdf = (
            &self.kdf.name,
            self.kdf.memory_kib,
            self.kdf.passes,
            self.kdf.lanes,
        );
        codec::encode(&(
            &self.format,
            self.scheme,
            &self.address,
            kdf,
            &self.cipher.name,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed() -> (Secret, SealedKey) {
        let secret = Secret::draw(SchemeId::MlDsa65).expect("a key");
        let sealed = SealedKey::seal(&secret, "correct horse").expect("it is sealed");
        (secret, sealed)
    }

    #[test]
    fn a_sealed_key_opens_with_its_password_only() {
        let (secret, sealed) = sealed();
        let opened = sealed.open("correct horse").expect("it opens");
        assert_eq!(opened.seed().0, secret.seed().0);
        assert_eq!(opened.address, secret.address);
        for wrong in ["", "Correct horse", "correct horse "] {
            assert_eq!(sealed.open(wrong).err(), Some(Unopened::Password));
        }
    }

    #[test]
    fn the_seed_is_not_in_the_text_and_no_two_seals_are_alike() {
        let (secret, sealed) = sealed();
        let again = SealedKey::seal(&secret, "correct horse").expect("it is sealed");
        assert_ne!(sealed.kdf.salt, again.kdf.salt);
        assert_ne!(sealed.sealed_seed, again.sealed_seed);
        let text = serde_json::to_string(&sealed).expect("text");
        assert!(!text.contains(&hex(&secret.seed().0)[2..]));
    }

    #[test]
    fn whatever_is_changed_in_it_it_does_not_open() {
        let (_, sealed) = sealed();
        type Change = fn(&mut SealedKey);
        let flip = |text: &mut String| {
            let last = if text.ends_with('0') { "1" } else { "0" };
            text.replace_range(text.len() - 1.., last);
        };
        let changes: [(Change, Unopened); 10] = [
            (|k| k.format = "lockstep-key/2".into(), Unopened::Foreign),
            (|k| k.scheme = SchemeId::Dilithium3, Unopened::Password),
            (|k| k.address.0[0] ^= 1, Unopened::Password),
            (|k| k.kdf.name = "argon2i".into(), Unopened::Foreign),
            (|k| k.kdf.memory_kib -= 1, Unopened::Password),
            (
                |k| k.kdf.memory_kib = u32::MAX,
                Unopened::Costly {
                    memory_kib: u32::MAX,
                    passes: PASSES,
                    lanes: LANES,
                },
            ),
            (|k| k.kdf.passes = 0, Unopened::Foreign),
            (|k| k.cipher.name = "none".into(), Unopened::Foreign),
            (|k| k.cipher.nonce.truncate(8), Unopened::Foreign),
            (|k| k.sealed_seed.truncate(20), Unopened::Password),
        ];
        for (change, expected) in changes {
            let mut harmed = sealed.clone();
            change(&mut harmed);
            assert_eq!(
                harmed.open("correct horse").err(),
                Some(expected),
                "{harmed:?}"
            );
        }
        type Field = fn(&mut SealedKey) -> &mut String;
        let fields: [Field; 3] = [
            |k| &mut k.sealed_seed,
            |k| &mut k.kdf.salt,
            |k| &mut k.cipher.nonce,
        ];
        for text in fields {
            let mut harmed = sealed.clone();
            flip(text(&mut harmed));
            assert_eq!(harmed.open("correct horse").err(), Some(Unopened::Password));
        }
    }
}
