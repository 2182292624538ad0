//! `keys.json`: from a seed to a key, an address and its text.
use super::world::{Party, SCHEME, World, scheme};
use super::{bytes, head, hex, items, settle, text};
use lockstep_protocol::crypto::Seed;
use lockstep_protocol::types::Address;
use serde_json::{Value, json};

fn key(party: &Party) -> Value {
    json!({
        "name": party.name,
        "seed": hex(&party.seed),
        "public_key": hex(party.signer.public_key()),
        "address": party.address,
        "address_text": party.address.checksummed(),
    })
}

#[test]
fn every_seed_gives_the_key_and_the_address_that_are_written_down() {
    let world = World::new();
    let about = "Seeds, and the keys and addresses that belong to them: alice to dave and validator 0 \
                 to 3 are those of every devnet. address_text has the checksum in its case.";
    let mut file = head(about, "keys.rs", world.context());
    let parties = world.people.iter().chain(&world.validators);
    file.insert("vectors".into(), parties.map(key).collect());
    let written = settle("keys.json", file);
    for vector in items(&written["vectors"]) {
        // By the node's own engine.
        let seed: [u8; 32] = bytes(vector, "seed").try_into().unwrap();
        let signer = scheme().signer(&Seed(seed)).unwrap();
        assert_eq!(signer.public_key(), bytes(vector, "public_key"));
        let address = Address::of(SCHEME, signer.public_key());
        assert_eq!(text(vector, "address").parse(), Ok(address));
        assert_eq!(text(vector, "address_text").parse(), Ok(address));
    }
}
