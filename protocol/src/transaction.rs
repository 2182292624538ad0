//! A user's signed wish to change the ledger.
use crate::crypto::{SignatureError, VerifyingKey};
use crate::sign_bytes::SignContext;
use crate::types::{Address, Hash};
use crate::vote::Signature;
use borsh::{BorshDeserialize, BorshSerialize};

/// What a transaction does; one variant per file in `ledger/`.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, serde::Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Action {
    /// Moves `amount` from the sender to `to`.
    Transfer {
        /// Who receives; an account that does not exist yet begins to.
        to: Address,
        /// In the chain's smallest unit.
        amount: u64,
    },
}

/// The part of a transaction that its id and its signature cover.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, serde::Serialize)]
pub struct TransactionBody {
    /// How many transactions of the sender the ledger has executed before this one.
    pub nonce: u64,
    /// What to do.
    pub action: Action,
}

/// A signed transaction.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Transaction {
    /// Who pays and signs.
    pub sender: Address,
    /// What is signed.
    pub body: TransactionBody,
    /// The sender's key: only in the first transaction of an account (the ledger then keeps it).
    #[borsh(deserialize_with = "crate::codec::read_optional_bytes")]
    pub public_key: Option<Vec<u8>>,
    /// Over [`SignContext::transaction`].
    pub signature: Signature,
}

impl Transaction {
    /// Hash of sender and body. Never of the signature: the sender can always make a second one.
    pub fn id(&self) -> Hash {
        Hash::of(&[
            b"lockstep/transaction/v1",
            &crate::codec::encode(&(&self.sender, &self.body)),
        ])
    }

    /// What a block's Merkle root holds of this transaction: the id, and apart from it the hash of
    /// public key and signature. So a block id names every byte of its body, and two bodies that
    /// differ in a signature (one valid, one not) never share an id; and who knows the id proves
    /// that it stands in a block with 32 bytes more than the path.
    pub fn leaf(&self) -> Hash {
        let Hash(witness) = Hash::of(&[
            b"lockstep/witness/v1",
            &crate::codec::encode(&(&self.public_key, &self.signature)),
        ]);
        Hash::of(&[b"lockstep/leaf/v1", &self.id().0, &witness])
    }

    /// Checks the signature by `key`, which the caller has matched to the sender.
    pub fn verify(
        &self,
        key: &dyn VerifyingKey,
        context: &SignContext,
    ) -> Result<(), SignatureError> {
        key.verify(
            &context.transaction(&self.sender, &self.body),
            &self.signature.0,
        )
    }
}
