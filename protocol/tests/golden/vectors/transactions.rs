//! `transactions.json`: every action from its fields to the bytes that are handed in.
use super::cases::{Case, cases};
use super::world::{World, scheme};
use super::{bytes, head, hex, items, settle, text};
use lockstep_protocol::codec;
use lockstep_protocol::nouns::sign_bytes::SignContext;
use lockstep_protocol::nouns::transaction::{Action, Transaction};
use lockstep_protocol::wire::Wire;
use serde_json::{Value, json};

fn vector(case: &Case, context: &SignContext) -> Value {
    let Case {
        name,
        signer,
        transaction,
    } = case;
    let Transaction {
        sender,
        body,
        public_key,
        signature,
    } = transaction;
    let mut fields = json!(body);
    if let Action::UpdateValidator { power, .. } = &body.action {
        fields["action"]["power"] = json!(power.to_string());
    }
    fields["sender"] = json!(sender);
    fields["public_key"] = json!(public_key.as_ref().map(|key| hex(key)));
    json!({
        "name": name,
        "signer_seed": hex(&signer.seed),
        "fields": fields,
        "payload": hex(&codec::encode(&(sender, body))),
        "sign_bytes": hex(&context.transaction(sender, body)),
        "signature": hex(&signature.0),
        "signed": hex(&Wire::new(context.genesis_hash).encode_transaction(transaction)),
        "bytes": transaction.bytes(),
        "id": transaction.id(),
        "witness": transaction.witness(),
        "leaf": transaction.leaf(),
    })
}

#[test]
fn every_action_has_the_bytes_the_id_and_the_signature_that_are_written_down() {
    let world = World::of_two_blocks();
    let about = "Transactions of every kind: fields, payload (sender and body), the bytes that are \
                 signed, the deterministic signature (rnd is zero), and signed, what POST \
                 /transactions takes. bytes counts what the fee is for: signed without its envelope.";
    let mut file = head(about, "transactions.rs", world.context());
    let vectors = cases(&world);
    let vectors = vectors.iter().map(|case| vector(case, world.context()));
    file.insert("vectors".into(), vectors.collect());
    let written = settle("transactions.json", file);
    for vector in items(&written["vectors"]) {
        reads_back(&world, vector);
    }
}

/// From the bytes alone, by the node's own decoder and signatures.
fn reads_back(world: &World, vector: &Value) {
    let wire = Wire::new(world.context().genesis_hash);
    let transaction = wire.decode_transaction(&bytes(vector, "signed")).unwrap();
    let name = text(vector, "name");
    assert_eq!(json!(transaction.id()), vector["id"], "{name}");
    let sender = text(&vector["fields"], "sender").parse();
    assert_eq!(sender, Ok(transaction.sender), "{name}");
    let mut parties = world.people.iter().chain(&world.validators);
    let signer = parties.find(|party| party.address == transaction.sender);
    let key = scheme()
        .prepare(signer.unwrap().signer.public_key())
        .unwrap();
    assert_eq!(transaction.verify(&*key, world.context()), Ok(()), "{name}");
    assert_eq!(
        hex(&wire.encode_transaction(&transaction)),
        text(vector, "signed")
    );
}
