//! Proofs that a block carries a transaction, and that it came to what its receipt says: from the id
//! to the header's root of the transactions, or of the receipts. A commit certificate proves the
//! header; nothing here asks a node.
use super::receipt::Receipt;
use crate::merkle::Path;
use crate::transaction::Transaction;
use crate::types::Hash;
use borsh::{BorshDeserialize, BorshSerialize};

/// The proof does not lead from this transaction to this root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the proof does not lead from this transaction to this root: ask another node")]
pub struct InclusionError;

/// What a transactions root says of one transaction: that it stands in the block.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TransactionProof {
    /// What the id does not cover ([`Transaction::witness`]).
    witness: Hash,
    path: Path,
}

impl TransactionProof {
    /// Of the transaction at `index` of a block's transactions, if there is one.
    pub fn new(transactions: &[Transaction], index: usize) -> Option<TransactionProof> {
        let leaves: Vec<Hash> = transactions.iter().map(Transaction::leaf).collect();
        Some(TransactionProof {
            witness: transactions.get(index)?.witness(),
            path: Path::new(&leaves, index)?,
        })
    }

    /// Whether the block with this transactions root carries the transaction with this id.
    pub fn verify(&self, root: &Hash, id: &Hash) -> Result<(), InclusionError> {
        let leaf = Transaction::leaf_of(id, &self.witness);
        let leads = self.path.leads(&leaf, root);
        leads.then_some(()).ok_or(InclusionError)
    }
}

/// What a receipts root says of one transaction: its receipt.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ReceiptProof {
    /// The claim.
    pub receipt: Receipt,
    path: Path,
}

impl ReceiptProof {
    /// Of the receipt at `index` of a block's receipts, if there is one.
    pub fn new(receipts: &[Receipt], index: usize) -> Option<ReceiptProof> {
        let leaves: Vec<Hash> = receipts.iter().map(Receipt::leaf).collect();
        Some(ReceiptProof {
            receipt: receipts.get(index)?.clone(),
            path: Path::new(&leaves, index)?,
        })
    }

    /// What became of the transaction with this id, in the block with this receipts root.
    pub fn verify(&self, root: &Hash, id: &Hash) -> Result<&Receipt, InclusionError> {
        let leads = self.path.leads(&self.receipt.leaf(), root);
        let is_its = self.receipt.transaction == *id;
        (leads && is_its)
            .then_some(&self.receipt)
            .ok_or(InclusionError)
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::block::Block;
    use crate::ledger::{FailureCode, Status};
    use crate::transaction::{Action, TransactionBody};
    use crate::types::{Address, Height};
    use crate::vote::Signature;

    fn transaction(nonce: u64) -> Transaction {
        Transaction {
            sender: Address([1; 20]),
            body: TransactionBody {
                nonce,
                fee: 1,
                expires_at: Height(9),
                action: Action::Delete { key: vec![1] },
            },
            public_key: None,
            signature: Signature(vec![7; 3]),
        }
    }

    fn receipt(of: &Transaction) -> Receipt {
        let code = FailureCode::NoSuchRecord;
        Receipt {
            transaction: of.id(),
            status: Status::Failed { code },
            fee: 1,
            bytes: 90,
        }
    }

    #[test]
    fn each_transaction_and_receipt_of_a_block_is_proved_and_no_other() {
        for count in 1..10 {
            let transactions: Vec<Transaction> = (0..count).map(transaction).collect();
            let receipts: Vec<Receipt> = transactions.iter().map(receipt).collect();
            let root = Block::transactions_root(&transactions);
            let receipts_root = Block::receipts_root(&receipts);
            let stranger = transaction(99).id();
            for (index, of) in transactions.iter().enumerate() {
                let proof = TransactionProof::new(&transactions, index).unwrap();
                assert_eq!(proof.verify(&root, &of.id()), Ok(()));
                assert_eq!(proof.verify(&root, &stranger), Err(InclusionError));
                assert_eq!(proof.verify(&receipts_root, &of.id()), Err(InclusionError));
                let proof = ReceiptProof::new(&receipts, index).unwrap();
                assert_eq!(proof.verify(&receipts_root, &of.id()), Ok(&receipts[index]));
                assert_eq!(proof.verify(&receipts_root, &stranger), Err(InclusionError));
                assert_eq!(proof.verify(&root, &of.id()), Err(InclusionError));
                let mut lie = proof.clone();
                lie.receipt.status = Status::Success;
                assert_eq!(lie.verify(&receipts_root, &of.id()), Err(InclusionError));
            }
            let beyond = transactions.len();
            assert_eq!(TransactionProof::new(&transactions, beyond), None);
            assert_eq!(ReceiptProof::new(&receipts, beyond), None);
        }
    }
}
