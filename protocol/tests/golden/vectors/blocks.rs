//! `blocks.json`: the genesis, headers, whole blocks, and all hashes that a header names.
use super::world::{Committed, World};
use super::{bytes, head, hex, items, settle, text};
use lockstep_protocol::codec;
use lockstep_protocol::limits::BLOCK_BYTES_MAX;
use lockstep_protocol::nouns::block::{Block, SealedBlock};
use lockstep_protocol::nouns::genesis::Genesis;
use lockstep_protocol::types::Hash;
use lockstep_protocol::validators::set::Validator;
use serde_json::{Value, json};

pub(super) fn validator(validator: &Validator) -> Value {
    json!({
        "address": validator.address,
        "power": validator.power.to_string(),
        "public_key": hex(&validator.public_key),
    })
}

fn genesis(genesis: &Genesis) -> Value {
    let validators = genesis.validators.iter();
    let validators = validators
        .map(|v| json!({ "public_key": hex(&v.public_key), "power": v.power.to_string() }));
    let accounts = genesis.accounts.iter();
    let accounts = accounts.map(
        |account| json!({ "address": account.address, "balance": account.balance.to_string() }),
    );
    let applications = genesis.applications.iter();
    let applications = applications
        .map(|of| json!({ "name": of.name, "version": of.version, "state": hex(&of.state) }));
    json!({
        "chain_id": genesis.chain_id,
        "scheme": genesis.scheme,
        "time": genesis.time,
        "fee_per_byte": genesis.parameters.fee_per_byte,
        "validators": validators.collect::<Vec<_>>(),
        "accounts": accounts.collect::<Vec<_>>(),
        "applications": applications.collect::<Vec<_>>(),
        "bytes": hex(&codec::encode(genesis)),
        "hash": genesis.hash(),
    })
}

fn vector(name: &str, committed: &Committed) -> Value {
    let sealed = &committed.block;
    let block = sealed.block();
    let receipts = committed.receipts.iter();
    let receipts: Vec<Value> = receipts
        .map(|receipt| {
            json!({
                "transaction": receipt.transaction,
                "receipt": receipt,
                "bytes": hex(&codec::encode(receipt)),
                "leaf": receipt.leaf(),
            })
        })
        .collect();
    json!({
        "name": name,
        "header": sealed.header(),
        "header_bytes": hex(&codec::encode(sealed.header())),
        "id": sealed.id(),
        "transaction_leaves": sealed.leaves(),
        "receipts": receipts,
        "validators": committed.set.iter().map(validator).collect::<Vec<_>>(),
        "last_commit": block.last_commit.as_ref().map(|last| hex(&codec::encode(last))),
        "block": hex(&codec::encode(block)),
    })
}

#[test]
fn every_block_has_the_bytes_the_id_and_the_roots_that_are_written_down() {
    let world = World::of_two_blocks();
    let about = "A genesis, and the first blocks on it: the header's fields and bytes, the id, the \
                 leaves of the roots in it, the validators that validators_hash names, the \
                 certificate that last_commit_hash names, and the whole block.";
    let mut file = head(about, "blocks.rs", world.context());
    file.insert("genesis".into(), genesis(&world.genesis));
    let vectors = [
        vector("the first block, with transfers and records", world.at(1)),
        vector(
            "the second block, with calls and the certificate of the first",
            world.at(2),
        ),
    ];
    file.insert("vectors".into(), vectors.into_iter().collect());
    let written = settle("blocks.json", file);
    let bytes_of_genesis = bytes(&written["genesis"], "bytes");
    let again: Genesis = codec::decode("genesis", &bytes_of_genesis, 1 << 20).unwrap();
    assert_eq!(json!(again.hash()), written["chain"]["genesis_hash"]);
    items(&written["vectors"]).iter().for_each(reads_back);
}

fn reads_back(vector: &Value) {
    let block: Block = codec::decode("block", &bytes(vector, "block"), BLOCK_BYTES_MAX).unwrap();
    assert_eq!(
        hex(&codec::encode(&block.header)),
        text(vector, "header_bytes")
    );
    assert_eq!(json!(block.header), vector["header"]);
    // It is the body of its header.
    let sealed = SealedBlock::new(block).unwrap();
    assert_eq!(json!(sealed.id()), vector["id"]);
    let leaf = |receipt: &Value| text(receipt, "leaf").parse::<Hash>().unwrap();
    let leaves: Vec<Hash> = items(&vector["receipts"]).iter().map(leaf).collect();
    let root = lockstep_protocol::crypto::merkle::root(&leaves);
    assert_eq!(root, sealed.header().receipts_root);
}
