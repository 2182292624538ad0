use super::*;
use crate::consensus::testkit::{Cast, H, NEXT, block};
use crate::nouns::transaction::{Action, TransactionBody};
use crate::nouns::vote::Signature;

fn transaction(nonce: u64) -> Transaction {
    Transaction {
        sender: Address([1; 20]),
        body: TransactionBody {
            nonce,
            fee: 6,
            expires_at: NEXT,
            action: Action::Transfer {
                to: Address([2; 20]),
                amount: 5,
                memo: String::new(),
            },
        },
        public_key: Some(vec![7; 32]),
        signature: Signature(vec![8; 8]),
    }
}

fn accusation(cast: &Cast, round: u32) -> Evidence {
    let prevotes = [1, 2].map(|tag| cast.prevote(1, round, Some(block(H, tag).id())));
    let [a, b] = prevotes;
    Evidence::of_votes(a, b)
}

/// A block with two transactions, a piece of evidence and the certificate of its parent.
fn full() -> Block {
    let cast = Cast::of(4);
    let parent = block(H, 1);
    let mut full = block(NEXT, 2).block().clone();
    full.transactions = vec![transaction(0), transaction(1)];
    full.last_commit = Some(cast.commit(&parent, 0, &[0, 1, 2]));
    full.header.transactions_root = Block::transactions_root(&full.transactions);
    full.evidence = vec![accusation(&cast, 3)];
    full.header.evidence_root = Block::evidence_root(&full.evidence);
    full.header.last_commit_hash = Block::last_commit_hash(full.last_commit.as_ref());
    full
}

#[test]
fn a_block_seals_under_the_id_of_its_header() {
    let sealed = SealedBlock::new(full()).unwrap();
    assert_eq!(sealed.id(), full().header.id());
    assert_eq!((sealed.height(), sealed.header()), (NEXT, &full().header));
    assert_eq!(sealed.block(), &full());
}

#[test]
fn a_body_that_is_not_the_headers_does_not_seal() {
    type Change = fn(&mut Block);
    let changes: [Change; 11] = [
        |b| b.transactions.clear(),
        |b| b.transactions.reverse(),
        |b| b.transactions.push(transaction(2)),
        |b| b.transactions[0].body.nonce = 9,
        |b| b.last_commit = None,
        |b| b.last_commit.as_mut().unwrap().round.0 = 1,
        |b| b.header.transactions_root = Hash::default(),
        |b| b.evidence.clear(),
        |b| b.evidence.push(accusation(&Cast::of(4), 4)),
        |b| match &mut b.evidence[0] {
            Evidence::ConflictingVotes(vote, _) => vote.signature.0[0] ^= 1,
            other => panic!("{other:?}"),
        },
        |b| b.header.evidence_root = Hash::default(),
    ];
    for (i, change) in changes.into_iter().enumerate() {
        let mut changed = full();
        change(&mut changed);
        assert_eq!(SealedBlock::new(changed), Err(BodyMismatch), "change {i}");
    }
}

/// Whether a block is valid must depend on its id alone. Were signatures and keys not covered, one
/// proposer could send the same id with a good body to some and a spoilt one to others, who would
/// then find invalid what the rest decides; and one sync peer could spoil any certified block.
#[test]
fn a_block_with_another_transaction_signature_or_key_does_not_seal() {
    let (mut signature, mut key) = (full(), full());
    signature.transactions[0].signature.0[0] ^= 1;
    key.transactions[1].public_key = None;
    assert_eq!(SealedBlock::new(signature), Err(BodyMismatch));
    assert_eq!(SealedBlock::new(key), Err(BodyMismatch));
}

#[test]
fn every_field_of_the_header_changes_the_id() {
    type Change = fn(&mut Header);
    let changes: [Change; 11] = [
        |h| h.chain_id.0 = 8,
        |h| h.height = H,
        |h| h.time.0 = 9,
        |h| h.proposer.0[19] = 1,
        |h| h.previous_block.0[0] = 1,
        |h| h.last_commit_hash.0[0] ^= 1,
        |h| h.transactions_root.0[0] ^= 1,
        |h| h.evidence_root.0[0] ^= 1,
        |h| h.state_root.0[0] = 1,
        |h| h.validators_hash.0[0] = 1,
        |h| h.next_validators_hash.0[0] = 1,
    ];
    let mut ids = vec![full().header.id()];
    for change in changes {
        let mut header = full().header;
        change(&mut header);
        ids.push(header.id());
    }
    let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), 12);
}

#[test]
fn no_commit_has_the_zero_hash_and_no_transactions_the_hash_of_nothing() {
    assert_eq!(Block::last_commit_hash(None), Hash::default());
    assert_eq!(Block::transactions_root(&[]), Hash::of(&[]));
}
