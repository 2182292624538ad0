//! The field words as types: [`Height`], [`Round`], [`Address`], [`struct@Hash`], [`Timestamp`],
//! [`SchemeId`].
use borsh::{BorshDeserialize, BorshSerialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

mod scheme;
#[cfg(test)]
mod tests;

pub use scheme::{SchemeId, UnknownScheme};

/// A field word that is a number, in decimal as text.
macro_rules! number {
    ($(#[$doc:meta])* pub struct $name:ident(pub $inner:ty);) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(BorshSerialize, BorshDeserialize, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// Position of a block in the chain. Genesis is height 0, the first block height 1.
    pub struct Height(pub u64);
}

impl Height {
    /// The height after this one.
    #[must_use]
    pub fn next(self) -> Height {
        Height(self.0.saturating_add(1))
    }

    /// The height before this one; genesis stays genesis.
    #[must_use]
    pub fn previous(self) -> Height {
        Height(self.0.saturating_sub(1))
    }
}

number! {
    /// An attempt to decide a height; starts at 0. Negative rounds of the paper are `None` here.
    pub struct Round(pub u32);
}

impl Round {
    /// The first round of a height.
    pub const ZERO: Round = Round(0);

    /// The round after this one.
    #[must_use]
    pub fn next(self) -> Round {
        Round(self.0.saturating_add(1))
    }
}

number! {
    /// The chain's number, part of every signature. 1337 is the public devnet.
    pub struct ChainId(pub u64);
}

/// The only chain id on which the public validator seeds may sign.
pub const DEVNET_CHAIN_ID: ChainId = ChainId(1337);

number! {
    /// Wall-clock milliseconds since the Unix epoch, as validators agree on them in block headers.
    pub struct Timestamp(pub u64);
}

impl Timestamp {
    /// This time and `ms` milliseconds more.
    #[must_use]
    pub fn plus_ms(self, ms: u64) -> Timestamp {
        Timestamp(self.0.saturating_add(ms))
    }
}

/// Milliseconds of a monotonic clock whose zero is arbitrary: the `now` of the brains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(pub u64);

impl Instant {
    /// This instant and `ms` milliseconds more.
    #[must_use]
    pub fn plus_ms(self, ms: u64) -> Instant {
        Instant(self.0.saturating_add(ms))
    }
}

/// SHA-256 output.
#[derive(
    Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// SHA-256 over the concatenation of `parts`.
    pub fn of(parts: &[&[u8]]) -> Hash {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update(part);
        }
        Hash(hasher.finalize().into())
    }
}

/// The id of a block: the hash of its header.
pub type BlockId = Hash;

/// Who an account or a validator is: the first 20 bytes of SHA-256(scheme id ‖ public key).
#[derive(
    Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Address(pub [u8; 20]);

impl Address {
    /// The address of a public key under a scheme.
    pub fn of(scheme: crate::crypto::SchemeId, public_key: &[u8]) -> Address {
        let Hash(digest) = Hash::of(&[scheme.to_string().as_bytes(), public_key]);
        let mut address = [0; 20];
        for (to, from) in address.iter_mut().zip(digest) {
            *to = from;
        }
        Address(address)
    }
}

/// What something has to be, and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mismatch<T> {
    /// What it has to be.
    pub expected: T,
    /// What it is.
    pub actual: T,
}

/// Refuses what is not as expected.
pub(crate) fn demand<T: PartialEq, E>(
    expected: T,
    actual: T,
    refuse: impl FnOnce(Mismatch<T>) -> E,
) -> Result<(), E> {
    if expected == actual {
        return Ok(());
    }
    Err(refuse(Mismatch { expected, actual }))
}

/// The text is no `0x` hex of the right length.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 0x and {expected_digits} hex digits, got {text:?}")]
pub struct HexError {
    expected_digits: usize,
    text: String,
}

fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("0x")?;
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

