//! Proofs for whoever holds a header that validators have certified, and no block: that a
//! transaction stands in the block, and what became of it.
//!
//! A proof names no place in the block. A transaction that stands in a block has been executed by
//! it; whether it did what it says is the receipt's word.
use crate::crypto::merkle::Path;
use crate::ledger::Receipt;
use crate::nouns::block::Block;
use crate::nouns::transaction::Transaction;
use crate::types::Hash;
use borsh::{BorshDeserialize, BorshSerialize};

/// The proof does not lead to this root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the proof does not lead to this root: ask another node, this one lies or serves another block"
)]
pub struct InclusionError;

/// That a transaction stands in a block.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TransactionProof {
    /// What the transaction's id does not cover ([`Transaction::witness`]).
    witness: Hash,
    path: Path,
}

impl TransactionProof {
    /// Of the transaction at `index` of a block, if there is one.
    pub fn new(block: &Block, index: usize) -> Option<TransactionProof> {
        let leaves: Vec<Hash> = block.transactions.iter().map(Transaction::leaf).collect();
        Some(TransactionProof {
            witness: block.transactions.get(index)?.witness(),
            path: Path::new(&leaves, index)?,
        })
    }

    /// Whether the transaction `id` stands in the block whose header has `transactions_root`, with
    /// no other trust than in that header.
    pub fn verify(&self, transactions_root: &Hash, id: &Hash) -> Result<(), InclusionError> {
        let leaf = Transaction::leaf_of(id, &self.witness);
        let leads = self.path.leads(&leaf, transactions_root);
        leads.then_some(()).ok_or(InclusionError)
    }
}

/// What became of a transaction of a block.
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

    /// The receipt of the transaction `id` in the block whose header has `receipts_root`, with no
    /// other trust than in that header. It stands in that block, too.
    pub fn verify(&self, receipts_root: &Hash, id: &Hash) -> Result<&Receipt, InclusionError> {
        let leads = self.path.leads(&self.receipt.leaf(), receipts_root);
        let holds = leads && self.receipt.transaction == *id;
        holds.then_some(&self.receipt).ok_or(InclusionError)
    }
}
