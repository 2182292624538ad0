//! Transactions and receipts, proved against the roots of a header.
use super::*;
use crate::codec;
use crate::proofs::inclusion::{InclusionError, ReceiptProof, TransactionProof};

/// A block of five transfers, of which the last fails.
fn committed() -> (World, Arc<CommitBatch>) {
    let world = World::new();
    let mut user = User::new(1);
    let to = User::new(2).address;
    let amounts = [1, 2, 3, 4, 5_000];
    let transactions = amounts.map(|amount| user.pay(&world, to, amount)).into();
    let batch = world.node().grow(&world, transactions);
    (world, batch)
}

fn reread<T: borsh::BorshSerialize + borsh::BorshDeserialize>(value: &T) -> T {
    codec::decode("proof", &codec::encode(value), 4_096).unwrap()
}

#[test]
fn a_header_proves_its_transactions_and_no_others() {
    let (_, batch) = committed();
    let (block, header) = (batch.block.block(), batch.block.header());
    let ids: Vec<Hash> = block.transactions.iter().map(Transaction::id).collect();
    for (index, id) in ids.iter().enumerate() {
        let proof = reread(&TransactionProof::new(block, index).unwrap());
        assert_eq!(proof.verify(&header.transactions_root, id), Ok(()));
        for other in ids.iter().filter(|other| *other != id) {
            let refused = proof.verify(&header.transactions_root, other);
            assert_eq!(refused, Err(InclusionError));
        }
        assert_eq!(proof.verify(&header.receipts_root, id), Err(InclusionError));
        assert_eq!(proof.verify(&Hash::default(), id), Err(InclusionError));
    }
    assert_eq!(TransactionProof::new(block, 5), None);
}

#[test]
fn a_header_proves_what_became_of_a_transaction() {
    let (_, batch) = committed();
    let receipts = &batch.receipts;
    let root = batch.block.header().receipts_root;
    for (index, receipt) in receipts.iter().enumerate() {
        let proof = reread(&ReceiptProof::new(receipts, index).unwrap());
        let id = receipt.transaction;
        assert_eq!(proof.verify(&root, &id), Ok(receipt));
        let other = receipts[(index + 1) % 5].transaction;
        assert_eq!(proof.verify(&root, &other), Err(InclusionError));
        for change in [
            |r: &mut Receipt| r.fee += 1,
            |r: &mut Receipt| r.bytes += 1,
            |r: &mut Receipt| {
                r.status = match r.status {
                    Status::Success => Status::Failed {
                        code: FailureCode::NoSuchRecord,
                    },
                    Status::Failed { .. } => Status::Success,
                }
            },
        ] {
            let mut lie = proof.clone();
            change(&mut lie.receipt);
            assert_eq!(lie.verify(&root, &id), Err(InclusionError));
        }
    }
    assert!(matches!(receipts[4].status, Status::Failed { .. }));
    assert_eq!(ReceiptProof::new(receipts, 5), None);
}
