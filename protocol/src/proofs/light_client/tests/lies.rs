//! What a server that lies may show, with a correct header beside it where that is the point.
use super::*;
use crate::crypto::SignatureError;
use crate::ledger::ProofError;
use crate::nouns::commit::{CertificateError, Signers};
use crate::nouns::sign_bytes::SignContext;
use crate::types::{ChainId, Mismatch};
use crate::validators::set::ValidatorSetError;

/// Shows it to a client that trusts height 3; it must keep that one.
fn refused(world: &World, asked: u64, shown: &LightBlock) -> LightError {
    let mut client = world.client(3);
    let error = client.advance(Height(asked), shown, NOW).unwrap_err();
    assert_eq!(client.trusted().header.height, Height(3));
    error
}

fn not_started(world: &World, chain: Chain, shown: &LightBlock) -> LightError {
    let started = LightClient::start(chain, world.checkpoint(3), shown, NOW);
    started.err().expect("it does not start")
}

#[test]
fn a_wrong_balance_is_refused() {
    let world = World::new();
    let client = world.client(3);
    for wrong in [
        Some(Account {
            balance: 501,
            nonce: 0,
        }),
        Some(Account {
            balance: 500,
            nonce: 1,
        }),
        None,
    ] {
        let mut lie = world.proved(3, &RICH);
        lie.proof.account = wrong;
        let refused = client.account(&RICH, &lie);
        assert_eq!(refused, Err(LightError::Proof(ProofError)), "{wrong:?}");
    }
    let other = world.proved(3, &Address([6; 20]));
    let refused = client.account(&RICH, &other).unwrap_err();
    assert_eq!(refused.code(), "proof");
}

#[test]
fn a_wrong_sibling_is_refused() {
    let world = World::new();
    let client = world.client(3);
    let bytes = crate::codec::encode(&world.proved(3, &RICH));
    let mut read = 0;
    for position in 8..bytes.len() {
        let mut wrong = bytes.clone();
        wrong[position] ^= 1;
        let limit = crate::limits::PROVED_ACCOUNT_BYTES_MAX;
        let Ok(lie) = crate::codec::decode("account", &wrong, limit) else {
            continue;
        };
        read += 1;
        let refused = client.account(&RICH, &lie);
        let expected = Err(LightError::Proof(ProofError));
        assert_eq!(refused, expected, "byte {position}");
    }
    assert!(read > 100, "most of them can be read: {read}");
}

#[test]
fn a_proof_of_another_height_is_refused() {
    let world = World::new();
    let refused = world.client(3).account(&RICH, &world.proved(4, &RICH));
    let (expected, actual) = (Height(3), Height(4));
    assert_eq!(
        refused,
        Err(LightError::OtherHeight(Mismatch { expected, actual }))
    );
}

#[test]
fn a_certificate_of_two_of_four_is_refused() {
    let world = World::new();
    let mut lie = world.block(4);
    lie = signed(&world.cast, lie.header, &[0, 1]);
    let (power, total) = (2, 4);
    let expected = CertificateError::NoQuorum { power, total };
    assert_eq!(refused(&world, 4, &lie), expected.clone().into());
    // Nor is it one for a checkpoint that is right.
    let few = signed(&world.cast, world.block(3).header, &[0, 1]);
    let refused = not_started(&world, chain_of(&world.cast), &few);
    assert_eq!(refused, expected.into());
}

#[test]
fn a_duplicate_signer_is_refused() {
    let world = World::new();
    let right = world.block(4);
    let set = &world.cast.set;
    let members = right.certificate.signers.members(set).unwrap();
    let (first, signature) = members[0];
    // Two signers, one of them under a second name.
    let twice = [(first, signature), members[1], (3, signature)];
    let mut lie = right.clone();
    lie.certificate.signers = Signers::collect(set, twice);
    let expected = CertificateError::Signature {
        index: 3,
        reason: SignatureError::Invalid,
    };
    assert_eq!(refused(&world, 4, &lie), expected.into());
    // One signer and one place, but two signatures.
    lie.certificate.signers = Signers::collect(set, [members[0], members[1], members[1]]);
    let shape = LightError::Certificate(CertificateError::Shape);
    assert_eq!(refused(&world, 4, &lie), shape);
    // A set in which one validator stands twice.
    let mut lie = right;
    lie.validators[1] = lie.validators[0].clone();
    let twice = ValidatorSetError::Duplicate(lie.validators[0].address);
    assert_eq!(refused(&world, 4, &lie), LightError::Validators(twice));
}

