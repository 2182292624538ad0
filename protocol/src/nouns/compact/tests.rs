use super::*;
use crate::consensus::testkit::{Cast, H, block};
use crate::limits::EXPIRY_HEIGHTS_MAX;
use crate::nouns::transaction::{Action, TransactionBody};
use crate::types::Address;
use crate::wire::{Wire, WireError};
use proptest::collection::vec;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

fn transaction(cast: &Cast, nonce: u64) -> Transaction {
    let to = Address::default();
    let amount = 1;
    let memo = String::new();
    let body = TransactionBody {
        nonce,
        fee: 1,
        expires_at: Height(EXPIRY_HEIGHTS_MAX),
        action: Action::Transfer { to, amount, memo },
    };
    Transaction::sign(&*cast.signer(0), &cast.context, body).unwrap()
}

/// A proposal of round 0 with so many transactions.
fn proposed(cast: &Cast, count: u64) -> ProposedBlock {
    let Block { header, .. } = block(H, 1).block().clone();
    let transactions = (0..count).map(|nonce| transaction(cast, nonce)).collect();
    let block = SealedBlock::build(header, transactions, Vec::new(), None);
    cast.proposed(0, &Arc::new(block), None)
}

fn named(message: &ProposedBlock) -> CompactProposal {
    CompactProposal::of(message, |_| false)
}

fn transactions(message: &ProposedBlock) -> Vec<Arc<Transaction>> {
    let all = &message.block.block().transactions;
    all.iter().cloned().map(Arc::new).collect()
}

fn other_signature(transaction: &Transaction) -> Transaction {
    let mut other = transaction.clone();
    other.signature.0[0] ^= 1;
    other
}

#[test]
fn held_sent_along_and_fetched_transactions_make_the_proposed_block() {
    let cast = Cast::of(4);
    let message = proposed(&cast, 10);
    let leaves = message.block.leaves();
    let compact = CompactProposal::of(&message, |leaf| [leaves[3], leaves[9]].contains(leaf));
    assert_eq!(compact.transactions.len(), 2);
    let mut assembly = Assembly::new(compact).unwrap();
    let all = transactions(&message);
    let held = (0..10).map(|i| (i % 2 == 0).then(|| all[i].clone()));
    assembly.fill_held(held.collect());
    assert_eq!((assembly.missing(), assembly.seal()), (3, None));
    let question = assembly.question();
    let picked = question.pick(&message.block);
    assert_eq!(picked, [&*all[1], &*all[5], &*all[7]]);
    assert!(assembly.fill(picked.into_iter().cloned().map(Arc::new)));
    assert_eq!(assembly.seal(), Some(message.clone()));
    let again = SealedBlock::new(message.block.block().clone()).unwrap();
    assert_eq!(
        *assembly.seal().unwrap().block,
        again,
        "as if it were hashed"
    );
}

#[test]
fn a_transaction_with_another_signature_under_the_same_id_does_not_fill_its_place() {
    let cast = Cast::of(4);
    let message = proposed(&cast, 2);
    let all = transactions(&message);
    let other = Arc::new(other_signature(&all[0]));
    assert_eq!(other.id(), all[0].id());
    let mut assembly = Assembly::new(named(&message)).unwrap();
    assert!(!assembly.fill([other.clone(), all[1].clone()]));
    assert_eq!(assembly.missing(), 2);
    let mut lying = named(&message);
    lying.transactions = vec![Transaction::clone(&other)];
    assert_eq!(Assembly::new(lying), Err(BodyMismatch));
}

#[test]
fn leaves_evidence_commit_or_header_that_the_id_does_not_name_are_refused() {
    let cast = Cast::of(4);
    let message = proposed(&cast, 3);
    let changes: [fn(&mut CompactProposal, &Cast); 6] = [
        |c, _| c.leaves.swap(0, 1),
        |c, _| _ = c.leaves.pop(),
        |c, _| c.leaves.push(Hash::default()),
        |c, _| c.header.state_root = Hash::of(&[b"another"]),
        |c, cast| c.last_commit = Some(cast.commit(&block(H, 1), 0, &[0, 1, 2])),
        |c, _| c.leaves = vec![Hash::default(); BLOCK_TRANSACTIONS_MAX + 1],
    ];
    for (index, change) in changes.iter().enumerate() {
        let mut compact = named(&message);
        change(&mut compact, &cast);
        assert_eq!(Assembly::new(compact), Err(BodyMismatch), "change {index}");
    }
    assert!(Assembly::new(named(&message)).is_ok());
}

#[test]
fn transactions_out_of_order_or_of_another_block_belong_nowhere() {
    let cast = Cast::of(4);
    let message = proposed(&cast, 4);
    let all = transactions(&message);
    let mut assembly = Assembly::new(named(&message)).unwrap();
    assert!(!assembly.fill([all[2].clone(), all[1].clone()]));
    assert!(!assembly.fill([Arc::new(transaction(&cast, 99))]));
    // What fitted before is kept: each has been compared with its leaf.
    assert_eq!(assembly.missing(), 3);
    assert!(assembly.fill([all[2].clone()]), "twice is once");
    assert_eq!(assembly.missing(), 3);
}

