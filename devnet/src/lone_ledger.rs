//! One node's ledger on its disk, driven by hand: what a block costs, apart from consensus and
//! network. Its chain is a real one, signed with the public keys of a devnet.
use crate::builder::Builder;
use crate::chain::{ChainError, Maker};
use lockstep_actors::state_store::Store;
use lockstep_protocol::codec;
use lockstep_protocol::ledger::{AccountProof, ReadError, prove_account};
use lockstep_protocol::nouns::transaction::Transaction;
use lockstep_protocol::types::Address;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The ledger of node 0.
pub struct LoneLedger {
    maker: Maker,
    store: Store,
}

impl Builder {
    /// Opens, or begins, the ledger of node 0 in a data directory below `home`.
    pub fn lone_ledger(&self, home: &Path) -> Result<LoneLedger, ChainError> {
        let opened = Maker::open(self, home, &[0])?;
        let (maker, store) = opened
            .and_then(|(maker, stores)| Some((maker, stores.into_iter().next()?)))
            .ok_or("there is no node 0")?;
        Ok(LoneLedger { maker, store })
    }
}

impl LoneLedger {
    /// Builds the next block of these transactions, each with its sender's key, and commits it.
    /// Returns what its execution and its writing took, together: the signatures count as verified,
    /// as those of transactions that come from a mempool. An error if not all could be included.
    pub fn commit(
        &mut self,
        transactions: Vec<(Transaction, &[u8])>,
    ) -> Result<Duration, ChainError> {
        let Maker { ledger, .. } = &mut self.maker;
        for (transaction, key) in &transactions {
            ledger.note_transaction(&transaction.leaf(), key);
        }
        let count = transactions.len();
        let transactions = transactions.into_iter().map(|(t, _)| t).collect();
        let began = Instant::now();
        let block = self.maker.block(transactions)?;
        let built = began.elapsed();
        if block.block().transactions.len() < count {
            return Err("a transaction cannot stand in the block".into());
        }
        let votes = self.maker.votes(&block)?;
        let certificate = self.maker.certificate(votes.iter())?;
        let batch = self.maker.ledger.commit(&block, Arc::new(certificate))?;
        let began = Instant::now();
        self.store.commit_block(&batch)?;
        self.maker.ledger.committed(&batch);
        Ok(built + began.elapsed())
    }

    /// The bytes of a proof of what the newest state holds of `address`.
    pub fn proof_bytes(&self, address: &Address) -> Result<usize, ReadError> {
        let proof: AccountProof = prove_account(&self.store, address)?;
        Ok(codec::encode(&proof).len())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may panic
mod tests {
    use crate::{Devnet, crowd_address, load_accounts};
    use lockstep_protocol::crypto::SchemeId;

    #[test]
    fn a_block_of_transfers_to_a_crowd_is_committed_and_proofs_grow_with_the_crowd() {
        let scheme = SchemeId::MlDsa65;
        let sender = load_accounts(scheme, 1).unwrap().remove(0);
        let mut proofs = Vec::new();
        for crowd in [1, 1_000] {
            let home = tempfile::tempdir().unwrap();
            let builder = Devnet::builder().scheme(scheme).validators(1);
            let builder = builder.load_accounts(1).crowd(crowd);
            let context = builder.genesis().unwrap().sign_context();
            let mut ledger = builder.lone_ledger(home.path()).unwrap();
            let transfer = |nonce| {
                let to = crowd_address(nonce % crowd);
                sender.transfer(&context, nonce, to, 5).unwrap()
            };
            let signer = sender.signer();
            for nonces in [0..3, 3..6] {
                let transfers = nonces.map(|nonce| (transfer(nonce), signer.public_key()));
                ledger.commit(transfers.collect()).unwrap();
            }
            assert_eq!(ledger.store.head().unwrap().height.0, 2);
            assert_eq!(ledger.maker.ledger.signatures_verified(), 0);
            proofs.push(ledger.proof_bytes(&crowd_address(0)).unwrap());
            let late = vec![(transfer(9), signer.public_key())];
            let refused = ledger.commit(late).unwrap_err().to_string();
            assert_eq!(refused, "a transaction cannot stand in the block");
        }
        assert!(proofs[0] < proofs[1], "{proofs:?}");
    }
}
