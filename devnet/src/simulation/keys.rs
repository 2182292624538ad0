//! The validators' keys. They are no secret here: a planted bug may sign for anybody.
use lockstep_protocol::crypto::simulated::Simulated;
use lockstep_protocol::crypto::{Scheme, Seed, Signer};
use lockstep_protocol::types::Address;
use std::sync::Arc;

/// The keys of this many validators, in the order of their positions in the set.
pub(crate) fn validators(count: usize) -> Vec<Arc<dyn Signer>> {
    sorted((0..count).map(|node| Seed([node as u8 + 1; 32])))
}

/// The keys of these seeds, in the order of their addresses.
pub(crate) fn sorted(seeds: impl Iterator<Item = Seed>) -> Vec<Arc<dyn Signer>> {
    let signers = seeds.map(|seed| Simulated.signer(&seed));
    let mut signers: Vec<_> = signers.filter_map(Result::ok).collect();
    signers.sort_by_key(|signer| address(&**signer));
    signers
}

/// Who signs with this key.
pub(crate) fn address(signer: &dyn Signer) -> Address {
    Address::of(signer.scheme(), signer.public_key())
}