/// A leaf that stands in a block a thousand times names megabytes that nobody has sent.
#[test]
fn a_block_of_more_bytes_than_one_may_have_is_never_put_together() {
    let cast = Cast::of(4);
    let one = Arc::new(transaction(&cast, 0));
    let count = BLOCK_TRANSACTION_BYTES_MAX / one.bytes() + 1;
    let Block { header, .. } = block(H, 1).block().clone();
    let many = vec![Transaction::clone(&one); count];
    let block = SealedBlock::build(header, many, Vec::new(), None);
    let message = cast.proposed(0, &Arc::new(block), None);
    let mut assembly = Assembly::new(named(&message)).unwrap();
    assembly.fill_held(vec![Some(one); count]);
    assert!(assembly.is_oversize());
    assert_eq!((assembly.missing(), assembly.seal()), (0, None));
}

#[test]
fn a_question_about_another_block_or_of_another_length_is_answered_with_nothing() {
    let cast = Cast::of(4);
    let message = proposed(&cast, 9);
    let question = Assembly::new(named(&message)).unwrap().question();
    assert_eq!(question.wanted, [0xff, 1]);
    assert_eq!(question.pick(&message.block).len(), 9);
    let longer = TransactionsWanted {
        wanted: vec![0xff; 3],
        ..question.clone()
    };
    assert!(longer.pick(&message.block).is_empty());
    assert!(question.pick(&proposed(&cast, 8).block).is_empty());
}

#[test]
fn no_transaction_is_shorter_than_the_shortest_and_the_longest_question_fits() {
    use crate::limits::{BLOCK_TRANSACTIONS_MAX, MISSING_BYTES_MAX, TRANSACTION_BYTES_MIN};
    let mut shortest = transaction(&Cast::of(4), 1);
    shortest.body.action = Action::DeclareReady;
    shortest.signature.0.clear();
    assert_eq!(shortest.bytes(), TRANSACTION_BYTES_MIN);
    let longest = TransactionsWanted {
        height: H,
        block_id: Hash::default(),
        wanted: vec![0; BLOCK_TRANSACTIONS_MAX.div_ceil(8)],
    };
    let bytes = Wire::new(Hash::default()).encode_wanted(&longest);
    assert!(bytes.len() <= MISSING_BYTES_MAX);
}

#[test]
fn what_is_written_is_read_and_its_head_is_that_of_a_whole_proposal() {
    let cast = Cast::of(4);
    let wire = Wire::new(Hash([9; 32]));
    let message = proposed(&cast, 3);
    let compact = CompactProposal::of(&message, |leaf| *leaf == message.block.leaves()[1]);
    let bytes = wire.encode_compact(&compact);
    assert_eq!(wire.decode_compact(&bytes), Ok(compact.clone()));
    assert_eq!(wire.decode_proposal_head(&bytes).unwrap(), message.proposal);
    let mut other = compact;
    other.leaves.swap(0, 2);
    let bytes = wire.encode_compact(&other);
    assert_eq!(wire.decode_assembly(&bytes), Err(WireError::BodyMismatch));
    let all = &message.block.block().transactions;
    let bytes = wire.encode_fetched(&[&all[0], &all[2]]);
    let read = wire.decode_fetched(&bytes).unwrap();
    assert_eq!(read, [all[0].clone(), all[2].clone()]);
}

proptest! {
    /// Whatever is held, sent along, lost, doubled, forged or out of order: what is put together is
    /// the block that was proposed, and with an honest answer it is put together.
    #[test]
    fn only_the_proposed_block_is_ever_put_together(
        (held, along) in (vec(any::<bool>(), 12), vec(any::<bool>(), 12)),
        noise in vec((0usize..12, any::<bool>()), 0..24),
    ) {
        let cast = Cast::of(4);
        let message = proposed(&cast, 12);
        let leaves = message.block.leaves();
        let all = transactions(&message);
        let along = |leaf: &Hash| along[leaves.iter().position(|l| l == leaf).unwrap()];
        let mut assembly = Assembly::new(CompactProposal::of(&message, along)).unwrap();
        let have = held.iter().zip(&all).map(|(held, t)| held.then(|| t.clone()));
        assembly.fill_held(have.collect());
        let noise = noise.into_iter().map(|(index, forged)| match forged {
            true => Arc::new(other_signature(&all[index])),
            false => all[index].clone(),
        });
        assembly.fill(noise);
        let sealed = assembly.seal();
        prop_assert_eq!(sealed.is_some(), assembly.missing() == 0);
        prop_assert!(sealed.is_none_or(|sealed| sealed == message));
        let answer = assembly.question();
        let answer = answer.pick(&message.block).into_iter().cloned().map(Arc::new);
        prop_assert!(assembly.fill(answer.collect::<Vec<_>>()));
        prop_assert_eq!(assembly.seal(), Some(message));
    }
}