fn read_hex<const N: usize>(text: &str) -> Result<[u8; N], HexError> {
    let refuse = || HexError {
        expected_digits: N.saturating_mul(2),
        text: text.chars().take(80).collect(),
    };
    let digits = text.strip_prefix("0x").unwrap_or(text);
    if digits.len() != N.saturating_mul(2) || !digits.bytes().all(|c| c.is_ascii_hexdigit()) {
        return Err(refuse());
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
        let pair = std::str::from_utf8(pair).map_err(|_| refuse())?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| refuse())?;
    }
    Ok(bytes)
}

/// Bytes of any length as `0x` and hex digits.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(self.0, f)
    }
}

/// The same for JSON.
pub(crate) fn serialize_hex<S: serde::Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&Hex(bytes))
}

/// An amount of money in JSON: its decimal digits as text. Many readers of JSON, JavaScript's among
/// them, keep numbers exactly up to 2⁵³ only.
pub(crate) fn serialize_amount<S: serde::Serializer>(
    amount: &u64,
    to: S,
) -> Result<S::Ok, S::Error> {
    to.collect_str(amount)
}

macro_rules! hex_text {
    ($name:ident) => {
        impl $name {
            /// `0x` and the first eight hex digits: for log lines and tables.
            pub fn short(&self) -> String {
                self.to_string().chars().take(10).collect()
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(&self.0, f)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
hex_text!(Hash);
hex_text!(Address);

impl FromStr for Hash {
    type Err = HexError;
    fn from_str(text: &str) -> Result<Self, HexError> {
        read_hex(text).map(Hash)
    }
}

/// The text names no address, or has a typing error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not `0x` and 40 hex digits.
    #[error(transparent)]
    Hex(#[from] HexError),
    /// Upper and lower case are mixed, and not as the checksum mixes them.
    #[error(
        "the letters of {text} do not fit its checksum: there is a typing error in it, or another \
         kind of checksum; without one, in lower case, it reads {lower}"
    )]
    Checksum {
        /// What was given.
        text: String,
        /// The same without a checksum.
        lower: Address,
    },
}

impl FromStr for Address {
    type Err = AddressError;

    /// Reads `0x` hex of any case. Letters all of one case carry no checksum; mixed ones must be
    /// those of [`checksummed`](Address::checksummed).
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let lower = Address::from_any_case(text)?;
        let is_mixed = has(text, u8::is_ascii_uppercase) && has(text, u8::is_ascii_lowercase);
        if is_mixed && digits_of(text) != digits_of(&lower.checksummed()) {
            let text = text.into();
            return Err(AddressError::Checksum { text, lower });
        }
        Ok(lower)
    }
}

impl Address {
    /// Reads `0x` hex without a look at its case: for requests of Ethereum's tools, which put
    /// checksums of their own (over Keccak-256) on every address that passes through them.
    pub fn from_any_case(text: &str) -> Result<Address, HexError> {
        read_hex(text).map(Address)
    }

    /// With a checksum in the case of its letters, as in EIP-55 but over SHA-256: a letter is upper
    /// case where the hash of the 40 lower-case digits has a nibble of 8 or more. For people who
    /// copy by hand. Nodes themselves answer in lower case always: one form to compare, and one
    /// that Ethereum's tools accept, whose own checksum is another.
    pub fn checksummed(&self) -> String {
        let lower = self.to_string();
        let digits = digits_of(&lower);
        let Hash(hash) = Hash::of(&[digits.as_bytes()]);
        let nibbles = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let marked = digits.chars().zip(nibbles).map(|(digit, nibble)| {
            let upper = nibble >= 8;
            if upper {
                digit.to_ascii_uppercase()
            } else {
                digit
            }
        });
        "0x".chars().chain(marked).collect()
    }
}

/// Without `0x`, whose letter has no case.
fn digits_of(text: &str) -> &str {
    text.strip_prefix("0x").unwrap_or(text)
}

fn has(text: &str, kind: impl Fn(&u8) -> bool) -> bool {
    digits_of(text).bytes().any(|digit| kind(&digit))
}
