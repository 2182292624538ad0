//! The public keys of the devnet: 32 bytes `[0x76, 0x30 + i, 0xde, 0, …]`. Everybody knows them, so
//! a node refuses them on any chain but the devnet.
use lockstep_protocol::crypto::{self, KeyError, SchemeId, Seed, Signer};
use lockstep_protocol::types::Address;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// Seeds with a number below this are public: more than a set has validators.
const PUBLIC_SEEDS: u8 = 128;

/// The public seed of validator `index`.
pub fn seed(index: u8) -> Seed {
    let mut bytes = [0; 32];
    (bytes[0], bytes[1], bytes[2]) = (0x76, 0x30u8.wrapping_add(index), 0xde);
    Seed(bytes)
}

/// The key of validator `index`.
pub fn signer(scheme: SchemeId, index: u8) -> Result<Arc<dyn Signer>, KeyError> {
    crypto::scheme(scheme).signer(&seed(index))
}

/// Whether `address` belongs to a public seed. Only asked on chains that are no devnet.
pub fn is_public(address: &Address) -> Result<bool, KeyError> {
    static KNOWN: OnceLock<BTreeMap<Address, u8>> = OnceLock::new();
    if let Some(known) = KNOWN.get() {
        return Ok(known.contains_key(address));
    }
    let mut known = BTreeMap::new();
    for id in SchemeId::ALL {
        for index in 0..PUBLIC_SEEDS {
            let signer = signer(id, index)?;
            known.insert(Address::of(id, signer.public_key()), index);
        }
    }
    Ok(KNOWN.get_or_init(|| known).contains_key(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_keys_are_known_under_both_schemes_and_others_are_not() {
        for id in SchemeId::ALL {
            for index in [0, 3, PUBLIC_SEEDS - 1] {
                let public = signer(id, index).expect("a seed makes a key");
                let address = Address::of(id, public.public_key());
                assert_eq!(is_public(&address), Ok(true));
            }
            assert_eq!(is_public(&Address([9; 20])), Ok(false));
        }
    }
}
