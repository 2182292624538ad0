//! How a chain signs, by name. What the names do is [`crypto`](crate::crypto)'s.
use std::fmt;
use std::str::FromStr;

/// The signature scheme of a chain, fixed by its genesis.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    borsh::BorshSerialize,
    borsh::BorshDeserialize,
    serde::Serialize,
    serde::Deserialize,
)]
pub enum SchemeId {
    /// The draft of FIPS 204 (pq-crystals commit 918af1a), by `pqcrypto-dilithium`, portable code.
    #[serde(rename = "dilithium3")]
    Dilithium3,
    /// The final FIPS 204 at security level 3, by `aws-lc-rs`.
    #[serde(rename = "ml-dsa-65")]
    MlDsa65,
}

impl SchemeId {
    /// Every scheme that this build knows.
    pub const ALL: [SchemeId; 2] = [SchemeId::Dilithium3, SchemeId::MlDsa65];

    /// The name in genesis and key files, in ASCII; key generation binds it (see [`Scheme::signer`](crate::crypto::Scheme::signer)).
    pub const fn name(self) -> &'static str {
        match self {
            SchemeId::Dilithium3 => "dilithium3",
            SchemeId::MlDsa65 => "ml-dsa-65",
        }
    }
}

impl fmt::Display for SchemeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that belongs to no signature scheme.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no signature scheme is called {0:?}: use one of {names}", names = SchemeId::ALL.map(SchemeId::name).join(", "))]
pub struct UnknownScheme(pub String);

impl FromStr for SchemeId {
    type Err = UnknownScheme;

    /// Reads the exact name: no other case, no spaces, so that a genesis has one spelling.
    fn from_str(name: &str) -> Result<Self, UnknownScheme> {
        SchemeId::ALL
            .into_iter()
            .find(|id| id.name() == name)
            .ok_or_else(|| UnknownScheme(name.to_owned()))
    }
}
