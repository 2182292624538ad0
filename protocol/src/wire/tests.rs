use super::*;
use crate::consensus::testkit::{Cast, H, NEXT, block};
use crate::limits::BLOCK_TRANSACTION_BYTES_MAX;

fn wire() -> Wire {
    Wire::new(Hash([9; 32]))
}

fn vote() -> SignedVote {
    Cast::of(4).prevote(0, 1, None)
}

#[test]
fn another_version_and_another_chain_are_told_apart_before_the_body_is_read() {
    let bytes = wire().encode_vote(&vote());
    let mut version = bytes[..ENVELOPE_BYTES].to_vec();
    version[0] = 1;
    assert_eq!(wire().decode_vote(&version), Err(WireError::Version(1)));
    let foreign = Wire::new(Hash([8; 32]));
    let envelope = &bytes[..ENVELOPE_BYTES];
    assert_eq!(
        foreign.decode_vote(envelope),
        Err(WireError::ForeignChain(Hash([9; 32])))
    );
}

#[test]
fn a_message_over_the_limit_of_its_kind_is_refused_by_its_size() {
    type Refusal = fn(&[u8]) -> Option<WireError>;
    let cases: [(usize, Refusal); 5] = [
        (VOTE_BYTES_MAX, |b| wire().decode_vote(b).err()),
        (PROPOSAL_BYTES_MAX, |b| wire().decode_proposal(b).err()),
        (TRANSACTION_BYTES_MAX, |b| {
            wire().decode_transaction(b).err()
        }),
        (SYNC_BYTES_MAX, |b| wire().decode_blocks(b).err()),
        (EVIDENCE_MESSAGE_BYTES_MAX, |b| {
            wire().decode_evidence(b).err()
        }),
    ];
    for (limit, decode) in cases {
        let actual = limit + 1;
        let refused = WireError::Codec(CodecError::TooLarge { limit, actual });
        assert_eq!(decode(&vec![0; actual]), Some(refused));
        // Exactly the limit gets as far as its version.
        assert_eq!(decode(&vec![0; limit]), Some(WireError::Version(0)));
    }
}

#[test]
fn the_largest_lawful_messages_fit_their_limits() {
    let largest_vote = {
        let mut vote = vote();
        vote.vote.block_id = Some(Hash::default());
        vote.vote.valid_round = Some(Default::default());
        vote.signature.0 = vec![0; crate::limits::SIGNATURE_BYTES_MAX];
        vote
    };
    assert!(wire().encode_vote(&largest_vote).len() <= VOTE_BYTES_MAX);
    let evidence = Evidence::ConflictingVotes(largest_vote.clone(), largest_vote);
    let evidence = wire().encode_evidence(&evidence).len();
    assert!(evidence <= EVIDENCE_MESSAGE_BYTES_MAX);
    let certificate = crate::codec::encode(&full_certificate()).len();
    assert!(certificate <= crate::limits::CERTIFICATE_BYTES_MAX);
    let bare = crate::codec::encode(block(H, 1).block()).len();
    let largest_block = bare + BLOCK_TRANSACTION_BYTES_MAX + certificate;
    assert!(largest_block <= crate::limits::BLOCK_BYTES_MAX);
}

/// Everybody of the largest set, with signatures of full length.
fn full_certificate() -> PolkaCertificate {
    let cast = Cast::of(crate::limits::VALIDATORS_MAX);
    let everybody = 0..cast.set.len();
    let signature = crate::nouns::vote::Signature(vec![0; crate::limits::SIGNATURE_BYTES_MAX]);
    let members = everybody.map(|index| (index, &signature));
    let signers = crate::nouns::commit::Signers::collect(&cast.set, members);
    PolkaCertificate {
        valid_round: Some(Default::default()),
        signers,
        by_proposal: Some(0),
        ..cast.polka(&block(H, 1), 1, &[])
    }
}

#[test]
fn a_proposal_with_the_block_of_another_is_refused() {
    let cast = Cast::of(4);
    let v = block(H, 1);
    let mut message = cast.proposed(2, &v, Some(1));
    let read = wire().decode_proposal(&wire().encode_proposal(&message));
    assert_eq!(read, Ok(message.clone()));
    message.block = block(H, 2);
    let read = wire().decode_proposal(&wire().encode_proposal(&message));
    assert_eq!(read, Err(WireError::BodyMismatch));
}

#[test]
fn a_block_whose_body_is_not_its_headers_is_refused_alone_and_in_a_range() {
    let cast = Cast::of(4);
    let v = block(H, 1);
    let mut hollow = v.block().clone();
    hollow.header.transactions_root = Hash::default();
    let mut proposal = cast.proposal(cast.turn(H, 0), 0, &v, None);
    proposal.block_id = hollow.header.id();
    let polka: Option<PolkaCertificate> = None;
    let bytes = wire().seal(&(&proposal, &hollow, polka));
    assert_eq!(wire().decode_proposal(&bytes), Err(WireError::BodyMismatch));
    let good = (
        block(NEXT, 1).block().clone(),
        cast.commit(&v, 0, &[0, 1, 2]),
    );
    let bytes = wire().seal(&vec![good.clone(), (hollow, good.1.clone())]);
    assert_eq!(wire().decode_blocks(&bytes), Err(WireError::BodyMismatch));
    assert_eq!(
        wire()
            .decode_blocks(&wire().seal(&vec![good]))
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn a_vote_is_not_read_as_a_transaction_or_a_range() {
    let bytes = wire().encode_vote(&vote());
    assert!(wire().decode_transaction(&bytes).is_err());
    assert!(wire().decode_blocks(&bytes).is_err());
    assert!(wire().decode_proposal(&bytes).is_err());
}

/// It was told to use a program of protocol version 27896.
#[test]
fn a_transaction_of_ethereum_is_called_so() {
    let other = PROTOCOL_VERSION + 1;
    let called = format!("protocol version {other}");
    for (begins, word) in [
        ([0xf8, 0x6c], "Ethereum"),
        ([0xf9, 0x01], "Ethereum"),
        ([0x02, 0xf8], "Ethereum"),
        ([0x01, 0xf9], "Ethereum"),
        ([b'{', b'"'], "none of Lockstep"),
        (other.to_le_bytes(), called.as_str()),
    ] {
        let bytes = [&begins[..], &[0; 100]].concat();
        let error = wire().decode_transaction(&bytes).expect_err(word);
        assert_eq!(error, WireError::Version(u16::from_le_bytes(begins)));
        assert!(error.to_string().contains(word), "{error}");
    }
}