#[test]
fn a_header_of_a_chain_with_another_number_is_refused() {
    let world = World::new();
    let lie = world.forged(4, |header| header.chain_id = ChainId(8));
    assert_eq!(refused(&world, 4, &lie).code(), "other_chain");
    let context = SignContext {
        chain_id: ChainId(8),
        ..world.cast.context
    };
    let chain = Chain {
        context,
        ..chain_of(&world.cast)
    };
    let refused = not_started(&world, chain, &world.block(3));
    assert_eq!(refused.code(), "other_chain");
}

/// The same keys under another genesis: nothing in a header says so, but every signature does.
#[test]
fn a_chain_with_another_genesis_is_refused() {
    let world = World::new();
    let other = || {
        let genesis_hash = Hash::of(&[b"another genesis"]);
        let scheme = Arc::new(Simulated);
        let chain_id = world.cast.context.chain_id;
        let context = SignContext {
            chain_id,
            genesis_hash,
        };
        Chain { scheme, context }
    };
    let refused = not_started(&world, other(), &world.block(3));
    assert_eq!(refused.code(), "signature");
    let (shown, checkpoint) = (world.block(1), world.checkpoint(1));
    let started = LightClient::start(other(), checkpoint, &shown, NOW);
    assert_eq!(started.err().map(|e| e.code()), Some("other_genesis"));
}

#[test]
fn another_block_than_the_checkpoint_is_refused() {
    let world = World::new();
    for lie in [world.block(4), world.forged(3, |h| h.time.0 += 1)] {
        let refused = not_started(&world, chain_of(&world.cast), &lie);
        assert_eq!(refused.code(), "not_the_checkpoint");
    }
}

#[test]
fn another_height_is_refused() {
    let world = World::new();
    let (expected, actual) = (Height(5), Height(6));
    let refusal = LightError::OtherHeight(Mismatch { expected, actual });
    assert_eq!(refused(&world, 5, &world.block(6)), refusal);
    let mut lie = world.block(5);
    lie.certificate.height = Height(6);
    assert_eq!(refused(&world, 5, &lie), refusal);
    for asked in [1, 3] {
        let refused = refused(&world, asked, &world.block(asked));
        assert_eq!(refused.code(), "not_ahead");
    }
}

#[test]
fn a_certificate_of_another_block_is_refused() {
    let world = World::new();
    let mut lie = world.block(5);
    lie.header.state_root = Hash::of(&[b"a better state"]);
    assert_eq!(refused(&world, 5, &lie).code(), "certificate_of_other");
    // Nor does it help to write the new id into the certificate.
    lie.certificate.block_id = lie.header.id();
    assert_eq!(refused(&world, 5, &lie).code(), "signature");
}

#[test]
fn a_header_of_the_future_is_refused() {
    let world = World::new();
    let later = |time: u64| world.forged(5, |header| header.time = Timestamp(time));
    let last = NOW.0 + CLOCK_DRIFT_MS;
    assert_eq!(refused(&world, 5, &later(last + 1)).code(), "future");
    let mut client = world.client(3);
    client.advance(Height(5), &later(last), NOW).unwrap();
}

#[test]
fn a_header_that_is_not_later_than_the_trusted_one_is_refused() {
    let world = World::new();
    for time in [0, 2_999, 3_000] {
        let lie = world.forged(5, |header| header.time = Timestamp(time));
        assert_eq!(refused(&world, 5, &lie).code(), "time_goes_back");
    }
}

#[test]
fn a_next_header_with_another_parent_is_refused() {
    let world = World::new();
    let lie = world.forged(4, |header| header.previous_block = Hash([9; 32]));
    assert_eq!(refused(&world, 4, &lie).code(), "other_parent");
}

#[test]
fn a_next_header_with_validators_that_nobody_named_is_refused() {
    let world = World::new();
    let others = Cast::of(5);
    let parent = world.block(3).header.id();
    let lie = signed(&others, header(&others, 4, parent), &[0, 1, 2, 3, 4]);
    assert_eq!(refused(&world, 4, &lie).code(), "other_validators");
}

#[test]
fn validators_that_are_not_the_headers_are_refused() {
    let world = World::new();
    let right = world.block(5);
    let others = Cast::of(5);
    let mut lie = right.clone();
    lie.validators = others.set.iter().cloned().collect();
    assert_eq!(refused(&world, 5, &lie).code(), "validators_hash");
    let mut lie = right.clone();
    lie.validators[0].power = 100;
    assert_eq!(refused(&world, 5, &lie).code(), "validators_hash");
    for harm in [
        |v: &mut Vec<Validator>| v.clear(),
        |v: &mut Vec<Validator>| v[0].power = 0,
        |v: &mut Vec<Validator>| v[0].public_key.clear(),
    ] {
        let mut lie = right.clone();
        harm(&mut lie.validators);
        assert_eq!(refused(&world, 5, &lie).code(), "validators");
    }
}
